//! The `session_tokens` value: which sessions it holds and whether WordPress takes them for live.
//! Pure: the value and the time come in, entries go out; rows and databases are elsewhere.

#[cfg(test)]
mod tests;

use std::ops::Range;

use kickout_shared::value::{Key, Value};

use super::serialize::{
    Item, Ordered, ParseError, RawKey, Scanner, Step, decimal, decode_part, trimmed,
};

/// What a value holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Sessions, in stored order; among them those that WordPress ignores.
    Sessions(Vec<Entry>),
    /// Not a list of sessions.
    Corrupt(Corruption),
}

/// Why a value is not a list of sessions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corruption {
    /// Nothing, or white space only; also what NULL is read as.
    #[error("the value is empty")]
    Empty,
    /// Text or bytes that PHP did not serialize (garbage, JSON).
    #[error("the value is not serialized data")]
    NotSerialized,
    /// Serialized, but not an array.
    #[error("the value is {kind}, not an array of sessions")]
    NotAnArray {
        /// What it is, with its article.
        kind: &'static str,
    },
    /// A serialized string that holds serialized data.
    #[error("the value has been serialized twice")]
    SerializedTwice,
    /// `a:0:{}`, which core never writes.
    #[error("the value is an empty array")]
    NoEntries,
    /// An array that PHP cannot read either: for WordPress there are no sessions.
    #[error("the array of sessions is damaged: {0}")]
    Damaged(ParseError),
    /// An array that PHP may well read, sessions and all, but this parser does not follow.
    #[error("the array of sessions cannot be read without PHP: {0}")]
    NeedsPhp(ParseError),
}

impl Corruption {
    /// What the operator can do.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Empty
            | Self::NotSerialized
            | Self::NotAnArray { .. }
            | Self::SerializedTwice
            | Self::NoEntries => {
                "Destroy all of the user's sessions to remove the row; the next login overwrites it."
            }
            Self::Damaged(cause) | Self::NeedsPhp(cause) => cause.fix(),
        }
    }
}

/// One session in place: its key, where it stands, and what WordPress makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The verifier: the key under which the session is stored.
    pub key: Key,
    /// Where key and value stand in the stored value, as byte offsets.
    pub raw: Range<usize>,
    /// Whether it logs anybody in.
    pub state: EntryState,
    /// A bare integer, the form of old WordPress versions: an expiration and nothing else.
    pub legacy: bool,
    /// Where its value begins.
    pub(super) value: usize,
    /// The slots its values take; empty for `R:`.
    pub(super) slots: Range<u64>,
    login: Option<i64>,
}

impl Entry {
    /// Whether it must be treated as live: it is, or nobody can tell.
    pub fn is_live(&self) -> bool {
        match self.state {
            EntryState::Live | EntryState::Odd(_) => true,
            EntryState::Expired | EntryState::Ignored(_) => false,
        }
    }

    /// The stored fields of the session, decoded from the `value` it was read from, in stored
    /// order. A legacy session has `expiration` only, and an entry that is no session has none.
    /// Decoded as [`serialize::decode`](super::serialize::decode) does.
    pub fn fields(&self, value: &[u8]) -> Vec<(Key, Value)> {
        let stored = value.get(self.value..self.raw.end).unwrap_or_default();
        match decode_part(stored) {
            Some(Value::Array(fields)) => fields,
            Some(Value::Int(at)) => vec![(Key::Text("expiration".into()), Value::Int(at))],
            _ => Vec::new(),
        }
    }
}

/// What `WP_Session_Tokens::is_still_valid` makes of an entry. Reasons are for people and complete
/// the sentence "the session …".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// `expiration` is a number not before now, or `true`.
    Live,
    /// `expiration` is a number before now.
    Expired,
    /// Nothing WordPress can take for a session; it passes over it and drops it on a rewrite.
    Ignored(&'static str),
    /// Breaks WordPress, or its expiration compares in no sensible way: treat it as live.
    Odd(&'static str),
}

/// When the session was made, in seconds since the epoch; none when `login` is missing or odd (not
/// a positive integer). It may lie in the future.
pub fn login_of(entry: &Entry) -> Option<i64> {
    entry.login
}

/// How many entries must be treated as live.
pub fn live_count(entries: &[Entry]) -> usize {
    entries.iter().filter(|entry| entry.is_live()).count()
}

/// Reads a stored value as `WP_User_Meta_Session_Tokens::get_sessions` would at `now` (seconds
/// since the epoch). Of a duplicate key the last value counts, at the place of the first.
pub fn read(value: &[u8], now: i64) -> Content {
    match survey(value, now) {
        Ok(survey) => Content::Sessions(survey.entries.into_items()),
        Err(corruption) => Content::Corrupt(corruption),
    }
}

/// All entries of a value, and the first key that stands there twice.
pub(super) struct Survey<'a> {
    pub(super) entries: Ordered<'a, Entry>,
    pub(super) duplicate: Option<Key>,
}

/// [`read`], with what an edit must know.
pub(super) fn survey(value: &[u8], now: i64) -> Result<Survey<'_>, Corruption> {
    let mut survey = Survey {
        entries: Ordered::default(),
        duplicate: None,
    };
    let mut session = Session::default();
    let mut slots = 1;
    for step in array_steps(value)? {
        let step = step.map_err(|cause| match cause.needs_php() {
            true => Corruption::NeedsPhp(cause),
            false => Corruption::Damaged(cause),
        })?;
        if step.depth == 2 {
            session.take(&step);
        }
        if step.depth != 1 {
            continue;
        }
        let state = match &step.item {
            Item::Array | Item::Object(_) => {
                let is_object = matches!(step.item, Item::Object(_));
                session = Session {
                    key: step.key,
                    is_object,
                    ..Session::default()
                };
                continue;
            }
            Item::Close => session.state(now),
            scalar => scalar_state(scalar, now),
        };
        let Some(key) = step.key.or(session.key) else {
            continue;
        };
        let entry = Entry {
            key: key.to_key(),
            raw: step.start..step.end,
            state,
            legacy: matches!(step.item, Item::Int(_)),
            value: step.value,
            slots: slots + 1..step.slots + 1,
            login: session.login,
        };
        if survey.entries.put(key, entry) {
            survey.duplicate.get_or_insert_with(|| key.to_key());
        }
        (slots, session) = (step.slots, Session::default());
    }
    if survey.entries.is_empty() {
        Err(Corruption::NoEntries)
    } else {
        Ok(survey)
    }
}

/// The steps behind the head of the root, which must be an array.
fn array_steps(value: &[u8]) -> Result<Scanner<'_>, Corruption> {
    let stored = trimmed(value);
    if stored.is_empty() {
        return Err(Corruption::Empty);
    }
    let mut steps = Scanner::new(value);
    let root = match steps.next() {
        Some(Ok(Step {
            item: Item::Array, ..
        })) => return Ok(steps),
        Some(Ok(root)) => root,
        Some(Err(cause)) if stored.starts_with(b"a:") => return Err(Corruption::Damaged(cause)),
        Some(Err(_)) | None => return Err(Corruption::NotSerialized),
    };
    if steps.any(|step| step.is_err()) {
        return Err(Corruption::NotSerialized);
    }
    let kind = match root.item {
        Item::Text(text) if Scanner::new(text).all(|step| step.is_ok()) => {
            return Err(Corruption::SerializedTwice);
        }
        Item::Text(_) => "a string",
        Item::Null => "null",
        Item::Bool(_) => "a boolean",
        Item::Int(_) => "an integer",
        Item::Float(_) => "a float",
        Item::Object(_) | Item::Enum(_) => "an object",
        Item::Array | Item::Reference { .. } | Item::Close => "no value",
    };
    Err(Corruption::NotAnArray { kind })
}

/// What has been seen of the session that is being read.
#[derive(Default)]
struct Session<'a> {
    key: Option<RawKey<'a>>,
    is_object: bool,
    expiration: Option<Item<'a>>,
    login: Option<i64>,
}

impl<'a> Session<'a> {
    /// Takes what counts of one field. The last duplicate wins, as in PHP.
    fn take(&mut self, field: &Step<'a>) {
        match field.key {
            _ if self.is_object => {}
            Some(RawKey::Text(b"expiration")) => self.expiration = Some(field.item.clone()),
            Some(RawKey::Text(b"login")) => {
                self.login = match field.item {
                    Item::Int(login) if login > 0 => Some(login),
                    _ => None,
                };
            }
            _ => {}
        }
    }

    /// `$session['expiration'] >= time()`, as PHP 8 compares.
    fn state(&self, now: i64) -> EntryState {
        if self.is_object {
            return EntryState::Odd("is an object, which breaks WordPress");
        }
        match &self.expiration {
            None => EntryState::Ignored("has no expiration"),
            Some(Item::Null) => EntryState::Ignored("has null for its expiration"),
            Some(Item::Bool(false)) => EntryState::Ignored("has false for its expiration"),
            Some(Item::Bool(true)) => EntryState::Live,
            Some(Item::Int(at)) => live_when(*at >= now),
            Some(Item::Float(at)) => live_when(*at >= now as f64),
            Some(Item::Text(text)) => match numeric(text) {
                Some(at) => live_when(at >= now as f64),
                None => EntryState::Odd("has an expiration that is no number"),
            },
            Some(Item::Array | Item::Object(_) | Item::Enum(_) | Item::Close) => {
                EntryState::Odd("has an expiration that is no number")
            }
            Some(Item::Reference { .. }) => EntryState::Odd("has a reference for its expiration"),
        }
    }
}

/// What core makes of an entry that is not an array.
fn scalar_state(entry: &Item<'_>, now: i64) -> EntryState {
    match entry {
        Item::Int(at) => live_when(*at >= now),
        Item::Null => EntryState::Ignored("is null"),
        Item::Bool(_) => EntryState::Ignored("is a boolean"),
        Item::Float(_) => EntryState::Ignored("is a float"),
        Item::Text(_) => EntryState::Odd("is a string, which breaks WordPress"),
        Item::Object(_) | Item::Enum(_) | Item::Reference { object: true, .. } => {
            EntryState::Odd("is an object, which breaks WordPress")
        }
        Item::Reference { object: false, .. } => EntryState::Odd("is a reference"),
        Item::Array | Item::Close => EntryState::Odd("is out of place"),
    }
}

fn live_when(is_live: bool) -> EntryState {
    if is_live {
        EntryState::Live
    } else {
        EntryState::Expired
    }
}

/// A numeric string as PHP 8 takes it in a comparison with a number: white space may surround it.
fn numeric(text: &[u8]) -> Option<f64> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let begin = text.iter().position(|byte| !is_space(byte))?;
    let end = text.iter().rposition(|byte| !is_space(byte))?;
    decimal(text.get(begin..=end)?)
}
