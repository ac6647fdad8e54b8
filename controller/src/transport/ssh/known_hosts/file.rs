//! Reading a known hosts file: whole, bounded, and never waiting for a writer.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use super::KnownHostsError;
use super::line::{self, Line, Read};

/// A line for a host takes some 120 bytes: room for a quarter of a million.
const MAX_FILE: u64 = 32 * 1024 * 1024;

/// The file's bytes, or none when it is not there.
pub(super) fn text(file: &Path) -> Result<Vec<u8>, KnownHostsError> {
    let unreadable = |why: String| KnownHostsError::Unreadable {
        file: file.to_owned(),
        why,
    };
    // Without waiting: a pipe nobody writes to must not hold the run.
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::CLOEXEC).bits()).unwrap_or_default();
    let open = match OpenOptions::new().read(true).custom_flags(flags).open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    read_all(&open, file)
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
