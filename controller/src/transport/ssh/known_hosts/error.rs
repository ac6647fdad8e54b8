//! Why the files of known hosts, or a certificate, cannot be relied on; each refuses the host.

use std::path::PathBuf;

/// The files cannot be read as a whole. Nothing is known about any host then.
#[derive(Debug, thiserror::Error)]
pub enum KnownHostsError {
    /// The file is there and cannot be read.
    #[error("the known hosts file {} cannot be read: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
    /// The file is larger than any list of hosts.
    #[error("the known hosts file {} is larger than {limit} bytes", file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// What is read at most.
        limit: u64,
    },
    /// A line revokes a key, but which one cannot be read.
    #[error("line {line} of {} revokes a key that cannot be read", file.display())]
    Revocation {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The key itself has no form in which it could be looked up.
    #[error("the key of the host cannot be written down: {why}")]
    Key {
        /// What the library says.
        why: String,
    },
}

impl KnownHostsError {
    /// What mends it.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            Self::Unreadable { file, .. } => {
                format!("Make it readable: chmod u+r {}", file.display())
            }
            Self::TooLarge { .. } => {
                "Name a smaller one with UserKnownHostsFile in your ssh configuration.".to_owned()
            }
            Self::Revocation { file, line } => {
                format!("Mend or remove line {line} of {}.", file.display())
            }
            Self::Key { .. } => "Give the host an ed25519 key.".to_owned(),
        }
    }
}

/// An authority the files trust has signed the certificate, and it still is not good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It is one of a user.
    #[error("the certificate that {host} shows is not one of a host")]
    NotOfHost {
        /// The host as it was asked for.
        host: String,
    },
    /// It names other hosts, or none.
    #[error("the certificate that {host} shows does not name it")]
    Principal {
        /// The host as it was asked for.
        host: String,
    },
    /// It is used too early.
    #[error("the certificate that {host} shows is not valid yet")]
    Early {
        /// The host as it was asked for.
        host: String,
    },
    /// It is used too late.
    #[error("the certificate that {host} shows has expired")]
    Expired {
        /// The host as it was asked for.
        host: String,
    },
    /// It has conditions; none is defined for hosts.
    #[error("the certificate that {host} shows has critical options")]
    Options {
        /// The host as it was asked for.
        host: String,
    },
    /// The authority did not sign it, or with an algorithm that proves nothing any more.
    #[error("the signature on the certificate that {host} shows is not good")]
    Signature {
        /// The host as it was asked for.
        host: String,
    },
}

impl CertificateError {
    /// What mends it.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            Self::NotOfHost { host } | Self::Principal { host } => {
                format!("Sign the host's key again: ssh-keygen -s <ca> -I <id> -h -n {host} <key>")
            }
            Self::Early { .. } => {
                "Check the clocks of this machine and of the authority.".to_owned()
            }
            Self::Expired { host } => format!(
                "Sign the host's key again: ssh-keygen -s <ca> -I <id> -h -n {host} -V <time> <key>"
            ),
            Self::Options { .. } => "Sign the host's key again without options (-O).".to_owned(),
            Self::Signature { .. } => {
                "Sign the host's key again with ed25519, ECDSA or rsa-sha2-512 (ssh-keygen -t)."
                    .to_owned()
            }
        }
    }
}

/// A key could not be made known.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Another key of this type is known, so this is no first contact.
    #[error("line {line} of {} has another key for {host}", file.display())]
    Other {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The host as the file spells it.
        host: String,
    },
    /// The name would be read as something else in the file.
    #[error("{host:?} cannot be written into a known hosts file")]
    Name {
        /// The host.
        host: String,
    },
    /// The file cannot be written.
    #[error("the known hosts file {} cannot be written: {why}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
    /// What is there cannot be relied on.
    #[error(transparent)]
    Read(#[from] KnownHostsError),
}

impl RecordError {
    /// What mends it.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            Self::Other { file, host, .. } => {
                let file = file.display();
                format!("If the new key is right: ssh-keygen -R '{host}' -f {file}")
            }
            Self::Name { .. } => "Set HostKeyAlias to a plain name.".to_owned(),
            Self::Unwritable { file, .. } => {
                format!(
                    "Make it writable, or add the key by hand: {}",
                    file.display()
                )
            }
            Self::Read(error) => error.fix(),
        }
    }
}
