//! The two native engines as one: whichever of the servers it is.

use kickout_shared::bytes::Bytes;
use kickout_shared::user::{User, UserKey};

use super::mysql::MySql;
use super::sqlite::Sqlite;
use super::store::Native;
use crate::engine::{Engine, EngineError, Entry, Row, RowHead, Survivor, Written};

/// A native engine that is open.
pub enum Direct {
    /// MySQL or MariaDB.
    MySql(Native<MySql>),
    /// The SQLite integration.
    Sqlite(Native<Sqlite>),
}

impl Direct {
    /// Says goodbye to a server.
    pub async fn close(self) {
        if let Self::MySql(native) = self {
            native.into_sql().close().await;
        }
    }
}

macro_rules! either {
    ($self:ident, $native:ident => $answer:expr) => {
        match $self {
            Self::MySql($native) => $answer,
            Self::Sqlite($native) => $answer,
        }
    };
}

impl Engine for Direct {
    fn describe(&self) -> String {
        either!(self, native => native.describe())
    }

    fn caveat(&self) -> Option<String> {
        either!(self, native => native.caveat())
    }

    async fn writable(&mut self) -> Result<(), EngineError> {
        either!(self, native => native.writable().await)
    }

    async fn survivors(
        &mut self,
        of: Option<&[u64]>,
        limit: usize,
    ) -> Result<Vec<Survivor>, EngineError> {
        either!(self, native => native.survivors(of, limit).await)
    }

    async fn user(&mut self, by: UserKey, text: &str) -> Result<Option<User>, EngineError> {
        either!(self, native => native.user(by, text).await)
    }

    async fn users(&mut self, ids: &[u64]) -> Result<Vec<User>, EngineError> {
        either!(self, native => native.users(ids).await)
    }

    async fn logins(&mut self, ids: &[u64]) -> Result<Vec<(u64, Bytes)>, EngineError> {
        either!(self, native => native.logins(ids).await)
    }

    async fn next_users(
        &mut self,
        last: Option<&User>,
        limit: usize,
    ) -> Result<Vec<User>, EngineError> {
        either!(self, native => native.next_users(last, limit).await)
    }

    async fn rows(&mut self, user: u64) -> Result<Vec<Row>, EngineError> {
        either!(self, native => native.rows(user).await)
    }

    async fn next_rows(&mut self, last: u64, limit: usize) -> Result<Vec<RowHead>, EngineError> {
        either!(self, native => native.next_rows(last, limit).await)
    }

    async fn previous_rows(
        &mut self,
        first: u64,
        limit: usize,
    ) -> Result<Vec<RowHead>, EngineError> {
        either!(self, native => native.previous_rows(first, limit).await)
    }

    async fn last_row(&mut self) -> Result<u64, EngineError> {
        either!(self, native => native.last_row().await)
    }

    async fn effective_rows(&mut self, users: &[u64]) -> Result<Vec<(u64, u64)>, EngineError> {
        either!(self, native => native.effective_rows(users).await)
    }

    async fn load(&mut self, heads: &[RowHead]) -> Result<Vec<Row>, EngineError> {
        either!(self, native => native.load(heads).await)
    }

    async fn rewrite(
        &mut self,
        row: &Row,
        now: i64,
        drop: &dyn Fn(&Entry) -> bool,
    ) -> Result<Written, EngineError> {
        either!(self, native => native.rewrite(row, now, drop).await)
    }

    async fn remove(&mut self, rows: &[Row]) -> Result<u64, EngineError> {
        either!(self, native => native.remove(rows).await)
    }
}
