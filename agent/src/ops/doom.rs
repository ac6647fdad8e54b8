//! What of a row has to go, and the going: by the cutoff, whole rows where nothing of them stays.

use kickout_shared::bytes::Bytes;

use crate::engine::{Content, Engine, Entry, Row, Written, read_tokens};
use crate::ops::existed::Moment;
use crate::ops::{Desk, Stop, counted, evidence, list};

/// What of a row has to go.
pub(super) struct Doom {
    /// The sessions that are live and existed at the cutoff.
    pub(super) entries: Vec<Entry>,
    /// Whether the row holds a session made since, which stays.
    pub(super) keeps: bool,
    /// Whether the row holds the session that is ours.
    canary: bool,
    /// Why the row cannot be read as sessions, when it cannot.
    unreadable: Option<String>,
}

impl Doom {
    /// Whether nothing of the row has to go.
    pub(super) fn spares_all(&self) -> bool {
        self.entries.is_empty() && self.keeps
    }

    /// Whether nobody would have heard of the row without us.
    pub(super) fn is_ours(&self) -> bool {
        self.entries.is_empty() && self.canary
    }
}

/// Divides a row into what existed at the cutoff and what was made since. What cannot be read, or
/// is expired, goes with the row.
pub(super) fn doom(row: &Row, begun: Moment<'_>) -> Doom {
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
    let (canary, live): (Vec<Entry>, Vec<Entry>) = live.partition(|e| begun.is_canary(e));
    let (entries, made_since): (Vec<Entry>, Vec<Entry>) =
        live.into_iter().partition(|e| begun.existed(e));
    Doom {
        entries,
        keeps: !made_since.is_empty(),
        canary: !canary.is_empty(),
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
    begun: Moment<'_>,
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

/// WordPress reads one row of a user; the others are handled as well.
pub(super) async fn say_duplicates<E: Engine>(
    desk: &mut Desk<'_, E>,
    rows: &[Row],
    login: &Bytes,
) -> Result<(), Stop> {
    if let [row, others @ ..] = rows
        && !others.is_empty()
    {
        let count = counted(others.len() as u64, "duplicate row");
        let who = list::name(row.user, login);
        let text = format!("{count} of user {who}: handled, too");
        desk.out.debug("rows", text).await?;
    }
    Ok(())
}
