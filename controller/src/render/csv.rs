//! CSV records: RFC 4180, with the cells quoted that WP-CLI quotes, and no formulas.

use super::escape;

/// Appends one record. On a terminal (`for_eyes`) every cell is made harmless; elsewhere the bytes
/// are the data.
pub(super) fn push_record<'a>(
    out: &mut Vec<u8>,
    cells: impl IntoIterator<Item = std::borrow::Cow<'a, [u8]>>,
    for_eyes: bool,
) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        // Spreadsheets run a cell that starts like a formula; user agents are chosen by strangers.
        let formula = matches!(
            cell.first(),
            Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')
        );
        if for_eyes {
            push_cell(out, formula, escape::escaped(&cell).as_bytes());
        } else {
            push_cell(out, formula, &cell);
        }
    }
    out.push(b'\n');
}

fn push_cell(out: &mut Vec<u8>, formula: bool, cell: &[u8]) {
    let quoted = cell
        .iter()
        .any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n' | b' ' | b'\t' | b'\\'));
    if quoted {
        out.push(b'"');
    }
    if formula {
        out.push(b'\'');
    }
    for &byte in cell {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    if quoted {
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn record(cells: &[&[u8]], for_eyes: bool) -> Vec<u8> {
        let mut out = Vec::new();
        push_record(
            &mut out,
            cells.iter().map(|cell| Cow::Borrowed(*cell)),
            for_eyes,
        );
        out
    }

    #[test]
    fn cells_are_quoted_like_wp_cli() {
        let rows: &[(&[u8], &str)] = &[
            (b"10.0.0.1", "10.0.0.1"),
            (b"", ""),
            (b"2023-11-14 22:18:20", r#""2023-11-14 22:18:20""#),
            (
                br#"say "hi", it's \ 100% / <b>"#,
                r#""say ""hi"", it's \ 100% / <b>""#,
            ),
            (br#"a\"b c"#, r#""a\""b c""#),
            (b"=cmd|1", "'=cmd|1"),
            (b"-1+2", "'-1+2"),
            (b"@x", "'@x"),
            (b"+1", "'+1"),
            (b"\tx", "\"'\tx\""),
            (b"\rx", "\"'\rx\""),
            (b"# c", r##""# c""##),
            (b"*a", "*a"),
            (b"[x] {y}", r#""[x] {y}""#),
            (b"x\x1b[31m", "x\x1b[31m"),
        ];
        for (cell, text) in rows {
            assert_eq!(record(&[cell], false), format!("{text}\n").as_bytes());
        }
        assert_eq!(record(&[b"a", b"b"], false), b"a,b\n");
    }

    #[test]
    fn nothing_raw_on_a_terminal() {
        assert_eq!(
            record(&[b"x\x1b[31m\n\xff", b"\t="], true),
            b"\"x\\x1b[31m\\n\\xff\",\"'\\t=\"\n"
        );
    }

    proptest! {
        #[test]
        fn a_record_reads_back(cells in proptest::collection::vec(any::<Vec<u8>>(), 2..5)) {
            let cells: Vec<&[u8]> = cells.iter().map(Vec::as_slice).collect();
            let text = record(&cells, false);
            let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(&text[..]);
            let rows: Vec<_> = reader.byte_records().map(Result::unwrap).collect();
            prop_assert_eq!(rows.len(), 1);
            for (cell, back) in cells.iter().zip(&rows[0]) {
                let guarded = cell.first().is_some_and(|byte| b"=+-@\t\r".contains(byte));
                prop_assert_eq!(*cell, if guarded { &back[1..] } else { back });
            }
        }
    }
}
