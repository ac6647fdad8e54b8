//! The table on a terminal: a box of `+`, `-` and `|` that fits the width. It has to see the rows
//! before it draws the first one, so it holds some, but never all of a large listing.

use unicode_width::UnicodeWidthChar;

/// After so many rows, or so many bytes of them, the widths are fixed and the rest is streamed;
/// later cells that are wider wrap. Nobody reads further by eye, and memory must stay small.
const HELD_ROWS: usize = 10_000;
const HELD_BYTES: usize = 4 << 20;

/// A column never becomes narrower: the widest characters take two places.
const NARROWEST: usize = 2;

/// A table that is being drawn. Cells come from [`super::table::cell`].
pub(super) struct Boxed {
    terminal_width: usize,
    header: Vec<String>,
    state: State,
}

enum State {
    /// Widths are still growing.
    Holding {
        natural: Vec<usize>,
        rows: Vec<Vec<String>>,
        bytes: usize,
    },
    /// Widths are fixed, and everything held has been drawn.
    Drawing { widths: Vec<usize> },
}

impl Boxed {
    pub(super) fn new(header: Vec<String>, terminal_width: usize) -> Self {
        let natural = header.iter().map(|cell| width_of(cell)).collect();
        let state = State::Holding {
            natural,
            rows: Vec::new(),
            bytes: 0,
        };
        Self {
            terminal_width,
            header,
            state,
        }
    }

    pub(super) fn push_row(&mut self, out: &mut Vec<u8>, row: Vec<String>) {
        match &mut self.state {
            State::Drawing { widths } => push_wrapped(out, &row, widths),
            State::Holding {
                natural,
                rows,
                bytes,
            } => {
                for (width, cell) in natural.iter_mut().zip(&row) {
                    *width = width_of(cell).max(*width);
                }
                *bytes += row
                    .iter()
                    .map(|cell| cell.len() + size_of::<String>())
                    .sum::<usize>();
                rows.push(row);
                if rows.len() >= HELD_ROWS || *bytes >= HELD_BYTES {
                    self.draw_held(out);
                }
            }
        }
    }

    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        // WP-CLI draws no bottom border under an empty table.
        let empty = matches!(&self.state, State::Holding { rows, .. } if rows.is_empty());
        let widths = self.draw_held(out);
        if !empty {
            push_border(out, &widths);
        }
    }

    /// Draws the header and what is held, if that has not happened yet.
    fn draw_held(&mut self, out: &mut Vec<u8>) -> Vec<usize> {
        let (natural, rows) = match &mut self.state {
            State::Drawing { widths } => return widths.clone(),
            State::Holding { natural, rows, .. } => (natural, std::mem::take(rows)),
        };
        let widths = fit(natural, self.terminal_width);
        push_border(out, &widths);
        push_wrapped(out, &self.header, &widths);
        push_border(out, &widths);
        for row in rows {
            push_wrapped(out, &row, &widths);
        }
        self.state = State::Drawing {
            widths: widths.clone(),
        };
        widths
    }
}

/// The widths that fit. As in WP-CLI, columns up to the average keep theirs; the others share what
/// is left evenly, the last of them taking the remainder.
fn fit(natural: &[usize], terminal_width: usize) -> Vec<usize> {
    let borders = 3 * natural.len() + 1;
    let room = terminal_width.saturating_sub(borders);
    if natural.iter().sum::<usize>() <= room {
        return natural.to_vec();
    }
    let average = room / natural.len().max(1);
    let kept: usize = natural.iter().filter(|&&width| width <= average).sum();
    let wide = natural
        .iter()
        .filter(|&&width| width > average)
        .count()
        .max(1);
    let spare = average * (natural.len() - wide) - kept.min(average * (natural.len() - wide));
    let share = (average + spare / wide).max(NARROWEST);
    let last = room
        .saturating_sub(kept + share * (wide - 1))
        .max(NARROWEST);
    let mut left = wide;
    let mut narrow = |width: usize| {
        if width <= average {
            return width;
        }
        left -= 1;
        if left == 0 { last } else { share }
    };
    natural.iter().map(|&width| narrow(width)).collect()
}

fn push_border(out: &mut Vec<u8>, widths: &[usize]) {
    out.push(b'+');
    for width in widths {
        out.resize(out.len() + width + 2, b'-');
        out.push(b'+');
    }
    out.push(b'\n');
}

/// Appends a row as as many lines as its tallest cell needs.
fn push_wrapped(out: &mut Vec<u8>, row: &[String], widths: &[usize]) {
    let columns: Vec<Vec<&str>> = row
        .iter()
        .zip(widths)
        .map(|(cell, &width)| wrap(cell, width))
        .collect();
    let height = columns.iter().map(Vec::len).max().unwrap_or(1);
    for index in 0..height {
        out.push(b'|');
        for (lines, &width) in columns.iter().zip(widths) {
            let line = lines.get(index).copied().unwrap_or_default();
            out.push(b' ');
            out.extend_from_slice(line.as_bytes());
            out.resize(out.len() + width.saturating_sub(line_width(line)) + 1, b' ');
            out.push(b'|');
        }
        out.push(b'\n');
    }
}

/// The lines of a cell, cut in the middle of words where they are too wide.
fn wrap(cell: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    for mut line in cell.split('\n') {
        while let Some(cut) = overflow(line, width) {
            let (head, tail) = line.split_at(cut);
            lines.push(head);
            line = tail;
        }
        lines.push(line);
    }
    lines
}

/// Where a line must be cut, if it is too wide. Never at 0: a cut always makes progress.
fn overflow(line: &str, width: usize) -> Option<usize> {
    let mut used = 0;
    for (index, c) in line.char_indices() {
        used += char_width(c);
        if used > width && index > 0 {
            return Some(index);
        }
    }
    None
}

/// The width of the widest line of a cell.
fn width_of(cell: &str) -> usize {
    cell.split('\n').map(line_width).max().unwrap_or(0)
}

fn line_width(line: &str) -> usize {
    line.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(width: usize, rows: &[&[&str]]) -> String {
        let owned = |row: &[&str]| row.iter().map(|cell| (*cell).to_owned()).collect();
        let mut table = Boxed::new(owned(rows[0]), width);
        let mut out = Vec::new();
        for row in &rows[1..] {
            table.push_row(&mut out, owned(row));
        }
        table.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn boxes() {
        let header: &[&str] = &["token", "login_time", "expiration_time", "ip", "ua"];
        let empty = "\
+-------+------------+-----------------+----+----+
| token | login_time | expiration_time | ip | ua |
+-------+------------+-----------------+----+----+
";
        assert_eq!(draw(200, &[header]), empty);
        let lines = "\
+----------+--------+
| ip       | ua     |
+----------+--------+
| 10.0.0.1 | a    b |
|          | c      |
|          | d      |
+----------+--------+
";
        assert_eq!(
            draw(100, &[&["ip", "ua"], &["10.0.0.1", "a    b\nc\nd"]]),
            lines
        );
        let wide = "\
+-------+
| ua    |
+-------+
| 日本x |
| e\u{301}     |
+-------+
";
        assert_eq!(draw(100, &[&["ua"], &["日本x"], &["e\u{301}"]]), wide);
        let cut = "\
+----+-----+
| ip | ua  |
+----+-----+
| 1  | abc |
|    | def |
|    | 日  |
|    | 本  |
+----+-----+
";
        assert_eq!(draw(12, &[&["ip", "ua"], &["1", "abcdef日本"]]), cut);
    }

    #[test]
    fn widths_fit_the_terminal() {
        assert_eq!(fit(&[64, 19, 19, 7, 6], 80), [15, 15, 21, 7, 6]);
        assert_eq!(fit(&[64, 19, 19, 7, 6], 131), [64, 19, 19, 7, 6]);
        assert_eq!(fit(&[64, 64], 47), [20, 20]);
        assert_eq!(fit(&[64, 64, 3], 3), [2, 2, 2]);
        assert_eq!(fit(&[], 80), [0; 0]);
    }

    #[test]
    fn a_large_table_streams() {
        let mut table = Boxed::new(vec!["n".to_owned()], 80);
        let mut out = Vec::new();
        for number in 0..HELD_ROWS - 1 {
            table.push_row(&mut out, vec![number.to_string()]);
        }
        assert!(out.is_empty());
        table.push_row(&mut out, vec!["9999".to_owned()]);
        assert!(out.ends_with(b"| 9998 |\n| 9999 |\n"));
        table.push_row(&mut out, vec!["10000".to_owned()]);
        table.finish(&mut out);
        assert!(out.ends_with(b"| 9999 |\n| 1000 |\n| 0    |\n+------+\n"));

        let mut table = Boxed::new(vec!["n".to_owned()], 80);
        let mut out = Vec::new();
        table.push_row(&mut out, vec!["x".repeat(HELD_BYTES)]);
        assert!(!out.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn every_line_is_as_wide_as_the_border(
            cells in proptest::collection::vec("[a-z日本😀\n]{0,40}", 1..6), width in 0_usize..120,
        ) {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            let text = draw(width, &[&cells, &cells]);
            let widths: Vec<usize> = text.lines().map(line_width).collect();
            proptest::prop_assert!(widths.iter().all(|w| *w == widths[0]), "{}", text);
            let least = cells.len() * (NARROWEST + 3) + 1;
            proptest::prop_assert!(widths[0] <= width.max(least), "{width}\n{text}");
        }
    }
}
