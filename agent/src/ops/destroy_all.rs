//! Every session of named or chosen users: `destroy_all_for_all_users`, but streamed in windows of
//! row ids, never by loading all of them, and never believed without a second look.

use std::collections::BTreeSet;

use kickout_shared::bytes::Bytes;
use kickout_shared::event::{Event, Level, Line, Progress, Verdict};
use kickout_shared::request::{Selector, Who};

use crate::cache::Whose;
use crate::engine::{Engine, EngineError, Row};
use crate::ops::destroy::{self, TRIES};
use crate::ops::doom::{Doom, doom, end_row, say_ended};
use crate::ops::existed::Moment;
use crate::ops::front::Front;
use crate::ops::selection::{Logins, Selection, pieces};
use crate::ops::settle::{self, Calm, MANY, PASSES};
use crate::ops::survivors;
use crate::ops::{Desk, PAGE, Stop, Tally, counted, resolve};

/// Destroys every session of these users.
pub(super) async fn run<E: Engine>(
    desk: &mut Desk<'_, E>,
    who: Who,
    begun: Moment<'_>,
    tally: &mut Tally,
) -> Result<Verdict, Stop> {
    match who {
        Who::Named(named) => {
            let users = resolve::all(desk, &named).await?;
            destroy::users(desk, &users, begun, tally).await
        }
        Who::Selected(selector) => selected(desk, &selector, begun, tally).await,
    }
}

async fn selected<E: Engine>(
    desk: &mut Desk<'_, E>,
    selector: &Selector,
    begun: Moment<'_>,
    tally: &mut Tally,
) -> Result<Verdict, Stop> {
    let selection = Selection::resolve(desk, selector).await?;
    if !begun.dry_run {
        few_enough(desk, &selection).await?;
    }
    let total = desk.engine.last_row().await?;
    let mut front = Front::default();
    let mut calm = Calm::new(begun, MANY);
    for pass in 0..TRIES + PASSES {
        if pass > 1 {
            begun.second_over().await;
        }
        let before = *tally;
        let mut sweep = Sweep {
            begun,
            found: false,
            left: false,
        };
        // From the highest row down: one that WordPress does not read must be gone before the one
        // it reads, or it would come to life, for a moment or, after an interruption, for good.
        let mut first = u64::MAX;
        loop {
            desk.out.cancelled()?;
            let heads = desk.engine.previous_rows(first, PAGE).await?;
            let Some(end) = heads.last() else { break };
            first = end.id;
            let (heads, logins) = selection.of(desk, heads).await?;
            for piece in pieces(&heads) {
                let mut rows = desk.engine.load(piece).await?;
                rows.reverse();
                sweep.rows(desk, &rows, &logins, tally).await?;
            }
            // One word a window: more than a person reads, little beside the evidence.
            if pass == 0 {
                let done = total.saturating_sub(first);
                let progress = Progress {
                    done,
                    total,
                    sessions: tally.sessions,
                };
                desk.out.event(Event::Progress(progress)).await?;
            }
        }
        if sweep.found {
            calm.dirty(tally, before);
        }
        front.ended(sweep.found);
        // Everybody's: a user too many costs the site a read of his rows.
        let settled = (begun.dry_run || !sweep.found)
            && front.settled(desk, Whose::Everybody, begun).await?
            && calm.clean(desk).await?;
        let blind = begun.blind && !sweep.left;
        if begun.dry_run || blind || settled {
            survivors::say(desk, survivors::Whose::Chosen(&selection), begun).await?;
            let verdict = finish(desk, begun, tally).await?;
            return Ok(front.verdict(verdict));
        }
    }
    let who = "some users".to_owned();
    Err(match calm.is_broken() {
        true => settle::alive(&who),
        false => EngineError::Contended { who }.into(),
    })
}

/// Ends the run when more users have sessions than it may log out. Who logs in later is spared anyway.
async fn few_enough<E: Engine>(desk: &mut Desk<'_, E>, selection: &Selection) -> Result<(), Stop> {
    let Some(limit) = desk.bounds.max_users else {
        return Ok(());
    };
    let (mut first, mut users) = (u64::MAX, BTreeSet::new());
    loop {
        desk.out.cancelled()?;
        let heads = desk.engine.previous_rows(first, PAGE).await?;
        let Some(end) = heads.last() else {
            return Ok(());
        };
        first = end.id;
        let (heads, _) = selection.of(desk, heads).await?;
        users.extend(heads.iter().map(|head| head.user));
        if users.len() as u64 > u64::from(limit) {
            return Err(Stop::Said(Line {
                level: Level::Error,
                text: format!("More than {limit} users have sessions: the token allows no more."),
                fix: Some(
                    "Choose fewer: --role=<role>, --except=<user>, or their names.".to_owned(),
                ),
            }));
        }
    }
}

async fn finish<E: Engine>(
    desk: &mut Desk<'_, E>,
    begun: Moment<'_>,
    tally: &Tally,
) -> Result<Verdict, Stop> {
    let counts = format!(
        "{} of {}",
        counted(tally.sessions, "session"),
        counted(tally.users, "user")
    );
    let (text, verdict) = match (begun.dry_run, tally.users) {
        (true, _) => (format!("Would destroy {counts}."), Verdict::Answered),
        (false, 0) => ("No sessions to destroy.".to_owned(), Verdict::Skipped),
        (false, _) => (format!("Destroyed {counts}."), Verdict::Gone),
    };
    desk.out.success(text).await?;
    Ok(verdict)
}

/// One pass over the rows.
struct Sweep<'a> {
    begun: Moment<'a>,
    /// Whether anything that existed at the cutoff was still there.
    found: bool,
    /// Whether a user is left for the next pass.
    left: bool,
}

impl Sweep<'_> {
    async fn rows<E: Engine>(
        &mut self,
        desk: &mut Desk<'_, E>,
        rows: &[Row],
        logins: &Logins,
        tally: &mut Tally,
    ) -> Result<(), Stop> {
        let mut whole: Vec<(&Row, Doom)> = Vec::new();
        let mut changed = BTreeSet::new();
        for row in rows {
            let doom = doom(row, self.begun);
            if doom.spares_all() {
                continue;
            }
            self.found = true;
            if self.begun.dry_run || !doom.keeps {
                whole.push((row, doom));
                continue;
            }
            // Somebody logged in since: only what existed before goes.
            let login = logins.of(row.user);
            if end_row(desk, row, &doom, &login, self.begun).await? {
                count(tally, row, &doom, logins);
            } else {
                changed.insert(row.user);
            }
        }
        changed.extend(self.windows(desk, &whole, logins, tally).await?);
        for user in changed {
            self.again(desk, user, &logins.of(user), tally).await?;
        }
        Ok(())
    }

    /// A user whose rows were being written: read and tried again at once, as for a named one. One
    /// who is quicker than that is left for the next pass.
    async fn again<E: Engine>(
        &mut self,
        desk: &mut Desk<'_, E>,
        user: u64,
        login: &Bytes,
        tally: &mut Tally,
    ) -> Result<(), Stop> {
        match destroy::all_of_one(desk, user, login, self.begun).await {
            Ok(ended) => {
                tally.users += 1;
                tally.sessions += ended.sessions;
                Ok(())
            }
            Err(Stop::Engine(EngineError::Contended { .. })) => {
                self.left = true;
                Ok(())
            }
            Err(stop) => Err(stop),
        }
    }

    /// Removes whole rows, many in one statement; when some had changed, only what is known to be
    /// gone is said to be. Returns whose rows are still there.
    async fn windows<E: Engine>(
        &mut self,
        desk: &mut Desk<'_, E>,
        whole: &[(&Row, Doom)],
        logins: &Logins,
        tally: &mut Tally,
    ) -> Result<Vec<u64>, Stop> {
        if whole.is_empty() {
            return Ok(Vec::new());
        }
        if self.begun.dry_run {
            for (row, doom) in whole {
                count(tally, row, doom, logins);
            }
            return Ok(Vec::new());
        }
        let rows: Vec<Row> = whole.iter().map(|(row, _)| (*row).clone()).collect();
        let removed = desk.engine.remove(&rows).await?;
        let gone: Vec<bool> = if removed == rows.len() as u64 {
            vec![true; rows.len()]
        } else {
            self.still_there(desk, &rows)
                .await?
                .iter()
                .map(|there| !there)
                .collect()
        };
        let mut left = Vec::new();
        for ((row, doom), gone) in whole.iter().zip(gone) {
            if gone {
                count(tally, row, doom, logins);
                let login = logins.of(row.user);
                say_ended(desk, row, doom, &login).await?;
            } else {
                left.push(row.user);
            }
        }
        Ok(left)
    }

    async fn still_there<E: Engine>(
        &self,
        desk: &mut Desk<'_, E>,
        rows: &[Row],
    ) -> Result<Vec<bool>, Stop> {
        let heads: Vec<_> = rows.iter().map(Row::head).collect();
        let left = desk.engine.load(&heads).await?;
        Ok(rows
            .iter()
            .map(|row| left.iter().any(|left| left.id == row.id))
            .collect())
    }
}

/// Counts what WordPress saw: the row it read, and the sessions that were live in it. A user whose
/// data was corrupt had no sessions, but was cleaned.
fn count(tally: &mut Tally, row: &Row, doom: &Doom, logins: &Logins) {
    if logins.is_effective(row.user, row.id) && !doom.is_ours() {
        tally.users += 1;
        tally.sessions += doom.entries.len() as u64;
    }
}
