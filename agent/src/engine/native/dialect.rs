//! How each server spells what must be the same bytes on all of them: a value as PHP sees it, a new
//! one, and what stands for one in a comparison. Knows no connection.

use kickout_shared::token::sha256_hex;

use super::sql::Arg;

/// A server's spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// MySQL and MariaDB.
    MySql {
        /// The charset of the bytes PHP sees; `None` when the column holds bytes.
        charset: Option<String>,
    },
    /// SQLite under the official integration drop-in.
    Sqlite,
}

impl Dialect {
    /// The bytes of `meta_value` as PHP sees them.
    pub fn value(&self) -> String {
        match self {
            Self::MySql {
                charset: Some(charset),
            } => format!("CAST(CONVERT(meta_value USING {charset}) AS BINARY)"),
            Self::MySql { charset: None } => "meta_value".to_owned(),
            Self::Sqlite => "CAST(meta_value AS BLOB)".to_owned(),
        }
    }

    /// An expression that turns the bound bytes of a new value into what the column stores.
    pub fn new_value(&self) -> String {
        match self {
            Self::MySql {
                charset: Some(charset),
            } => format!("CONVERT(? USING {charset})"),
            Self::MySql { charset: None } => "?".to_owned(),
            Self::Sqlite => "CAST(? AS TEXT)".to_owned(),
        }
    }

    /// An expression over `meta_value` that equals [`Dialect::fingerprint`] only for the same bytes.
    pub fn fingerprint_column(&self) -> String {
        match self {
            Self::MySql { .. } => format!("SHA2(COALESCE({}, ''), 256)", self.value()),
            Self::Sqlite => "COALESCE(CAST(meta_value AS BLOB), x'')".to_owned(),
        }
    }

    /// What [`Dialect::fingerprint_column`] yields for these bytes.
    pub fn fingerprint(&self, value: &[u8]) -> Arg {
        match self {
            Self::MySql { .. } => Arg::Text(sha256_hex(value)),
            Self::Sqlite => Arg::Bytes(value.to_vec()),
        }
    }

    /// A column in a comparison that the planner must not answer from that column's index.
    pub fn off_index(&self, column: &str) -> String {
        match self {
            Self::MySql { .. } => column.to_owned(),
            // Without statistics SQLite may take the index of the key, which holds every session
            // of the site, to find those of one user.
            Self::Sqlite => format!("+{column}"),
        }
    }

    /// Names of tables that end in a suffix: the statement, and its arguments.
    pub fn tables_like(&self, suffix: &str) -> (&'static str, [Arg; 2]) {
        let sql = match self {
            Self::MySql { .. } => {
                "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema \
                 = DATABASE() AND RIGHT(table_name, ?) = ? ORDER BY 1 LIMIT 50"
            }
            Self::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, -?) = ? \
                 ORDER BY 1 LIMIT 50"
            }
        };
        let length = Arg::Int(suffix.len() as u64);
        (sql, [length, Arg::Text(suffix.to_owned())])
    }
}
