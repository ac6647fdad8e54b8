//! What a MySQL or MariaDB server says of itself in one question: version, limits, and whether what
//! is removed there stays removed. Words and numbers only; nothing is decided about sessions.

use super::sql::quoted;
use crate::engine::EngineError;

/// The columns of [`question`], by position.
pub(super) const TEXTS: [usize; 5] = [0, 1, 2, 3, 4];
pub(super) const LARGEST_PACKET: usize = 5;
pub(super) const FLUSH_LOG: usize = 6;

/// One question for everything: each costs as much as the work itself. The two conditional comments
/// hold what only MySQL, or only MariaDB, knows.
pub(super) fn question(users: &str, usermeta: &str, conditional: bool) -> String {
    // Newer servers have words where older ones have numbers.
    let on = |variable: &str| format!("IF(@@{variable} NOT IN ('0', 'OFF'), '{variable}', NULL)");
    let (mysql, mariadb) = match conditional {
        true => (
            format!(
                "/*!80000 , {}, {} */",
                on("super_read_only"),
                on("transaction_read_only")
            ),
            format!(
                "/*M!100000 , {}, (SELECT IF(VARIABLE_VALUE <> '0', '{REPLICA}', NULL) FROM \
                 information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'SLAVES_RUNNING') */",
                on("tx_read_only")
            ),
        ),
        false => (String::new(), String::new()),
    };
    format!(
        "SELECT VERSION(), @@version_comment, @@character_set_server, (SELECT \
         CHARSET(meta_value) FROM {} LIMIT 1), CONCAT_WS(' ', {}, {} {mysql} {mariadb}), \
         @@max_allowed_packet, @@innodb_flush_log_at_trx_commit, (SELECT 1 FROM {} LIMIT 1)",
        quoted(usermeta),
        on("read_only"),
        on("innodb_read_only"),
        quoted(users)
    )
}

/// What the server is called here when it replays another one's writes.
const REPLICA: &str = "replica";

/// Why nothing may be written there, of the words that [`question`] brought; the first that is known
/// decides.
pub(super) fn barred(words: &str) -> Option<EngineError> {
    let (why, fix) = words.split(' ').find_map(|word| {
        Some(match word {
            "super_read_only" | "read_only" => (
                format!("{word} is on"),
                "Point DB_HOST at the primary server; if this is the primary, SET GLOBAL \
                 read_only = 0 there.",
            ),
            "innodb_read_only" => (
                format!("{word} is on"),
                "Start the server without innodb_read_only, or point DB_HOST at the primary \
                 server.",
            ),
            "tx_read_only" | "transaction_read_only" => (
                format!("{word} is on"),
                "Let transactions write (SET GLOBAL TRANSACTION READ WRITE, and no \
                 transaction-read-only in the server's configuration).",
            ),
            REPLICA => (
                "it is a replica: what is removed there stays on its primary".to_owned(),
                "Point DB_HOST at the primary server.",
            ),
            _ => return None,
        })
    })?;
    Some(EngineError::ReadOnly {
        why,
        fix: Some(fix),
    })
}

/// What of a finished statement a crash could undo, in words.
pub(super) fn caveat(flush_log: Option<u64>) -> Option<String> {
    let (when, crash) = match flush_log? {
        0 => ("writes its log", "a crash"),
        2 => ("flushes its log to disk", "a crash of its host"),
        _ => return None,
    };
    Some(format!(
        "the server {when} once a second only (innodb_flush_log_at_trx_commit={}): {crash} within \
         that second would bring the sessions back",
        flush_log.unwrap_or_default()
    ))
}
