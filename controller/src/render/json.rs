//! JSON as PHP's `json_encode` writes it: ASCII only, slashes escaped. Nothing raw is left that a
//! terminal would act on.

use kickout_shared::value::{Key, Value};

use super::text;

/// Appends a value. What JSON cannot hold is a string: infinities, sizes, PHP objects.
///
/// Recursion is as deep as the value; the depth of a frame is bounded where it is decoded.
pub(super) fn push(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(_) | Value::Int(_) => out.extend_from_slice(&text::plain(value)),
        Value::Float(number) if number.is_finite() => out.extend_from_slice(&text::plain(value)),
        Value::Float(_) | Value::Text(_) | Value::Opaque(_) | Value::Large(_) => {
            push_string(out, &text::plain(value));
        }
        Value::Array(entries) if text::is_list(entries) => {
            separated(out, [b'[', b']'], entries, |out, (_, value)| {
                push(out, value);
            });
        }
        Value::Array(entries) => {
            separated(
                out,
                [b'{', b'}'],
                text::distinct(entries),
                |out, (key, value)| {
                    push_key(out, key);
                    out.push(b':');
                    push(out, value);
                },
            );
        }
    }
}

/// Appends an object with these keys, which differ.
pub(super) fn push_object<'a>(
    out: &mut Vec<u8>,
    entries: impl IntoIterator<Item = (&'a str, &'a Value)>,
) {
    separated(out, [b'{', b'}'], entries, |out, (name, value)| {
        push_string(out, name.as_bytes());
        out.push(b':');
        push(out, value);
    });
}

/// Appends a string. Bytes that are not UTF-8 become U+FFFD: JSON has no place for them.
pub(super) fn push_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        // Runs of plain characters are copied whole; a listing may have a million rows.
        while let Some(index) = rest.bytes().position(|byte| !is_plain(byte)) {
            let (plain, tail) = rest.split_at(index);
            out.extend_from_slice(plain.as_bytes());
            let mut chars = tail.chars();
            if let Some(c) = chars.next() {
                push_char(out, c);
            }
            rest = chars.as_str();
        }
        out.extend_from_slice(rest.as_bytes());
        if !chunk.invalid().is_empty() {
            push_char(out, char::REPLACEMENT_CHARACTER);
        }
    }
    out.push(b'"');
}

fn push_key(out: &mut Vec<u8>, key: &Key) {
    match key {
        Key::Int(number) => push_string(out, number.to_string().as_bytes()),
        Key::Text(text) => push_string(out, &text.0),
    }
}

/// Whether a byte of UTF-8 stands for itself. All others begin a character that does not.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b'/')
}

/// Appends a character that is not plain.
fn push_char(out: &mut Vec<u8>, c: char) {
    let short: &[u8] = match c {
        '"' => br#"\""#,
        '\\' => br"\\",
        '/' => br"\/",
        '\x08' => br"\b",
        '\x0c' => br"\f",
        '\n' => br"\n",
        '\r' => br"\r",
        '\t' => br"\t",
        _ => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
            return;
        }
    };
    out.extend_from_slice(short);
}

fn separated<T>(
    out: &mut Vec<u8>,
    [open, close]: [u8; 2],
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(open);
    for (index, each) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item(out, each);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        push_string(&mut out, bytes);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_as_php_writes_them() {
        let rows: &[(&[u8], &str)] = &[
            (
                "Mözilla/5 日本".as_bytes(),
                r#""M\u00f6zilla\/5 \u65e5\u672c""#,
            ),
            (
                b"x\x1b[31mred\x07\0y\x7f",
                r#""x\u001b[31mred\u0007\u0000y\u007f""#,
            ),
            (br#"say "hi" \"#, r#""say \"hi\" \\""#),
            (b"\tx\r\n", r#""\tx\r\n""#),
            ("😀".as_bytes(), r#""\ud83d\ude00""#),
            (b"a\xffb", r#""a\ufffdb""#),
        ];
        for (bytes, json) in rows {
            assert_eq!(string(bytes), *json);
        }
    }

    proptest! {
        #[test]
        fn a_string_reads_back(text: String) {
            let json = string(text.as_bytes());
            prop_assert!(json.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn any_bytes_are_valid(bytes: Vec<u8>) {
            let back: String = serde_json::from_str(&string(&bytes)).unwrap();
            prop_assert_eq!(back, String::from_utf8_lossy(&bytes));
        }
    }
}
