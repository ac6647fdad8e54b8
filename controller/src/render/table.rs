//! The table on a pipe: tab-separated, as WP-CLI writes it, and the cells that boxes share.

use super::escape::escaped_lines;

/// The text of a table cell: harmless, tabs as four spaces, line breaks as `\n`.
///
/// Also on a pipe, which often ends in a terminal (`| less -R`, `| tee`). Whoever needs the exact
/// bytes takes csv or json.
pub(super) fn cell(bytes: &[u8]) -> String {
    if !bytes.iter().any(|byte| matches!(byte, b'\t' | b'\r')) {
        return escaped_lines(bytes).into_owned();
    }
    let mut plain = Vec::with_capacity(bytes.len() + 8);
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'\t' => plain.extend_from_slice(b"    "),
            b'\r' if rest.peek() == Some(&b'\n') => {}
            _ => plain.push(byte),
        }
    }
    escaped_lines(&plain).into_owned()
}

/// Appends a row. Only the last column keeps its further lines, each in a row of its own; the
/// others keep their first.
pub(super) fn push_row(out: &mut Vec<u8>, cells: &[String]) {
    let Some((last, others)) = cells.split_last() else {
        out.push(b'\n');
        return;
    };
    let mut lines = last.split('\n');
    for cell in others {
        out.extend_from_slice(first_line(cell).as_bytes());
        out.push(b'\t');
    }
    out.extend_from_slice(lines.next().unwrap_or_default().as_bytes());
    out.push(b'\n');
    for line in lines {
        out.resize(out.len() + others.len(), b'\t');
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
}

fn first_line(cell: &str) -> &str {
    cell.split('\n').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let row = |cells: &[&str]| {
            let mut out = Vec::new();
            let cells: Vec<String> = cells.iter().map(|text| cell(text.as_bytes())).collect();
            push_row(&mut out, &cells);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            row(&["10.0.0.1", "a\tb\nc\r\nd"]),
            "10.0.0.1\ta    b\n\tc\n\td\n"
        );
        assert_eq!(row(&["1\n2", "a\nb"]), "1\ta\n\tb\n");
        assert_eq!(row(&["1\n2", "ab"]), "1\tab\n");
        assert_eq!(row(&["10.0.0.1", ""]), "10.0.0.1\t\n");
        assert_eq!(row(&["10.0.0.1", "\tx"]), "10.0.0.1\t    x\n");
        assert_eq!(row(&["1", "a\\\"b c 日本"]), "1\ta\\\"b c 日本\n");
        assert_eq!(
            row(&["1", "x\x1b[31mred\x07\0y\rz"]),
            "1\tx\\x1b[31mred\\x07\\x00y\\rz\n"
        );
        assert_eq!(row(&[]), "\n");
    }
}
