//! What the last search of a site's code found, and whether it still holds: every file and folder it
//! looked at has the times, size and place it had. Written only by us, to a folder nobody else
//! enters; where that cannot be, nothing is kept.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Metadata, OpenOptions};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kickout_shared::version;
use rustix::fs::OFlags;

use super::{Finding, FindingKind};

/// Fewer paths are read again sooner than a file about them is worth its place.
const WORTH: usize = 500;

/// The largest file that is read back; 50,000 paths have about 2 MB.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What changed this recently may change again within the same tick of its file system's clock.
const SETTLED: Duration = Duration::from_secs(2);

/// Kept no longer than agents are.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const KINDS: [FindingKind; 6] = [
    FindingKind::ManagerFilter,
    FindingKind::ManagerClass,
    FindingKind::PluggableAuth,
    FindingKind::MetadataAnswer,
    FindingKind::MetadataFilter,
    FindingKind::Unsearched,
];

/// What a search found that would find the same now.
pub struct Known {
    /// Where it looked.
    pub(super) roots: Vec<PathBuf>,
    /// What it found.
    pub(super) findings: Vec<Finding>,
}

/// The state of a file or folder, links followed; none of what is not there.
#[derive(Hash)]
pub(super) struct Stamp(Option<[i64; 8]>);

impl Stamp {
    /// The change time cannot be set back by who changes a file; its modification time can.
    pub(super) fn of(facts: Option<&Metadata>) -> Self {
        Self(facts.map(|facts| {
            [
                facts.ctime(),
                facts.ctime_nsec(),
                facts.mtime(),
                facts.mtime_nsec(),
                facts.dev().cast_signed(),
                facts.ino().cast_signed(),
                facts.size().cast_signed(),
                i64::from(facts.mode()),
            ]
        }))
    }
}

/// The stamps of everything a search looked at, taken before it was read.
#[derive(Default)]
pub(super) struct Stamps {
    paths: Vec<PathBuf>,
    /// Paths whose stamp has not been seen; `lost` counts as one that never will be.
    open: usize,
    sum: u64,
    /// Seconds since 1970.
    youngest: i64,
}

impl Stamps {
    /// One more path is looked at. Its place.
    pub(super) fn expect(&mut self, path: &Path) -> usize {
        self.open += 1;
        self.paths.push(path.to_owned());
        self.paths.len() - 1
    }

    /// The stamp of the path at this place.
    pub(super) fn saw(&mut self, at: usize, stamp: Stamp) {
        self.open -= 1;
        self.sum = self.sum.wrapping_add(summand(at, &stamp));
        if let Some([changed, _, modified, ..]) = stamp.0 {
            self.youngest = self.youngest.max(changed).max(modified);
        }
    }

    /// Something could not be looked at.
    pub(super) fn lost(&mut self) {
        self.open += 1;
    }

    /// Themselves, if they are of everything and it was left alone for a while before.
    pub(super) fn before(self, began: SystemTime) -> Option<Self> {
        let settled = began
            .duration_since(UNIX_EPOCH)
            .ok()?
            .checked_sub(SETTLED)?;
        let settled = i64::try_from(settled.as_secs()).ok()?;
        (self.open == 0 && self.youngest < settled && self.paths.len() >= WORTH).then_some(self)
    }
}

/// In any order: files are read by several threads.
fn summand(at: usize, stamp: &Stamp) -> u64 {
    hash(&(at, stamp))
}

fn hash(what: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// What is known of the site with this content folder and still holds.
pub fn recall(content: &Path) -> Option<Known> {
    recall_from(&folder(), content)
}

/// Keeps what was found for the next run. That it could not is no loss.
pub(super) fn keep(content: &Path, roots: &[PathBuf], findings: &[Finding], stamps: &Stamps) {
    let _ = keep_in(&folder(), content, &encode(roots, findings, stamps));
}

/// One of the places agents lie in, so that who removes those removes this. It outlives a reboot, and
/// is in nobody's home, which may be a web root.
fn folder() -> PathBuf {
    let uid = rustix::process::geteuid().as_raw();
    PathBuf::from(format!("/var/tmp/.kickout-{uid}"))
}

fn name(content: &Path) -> String {
    format!("code-{:016x}", hash(&content))
}

fn ours(facts: &Metadata) -> bool {
    facts.uid() == rustix::process::geteuid().as_raw() && facts.mode() & 0o077 == 0
}

fn private(folder: &Path) -> bool {
    // Not through a link: its target would be somebody's choice.
    fs::symlink_metadata(folder).is_ok_and(|facts| facts.is_dir() && ours(&facts))
}

fn recall_from(folder: &Path, content: &Path) -> Option<Known> {
    if !private(folder) {
        return None;
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).ok()?)
        .open(folder.join(name(content)))
        .ok()?;
    let facts = file.metadata().ok()?;
    if !facts.is_file() || !ours(&facts) || facts.len() > MAX_BYTES {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    decode(&bytes)
}

fn keep_in(folder: &Path, content: &Path, bytes: &[u8]) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ if !private(folder) => return Err(io::ErrorKind::PermissionDenied.into()),
        _ => {}
    }
    let old = |entry: &fs::DirEntry| {
        let age = entry.metadata().and_then(|facts| facts.modified());
        let age = age.map(|modified| modified.elapsed().unwrap_or_default());
        entry.file_name().as_bytes().starts_with(b"code-") && age.is_ok_and(|age| age > MAX_AGE)
    };
    for entry in fs::read_dir(folder)?.flatten().filter(old) {
        let _ = fs::remove_file(entry.path());
    }
    // Our process id: two agents of one account may search at once.
    let new = folder.join(format!(".new-code-{}", std::process::id()));
    let _ = fs::remove_file(&new);
    let written = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(bytes)?;
        fs::rename(&new, folder.join(name(content)))
    };
    written().inspect_err(|_| drop(fs::remove_file(&new)))
}

/// Fields that end in NUL, as paths hold none: whose format, the hash of what follows, the sum of
/// all stamps, the roots, the findings, and each path as the length it shares with the one before
/// and the rest.
fn encode(roots: &[PathBuf], findings: &[Finding], stamps: &Stamps) -> Vec<u8> {
    let mut body = Vec::new();
    let mut put = |field: &[u8]| {
        body.extend_from_slice(field);
        body.push(0);
    };
    put(stamps.sum.to_string().as_bytes());
    put(roots.len().to_string().as_bytes());
    for root in roots {
        put(root.as_os_str().as_bytes());
    }
    put(findings.len().to_string().as_bytes());
    for Finding { kind, file, line } in findings {
        let kind = KINDS.iter().position(|known| known == kind);
        put(kind.unwrap_or(KINDS.len()).to_string().as_bytes());
        put(line.to_string().as_bytes());
        put(file.as_os_str().as_bytes());
    }
    let mut before: &[u8] = &[];
    for path in &stamps.paths {
        let path = path.as_os_str().as_bytes();
        let shared = before.iter().zip(path).take_while(|(a, b)| a == b).count();
        put(shared.to_string().as_bytes());
        put(&path[shared..]);
        before = path;
    }
    let mut bytes = head(&body).into_bytes();
    bytes.extend(body);
    bytes
}

fn head(body: &[u8]) -> String {
    format!("kickout-code\0{}\0{}\0", version::RELEASE, hash(&body))
}

/// What was kept, if everything it is about is still as it was.
fn decode(bytes: &[u8]) -> Option<Known> {
    let body = bytes.splitn(4, |byte| *byte == 0).nth(3)?;
    if !bytes.starts_with(head(body).as_bytes()) {
        return None;
    }
    let mut fields = Fields(body);
    let sum: u64 = fields.number()?;
    let mut roots = Vec::new();
    for _ in 0..fields.number()? {
        roots.push(path(fields.next()?));
    }
    let mut findings = Vec::new();
    for _ in 0..fields.number()? {
        findings.push(Finding {
            kind: *KINDS.get(fields.number::<usize>()?)?,
            line: fields.number()?,
            file: path(fields.next()?),
        });
    }
    let mut seen = 0u64;
    let mut at = 0;
    let mut path = Vec::new();
    while !fields.0.is_empty() {
        path.truncate(fields.number()?);
        path.extend_from_slice(fields.next()?);
        let facts = fs::metadata(OsStr::from_bytes(&path)).ok();
        seen = seen.wrapping_add(summand(at, &Stamp::of(facts.as_ref())));
        at += 1;
    }
    (seen == sum).then_some(Known { roots, findings })
}

fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

/// What is left of the fields.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let (field, rest) = self.0.split_at(end);
        self.0 = &rest[1..];
        Some(field)
    }

    fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        std::str::from_utf8(self.next()?).ok()?.parse().ok()
    }
}

#[cfg(test)]
#[path = "known_tests.rs"]
mod tests;
