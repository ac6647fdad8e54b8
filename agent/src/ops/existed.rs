//! The cutoff: which sessions a run means. What existed when it began, and nothing later.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use kickout_shared::request::SessionDestroy;
use kickout_shared::value::Key;

use crate::engine::{Engine, Entry, login_of};
use crate::ops::{Clock, Desk, Stop};

/// A second and a little more, in slices: a clock that stands still stops nobody.
const SLICES: u32 = 24;
const SLICE: Duration = Duration::from_millis(50);

/// Verifiers remembered, eight bytes each. Only sessions dated in the future are: a site with more
/// of those is no site, and the clock decides about the rest.
const MOST_ODD: usize = 100_000;

/// Sessions that a run meant although they are dated after its cutoff. The clock overtakes such a
/// date while a run settles; what was destroyed once must not pass for a new login then.
#[derive(Debug, Default)]
pub(super) struct Odd(RefCell<HashSet<u64>>);

impl Odd {
    fn remember(&self, key: &Key) {
        let mut known = self.0.borrow_mut();
        if known.len() < MOST_ODD {
            known.insert(hash(key));
        }
    }

    fn knows(&self, key: &Key) -> bool {
        self.0.borrow().contains(&hash(key))
    }
}

fn hash(key: &Key) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// When a run began, and whether it may write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    /// Unix seconds, the site's clock: sessions made later are not meant.
    pub(super) cutoff: i64,
    /// Unix seconds: what is expired is measured against this, once for the whole run.
    pub(super) now: i64,
    /// Count, change nothing.
    pub(super) dry_run: bool,
    /// How long to wait before the last look; the verb decides when it is `None`.
    pub(super) settle: Option<Duration>,
    /// What was written is not read again, as nobody asked for it.
    pub(super) blind: bool,
    odd: &'a Odd,
    /// The session that is ours, by the hash of its key.
    canary: Option<u64>,
    clock: Clock,
}

impl<'a> Moment<'a> {
    /// Fixes the cutoff and says `begun`; nothing may be written before that has left.
    pub(super) async fn begin<E: Engine>(
        desk: &mut Desk<'_, E>,
        destroy: &SessionDestroy,
        odd: &'a Odd,
    ) -> Result<Self, Stop> {
        let SessionDestroy {
            cutoff, dry_run, ..
        } = *destroy;
        let now = (desk.clock)();
        // A cutoff in the future would end sessions that are made while this runs.
        let cutoff = cutoff.unwrap_or(now).min(now);
        if !dry_run {
            desk.out.begun(cutoff).await?;
        }
        Ok(Self {
            cutoff,
            now,
            dry_run,
            settle: destroy.settle_ms.map(|ms| Duration::from_millis(ms.into())),
            // A wait that was asked for is for a second look, and a cache is cleared twice.
            blind: destroy.blind && destroy.settle_ms.is_none() && desk.cache.is_none(),
            odd,
            canary: destroy.canary.as_ref().map(hash),
            clock: desk.clock,
        })
    }

    /// This moment, for looking at what is there.
    pub(super) fn now<E>(desk: &Desk<'_, E>, odd: &'a Odd) -> Self {
        let now = (desk.clock)();
        Self {
            cutoff: now,
            now,
            dry_run: true,
            settle: None,
            blind: false,
            odd,
            canary: None,
            clock: desk.clock,
        }
    }

    /// Whether the session existed at the cutoff.
    ///
    /// A missing or odd login counts as before: so does one in the future, which is a forgery or
    /// another clock, and keeping it would be a false success.
    pub(super) fn existed(&self, entry: &Entry) -> bool {
        match login_of(entry) {
            Some(login) if login > self.cutoff => {
                let odd = login > (self.clock)();
                if odd {
                    self.odd.remember(&entry.key);
                }
                odd || self.odd.knows(&entry.key)
            }
            Some(_) | None => true,
        }
    }

    /// Whether the session is one of ours: it goes with its row, and nobody hears of it.
    pub(super) fn is_canary(&self, entry: &Entry) -> bool {
        self.canary.is_some_and(|canary| canary == hash(&entry.key))
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
