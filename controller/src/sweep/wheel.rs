//! What all tasks of a sweep look at: which site is being shown, and whether to stop.

use std::time::Duration;

use tokio::sync::watch;

use crate::exchange::{Ended, KIND_SECONDS, LinkError, Run, Said};
use crate::signal::Signals;

/// How much of a hurry there is to stop. More wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    /// None.
    No,
    /// Nobody reads the listing any more.
    Unread,
    /// Asked once: between two steps.
    Kindly,
    /// Asked once, and that was long ago.
    Late,
    /// Asked twice.
    Now,
}

/// Turned by the one who shows, and by signals.
pub(super) struct Wheel {
    shown: watch::Sender<usize>,
    stop: watch::Sender<Stop>,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            shown: watch::Sender::new(0),
            stop: watch::Sender::new(Stop::No),
        }
    }

    /// This site is being shown, or waited for.
    pub(super) fn show(&self, index: usize) {
        self.shown.send_replace(index);
    }

    /// Waits until this site is being shown.
    pub(super) async fn reached(&self, index: usize) {
        // The sender lives as long as `self`.
        let _ = self.shown.subscribe().wait_for(|at| *at >= index).await;
    }

    /// Stops everything.
    pub(super) fn stop(&self, how: Stop) {
        self.stop.send_if_modified(|now| {
            let more = how > *now;
            *now = how.max(*now);
            more
        });
    }

    /// Whether to stop.
    pub(super) fn how(&self) -> Stop {
        *self.stop.borrow()
    }

    /// Waits until everything is to stop.
    pub(super) async fn stopped(&self) {
        let _ = self.stop.subscribe().wait_for(|how| *how > Stop::No).await;
    }

    /// What a run says next, or its end when nothing is to be waited for any more.
    pub(super) async fn said(&self, run: &mut Run) -> Said {
        let error = tokio::select! {
            biased;
            said = run.next() => return said,
            error = self.insisted() => error,
        };
        let begun = run.begun();
        Said::Ended(Ended::Lost { error, begun })
    }

    /// Waits until nothing is to be waited for any more, and says why.
    pub(super) async fn insisted(&self) -> LinkError {
        let mut stop = self.stop.subscribe();
        match stop.wait_for(|how| *how >= Stop::Late).await.as_deref() {
            Ok(Stop::Late) => LinkError::Unfinished,
            Ok(_) | Err(_) => LinkError::Interrupted,
        }
    }

    /// Heeds signals: the first stops kindly, the second, or too long a wait, at once.
    pub(super) async fn heed(&self, mut signals: Signals) {
        signals.next().await;
        self.stop(Stop::Kindly);
        tokio::select! {
            () = signals.next() => self.stop(Stop::Now),
            () = tokio::time::sleep(Duration::from_secs(KIND_SECONDS)) => self.stop(Stop::Late),
        }
    }
}
