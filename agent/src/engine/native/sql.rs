//! The little SQL the native engine speaks, and the two servers' words for it. No sessions here.

use std::future::Future;

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

    /// The bytes of `meta_value` as PHP sees them.
    fn value(&self) -> String;

    /// An expression that turns the bound bytes of a new value into what the column stores.
    fn new_value(&self) -> String;

    /// An expression over `meta_value` that equals [`Sql::fingerprint`] only for the same bytes.
    fn fingerprint_column(&self) -> String;

    /// What [`Sql::fingerprint_column`] yields for these bytes.
    fn fingerprint(&self, value: &[u8]) -> Arg;

    /// The largest value that one answer may carry, in bytes.
    fn largest_value(&self) -> u64;

    /// What doctor calls it: server and version.
    fn describe(&self) -> String;

    /// A column in a comparison that the planner must not answer from that column's index.
    fn off_index(&self, column: &str) -> String {
        column.to_owned()
    }

    /// Tables whose name ends in `suffix`, for naming the prefixes that do exist.
    fn tables_like(
        &mut self,
        suffix: &str,
    ) -> impl Future<Output = Result<Vec<String>, EngineError>>;

    /// What makes committed work less than durable, in words.
    fn caveat(&self) -> Option<String> {
        None
    }
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
