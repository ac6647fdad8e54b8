//! What a site answers while it works, and how a run ends.

use serde::{Deserialize, Serialize};

use crate::canary::Canary;
use crate::session::{Ended, EndedRow, Part, Session};
use crate::user::User;

/// Something a run says before it is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A listed session.
    Session(Session),
    /// A session that is gone.
    Ended(Ended),
    /// A row that could not be read as sessions and is gone.
    EndedRow(EndedRow),
    /// A piece of evidence too large for one frame.
    Part(Part),
    /// A listed user.
    User(User),
    /// A line for the operator.
    Line(Line),
    /// What `doctor` found.
    Finding(Finding),
    /// How far a long run is.
    Progress(Progress),
    /// A session that was made to be asked for. Holds secrets: never shown, never kept.
    Canary(Canary),
}

/// A line for the operator. The controller adds the label; the words are the site's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What kind of line.
    pub level: Level,
    /// Its text, without label and without a final newline. Hostile until escaped.
    pub text: String,
    /// What mends it: a command or a setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// The kinds of line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// `Success: …`
    Success,
    /// `Warning: …`
    Warning,
    /// `Error: …`: the site said no.
    Error,
    /// Text without a label.
    Info,
    /// `Debug (group): …`
    Debug(String),
}

/// One line of `doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How good it is.
    pub state: State,
    /// What was looked at (`root`, `database`, `drop-ins`, …).
    pub subject: String,
    /// What was found; never a secret's value.
    pub text: String,
    /// What mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing to do.
    Ok,
    /// Works, but look at it.
    Warn,
    /// Does not work.
    Fail,
}

/// How far a long run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Rows of the user meta table passed so far.
    pub done: u64,
    /// The highest row there was at the start.
    pub total: u64,
    /// Sessions ended, or listed, so far.
    pub sessions: u64,
}

/// How a run ended. Every run ends in exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What is known now.
    pub verdict: Verdict,
    /// Users touched, or listed.
    #[serde(default)]
    pub users: u64,
    /// Sessions ended, counted (dry run), or listed.
    #[serde(default)]
    pub sessions: u64,
    /// What was missing here, when that may be found in another place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
}

/// What a host lacks of a site that may be whole elsewhere, such as in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// WordPress itself.
    Site,
    /// The environment that its configuration reads.
    Environment,
    /// Somebody who knows the host of its database by this name.
    Host(String),
}

impl Outcome {
    /// An outcome that counts nothing.
    pub fn of(verdict: Verdict) -> Self {
        Self {
            verdict,
            users: 0,
            sessions: 0,
            missing: None,
        }
    }
}

/// What is known at the end of a run. Silence is never success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A question was answered (a listing, a dry run): nothing was to be destroyed.
    Answered,
    /// A cookie minted before was accepted by the web side, and is refused after.
    Proved,
    /// Rows gone and re-read clean; every cache in front of them is known and was cleared.
    Gone,
    /// Gone where we can see, but a layer in front could not be checked.
    Unconfirmed,
    /// Something still answers for a destroyed session, or it came back.
    Alive,
    /// The site said no.
    Failed,
    /// Nothing was asked: no connection, or login refused.
    Unreachable,
    /// The link died after `begun`.
    Unknown,
    /// There was nothing to destroy.
    Skipped,
    /// Stopped by the operator.
    Cancelled,
}
