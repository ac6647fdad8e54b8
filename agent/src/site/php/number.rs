//! PHP's integer and float literals.

use crate::site::literal::Literal;

/// The number at the start of `text` and its length in bytes; None when malformed.
pub(super) fn read(text: &[u8]) -> Option<(Literal, usize)> {
    let radix = match (text.first(), text.get(1)) {
        (Some(b'0'), Some(b'x' | b'X')) => 16,
        (Some(b'0'), Some(b'b' | b'B')) => 2,
        (Some(b'0'), Some(b'o' | b'O')) => 8,
        _ => return decimal(text),
    };
    let length = 2 + run(&text[2..], |byte| byte.is_ascii_alphanumeric());
    Some((integer(&digits(&text[2..length])?, radix)?, length))
}

fn decimal(text: &[u8]) -> Option<(Literal, usize)> {
    let whole = run(text, |byte| byte.is_ascii_digit());
    let mut length = whole;
    let mut float = false;
    // `1...` is a number and then an operator only in variadic calls; not met in configurations.
    if text.get(length) == Some(&b'.') && text.get(length + 1) != Some(&b'.') {
        float = true;
        length += 1 + run(&text[length + 1..], |byte| byte.is_ascii_digit());
    }
    if matches!(text.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(length + 1), Some(b'+' | b'-')));
        let from = (length + 1 + sign).min(text.len());
        let exponent = run(&text[from..], |byte| byte.is_ascii_digit());
        if exponent > 0 {
            float = true;
            length = from + exponent;
        }
    }
    let digits = digits(&text[..length])?;
    if float {
        return Some((Literal::Float(digits.parse().ok()?), length));
    }
    // A leading zero is octal: 08 is a parse error in PHP.
    let radix = if digits.len() > 1 && digits.starts_with('0') {
        8
    } else {
        10
    };
    Some((integer(&digits, radix)?, length))
}

fn run(text: &[u8], accept: impl Fn(&u8) -> bool) -> usize {
    text.iter()
        .take_while(|byte| accept(byte) || **byte == b'_')
        .count()
}

fn digits(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let misplaced = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    (!text.is_empty() && !misplaced).then(|| text.replace('_', ""))
}

/// An integer too large for 64 bits is a float, as in PHP.
fn integer(digits: &str, radix: u32) -> Option<Literal> {
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    match i64::from_str_radix(digits, radix) {
        Ok(value) => Some(Literal::Int(value)),
        Err(_) if radix == 10 => Some(Literal::Float(digits.parse().ok()?)),
        Err(_) => None,
    }
}
