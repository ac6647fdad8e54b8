//! Bearer tokens: what one looks like, what is stored of it, and whether it counts now. Knows no
//! HTTP; a token is shown once, when it is made, and never again.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kickout_shared::token::sha256_hex;
use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::authority::Grant;
use crate::private::{self, NotPrivate, OURS, Unread};

/// What every token begins with: scanners of secrets find it in files that should not have it.
pub const PREFIX: &str = "kob";

/// The longest life of a token, in seconds.
pub const MAX_LIFE: i64 = 90 * DAY;

/// In seconds.
pub const DAY: i64 = 24 * 60 * 60;

const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// The largest file of tokens; each has about 500 bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// What is compared with when there is no token of that name: it takes the same time.
const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Tells one token from all others, in lists and in the audit; no secret.
pub type KeyId = String;

/// What is stored of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// Its name.
    pub id: KeyId,
    /// SHA-256 of its secret, hex. The secret has 256 random bits: no slow hash is needed.
    pub sha256: String,
    /// What the operator calls it.
    pub label: String,
    /// What it may do.
    pub grant: Grant,
    /// When it was made; Unix seconds.
    pub created: i64,
    /// The first second in which it does not count any more.
    pub expires: i64,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<i64>,
    /// SHA-256 of the only client certificate it counts with, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// That certificate is enough: nobody has the secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
}

/// Why a token does not count. For the audit: a client hears the same word each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It does not look like one.
    Malformed,
    /// There is none of this name.
    Unknown,
    /// Its secret is another.
    Wrong,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// It came without its certificate.
    Certificate,
}

/// Why tokens cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Somebody else could read or change the file.
    #[error("{0}")]
    Open(NotPrivate),
    /// It is no list of tokens.
    #[error("{} holds no list of tokens: {why}", path.display())]
    Damaged {
        /// The file of tokens.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The system said no.
    #[error("cannot {what} {}: {why}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file of tokens, or its lock.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// A life that is too long, or none.
    #[error("a token lives at least a second and at most 90 days")]
    Life,
    /// No token of this name.
    #[error("there is no token {0}")]
    Unknown(KeyId),
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl TokenError {
    /// The command that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Open(NotPrivate { path, .. }) => format!(
                "chmod 600 {0}, and chown it to the account of the bridge. If others could read \
                 it, only hashes were there; if they could change it, look at every token.",
                path.display()
            ),
            Self::Damaged { path, .. } => {
                format!(
                    "Restore {}, or remove it and make new tokens.",
                    path.display()
                )
            }
            Self::Io { path, .. } => format!("Look at {} and its folder.", path.display()),
            Self::Life => "Give --expires-in=<days>d, at most 90d.".to_owned(),
            Self::Unknown(_) => "kickout-bridge token list names them.".to_owned(),
            Self::Random => "Try again once the system has started up.".to_owned(),
        }
    }
}

/// A token as it is shown, once.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Its text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Stored {
    /// Whether its time is now, and it was not revoked.
    pub fn counts(&self, now: i64) -> Result<(), Refusal> {
        if self.revoked.is_some() {
            return Err(Refusal::Revoked);
        }
        match (self.created..self.expires).contains(&now) {
            true => Ok(()),
            false => Err(Refusal::Expired),
        }
    }

    /// Whole days until it ends.
    pub fn days_left(&self, now: i64) -> i64 {
        (self.expires - now).max(0) / DAY
    }

    /// A new token that counts from `now` on for `life` seconds.
    pub fn new(
        label: String,
        grant: Grant,
        certificate: Option<String>,
        now: i64,
        life: i64,
    ) -> Result<(Self, Secret), TokenError> {
        if !(1..=MAX_LIFE).contains(&life) {
            return Err(TokenError::Life);
        }
        let mut id = [0; ID_BYTES];
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        let random = SystemRandom::new();
        random.fill(&mut id).map_err(|_| TokenError::Random)?;
        random.fill(&mut *secret).map_err(|_| TokenError::Random)?;
        let id = hex(&id);
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.as_slice()));
        let stored = Self {
            sha256: sha256_hex(secret.as_bytes()),
            label,
            grant,
            created: now,
            expires: now.saturating_add(life),
            revoked: None,
            certificate,
            alone: false,
            id: id.clone(),
        };
        let text = format!("{PREFIX}_{id}_{}", &*secret);
        Ok((stored, Secret(Zeroizing::new(text))))
    }
}

/// The token that was presented, if it counts now: with this client certificate, if any (SHA-256,
/// hex). Where nothing was presented, the one for which that certificate is enough. The time it takes
/// does not depend on how much of a secret is right.
pub fn check<'t>(
    tokens: &'t [Stored],
    presented: &str,
    certificate: Option<&str>,
    now: i64,
) -> Result<&'t Stored, Refusal> {
    if presented.is_empty() {
        let mut refusal = Refusal::Malformed;
        for token in tokens.iter().filter(|it| it.alone) {
            if certificate.is_some() && token.certificate.as_deref() == certificate {
                match token.counts(now) {
                    Ok(()) => return Ok(token),
                    Err(why) => refusal = why,
                }
            }
        }
        return Err(refusal);
    }
    let (id, secret) = parts(presented).ok_or(Refusal::Malformed)?;
    let found = tokens.iter().find(|token| token.id == id);
    let wanted = found.map_or(NOBODY, |token| &token.sha256);
    let own = sha256_hex(secret.as_bytes());
    let equal: bool = own.as_bytes().ct_eq(wanted.as_bytes()).into();
    let token = found.ok_or(Refusal::Unknown)?;
    if !equal {
        return Err(Refusal::Wrong);
    }
    token.counts(now)?;
    match &token.certificate {
        Some(bound) if certificate != Some(bound) => Err(Refusal::Certificate),
        _ => Ok(token),
    }
}

/// `kob_<id>_<secret>`
fn parts(presented: &str) -> Option<(&str, &str)> {
    let (id, secret) = presented
        .strip_prefix(PREFIX)?
        .strip_prefix('_')?
        .split_once('_')?;
    (id.len() == 2 * ID_BYTES && secret.len() == SECRET_LENGTH).then_some((id, secret))
}

/// 32 bytes in base64 without padding.
const SECRET_LENGTH: usize = 43;

/// The file of tokens.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    tokens: Vec<Stored>,
}

impl Store {
    /// That of a state folder.
    pub fn of(state: &Path) -> Self {
        Self::at(state.join("tokens.json"))
    }

    /// The file at this path; it need not be there yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Every token. A file that others could read or change is an error, none at all is no token.
    pub fn read(&self) -> Result<Vec<Stored>, TokenError> {
        let read = private::read(&self.path, MAX_FILE).map_err(|error| match error {
            Unread::Open(open) => TokenError::Open(open),
            Unread::Io(what, why) => self.io(what, why),
        })?;
        let Some(text) = read else {
            return Ok(Vec::new());
        };
        let document: Document =
            serde_json::from_slice(&text).map_err(|why| self.damaged(why.to_string()))?;
        let hashed = |token: &Stored| token.sha256.len() == NOBODY.len();
        match document.tokens.iter().find(|token| !hashed(token)) {
            Some(token) => Err(self.damaged(format!("the hash of {} is none", token.id))),
            None => Ok(document.tokens),
        }
    }

    /// Changes the list, or leaves it as it was: whoever reads sees the old or the new one, and two
    /// changes never meet.
    pub fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Stored>) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let lock = private::beside(&self.path, "lock");
        let held = private::create(&lock, false).map_err(|why| io_of("open", &lock, why))?;
        flock(&held, FlockOperation::LockExclusive)
            .map_err(|why| io_of("lock", &lock, why.into()))?;
        let mut tokens = self.read()?;
        let changed = change(&mut tokens)?;
        let written = serde_json::to_vec_pretty(&Document { tokens })
            .map_err(io::Error::from)
            .and_then(|text| private::replace(&self.path, &text, OURS));
        written.map_err(|why| self.io("write", why))?;
        Ok(changed)
    }

    fn io(&self, what: &'static str, why: io::Error) -> TokenError {
        io_of(what, &self.path, why)
    }

    fn damaged(&self, why: String) -> TokenError {
        let path = self.path.clone();
        TokenError::Damaged { path, why }
    }
}

fn io_of(what: &'static str, path: &Path, why: io::Error) -> TokenError {
    let path = path.to_owned();
    TokenError::Io { what, path, why }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
