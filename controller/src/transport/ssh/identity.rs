//! Whether a host is who it should be: the one place that answers russh's question about a key.
//! Everything that is not a clear yes is no.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use russh::client::Handler;
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};

use super::error::SshError;
use super::known_hosts::{self, KnownHosts, Name, Standing};

/// How much of a login banner is kept for an error text, in bytes.
const BANNER: usize = 2 * 1024;

/// What is known of the host that is being connected to.
pub(super) struct Identity {
    pub(super) known: KnownHosts,
    pub(super) name: Name,
    /// Host and port, for texts.
    pub(super) place: String,
    /// The command that shows the host's keys.
    pub(super) scan: String,
    /// Where a new key is recorded; `None` refuses new keys.
    pub(super) accept_new: Option<PathBuf>,
    pub(super) said: Arc<Said>,
}

/// What the host was told and has said, for the errors of those who wait for it.
#[derive(Default)]
pub(super) struct Said {
    /// Why its identity was refused.
    refusal: Mutex<Option<SshError>>,
    /// The key or certificate that was accepted.
    accepted: Mutex<String>,
    /// Its login banner, cut.
    banner: Mutex<String>,
}

impl Said {
    /// Why the identity was refused, once.
    pub(super) fn refusal(&self) -> Option<SshError> {
        self.refusal.lock().ok()?.take()
    }

    /// The key that was accepted, and why.
    pub(super) fn accepted(&self) -> String {
        self.accepted
            .lock()
            .map(|it| it.clone())
            .unwrap_or_default()
    }

    /// What the server greeted with.
    pub(super) fn banner(&self) -> String {
        self.banner.lock().map(|it| it.clone()).unwrap_or_default()
    }
}

impl Identity {
    fn judge(&self, shown: &PublicKeyOrCertificate) -> Result<String, SshError> {
        match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.judge_key(key),
            PublicKeyOrCertificate::Certificate(certificate) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                let now = now.map(|it| it.as_secs()).unwrap_or_default();
                match self.known.certificate(&self.name, certificate, now)? {
                    Ok(Standing::Known) => Ok("its certificate is valid".to_owned()),
                    Ok(standing) => self.judge_standing(
                        standing,
                        &PublicKey::from(certificate.public_key().clone()),
                    ),
                    Err(error) => Err(SshError::Certificate {
                        place: self.place.clone(),
                        error,
                    }),
                }
            }
        }
    }

    fn judge_key(&self, key: &PublicKey) -> Result<String, SshError> {
        self.judge_standing(self.known.key(&self.name, key)?, key)
    }

    fn judge_standing(&self, standing: Standing, key: &PublicKey) -> Result<String, SshError> {
        let place = self.place.clone();
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        match standing {
            Standing::Known => Ok(format!("{fingerprint} is known")),
            Standing::Revoked { file, line } => Err(SshError::RevokedKey { place, file, line }),
            Standing::Changed { file, line } => Err(SshError::ChangedKey {
                place,
                fingerprint,
                file,
                line,
                name: self.name.spelled().to_owned(),
            }),
            Standing::Unknown => match &self.accept_new {
                Some(file) => {
                    known_hosts::record(file, &self.name, key)?;
                    Ok(format!(
                        "{fingerprint} is new, recorded in {}",
                        file.display()
                    ))
                }
                None => Err(SshError::UnknownKey {
                    place,
                    algorithm: key.algorithm().to_string(),
                    fingerprint,
                    scan: self.scan.clone(),
                }),
            },
        }
    }
}

impl Handler for Identity {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let refusal = match self.judge(shown) {
            Ok(accepted) => {
                if let Ok(mut place) = self.said.accepted.lock() {
                    *place = accepted;
                }
                return Ok(true);
            }
            Err(refusal) => refusal,
        };
        if let Ok(mut place) = self.said.refusal.lock() {
            *place = Some(refusal);
        }
        Ok(false)
    }

    async fn auth_banner(
        &mut self,
        text: &str,
        _session: &mut russh::client::Session,
    ) -> Result<(), Self::Error> {
        if let Ok(mut banner) = self.said.banner.lock() {
            let room = BANNER.saturating_sub(banner.len());
            banner.extend(text.chars().take(room));
        }
        Ok(())
    }
}
