//! Logging in: the agent's keys, key files and certificates, then what only a person can answer.
//! Stops at the first success: asking again after it would hang.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use russh::MethodKind;
use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg};
use tokio::time::{Instant, timeout_at};

use super::dial::{late, words};
use super::error::SshError;
use super::identity::Identity;
use super::keys::{Key, Keys};
use super::settings::{IdentityAgent, Method, Settings};
use crate::transport::Ask;

/// For everything but the time a person takes to answer.
const LOGIN: Duration = Duration::from_secs(15);

/// Keys that are offered: most servers hang up after six failures.
const OFFERS: usize = 6;

/// One login.
pub(super) struct Login<'a> {
    pub(super) handle: &'a mut Handle<Identity>,
    pub(super) settings: &'a Settings,
    pub(super) keys: &'a Keys,
    pub(super) ask: Option<&'a Ask>,
    pub(super) place: String,
    /// Whether a key was named for this very host.
    pub(super) files_first: bool,
    /// Whether this is a host on the way to another.
    pub(super) hop: bool,
}

/// How far a login is.
pub(super) struct Progress {
    pub(super) deadline: Instant,
    pub(super) remaining: Vec<MethodKind>,
    pub(super) tried: Vec<String>,
    offers: usize,
    locked: bool,
    /// The best signature of RSA keys, once it was asked for.
    rsa: Option<HashAlg>,
}

impl Progress {
    /// Takes an answer of the server; whether it let us in.
    pub(super) fn take(&mut self, answer: AuthResult) -> bool {
        match answer {
            AuthResult::Success => true,
            AuthResult::Failure {
                remaining_methods, ..
            } => {
                self.remaining = remaining_methods.to_vec();
                false
            }
        }
    }

    pub(super) fn may(&self, method: MethodKind) -> bool {
        self.remaining.contains(&method)
    }
}

impl Login<'_> {
    /// Logs in and says with what, or says what was tried.
    pub(super) async fn run(mut self) -> Result<String, SshError> {
        let user = self.settings.user.to_string();
        let mut progress = Progress {
            deadline: Instant::now() + LOGIN,
            remaining: Vec::new(),
            tried: Vec::new(),
            offers: 0,
            locked: false,
            rsa: None,
        };
        // The server's list of methods costs one round trip and spares many.
        let answer = self
            .within(&progress, |handle| handle.authenticate_none(user.clone()))
            .await?;
        if progress.take(answer) {
            return Ok("no proof asked for".to_owned());
        }
        for method in &self.settings.methods {
            let done = match method {
                Method::PublicKey => self.with_keys(&user, &mut progress).await?,
                Method::KeyboardInteractive => self.with_answers(&user, &mut progress).await?,
                Method::Password => self.with_password(&user, &mut progress).await?,
            };
            if done {
                return Ok(progress.tried.pop().unwrap_or_default());
            }
        }
        let ended = progress.remaining.is_empty() && self.handle.is_closed();
        let tried = match progress.tried.is_empty() {
            true if ended => "it ended the login".to_owned(),
            true => "no key to offer".to_owned(),
            false => format!("tried {}", progress.tried.join(", ")),
        };
        let wants: Vec<&str> = progress.remaining.iter().map(Into::into).collect();
        let tried = match wants.is_empty() {
            true => tried,
            false => format!("{tried}; it wants {}", wants.join(" or ")),
        };
        Err(SshError::Refused {
            place: self.place,
            user,
            tried,
            locked: progress.locked,
            hop: self.hop,
        })
    }

    /// One exchange with the server, within the time that is left.
    pub(super) async fn within<'h, T, F>(
        &'h mut self,
        progress: &Progress,
        call: impl FnOnce(&'h mut Handle<Identity>) -> F,
    ) -> Result<T, SshError>
    where
        F: Future<Output = Result<T, russh::Error>>,
    {
        let place = self.place.clone();
        match timeout_at(progress.deadline, call(self.handle)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(SshError::Handshake {
                place,
                why: words(&error),
            }),
            Err(_) => Err(late(place, "logging in", LOGIN)),
        }
    }

    /// The operator's keys: those of the files when they were named, else the agent's first.
    async fn with_keys(&mut self, user: &str, progress: &mut Progress) -> Result<bool, SshError> {
        if !progress.may(MethodKind::PublicKey) {
            return Ok(false);
        }
        // A key that was named is meant; an agent with many would use up the server's patience.
        if self.settings.identities_only || self.files_first {
            return Ok(
                self.with_files(user, progress).await? || self.with_agent(user, progress).await?
            );
        }
        Ok(self.with_agent(user, progress).await? || self.with_files(user, progress).await?)
    }

    async fn with_agent(&mut self, user: &str, progress: &mut Progress) -> Result<bool, SshError> {
        let socket = match &self.settings.identity_agent {
            IdentityAgent::None => return Ok(false),
            IdentityAgent::Default(socket) | IdentityAgent::Path(socket) => socket.clone(),
        };
        let asking = async {
            let mut agent = AgentClient::connect_uds(&socket).await?;
            let identities = agent.request_identities().await?;
            Ok::<_, russh::keys::Error>((agent, identities))
        };
        let found = timeout_at(progress.deadline, asking).await;
        let Ok(Ok((mut agent, mut identities))) = found else {
            // A dead socket is common and no reason to give up the key files.
            progress
                .tried
                .push("an agent that does not answer".to_owned());
            return Ok(false);
        };
        if self.settings.identities_only {
            let named = self.keys.public(&self.settings.identity_files);
            identities.retain(|identity| named.contains(identity.public_key().key_data()));
        }
        let count = identities.len();
        for identity in identities {
            if progress.offers >= OFFERS {
                break;
            }
            progress.offers += 1;
            let algorithm = identity.public_key().algorithm();
            let hash = self.hash(&algorithm, progress).await?;
            let signing = async {
                match identity {
                    AgentIdentity::PublicKey { key, .. } => {
                        let handle = &mut *self.handle;
                        handle
                            .authenticate_publickey_with(user, key, hash, &mut agent)
                            .await
                    }
                    AgentIdentity::Certificate { certificate, .. } => {
                        let handle = &mut *self.handle;
                        handle
                            .authenticate_certificate_with(user, certificate, hash, &mut agent)
                            .await
                    }
                }
            };
            match timeout_at(progress.deadline, signing).await {
                Ok(Ok(answer)) if progress.take(answer.clone()) => {
                    progress.tried.push("a key of the agent".to_owned());
                    return Ok(true);
                }
                // A key that the agent will not use; the next may do.
                Ok(_) => {}
                Err(_) => return Err(late(self.place.clone(), "logging in", LOGIN)),
            }
            if !progress.may(MethodKind::PublicKey) {
                break;
            }
        }
        if count > 0 {
            progress.tried.push(match count {
                1 => "1 key of the agent".to_owned(),
                count => format!("{} of {count} keys of the agent", progress.offers),
            });
        }
        Ok(false)
    }

    async fn with_files(&mut self, user: &str, progress: &mut Progress) -> Result<bool, SshError> {
        let files = self.settings.identity_files.clone();
        for file in files {
            if progress.offers >= OFFERS || !progress.may(MethodKind::PublicKey) {
                break;
            }
            let started = Instant::now();
            let found = self.keys.open(&file, self.ask).await;
            // A person may think about a passphrase for as long as it takes.
            progress.deadline += started.elapsed();
            let key = match found {
                Key::Missing => continue,
                Key::Locked => {
                    progress.locked = true;
                    progress.tried.push(format!("{} (locked)", shown(&file)));
                    continue;
                }
                Key::Unusable(why) => {
                    progress.tried.push(format!("{} ({why})", shown(&file)));
                    continue;
                }
                Key::Open(key) => key,
            };
            progress.tried.push(shown(&file));
            for certificate in self
                .keys
                .certificates(&file, &self.settings.certificate_files)
            {
                if certificate.public_key() != key.public_key().key_data() {
                    continue;
                }
                progress.offers += 1;
                let key = key.clone();
                let answer = self.within(progress, |handle| {
                    handle.authenticate_openssh_cert(user, key, certificate)
                });
                let answer = answer.await?;
                if progress.take(answer) {
                    return Ok(true);
                }
            }
            progress.offers += 1;
            let hash = self.hash(&key.algorithm(), progress).await?;
            let key = PrivateKeyWithHashAlg::new(Arc::clone(&key), hash);
            let answer = self.within(progress, |handle| handle.authenticate_publickey(user, key));
            let answer = answer.await?;
            if progress.take(answer) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a key signs with, where that is a question: an RSA key with the best that the server
    /// takes. Asked once, and only for such a key: a server that does not say it takes a second.
    async fn hash(
        &mut self,
        algorithm: &Algorithm,
        progress: &mut Progress,
    ) -> Result<Option<HashAlg>, SshError> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Ok(None);
        }
        if progress.rsa.is_none() {
            let best = self.within(progress, |handle| handle.best_supported_rsa_hash());
            // A server that says nothing of it is older than the question: SHA-512 since 2016.
            progress.rsa = best.await?.unwrap_or(Some(HashAlg::Sha512));
        }
        Ok(progress.rsa)
    }
}

fn shown(file: &Path) -> String {
    file.display().to_string()
}
