//! What travels back about every ended session: who, verifier, times, address, raw entry. Large
//! pieces go in parts.

use kickout_shared::bytes::Bytes;
use kickout_shared::event::Event;
use kickout_shared::session::{Ended, EndedRow, Part, Session};
use kickout_shared::value::{Key, Value};

use crate::engine::{Entry, Row};
use crate::out::{Cancelled, Out};

/// What fits into one frame beside the rest: base64 may make four bytes of three, and JSON six of
/// one.
const INLINE: usize = 64 * 1024;

/// Bytes of one part.
const PART: usize = 128 * 1024;

/// A verifier is 64 bytes long.
const LONGEST_KEY: usize = 4 * 1024;

/// A field larger than this is listed as its size.
pub(super) const LARGEST_FIELD: usize = 64 * 1024;

/// The session an entry holds, ready to travel. The second value names the fields that were too
/// large.
pub(super) fn session(row: &Row, entry: &Entry, login: &Bytes) -> (Session, Vec<Key>) {
    let mut large = Vec::new();
    let value = row.value.as_deref().unwrap_or_default();
    let mut fields = entry.fields(value);
    for (key, value) in &mut fields {
        let size = weight(value);
        if size > LARGEST_FIELD {
            large.push(shown(key));
            *value = Value::Large(size as u64);
        }
    }
    // Many fields that are each small enough could still be too much together.
    let mut total = 0;
    fields.retain(|(key, value)| {
        total += key.to_bytes().len() + weight(value);
        total <= LARGEST_FIELD || {
            large.push(shown(key));
            false
        }
    });
    let token = shown(&entry.key);
    (
        Session {
            user_id: row.user,
            user_login: login.clone(),
            token,
            fields,
        },
        large,
    )
}

/// A key fit to be shown: one this long is no verifier, and must not burst a frame.
pub(super) fn shown(key: &Key) -> Key {
    match key {
        Key::Text(text) if text.0.len() > LONGEST_KEY => {
            Key::Text(format!("(key of {} bytes)", text.0.len()).into())
        }
        key => key.clone(),
    }
}

/// Roughly how many bytes a value takes in a frame.
fn weight(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.0.len(),
        Value::Array(entries) => entries
            .iter()
            .map(|(key, value)| 8 + key.to_bytes().len() + weight(value))
            .sum(),
        Value::Opaque(what) => what.len(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Large(_) => 8,
    }
}

/// Says that a session is gone.
pub(super) async fn ended(
    out: &mut Out,
    row: &Row,
    entry: &Entry,
    login: &Bytes,
) -> Result<(), Cancelled> {
    let value = row.value.as_deref().unwrap_or_default();
    let raw = value.get(entry.raw.clone()).unwrap_or_default();
    let entry_inline = inline(out, row.id, raw).await?;
    let (session, _) = session(row, entry, login);
    out.evidence(Event::Ended(Ended {
        session,
        entry: entry_inline,
        row: row.id,
    }))
    .await
}

/// Says that a row which could not be read as sessions is gone.
pub(super) async fn ended_row(
    out: &mut Out,
    row: &Row,
    reason: String,
    login: &Bytes,
) -> Result<(), Cancelled> {
    let value = match &row.value {
        Some(value) => inline(out, row.id, value).await?,
        None => None,
    };
    let (user_id, user_login) = (row.user, login.clone());
    out.evidence(Event::EndedRow(EndedRow {
        user_id,
        user_login,
        row: row.id,
        reason,
        value,
    }))
    .await
}

async fn inline(out: &mut Out, row: u64, bytes: &[u8]) -> Result<Option<Bytes>, Cancelled> {
    if bytes.len() <= INLINE {
        return Ok(Some(bytes.into()));
    }
    for (number, piece) in bytes.chunks(PART).enumerate() {
        let offset = (number * PART) as u64;
        out.evidence(Event::Part(Part {
            row,
            offset,
            bytes: piece.into(),
        }))
        .await?;
    }
    Ok(None)
}
