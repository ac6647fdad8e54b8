//! A session store of the site's own, asked through its manager. A user's sessions are one row whose
//! id is the user's: what the manager says it holds, serialized.

use kickout_shared::value::{Key, Value};

use super::wire;
use super::wpdb::{Wpdb, forged};
use crate::engine::native::tokens::{self, Content};
use crate::engine::{EngineError, Entry, Row, RowHead, Written};

/// Users looked at, or ended, in one question: each may cost the site's code a query or more.
const BATCH: usize = 100;

/// The manager, for messages.
#[derive(Clone, Debug)]
pub(super) struct Manager {
    /// `Class (file)`
    pub(super) name: String,
}

impl Manager {
    /// What these users hold.
    pub(super) async fn load(
        &self,
        wpdb: &mut Wpdb,
        users: &[u64],
    ) -> Result<Vec<Row>, EngineError> {
        let mut rows = Vec::new();
        for users in users.chunks(BATCH) {
            let request = wire::map([
                ("ask", wire::text("sessions")),
                (
                    "users",
                    wire::list(users.iter().map(|user| wire::int(*user))),
                ),
            ]);
            let found = wpdb.ask(request, false).await?;
            for held in wire::items(&found) {
                let user = wire::number(wire::at(held, 0));
                let value = wire::at(held, 1).and_then(wire::bytes);
                let (Some(user), Some(value)) = (user, value) else {
                    return Err(forged());
                };
                rows.push(Row {
                    id: user,
                    user,
                    value: Some(value.to_vec()),
                    size: value.len() as u64,
                    exact: true,
                });
            }
        }
        Ok(rows)
    }

    /// The next users after (or before) `from` who hold sessions.
    pub(super) async fn holders(
        &self,
        wpdb: &mut Wpdb,
        from: u64,
        down: bool,
        limit: usize,
    ) -> Result<Vec<RowHead>, EngineError> {
        let mut from = from;
        loop {
            let request = wire::map([
                ("ask", wire::text("holders")),
                ("from", wire::int(from)),
                ("down", Value::Bool(down)),
                ("limit", wire::int(limit as u64)),
            ]);
            let answer = wpdb.ask(request, false).await?;
            let found = wire::at(&answer, 0).ok_or_else(forged)?;
            let head = |held| {
                let id = wire::number(wire::at(held, 0))?;
                let size = wire::number(wire::at(held, 1))?;
                Some(RowHead { id, user: id, size })
            };
            let heads: Option<Vec<RowHead>> = wire::items(found).map(head).collect();
            let heads = heads.ok_or_else(forged)?;
            let last = wire::number(wire::at(&answer, 1));
            match last {
                Some(last) if heads.is_empty() && last != from => from = last,
                Some(_) | None => return Ok(heads),
            }
        }
    }

    /// Ends the sessions that `drop` names, through the manager.
    pub(super) async fn rewrite(
        &self,
        wpdb: &mut Wpdb,
        row: &Row,
        now: i64,
        drop: &dyn Fn(&Entry) -> bool,
    ) -> Result<Written, EngineError> {
        let seen = row.value.as_deref().unwrap_or_default();
        let entries = match tokens::read(seen, now) {
            Content::Sessions(entries) => entries,
            Content::Corrupt(why) => {
                let (user, why) = (row.user, why.to_string());
                return Err(EngineError::Uneditable { user, why });
            }
        };
        let keys: Vec<&Key> = entries.iter().filter(|e| drop(e)).map(|e| &e.key).collect();
        let left = entries.iter().filter(|entry| entry.is_live());
        if keys.is_empty() {
            return Ok(Written::Done);
        }
        if left.filter(|entry| !keys.contains(&&entry.key)).count() == 0 {
            return Ok(Written::Empty);
        }
        let keys = keys.into_iter().map(|key| match key {
            Key::Int(number) => Value::Int(*number),
            Key::Text(key) => Value::Text(key.clone()),
        });
        let request = wire::map([
            ("ask", wire::text("end")),
            ("user", wire::int(row.user)),
            ("seen", wire::text(seen)),
            ("keys", wire::list(keys)),
        ]);
        match wpdb.ask(request, true).await? {
            Value::Bool(true) => Ok(Written::Done),
            Value::Bool(false) => Ok(Written::Changed),
            left => Err(self.remain(row.user, wire::number(Some(&left)).unwrap_or(1))),
        }
    }

    /// Ends everything of these users; returns of how many.
    pub(super) async fn remove(&self, wpdb: &mut Wpdb, rows: &[Row]) -> Result<u64, EngineError> {
        let mut removed = 0;
        for rows in rows.chunks(BATCH) {
            let row = |row: &Row| {
                let seen = row.value.as_deref().unwrap_or_default();
                wire::list([wire::int(row.user), wire::text(seen)])
            };
            let request = wire::map([
                ("ask", wire::text("end_all")),
                ("rows", wire::list(rows.iter().map(row))),
            ]);
            let answer = wpdb.ask(request, true).await?;
            removed += wire::number(wire::at(&answer, 0)).ok_or_else(forged)?;
            let alive = wire::at(&answer, 1).ok_or_else(forged)?;
            if let Some(alive) = wire::at(alive, 0) {
                let number = |index| wire::number(wire::at(alive, index));
                return Err(self.remain(number(0).unwrap_or(0), number(1).unwrap_or(1)));
            }
        }
        Ok(removed)
    }

    /// The manager said it had done what it has not.
    pub(super) fn remain(&self, user: u64, left: u64) -> EngineError {
        EngineError::Remain {
            user,
            left,
            who: format!("the session manager {}", self.name),
        }
    }
}
