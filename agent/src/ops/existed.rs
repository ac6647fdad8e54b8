//! The cutoff: which sessions a run means. What existed when it began, and nothing later.

use std::time::Duration;

use crate::engine::{Engine, Entry, login_of};
use crate::ops::{Clock, Desk, Stop};

/// A second and a little more, in slices: a clock that stands still stops nobody.
const SLICES: u32 = 24;
const SLICE: Duration = Duration::from_millis(50);

/// When a run began, and whether it may write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Unix seconds, the site's clock: sessions made later are not meant.
    pub(super) cutoff: i64,
    /// Unix seconds: what is expired is measured against this, once for the whole run.
    pub(super) now: i64,
    /// Count, change nothing.
    pub(super) dry_run: bool,
    clock: Clock,
}

impl Moment {
    /// Fixes the cutoff and says `begun`; nothing may be written before that has left.
    pub(super) async fn begin<E: Engine>(
        desk: &mut Desk<'_, E>,
        earlier: Option<i64>,
        dry_run: bool,
    ) -> Result<Self, Stop> {
        let now = (desk.clock)();
        // A cutoff in the future would end sessions that are made while this runs.
        let cutoff = earlier.unwrap_or(now).min(now);
        if !dry_run {
            desk.out.begun(cutoff).await?;
        }
        Ok(Self {
            cutoff,
            now,
            dry_run,
            clock: desk.clock,
        })
    }

    /// This moment, for looking at what is there.
    pub(super) fn now<E>(desk: &Desk<'_, E>) -> Self {
        let now = (desk.clock)();
        Self {
            cutoff: now,
            now,
            dry_run: true,
            clock: desk.clock,
        }
    }

    /// Whether the session existed at the cutoff.
    ///
    /// A missing or odd login counts as before: so does one in the future, which is a forgery or
    /// another clock, and keeping it would be a false success.
    pub(super) fn existed(&self, entry: &Entry) -> bool {
        match login_of(entry) {
            Some(login) => login <= self.cutoff || login > (self.clock)(),
            None => true,
        }
    }

    /// Waits until the second of the cutoff is over: until then every login counts as made before
    /// it, and who logs in all the while would keep a run looking for ever.
    pub(super) async fn second_over(&self) {
        for _ in 0..SLICES {
            if (self.clock)() > self.cutoff {
                return;
            }
            tokio::time::sleep(SLICE).await;
        }
    }
}
