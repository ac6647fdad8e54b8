//! Reads one configuration file: bounded, never hanging, and saying who may read it when we may not.
//! Knows nothing of PHP or WordPress.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Largest configuration file that is read, in bytes; a real `wp-config.php` has about 4 KB.
pub(crate) const MAX_CONFIG_BYTES: u64 = 8 * 1024 * 1024;

/// `O_NONBLOCK` of Linux on every architecture the agent is built for: opening a FIFO that has no
/// writer returns instead of waiting for one.
const O_NONBLOCK: i32 = 0o4000;

/// Why a file of the site could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The file looked for.
        path: PathBuf,
    },
    /// The file's permissions keep this process out.
    #[error(
        "{who} cannot read {} (owner {owner}, mode {mode:04o}). Try --sudo or log in as {owner}.",
        path.display()
    )]
    Denied {
        /// Who we are: a name from `/etc/passwd`, else the uid.
        who: String,
        /// The file, or the first directory on the way that may not be entered.
        path: PathBuf,
        /// Owner's name from `/etc/passwd`, else the uid.
        owner: String,
        /// Permission bits.
        mode: u32,
    },
    /// Not a regular file.
    #[error("{} is a {kind}, not a file", path.display())]
    Kind {
        /// The path that was opened.
        path: PathBuf,
        /// What stands there: `directory`, `FIFO`, `device`, `socket`.
        kind: &'static str,
    },
    /// Larger than any configuration.
    #[error("{} has {size} bytes: enormous for a configuration (limit {MAX_CONFIG_BYTES})", path.display())]
    Enormous {
        /// The file.
        path: PathBuf,
        /// Its size in bytes, at least.
        size: u64,
    },
    /// The system call failed for another reason.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ReadError {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Missing { path } => {
                format!("Create {} or pass --path=<WordPress root>.", path.display())
            }
            // Said in the sentence itself.
            Self::Denied { .. } => String::new(),
            Self::Kind { path, .. } => {
                format!(
                    "Put a regular file at {} or pass --path=<WordPress root>.",
                    path.display()
                )
            }
            Self::Enormous { path, .. } => {
                format!(
                    "Check {}: it does not look like a configuration.",
                    path.display()
                )
            }
            Self::Io { path, .. } => format!("Check {} and its file system.", path.display()),
        }
    }
}

/// The bytes of a regular file of at most `limit` bytes. Symlinks are followed, as PHP does.
pub(crate) fn file(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let (mut open, facts) = open(path, limit)?;
    let mut bytes = Vec::with_capacity(usize::try_from(facts.len()).unwrap_or(0));
    // The file may grow while it is read; the cap holds all the same.
    let read = (&mut open).take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|source| failure(path, source))?;
    let size = bytes.len() as u64;
    if size > limit {
        let path = path.to_owned();
        return Err(ReadError::Enormous { path, size });
    }
    Ok(bytes)
}

/// The same as it was when it was opened, with its facts from then; for thousands of files, with one
/// buffer for all and no call that is not needed.
pub(crate) fn snapshot<'b>(
    path: &Path,
    limit: u64,
    buffer: &'b mut Vec<u8>,
) -> Result<(&'b [u8], Metadata), ReadError> {
    let (mut open, facts) = open(path, limit)?;
    let size = usize::try_from(facts.len()).unwrap_or(usize::MAX);
    if buffer.len() < size {
        buffer.resize(size, 0);
    }
    let mut filled = 0;
    while filled < size {
        match open.read(&mut buffer[filled..size]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(failure(path, source)),
        }
    }
    Ok((&buffer[..filled], facts))
}

/// The first `limit` bytes of a regular file.
pub(crate) fn head(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let (open, _) = open(path, u64::MAX)?;
    let mut bytes = Vec::new();
    open.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|source| failure(path, source))?;
    Ok(bytes)
}

fn open(path: &Path, limit: u64) -> Result<(File, Metadata), ReadError> {
    let open = OpenOptions::new()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open(path);
    let open = open.map_err(|source| failure(path, source))?;
    let facts = open.metadata().map_err(|source| failure(path, source))?;
    let kind = facts.file_type();
    if !kind.is_file() {
        let kind = if kind.is_dir() {
            "directory"
        } else if kind.is_fifo() {
            "FIFO"
        } else if kind.is_socket() {
            "socket"
        } else {
            "device"
        };
        return Err(ReadError::Kind {
            path: path.to_owned(),
            kind,
        });
    }
    if facts.len() > limit {
        return Err(ReadError::Enormous {
            path: path.to_owned(),
            size: facts.len(),
        });
    }
    Ok((open, facts))
}

pub(crate) fn failure(path: &Path, source: io::Error) -> ReadError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing { path },
        io::ErrorKind::PermissionDenied => denied(path),
        // A socket cannot be opened at all: ENXIO.
        _ if fs::metadata(&path).is_ok_and(|facts| facts.file_type().is_socket()) => {
            ReadError::Kind {
                path,
                kind: "socket",
            }
        }
        _ => ReadError::Io { path, source },
    }
}

/// Names the nearest thing on the way whose facts can be read: the file itself, or the directory
/// that may not be entered.
fn denied(path: PathBuf) -> ReadError {
    let passwd = Path::new("/etc/passwd");
    let who = name_of(passwd, rustix::process::geteuid().as_raw());
    for place in path.ancestors() {
        if let Ok(facts) = fs::metadata(place) {
            return ReadError::Denied {
                who,
                path: place.to_owned(),
                owner: name_of(passwd, facts.uid()),
                mode: facts.mode() & 0o7777,
            };
        }
    }
    ReadError::Denied {
        who,
        path,
        owner: "its owner".into(),
        mode: 0,
    }
}

/// The name beside a number in `/etc/passwd`, read as text: the static agent never
/// calls `getpwnam`, which would load foreign NSS modules. Falls back to the number.
fn name_of(table: &Path, id: u32) -> String {
    let number = id.to_string();
    let bytes = file(table, 1024 * 1024).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let name = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(&number)).then(|| name.to_owned())
    });
    name.unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn odd_files_are_errors_that_do_not_hang() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let socket = dir.path().join("socket");
        let _bound = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let rows: [(&Path, &str); 5] = [
            (&fifo, "is a FIFO"),
            (&socket, "is a socket"),
            (dir.path(), "is a directory"),
            (Path::new("/dev/zero"), "is a device"),
            (&dir.path().join("none"), "does not exist"),
        ];
        for (path, want) in rows {
            let error = file(path, 100).unwrap_err();
            assert!(error.to_string().contains(want), "{error}");
            assert!(!error.fix().is_empty());
        }
    }

    #[test]
    fn the_cap_holds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big");
        fs::write(&path, [b'x'; 101]).unwrap();
        assert!(matches!(
            file(&path, 100),
            Err(ReadError::Enormous { size: 101, .. })
        ));
        assert_eq!(file(&path, 101).unwrap().len(), 101);
    }

    #[test]
    fn a_refusal_names_owner_and_mode() {
        let error = denied(PathBuf::from("/etc/passwd"));
        assert_eq!(
            error.to_string(),
            format!(
                "{} cannot read /etc/passwd (owner root, mode 0644). Try --sudo or log in as root.",
                name_of(
                    Path::new("/etc/passwd"),
                    rustix::process::geteuid().as_raw()
                )
            )
        );
        assert_eq!(
            name_of(Path::new("/etc/passwd"), 4_000_000_001),
            "4000000001"
        );
    }
}
