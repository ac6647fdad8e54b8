//! The second look: what a login in flight writes back is ended again, until the site is calm.
//!
//! WordPress reads all sessions of a user, adds one and writes all back; a destroy in between is
//! undone by that write, after it was read back clean (`wordpress.md` §1.9). What came back is known
//! by the cutoff, by its verifier where one was named or its date is odd.

use std::time::Duration;

use kickout_shared::event::{Level, Line};

use crate::engine::Engine;
use crate::ops::existed::Moment;
use crate::ops::{Desk, Stop, Tally};

/// How long logins in flight are waited for when many users are logged out.
pub(super) const MANY: Duration = Duration::from_secs(2);

/// Looks before what comes back is called alive.
pub(super) const PASSES: u32 = 5;

/// Counts clean looks: one is enough without a wait, two with a wait between them otherwise.
pub(super) struct Calm {
    settle: Duration,
    /// Whether the last look was clean.
    clean: bool,
    /// Whether anything can come back: something was ended, or a wait was asked for.
    ended: bool,
    /// Times that something was there again after a clean look.
    came_back: u32,
}

impl Calm {
    /// Nothing has been looked at. What was asked for counts, else the verb's own wait.
    pub(super) fn new(begun: Moment<'_>, usual: Duration) -> Self {
        Self {
            settle: begun.settle.unwrap_or(usual),
            clean: false,
            ended: begun.settle.is_some(),
            came_back: 0,
        }
    }

    /// Something was there, and has been ended. What came back was counted `before`.
    pub(super) fn dirty(&mut self, tally: &mut Tally, before: Tally) {
        self.came_back += u32::from(self.clean);
        self.clean = false;
        self.ended = true;
        if self.came_back > 0 {
            *tally = before;
        }
    }

    /// Nothing was there. Says whether that is the last word; else waits for the next look.
    pub(super) async fn clean<E: Engine>(&mut self, desk: &mut Desk<'_, E>) -> Result<bool, Stop> {
        // What was never there cannot come back.
        if self.clean || !self.ended || self.settle.is_zero() {
            if self.came_back > 0 {
                let text = "What was destroyed came back (a login in flight wrote its old copy), \
                            and was destroyed again.";
                desk.out.warning(text).await?;
            }
            return Ok(true);
        }
        self.clean = true;
        let text = format!("waiting {:?} for logins in flight", self.settle);
        desk.out.debug("settle", text).await?;
        let wait = tokio::time::sleep(self.settle);
        desk.out.unless_cancelled(wait).await?;
        Ok(false)
    }

    /// Whether sessions came back after a clean look.
    pub(super) fn is_broken(&self) -> bool {
        self.came_back > 0
    }
}

/// Sessions that come back whenever they are ended.
pub(super) fn alive(who: &str) -> Stop {
    Stop::Alive(Line {
        level: Level::Error,
        text: format!("Sessions of {who} come back as soon as they are destroyed."),
        fix: Some(
            "Something writes them again: a plugin, or logins without a pause. Rotate the salts \
             (wp config shuffle-salts), or stop the site and run it again."
                .to_owned(),
        ),
    })
}
