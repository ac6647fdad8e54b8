//! What goes back, and what is kept of it to be said again.

use kickout_shared::event::{Outcome, Verdict};
use kickout_shared::frame;
use kickout_shared::message::{FromAgent, RunId};

use super::Lane;
use crate::agent::{Gone, Sink};
use crate::border::Denied;
use crate::operations::MAX_ANSWER;

/// What goes to the client, and what is kept of it.
pub(super) struct Answer {
    lane: Lane,
    kept: Option<Vec<u8>>,
    begun: bool,
}

impl Answer {
    pub(super) fn new(lane: Lane, keep: bool) -> Self {
        Self {
            lane,
            kept: keep.then(Vec::new),
            begun: false,
        }
    }

    /// Whether anything was said.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// What can be said again.
    pub(super) fn kept(self) -> Option<Vec<u8>> {
        self.kept
    }

    pub(super) async fn say(&mut self, what: &impl serde::Serialize) {
        if let Ok(line) = frame::encode(what) {
            let _ = self.line(line).await;
        }
    }
}

impl Sink for Answer {
    async fn line(&mut self, line: Vec<u8>) -> Result<(), Gone> {
        self.begun = true;
        if let Some(kept) = self
            .kept
            .as_mut()
            .filter(|kept| kept.len() + line.len() <= MAX_ANSWER)
        {
            kept.extend_from_slice(&line);
        }
        self.lane.send(line).await.map_err(|_| Gone)
    }

    async fn gone(&self) {
        self.lane.closed().await;
    }
}

/// Says what was said before.
pub(super) async fn repeat(lane: &Lane, answer: Vec<u8>) -> Result<(), Denied> {
    let _ = lane.send(answer).await;
    Ok(())
}

/// The end of an operation that nobody saw.
pub(super) fn lost() -> Vec<u8> {
    let done = FromAgent::Done {
        id: RunId(1),
        seq: 0,
        outcome: Outcome::of(Verdict::Unknown),
    };
    frame::encode(&done).unwrap_or_default()
}
