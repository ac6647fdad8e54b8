//! What lets users in without a session, as WordPress stores it: application passwords in the user
//! meta, keys of pending password resets in the users' table.

use std::collections::BTreeMap;

use kickout_shared::bytes::Bytes;
use kickout_shared::value::{Key, Value};

use super::serialize;
use super::sql::{Columns, Sql, quoted};
use super::stored::Tables;
use crate::engine::{EngineError, Survivor, WayIn};

/// `WP_Application_Passwords::USERMETA_KEY_APPLICATION_PASSWORDS`
const KEY: &str = "_application_passwords";

/// The largest list of application passwords that is counted, in bytes: some fifty of them.
const LARGEST: u64 = 16 * 1024;

/// One question, whoever is meant: a destroy must not become slower by it.
pub(super) async fn find<S: Sql>(
    sql: &mut S,
    tables: &Tables,
    of: Option<&[u64]>,
    limit: usize,
) -> Result<Vec<Survivor>, EngineError> {
    let named = |column: &str| match of {
        Some(ids) => {
            let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
            format!(" AND {column} IN ({})", ids.join(", "))
        }
        None => String::new(),
    };
    if of.is_some_and(<[u64]>::is_empty) {
        return Ok(Vec::new());
    }
    let (users, meta, value) = (
        quoted(&tables.users),
        quoted(&tables.usermeta),
        sql.dialect().value(),
    );
    let (has_passwords, has_reset) = (named("m.user_id"), named("u.ID"));
    let question = format!(
        "SELECT * FROM (SELECT u.ID AS id, u.user_login AS login, m.umeta_id AS meta, m.meta_key \
         AS meta_name, CASE WHEN OCTET_LENGTH(m.meta_value) <= {LARGEST} THEN {value} END AS held \
         FROM {meta} m JOIN {users} u ON u.ID = m.user_id WHERE m.meta_key = \
         '{KEY}'{has_passwords} LIMIT {limit}) AS a UNION ALL SELECT * FROM (SELECT u.ID AS id, \
         u.user_login AS login, 0 AS meta, '' AS meta_name, u.user_activation_key AS held FROM \
         {users} u WHERE u.user_activation_key <> ''{has_reset} LIMIT {limit}) AS b"
    );
    let read = |columns: &dyn Columns| {
        (
            columns.int(0).unwrap_or(0),
            Bytes(columns.bytes(1).unwrap_or_default()),
            columns.int(2).unwrap_or(0),
            columns.bytes(3).unwrap_or_default(),
            columns.bytes(4),
        )
    };
    let mut found = sql.fetch(&question, &[], read).await?;
    // Of several rows WordPress reads the lowest, by the exact key.
    found.sort_by_key(|row| (row.0, row.2));
    let mut survivors = Vec::new();
    let mut lists = BTreeMap::new();
    for (user, login, meta, key, held) in found {
        if meta == 0 {
            let way = WayIn::Reset {
                since: since(&held.unwrap_or_default()),
            };
            survivors.push(Survivor { user, login, way });
        } else if key == KEY.as_bytes() {
            lists.entry(user).or_insert((login, held));
        }
    }
    for (user, (login, held)) in lists {
        let way = passwords(held.as_deref());
        if !matches!(way, WayIn::Passwords { count: Some(0), .. }) {
            survivors.push(Survivor { user, login, way });
        }
    }
    Ok(survivors)
}

/// The list of a user, or `None` when it is too large to be read.
fn passwords(list: Option<&[u8]>) -> WayIn {
    let Some(list) = list else {
        return WayIn::Passwords {
            count: None,
            last_used: None,
        };
    };
    // What is no list is none to WordPress either.
    let entries = match serialize::decode(list) {
        Some(Value::Array(entries)) => entries,
        _ => Vec::new(),
    };
    let last_used = |(_, password): &(Key, Value)| match password {
        Value::Array(fields) => fields
            .iter()
            .find(|(name, _)| name.to_bytes() == b"last_used")
            .and_then(|(_, when)| when.as_int()),
        _ => None,
    };
    WayIn::Passwords {
        count: Some(entries.len() as u64),
        last_used: entries.iter().filter_map(last_used).max(),
    }
}

/// When a reset was asked for: `<time>:<hash>`. Older keys hold no time.
fn since(key: &[u8]) -> Option<i64> {
    let key = std::str::from_utf8(key).ok()?;
    key.split_once(':')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_application_passwords() {
        let entry = |used: &str| format!("a:2:{{s:4:\"uuid\";s:1:\"x\";s:9:\"last_used\";{used}}}");
        let list = |used: &[&str]| {
            let entries = used.iter().enumerate();
            let entries: Vec<_> = entries
                .map(|(index, used)| format!("i:{index};{}", entry(used)))
                .collect();
            format!("a:{}:{{{}}}", used.len(), entries.concat())
        };
        let rows = [
            (list(&["N;"]), Some(1), None),
            (list(&["N;", "i:5;", "i:3;"]), Some(3), Some(5)),
            (list(&["s:2:\"70\";"]), Some(1), Some(70)),
            ("a:1:{i:0;s:1:\"x\";}".to_owned(), Some(1), None),
            ("a:0:{}".to_owned(), Some(0), None),
            (String::new(), Some(0), None),
            ("s:4:\"what\";".to_owned(), Some(0), None),
        ];
        for (stored, count, last_used) in rows {
            let way = passwords(Some(stored.as_bytes()));
            assert_eq!(way, WayIn::Passwords { count, last_used }, "{stored}");
        }
        let unread = passwords(None);
        assert!(matches!(unread, WayIn::Passwords { count: None, .. }));
    }

    #[test]
    fn times_of_resets() {
        let rows: [(&[u8], Option<i64>); 5] = [
            (b"1700000000:$P$Bx", Some(1_700_000_000)),
            (b"$P$Bx", None),
            (b"", None),
            (b"soon:x", None),
            (b"\xff:x", None),
        ];
        for (key, when) in rows {
            assert_eq!(since(key), when, "{key:?}");
        }
    }
}
