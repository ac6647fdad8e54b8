//! YAML documents: items, maps and lists, laid out as WP-CLI (Spyc) does. How a string is written
//! is in `yaml_string`.

use kickout_shared::value::{Key, Value};

use super::text;
use super::yaml_string::string;

/// The longest key that may stand before its colon. Longer ones need the `? key` form.
const LONGEST_SIMPLE_KEY: usize = 1000;

/// Appends `- ` and its fields, two spaces in.
pub(super) fn push_item<'a>(
    out: &mut Vec<u8>,
    fields: impl IntoIterator<Item = (&'a str, &'a Value)>,
) {
    let start = out.len();
    out.extend_from_slice(b"- \n");
    let before = out.len();
    for (name, value) in fields {
        push_entry(out, &string(name.as_bytes()), value, 2);
    }
    if out.len() == before {
        out.truncate(start);
        out.extend_from_slice(b"- {}\n");
    }
}

/// Appends `- value`.
pub(super) fn push_value(out: &mut Vec<u8>, value: &Value) {
    out.push(b'-');
    push_after(out, value, 2);
}

fn push_entry(out: &mut Vec<u8>, key: &str, value: &Value, indent: usize) {
    push_indent(out, indent);
    if key.len() > LONGEST_SIMPLE_KEY {
        out.extend_from_slice(b"? ");
        out.extend_from_slice(key.as_bytes());
        out.push(b'\n');
        push_indent(out, indent);
    } else {
        out.extend_from_slice(key.as_bytes());
    }
    out.push(b':');
    push_after(out, value, indent + 2);
}

/// The value after a `-` or a `key:`, and its newline. Nested values go on at `indent`.
///
/// Recursion is as deep as the value; the depth of a frame is bounded where it is decoded.
fn push_after(out: &mut Vec<u8>, value: &Value, indent: usize) {
    let Value::Array(entries) = value else {
        out.push(b' ');
        out.extend_from_slice(scalar(value).as_bytes());
        out.push(b'\n');
        return;
    };
    if entries.is_empty() {
        out.extend_from_slice(b" []\n");
    } else if text::is_list(entries) {
        out.push(b'\n');
        for (_, value) in entries {
            push_indent(out, indent);
            out.push(b'-');
            push_after(out, value, indent + 2);
        }
    } else {
        out.push(b'\n');
        for (key, value) in text::distinct(entries) {
            let key = match key {
                Key::Int(number) => number.to_string(),
                Key::Text(text) => string(&text.0),
            };
            push_entry(out, &key, value, indent);
        }
    }
}

fn push_indent(out: &mut Vec<u8>, indent: usize) {
    out.resize(out.len() + indent, b' ');
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Float(number) if number.is_nan() => ".nan".to_owned(),
        Value::Float(number) if number.is_infinite() => {
            if *number > 0.0 { ".inf" } else { "-.inf" }.to_owned()
        }
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            String::from_utf8_lossy(&text::plain(value)).into_owned()
        }
        Value::Text(_) | Value::Opaque(_) | Value::Large(_) | Value::Array(_) => {
            string(&text::plain(value))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::render::escape::is_hidden;

    fn read(yaml: &[u8]) -> serde_json::Value {
        let text = std::str::from_utf8(yaml).unwrap();
        serde_saphyr::from_str(text)
            .map_err(|error| format!("{error}\n{text}"))
            .unwrap()
    }

    #[test]
    fn nested_values_and_long_keys() {
        let key = |name: &str| Key::Text(name.into());
        let value = Value::Array(vec![
            (key("x"), Value::Int(1)),
            (
                key("list"),
                Value::Array(vec![
                    (Key::Int(0), Value::Text("a: b".into())),
                    (Key::Int(1), Value::Array(vec![(Key::Int(0), Value::Null)])),
                    (
                        Key::Int(2),
                        Value::Array(vec![(key("deep"), Value::Bool(true))]),
                    ),
                ]),
            ),
            (key("none"), Value::Array(vec![])),
            (
                key(&"k".repeat(3000)),
                Value::Array(vec![(key("in"), Value::Float(0.5))]),
            ),
        ]);
        let flag = Value::Bool(false);
        let mut out = Vec::new();
        push_item(&mut out, [("extra", &value), ("flag", &flag), ("", &flag)]);
        let expected = serde_json::json!([{
            "extra": {
                "x": 1,
                "list": ["a: b", [null], {"deep": true}],
                "none": [],
                "k".repeat(3000): {"in": 0.5},
            },
            "flag": false,
            "": false,
        }]);
        assert_eq!(read(&out), expected, "{}", String::from_utf8_lossy(&out));
        assert!(out.starts_with(b"- \n  extra:\n    x: 1\n    list:\n      - 'a: b'\n"));
    }

    /// Text made of the pieces that trip YAML.
    fn tricky() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(|c| c.to_string()),
            "[-+.:0-9_eExXoa, ]{1,6}",
            "[-?:,\\[\\]{}#&*!|>'\"%@` \n\t\\\\~=<]{1,3}",
            prop_oneof![
                Just("null"),
                Just("yes"),
                Just("---"),
                Just("<<"),
                Just(".nan"),
                Just("0x")
            ]
            .prop_map(str::to_owned),
        ];
        proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn a_string_reads_back_untyped(name in tricky(), text in tricky()) {
            let value = Value::Text(text.as_str().into());
            let mut out = Vec::new();
            push_item(&mut out, [(name.as_str(), &value)]);
            push_value(&mut out, &value);
            prop_assert!(!String::from_utf8_lossy(&out).contains(|c| is_hidden(c) && c != '\n'));
            prop_assert_eq!(read(&out), serde_json::json!([{ name: text.clone() }, text]));
        }
    }
}
