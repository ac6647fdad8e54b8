//! Heredoc and nowdoc, with the flexible closing of PHP 7.3.

use super::lexer::{Tok, is_name, word};
use super::strings;
use crate::site::literal::Literal;

/// What stands between `<<<` and the first line of the body.
pub(super) struct Opening<'a> {
    label: &'a [u8],
    nowdoc: bool,
    /// Bytes up to the body.
    length: usize,
}

/// Reads the label; None when this is no heredoc (then `<<` and `<` are operators).
pub(super) fn opening(text: &[u8]) -> Option<Opening<'_>> {
    let blanks = text
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let quote = text
        .get(blanks)
        .copied()
        .filter(|byte| matches!(byte, b'\'' | b'"'));
    let start = blanks + usize::from(quote.is_some());
    let label = word(text.get(start..)?);
    let mut length = start + label.len();
    if label.is_empty() || (quote.is_some() && text.get(length).copied() != quote) {
        return None;
    }
    length += usize::from(quote.is_some());
    length += newline(text.get(length..)?)?;
    Some(Opening {
        label,
        nowdoc: quote == Some(b'\''),
        length,
    })
}

/// The token of the body, and the bytes used from after `<<<` to after the closing label.
pub(super) fn body(opening: Opening<'_>, text: &[u8]) -> Result<(Tok, usize), &'static str> {
    let mut lines = Vec::new();
    let mut at = opening.length;
    let indent = loop {
        let line = text.get(at..).unwrap_or_default();
        let blanks = line
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let after = line[blanks..].strip_prefix(opening.label);
        if after.is_some_and(|after| !after.first().is_some_and(|byte| is_name(*byte))) {
            at += blanks + opening.label.len();
            break &line[..blanks];
        }
        let end = line.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let Some(end) = end else {
            return Err("a heredoc that never ends");
        };
        let length = end + newline(&line[end..]).unwrap_or(1);
        lines.push((&line[..end], &line[end..length]));
        at += length;
    };
    let mut raw = Vec::new();
    let last = lines.len().saturating_sub(1);
    for (number, (line, end)) in lines.iter().enumerate() {
        match line.strip_prefix(indent) {
            Some(line) => raw.extend_from_slice(line),
            // A blank line may be shorter than the indentation.
            None if indent.starts_with(line) => {}
            None => return Err("a heredoc line with less indentation than its end"),
        }
        if number < last {
            raw.extend_from_slice(end);
        }
    }
    if opening.nowdoc {
        return Ok((Tok::Lit(Literal::Text(raw)), at));
    }
    match strings::double(&raw, None) {
        // A label inside an interpolated expression would end the text elsewhere.
        Some(Tok::Template(parts)) if parts.contains(&strings::Part::Opaque) => {
            Err("a heredoc with an expression inside")
        }
        Some(tok) => Ok((tok, at)),
        None => Err("an invalid \\u{…} in a heredoc"),
    }
}

fn newline(text: &[u8]) -> Option<usize> {
    match text {
        [b'\r', b'\n', ..] => Some(2),
        [b'\r' | b'\n', ..] => Some(1),
        _ => None,
    }
}
