//! The audit's key, which seals each record: who has not got it can write none. It lies beside the
//! audit; the front cannot read it.

use std::path::{Path, PathBuf};

use ring::hmac::{self, HMAC_SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use super::AuditError;
use crate::private::{self, OURS, Unread};
use crate::token::hex;

const KEY_BYTES: usize = 32;

/// What stands between a record and its seal, and after it.
const MIDDLE: &[u8] = br#","mac":""#;
const END: &[u8] = br#""}"#;

/// How long a seal is, with what is around it.
const SEAL: usize = MIDDLE.len() + 2 * KEY_BYTES + END.len();

/// The key of an audit.
#[derive(Debug)]
pub struct Key(hmac::Key);

impl Key {
    /// That of the audit at this path; none where there is none.
    pub fn read(audit: &Path) -> Result<Option<Self>, AuditError> {
        let path = place(audit);
        let bytes = private::read(&path, KEY_BYTES as u64 + 1).map_err(|error| match error {
            Unread::Open(open) => AuditError::Open(open),
            Unread::Io(what, why) => AuditError::Io {
                what,
                path: path.clone(),
                why,
            },
        })?;
        match bytes.map(Zeroizing::new) {
            None => Ok(None),
            Some(bytes) if bytes.len() == KEY_BYTES => Ok(Some(Self::of(&bytes))),
            Some(_) => Err(AuditError::NoKey(path)),
        }
    }

    /// A new one for the audit at this path.
    pub(super) fn make(audit: &Path) -> Result<Self, AuditError> {
        let path = place(audit);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let random = SystemRandom::new().fill(&mut *bytes);
        let made = random
            .map_err(|_| std::io::Error::other("the system gives no random numbers"))
            .and_then(|()| private::replace(&path, &*bytes, OURS));
        let what = "make";
        made.map_err(|why| AuditError::Io { what, path, why })?;
        Ok(Self::of(&*bytes))
    }

    fn of(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, bytes))
    }

    /// A record with its seal.
    pub(super) fn seal(&self, mut record: Vec<u8>) -> Vec<u8> {
        let seal = hex(hmac::sign(&self.0, &record).as_ref());
        record.pop();
        [&record, MIDDLE, seal.as_bytes(), END].concat()
    }

    /// Whether a line is sealed with it.
    pub(super) fn has_sealed(&self, line: &[u8]) -> bool {
        let Some(start) = line.len().checked_sub(SEAL) else {
            return false;
        };
        self.seal([&line[..start], b"}"].concat()) == line
    }
}

/// Where the key of an audit lies.
pub(super) fn place(audit: &Path) -> PathBuf {
    audit.with_extension("key")
}
