//! The little SQL the native engine speaks, and the two servers' words for it. No sessions here.

use std::future::Future;
use std::time::Duration;

use super::dial;
use super::dialect::Dialect;
use crate::engine::EngineError;

/// A bound value. Text is bound as text, so that the server compares it under the column's
/// collation; stored session data is bound as bytes.
#[derive(Clone, Debug)]
pub enum Arg {
    /// An unsigned integer.
    Int(u64),
    /// Text, compared under the column's collation.
    Text(String),
    /// Bytes as they are.
    Bytes(Vec<u8>),
}

/// One row of a result, read by position. `None` is SQL's NULL (or a column of another kind).
pub trait Columns {
    /// The column as an unsigned integer.
    fn int(&self, index: usize) -> Option<u64>;
    /// The column as bytes, whatever its charset.
    fn bytes(&self, index: usize) -> Option<Vec<u8>>;
}

/// A connection, and how its server spells what differs.
pub trait Sql {
    /// Runs a query and reads every row.
    fn fetch<T>(
        &mut self,
        sql: &str,
        args: &[Arg],
        read: impl Fn(&dyn Columns) -> T,
    ) -> impl Future<Output = Result<Vec<T>, EngineError>>;

    /// Runs a statement that writes; returns the rows it matched. Retries what may be retried.
    fn execute(
        &mut self,
        sql: &str,
        args: &[Arg],
    ) -> impl Future<Output = Result<u64, EngineError>>;

    /// How this server spells what differs.
    fn dialect(&self) -> &Dialect;

    /// The largest value that one answer may carry, in bytes.
    fn largest_value(&self) -> u64;

    /// What doctor calls it: server and version.
    fn describe(&self) -> String;

    /// Why the server takes no writes, as far as it says.
    fn barred(&self) -> Option<EngineError> {
        None
    }

    /// What makes committed work less than durable, in words.
    fn caveat(&self) -> Option<String> {
        None
    }
}

/// How often a statement that lost a deadlock, or found rows or a file locked, is tried.
pub(in crate::engine) const TRIES: u32 = 3;

/// A wait before the next try: full jitter, 50 ms the first time, doubled each time.
pub(in crate::engine) fn pause(attempt: u32) -> Duration {
    let cap = 50u64 << attempt.min(6);
    Duration::from_millis(dial::random() % cap)
}

/// An identifier in the quotes both servers know. Table names were checked where they were read
/// (`site`), so this only keeps reserved words apart.
pub(crate) fn quoted(identifier: &str) -> String {
    format!("`{}`", identifier.replace('`', "``"))
}

/// `?, ?, ?`
pub(crate) fn marks(count: usize) -> String {
    let mut marks = "?, ".repeat(count);
    marks.truncate(marks.len().saturating_sub(2));
    marks
}
