//! Which agent goes to a target, or which bridge: one that `kickout` carries, chosen by architecture,
//! or a file the operator named.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kickout_shared::token::sha256_hex;

mod embedded {
    //! The programs built into this one (`build.rs`).
    include!(concat!(env!("OUT_DIR"), "/agents.rs"));
}

/// Why there is no agent for a target.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// None for this architecture.
    #[error("this kickout carries no {kind} for {} (it carries: {})", named(.arch), carried(.known))]
    Architecture {
        /// What was to be sent.
        kind: Kind,
        /// As in `uname -m`.
        arch: String,
        /// Those it does carry.
        known: Vec<&'static str>,
    },
    /// The file that was named is a program of another machine.
    #[error("the {kind} {path} is for {is}, not for {}", named(.arch))]
    Other {
        /// What was to be sent.
        kind: Kind,
        /// Which.
        path: PathBuf,
        /// What it is for.
        is: &'static str,
        /// What it is needed for, as in `uname -m`.
        arch: String,
    },
    /// The file that was named.
    #[error("cannot read the {kind} {path}: {why}")]
    File {
        /// What was to be sent.
        kind: Kind,
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
}

/// What is sent to a host, and started there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What works on sites.
    Agent,
    /// What installs itself, and serves.
    Bridge,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.option())
    }
}

impl Kind {
    /// What is carried of it: architecture, SHA-256, bytes.
    fn carried(self) -> &'static [(&'static str, &'static str, &'static [u8])] {
        match self {
            Self::Agent => embedded::AGENTS,
            Self::Bridge => embedded::BRIDGES,
        }
    }

    /// Its word, which is also the option that names another.
    fn option(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Bridge => "bridge",
        }
    }
}

/// The architectures that `packaging/agents` builds for.
const SUPPORTED: [&str; 2] = ["x86_64", "aarch64"];

fn named(arch: &str) -> &str {
    if arch.is_empty() {
        "a machine that does not name its architecture"
    } else {
        arch
    }
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
            Self::Architecture { kind, arch, .. } if SUPPORTED.contains(&arch.as_str()) => format!(
                "packaging/agents builds kickout-{kind}-{arch}: give it with --{kind}=<file>, or \
                 build kickout with KICKOUT_AGENTS=<its folder>."
            ),
            Self::Other { kind, arch, .. } if SUPPORTED.contains(&arch.as_str()) => format!(
                "Leave --{kind} out, or name kickout-{kind}-{arch}, which packaging/agents builds."
            ),
            // What a host says is not repeated in a command to type.
            Self::Architecture { kind, .. } | Self::Other { kind, .. } => format!(
                "Kickout supports {}. {} of your own for another machine goes with --{kind}=<file>.",
                SUPPORTED.join(" and "),
                match kind {
                    Kind::Agent => "An agent",
                    Kind::Bridge => "A bridge",
                }
            ),
            Self::File { kind, .. } => {
                format!("Leave --{kind} out to use the one kickout carries.")
            }
        }
    }
}

/// The agents that may be sent: those that kickout carries, or one file that the operator named
/// for every target.
#[derive(Debug, Clone)]
pub struct Agents {
    kind: Kind,
    named: Option<Named>,
    /// Made when a host first asks, and then for all hosts: hashing a named one takes milliseconds.
    offers: OnceLock<Vec<Offer>>,
}

/// The file that the operator named.
#[derive(Debug, Clone)]
struct Named {
    path: PathBuf,
    bytes: Vec<u8>,
    /// What it is for, when that is one of ours; `None` for a script, say.
    arch: Option<&'static str>,
}

/// The machine of a Linux program, as its ELF header has it; only those that are supported.
fn machine(program: &[u8]) -> Option<&'static str> {
    let little_endian = program.starts_with(b"\x7fELF") && program.get(5) == Some(&1);
    match program.get(18..20) {
        Some([62, 0]) if little_endian => Some("x86_64"),
        Some([183, 0]) if little_endian => Some("aarch64"),
        _ => None,
    }
}

/// An agent as a host is told of it.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// As in `uname -m`; `any` for one that was named and does not tell.
    pub(crate) arch: &'static str,
    /// Its SHA-256, in hex.
    pub(crate) hash: String,
    /// Its size in bytes.
    pub(crate) size: usize,
}

impl Agents {
    /// Agents: reads the named file once; without a name, the carried ones.
    pub fn new(named: Option<&Path>) -> Result<Self, DeliverError> {
        Self::of(Kind::Agent, named)
    }

    /// Programs of a kind, likewise.
    pub fn of(kind: Kind, named: Option<&Path>) -> Result<Self, DeliverError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|why| DeliverError::File {
                kind,
                path: path.to_owned(),
                why,
            })
        };
        let named = named.map(|path| {
            read(path).map(|bytes| Named {
                path: path.to_owned(),
                arch: machine(&bytes),
                bytes,
            })
        });
        let named = named.transpose()?;
        Ok(Self {
            kind,
            named,
            offers: OnceLock::new(),
        })
    }

    /// Every agent that may be sent.
    pub(crate) fn offers(&self) -> &[Offer] {
        let offer = |arch, hash, bytes: &[u8]| Offer {
            arch,
            hash,
            size: bytes.len(),
        };
        let carried = self.kind.carried().iter();
        self.offers.get_or_init(|| match &self.named {
            Some(Named { arch, bytes, .. }) => {
                vec![offer(arch.unwrap_or("any"), sha256_hex(bytes), bytes)]
            }
            None => carried
                .map(|&(arch, hash, bytes)| offer(arch, hash.to_owned(), bytes))
                .collect(),
        })
    }

    /// The agent for an architecture, and how it is offered.
    pub(crate) fn offered(&self, arch: &str) -> Result<(&Offer, &[u8]), DeliverError> {
        let agent = self.get(arch)?;
        let fits = |offer: &&Offer| [arch, "any"].contains(&offer.arch);
        let offer = self.offers().iter().find(fits);
        Ok((offer.ok_or_else(|| missing(self.kind, arch))?, agent))
    }

    /// The agent for an architecture, as in `uname -m`.
    pub fn get(&self, arch: &str) -> Result<&[u8], DeliverError> {
        if let Some(named) = &self.named {
            return match named.arch {
                Some(is) if is != arch => Err(DeliverError::Other {
                    kind: self.kind,
                    path: named.path.clone(),
                    is,
                    arch: arch.to_owned(),
                }),
                _ => Ok(&named.bytes),
            };
        }
        let mut carried = self.kind.carried().iter();
        let own = carried.find(|(known, ..)| *known == arch);
        own.map(|(.., bytes)| *bytes)
            .ok_or_else(|| missing(self.kind, arch))
    }
}

fn missing(kind: Kind, arch: &str) -> DeliverError {
    DeliverError::Architecture {
        kind,
        arch: arch.to_owned(),
        known: kind.carried().iter().map(|(arch, ..)| *arch).collect(),
    }
}

/// The architectures that this program carries an agent for.
pub fn architectures() -> impl Iterator<Item = &'static str> {
    embedded::AGENTS.iter().map(|(arch, ..)| *arch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_s_hashes_are_those_of_what_is_carried() {
        for (arch, hash, bytes) in embedded::AGENTS.iter().chain(embedded::BRIDGES) {
            assert_eq!(*hash, sha256_hex(bytes), "{arch}");
        }
    }
}
