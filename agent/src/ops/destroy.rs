//! `user session destroy`: one session of a user, or all of named users.
//!
//! Every write compares with what was read; what changed meanwhile is read again, at most
//! [`TRIES`] times. Nothing is called gone before a fresh read shows it gone.

use std::time::Duration;

use kickout_shared::bytes::Bytes;
use kickout_shared::event::Verdict;
use kickout_shared::token::{MIN_PREFIX, SessionRef};
use kickout_shared::user::{User, UserRef};
use kickout_shared::value::Key;

use crate::cache::Whose;
use crate::engine::{Content, Corruption, Engine, EngineError, Entry, Row, Written, read_tokens};
use crate::ops::doom::{doom, end_row, say_duplicates};
use crate::ops::existed::Moment;
use crate::ops::front::Front;
use crate::ops::settle::{self, Calm, MANY, PASSES};
use crate::ops::survivors;
use crate::ops::{Desk, Stop, Tally, counted, evidence, list, resolve, said};

/// Reads and writes of one user before we call it contended.
pub(super) const TRIES: u32 = 5;

/// Destroys one session: the given one, or the last stored one.
pub(super) async fn one<E: Engine>(
    desk: &mut Desk<'_, E>,
    user: &UserRef,
    session: &SessionRef,
    begun: Moment<'_>,
    tally: &mut Tally,
) -> Result<Verdict, Stop> {
    let user = resolve::one(desk, user).await?;
    // Chosen once: a second look must not end a session that came after the first.
    let mut doomed: Option<Key> = None;
    let mut front = Front::default();
    let only = [user.id];
    let mut calm = Calm::new(begun, Duration::ZERO);
    for pass in 0..TRIES + PASSES {
        let rows = desk.engine.rows(user.id).await?;
        if pass == 0 {
            say_duplicates(desk, &rows, &user.login).await?;
        }
        let effective = rows.iter().position(|row| row.exact);
        let sessions = match effective.map(|index| &rows[index]) {
            Some(row) => live_sessions(desk, row, &user, begun).await?,
            None => Vec::new(),
        };
        let key = match &doomed {
            // A clean second read is what "destroyed" rests on.
            Some(key) if !holds(&rows, key, begun) => {
                if !front.settled(desk, Whose::Users(&only), begun).await?
                    || !calm.clean(desk).await?
                {
                    continue;
                }
                let left = sessions.len() as u64;
                return Ok(front.verdict(ended(desk, &only, left, begun).await?));
            }
            Some(key) => key.clone(),
            None => {
                let chosen = choose(&sessions, session, begun);
                let found = matches!(chosen, Ok(Some(_)));
                // The cache may hold what no row does, the one that is meant too.
                if !found && !front.settled(desk, Whose::Users(&only), begun).await? {
                    continue;
                }
                let Some(key) = chosen? else {
                    survivors::say(desk, survivors::Whose::Users(&only), begun).await?;
                    desk.out.success("No sessions to destroy.").await?;
                    return Ok(front.verdict(Verdict::Skipped));
                };
                if begun.dry_run {
                    *tally = Tally {
                        users: 1,
                        sessions: 1,
                    };
                    let left = remaining(sessions.len() as u64 - 1);
                    let key = evidence::shown(&key);
                    let text = format!("Would destroy session {key}. {left} remaining.");
                    desk.out.success(text).await?;
                    return Ok(Verdict::Answered);
                }
                doomed.insert(key).clone()
            }
        };
        front.ended(true);
        let before = *tally;
        let whole = end_one(desk, &rows, effective, &key, &user, begun, tally).await?;
        if whole && begun.blind {
            let left = sessions.iter().filter(|entry| entry.key != key).count();
            return ended(desk, &only, left as u64, begun).await;
        }
        calm.dirty(tally, before);
    }
    Err(restless(&calm, user.id, &user.login))
}

async fn ended<E: Engine>(
    desk: &mut Desk<'_, E>,
    only: &[u64],
    left: u64,
    begun: Moment<'_>,
) -> Result<Verdict, Stop> {
    survivors::say(desk, survivors::Whose::Users(only), begun).await?;
    let text = format!("Destroyed session. {} remaining.", remaining(left));
    desk.out.success(text).await?;
    Ok(Verdict::Gone)
}

/// Somebody else writes all the while: before we could, or again after we did.
fn restless(calm: &Calm, user: u64, login: &Bytes) -> Stop {
    let who = format!("user {}", list::name(user, login));
    match calm.is_broken() {
        true => settle::alive(&who),
        false => EngineError::Contended { who }.into(),
    }
}

fn remaining(count: u64) -> String {
    counted(count, "session")
}

/// The sessions WordPress sees in a row; a corrupt row has none, and is named.
async fn live_sessions<E: Engine>(
    desk: &mut Desk<'_, E>,
    row: &Row,
    user: &User,
    begun: Moment<'_>,
) -> Result<Vec<Entry>, Stop> {
    let Some(value) = &row.value else {
        let why = format!(
            "its {} bytes are more than the server sends at once",
            row.size
        );
        return Err(EngineError::Uneditable { user: user.id, why }.into());
    };
    match read_tokens(value, begun.now) {
        Content::Sessions(mut entries) => {
            entries.retain(|entry| entry.is_live() && !begun.is_canary(entry));
            Ok(entries)
        }
        // PHP may well read sessions where we read none: nothing may be said of them.
        Content::Corrupt(Corruption::NeedsPhp(reason)) => Err(EngineError::Uneditable {
            user: user.id,
            why: reason.to_string(),
        }
        .into()),
        Content::Corrupt(reason) => {
            let who = list::name(user.id, &user.login);
            desk.out
                .warning(format!(
                    "The session data of user {who} is corrupt ({reason}); WordPress sees no \
                     sessions in it. Destroy with --all to remove it."
                ))
                .await?;
            Ok(Vec::new())
        }
    }
}

/// Which session is meant; `None` when there is none to destroy.
fn choose(sessions: &[Entry], wanted: &SessionRef, begun: Moment<'_>) -> Result<Option<Key>, Stop> {
    let begins = |prefix: &str| -> Result<Option<Key>, Stop> {
        let matches = |entry: &&Entry| entry.key.to_bytes().starts_with(prefix.as_bytes());
        let mut found = sessions.iter().filter(matches);
        match (found.next(), found.count()) {
            (None, _) => Err(said("Session not found.")),
            (Some(entry), 0) => Ok(Some(entry.key.clone())),
            (Some(_), others) => Err(said(format!(
                "The session token prefix '{prefix}' is ambiguous: {} sessions begin with it.",
                others + 1
            ))),
        }
    };
    match wanted {
        // The last stored one, as WordPress counts; a login made since the run began is not meant.
        SessionRef::Latest => Ok(sessions
            .iter()
            .rev()
            .find(|entry| begun.existed(entry))
            .map(|e| e.key.clone())),
        SessionRef::Key(key) => {
            match sessions
                .iter()
                .find(|entry| entry.key.to_bytes() == key.as_bytes())
            {
                Some(entry) => Ok(Some(entry.key.clone())),
                None if key.len() >= MIN_PREFIX => begins(key),
                None => Err(said("Session not found.")),
            }
        }
        SessionRef::Prefix(prefix) => begins(prefix),
    }
}

/// Whether any row still holds the session.
fn holds(rows: &[Row], key: &Key, begun: Moment<'_>) -> bool {
    rows.iter().any(|row| entry_in(row, key, begun).is_some())
}

fn entry_in(row: &Row, key: &Key, begun: Moment<'_>) -> Option<Entry> {
    match read_tokens(row.value.as_deref()?, begun.now) {
        Content::Sessions(entries) => entries.into_iter().find(|entry| entry.key == *key),
        Content::Corrupt(_) => None,
    }
}

/// Takes one session out of every row of the user. Rows that WordPress does not read come first:
/// what a crash leaves behind must never be more than WordPress saw before. Stops at the first row
/// that is not what was read; says whether there was none.
async fn end_one<E: Engine>(
    desk: &mut Desk<'_, E>,
    rows: &[Row],
    effective: Option<usize>,
    key: &Key,
    user: &User,
    begun: Moment<'_>,
    tally: &mut Tally,
) -> Result<bool, Stop> {
    for (index, row) in rows.iter().enumerate().rev() {
        let Some(entry) = entry_in(row, key, begun) else {
            continue;
        };
        match desk
            .engine
            .rewrite(row, begun.now, &|entry| entry.key == *key)
            .await?
        {
            Written::Done => {}
            Written::Changed => return Ok(false),
            // Core deletes the meta then, that is, every row of it: a second row would come to
            // life otherwise.
            Written::Empty if Some(index) == effective => {
                for row in rows.iter().rev() {
                    if desk.engine.remove(std::slice::from_ref(row)).await? == 0 {
                        return Ok(false);
                    }
                }
            }
            Written::Empty => {
                if desk.engine.remove(std::slice::from_ref(row)).await? == 0 {
                    return Ok(false);
                }
            }
        }
        evidence::ended(desk.out, row, &entry, &user.login).await?;
        if Some(index) == effective {
            *tally = Tally {
                users: 1,
                sessions: 1,
            };
        }
    }
    Ok(true)
}

/// `destroy <a> <b> --all`, where `<b>` looks like a token: two users, or WP-CLI's refusal.
pub(super) async fn conflict<E: Engine>(
    desk: &mut Desk<'_, E>,
    user: &UserRef,
    token: &UserRef,
) -> Result<Vec<User>, Stop> {
    let first = resolve::one(desk, user).await?;
    match resolve::find(desk, token).await? {
        Some(second) => Ok(vec![first, second]),
        None => Err(said(
            "The --all flag cannot be specified along with a session token.",
        )),
    }
}

/// Destroys every session of these users, and prints one `Success` line each.
pub(super) async fn users<E: Engine>(
    desk: &mut Desk<'_, E>,
    users: &[User],
    begun: Moment<'_>,
    tally: &mut Tally,
) -> Result<Verdict, Stop> {
    let mut front = Front::default();
    let ids: Vec<u64> = users.iter().map(|user| user.id).collect();
    let usual = if users.len() > 1 {
        MANY
    } else {
        Duration::ZERO
    };
    let mut calm = Calm::new(begun, usual);
    // After a cache was cleared, rows are looked at once more.
    let looks = PASSES * (1 + u32::from(desk.cache.is_some()));
    for pass in 0..looks {
        let before = *tally;
        let mut clean = true;
        for user in users {
            desk.out.cancelled()?;
            let ended = all_of_one(desk, user.id, &user.login, begun).await?;
            tally.users += 1;
            tally.sessions += ended.sessions;
            clean &= ended.rows == 0;
            if begun.dry_run {
                let who = list::name(user.id, &user.login);
                let count = counted(ended.sessions, "session");
                let text = format!("Would destroy {count} of user {who}.");
                desk.out.success(text).await?;
            }
        }
        if begun.dry_run {
            front.settled(desk, Whose::Users(&ids), begun).await?;
            return Ok(Verdict::Answered);
        }
        // Each user was read back clean by then; what comes back shows itself later.
        if !clean {
            calm.dirty(tally, before);
        }
        if pass > 0 {
            *tally = before;
        }
        front.ended(!clean);
        if begun.blind
            || front.settled(desk, Whose::Users(&ids), begun).await? && calm.clean(desk).await?
        {
            // Before the lines of which there may be too many.
            survivors::say(desk, survivors::Whose::Users(&ids), begun).await?;
            for _ in users {
                desk.out.success("Destroyed all sessions.").await?;
            }
            return Ok(front.verdict(Verdict::Gone));
        }
    }
    Err(settle::alive(&match users {
        [user] => format!("user {}", list::name(user.id, &user.login)),
        _ => "some of these users".to_owned(),
    }))
}

/// What [`all_of_one`] has ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ended {
    /// Sessions that WordPress saw.
    pub(super) sessions: u64,
    /// Rows that were removed or rewritten.
    pub(super) rows: u64,
}

/// Destroys every session of one user that existed, until a read shows none, or all were ended and
/// nobody wants to look again.
pub(super) async fn all_of_one<E: Engine>(
    desk: &mut Desk<'_, E>,
    user: u64,
    login: &Bytes,
    begun: Moment<'_>,
) -> Result<Ended, Stop> {
    let mut ended = Ended::default();
    for pass in 0..TRIES {
        if pass > 1 {
            begun.second_over().await;
        }
        let rows = desk.engine.rows(user).await?;
        if pass == 0 {
            say_duplicates(desk, &rows, login).await?;
        }
        let effective = rows.iter().position(|row| row.exact);
        let (mut clean, mut whole) = (true, true);
        for (index, row) in rows.iter().enumerate().rev() {
            let doom = doom(row, begun);
            if doom.spares_all() {
                continue;
            }
            clean = false;
            let seen = if Some(index) == effective {
                doom.entries.len() as u64
            } else {
                0
            };
            if !begun.dry_run && !end_row(desk, row, &doom, login, begun).await? {
                whole = false;
                break;
            }
            ended.sessions += seen;
            ended.rows += 1;
        }
        if clean || begun.dry_run || (whole && begun.blind) {
            return Ok(ended);
        }
    }
    let who = format!("user {}", list::name(user, login));
    Err(EngineError::Contended { who }.into())
}
