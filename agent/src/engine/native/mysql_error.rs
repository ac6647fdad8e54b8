//! What the server's error numbers mean to an operator.

use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;

use crate::engine::EngineError;
use crate::site::MySql as Settings;

/// `ER_LOCK_WAIT_TIMEOUT`
const LOCK_WAIT_TIMEOUT: u16 = 1205;
/// `ER_LOCK_DEADLOCK`
const DEADLOCK: u16 = 1213;

fn server(error: &Error) -> Option<&MySqlDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Whether the statement did nothing and may be tried again.
pub(super) fn may_retry(error: &Error) -> bool {
    server(error).is_some_and(|error| matches!(error.number(), LOCK_WAIT_TIMEOUT | DEADLOCK))
}

/// An error while logging in. The password never stands in what the server says, nor here.
pub(super) fn connecting(error: &Error, at: &str, settings: &Settings) -> EngineError {
    let (at, user) = (at.to_owned(), settings.user.clone());
    let Some(said) = server(error) else {
        let why = error.to_string();
        return match why.split_once("unknown authentication plugin: ") {
            Some((_, plugin)) => EngineError::AuthPlugin {
                user,
                plugin: plugin.to_owned(),
            },
            None => EngineError::Connect {
                at,
                why: io_words(error).unwrap_or(why),
            },
        };
    };
    match said.number() {
        // ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR
        1045 | 1698 => EngineError::Login {
            at,
            user,
            unseen: false,
        },
        // ER_DBACCESS_DENIED_ERROR, ER_BAD_DB_ERROR
        1044 | 1049 => EngineError::NoDatabase {
            name: settings.name.clone(),
            user,
        },
        // ER_CON_COUNT_ERROR, ER_HOST_IS_BLOCKED, ER_HOST_NOT_PRIVILEGED, ER_TOO_MANY_USER_CONNECTIONS,
        // ER_MUST_CHANGE_PASSWORD_LOGIN, ER_ACCOUNT_HAS_BEEN_LOCKED
        _ => EngineError::Connect {
            at,
            why: said.message().to_owned(),
        },
    }
}

fn io_words(error: &Error) -> Option<String> {
    match error {
        Error::Io(error) => Some(error.to_string()),
        _ => None,
    }
}

/// An error while asking; `wrote` when the statement may have written.
pub(super) fn asking(error: &Error, wrote: bool) -> EngineError {
    let Some(said) = server(error) else {
        let why = io_words(error).unwrap_or_else(|| error.to_string());
        return EngineError::Lost { why, wrote };
    };
    numbered(said.number(), said.message().to_owned(), wrote)
}

/// What a server's error number means; `why` are its words.
pub(in crate::engine) fn numbered(number: u16, why: String, wrote: bool) -> EngineError {
    match number {
        // ER_NO_SUCH_TABLE, ER_BAD_TABLE_ERROR
        1146 | 1051 => EngineError::NoTable {
            table: table_in(&why),
            found: None,
        },
        // ER_OPTION_PREVENTS_STATEMENT, ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION,
        // ER_READ_ONLY_MODE; 1047: a Galera node without quorum
        1290 | 1792 | 1836 | 1047 => EngineError::ReadOnly { why, fix: None },
        LOCK_WAIT_TIMEOUT | DEADLOCK => EngineError::Locked { why },
        // ER_TABLEACCESS_DENIED_ERROR, ER_COLUMNACCESS_DENIED_ERROR, ER_SPECIFIC_ACCESS_DENIED
        1142 | 1143 | 1227 => EngineError::Denied { why },
        // ER_SERVER_SHUTDOWN, ER_CONNECTION_KILLED; of PHP's client: gone away, lost, idle too long
        1053 | 1927 | 3169 | 2006 | 2013 | 4031 => EngineError::Lost { why, wrote },
        _ => EngineError::Other(why),
    }
}

/// The name in "Table 'db.name' doesn't exist".
fn table_in(message: &str) -> String {
    let quoted = message.split('\'').nth(1).unwrap_or(message);
    quoted.rsplit('.').next().unwrap_or(quoted).to_owned()
}
