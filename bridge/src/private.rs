//! Files and folders that are ours alone: secrets in others are none any more.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::{fmt, io};

use rustix::fs::OFlags;

/// What others could read or change. Each error that has it says what mends it there.
#[derive(Debug)]
pub struct NotPrivate {
    /// Where it is.
    pub path: PathBuf,
    /// Its owner.
    pub uid: u32,
    /// Its permissions.
    pub mode: u32,
}

impl fmt::Display for NotPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, uid, mode } = self;
        let path = path.display();
        write!(f, "{path} is not private: owner {uid}, mode {mode:04o}")
    }
}

impl NotPrivate {
    /// Says so of what has these facts.
    pub(crate) fn of(path: &Path, facts: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            uid: facts.uid(),
            mode: facts.mode() & 0o7777,
        }
    }
}

/// Whether it is our own.
pub(crate) fn is_own(facts: &Metadata) -> bool {
    facts.uid() == rustix::process::geteuid().as_raw()
}

/// Whether nobody but its owner may read or change it, and that is us or root.
pub(crate) fn is_private(facts: &Metadata) -> bool {
    facts.mode() & 0o077 == 0 && (is_own(facts) || facts.uid() == 0)
}

/// Why there is nothing to be read.
pub(crate) enum Unread {
    /// Others could read or change it.
    Open(NotPrivate),
    /// The system said no, to this.
    Io(&'static str, io::Error),
}

/// What is in a file, up to so many bytes; none where there is no file. One that others could read or
/// change is an error.
pub(crate) fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Unread> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let open = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match open {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(Unread::Io("open", why)),
    };
    let facts = file.metadata().map_err(|why| Unread::Io("look at", why))?;
    if !facts.is_file() || !is_private(&facts) {
        return Err(Unread::Open(NotPrivate::of(path, &facts)));
    }
    let mut bytes = Vec::new();
    let read = file.take(most).read_to_end(&mut bytes);
    read.map_err(|why| Unread::Io("read", why))?;
    Ok(Some(bytes))
}

/// The permissions of what nobody else may read.
pub(crate) const OURS: u32 = 0o600;

/// Puts a file in the place of one, or of none: whoever reads has the old or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let new = beside(path, "new");
    let _ = fs::remove_file(&new);
    let written = || {
        let mut file = create(&new, true)?;
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    written().inspect_err(|_| drop(fs::remove_file(&new)))
}

/// A name beside it.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(format!(".{ending}"));
    name.into()
}

/// A file to write to.
pub(crate) fn create(path: &Path, new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .mode(OURS)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    match new {
        true => options.create_new(true),
        false => options.create(true).truncate(false),
    };
    options.open(path)
}
