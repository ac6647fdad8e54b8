//! What stands in WordPress's own rows beside sessions: active code, role names, granted roles.
//! Pure, but for the looks at tables.

use kickout_shared::bytes::Bytes;
use kickout_shared::value::{Key, Value};

use super::serialize;
use super::sql::{Columns, Sql, quoted};
use crate::engine::EngineError;

/// The names of the tables, checked where they were read.
#[derive(Clone, Debug)]
pub struct Tables {
    /// `wp_users`, or `CUSTOM_USER_TABLE` verbatim.
    pub users: String,
    /// `wp_usermeta`, or `CUSTOM_USER_META_TABLE` verbatim.
    pub usermeta: String,
    /// `wp_options` of the addressed blog.
    pub options: String,
    /// The prefix of the addressed blog's keys: `wp_`, `wp_2_`, …
    pub blog_prefix: String,
    /// Whether only users with a role on the addressed blog are its users.
    pub multisite: bool,
}

/// Which code is active, as the blog's options name it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `active_plugins`
    pub plugins: Vec<String>,
    /// `template` and `stylesheet`
    pub themes: Vec<String>,
}

/// A missing table, with the prefixes under which there are such tables.
pub(super) async fn name_prefixes<S: Sql>(sql: &mut S, error: EngineError) -> EngineError {
    let EngineError::NoTable { table, .. } = error else {
        return error;
    };
    let (question, suffix) = sql.dialect().tables_like("usermeta");
    let name = |columns: &dyn Columns| columns.bytes(0).unwrap_or_default();
    let tables = sql.fetch(question, &suffix, name).await.unwrap_or_default();
    let prefix = |table: &Vec<u8>| {
        let table = String::from_utf8_lossy(table);
        table.strip_suffix("usermeta").map(str::to_owned)
    };
    EngineError::NoTable {
        table,
        found: Some(tables.iter().filter_map(prefix).collect()),
    }
}

/// The highest number in a column of ids; 0 when the table is empty.
pub(in crate::engine) async fn highest<S: Sql>(
    sql: &mut S,
    column: &str,
    table: &str,
) -> Result<u64, EngineError> {
    let question = format!("SELECT MAX({column}) FROM {}", quoted(table));
    let read = |columns: &dyn Columns| columns.int(0).unwrap_or(0);
    let max = sql.fetch(&question, &[], read).await?;
    Ok(max.into_iter().next().unwrap_or(0))
}

/// The keys of a serialized array, or `None` when it is not one.
pub(crate) fn array_keys(value: &[u8]) -> Option<Vec<Vec<u8>>> {
    match serialize::decode(value)? {
        Value::Array(entries) => Some(entries.iter().map(|(key, _)| key.to_bytes()).collect()),
        _ => None,
    }
}

/// The strings in a serialized list (`active_plugins`).
pub(super) fn array_strings(value: &[u8]) -> Option<Vec<String>> {
    let Value::Array(entries) = serialize::decode(value)? else {
        return None;
    };
    let text = |value: Value| match value {
        Value::Text(text) => Some(text.lossy().into_owned()),
        _ => None,
    };
    Some(
        entries
            .into_iter()
            .filter_map(|(_, value)| text(value))
            .collect(),
    )
}

/// The roles in a `capabilities` value: its true keys that name a role, in stored order
/// (`WP_User::get_role_caps`).
pub(super) fn roles_in(capabilities: &[u8], known: Option<&[Vec<u8>]>) -> Vec<Bytes> {
    let Some(Value::Array(entries)) = serialize::decode(capabilities) else {
        return Vec::new();
    };
    let granted = |value: &Value| match value {
        Value::Bool(granted) => *granted,
        Value::Int(number) => *number != 0,
        Value::Text(text) => !matches!(text.0.as_slice(), b"" | b"0"),
        _ => false,
    };
    let is_role = |name: &[u8]| known.is_none_or(|known| known.iter().any(|role| role == name));
    entries
        .into_iter()
        .filter(|(_, value)| granted(value))
        .filter_map(|(key, _)| match key {
            Key::Text(name) if is_role(&name.0) => Some(name),
            _ => None,
        })
        .collect()
}
