//! Which agent goes to a target: one that `kickout` carries, chosen by architecture, or a file the
//! operator named.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

mod embedded {
    //! The agents built into this program (`build.rs`).
    include!(concat!(env!("OUT_DIR"), "/agents.rs"));
}

/// Why there is no agent for a target.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// None for this architecture.
    #[error("this kickout carries no agent for {arch} (it carries: {})", carried(.known))]
    Architecture {
        /// As in `uname -m`.
        arch: String,
        /// Those it does carry.
        known: Vec<&'static str>,
    },
    /// The file that was named.
    #[error("cannot read the agent {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
}

fn carried(known: &[&str]) -> String {
    if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    }
}

impl DeliverError {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Architecture { arch, .. } => format!(
                "Give one with --agent=<file>, or build kickout with KICKOUT_AGENTS=<dir> holding \
                 kickout-agent-{arch}."
            ),
            Self::File { .. } => "Leave --agent out to use the one kickout carries.".to_owned(),
        }
    }
}

/// The agents that may be sent: those that kickout carries, or one file that the operator named
/// for every target.
#[derive(Debug, Clone)]
pub struct Agents {
    named: Option<Vec<u8>>,
    /// Made when a host first asks, and then for all hosts: hashing takes milliseconds.
    offers: OnceLock<Vec<Offer>>,
}

/// An agent as a host is told of it.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// As in `uname -m`; `any` for one that was named.
    pub(crate) arch: &'static str,
    /// Its SHA-256, in hex.
    pub(crate) hash: String,
    /// Its size in bytes.
    pub(crate) size: usize,
}

impl Agents {
    /// Reads the named file once; without a name, the carried ones.
    pub fn new(named: Option<&Path>) -> Result<Self, DeliverError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|why| DeliverError::File {
                path: path.to_owned(),
                why,
            })
        };
        let named = named.map(read).transpose()?;
        Ok(Self {
            named,
            offers: OnceLock::new(),
        })
    }

    /// Every agent that may be sent.
    pub(crate) fn offers(&self) -> &[Offer] {
        let offer = |(arch, bytes): (&'static str, &[u8])| Offer {
            arch,
            hash: sha256(bytes),
            size: bytes.len(),
        };
        self.offers.get_or_init(|| match &self.named {
            Some(bytes) => vec![offer(("any", bytes))],
            None => embedded::AGENTS.iter().copied().map(offer).collect(),
        })
    }

    /// How the agent for an architecture is offered.
    pub(crate) fn offer(&self, arch: &str) -> Result<&Offer, DeliverError> {
        let fits = |offer: &&Offer| [arch, "any"].contains(&offer.arch);
        self.offers().iter().find(fits).ok_or_else(|| missing(arch))
    }

    /// The agent for an architecture, as in `uname -m`.
    pub fn get(&self, arch: &str) -> Result<&[u8], DeliverError> {
        if let Some(named) = &self.named {
            return Ok(named);
        }
        let own = embedded::AGENTS.iter().find(|(known, _)| *known == arch);
        own.map(|(_, bytes)| *bytes).ok_or_else(|| missing(arch))
    }
}

fn missing(arch: &str) -> DeliverError {
    DeliverError::Architecture {
        arch: arch.to_owned(),
        known: architectures().collect(),
    }
}

/// The SHA-256 of bytes, in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The architectures that this program carries an agent for.
pub fn architectures() -> impl Iterator<Item = &'static str> {
    embedded::AGENTS.iter().map(|(arch, _)| *arch)
}
