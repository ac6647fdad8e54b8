//! An engine in memory: the model that the real ones are measured against.
//!
//! It shares the codec of session values with them and nothing else.

use std::collections::BTreeMap;

use kickout_shared::bytes::Bytes;
use kickout_shared::user::{User, UserKey};

use crate::engine::native::splice::{self, Edit};
use crate::engine::{Engine, EngineError, Entry, Row, RowHead, Survivor, WayIn, Written};

/// Users and session rows, and what happens behind our back.
#[derive(Default)]
pub struct Memory {
    users: Vec<User>,
    rows: BTreeMap<u64, Row>,
    survivors: Vec<Survivor>,
    meddler: Option<Meddler>,
    writes: u32,
}

/// Somebody who changes rows between our read and our write: called before every write with its
/// number, counted from 1.
pub type Meddler = Box<dyn FnMut(u32, &mut BTreeMap<u64, Row>)>;

impl Memory {
    /// Adds a user.
    pub fn add_user(&mut self, user: User) {
        self.users.push(user);
    }

    /// Adds a way in that is no session.
    pub fn add_survivor(&mut self, survivor: Survivor) {
        self.survivors.push(survivor);
    }

    /// Adds a session row and returns its id.
    pub fn add_row(&mut self, user: u64, exact: bool, value: &[u8]) -> u64 {
        let id = self.rows.keys().next_back().map_or(1, |last| last + 1);
        let value = Some(value.to_vec());
        let size = value.as_ref().map_or(0, Vec::len) as u64;
        self.rows.insert(
            id,
            Row {
                id,
                user,
                value,
                size,
                exact,
            },
        );
        id
    }

    /// Lets somebody write between our read and our write.
    pub fn meddle(&mut self, meddler: Meddler) {
        self.meddler = Some(meddler);
    }

    /// The value of a row, when it is there.
    pub fn value(&self, row: u64) -> Option<&[u8]> {
        self.rows.get(&row)?.value.as_deref()
    }

    fn before_write(&mut self) {
        self.writes += 1;
        if let Some(meddler) = &mut self.meddler {
            meddler(self.writes, &mut self.rows);
        }
    }

    fn unchanged(&self, row: &Row) -> bool {
        self.rows
            .get(&row.id)
            .is_some_and(|now| now.value == row.value)
    }
}

impl Engine for Memory {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn caveat(&self) -> Option<String> {
        None
    }

    async fn writable(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    async fn survivors(
        &mut self,
        of: Option<&[u64]>,
        limit: usize,
    ) -> Result<Vec<Survivor>, EngineError> {
        let meant = |it: &&Survivor| of.is_none_or(|ids| ids.contains(&it.user));
        let is_password = |it: &&Survivor| matches!(it.way, WayIn::Passwords { .. });
        let all = || self.survivors.iter().filter(meant);
        let passwords = all().filter(is_password).take(limit);
        let resets = all().filter(|it| !is_password(it)).take(limit);
        Ok(passwords.chain(resets).cloned().collect())
    }

    async fn user(&mut self, by: UserKey, text: &str) -> Result<Option<User>, EngineError> {
        let same = |stored: &[u8]| stored.eq_ignore_ascii_case(text.as_bytes());
        let is = |user: &&User| match by {
            UserKey::Id => text.parse() == Ok(user.id),
            UserKey::Login | UserKey::Any => same(&user.login.0),
            UserKey::Email => same(&user.email.0),
        };
        Ok(self.users.iter().find(is).cloned())
    }

    async fn users(&mut self, ids: &[u64]) -> Result<Vec<User>, EngineError> {
        Ok(self
            .users
            .iter()
            .filter(|user| ids.contains(&user.id))
            .cloned()
            .collect())
    }

    async fn logins(&mut self, ids: &[u64]) -> Result<Vec<(u64, Bytes)>, EngineError> {
        let users = self.users.iter().filter(|user| ids.contains(&user.id));
        Ok(users.map(|user| (user.id, user.login.clone())).collect())
    }

    async fn next_users(
        &mut self,
        last: Option<&User>,
        limit: usize,
    ) -> Result<Vec<User>, EngineError> {
        let place = |user: &User| (user.login.0.to_ascii_lowercase(), user.id);
        let mut users = self.users.clone();
        users.sort_by_key(place);
        users.retain(|user| last.is_none_or(|last| place(user) > place(last)));
        users.truncate(limit);
        Ok(users)
    }

    async fn rows(&mut self, user: u64) -> Result<Vec<Row>, EngineError> {
        Ok(self
            .rows
            .values()
            .filter(|row| row.user == user)
            .cloned()
            .collect())
    }

    async fn next_rows(&mut self, last: u64, limit: usize) -> Result<Vec<RowHead>, EngineError> {
        Ok(self
            .rows
            .range(last + 1..)
            .take(limit)
            .map(|(_, row)| row.head())
            .collect())
    }

    async fn previous_rows(
        &mut self,
        first: u64,
        limit: usize,
    ) -> Result<Vec<RowHead>, EngineError> {
        let before = self.rows.range(..first).rev().take(limit);
        Ok(before.map(|(_, row)| row.head()).collect())
    }

    async fn last_row(&mut self) -> Result<u64, EngineError> {
        Ok(self.rows.keys().next_back().copied().unwrap_or(0))
    }

    async fn effective_rows(&mut self, users: &[u64]) -> Result<Vec<(u64, u64)>, EngineError> {
        let lowest = |user: &u64| {
            let row = self
                .rows
                .values()
                .find(|row| row.user == *user && row.exact)?;
            Some((*user, row.id))
        };
        Ok(users.iter().filter_map(lowest).collect())
    }

    async fn load(&mut self, heads: &[RowHead]) -> Result<Vec<Row>, EngineError> {
        Ok(heads
            .iter()
            .filter_map(|head| self.rows.get(&head.id).cloned())
            .collect())
    }

    async fn rewrite(
        &mut self,
        row: &Row,
        now: i64,
        drop: &dyn Fn(&Entry) -> bool,
    ) -> Result<Written, EngineError> {
        let uneditable = |why: String| EngineError::Uneditable {
            user: row.user,
            why,
        };
        let old = row.value.as_deref().unwrap_or_default();
        let new = match splice::remove(old, now, drop).map_err(|e| uneditable(e.to_string()))? {
            Edit::Rewrite(new) => new,
            Edit::Empty => return Ok(Written::Empty),
            Edit::Unchanged => return Ok(Written::Done),
        };
        self.before_write();
        if !self.unchanged(row) {
            return Ok(Written::Changed);
        }
        let size = new.len() as u64;
        self.rows.insert(
            row.id,
            Row {
                value: Some(new),
                size,
                ..row.clone()
            },
        );
        Ok(Written::Done)
    }

    async fn remove(&mut self, rows: &[Row]) -> Result<u64, EngineError> {
        self.before_write();
        let mut removed = 0;
        for row in rows {
            if self.unchanged(row) {
                self.rows.remove(&row.id);
                removed += 1;
            }
        }
        Ok(removed)
    }
}
