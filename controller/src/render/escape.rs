//! The one escaper of foreign text for terminals. Knows characters, not formats.
//!
//! Whoever can log in chooses a user agent, and a hacked host chooses everything: raw control
//! characters would let them move the cursor, set the clipboard, or hide a line from the operator.

use std::borrow::Cow;

/// Characters that are never sent raw: controls, line and paragraph separators, what reorders text,
/// and what has no shape of its own (Unicode's `Default_Ignorable_Code_Point`). Sorted.
const HIDDEN: &[(char, char)] = &[
    ('\0', '\x1f'),
    ('\x7f', '\u{9f}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether a character must not reach a terminal raw. A newline is one of them: only our own may.
pub fn is_hidden(c: char) -> bool {
    if matches!(c, ' '..='~') {
        return false;
    }
    HIDDEN
        .iter()
        .any(|&(first, last)| (first..=last).contains(&c))
}

/// Foreign bytes as one line of harmless text: `\x1b`, `\n`, `\u{202e}`, and `\xff` for a byte that
/// is not UTF-8. For eyes: a backslash in the data stays single, so there is no way back.
pub fn escaped(bytes: &[u8]) -> Cow<'_, str> {
    escape_but(bytes, None)
}

/// As [`escaped`], but newlines stay, for a caller that lays out the lines itself.
pub fn escaped_lines(bytes: &[u8]) -> Cow<'_, str> {
    escape_but(bytes, Some('\n'))
}

fn escape_but(bytes: &[u8], kept: Option<char>) -> Cow<'_, str> {
    let raw = |c: char| !is_hidden(c) || Some(c) == kept;
    // Nearly every value is clean: no copy then.
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.chars().all(raw)
    {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(bytes.len() * 2);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if raw(c) {
                shown.push(c);
            } else {
                push_escape(&mut shown, c);
            }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    Cow::Owned(shown)
}

fn push_escape(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        _ if c.is_ascii() => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
        _ => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_shown() {
        let rows: &[(&[u8], &str)] = &[
            (b"", ""),
            (
                "Mözilla/5 日本 e\u{301}".as_bytes(),
                "Mözilla/5 日本 e\u{301}",
            ),
            (br#"a\"b c"#, r#"a\"b c"#),
            (b"x\x1b[31mred\x07\0y\x7f", r"x\x1b[31mred\x07\x00y\x7f"),
            ("\u{9b}2J".as_bytes(), r"\u{9b}2J"),
            (b"\x9b2J\xff", r"\x9b2J\xff"),
            (
                "a\u{202e}b\u{2066}c\u{200b}\u{feff}".as_bytes(),
                r"a\u{202e}b\u{2066}c\u{200b}\u{feff}",
            ),
            (b"a\tb\r\nc", r"a\tb\r\nc"),
            (b"\x1b]52;c;cm0gLXJm\x07", r"\x1b]52;c;cm0gLXJm\x07"),
            (b"\x1b]8;;http://x\x1b\\y", r"\x1b]8;;http://x\x1b\y"),
            (b"cut \xe6\x97", r"cut \xe6\x97"),
        ];
        for (bytes, shown) in rows {
            assert_eq!(escaped(bytes), *shown);
        }
        assert_eq!(escaped_lines(b"a\r\nb\tc"), "a\\r\nb\\tc");
        assert!(matches!(escaped(b"clean"), Cow::Borrowed("clean")));
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(HIDDEN.iter().all(|(first, last)| first <= last));
        assert!(HIDDEN.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    /// Written a second time on purpose, from the requirement rather than from the table.
    fn forbidden(c: char) -> bool {
        let code = u32::from(c);
        c.is_control()
            || (0x200b..=0x200f).contains(&code)
            || (0x2028..=0x202e).contains(&code)
            || (0x2060..=0x2069).contains(&code)
            || [0xad, 0x61c, 0xfeff, 0xe0001].contains(&code)
    }

    fn nasty() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            any::<Vec<u8>>(),
            any::<char>().prop_map(|c| c.to_string().into_bytes()),
            (0_u32..0x2100).prop_map(|n| char::from_u32(n).unwrap().to_string().into_bytes()),
            Just(
                "\u{202e}\u{2066}\u{200d}\u{feff}\r\n\x1b[2J\u{9d}"
                    .as_bytes()
                    .to_vec()
            ),
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_forbidden_comes_out(bytes in nasty()) {
            prop_assert!(!escaped(&bytes).contains(forbidden));
            prop_assert!(!escaped_lines(&bytes).contains(|c| forbidden(c) && c != '\n'));
        }

        #[test]
        fn escaping_twice_changes_nothing(bytes in nasty()) {
            let once = escaped(&bytes).into_owned();
            prop_assert_eq!(escaped(once.as_bytes()), once.as_str());
        }
    }
}
