//! A YAML string. It looks like WP-CLI's (Spyc's) wherever that is valid and faithful; where it is
//! not, it stands in double quotes with escapes. Every parser reads back this very string.

use super::escape::is_hidden;

/// A string, in the plainest form that is safe. Bytes that are not UTF-8 become U+FFFD.
pub(super) fn string(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.chars().any(|c| is_hidden(c) || is_unprintable(c)) {
        double_quoted(&text)
    } else if text.is_empty() || looks_numeric(&text) {
        format!("\"{text}\"")
    } else if !spyc_quotes(&text) && is_plain(&text) {
        text.into_owned()
    } else if !text.contains('\'') {
        format!("'{text}'")
    } else {
        double_quoted(&text)
    }
}

/// What YAML forbids raw, beside the hidden ones: the two non-characters of each plane.
fn is_unprintable(c: char) -> bool {
    u32::from(c) & 0xfffe == 0xfffe
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if is_hidden(c) || is_unprintable(c) => {
                let code = u32::from(c);
                quoted.push_str(&match code {
                    0..=0xff => format!("\\x{code:02x}"),
                    0x100..=0xffff => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                });
            }
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Where Spyc leaves the plain form, beside empty and numeric strings.
fn spyc_quotes(text: &str) -> bool {
    text.bytes().any(|byte| b"*#<>%[]{}&'\n".contains(&byte))
        || [": ", "- ", "  "].iter().any(|part| text.contains(part))
        || text.starts_with('!')
        || text.ends_with(':')
        || text.trim() != text
        || is_word(text)
}

/// The words that some YAML takes for a boolean or null.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 10] = [
        "true", "on", "yes", "y", "false", "off", "no", "n", "null", "~",
    ];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether a plain scalar is read back as this very string, by YAML 1.1 and 1.2.
fn is_plain(text: &str) -> bool {
    let mut chars = text.chars();
    let (first, second) = (chars.next(), chars.next());
    let starts = match first {
        Some(',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"') => false,
        Some('%' | '@' | '`') | None => false,
        Some('-' | '?' | ':') => second.is_some_and(|c| c != ' '),
        Some(_) => true,
    };
    starts
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !matches!(text, "=" | "<<")
}

/// Strings that PHP or some YAML takes for a number (decimal, hexadecimal, octal, binary, base 60,
/// with underscores, infinities) or for a date.
fn looks_numeric(text: &str) -> bool {
    let bare = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !bare.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return false;
    }
    let lower = bare.to_ascii_lowercase();
    is_decimal(&lower)
        || is_based(&lower)
        || is_grouped(&lower, ':')
        || is_grouped(&lower, '-')
        || matches!(lower.as_str(), ".inf" | ".nan")
}

/// `007`, `1.5`, `1e3`, `1_000`, `1,000`.
fn is_decimal(lower: &str) -> bool {
    let bare: String = lower.chars().filter(|c| !matches!(c, '_' | ',')).collect();
    bare.parse::<f64>().is_ok()
}

/// `0x1f`, `0o17`, `0b1`.
fn is_based(lower: &str) -> bool {
    [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .any(|(prefix, radix)| {
            lower.strip_prefix(prefix).is_some_and(|digits| {
                !digits.is_empty() && digits.chars().all(|c| c == '_' || c.is_digit(radix))
            })
        })
}

/// `1:30` and `2023-01-01`: numbers with a separator between them.
fn is_grouped(lower: &str, separator: char) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'_' | b'.');
    lower.contains(separator)
        && lower
            .split(separator)
            .all(|part| !part.is_empty() && part.bytes().all(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_as_spyc_writes_them() {
        let rows = [
            ("first", "first"),
            ("2023-11-14 22:18:20", "2023-11-14 22:18:20"),
            ("10.0.0.1", "10.0.0.1"),
            ("::1", "::1"),
            ("Mözilla/5 日本", "Mözilla/5 日本"),
            (
                "Mozilla/5.0 (X11; Linux x86_64)",
                "Mozilla/5.0 (X11; Linux x86_64)",
            ),
            ("=cmd|1", "=cmd|1"),
            ("None", "None"),
            ("NaN", "NaN"),
            ("+", "+"),
            ("", "\"\""),
            ("007", "\"007\""),
            ("1.5", "\"1.5\""),
            ("1e3", "\"1e3\""),
            ("true", "'true'"),
            ("y", "'y'"),
            ("on", "'on'"),
            ("~", "'~'"),
            ("null", "'null'"),
            ("a:", "'a:'"),
            ("!x", "'!x'"),
            ("a & b", "'a & b'"),
            ("# c", "'# c'"),
            ("*a", "'*a'"),
            ("[x] {y}", "'[x] {y}'"),
            ("%rRED%n %%", "'%rRED%n %%'"),
            ("it's", "\"it's\""),
        ];
        for (text, yaml) in rows {
            assert_eq!(string(text.as_bytes()), yaml);
        }
    }

    #[test]
    fn strings_that_spyc_gets_wrong() {
        let rows: &[(&[u8], &str)] = &[
            (b"x\x1b[31mred\x07\0y", r#""x\x1b[31mred\x07\x00y""#),
            (b"\rx", r#""\rx""#),
            (b"a\nb", r#""a\nb""#),
            (br#"say "hi", it's \"#, r#""say \"hi\", it's \\""#),
            (b"@x", "'@x'"),
            (b"`x", "'`x'"),
            (b"- ", "'- '"),
            (b"---", "'---'"),
            (b"0x1f", "\"0x1f\""),
            (b"1_000", "\"1_000\""),
            (b"1:30", "\"1:30\""),
            (b".inf", "\".inf\""),
            (b"2023-01-01", "\"2023-01-01\""),
            ("a\u{202e}b".as_bytes(), r#""a\u202eb""#),
            ("\u{e0001}".as_bytes(), r#""\U000e0001""#),
            (b"a\xff", "a\u{fffd}"),
        ];
        for (bytes, yaml) in rows {
            assert_eq!(string(bytes), *yaml);
        }
    }
}
