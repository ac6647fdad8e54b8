//! A stored value as the bytes of one cell, and the shape of an array. Knows PHP, not formats.

use std::borrow::Cow;
use std::collections::HashMap;

use kickout_shared::value::{Key, Value};

use super::json;

/// What WP-CLI puts into a cell: nothing for null, words for booleans, JSON for arrays.
pub(super) fn plain(value: &Value) -> Cow<'_, [u8]> {
    match value {
        Value::Null => Cow::Borrowed(b""),
        Value::Bool(flag) => Cow::Borrowed(if *flag { b"true" } else { b"false" }),
        Value::Int(number) => Cow::Owned(number.to_string().into_bytes()),
        Value::Float(number) => Cow::Owned(float(*number).into_bytes()),
        Value::Text(text) => Cow::Borrowed(&text.0),
        Value::Array(_) => {
            let mut text = Vec::new();
            json::push(&mut text, value);
            Cow::Owned(text)
        }
        Value::Opaque(what) => Cow::Borrowed(what.as_bytes()),
        Value::Large(size) => Cow::Owned(large(*size).into_bytes()),
    }
}

/// A float as PHP prints it, but that large ones have no exponent.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        "NAN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "INF" } else { "-INF" }.to_owned()
    } else {
        number.to_string()
    }
}

/// What stands for a value that was too large for a frame.
pub(super) fn large(size: u64) -> String {
    format!("({size} bytes)")
}

/// A PHP array is a list when its keys are 0, 1, 2, … in this order.
pub(super) fn is_list(entries: &[(Key, Value)]) -> bool {
    entries
        .iter()
        .zip(0..)
        .all(|((key, _), index)| *key == Key::Int(index))
}

/// The entries of a map with keys that differ also as text. PHP guarantees that, a hostile host
/// does not, and two equal keys make JSON ambiguous and YAML invalid. The last value wins, at the
/// place of the first, as in PHP.
pub(super) fn distinct(entries: &[(Key, Value)]) -> Vec<(&Key, &Value)> {
    let mut distinct: Vec<(&Key, &Value)> = Vec::with_capacity(entries.len());
    let mut place = HashMap::with_capacity(entries.len());
    for (key, value) in entries {
        let index = *place.entry(key.to_string()).or_insert(distinct.len());
        match distinct.get_mut(index) {
            Some(entry) => entry.1 = value,
            None => distinct.push((key, value)),
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        let key = |name: &str| Key::Text(name.into());
        let rows = [
            (Value::Null, ""),
            (Value::Bool(true), "true"),
            (Value::Bool(false), "false"),
            (Value::Int(-1), "-1"),
            (Value::Float(12.0), "12"),
            (Value::Float(0.1), "0.1"),
            (Value::Float(f64::NEG_INFINITY), "-INF"),
            (Value::Text("a/b".into()), "a/b"),
            (Value::Array(vec![(key("x"), Value::Int(1))]), r#"{"x":1}"#),
            (
                Value::Array(vec![(Key::Int(0), Value::Text("a/b".into()))]),
                r#"["a\/b"]"#,
            ),
            (Value::Array(vec![]), "[]"),
            (
                Value::Opaque("object of Two_Factor".into()),
                "object of Two_Factor",
            ),
            (Value::Large(5_000_000), "(5000000 bytes)"),
        ];
        for (value, text) in rows {
            assert_eq!(plain(&value), text.as_bytes());
        }
    }

    #[test]
    fn equal_keys_become_one() {
        let key = |name: &str| Key::Text(name.into());
        let entries = [
            (key("a"), Value::Int(1)),
            (key("b"), Value::Int(2)),
            (key("a"), Value::Int(3)),
            (Key::Int(7), Value::Int(4)),
            (key("7"), Value::Int(5)),
        ];
        let (a, b, seven) = (key("a"), key("b"), Key::Int(7));
        let expected = vec![
            (&a, &Value::Int(3)),
            (&b, &Value::Int(2)),
            (&seven, &Value::Int(5)),
        ];
        assert_eq!(distinct(&entries), expected);
    }
}
