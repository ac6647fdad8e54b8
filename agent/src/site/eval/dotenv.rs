//! `.env` files as phpdotenv 5 reads them. What needs its expansion rules is kept as unknown.

/// Names with their values in file order; a value is None when it is written in a way this reader
/// does not decode. An error names the line that no reader would accept.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Entry>, u32> {
    let mut out = Vec::new();
    let mut rest = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut line = 1;
    while !rest.is_empty() {
        let (entry, length) = entry(rest).ok_or(line)?;
        out.extend(entry);
        let passed = rest[..length].iter().filter(|byte| **byte == b'\n').count();
        line += u32::try_from(passed).unwrap_or(0);
        rest = &rest[length..];
    }
    Ok(out)
}

/// Name and value.
pub(super) type Entry = (Vec<u8>, Option<Vec<u8>>);

/// The entry at the start of `text`, if the line has one, and the bytes it takes.
fn entry(text: &[u8]) -> Option<(Option<Entry>, usize)> {
    let end = text
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(text.len(), |at| at + 1);
    let line = text[..end].trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return Some((None, end));
    }
    let equals = text[..end].iter().position(|byte| *byte == b'=')?;
    let name = text[..equals].trim_ascii();
    let name = match name.strip_prefix(b"export") {
        Some(rest) if rest.first().is_some_and(u8::is_ascii_whitespace) => rest.trim_ascii(),
        _ => name,
    };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'.';
    if name.is_empty() || !name.iter().all(plain) {
        return None;
    }
    let value = &text[equals + 1..];
    let blanks = value
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let value = &value[blanks..];
    let start = equals + 1 + blanks;
    let (value, length) = match value.first() {
        Some(quote @ (b'\'' | b'"')) => {
            let (value, length) = quoted(&value[1..], *quote)?;
            let after = &text[start + 1 + length..];
            let tail = after
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(after.len(), |at| at + 1);
            let comment = after[..tail].trim_ascii();
            if !comment.is_empty() && !comment.starts_with(b"#") {
                return None;
            }
            (value, start + 1 + length + tail)
        }
        _ => (bare(&text[start.min(end)..end])?, end),
    };
    Some((Some((name.to_vec(), value)), length))
}

/// An unquoted value: one word, perhaps a comment after a blank.
fn bare(text: &[u8]) -> Option<Option<Vec<u8>>> {
    let text = text.trim_ascii();
    if text.starts_with(b"#") {
        return Some(Some(Vec::new()));
    }
    let length = text
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(text.len());
    let after = text[length..].trim_ascii();
    if !after.is_empty() && !after.starts_with(b"#") {
        return None;
    }
    let value = &text[..length];
    let subtle = value.iter().any(|byte| b"#\\'\"$`".contains(byte));
    Some((!subtle).then(|| value.to_vec()))
}

/// The value up to the closing quote, and the bytes with the quote.
fn quoted(text: &[u8], quote: u8) -> Option<(Option<Vec<u8>>, usize)> {
    let (mut out, mut subtle, mut at) = (Vec::new(), false, 0);
    loop {
        match *text.get(at)? {
            byte if byte == quote => return Some(((!subtle).then_some(out), at + 1)),
            b'\\' if quote == b'"' => {
                match text.get(at + 1)? {
                    byte @ (b'\\' | b'"' | b'$') => out.push(*byte),
                    _ => subtle = true,
                }
                at += 2;
            }
            byte => {
                subtle |= byte == b'\\' || (byte == b'$' && quote == b'"');
                out.push(byte);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_or_unknown() {
        let rows: [(&str, Option<&str>); 12] = [
            ("A=b", Some("b")),
            ("export A = b # c", Some("b")),
            ("A=", Some("")),
            ("A='x y # z'", Some("x y # z")),
            ("A=\"x \\\"y\\\" \\$z\" # c", Some("x \"y\" $z")),
            ("A=\"two\nlines\"", Some("two\nlines")),
            ("\n# c\r\nA=b\r\n", Some("b")),
            ("A=${B}", None),
            ("A=\"${B}\"", None),
            ("A=b#c", None),
            ("A='b\\c'", None),
            ("A=\"\\n\"", None),
        ];
        for (text, want) in rows {
            let parsed = parse(text.as_bytes()).unwrap();
            let value = want.map(|want| want.as_bytes().to_vec());
            assert_eq!(parsed, [(b"A".to_vec(), value)], "{text}");
        }
    }

    #[test]
    fn malformed_files_name_the_line() {
        for (text, line) in [
            ("A=1\nB", 2),
            ("A=b c", 1),
            ("A='b", 1),
            ("A='b'c", 1),
            ("$A=1", 1),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(line), "{text}");
        }
    }
}
