//! `user session destroy`: one session of a user, or all of named users.
//!
//! Every write compares with what was read; what changed meanwhile is read again, at most
//! [`TRIES`] times. Nothing is called gone before a fresh read shows it gone.

use kickout_shared::bytes::Bytes;
use kickout_shared::event::Verdict;
use kickout_shared::token::{MIN_PREFIX, SessionRef};
use kickout_shared::user::{User, UserRef};
use kickout_shared::value::Key;

use crate::cache::Whose;
use crate::engine::{Content, Corruption, Engine, EngineError, Entry, Row, Written, read_tokens};
use crate::ops::existed::Moment;
use crate::ops::front::Front;
use crate::ops::{Desk, Stop, Tally, counted, evidence, list, resolve, said};

/// Reads and writes of one user before we call it contended.
pub(super) const TRIES: u32 = 5;

/// Destroys one session: the given one, or the last stored one.
pub(super) async fn one<E: Engine>(
    desk: &mut Desk<'_, E>,
    user: &UserRef,
    session: &SessionRef,
    begun: Moment,
    tally: &mut Tally,
) -> Result<Verdict, Stop> {
    let user = resolve::one(desk, user).await?;
    // Chosen once: a second look must not end a session that came after the first.
    let mut doomed: Option<Key> = None;
    let mut front = Front::default();
    let only = [user.id];
    for _ in 0..TRIES {
        let rows = desk.engine.rows(user.id).await?;
        let effective = rows.iter().position(|row| row.exact);
        let sessions = match effective.map(|index| &rows[index]) {
            Some(row) => live_sessions(desk, row, &user, begun).await?,
            None => Vec::new(),
        };
        let key = match &doomed {
            // A clean second read is what "destroyed" rests on.
            Some(key) if !holds(&rows, key, begun) => {
                if !front.settled(desk, Whose::Users(&only), begun).await? {
                    continue;
                }
                let left = remaining(sessions.len() as u64);
                desk.out
                    .success(format!("Destroyed session. {left} remaining."))
                    .await?;
                return Ok(front.verdict(Verdict::Gone));
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
        end_one(desk, &rows, effective, &key, &user, begun, tally).await?;
    }
    Err(contended(user.id, &user.login).into())
}

fn contended(user: u64, login: &Bytes) -> EngineError {
    EngineError::Contended {
        who: format!("user {}", list::name(user, login)),
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
    begun: Moment,
) -> Result<Vec<Entry>, Stop> {
    let Some(value) = &row.value else {
        let why = format!(
            "its {} bytes are more than the server sends at once",
            row.size
        );
        return Err(EngineError::Uneditable { user: user.id, why }.into());
    };
    match read_tokens(value, begun.now) {
        Content::Sessions(entries) => Ok(entries.into_iter().filter(Entry::is_live).collect()),
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
fn choose(sessions: &[Entry], wanted: &SessionRef, begun: Moment) -> Result<Option<Key>, Stop> {
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
fn holds(rows: &[Row], key: &Key, begun: Moment) -> bool {
    rows.iter().any(|row| entry_in(row, key, begun).is_some())
}

fn entry_in(row: &Row, key: &Key, begun: Moment) -> Option<Entry> {
    match read_tokens(row.value.as_deref()?, begun.now) {
        Content::Sessions(entries) => entries.into_iter().find(|entry| entry.key == *key),
        Content::Corrupt(_) => None,
    }
}

/// Takes one session out of every row of the user. Rows that WordPress does not read come first:
/// what a crash leaves behind must never be more than WordPress saw before. Stops at the first row
/// that is not what was read.
async fn end_one<E: Engine>(
    desk: &mut Desk<'_, E>,
    rows: &[Row],
    effective: Option<usize>,
    key: &Key,
    user: &User,
    begun: Moment,
    tally: &mut Tally,
) -> Result<(), Stop> {
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
            Written::Changed => return Ok(()),
            // Core deletes the meta then, that is, every row of it: a second row would come to
            // life otherwise.
            Written::Empty if Some(index) == effective => {
                for row in rows.iter().rev() {
                    if desk.engine.remove(std::slice::from_ref(row)).await? == 0 {
                        return Ok(());
                    }
                }
            }
            Written::Empty => {
                if desk.engine.remove(std::slice::from_ref(row)).await? == 0 {
                    return Ok(());
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
    Ok(())
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
    begun: Moment,
    tally: &mut Tally,
) -> Result<Verdict, Stop> {
    let mut front = Front::default();
    let ids: Vec<u64> = users.iter().map(|user| user.id).collect();
    for pass in 0..TRIES {
        let mut clean = true;
        for user in users {
            desk.out.cancelled()?;
            let ended = all_of_one(desk, user.id, &user.login, begun).await?;
            tally.users += u64::from(pass == 0);
            tally.sessions += ended;
            clean &= ended == 0;
            if begun.dry_run {
                let who = list::name(user.id, &user.login);
                let text = format!("Would destroy {} of user {who}.", counted(ended, "session"));
                desk.out.success(text).await?;
            } else if desk.cache.is_none() {
                desk.out.success("Destroyed all sessions.").await?;
            }
        }
        if begun.dry_run {
            return Ok(Verdict::Answered);
        }
        front.ended(!clean);
        if front.settled(desk, Whose::Users(&ids), begun).await? {
            for _ in users.iter().filter(|_| desk.cache.is_some()) {
                desk.out.success("Destroyed all sessions.").await?;
            }
            return Ok(front.verdict(Verdict::Gone));
        }
    }
    let who = "these users".to_owned();
    Err(EngineError::Contended { who }.into())
}

/// Destroys every session of one user that existed; returns how many WordPress saw.
pub(super) async fn all_of_one<E: Engine>(
    desk: &mut Desk<'_, E>,
    user: u64,
    login: &Bytes,
    begun: Moment,
) -> Result<u64, Stop> {
    let mut ended = 0;
    for pass in 0..TRIES {
        if pass > 1 {
            begun.second_over().await;
        }
        let rows = desk.engine.rows(user).await?;
        let effective = rows.iter().position(|row| row.exact);
        let mut clean = true;
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
                break;
            }
            ended += seen;
        }
        if clean || begun.dry_run {
            return Ok(ended);
        }
    }
    Err(contended(user, login).into())
}

/// What of a row has to go.
pub(super) struct Doom {
    /// The sessions that are live and existed at the cutoff.
    pub(super) entries: Vec<Entry>,
    /// Whether the row holds a session made since, which stays.
    pub(super) keeps: bool,
    /// Why the row cannot be read as sessions, when it cannot.
    unreadable: Option<String>,
}

impl Doom {
    /// Whether nothing of the row has to go.
    pub(super) fn spares_all(&self) -> bool {
        self.entries.is_empty() && self.keeps
    }
}

/// Divides a row into what existed at the cutoff and what was made since. What cannot be read, or
/// is expired, goes with the row.
pub(super) fn doom(row: &Row, begun: Moment) -> Doom {
    let (entries, unreadable) = match row
        .value
        .as_deref()
        .map(|value| read_tokens(value, begun.now))
    {
        Some(Content::Sessions(entries)) => (entries, None),
        Some(Content::Corrupt(reason)) => (Vec::new(), Some(reason.to_string())),
        None => (
            Vec::new(),
            Some(format!("{} bytes, too large to be read", row.size)),
        ),
    };
    let live = entries.into_iter().filter(Entry::is_live);
    let (entries, made_since): (Vec<Entry>, Vec<Entry>) = live.partition(|e| begun.existed(e));
    Doom {
        entries,
        keeps: !made_since.is_empty(),
        unreadable,
    }
}

/// Ends what has to go of a row, or the whole row when it keeps nothing; then says what is gone.
/// Returns false when the row had changed.
pub(super) async fn end_row<E: Engine>(
    desk: &mut Desk<'_, E>,
    row: &Row,
    doom: &Doom,
    login: &Bytes,
    begun: Moment,
) -> Result<bool, Stop> {
    let whole = if doom.keeps {
        let doomed = |entry: &Entry| doom.entries.iter().any(|doomed| doomed.key == entry.key);
        match desk.engine.rewrite(row, begun.now, &doomed).await? {
            Written::Done => false,
            Written::Changed => return Ok(false),
            Written::Empty => true,
        }
    } else {
        true
    };
    if whole && desk.engine.remove(std::slice::from_ref(row)).await? == 0 {
        return Ok(false);
    }
    say_ended(desk, row, doom, login).await?;
    Ok(true)
}

/// Sends the evidence of a row that is gone, or of the sessions taken out of it.
pub(super) async fn say_ended<E: Engine>(
    desk: &mut Desk<'_, E>,
    row: &Row,
    doom: &Doom,
    login: &Bytes,
) -> Result<(), Stop> {
    if let Some(reason) = &doom.unreadable {
        evidence::ended_row(desk.out, row, reason.clone(), login).await?;
    }
    for entry in &doom.entries {
        evidence::ended(desk.out, row, entry, login).await?;
    }
    Ok(())
}
