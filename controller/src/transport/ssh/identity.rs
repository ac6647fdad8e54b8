//! Whether a host is who it should be, and what it may ask of us: the one place that answers russh's
//! questions. Everything that is not a clear yes is no.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use russh::client::{ChannelOpenHandle, Handler, Msg, Session};
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, Error};

use super::error::SshError;
use super::known_hosts::{self, KnownHost, Name, RecordError, Standing};

/// How much of a login banner is kept for an error text, in bytes.
const BANNER: usize = 2 * 1024;

/// What ends the connection of a server that opens a channel to us.
const UNASKED: Error = Error::WrongChannel;

/// What is known of the host that is being connected to.
pub(super) struct Identity {
    pub(super) known: KnownHost,
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
    async fn judge(&self, shown: &PublicKeyOrCertificate) -> Result<String, SshError> {
        match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.judge_key(key).await,
            PublicKeyOrCertificate::Certificate(certificate) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                let now = now.map(|it| it.as_secs()).unwrap_or_default();
                match self.known.certificate(certificate, now)? {
                    Ok(Standing::Known) => Ok("its certificate is valid".to_owned()),
                    Ok(standing) => {
                        let key = PublicKey::from(certificate.public_key().clone());
                        self.judge_standing(standing, &key).await
                    }
                    Err(error) => Err(SshError::Certificate {
                        place: self.place.clone(),
                        error,
                    }),
                }
            }
        }
    }

    async fn judge_key(&self, key: &PublicKey) -> Result<String, SshError> {
        self.judge_standing(self.known.key(key)?, key).await
    }

    async fn judge_standing(
        &self,
        standing: Standing,
        key: &PublicKey,
    ) -> Result<String, SshError> {
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
                name: self.known.name().spelled().to_owned(),
            }),
            Standing::Unknown => match &self.accept_new {
                Some(file) => {
                    let name = self.known.name().clone();
                    recorded(file.clone(), name, key.clone()).await?;
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

/// Records a key, off the loop: other writers are waited for.
async fn recorded(file: PathBuf, name: Name, key: PublicKey) -> Result<(), SshError> {
    let shown = file.clone();
    let recording = tokio::task::spawn_blocking(move || known_hosts::record(&file, &name, &key));
    let done = recording.await.unwrap_or_else(|error| {
        Err(RecordError::Unwritable {
            file: shown,
            why: error.to_string(),
        })
    });
    Ok(done.map(drop)?)
}

impl Handler for Identity {
    type Error = Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let refusal = match self.judge(shown).await {
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

    async fn auth_banner(&mut self, text: &str, _session: &mut Session) -> Result<(), Self::Error> {
        if let Ok(mut banner) = self.said.banner.lock() {
            let room = BANNER.saturating_sub(banner.len());
            banner.extend(text.chars().take(room));
        }
        Ok(())
    }

    // Nothing is forwarded, so that no honest server opens a channel to us; russh would accept
    // every one, and keep an account of it. Whoever tries is left.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _connected: &str,
        _connected_port: u32,
        _originator: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        Err(UNASKED)
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        Err(UNASKED)
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        Err(UNASKED)
    }

    async fn should_accept_unknown_server_channel(
        &mut self,
        _id: russh::ChannelId,
        _kind: &str,
    ) -> bool {
        // It goes to `server_channel_open_unknown`, which ends the connection.
        true
    }

    async fn server_channel_open_unknown(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        Err(UNASKED)
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        Err(UNASKED)
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _host: &str,
        _port: u32,
        _originator: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        Err(UNASKED)
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _path: &str,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        Err(UNASKED)
    }

    async fn server_channel_open_x11(
        &mut self,
        _channel: Channel<Msg>,
        _originator: &str,
        _originator_port: u32,
        _reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        Err(UNASKED)
    }
}
