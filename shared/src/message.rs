//! The frames themselves: what crosses the pipe in each direction, and the agent's first line.

use serde::{Deserialize, Serialize};

use crate::event::{Event, Outcome};
use crate::request::Request;
use crate::site::Site;

/// Events a run may send beyond the last acknowledged one. The evidence that a cancelled run still
/// owes of its last step goes beyond it.
pub const CREDIT: u64 = 256;

/// Log and warning lines a run may send; further ones are counted, not sent.
pub const MAX_LINES: u64 = 1_000;

/// Silence after which a peer is lost, in seconds.
pub const SILENCE_SECONDS: u64 = 45;

/// How often the controller pings, in seconds: three may be lost.
pub const PING_SECONDS: u64 = 15;

/// The first word of the agent's first line.
pub const MAGIC: &str = "KICKOUT";

/// Bytes of noise (motd, `.bashrc`) that may precede the hello.
pub const MAX_NOISE: usize = 64 * 1024;

/// A run's name on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

/// Controller to agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToAgent {
    /// Do this.
    Run {
        /// Its name from here on.
        id: RunId,
        /// Where.
        site: Box<Site>,
        /// What.
        request: Box<Request>,
    },
    /// Stop between two steps.
    Cancel {
        /// Which run.
        id: RunId,
    },
    /// Everything up to `seq` has been taken.
    Ack {
        /// Which run.
        id: RunId,
        /// The last event taken.
        seq: u64,
    },
    /// Still there?
    Ping,
}

/// Agent to controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromAgent {
    /// The run may write from here on. Flushed before the first write: a link lost before it is
    /// `unreachable`, after it `unknown`.
    Begun {
        /// Which run.
        id: RunId,
        /// The site's clock (Unix seconds): what existed until now is meant.
        cutoff: i64,
    },
    /// Something the run says.
    Event {
        /// Which run.
        id: RunId,
        /// Counts from 1 within the run, without gaps.
        seq: u64,
        /// What it says.
        event: Event,
    },
    /// The run has ended.
    Done {
        /// Which run.
        id: RunId,
        /// The number of events sent.
        seq: u64,
        /// How it ended.
        outcome: Outcome,
    },
    /// Still here.
    Pong,
}

/// What the agent says of itself, once, on its first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::version::RELEASE`]
    pub release: String,
    /// [`crate::version::PROTOCOL`]
    pub protocol: u32,
    /// The machine it was built for, as in `uname -m`.
    pub arch: String,
}

impl Hello {
    /// The first line, without its newline: `KICKOUT <nonce> <json>`.
    pub fn line(&self, nonce: &str) -> Result<String, serde_json::Error> {
        Ok(format!("{MAGIC} {nonce} {}", serde_json::to_string(self)?))
    }

    /// Reads a line: `None` when it is noise, or carries another nonce.
    pub fn read(line: &[u8], nonce: &str) -> Option<Result<Self, serde_json::Error>> {
        let rest = line.strip_prefix(MAGIC.as_bytes())?.strip_prefix(b" ")?;
        let json = rest.strip_prefix(nonce.as_bytes())?.strip_prefix(b" ")?;
        Some(serde_json::from_slice(json))
    }
}
