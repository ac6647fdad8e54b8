//! The site's own database connection, asked through its PHP: the same little SQL as natively, so
//! that whatever routes the site's queries routes ours. No sessions here.

use kickout_shared::value::Value;

use super::facts::Facts;
use super::wire;
use super::worker::{Note, Silence, Worker};
use crate::engine::EngineError;
use crate::engine::native::dialect::Dialect;
use crate::engine::native::{
    Arg, Columns, Sql, TRIES, Tables, mysql_numbered, pause, quoted, sqlite_numbered,
};

/// What a statement carries besides the value.
const STATEMENT_MARGIN: u64 = 4096;

/// The largest value on SQLite: PHP holds it several times, within its limit of memory.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The connection of a loaded site.
pub struct Wpdb {
    worker: Worker,
    dialect: Dialect,
    largest: u64,
    described: String,
}

impl Wpdb {
    /// Looks at the server behind a site that has said hello.
    pub(super) async fn open(worker: Worker, facts: &Facts) -> Result<Self, EngineError> {
        let described = format!("WordPress {} on PHP {}", facts.wordpress, facts.php);
        let mut wpdb = Self {
            worker,
            dialect: Dialect::Sqlite,
            largest: LARGEST,
            described,
        };
        if !facts.sqlite {
            wpdb.look(&facts.tables).await?;
        }
        Ok(wpdb)
    }

    async fn look(&mut self, tables: &Tables) -> Result<(), EngineError> {
        let sql = format!(
            "SELECT @@character_set_connection, @@max_allowed_packet, (SELECT CHARSET(meta_value) \
             FROM {} LIMIT 1)",
            quoted(&tables.usermeta)
        );
        let read = |columns: &dyn Columns| {
            let text = |index| String::from_utf8(columns.bytes(index).unwrap_or_default());
            (text(0), columns.int(1).unwrap_or(0), text(2))
        };
        let facts = self.fetch(&sql, &[], read).await?.pop();
        let Some((Ok(charset), packet, Ok(column))) = facts else {
            return Err(forged());
        };
        if charset.is_empty() || !charset.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(forged());
        }
        let charset = (column != "binary").then_some(charset);
        self.dialect = Dialect::MySql { charset };
        // A value travels as hexadecimal digits: two bytes for one.
        self.largest = (packet.saturating_sub(STATEMENT_MARGIN) / 2).min(LARGEST);
        Ok(())
    }

    /// Asks the site's PHP one thing; `wrote` when the answer may come after a write.
    pub(super) async fn ask(&mut self, request: Value, wrote: bool) -> Result<Value, EngineError> {
        let answer = self.worker.ask(request).await;
        let answer = answer.map_err(|silence| unanswered(silence, wrote))?;
        if let Some(ok) = wire::get(&answer, "ok") {
            return Ok(ok.clone());
        }
        let said = |name| {
            let said = wire::get(&answer, name)?;
            let code = wire::number(wire::at(said, 0)).unwrap_or(0);
            Some((code, wire::shown(wire::at(said, 1))))
        };
        Err(match (said("mysql"), said("sqlite")) {
            (Some((code, why)), _) => mysql_numbered(u16::try_from(code).unwrap_or(0), why, wrote),
            (_, Some((code, why))) => {
                let code = u32::try_from(code).ok().map(|code| code & 0xff);
                sqlite_numbered(code, why, "of the site")
            }
            _ => match wire::get(&answer, "thrown") {
                Some(thrown) => EngineError::SiteCode(wire::shown(Some(thrown))),
                None => forged(),
            },
        })
    }

    /// What PHP has remarked since this was last asked.
    pub(super) fn take_notes(&mut self) -> Vec<Note> {
        self.worker.take_notes()
    }

    async fn statement(
        &mut self,
        ask: &str,
        sql: &str,
        args: &[Arg],
    ) -> Result<Value, EngineError> {
        let args = args.iter().map(|arg| match arg {
            Arg::Int(number) => wire::int(*number),
            Arg::Text(bytes) => wire::text(bytes),
            Arg::Bytes(bytes) => wire::list([wire::text(bytes)]),
        });
        let request = wire::map([
            ("ask", wire::text(ask)),
            ("sql", wire::text(sql)),
            ("args", wire::list(args)),
        ]);
        self.ask(request, ask == "execute").await
    }
}

/// An answer that is not there, or not one of ours.
pub(super) fn unanswered(silence: Silence, wrote: bool) -> EngineError {
    let why = match silence {
        Silence::Start(why) => return EngineError::NoWorker(why),
        Silence::Ended(why) => why,
        Silence::Late(seconds) => format!("no answer within {seconds} seconds"),
        Silence::Forged => return forged_after(wrote),
    };
    EngineError::Php { why, wrote }
}

/// The site's PHP answered in a way that ours does not.
pub(super) fn forged() -> EngineError {
    forged_after(false)
}

fn forged_after(wrote: bool) -> EngineError {
    let why = "the site's code wrote into the channel of Kickout's own".to_owned();
    EngineError::Php { why, wrote }
}

struct Row<'v>(Vec<&'v Value>);

impl Columns for Row<'_> {
    fn int(&self, index: usize) -> Option<u64> {
        wire::number(self.0.get(index).copied())
    }

    fn bytes(&self, index: usize) -> Option<Vec<u8>> {
        match self.0.get(index)? {
            Value::Text(text) => Some(text.0.clone()),
            Value::Int(number) => Some(number.to_string().into_bytes()),
            _ => None,
        }
    }
}

impl Sql for Wpdb {
    async fn fetch<T>(
        &mut self,
        sql: &str,
        args: &[Arg],
        read: impl Fn(&dyn Columns) -> T,
    ) -> Result<Vec<T>, EngineError> {
        let rows = self.statement("fetch", sql, args).await?;
        let row = |row| read(&Row(wire::items(row).collect()));
        Ok(wire::items(&rows).map(row).collect())
    }

    async fn execute(&mut self, sql: &str, args: &[Arg]) -> Result<u64, EngineError> {
        let mut attempt = 1;
        loop {
            match self.statement("execute", sql, args).await {
                Ok(rows) => return wire::number(Some(&rows)).ok_or_else(|| forged_after(true)),
                Err(EngineError::Locked { .. }) if attempt < TRIES => {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    fn largest_value(&self) -> u64 {
        self.largest
    }

    fn describe(&self) -> String {
        self.described.clone()
    }
}
