//! What HTTP adds to the protocol: a body that is complete before its answer begins, a name for what
//! is asked, and the head of an audit. One JSON object a line, as everywhere.

use serde::{Deserialize, Serialize};

/// Where runs are asked for, below the bridge's path: `POST`, two lines, an [`Operation`] and a
/// [`crate::message::ToAgent::Run`]. Its answer is a stream of [`crate::message::FromAgent`] lines
/// and then a [`Tail`].
pub const RUN: &str = "/v1/run";

/// Where a bridge says what it is: [`Health`].
pub const HEALTH: &str = "/v1/health";

/// Where a site says on which path of its own a bridge answers: [`WellKnown`].
pub const WELL_KNOWN: &str = "/.well-known/kickout";

/// The type of a request's and an answer's body.
pub const TYPE: &str = "application/json";

/// The longest body of a request, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// The first line of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its name: made up by the controller, once for each thing to do, and the same when it is
    /// asked for again.
    pub operation: String,
    /// When it was made up; Unix seconds.
    pub issued: i64,
    /// The bridge's name for the site; without it the one whose host the request names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
}

/// What a bridge says of itself to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// [`crate::version::PROTOCOL`] of the bridge.
    pub protocol: u32,
}

/// Where a site's bridge answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WellKnown {
    /// A path on the same origin, without a slash at its end. Never an address.
    pub path: String,
}

/// The last line of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Tail {
    /// It is in the audit.
    Audited {
        /// SHA-256 of the audit's last line, hex: what to keep to know later that nothing was cut.
        head: String,
    },
}

/// An answer that is no stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Why.
    pub error: String,
    /// What mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Nothing was done, and it may be asked again after so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u32>,
    /// The audit's head, as in [`Tail::Audited`], when somebody who is known was turned away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
}
