//! What is not believed of a loaded site: that ended sessions are gone (a fresh process is asked),
//! and that rows are all there is (WordPress is asked what it sees). No write here.

use kickout_shared::value::Key;

use super::manager::Manager;
use super::wpdb::Wpdb;
use super::{Php, loaded, sight};
use crate::engine::native::tokens::{self, Content};
use crate::engine::{Engine as _, EngineError, Entry, Row};

/// Users of a manager's that one fresh process is asked for; more take another.
const TOGETHER: usize = 1_000;

/// Rows that are kept for that question; what is beyond is said to be unconfirmed.
const MOST: usize = 100_000;

/// Looks at a user before what WordPress sees beside the rows is no login of this moment.
const LOOKS: u32 = 3;

impl Php {
    /// Where nobody else could look: asks a fresh process whether it sees what was ended here.
    pub async fn confirm(&mut self) -> Result<(), EngineError> {
        let ended = std::mem::take(&mut self.ended);
        if ended.is_empty() {
            return Ok(());
        }
        let unasked = std::mem::take(&mut self.unasked);
        let (worker, facts) = loaded(&self.launch, self.load.clone(), &mut Vec::new()).await?;
        let mut fresh = Wpdb::open(worker, &facts).await?;
        let manager = Manager {
            name: facts.manager,
        };
        let users: Vec<u64> = ended.iter().map(|(user, _)| *user).collect();
        let rows = manager.load(&mut fresh, &users).await?;
        for (user, keys) in &ended {
            let held = rows.iter().filter(|row| row.user == *user);
            let held = held.flat_map(keys_in);
            let left = held.filter(|key| keys.contains(key)).count();
            if left > 0 {
                return Err(manager.remain(*user, left as u64));
            }
        }
        match unasked {
            0 => Ok(()),
            rows => Err(EngineError::Unasked { rows }),
        }
    }

    /// The same for a manager's users as soon as there are many. Of core's store only the end tells:
    /// what one row held may still stand in another one of the same user.
    pub(super) async fn confirm_many(&mut self) -> Result<(), EngineError> {
        match self.manager.is_some() && self.ended.len() >= TOGETHER {
            true => self.confirm().await,
            false => Ok(()),
        }
    }

    /// Keeps what is ended of a row for that question.
    pub(super) fn remember(&mut self, row: &Row, drop: &dyn Fn(&Entry) -> bool) {
        if self.eyes.is_some() {
            return;
        }
        if self.ended.len() >= MOST {
            self.unasked += 1;
            return;
        }
        let value = row.value.as_deref().unwrap_or_default();
        // No session of a removed row may be seen again, whenever it expires.
        if let Content::Sessions(entries) = tokens::read(value, 0) {
            let keys = entries.iter().filter(|entry| drop(entry));
            let keys = keys.map(|entry| entry.key.clone()).collect();
            self.ended.push((row.user, keys));
        }
    }

    /// A user's rows, when WordPress sees no session beside them.
    pub(super) async fn rows_that_are_all(&mut self, user: u64) -> Result<Vec<Row>, EngineError> {
        let who = self.answers.clone().unwrap_or_default();
        let manager = Manager { name: who.clone() };
        let mut beside = 0;
        for _ in 0..LOOKS {
            // Asked first: a session that ends between the two is looked for again.
            let seen = manager.load(self.rows.sql_mut(), &[user]).await?;
            let rows = match &mut self.eyes {
                Some(eyes) => eyes.rows(user).await?,
                None => self.rows.rows(user).await?,
            };
            let stored: Vec<Key> = rows.iter().flat_map(keys_in).collect();
            let seen = seen.iter().flat_map(keys_in);
            beside = seen.filter(|key| !stored.contains(key)).count() as u64;
            if beside == 0 {
                return Ok(rows);
            }
            // What a cache has kept too long is no answer of that code's.
            if self.cached {
                sight::drop_cached(self.rows.sql_mut(), &[user]).await?;
            }
        }
        Err(EngineError::Beside { user, beside, who })
    }
}

fn keys_in(row: &Row) -> Vec<Key> {
    match tokens::read(row.value.as_deref().unwrap_or_default(), 0) {
        Content::Sessions(entries) => entries.into_iter().map(|entry| entry.key).collect(),
        Content::Corrupt(_) => Vec::new(),
    }
}
