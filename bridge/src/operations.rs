//! Every operation by its name: a request that comes twice is done once, and answered twice with the
//! same; also when the bridge was started anew in between.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::token::KeyId;

/// How long an operation is remembered, in seconds.
pub const REMEMBERED: i64 = 24 * 60 * 60;

/// How many operations are remembered; the oldest go first.
pub const MAX_OPERATIONS: u32 = 100_000;

/// How far an operation's time of issue may be from the bridge's clock, in seconds.
pub const SKEW: i64 = 300;

/// The longest answer that is repeated, in bytes; of a longer one its end alone.
pub const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// What is known of an operation that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: it may be done, and is remembered from now on.
    New,
    /// It is being done.
    Running,
    /// It has been done, and this was the answer.
    Done(Vec<u8>),
    /// It may have begun, and its end is not known: the bridge ended meanwhile, or the agent did.
    Lost,
    /// Another request had this name.
    Other,
}

/// Why operations cannot be remembered.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep operations: {0}")]
pub struct OperationsError(#[from] sqlx::Error);

impl OperationsError {
    /// The command that mends it.
    pub fn fix(&self) -> String {
        "Nothing is done that is not remembered. Look at the bridge's state folder, its owner and \
         its disk."
            .to_owned()
    }
}

/// The operations of a bridge.
#[derive(Debug)]
pub struct Operations {
    sql: SqliteConnection,
    /// What is being done, and the request of each.
    running: HashMap<Key, String>,
    /// What has never begun, and could not be forgotten on the disk.
    withdrawn: HashSet<Key>,
}

type Key = (KeyId, String);

/// Names an operation: whose it is, and what its controller calls it.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// The token. Two may use the same name for different things.
    pub token: &'a KeyId,
    /// The controller's name.
    pub operation: &'a str,
}

impl Name<'_> {
    fn key(self) -> Key {
        (self.token.clone(), self.operation.to_owned())
    }
}

impl Operations {
    /// Those in this file, which is made when there is none.
    pub async fn open(path: &Path) -> Result<Self, OperationsError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        let mut sql = SqliteConnection::connect_with(&options).await?;
        sqlx::raw_sql(
            "CREATE TABLE IF NOT EXISTS operations (
                 token TEXT NOT NULL,
                 operation TEXT NOT NULL,
                 request TEXT NOT NULL,
                 at INTEGER NOT NULL,
                 answer BLOB,
                 PRIMARY KEY (token, operation)
             ) STRICT;
             CREATE INDEX IF NOT EXISTS operations_at ON operations (at);",
        )
        .execute(&mut sql)
        .await?;
        Ok(Self {
            sql,
            running: HashMap::new(),
            withdrawn: HashSet::new(),
        })
    }

    /// What is known of an operation with this request (its SHA-256, hex). If nothing is, it is
    /// remembered as begun, on the disk, before this returns.
    pub async fn begin(
        &mut self,
        name: Name<'_>,
        request: &str,
        now: i64,
    ) -> Result<Known, OperationsError> {
        let key = name.key();
        if let Some(running) = self.running.get(&key) {
            return Ok(match running == request {
                true => Known::Running,
                false => Known::Other,
            });
        }
        let known = sqlx::query(
            "SELECT request, answer FROM operations
             WHERE token = ? AND operation = ? AND at >= ?",
        )
        .bind(name.token)
        .bind(name.operation)
        .bind(now.saturating_sub(REMEMBERED))
        .fetch_optional(&mut self.sql)
        .await?;
        if let Some(row) = known.filter(|_| !self.withdrawn.contains(&key)) {
            let same: String = row.try_get(0)?;
            let answer: Option<Vec<u8>> = row.try_get(1)?;
            return Ok(match answer {
                _ if same != request => Known::Other,
                Some(answer) => Known::Done(answer),
                None => Known::Lost,
            });
        }
        self.forget(now).await?;
        sqlx::query(
            "INSERT OR REPLACE INTO operations (token, operation, request, at) VALUES (?, ?, ?, ?)",
        )
        .bind(name.token)
        .bind(name.operation)
        .bind(request)
        .bind(now)
        .execute(&mut self.sql)
        .await?;
        self.withdrawn.remove(&key);
        self.running.insert(key, request.to_owned());
        Ok(Known::New)
    }

    /// An operation has never begun: it can be asked for again.
    pub async fn withdraw(&mut self, name: Name<'_>) {
        let key = name.key();
        self.running.remove(&key);
        let forgotten = sqlx::query("DELETE FROM operations WHERE token = ? AND operation = ?")
            .bind(name.token)
            .bind(name.operation)
            .execute(&mut self.sql)
            .await;
        // The disk may be full, which is why it has not begun. After a restart its end is not known.
        if forgotten.is_err() && self.withdrawn.len() < MAX_OPERATIONS as usize {
            self.withdrawn.insert(key);
        }
    }

    /// An operation is over, and its end is not known.
    pub fn lose(&mut self, name: Name<'_>) {
        self.running.remove(&name.key());
    }

    /// An operation is over: this is what to say when it is asked for again. If that cannot be kept,
    /// its end is not known.
    pub async fn end(&mut self, name: Name<'_>, answer: &[u8]) -> Result<(), OperationsError> {
        self.running.remove(&name.key());
        sqlx::query("UPDATE operations SET answer = ? WHERE token = ? AND operation = ?")
            .bind(answer)
            .bind(name.token)
            .bind(name.operation)
            .execute(&mut self.sql)
            .await?;
        Ok(())
    }

    /// Makes room for one.
    async fn forget(&mut self, now: i64) -> Result<(), OperationsError> {
        sqlx::query("DELETE FROM operations WHERE at < ?")
            .bind(now.saturating_sub(REMEMBERED))
            .execute(&mut self.sql)
            .await?;
        sqlx::query(
            "DELETE FROM operations WHERE rowid IN (
                 SELECT rowid FROM operations ORDER BY at DESC, rowid DESC LIMIT -1 OFFSET ?)",
        )
        .bind(MAX_OPERATIONS - 1)
        .execute(&mut self.sql)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    #[tokio::test]
    async fn once_and_for_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("operations");
        let (one, two) = ("aaaa".to_owned(), "bbbb".to_owned());
        let name = |token, operation| Name { token, operation };
        let (this, that) = ("1", "2");

        let mut operations = Operations::open(&path).await.unwrap();
        let first = name(&one, "x");
        let begin = async |operations: &mut Operations, name, request: &str, now| {
            operations.begin(name, request, now).await.unwrap()
        };
        assert_eq!(begin(&mut operations, first, this, NOW).await, Known::New);
        assert_eq!(
            begin(&mut operations, first, this, NOW).await,
            Known::Running
        );
        assert_eq!(begin(&mut operations, first, that, NOW).await, Known::Other);
        // Somebody else's of the same name is another.
        let theirs = name(&two, "x");
        assert_eq!(begin(&mut operations, theirs, that, NOW).await, Known::New);
        operations.end(theirs, b"done\n").await.unwrap();
        let done = Known::Done(b"done\n".to_vec());
        assert_eq!(begin(&mut operations, theirs, that, NOW).await, done);
        assert_eq!(
            begin(&mut operations, theirs, this, NOW).await,
            Known::Other
        );

        // What never began is as if nobody had asked; what may have begun is not.
        operations.withdraw(first).await;
        assert_eq!(begin(&mut operations, first, that, NOW).await, Known::New);
        operations.lose(first);
        assert_eq!(begin(&mut operations, first, that, NOW).await, Known::Lost);
        operations.withdraw(first).await;
        assert_eq!(begin(&mut operations, first, this, NOW).await, Known::New);
        // Also when it cannot be forgotten on the disk.
        let read_only = async |operations: &mut Operations, on: bool| {
            let sql = sqlx::AssertSqlSafe(format!("PRAGMA query_only = {on}"));
            sqlx::raw_sql(sql)
                .execute(&mut operations.sql)
                .await
                .unwrap();
        };
        read_only(&mut operations, true).await;
        operations.withdraw(first).await;
        assert!(operations.begin(first, that, NOW).await.is_err());
        read_only(&mut operations, false).await;
        assert_eq!(begin(&mut operations, first, that, NOW).await, Known::New);
        operations.withdraw(first).await;
        assert_eq!(begin(&mut operations, first, this, NOW).await, Known::New);

        // The bridge ends without a word, and is started anew.
        drop(operations);
        let mut operations = Operations::open(&path).await.unwrap();
        assert_eq!(begin(&mut operations, first, this, NOW).await, Known::Lost);
        assert_eq!(
            begin(&mut operations, theirs, that, NOW + REMEMBERED).await,
            done
        );
        let next_day = NOW + REMEMBERED + 1;
        assert_eq!(
            begin(&mut operations, theirs, that, next_day).await,
            Known::New
        );
    }

    #[tokio::test]
    async fn only_so_many() {
        let dir = tempfile::tempdir().unwrap();
        let mut operations = Operations::open(&dir.path().join("o")).await.unwrap();
        let token = "aaaa".to_owned();
        let name = |operation| Name {
            token: &token,
            operation,
        };
        for first in ["first", "second"] {
            operations.begin(name(first), "1", NOW).await.unwrap();
            operations.lose(name(first));
        }
        let more = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99998)
                    INSERT INTO operations SELECT 'aaaa', i, '0', 1800000001, NULL FROM n";
        sqlx::raw_sql(more)
            .execute(&mut operations.sql)
            .await
            .unwrap();
        operations.begin(name("last"), "1", NOW + 1).await.unwrap();
        let known = operations
            .begin(name("second"), "1", NOW + 1)
            .await
            .unwrap();
        assert_eq!(known, Known::Lost);
        let known = operations.begin(name("first"), "1", NOW + 1).await.unwrap();
        assert_eq!(known, Known::New);
    }
}
