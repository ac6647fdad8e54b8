//! The object cache in front of the rows: cleared once the rows are gone, looked at a second later,
//! and cleared again. A request that read the old rows may put them back in between, and a cache may
//! hold sessions whose rows went long ago; WordPress honours both (`wordpress.md` §2).

use std::collections::HashSet;
use std::time::Duration;

use kickout_shared::event::{Level, Line, Verdict};

use crate::cache::{CacheError, Cached, Held, ObjectCache, Pass, Whose};
use crate::engine::{Content, Engine, EngineError, Entry, Row, read_tokens};
use crate::ops::existed::{Moment, Odd};
use crate::ops::{Desk, Stop, counted};
use crate::out::Cancelled;

/// How long a request that read the old rows may take to put them into the cache.
const WAIT: Duration = Duration::from_secs(1);

/// Clearings before what comes back is called alive.
const ROUNDS: u32 = 5;

/// What a run knows of the cache.
#[derive(Debug, Default)]
pub(super) struct Front {
    /// Cleared since the last row was ended.
    clear: bool,
    /// Whether any row was ended.
    ended: bool,
    /// Something about it stays uncertain, and has been said.
    uncertain: bool,
    /// Sessions that only the cache still held.
    outlived: u64,
}

/// Why clearing stopped.
enum Trouble {
    Cache(CacheError),
    Stop(Stop),
}

impl From<CacheError> for Trouble {
    fn from(error: CacheError) -> Self {
        Self::Cache(error)
    }
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        Self::Stop(error.into())
    }
}

impl From<Cancelled> for Trouble {
    fn from(cancelled: Cancelled) -> Self {
        Self::Stop(cancelled.into())
    }
}

impl Front {
    /// Whether rows were ended: what the cache holds of them is old.
    pub(super) fn ended(&mut self, any: bool) {
        self.clear &= !any;
        self.ended |= any;
    }

    /// Clears the cache unless that is done. Says whether it was; if not, rows have to be read
    /// again: a login may have written back what it found in the cache.
    pub(super) async fn settled<E: Engine>(
        &mut self,
        desk: &mut Desk<'_, E>,
        whose: Whose<'_>,
        begun: Moment<'_>,
    ) -> Result<bool, Stop> {
        if begun.dry_run {
            if !std::mem::replace(&mut self.clear, true) {
                say(desk, whose, begun, "a destroy would end them, too").await?;
            }
            return Ok(true);
        }
        if self.clear {
            return Ok(true);
        }
        let Some(mut cache) = desk.cache.take() else {
            return Ok(true);
        };
        self.clear = true;
        let cleared = self.clear(desk, &mut cache, whose, begun).await;
        desk.cache = Some(cache);
        match cleared {
            Ok(()) => Ok(false),
            Err(Trouble::Stop(stop)) => Err(stop),
            Err(Trouble::Cache(error)) => {
                // Said once: the next rows would meet the same.
                if !std::mem::replace(&mut self.uncertain, true) {
                    desk.out.line(unconfirmed(&error)).await?;
                }
                Ok(false)
            }
        }
    }

    /// The verdict that rows alone gave, with the cache taken into account.
    pub(super) fn verdict(&self, rows: Verdict) -> Verdict {
        match rows {
            Verdict::Gone | Verdict::Skipped if self.uncertain => Verdict::Unconfirmed,
            Verdict::Skipped if self.outlived > 0 => Verdict::Gone,
            rows => rows,
        }
    }

    async fn clear<E: Engine>(
        &mut self,
        desk: &mut Desk<'_, E>,
        cache: &mut ObjectCache,
        whose: Whose<'_>,
        begun: Moment<'_>,
    ) -> Result<(), Trouble> {
        if !self.ended {
            // Nothing was in the rows: whatever is here has outlived them.
            let (stale, _) = stale(desk, cache, whose, begun).await?;
            self.outlived = stale;
        }
        let mut cleared = cache.clear(&whose).await?;
        if cleared == 0 {
            cache.warm().await?;
        }
        if self.outlived > 0 {
            let text = format!(
                "The object cache held {} that the database no longer had; WordPress honoured \
                 them until now.",
                counted(self.outlived, "session")
            );
            desk.out.warning(text).await?;
        }
        let mut unreadable = 0;
        for round in 1..=ROUNDS {
            desk.out.unless_cancelled(tokio::time::sleep(WAIT)).await?;
            // Looked at before it is cleared: what came back in all that time is still there.
            let (left, unread) = stale(desk, cache, whose, begun).await?;
            let again = cache.clear(&whose).await?;
            let text = format!("round {round}: {cleared} cleared, then {again}");
            desk.out.debug("cache", text).await?;
            if left == 0 {
                unreadable = unread;
                break;
            }
            if round == ROUNDS {
                return Err(Trouble::Stop(alive(cache, left)));
            }
            cleared = again;
        }
        match unreadable {
            0 => Ok(()),
            users => Err(Trouble::Cache(cache.unreadable(users))),
        }
    }
}

/// What a listing of rows must say of the cache before them; nothing when it holds no others.
pub(super) async fn remark<E: Engine>(
    desk: &mut Desk<'_, E>,
    whose: Whose<'_>,
) -> Result<(), Stop> {
    let odd = Odd::default();
    let now = Moment::now(desk, &odd);
    say(desk, whose, now, "they are not listed").await
}

/// Says what the cache holds beyond the rows, and what that means here.
async fn say<E: Engine>(
    desk: &mut Desk<'_, E>,
    whose: Whose<'_>,
    now: Moment<'_>,
    so: &str,
) -> Result<(), Stop> {
    let Some(mut cache) = desk.cache.take() else {
        return Ok(());
    };
    let looked = stale(desk, &mut cache, whose, now).await;
    desk.cache = Some(cache);
    let line = match looked {
        Ok((0, 0)) => return Ok(()),
        Ok((0, users)) => unread(&users_unread(users)),
        Ok((sessions, _)) => Line {
            level: Level::Warning,
            text: format!(
                "The object cache holds {} that the database does not have: {so}, and WordPress \
                 honours them.",
                counted(sessions, "session")
            ),
            fix: Some("`user session destroy <user> --all` ends them.".to_owned()),
        },
        Err(Trouble::Cache(error)) => unread(&error.to_string()),
        Err(Trouble::Stop(stop)) => return Err(stop),
    };
    desk.out.line(line).await?;
    Ok(())
}

fn users_unread(users: u64) -> String {
    format!("{} in a form Kickout does not read", counted(users, "user"))
}

fn unread(why: &str) -> Line {
    Line {
        level: Level::Warning,
        text: format!("These are the rows; what the object cache holds is not known ({why})."),
        fix: None,
    }
}

/// How many sessions of these users the cache holds that existed at the cutoff and are in no row;
/// and of how many users nobody can tell.
async fn stale<E: Engine>(
    desk: &mut Desk<'_, E>,
    cache: &mut ObjectCache,
    whose: Whose<'_>,
    begun: Moment<'_>,
) -> Result<(u64, u64), Trouble> {
    let (mut sessions, mut unreadable) = (0, 0);
    let mut pass = Pass::new();
    while let Some(page) = cache.look(&whose, &mut pass, begun.now).await? {
        desk.out.cancelled()?;
        for Cached { user, held } in page {
            let mut entries = match held {
                Held::Live(entries) => entries,
                Held::Unreadable => {
                    unreadable += 1;
                    continue;
                }
            };
            entries.retain(|entry| begun.existed(entry));
            if entries.is_empty() {
                continue;
            }
            let rows = desk.engine.rows(user).await?;
            sessions += beyond(&entries, &rows, begun.now);
        }
    }
    Ok((sessions, unreadable))
}

/// How many of the entries are in no row.
fn beyond(entries: &[Entry], rows: &[Row], now: i64) -> u64 {
    let mut stored = HashSet::new();
    for row in rows.iter().filter(|row| row.exact) {
        match row.value.as_deref().map(|value| read_tokens(value, now)) {
            Some(Content::Sessions(entries)) => {
                stored.extend(entries.iter().map(|entry| entry.key.to_bytes()));
            }
            Some(Content::Corrupt(_)) => {}
            // Not to be compared; the row itself has been judged.
            None => return 0,
        }
    }
    let missing = |entry: &&Entry| !stored.contains(&entry.key.to_bytes());
    entries.iter().filter(missing).count() as u64
}

fn unconfirmed(error: &CacheError) -> Line {
    Line {
        level: Level::Warning,
        text: format!("{error}. The rows are gone, but cached sessions may stay valid."),
        fix: Some(error.fix()),
    }
}

fn alive(cache: &ObjectCache, sessions: u64) -> Stop {
    Stop::Alive(Line {
        level: Level::Error,
        text: format!(
            "{} destroyed, but {} put back into the object cache whenever it is cleared ({}).",
            counted(sessions, "session"),
            if sessions == 1 { "is" } else { "are" },
            cache.describe()
        ),
        fix: Some(
            "Something writes old sessions into the cache. Rotate the salts (wp config \
             shuffle-salts), or stop the site and run the command again."
                .to_owned(),
        ),
    })
}
