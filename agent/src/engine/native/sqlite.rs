//! SQLite under the official integration drop-in: the connection, and its words.
//!
//! Columns there are `COLLATE NOCASE` text; values are compared as blobs. Every write takes the
//! write lock first (`BEGIN IMMEDIATE`), so that it waits at the start rather than failing in the
//! middle.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use super::dialect::Dialect;
use super::sql::{Arg, Columns, Sql, TRIES, pause, quoted};
use crate::engine::EngineError;

/// How long SQLite itself waits for another writer.
const BUSY: Duration = Duration::from_secs(5);

/// `SQLITE_MAX_LENGTH` as SQLite is built.
const LARGEST: u64 = 1_000_000_000;

/// An open file.
pub struct Sqlite {
    connection: SqliteConnection,
    path: String,
    version: String,
}

impl Sqlite {
    /// Opens an existing file that holds these two tables. Its journal mode stays as the site set
    /// it.
    pub async fn open(path: &Path, users: &str, usermeta: &str) -> Result<Self, EngineError> {
        let shown = path.display().to_string();
        // SQLite opens a file it may not write as read-only and fails at the first write; say so
        // before anything is asked of it.
        let file = |why: String| EngineError::File {
            path: shown.clone(),
            why,
        };
        let writable = rustix::fs::access(path, rustix::fs::Access::WRITE_OK);
        writable.map_err(|error| file(std::io::Error::from(error).to_string()))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(BUSY)
            .foreign_keys(false);
        let connection = options
            .connect()
            .await
            .map_err(|error| file(words(&error)))?;
        let mut sqlite = Self {
            connection,
            path: shown,
            version: String::new(),
        };
        let version = |columns: &dyn Columns| columns.bytes(0).unwrap_or_default();
        let facts = format!(
            "SELECT sqlite_version(), (SELECT 1 FROM {} LIMIT 1), (SELECT 1 FROM {} LIMIT 1)",
            quoted(usermeta),
            quoted(users)
        );
        let versions = match sqlite.fetch(&facts, &[], version).await {
            Ok(versions) => versions,
            Err(error) => return Err(super::stored::name_prefixes(&mut sqlite, error).await),
        };
        sqlite.version = String::from_utf8_lossy(&versions.concat()).into_owned();
        Ok(sqlite)
    }

    async fn locked(&mut self, sql: &str, args: &[Arg]) -> Result<u64, sqlx::Error> {
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut self.connection)
            .await?;
        let done = bound(sql, args).execute(&mut self.connection).await;
        let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = sqlx::raw_sql(end).execute(&mut self.connection).await;
        match (done, ended) {
            (Ok(done), Ok(_)) => Ok(done.rows_affected()),
            (Err(error), _) => Err(error),
            (Ok(_), Err(error)) => {
                // A commit that found the file busy leaves the transaction open.
                let _ = sqlx::raw_sql("ROLLBACK")
                    .execute(&mut self.connection)
                    .await;
                Err(error)
            }
        }
    }
}

fn words(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(said) => said.message().to_owned(),
        None => error.to_string(),
    }
}

/// The primary result code (`SQLITE_BUSY` is 5, `SQLITE_READONLY` 8, …) of an extended one.
fn code(error: &sqlx::Error) -> Option<u32> {
    let extended: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

struct SqliteColumns<'r>(&'r SqliteRow);

impl Columns for SqliteColumns<'_> {
    fn int(&self, index: usize) -> Option<u64> {
        let number = self
            .0
            .try_get_unchecked::<Option<i64>, _>(index)
            .ok()
            .flatten()?;
        u64::try_from(number).ok()
    }

    fn bytes(&self, index: usize) -> Option<Vec<u8>> {
        self.0
            .try_get_unchecked::<Option<Vec<u8>>, _>(index)
            .ok()
            .flatten()
    }
}

fn bound<'q>(
    sql: &str,
    args: &'q [Arg],
) -> sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    args.iter().fold(query, |query, arg| match arg {
        Arg::Int(number) => query.bind(i64::try_from(*number).unwrap_or(i64::MAX)),
        Arg::Text(text) => query.bind(text.as_str()),
        Arg::Bytes(bytes) => query.bind(bytes.as_slice()),
    })
}

impl Sqlite {
    fn error(&self, error: &sqlx::Error) -> EngineError {
        numbered(code(error), words(error), &self.path)
    }
}

/// What a primary result code means for the file at `path`; `why` are SQLite's words.
pub(in crate::engine) fn numbered(code: Option<u32>, why: String, path: &str) -> EngineError {
    match code {
        Some(5 | 6) => EngineError::Locked { why },
        Some(8) => EngineError::ReadOnly { why, fix: None },
        // SQLITE_PERM, SQLITE_CANTOPEN, SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_IOERR, SQLITE_FULL
        Some(3 | 10 | 11 | 13 | 14 | 26) => EngineError::File {
            path: path.to_owned(),
            why,
        },
        _ => match why.split_once("no such table: ") {
            Some((_, table)) => EngineError::NoTable {
                table: table.to_owned(),
                found: None,
            },
            None => EngineError::Other(why),
        },
    }
}

impl Sql for Sqlite {
    async fn fetch<T>(
        &mut self,
        sql: &str,
        args: &[Arg],
        read: impl Fn(&dyn Columns) -> T,
    ) -> Result<Vec<T>, EngineError> {
        match bound(sql, args).fetch_all(&mut self.connection).await {
            Ok(rows) => Ok(rows.iter().map(|row| read(&SqliteColumns(row))).collect()),
            Err(error) => Err(self.error(&error)),
        }
    }

    async fn execute(&mut self, sql: &str, args: &[Arg]) -> Result<u64, EngineError> {
        let mut attempt = 1;
        loop {
            match self.locked(sql, args).await {
                Ok(rows) => return Ok(rows),
                Err(error) if attempt < TRIES && matches!(code(&error), Some(5 | 6)) => {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(self.error(&error)),
            }
        }
    }

    fn dialect(&self) -> &Dialect {
        &Dialect::Sqlite
    }

    fn largest_value(&self) -> u64 {
        LARGEST
    }

    fn describe(&self) -> String {
        format!("SQLite {} at {}", self.version, self.path)
    }
}
