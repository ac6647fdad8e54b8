//! Numbers as PHP spells and reads them, with its behaviour on overflow.

/// Digits as an integer, as PHP reads integers and sizes of arrays: it stops at the largest.
pub(super) fn saturating(digits: &[u8]) -> u64 {
    let add = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(value_of(*digit));
    digits.iter().fold(0, add)
}

/// Digits as PHP reads lengths of strings and numbers of slots: it wraps around.
pub(super) fn wrapping(digits: &[u8]) -> u64 {
    let add = |sum: u64, digit: &u8| sum.wrapping_mul(10).wrapping_add(value_of(*digit));
    digits.iter().fold(0, add)
}

fn value_of(digit: u8) -> u64 {
    u64::from(digit.wrapping_sub(b'0'))
}

/// The integer that PHP makes of a text key: only of the spelling it would print itself.
pub(super) fn decimal_key(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        b"0" => text == b"0",
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical {
        std::str::from_utf8(text).ok()?.parse().ok()
    } else {
        None
    }
}

/// A float as `d:` and numeric strings spell it: `-33.86`, `.5`, `5.`, `1.0E+100`; no names.
pub(in super::super) fn decimal(text: &[u8]) -> Option<f64> {
    let is_allowed = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    if text.iter().all(is_allowed) {
        std::str::from_utf8(text).ok()?.parse().ok()
    } else {
        None
    }
}
