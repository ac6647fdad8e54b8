//! What `kickout bridge …` asks of a bridge that it has just carried to a host, and what that says: one
//! order, the bytes it announces, then lines to the last one. Both ends are of one release.

use serde::{Deserialize, Serialize};

use crate::canary::Secret;
use crate::event::{Finding, Line};

/// The largest program that is taken, in bytes.
pub const MAX_PROGRAM: u64 = 256 * 1024 * 1024;

/// What is to be done on the host; one for each connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Order {
    /// Be there, with these sites. The agent's bytes follow.
    Install(Install),
    /// Say what is there.
    Status {
        /// SHA-256 of the agent that would be brought, hex.
        agent: String,
    },
    /// Be of this release. The agent's bytes follow.
    Upgrade {
        /// The agent that is brought.
        agent: Program,
    },
    /// Be gone.
    Remove {
        /// Configuration, tokens and audit, too.
        purge: bool,
    },
}

/// What a bridge is to be installed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Install {
    /// The sites that it is to have, beside those that it has.
    pub sites: Vec<NewSite>,
    /// What the token for them may do. None is what the bridge thinks right.
    pub scopes: Vec<String>,
    /// The agent that is brought.
    pub agent: Program,
}

/// A site, as an operator names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSite {
    /// Its folder on the host.
    pub path: String,
    /// Its address.
    pub url: String,
    /// What tokens call it; the host of its address otherwise.
    pub name: Option<String>,
    /// The account it belongs to; the folder's owner otherwise.
    pub owner: Option<String>,
}

/// A program whose bytes follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// So many.
    pub size: u64,
    /// Their SHA-256, hex.
    pub sha256: String,
}

/// What the bridge says. The last one is `done` or `refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Answer {
    /// What it did.
    Line(Line),
    /// What it found.
    Finding(Finding),
    /// A token that was made, shown this once.
    Token {
        /// Its text.
        token: Secret,
    },
    /// Where it answers, and for whom.
    Serves {
        /// Its address and port on the host.
        listen: String,
        /// Whether it speaks TLS itself.
        tls: bool,
        /// The addresses of the sites that were named.
        urls: Vec<String>,
    },
    /// It is done.
    Done,
    /// It is not.
    Refused {
        /// Why.
        text: String,
        /// What mends it.
        fix: String,
    },
}
