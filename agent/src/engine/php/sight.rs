//! What WordPress sees of users' sessions through the site's own object cache, in processes beside
//! the one that works: what one puts into the cache, a fresh one must find, or it is not connected.

use kickout_shared::value::Value;

use super::manager::Manager;
use super::worker::{self, Launch};
use super::wpdb::{Wpdb, forged};
use super::{loaded, wire};
use crate::engine::native::{Arg, Sql as _, quoted};
use crate::engine::{EngineError, Row};

/// Users looked at, or dropped, in one question.
const BATCH: usize = 100;

/// A way to ask WordPress for its object cache.
pub struct Sight {
    launch: Launch,
    load: Value,
    process: Option<Process>,
    /// What the last process left in the cache for the next.
    mark: Option<String>,
}

struct Process {
    wpdb: Wpdb,
    manager: Manager,
    users: String,
}

impl Sight {
    pub(super) fn new(launch: Launch, load: Value) -> Self {
        Self {
            launch,
            load,
            process: None,
            mark: None,
        }
    }

    /// Loads WordPress anew. Whether it finds in the cache what the process before has put there.
    pub async fn afresh(&mut self) -> Result<bool, EngineError> {
        self.process = None;
        let Some(mark) = self.mark.clone() else {
            return Ok(true);
        };
        let asked = ("mark", wire::text(mark));
        let wpdb = &mut self.process().await?.wpdb;
        let request = wire::map([("ask", wire::text("marked")), asked]);
        Ok(wpdb.ask(request, false).await? == Value::Bool(true))
    }

    async fn process(&mut self) -> Result<&mut Process, EngineError> {
        let process = match self.process.take() {
            Some(process) => process,
            None => {
                let load = self.load.clone();
                let (worker, facts) = loaded(&self.launch, load, &mut Vec::new()).await?;
                Process {
                    wpdb: Wpdb::open(worker, &facts).await?,
                    users: facts.tables.users,
                    manager: Manager {
                        name: facts.manager,
                    },
                }
            }
        };
        Ok(self.process.insert(process))
    }

    /// Drops what the cache holds of these users, and leaves a mark in it.
    pub async fn drop_users(&mut self, users: &[u64]) -> Result<u64, EngineError> {
        let mark = worker::nonce().map_err(|error| EngineError::NoWorker(error.to_string()))?;
        let wpdb = &mut self.process().await?.wpdb;
        let dropped = drop_cached(wpdb, users).await?;
        let request = wire::map([("ask", wire::text("mark")), ("mark", wire::text(&mark))]);
        wpdb.ask(request, true).await?;
        self.mark = Some(mark);
        Ok(dropped)
    }

    /// The next users of the site, by id.
    pub async fn users(&mut self, after: u64, limit: usize) -> Result<Vec<u64>, EngineError> {
        let process = self.process().await?;
        let sql = format!(
            "SELECT ID FROM {} WHERE ID > ? ORDER BY ID LIMIT {limit}",
            quoted(&process.users)
        );
        let after = [Arg::Int(after)];
        let ids = process.wpdb.fetch(&sql, &after, |row| row.int(0)).await?;
        ids.into_iter().map(|id| id.ok_or_else(forged)).collect()
    }

    /// The sessions that WordPress takes these users to have.
    pub async fn sessions(&mut self, users: &[u64]) -> Result<Vec<Row>, EngineError> {
        let Process { wpdb, manager, .. } = self.process().await?;
        manager.load(wpdb, users).await
    }
}

/// Drops what the cache holds of these users; returns of how many there was something.
pub(super) async fn drop_cached(wpdb: &mut Wpdb, users: &[u64]) -> Result<u64, EngineError> {
    let mut dropped = 0;
    for users in users.chunks(BATCH) {
        let users = users.iter().map(|user| wire::int(*user));
        let request = wire::map([("ask", wire::text("uncache")), ("users", wire::list(users))]);
        let answer = wpdb.ask(request, true).await?;
        dropped += wire::number(Some(&answer)).ok_or_else(forged)?;
    }
    Ok(dropped)
}
