//! Messages between the agent and the site's PHP: PHP's own serialization, so that bytes are bytes
//! on both sides. Pure; knows no process and no WordPress.

use kickout_shared::bytes::Bytes;
use kickout_shared::value::{Key, Value};

/// `['name' => value, …]`
pub(super) fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let entry = |(name, value): (&str, Value)| (Key::Text(name.into()), value);
    Value::Array(fields.into_iter().map(entry).collect())
}

/// `[value, …]`
pub(super) fn list(items: impl IntoIterator<Item = Value>) -> Value {
    let entry = |(index, value)| (Key::Int(index), value);
    Value::Array((0..).zip(items).map(entry).collect())
}

/// A string.
pub(super) fn text(bytes: impl AsRef<[u8]>) -> Value {
    Value::Text(Bytes(bytes.as_ref().to_vec()))
}

/// An integer; PHP has none larger than `i64`'s.
pub(super) fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Serializes a value of scalars and arrays. What only PHP could say becomes null.
pub(super) fn encode(value: &Value, into: &mut Vec<u8>) {
    match value {
        Value::Null | Value::Opaque(_) | Value::Large(_) => into.extend_from_slice(b"N;"),
        Value::Bool(flag) => {
            into.extend_from_slice(if *flag { b"b:1;" } else { b"b:0;" });
        }
        Value::Int(number) => into.extend_from_slice(format!("i:{number};").as_bytes()),
        Value::Float(number) => into.extend_from_slice(format!("d:{number};").as_bytes()),
        Value::Text(text) => string(&text.0, into),
        Value::Array(entries) => {
            into.extend_from_slice(format!("a:{}:{{", entries.len()).as_bytes());
            for (key, value) in entries {
                match key {
                    Key::Int(number) => into.extend_from_slice(format!("i:{number};").as_bytes()),
                    Key::Text(text) => string(&text.0, into),
                }
                encode(value, into);
            }
            into.push(b'}');
        }
    }
}

fn string(bytes: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(format!("s:{}:\"", bytes.len()).as_bytes());
    into.extend_from_slice(bytes);
    into.extend_from_slice(b"\";");
}

/// The value under a name.
pub(super) fn get<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Array(entries) = value else {
        return None;
    };
    let is = |key: &Key| matches!(key, Key::Text(text) if text.0 == name.as_bytes());
    entries
        .iter()
        .find(|(key, _)| is(key))
        .map(|(_, value)| value)
}

/// The values of a list; none of anything else.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    let entries = match value {
        Value::Array(entries) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().map(|(_, value)| value)
}

/// The value at a place of a list.
pub(super) fn at(value: &Value, index: usize) -> Option<&Value> {
    items(value).nth(index)
}

/// A string's bytes.
pub(super) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Text(text) => Some(&text.0),
        _ => None,
    }
}

/// A string as text; hostile as everything here.
pub(super) fn shown(value: Option<&Value>) -> String {
    let bytes = value.and_then(bytes).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// An integer that is not negative.
pub(super) fn number(value: Option<&Value>) -> Option<u64> {
    u64::try_from(value?.as_int()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::native::serialize;

    #[test]
    fn what_is_written_reads_back() {
        let value = map([
            ("bytes", text(b"\xff\0\"';}\n")),
            ("empty", text("")),
            ("many", list([int(u64::MAX), Value::Int(-1), Value::Null])),
            ("nested", map([("yes", Value::Bool(true))])),
            ("none", list([])),
        ]);
        let mut written = Vec::new();
        encode(&value, &mut written);
        assert_eq!(serialize::decode(&written), Some(value));
    }
}
