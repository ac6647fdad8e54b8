//! The wall between meaning and storage: engines answer small questions about stored sessions.
//!
//! An engine knows how sessions are kept and nothing of verbs, wording or the wire. Every engine
//! passes one contract table (`tests/it/contract.rs`).

use std::future::Future;

use kickout_shared::bytes::Bytes;
use kickout_shared::user::{User, UserKey};

pub mod choose;
mod error;
pub mod memory;
pub mod native;
pub mod php;

pub use error::EngineError;
pub use native::tokens::{
    Content, Corruption, Entry, EntryState, live_count, login_of, read as read_tokens,
};

/// One stored row of sessions, as read once.
#[derive(Clone, Debug)]
pub struct Row {
    /// `umeta_id`; rows are ordered by it, and WordPress reads the lowest only.
    pub id: u64,
    /// Whose.
    pub user: u64,
    /// The value as PHP sees it; `None` when it is larger than one answer may carry.
    pub value: Option<Vec<u8>>,
    /// Its size as stored, in bytes.
    pub size: u64,
    /// Whether the key is exactly `session_tokens`. Others are invisible to WordPress, but its
    /// delete takes them too (`wordpress.md` §1.8).
    pub exact: bool,
}

/// Where a row is, without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowHead {
    /// `umeta_id`
    pub id: u64,
    /// Whose.
    pub user: u64,
    /// The size of its value as stored, in bytes.
    pub size: u64,
}

impl Row {
    /// Where it is, without its value.
    pub fn head(&self) -> RowHead {
        RowHead {
            id: self.id,
            user: self.user,
            size: self.size,
        }
    }
}

/// What became of a row that was to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It now holds the new value.
    Done,
    /// It was not what had been read: read again.
    Changed,
    /// Nothing would remain in it: to be removed instead.
    Empty,
}

/// A user who gets in without a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// Whose id.
    pub user: u64,
    /// Whose login.
    pub login: Bytes,
    /// How.
    pub way: WayIn,
}

/// What no logout cuts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayIn {
    /// Application passwords.
    Passwords {
        /// How many; `None` when the list is too large to be counted.
        count: Option<u64>,
        /// The last use of any, Unix seconds.
        last_used: Option<i64>,
    },
    /// The key of a password reset that was asked for.
    Reset {
        /// When, Unix seconds, where the key tells.
        since: Option<i64>,
    },
}

/// The questions. Every write compares with what was read and does nothing when that has changed.
pub trait Engine {
    /// What doctor calls it.
    fn describe(&self) -> String;

    /// What makes finished work less than durable, in words.
    fn caveat(&self) -> Option<String>;

    /// Why nothing may be written there; asked before anything is.
    fn writable(&mut self) -> impl Future<Output = Result<(), EngineError>>;

    /// What lets these users in without a session, or everybody; at most `limit` users for each way
    /// in, and one question to the server.
    fn survivors(
        &mut self,
        of: Option<&[u64]>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Survivor>, EngineError>>;

    /// The user whose id, login or email is `text` (`WP_User::get_data_by`).
    fn user(
        &mut self,
        by: UserKey,
        text: &str,
    ) -> impl Future<Output = Result<Option<User>, EngineError>>;

    /// These users, with their roles; ids without a user are left out.
    fn users(&mut self, ids: &[u64]) -> impl Future<Output = Result<Vec<User>, EngineError>>;

    /// The logins of these users (`(id, login)`); ids without a user are left out.
    fn logins(
        &mut self,
        ids: &[u64],
    ) -> impl Future<Output = Result<Vec<(u64, Bytes)>, EngineError>>;

    /// The next users of the addressed blog after `last`, ordered by login.
    fn next_users(
        &mut self,
        last: Option<&User>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<User>, EngineError>>;

    /// All session rows of a user, lowest id first.
    fn rows(&mut self, user: u64) -> impl Future<Output = Result<Vec<Row>, EngineError>>;

    /// The next session rows of anybody after `last`, lowest id first.
    fn next_rows(
        &mut self,
        last: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RowHead>, EngineError>>;

    /// The session rows of anybody before `first`, highest id first.
    fn previous_rows(
        &mut self,
        first: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RowHead>, EngineError>>;

    /// The highest row id there is, for telling how far a long run is.
    fn last_row(&mut self) -> impl Future<Output = Result<u64, EngineError>>;

    /// For each of these users, the row WordPress reads (`(user, row)`).
    fn effective_rows(
        &mut self,
        users: &[u64],
    ) -> impl Future<Output = Result<Vec<(u64, u64)>, EngineError>>;

    /// The values of these rows; rows that are gone are left out.
    fn load(&mut self, heads: &[RowHead]) -> impl Future<Output = Result<Vec<Row>, EngineError>>;

    /// Writes the row back without the entries that `drop` names, as core would: expired entries
    /// vanish, bare ints become arrays, everything else stays byte for byte.
    fn rewrite(
        &mut self,
        row: &Row,
        now: i64,
        drop: &dyn Fn(&Entry) -> bool,
    ) -> impl Future<Output = Result<Written, EngineError>>;

    /// Removes those of these rows that are still what was read; returns how many.
    fn remove(&mut self, rows: &[Row]) -> impl Future<Output = Result<u64, EngineError>>;
}
