//! PHP's operators, punctuation and casts, as they are spelled.

use super::lexer::word;

const OPERATORS: [&str; 61] = [
    "===", "!==", "<=>", "**=", "<<=", ">>=", "??=", "...", "?->", "==", "!=", "<>", "<=", ">=",
    "&&", "||", "??", "++", "--", "+=", "-=", "*=", "/=", ".=", "%=", "&=", "|=", "^=", "->", "=>",
    "::", "<<", ">>", "**", "#[", "+", "-", "*", "/", "%", "=", "<", ">", "!", ".", "(", ")", "[",
    "]", "{", "}", ",", ";", "?", ":", "&", "|", "^", "~", "@", "$",
];

const CASTS: [(&str, &str); 12] = [
    ("int", "int"),
    ("integer", "int"),
    ("bool", "bool"),
    ("boolean", "bool"),
    ("string", "string"),
    ("binary", "string"),
    ("float", "float"),
    ("double", "float"),
    ("real", "float"),
    ("array", "array"),
    ("object", "object"),
    ("unset", "unset"),
];

/// The longest operator at the start of `text`.
pub(super) fn at(text: &[u8]) -> Option<&'static str> {
    OPERATORS
        .iter()
        .find(|op| text.starts_with(op.as_bytes()))
        .copied()
}

/// `(int)` and its like at the start of `rest`: the type and the bytes taken.
pub(super) fn cast(rest: &[u8]) -> Option<(&'static str, usize)> {
    let blanks = |text: &[u8]| {
        text.iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count()
    };
    let inner = rest.strip_prefix(b"(")?;
    let before = blanks(inner);
    let name = word(&inner[before..]);
    let (_, kind) = CASTS
        .iter()
        .find(|(cast, _)| cast.as_bytes().eq_ignore_ascii_case(name))?;
    let after = blanks(&inner[before + name.len()..]);
    let length = before + name.len() + after;
    (inner.get(length) == Some(&b')')).then_some((kind, length + 2))
}
