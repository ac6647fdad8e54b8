//! Why no agent answers over ssh, what mends it, and which exit code it is.

use std::path::PathBuf;

use super::args::SshArgsError;
use super::known_hosts::{CertificateError, KnownHostsError, RecordError};
use super::settings::SettingsError;
use crate::deliver::DeliverError;
use crate::exit::Exit;

/// Why there is no agent on a host.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// The configuration, before anything was contacted.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The words of `--ssh-args`.
    #[error(transparent)]
    Args(#[from] SshArgsError),
    /// The known-hosts files: unreadable is no.
    #[error(transparent)]
    KnownHosts(#[from] KnownHostsError),
    /// A new key could not be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// No address, nothing listening, or no answer.
    #[error("cannot connect to {place}: {why}")]
    Connect {
        /// Host and port.
        place: String,
        /// What happened.
        why: String,
    },
    /// A stage took too long.
    #[error("{place}: no answer within {seconds} seconds while {what}")]
    Late {
        /// Host and port.
        place: String,
        /// The stage.
        what: &'static str,
        /// Its deadline.
        seconds: u64,
    },
    /// The protocol failed before a login.
    #[error("{place} does not complete the ssh handshake: {why}")]
    Handshake {
        /// Host and port.
        place: String,
        /// What the library said.
        why: String,
    },
    /// It hung up before it showed a key: busy (`MaxStartups`), or it does not want us at all.
    #[error("{place} closed the connection before the login ({attempts} attempts)")]
    Dropped {
        /// Host and port.
        place: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The host's key is not known.
    #[error("the host key of {place} is not known ({algorithm} {fingerprint})")]
    UnknownKey {
        /// Host and port.
        place: String,
        /// As in known_hosts.
        algorithm: String,
        /// `SHA256:…`
        fingerprint: String,
        /// The command that shows the host's keys.
        scan: String,
    },
    /// Another key is known.
    #[error("the host key of {place} has CHANGED: it is {fingerprint} now, not the one in {file}:{line}", file = file.display())]
    ChangedKey {
        /// Host and port.
        place: String,
        /// `SHA256:…`
        fingerprint: String,
        /// Where the known one stands.
        file: PathBuf,
        /// Its line.
        line: usize,
        /// The host as `ssh-keygen -R` takes it.
        name: String,
    },
    /// The key is marked as revoked.
    #[error("the host key of {place} is REVOKED by {file}:{line}", file = file.display())]
    RevokedKey {
        /// Host and port.
        place: String,
        /// Where.
        file: PathBuf,
        /// Its line.
        line: usize,
    },
    /// A host certificate that proves nothing.
    #[error("{place}: {error}")]
    Certificate {
        /// Host and port.
        place: String,
        /// What is wrong with it.
        error: CertificateError,
    },
    /// Nobody was let in.
    #[error("{place} refused the login of {user} ({tried})")]
    Refused {
        /// Host and port.
        place: String,
        /// The account.
        user: String,
        /// What was tried.
        tried: String,
        /// Whether a key was left out because nobody could be asked for its passphrase.
        locked: bool,
        /// Whether it is a host on the way to another.
        hop: bool,
    },
    /// Logged in, but no channel or no command.
    #[error("{place} refused to start a command: {why}")]
    Channel {
        /// Host and port.
        place: String,
        /// What it said.
        why: String,
    },
    /// The host has no agent, and none can be put there.
    #[error("no place for the agent on {place}: {why}")]
    NoPlace {
        /// Host and port.
        place: String,
        /// Why each directory would not do.
        why: String,
    },
    /// The shell line ended in something else.
    #[error("the agent did not start on {place}: {why}")]
    NotStarted {
        /// Host and port.
        place: String,
        /// What was seen instead.
        why: String,
    },
    /// `sudo` said no.
    #[error("sudo on {place} does not let {user} become {target}: {why}")]
    Sudo {
        /// Host and port.
        place: String,
        /// Who asked.
        user: String,
        /// Whom to become.
        target: String,
        /// What it said.
        why: String,
    },
    /// No agent for the host's architecture.
    #[error("{place}: {error}")]
    Deliver {
        /// Host and port.
        place: String,
        /// Why.
        error: DeliverError,
    },
}

impl SshError {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::Args(_) => Exit::Usage,
            Self::KnownHosts(_)
            | Self::Record(_)
            | Self::UnknownKey { .. }
            | Self::ChangedKey { .. }
            | Self::RevokedKey { .. }
            | Self::Certificate { .. } => Exit::Identity,
            Self::Connect { .. }
            | Self::Late { .. }
            | Self::Handshake { .. }
            | Self::Dropped { .. }
            | Self::Refused { .. }
            | Self::Channel { .. }
            | Self::NoPlace { .. }
            | Self::NotStarted { .. }
            | Self::Sudo { .. }
            | Self::Deliver { .. } => Exit::Unreachable,
        }
    }

    /// Adds what the server greeted with: often it says why nobody may log in.
    pub(super) fn greeted(self, banner: &str) -> Self {
        match self {
            Self::Refused {
                place,
                user,
                tried,
                locked,
                hop,
            } if !banner.trim().is_empty() => Self::Refused {
                place,
                user,
                tried: format!("{tried}; it says: {}", banner.trim()),
                locked,
                hop,
            },
            other => other,
        }
    }

    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Settings(error) => error.fix(),
            Self::Args(error) => error.fix(),
            Self::KnownHosts(error) => error.fix(),
            Self::Connect { .. } => {
                "Check the name and the port, and that the host is up.".to_owned()
            }
            Self::Late { .. } => "The host is slow or stuck: try `ssh` to it yourself.".to_owned(),
            Self::Handshake { .. } => {
                "Check that an ssh server listens there: `ssh -v` shows its side.".to_owned()
            }
            Self::Dropped { .. } => {
                "It may be busy or have blocked this address: lower --parallel, raise MaxStartups \
                 in its sshd_config, or look at its log."
                    .to_owned()
            }
            Self::UnknownKey { scan, .. } => format!(
                "Compare the fingerprint with the host's owner, then add it: `{scan} >> \
                 ~/.ssh/known_hosts`, or run again with --accept-new-host-keys."
            ),
            Self::ChangedKey { name, file, .. } => format!(
                "Somebody may be in between. Ask the host's owner; if the change is meant: \
                 `ssh-keygen -R '{name}' -f '{}'`, then add the new key.",
                file.display()
            ),
            Self::RevokedKey { .. } => {
                "Do not use this host until its owner has given it a new key.".to_owned()
            }
            Self::Certificate { error, .. } => error.fix(),
            Self::Record(error) => error.fix(),
            Self::Refused { locked: true, .. } => {
                "Unlock the key first (`ssh-add`), or run kickout on a terminal.".to_owned()
            }
            Self::Refused {
                place, hop: true, ..
            } => format!(
                "Add your public key there (`ssh-copy-id`), name another account for it: \
                 --ssh-args=-J<user>@{place}, or its key in your ssh configuration (IdentityFile)."
            ),
            Self::Refused { place, .. } => format!(
                "Add your public key there (`ssh-copy-id`), or name another account or key: \
                 --ssh=<user>@{place}, --ssh-args=-i<file>."
            ),
            Self::Channel { .. } | Self::NotStarted { .. } => {
                "The account must be allowed to run commands over ssh: no ForceCommand, no nologin \
                 shell, and a login script that neither asks nor waits."
                    .to_owned()
            }
            Self::NoPlace { .. } => {
                "Make one writable that allows programs: ~/.cache, /tmp or /var/tmp.".to_owned()
            }
            Self::Sudo { .. } => {
                "Allow it in /etc/sudoers without a password, or run kickout on a terminal, where \
                 it asks for one."
                    .to_owned()
            }
            Self::Deliver { error, .. } => error.fix(),
        }
    }
}
