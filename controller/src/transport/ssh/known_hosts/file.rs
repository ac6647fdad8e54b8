//! Reading a known hosts file: whole, bounded, and never waiting for a writer. What was read is
//! kept for as long as the file stays as it was.

use std::collections::HashMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::OFlags;

use super::KnownHostsError;
use super::line::{self, Line, Read};

/// A line for a host takes some 120 bytes: room for a quarter of a million.
const MAX_FILE: u64 = 32 * 1024 * 1024;

/// The entries of a file, with their line numbers.
pub(super) type Entries = Arc<[(usize, Line)]>;

/// The files that were read in this run: a fleet asks for the same ones at every host.
#[derive(Debug, Clone, Default)]
pub struct Files(Arc<Mutex<HashMap<PathBuf, (Stamp, Entries)>>>);

/// What changes with a file: where it lies on the disk, its size, and when it was written.
#[derive(Debug, PartialEq, Eq)]
struct Stamp([u64; 3], [i64; 4]);

impl Stamp {
    fn of(it: &Metadata) -> Self {
        let times = [it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec()];
        Self([it.dev(), it.ino(), it.size()], times)
    }
}

impl Files {
    /// The entries of a file; none when it is not there.
    pub(super) fn entries(&self, file: &Path) -> Result<Entries, KnownHostsError> {
        let unreadable = |why: String| KnownHostsError::Unreadable {
            file: file.to_owned(),
            why,
        };
        // Without waiting: a pipe nobody writes to must not hold the run.
        let flags = i32::try_from((OFlags::NONBLOCK | OFlags::CLOEXEC).bits()).unwrap_or_default();
        let open = match OpenOptions::new().read(true).custom_flags(flags).open(file) {
            Ok(open) => open,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Entries::default()),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let stamp = open.metadata().map(|it| Stamp::of(&it));
        let stamp = stamp.map_err(|error| unreadable(error.to_string()))?;
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, entries)) = read.get(file).filter(|(known, _)| *known == stamp) {
            return Ok(entries.clone());
        }
        let entries: Entries = lines(&read_all(&open, file)?, file)?.into();
        read.insert(file.to_owned(), (stamp, entries.clone()));
        Ok(entries)
    }
}

/// Reads an open file to its end, bounded.
pub(super) fn read_all(open: &File, file: &Path) -> Result<Vec<u8>, KnownHostsError> {
    let unreadable = |why: String| KnownHostsError::Unreadable {
        file: file.to_owned(),
        why,
    };
    let kind = open
        .metadata()
        .map_err(|error| unreadable(error.to_string()))?;
    // `/dev/null` is how many configurations say "no file".
    if !kind.is_file() && !kind.file_type().is_char_device() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    let too_large = || KnownHostsError::TooLarge {
        file: file.to_owned(),
        limit: MAX_FILE,
    };
    // What says how long it is need not be read to be refused.
    if kind.len() > MAX_FILE {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    let read = open.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large());
    }
    Ok(bytes)
}

/// The entries of a file, with their line numbers.
pub(super) fn lines(bytes: &[u8], file: &Path) -> Result<Vec<(usize, Line)>, KnownHostsError> {
    let mut lines = Vec::new();
    for (index, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
        // Names and keys are ASCII; a comment may be anything.
        match line::read(&String::from_utf8_lossy(text)) {
            Read::Line(line) => lines.push((index + 1, line)),
            Read::Nothing | Read::Damaged => {}
            Read::DamagedRevocation => {
                return Err(KnownHostsError::Revocation {
                    file: file.to_owned(),
                    line: index + 1,
                });
            }
        }
    }
    Ok(lines)
}
