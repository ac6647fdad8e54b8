//! Making a key known: one line, appended under a lock, and only if nothing else is known.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use russh::keys::PublicKey;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::file::{lines, read_all};
use super::line::{self, Marker};
use super::{Name, RecordError, bytes};

/// How often a file may be replaced by another (`ssh-keygen -R` renames) before we give up.
const TRIES: usize = 16;

/// For other writers to finish; each takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at a lock that somebody else has.
const LOOK: Duration = Duration::from_millis(5);

/// What became of a key that was to be made known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The line was written.
    Written,
    /// Somebody else had written it.
    Already,
}

/// Makes a key known for a host whose key was [`super::Standing::Unknown`].
///
/// Waits up to ten seconds for other writers, so call it where blocking is fine. Two runs that meet the same host
/// write one line; if they met different keys, the second is refused.
pub fn record(file: &Path, name: &Name, key: &PublicKey) -> Result<Recorded, RecordError> {
    // A name with a meaning of its own in the file would vouch for other hosts.
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, ',' | '*' | '?' | '!' | '|' | '#');
    let spelled = name.spelled();
    if spelled.is_empty() || spelled.starts_with('@') || !spelled.chars().all(plain) {
        return Err(RecordError::Name {
            host: spelled.to_owned(),
        });
    }
    let blob = bytes(key)?;
    let unwritable = |error: io::Error| RecordError::Unwritable {
        file: file.to_owned(),
        why: error.to_string(),
    };
    let mut open = locked(file).map_err(unwritable)?;
    let before = read_all(&open, file)?;
    let kind = line::kind_of(&blob);
    for (number, known) in lines(&before, file)? {
        let counts = known.marker != Marker::Authority && known.kind() == kind;
        if counts && known.is_about(spelled) {
            if known.marker == Marker::Plain && *known.blob() == *blob {
                return Ok(Recorded::Already);
            }
            return Err(RecordError::Other {
                file: file.to_owned(),
                line: number,
                host: spelled.to_owned(),
            });
        }
    }
    let ended = before.last().is_none_or(|last| *last == b'\n');
    let start = if ended { "" } else { "\n" };
    let text = format!("{start}{}\n", line::write(name, &blob));
    if let Err(error) = open.write_all(text.as_bytes()) {
        // A full disk may have taken half of it; half a line must not stay.
        let _ = open.set_len(before.len() as u64);
        return Err(unwritable(error));
    }
    Ok(Recorded::Written)
}

/// The file, open at its end and ours alone until it is closed.
fn locked(file: &Path) -> io::Result<File> {
    if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let end = Instant::now() + PATIENCE;
    for _ in 0..TRIES {
        let open = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(file)?;
        while let Err(error) = flock(&open, FlockOperation::NonBlockingLockExclusive) {
            if error != Errno::WOULDBLOCK || Instant::now() >= end {
                return Err(match error {
                    Errno::WOULDBLOCK => io::Error::other("another program keeps it locked"),
                    error => error.into(),
                });
            }
            std::thread::sleep(LOOK);
        }
        // While we waited, the file may have been replaced; ours would be written to nowhere.
        let ours = open.metadata()?;
        match std::fs::metadata(file) {
            Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => {
                return Ok(open);
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("it is replaced again and again"))
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
