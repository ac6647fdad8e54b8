//! A login session as WordPress stores it: one entry of the `session_tokens` user meta.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::value::{Key, Value};

/// One listed session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    pub user_id: u64,
    /// Their login name.
    pub user_login: Bytes,
    /// The verifier: the array key under which the session is stored (SHA-256 of the cookie's
    /// token, in hex).
    pub token: Key,
    /// Everything stored in the session, in stored order: `expiration`, `ip`, `ua`, `login` and
    /// whatever `attach_session_information` added. A legacy session has `expiration` only.
    pub fields: Vec<(Key, Value)>,
}

impl Session {
    /// The stored value under `name`, when there is one. As in PHP, the last duplicate wins.
    pub fn field(&self, name: &[u8]) -> Option<&Value> {
        field(&self.fields, name)
    }
}

/// The value under `name` in the fields of a session; the last duplicate wins, as in PHP.
pub fn field<'a>(fields: &'a [(Key, Value)], name: &[u8]) -> Option<&'a Value> {
    let is_name = |key: &Key| matches!(key, Key::Text(text) if text.0 == name);
    fields
        .iter()
        .rev()
        .find(|(key, _)| is_name(key))
        .map(|(_, value)| value)
}

/// A session that has been ended: the evidence that travels back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The session as it was.
    pub session: Session,
    /// Its raw entry, key and value as PHP serialized them; absent when it travelled in
    /// [`Part`]s before this event because it is too large for one frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Bytes>,
    /// The `umeta_id` of the row it stood in.
    pub row: u64,
}

/// A piece of evidence too large for one frame. Pieces of one entry follow each other, in order,
/// and end with the [`Ended`] or [`EndedRow`] they belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The row the evidence stood in.
    pub row: u64,
    /// Where this piece begins, in bytes.
    pub offset: u64,
    /// The bytes.
    pub bytes: Bytes,
}

/// A whole row that has been removed although it could not be read as sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedRow {
    /// Whose row it was.
    pub user_id: u64,
    /// Their login name, empty when the user no longer exists.
    pub user_login: Bytes,
    /// The `umeta_id`.
    pub row: u64,
    /// Why it could not be read.
    pub reason: String,
    /// Its value; absent when it travelled in [`Part`]s or was too large to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Bytes>,
}
