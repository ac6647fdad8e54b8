//! `user session list`: reading never writes.

use kickout_shared::bytes::Bytes;
use kickout_shared::event::{Event, Verdict};
use kickout_shared::request::{Selector, SessionList, Who};

use crate::cache::Whose;
use crate::engine::{Content, Corruption, Engine, EntryState, Row, live_count, read_tokens};
use crate::ops::front;
use crate::ops::selection::{Selection, pieces};
use crate::ops::{Desk, PAGE, Stop, Tally, counted, evidence, resolve};

/// Lists the live sessions of the named or chosen users, in stored order.
pub(super) async fn sessions<E: Engine>(
    desk: &mut Desk<'_, E>,
    list: SessionList,
    tally: &mut Tally,
) -> Result<Verdict, Stop> {
    let now = (desk.clock)();
    match list.who {
        Who::Named(named) => {
            let users = resolve::all(desk, &named).await?;
            for user in &users {
                desk.out.cancelled()?;
                let rows = desk.engine.rows(user.id).await?;
                let mut rows = rows.into_iter().filter(|row| row.exact);
                if let Some(row) = rows.next() {
                    tally.users += 1;
                    row_sessions(desk, &row, &user.login, now, tally).await?;
                }
                shadows(desk, rows.collect(), &user.login, now).await?;
            }
            let ids: Vec<u64> = users.iter().map(|user| user.id).collect();
            front::remark(desk, Whose::Users(&ids)).await?;
        }
        Who::Selected(selector) => {
            selected(desk, &selector, now, tally).await?;
            front::remark(desk, Whose::Everybody).await?;
        }
    }
    Ok(Verdict::Answered)
}

async fn selected<E: Engine>(
    desk: &mut Desk<'_, E>,
    selector: &Selector,
    now: i64,
    tally: &mut Tally,
) -> Result<(), Stop> {
    let selection = Selection::resolve(desk, selector).await?;
    let mut last = 0;
    loop {
        desk.out.cancelled()?;
        let heads = desk.engine.next_rows(last, PAGE).await?;
        let Some(end) = heads.last() else {
            return Ok(());
        };
        last = end.id;
        let (heads, logins) = selection.of(desk, heads).await?;
        for piece in pieces(&heads) {
            for row in desk.engine.load(piece).await? {
                let login = logins.of(row.user);
                if logins.is_effective(row.user, row.id) {
                    tally.users += 1;
                    row_sessions(desk, &row, &login, now, tally).await?;
                } else if row.exact {
                    shadows(desk, vec![row], &login, now).await?;
                }
            }
        }
    }
}

/// Lists what a row holds; a row that holds no sessions is named with the reason.
async fn row_sessions<E: Engine>(
    desk: &mut Desk<'_, E>,
    row: &Row,
    login: &Bytes,
    now: i64,
    tally: &mut Tally,
) -> Result<(), Stop> {
    let who = name(row.user, login);
    let Some(value) = &row.value else {
        let text = format!(
            "The sessions of user {who} take {} bytes, more than the server sends at once; they \
             cannot be listed, but --all destroys them.",
            row.size
        );
        desk.out.warning(text).await?;
        return Ok(());
    };
    let entries = match read_tokens(value, now) {
        Content::Sessions(entries) => entries,
        Content::Corrupt(Corruption::NeedsPhp(reason)) => {
            desk.out
                .warning(format!(
                    "The sessions of user {who} can be read by PHP only ({reason}); they are not \
                     listed, but --all destroys them."
                ))
                .await?;
            return Ok(());
        }
        Content::Corrupt(reason) => {
            desk.out
                .warning(format!(
                    "The session data of user {who} is corrupt ({reason}); WordPress sees no \
                     sessions in it. Destroy with --all to remove it."
                ))
                .await?;
            return Ok(());
        }
    };
    for entry in entries.iter().filter(|entry| entry.is_live()) {
        if let EntryState::Odd(reason) = entry.state {
            desk.out
                .warning(format!(
                    "Session {} of user {who} is odd: the session {reason}.",
                    evidence::shown(&entry.key)
                ))
                .await?;
        }
        let (session, large) = evidence::session(row, entry, login);
        for key in large {
            let text = format!(
                "Session {} of user {who}: the field '{key}' is too large to show.",
                evidence::shown(&entry.key)
            );
            desk.out.warning(text).await?;
        }
        tally.sessions += 1;
        desk.out.event(Event::Session(session)).await?;
    }
    Ok(())
}

/// Rows that WordPress does not read, but would after the first one is deleted.
async fn shadows<E: Engine>(
    desk: &mut Desk<'_, E>,
    rows: Vec<Row>,
    login: &Bytes,
    now: i64,
) -> Result<(), Stop> {
    for row in rows {
        let live = match row.value.as_deref().map(|value| read_tokens(value, now)) {
            Some(Content::Sessions(entries)) => live_count(&entries),
            Some(Content::Corrupt(_)) | None => 0,
        };
        if live > 0 {
            desk.out
                .warning(format!(
                    "User {} has a second row with {} (umeta_id {}) that WordPress does not read; \
                     destroying takes it too.",
                    name(row.user, login),
                    counted(live as u64, "session"),
                    row.id
                ))
                .await?;
        }
    }
    Ok(())
}

/// `7 (bob)`, or `7` when the user no longer exists.
pub(super) fn name(id: u64, login: &Bytes) -> String {
    if login.0.is_empty() {
        id.to_string()
    } else {
        format!("{id} ({})", login.lossy())
    }
}
