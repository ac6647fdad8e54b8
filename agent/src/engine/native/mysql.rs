//! MySQL and MariaDB: the connection, and their words for what the native engine asks.
//!
//! Values are read as bytes over wpdb's charset, so that lengths mean what PHP meant by them, and
//! compared by hash: a plain comparison finds values that differ in letter case or trailing space,
//! and on a latin1 column a cast one never matches (`wordpress.md` §1.9, §1.10).

use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::dial::{self, Route};
use super::dialect::Dialect;
use super::sql::{Arg, Columns, Sql, TRIES, pause};
use super::{mysql_error, mysql_facts as facts};
use crate::engine::EngineError;
use crate::site::MySql as Settings;

/// How long the server may take to take us in.
const CONNECT: Duration = Duration::from_secs(5);

/// How long one question may take.
const STATEMENT: Duration = Duration::from_secs(30);

/// Seconds a statement may wait for a row lock before it is tried again.
const LOCK_WAIT: u64 = 10;

/// `MYSQLI_CLIENT_SSL`
const CLIENT_SSL: i64 = 2048;

/// `MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT`
const CLIENT_SSL_NO_VERIFY: i64 = 64;

/// What a packet carries besides the value.
const PACKET_MARGIN: u64 = 4096;

/// An open connection.
pub struct MySql {
    connection: MySqlConnection,
    dialect: Dialect,
    largest: u64,
    server: String,
    /// What it says of being read-only.
    barred: String,
    flush_log: Option<u64>,
}

impl MySql {
    /// Connects as wpdb would, and reads what the server is like and what the two tables hold.
    pub async fn open(
        settings: &Settings,
        users: &str,
        usermeta: &str,
    ) -> Result<Self, EngineError> {
        let (connection, at) = connect(settings).await?;
        let mut mysql = Self {
            connection,
            dialect: Dialect::MySql { charset: None },
            largest: 0,
            server: String::new(),
            barred: String::new(),
            flush_log: None,
        };
        let found = mysql.look(settings, users, usermeta, &at).await;
        match found {
            Ok(()) => Ok(mysql),
            Err(error) => Err(super::stored::name_prefixes(&mut mysql, error).await),
        }
    }

    async fn look(
        &mut self,
        settings: &Settings,
        users: &str,
        usermeta: &str,
        at: &str,
    ) -> Result<(), EngineError> {
        let read = |columns: &dyn Columns| {
            let texts = facts::TEXTS.map(|index| {
                let bytes = columns.bytes(index).unwrap_or_default();
                String::from_utf8_lossy(&bytes).into_owned()
            });
            let numbers = [facts::LARGEST_PACKET, facts::FLUSH_LOG];
            (texts, numbers.map(|index| columns.int(index)))
        };
        let asked = facts::question(users, usermeta, true);
        let known = match self.fetch(&asked, &[], read).await {
            // A server may lack what its kind usually has.
            Err(EngineError::Other(_)) => {
                let asked = facts::question(users, usermeta, false);
                self.fetch(&asked, &[], read).await?
            }
            known => known?,
        };
        let known = known.into_iter().next();
        let ([version, comment, server_charset, column_charset, barred], [packet, flush_log]) =
            known.ok_or_else(|| EngineError::Other("no answer to a plain SELECT".to_owned()))?;
        let product = if version.contains("MariaDB") || comment.contains("MariaDB") {
            "MariaDB"
        } else {
            "MySQL"
        };
        self.server = format!("{product} {version} at {at}");
        self.largest = packet.unwrap_or(0).saturating_sub(PACKET_MARGIN);
        (self.barred, self.flush_log) = (barred, flush_log);
        let binary = column_charset == "binary";
        let charset = (!binary).then(|| wpdb_charset(settings, &server_charset));
        self.dialect = Dialect::MySql { charset };
        Ok(())
    }
}

/// The charset wpdb speaks: `DB_CHARSET`, where `utf8` becomes `utf8mb4` (every server that still
/// runs knows it); undefined or empty leaves the server's default (`wpdb::determine_charset`).
fn wpdb_charset(settings: &Settings, server: &str) -> String {
    let configured = settings
        .charset
        .as_deref()
        .unwrap_or(server)
        .to_ascii_lowercase();
    let known = configured
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match configured.as_str() {
        "utf8" | "utf8mb3" | "" => "utf8mb4".to_owned(),
        // `SET NAMES` with nonsense fails in wpdb too, and leaves the server's default.
        _ if !known => server.to_owned(),
        charset => charset.to_owned(),
    }
}

async fn connect(settings: &Settings) -> Result<(MySqlConnection, String), EngineError> {
    let route = dial::route(&settings.host).await?;
    let at = route.to_string();
    // PHP asks for verification unless told otherwise; without the flag, encryption is taken
    // where it is offered, as a password exchange may need it.
    let ssl_mode = match settings.client_flags {
        flags if flags & CLIENT_SSL == 0 => MySqlSslMode::Preferred,
        flags if flags & CLIENT_SSL_NO_VERIFY != 0 => MySqlSslMode::Required,
        _ => MySqlSslMode::VerifyIdentity,
    };
    let mut options = MySqlConnectOptions::new()
        .username(&settings.user)
        .database(&settings.name)
        .ssl_mode(ssl_mode)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false);
    // The driver takes passwords as text only; one that is not cannot be sent to the server.
    let password = std::str::from_utf8(settings.password.expose()).map_err(|_| {
        EngineError::Other("DB_PASSWORD is not UTF-8, which this client cannot send".to_owned())
    })?;
    if !password.is_empty() {
        options = options.password(password);
    }
    let relay;
    match &route {
        Route::Socket(path) => options = options.socket(path),
        Route::Relay(via) => {
            relay = via;
            options = options.host(relay.host()).socket(relay.path());
        }
    }
    let connecting = tokio::time::timeout(CONNECT, options.connect());
    let connected = match &route {
        Route::Relay(relay) => tokio::select! {
            connected = connecting => connected,
            failed = relay.failed() => return Err(failed),
        },
        Route::Socket(_) => connecting.await,
    };
    let mut connection = match connected {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => {
            // The relay knows better than "connection reset" why it hung up.
            if let Route::Relay(relay) = &route
                && let Some(reason) = relay.refusal()
            {
                return Err(reason);
            }
            let mut error = mysql_error::connecting(&error, &at, settings);
            if let (EngineError::Login { unseen, .. }, Route::Socket(path)) = (&mut error, &route) {
                *unseen = dial::cannot_be_shown(path).await;
            }
            return Err(error);
        }
        Err(_) => {
            let seconds = CONNECT.as_secs();
            let why = format!("no answer within {seconds} seconds");
            return Err(EngineError::Connect { at, why });
        }
    };
    if let Route::Relay(relay) = route {
        relay.keep();
    }
    set_up(&mut connection).await?;
    Ok((connection, at))
}

/// What we say is UTF-8; values are bytes and cross unconverted.
async fn set_up(connection: &mut MySqlConnection) -> Result<(), EngineError> {
    let both = format!("SET NAMES utf8mb4, innodb_lock_wait_timeout = {LOCK_WAIT}");
    // A server without InnoDB does not know the variable; then nothing waits for row locks.
    for sql in [both, "SET NAMES utf8mb4".to_owned()] {
        let set = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection);
        match tokio::time::timeout(STATEMENT, set).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(_)) => {}
            Err(_) => return Err(timeout(false)),
        }
    }
    Err(EngineError::Other("it does not know utf8mb4".to_owned()))
}

struct MySqlColumns<'r>(&'r MySqlRow);

impl Columns for MySqlColumns<'_> {
    fn int(&self, index: usize) -> Option<u64> {
        self.0
            .try_get_unchecked::<Option<u64>, _>(index)
            .ok()
            .flatten()
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
) -> sqlx::query::Query<'q, sqlx::MySql, sqlx::mysql::MySqlArguments> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    args.iter().fold(query, |query, arg| match arg {
        Arg::Int(number) => query.bind(*number),
        Arg::Text(text) => query.bind(text.as_str()),
        Arg::Bytes(bytes) => query.bind(bytes.as_slice()),
    })
}

impl Sql for MySql {
    async fn fetch<T>(
        &mut self,
        sql: &str,
        args: &[Arg],
        read: impl Fn(&dyn Columns) -> T,
    ) -> Result<Vec<T>, EngineError> {
        let connection = &mut self.connection;
        let rows = async {
            // Without arguments there is nothing to prepare: one round trip instead of two.
            match args.is_empty() {
                true => {
                    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
                        .fetch_all(connection)
                        .await
                }
                false => bound(sql, args).fetch_all(connection).await,
            }
        };
        match tokio::time::timeout(STATEMENT, rows).await {
            Ok(Ok(rows)) => Ok(rows.iter().map(|row| read(&MySqlColumns(row))).collect()),
            Ok(Err(error)) => Err(mysql_error::asking(&error, false)),
            Err(_) => Err(timeout(false)),
        }
    }

    async fn execute(&mut self, sql: &str, args: &[Arg]) -> Result<u64, EngineError> {
        let mut attempt = 1;
        loop {
            let statement = bound(sql, args).execute(&mut self.connection);
            let error = match tokio::time::timeout(STATEMENT, statement).await {
                Ok(Ok(result)) => return Ok(result.rows_affected()),
                Ok(Err(error)) => error,
                Err(_) => return Err(timeout(true)),
            };
            if attempt == TRIES || !mysql_error::may_retry(&error) {
                return Err(mysql_error::asking(&error, true));
            }
            tokio::time::sleep(pause(attempt)).await;
            attempt += 1;
        }
    }

    fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    fn largest_value(&self) -> u64 {
        self.largest
    }

    fn describe(&self) -> String {
        self.server.clone()
    }

    fn barred(&self) -> Option<EngineError> {
        facts::barred(&self.barred)
    }

    fn caveat(&self) -> Option<String> {
        facts::caveat(self.flush_log)
    }
}

impl MySql {
    /// Says goodbye. The server would notice anyway; its log stays quieter this way.
    pub async fn close(self) {
        let _ = tokio::time::timeout(CONNECT, self.connection.close()).await;
    }
}

fn timeout(wrote: bool) -> EngineError {
    let what = if wrote { "a statement" } else { "a question" };
    EngineError::Timeout {
        what,
        seconds: STATEMENT.as_secs(),
        wrote,
    }
}
