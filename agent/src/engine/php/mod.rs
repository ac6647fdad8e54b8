//! The php engine: WordPress itself, loaded once in a process of its own, asked the same questions.
//!
//! Core's own store is the same rows as natively, over the site's connection; another store is
//! asked through its manager. Whatever the site's code says is a claim: where the rows can be read
//! natively, they are (`Eyes`), and a write counts when that reading agrees.

mod canary;
mod configuration;
mod facts;
mod launch;
mod manager;
mod noise;
mod program;
mod second_look;
mod sight;
mod wire;
mod worker;
mod wpdb;

use std::path::Path;

use kickout_shared::bytes::Bytes;
use kickout_shared::site::{Load, Skip};
use kickout_shared::user::{User, UserKey, UserRef};
use kickout_shared::value::{Key, Value};

pub use configuration::evaluate;
pub use facts::Facts;
pub use launch::launch;
pub use program::find as find_php;
pub use sight::Sight;
pub use worker::{Launch, Note};
pub use wpdb::Wpdb;

use crate::engine::native::{Direct, Native, Sql as _, highest};
use crate::engine::{Engine, EngineError, Entry, Row, RowHead, Survivor, Written};
use manager::Manager;
use worker::{Silence, Worker};

/// A site's WordPress, loaded.
pub struct Php {
    /// Core's tables over the site's connection.
    rows: Native<Wpdb>,
    /// The store of the site's own, when it has one.
    manager: Option<Manager>,
    /// Who reads core's rows without the site's code.
    eyes: Option<Direct>,
    /// The table of users.
    users: String,
    /// Whether an object cache may answer before the rows; it is looked at by who clears it.
    cached: bool,
    launch: Launch,
    load: Value,
    /// What answers for user meta beside the rows: hooks of the site's own.
    answers: Option<String>,
    /// What was ended, and a fresh process has yet to be asked for.
    ended: Vec<(u64, Vec<Key>)>,
    /// Rows beyond those.
    unasked: u64,
}

/// The filter that answers for user meta, as a hello names it.
const ANSWERS: &str = "get_user_metadata ";

/// Rows that WordPress is told of at a time.
const TOLD: usize = 100;

/// How WordPress is to be loaded.
pub struct How<'a> {
    /// The flags.
    pub load: &'a Load,
    /// `--user`
    pub act_as: Option<&'a UserRef>,
    /// The URL to pretend: `--url`, else the network's own.
    pub url: Option<String>,
}

impl Php {
    /// Loads the site of `launch.root` and takes its hello. What PHP remarked goes to `notes`, also
    /// when it fails.
    pub async fn start(
        launch: Launch,
        how: How<'_>,
        eyes: Option<Direct>,
        notes: &mut Vec<Note>,
    ) -> Result<(Self, Facts), EngineError> {
        let load = load(&launch.root, how)?;
        let (worker, facts) = loaded(&launch, load.clone(), notes).await?;
        let wpdb = Wpdb::open(worker, &facts).await?;
        let mut rows = Native::new(wpdb, facts.tables.clone());
        rows.read_options().await?;
        let manager = (!facts.default).then(|| Manager {
            name: format!("{} ({})", facts.manager, facts.manager_file),
        });
        // Another store's sessions are not in the rows that eyes can see.
        let eyes = eyes.filter(|_| manager.is_none());
        let mut answers = facts.filters.iter();
        let answers = answers.find(|hook| manager.is_none() && hook.starts_with(ANSWERS));
        let php = Self {
            rows,
            manager,
            eyes,
            users: facts.tables.users.clone(),
            cached: facts.cache,
            launch,
            load,
            answers: answers.cloned(),
            ended: Vec::new(),
            unasked: 0,
        };
        Ok((php, facts))
    }

    /// The object cache as processes of the same kind see it.
    pub fn sight(&self) -> Sight {
        Sight::new(self.launch.clone(), self.load.clone())
    }

    /// The hook that may answer for sessions that no row holds.
    pub fn answers(&self) -> Option<&str> {
        self.answers.as_deref()
    }

    /// What PHP has remarked since this was last asked.
    pub fn take_notes(&mut self) -> Vec<Note> {
        self.rows.sql_mut().take_notes()
    }

    /// Lets WordPress do what it does after its own writes to these rows, and asks whether it sees
    /// sessions of a user who has no row any more.
    async fn changed(&mut self, rows: &[Row], removed: bool) -> Result<(), EngineError> {
        let row = |row: &Row| {
            let removed = Value::Bool(removed);
            wire::list([wire::int(row.user), wire::int(row.id), removed])
        };
        // Whatever hangs on these hooks, such as mail, has one answer's time for so many.
        for rows in rows.chunks(TOLD) {
            let request = wire::map([
                ("ask", wire::text("changed")),
                ("rows", wire::list(rows.iter().map(row))),
            ]);
            let alive = self.rows.sql_mut().ask(request, true).await?;
            if let Some(alive) = wire::at(&alive, 0).filter(|_| !self.cached) {
                let number = |index| wire::number(wire::at(alive, index));
                return Err(EngineError::Remain {
                    user: number(0).unwrap_or(0),
                    left: number(1).unwrap_or(1),
                    who: "something between WordPress and its database".to_owned(),
                });
            }
        }
        Ok(())
    }
}

async fn loaded(
    launch: &Launch,
    load: Value,
    notes: &mut Vec<Note>,
) -> Result<(Worker, Facts), EngineError> {
    let (worker, hello) = match Worker::start(launch, load, notes).await {
        Ok(started) => started,
        Err(silence) => return Err(start_failed(silence)),
    };
    let facts = wire::get(&hello, "ok").and_then(facts::read);
    Ok((worker, facts.ok_or_else(wpdb::forged)?))
}

fn start_failed(silence: Silence) -> EngineError {
    match silence {
        Silence::Ended(why) => EngineError::NotLoaded(why),
        Silence::Late(seconds) => {
            EngineError::NotLoaded(format!("it said nothing within {seconds} seconds"))
        }
        silence => wpdb::unanswered(silence, false),
    }
}

/// `[by, text]`
fn named(user: &UserRef) -> Value {
    let by = match user.by {
        UserKey::Any => "any",
        UserKey::Id => "id",
        UserKey::Login => "login",
        UserKey::Email => "email",
    };
    wire::list([wire::text(by), wire::text(&user.text)])
}

fn load(root: &Path, how: How<'_>) -> Result<Value, EngineError> {
    for file in &how.load.require {
        if !root.join(file).is_file() {
            let name = Path::new(file).file_name().unwrap_or_default();
            return Err(EngineError::NoRequired(name.to_string_lossy().into_owned()));
        }
    }
    let skip = |skip: &Skip| match skip {
        Skip::Nothing => wire::list([]),
        Skip::All => Value::Bool(true),
        Skip::Named(names) => wire::list(names.iter().map(wire::text)),
    };
    let user = how.act_as.map(named);
    let require = how.load.require.iter();
    let require = require.map(|file| wire::text(root.join(file).to_string_lossy().as_bytes()));
    Ok(wire::map([
        ("root", wire::text(root.to_string_lossy().as_bytes())),
        ("url", how.url.map_or(Value::Null, wire::text)),
        ("user", user.unwrap_or(Value::Null)),
        ("skip_plugins", skip(&how.load.skip_plugins)),
        ("skip_themes", skip(&how.load.skip_themes)),
        ("require", wire::list(require)),
    ]))
}

/// Asks whoever reads without the site's code, else the site.
macro_rules! seen {
    ($self:ident, $engine:ident => $question:expr) => {
        match &mut $self.eyes {
            Some($engine) => $question.await,
            None => {
                let $engine = &mut $self.rows;
                $question.await
            }
        }
    };
}

impl Engine for Php {
    fn describe(&self) -> String {
        let store = match &self.manager {
            Some(manager) => format!(", sessions kept by {}", manager.name),
            None => String::new(),
        };
        format!("php: {}{store}", self.rows.sql().describe())
    }

    fn caveat(&self) -> Option<String> {
        self.eyes.as_ref().and_then(Engine::caveat)
    }

    async fn writable(&mut self) -> Result<(), EngineError> {
        seen!(self, engine => engine.writable())
    }

    async fn survivors(
        &mut self,
        of: Option<&[u64]>,
        limit: usize,
    ) -> Result<Vec<Survivor>, EngineError> {
        seen!(self, engine => engine.survivors(of, limit))
    }

    async fn user(&mut self, by: UserKey, text: &str) -> Result<Option<User>, EngineError> {
        seen!(self, engine => engine.user(by, text))
    }

    async fn users(&mut self, ids: &[u64]) -> Result<Vec<User>, EngineError> {
        seen!(self, engine => engine.users(ids))
    }

    async fn logins(&mut self, ids: &[u64]) -> Result<Vec<(u64, Bytes)>, EngineError> {
        seen!(self, engine => engine.logins(ids))
    }

    async fn next_users(
        &mut self,
        last: Option<&User>,
        limit: usize,
    ) -> Result<Vec<User>, EngineError> {
        seen!(self, engine => engine.next_users(last, limit))
    }

    async fn rows(&mut self, user: u64) -> Result<Vec<Row>, EngineError> {
        match &self.manager {
            Some(manager) => manager.load(self.rows.sql_mut(), &[user]).await,
            None if self.answers.is_some() => self.rows_that_are_all(user).await,
            None => seen!(self, engine => engine.rows(user)),
        }
    }

    async fn next_rows(&mut self, last: u64, limit: usize) -> Result<Vec<RowHead>, EngineError> {
        match &self.manager {
            Some(manager) => {
                let wpdb = self.rows.sql_mut();
                manager.holders(wpdb, last, false, limit).await
            }
            None => seen!(self, engine => engine.next_rows(last, limit)),
        }
    }

    async fn previous_rows(
        &mut self,
        first: u64,
        limit: usize,
    ) -> Result<Vec<RowHead>, EngineError> {
        match &self.manager {
            Some(manager) => {
                let wpdb = self.rows.sql_mut();
                manager.holders(wpdb, first, true, limit).await
            }
            None => seen!(self, engine => engine.previous_rows(first, limit)),
        }
    }

    async fn last_row(&mut self) -> Result<u64, EngineError> {
        match &self.manager {
            Some(_) => highest(self.rows.sql_mut(), "ID", &self.users).await,
            None => seen!(self, engine => engine.last_row()),
        }
    }

    async fn effective_rows(&mut self, users: &[u64]) -> Result<Vec<(u64, u64)>, EngineError> {
        match &self.manager {
            Some(_) => Ok(users.iter().map(|user| (*user, *user)).collect()),
            None => seen!(self, engine => engine.effective_rows(users)),
        }
    }

    async fn load(&mut self, heads: &[RowHead]) -> Result<Vec<Row>, EngineError> {
        match &self.manager {
            Some(manager) => {
                let users: Vec<u64> = heads.iter().map(|head| head.user).collect();
                manager.load(self.rows.sql_mut(), &users).await
            }
            None => seen!(self, engine => engine.load(heads)),
        }
    }

    async fn rewrite(
        &mut self,
        row: &Row,
        now: i64,
        drop: &dyn Fn(&Entry) -> bool,
    ) -> Result<Written, EngineError> {
        let written = match &self.manager {
            Some(manager) => manager.rewrite(self.rows.sql_mut(), row, now, drop).await?,
            None => self.rows.rewrite(row, now, drop).await?,
        };
        if written == Written::Done {
            self.remember(row, drop);
            if self.manager.is_none() {
                self.changed(std::slice::from_ref(row), false).await?;
            }
        }
        Ok(written)
    }

    async fn remove(&mut self, rows: &[Row]) -> Result<u64, EngineError> {
        let removed = match &self.manager {
            Some(manager) => manager.remove(self.rows.sql_mut(), rows).await?,
            None => self.rows.remove(rows).await?,
        };
        // Those that had changed are tried again: what was read in them has to go all the same.
        rows.iter().for_each(|row| self.remember(row, &|_| true));
        if removed > 0 && self.manager.is_none() {
            self.changed(rows, true).await?;
        }
        if removed == rows.len() as u64 {
            self.confirm_many().await?;
        }
        Ok(removed)
    }
}
