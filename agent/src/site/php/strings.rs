//! PHP's quoted strings: escapes, and the simple forms of interpolation.

use super::lexer::{Tok, is_name_start, word};
use crate::site::literal::Literal;

/// Variables in one string beyond which it is not kept; a bound on memory.
const MAX_PARTS: usize = 1000;

/// A piece of a string with variables in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// Constant bytes.
    Text(Vec<u8>),
    /// `$name`, `$name[key]`, `{$name->key}`, `{$name['key']}`…: the name and the keys.
    Var(Vec<u8>, Vec<Vec<u8>>),
    /// Any other expression.
    Opaque,
}

/// Distance to the closing quote, stepping over backslash pairs.
pub(super) fn closing(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match *byte {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// `'…'`: only `\\` and `\'` are escapes.
pub(super) fn single(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut bytes = body.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\\', Some(next @ (b'\\' | b'\''))) => {
                out.push(*next);
                bytes.next();
            }
            _ => out.push(byte),
        }
    }
    out
}

/// `"…"` and the body of a heredoc (`quote` None: `\"` is no escape there). None when PHP would
/// refuse it.
pub(super) fn double(body: &[u8], quote: Option<u8>) -> Option<Tok> {
    let mut parts = Vec::new();
    let mut text = Vec::with_capacity(body.len());
    let mut at = 0;
    while at < body.len() {
        if parts.len() > MAX_PARTS {
            parts.push(Part::Opaque);
            break;
        }
        let next = body.get(at + 1).copied().unwrap_or(0);
        match body[at] {
            b'\\' => at += 1 + escape(&body[at + 1..], quote, &mut text)?,
            b'$' if is_name_start(next) || next == b'{' => {
                parts.push(Part::Text(std::mem::take(&mut text)));
                at += variable(&body[at..], &mut parts);
            }
            b'{' if next == b'$' => {
                parts.push(Part::Text(std::mem::take(&mut text)));
                at += braced(&body[at..], &mut parts);
            }
            byte => {
                text.push(byte);
                at += 1;
            }
        }
    }
    if parts.is_empty() {
        return Some(Tok::Lit(Literal::Text(text)));
    }
    parts.push(Part::Text(text));
    Some(Tok::Template(parts))
}

/// `$name`, `$name[key]`, `$name->key`; anything else is opaque to the end.
fn variable(body: &[u8], parts: &mut Vec<Part>) -> usize {
    let name = word(&body[1..]);
    let after = &body[1 + name.len()..];
    let (open, close): (&[u8], &[u8]) = match after {
        [b'[', ..] => (b"[", b"]"),
        [b'-', b'>', next, ..] if is_name_start(*next) => (b"->", b""),
        [b'?', b'-', b'>', ..] => (b"?->", b"?"),
        _ => (b"", b""),
    };
    let mut keys = Vec::new();
    let mut length = 1 + name.len();
    if !open.is_empty() {
        let key = word(&after[open.len()..]);
        if key.is_empty() || !after[open.len() + key.len()..].starts_with(close) {
            parts.push(Part::Opaque);
            return body.len();
        }
        keys.push(key.to_vec());
        length += open.len() + key.len() + close.len();
    }
    if name.is_empty() {
        parts.push(Part::Opaque);
        return body.len();
    }
    parts.push(Part::Var(name.to_vec(), keys));
    length
}

/// `{$name}` with any number of `->key` and `['key']`; anything else is opaque to the end.
fn braced(body: &[u8], parts: &mut Vec<Part>) -> usize {
    let name = word(&body[2..]);
    let mut at = 2 + name.len();
    let mut keys = Vec::new();
    while let Some(rest) = body.get(at..) {
        if rest.first() == Some(&b'}') && !name.is_empty() {
            parts.push(Part::Var(name.to_vec(), keys));
            return at + 1;
        }
        let (open, close): (&[u8], &[u8]) = if rest.starts_with(b"->") {
            (b"->", b"")
        } else {
            (b"['", b"']")
        };
        let Some(inner) = rest.strip_prefix(open) else {
            break;
        };
        let key = word(inner);
        if key.is_empty() || !inner[key.len()..].starts_with(close) {
            break;
        }
        keys.push(key.to_vec());
        at += open.len() + key.len() + close.len();
    }
    parts.push(Part::Opaque);
    body.len()
}

/// Decodes what follows a backslash; the number of bytes used, None for a malformed `\u{…}`.
fn escape(rest: &[u8], quote: Option<u8>, out: &mut Vec<u8>) -> Option<usize> {
    let Some(&byte) = rest.first() else {
        out.push(b'\\');
        return Some(0);
    };
    let plain = match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'v' => 0x0b,
        b'e' => 0x1b,
        b'f' => 0x0c,
        b'\\' | b'$' => byte,
        _ if Some(byte) == quote => byte,
        b'0'..=b'7' => {
            let (value, length) = digits(rest, 3, 8);
            // `\777` overflows one byte and PHP keeps the low eight bits.
            out.push(u8::try_from(value & 0xff).unwrap_or(0));
            return Some(length);
        }
        b'x' | b'X' if rest.get(1).is_some_and(u8::is_ascii_hexdigit) => {
            let (value, length) = digits(&rest[1..], 2, 16);
            out.push(u8::try_from(value & 0xff).unwrap_or(0));
            return Some(1 + length);
        }
        b'u' if rest.get(1) == Some(&b'{') => {
            let end = rest.iter().take(16).position(|byte| *byte == b'}')?;
            let hex = std::str::from_utf8(&rest[2..end]).ok()?;
            if hex.is_empty() || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            let point = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
            out.extend_from_slice(point.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(end + 1);
        }
        _ => {
            out.push(b'\\');
            return Some(0);
        }
    };
    out.push(plain);
    Some(1)
}

fn digits(text: &[u8], most: usize, radix: u32) -> (u32, usize) {
    let mut value = 0;
    let mut length = 0;
    for digit in text
        .iter()
        .take(most)
        .map_while(|byte| char::from(*byte).to_digit(radix))
    {
        value = value * radix + digit;
        length += 1;
    }
    (value, length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::php::lexer::tokens;

    fn texts(source: &str) -> Vec<Tok> {
        tokens(source.as_bytes(), false)
            .into_iter()
            .map(|token| token.tok)
            .collect()
    }

    fn text(value: &str) -> Tok {
        Tok::Lit(Literal::Text(value.as_bytes().to_vec()))
    }

    #[test]
    fn strings_are_decoded_as_php_does() {
        let rows: [(&str, &str); 16] = [
            (r"'a\'b\\c\n'", r"a'b\c\n"),
            (r#""\x70\101\u{41}""#, "pAA"),
            (r#""\e\v\f\$\"\q""#, "\u{1b}\u{b}\u{c}$\"\\q"),
            (r#""\u{20ac}\n\t\r""#, "€\n\t\r"),
            (r#""\xg \u \8""#, r"\xg \u \8"),
            (r#""a $ b {c} $1""#, "a $ b {c} $1"),
            ("<<<X\na\nb\nX", "a\nb"),
            ("<<<'X'\na$b\\x\nX", "a$b\\x"),
            ("<<<\"X\"\n  a\n   b\n  X", "a\n b"),
            ("<<< X\nX", ""),
            ("<<<X\nXY \\x41 \\\"\nX", "XY A \\\""),
            ("b'bin'", "bin"),
            ("B\"bin\"", "bin"),
            ("'a\r\nb'", "a\r\nb"),
            ("'?>'", "?>"),
            ("\"<?php\"", "<?php"),
        ];
        for (source, want) in rows {
            let tokens = texts(&format!("<?php {source}"));
            assert_eq!(tokens[0], text(want), "{source}");
            assert_eq!(tokens[1], Tok::End, "{source}");
        }
    }

    #[test]
    fn numbers_and_operators() {
        let rows: [(&str, Literal); 9] = [
            ("0x1F", Literal::Int(31)),
            ("017", Literal::Int(15)),
            ("0o17", Literal::Int(15)),
            ("0b101", Literal::Int(5)),
            ("1_000", Literal::Int(1000)),
            ("1.5e3", Literal::Float(1500.0)),
            (".5", Literal::Float(0.5)),
            (
                "9223372036854775808",
                Literal::Float(9_223_372_036_854_775_808.0),
            ),
            ("7.", Literal::Float(7.0)),
        ];
        for (source, want) in rows {
            assert_eq!(
                texts(&format!("<?php {source}"))[0],
                Tok::Lit(want),
                "{source}"
            );
        }
        assert_eq!(texts("<?php (  INT )1")[0], Tok::Cast("int"));
        assert_eq!(texts("<?php (intval)")[0], Tok::Op("("));
        assert_eq!(texts("<?php $a??=1")[1], Tok::Op("??="));
    }
}
