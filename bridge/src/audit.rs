//! The audit: one line a record, each with the hash of the line before, so that a line that was
//! changed or taken out is found; sealed with a key, so that nobody else can write one; and the last
//! one's hash goes out with every reply, so that a tail that was cut is found too. Nothing happens
//! whose record could not be written.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use kickout_shared::token::sha256_hex;
use rustix::fs::{FlockOperation, OFlags, flock};
use serde::{Deserialize, Serialize};

use crate::private::NotPrivate;
use crate::token::{KeyId, Refusal};

pub use key::Key;
pub use verify::{Flaw, Sound, verify};

mod key;
mod verify;

/// The longest line, in bytes: names in it are bounded where they come in.
const MAX_LINE: u64 = 64 * 1024;

/// The hash before the first line.
const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// The bridge has started.
    Started {
        /// Its release.
        release: String,
    },
    /// The line before was cut short: the machine stopped while it was written.
    Torn,
    /// Somebody was turned away.
    Refused {
        /// From where.
        peer: String,
        /// With which token, if it named one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<KeyId>,
        /// Why the token does not count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refusal: Option<Refusal>,
        /// What it may not do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        denied: Option<String>,
    },
    /// Something is about to be done.
    Intent {
        /// The controller's name for it.
        operation: String,
        /// From where.
        peer: String,
        /// On whose authority.
        token: KeyId,
        /// SHA-256 of the client's certificate, hex.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<String>,
        /// On which site.
        site: String,
        /// What, in the words of the protocol.
        request: serde_json::Value,
    },
    /// It was done, or not.
    Result {
        /// The controller's name for it.
        operation: String,
        /// What is known: a verdict, or `lost` when the agent ended without one.
        verdict: String,
        /// Users touched, or listed.
        users: u64,
        /// Sessions ended, counted or listed.
        sessions: u64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// Counts from 1.
    n: u64,
    /// SHA-256 of the line before, without its newline; hex.
    prev: String,
    /// Unix seconds.
    at: i64,
    entry: Entry,
    /// HMAC-SHA-256 of the line without this, hex. What writes a line adds it.
    #[serde(skip_serializing)]
    #[expect(dead_code, reason = "looked at as it stands in the line")]
    mac: String,
}

/// Why the audit cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The system said no.
    #[error("cannot {what} the audit {}: {why}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The audit.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Another bridge writes it.
    #[error("another process writes the audit {}", .0.display())]
    Busy(PathBuf),
    /// Its last line is no record, or another bridge's.
    #[error("the audit {} does not end in a record of this bridge", .0.display())]
    Damaged(PathBuf),
    /// Its key is gone, or is none.
    #[error("there are records, and {} holds no key of them", .0.display())]
    NoKey(PathBuf),
    /// Others could have its key.
    #[error("the audit's key {0}")]
    Open(NotPrivate),
}

impl AuditError {
    /// The command that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Io { path, .. } => format!(
                "Nothing is done without a record. Make room for {}, and look at its owner.",
                path.display()
            ),
            Self::Busy(_) => "Stop the other bridge: systemctl status kickout-bridge.".to_owned(),
            Self::Damaged(path) => format!(
                "kickout-bridge audit verify says where; then move {} away and start anew.",
                path.display()
            ),
            Self::NoKey(path) => format!(
                "Restore {0}; or move it and the audit away, and start anew.",
                path.display()
            ),
            Self::Open(NotPrivate { path, .. }) => format!(
                "Move {0} and the audit away, and start anew: others could have written records.",
                path.display()
            ),
        }
    }
}

/// The hash of the last line: what a controller keeps to know later that nothing was taken away.
pub type Head = String;

/// An audit that is being written.
#[derive(Debug)]
pub struct Audit {
    path: PathBuf,
    key: Key,
    file: File,
    n: u64,
    head: Head,
    /// How long it is up to its last whole line; none when what follows could not be taken back.
    size: Option<u64>,
}

/// The file of a state folder's audit.
pub fn file(state: &Path) -> PathBuf {
    state.join("audit.jsonl")
}

impl Audit {
    /// Goes on where it ends; makes it when there is none. A last line that was cut short stays as it
    /// is, and is said to be so.
    pub fn open(path: &Path, now: i64) -> Result<Self, AuditError> {
        let io = |what| {
            move |why| AuditError::Io {
                what,
                path: path.to_owned(),
                why,
            }
        };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)
            .map_err(io("open"))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(AuditError::Busy(path.to_owned()));
        }
        let size = file.metadata().map_err(io("look at"))?.len();
        let key = match Key::read(path)? {
            Some(key) => key,
            None if size == 0 => Key::make(path)?,
            None => return Err(AuditError::NoKey(key::place(path))),
        };
        // The last two lines and a half are enough: a torn one, and a whole one before it.
        let start = size.saturating_sub(3 * MAX_LINE);
        file.seek(SeekFrom::Start(start)).map_err(io("read"))?;
        let mut tail = Vec::new();
        (&file)
            .take(4 * MAX_LINE)
            .read_to_end(&mut tail)
            .map_err(io("read"))?;
        let mut audit = Self {
            path: path.to_owned(),
            key,
            file,
            n: 0,
            head: START.to_owned(),
            size: Some(size),
        };
        let torn = match tail.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => tail.split_off(end + 1),
            None => std::mem::take(&mut tail),
        };
        let last = tail.trim_ascii_end().rsplit(|byte| *byte == b'\n').next();
        if let Some(last) = last.filter(|last| !last.is_empty()) {
            let record = record(last).filter(|_| audit.key.has_sealed(last));
            let record = record.ok_or_else(|| AuditError::Damaged(path.to_owned()))?;
            (audit.n, audit.head) = (record.n, sha256_hex(last));
        }
        if !torn.is_empty() {
            audit.file.write_all(b"\n").map_err(io("write"))?;
            (audit.size, audit.head) = (Some(size + 1), sha256_hex(&torn));
            match record(&torn) {
                // Only its end was missing.
                Some(record) => audit.n = record.n,
                None => drop(audit.append(Entry::Torn, now)?),
            }
        }
        Ok(audit)
    }

    /// Writes a record and waits until it is on the disk. The new head.
    pub fn append(&mut self, entry: Entry, now: i64) -> Result<&Head, AuditError> {
        let record = Record {
            n: self.n + 1,
            prev: self.head.clone(),
            at: now,
            entry,
            mac: String::new(),
        };
        let (head, size) = self.write(&record).map_err(|why| AuditError::Io {
            what: "write",
            path: self.path.clone(),
            why,
        })?;
        (self.n, self.head, self.size) = (record.n, head, Some(size));
        Ok(&self.head)
    }

    fn write(&mut self, record: &Record) -> io::Result<(Head, u64)> {
        let mut line = self.key.seal(serde_json::to_vec(record)?);
        let head = sha256_hex(&line);
        line.push(b'\n');
        let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "the record is too long");
        let before = self.size.ok_or_else(|| io::Error::other("it is damaged"))?;
        if line.len() as u64 > MAX_LINE {
            return Err(too_long());
        }
        let written = self
            .file
            .write_all(&line)
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // A part of a line is no record; what follows it would be none either.
            self.size = self.file.set_len(before).ok().map(|()| before);
            return Err(error);
        }
        Ok((head, before + line.len() as u64))
    }

    /// The hash of the last line.
    pub fn head(&self) -> &Head {
        &self.head
    }
}

fn record(line: &[u8]) -> Option<Record> {
    serde_json::from_slice(line).ok()
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
