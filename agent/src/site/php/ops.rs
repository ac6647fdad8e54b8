//! PHP's operators on known values. None wherever PHP versions differ or the rules are subtle:
//! the value is then unresolved, never guessed.

use crate::site::literal::Literal;

/// Longest string built by concatenation.
const MAX_TEXT: usize = 1024 * 1024;

pub(crate) fn binary(op: &str, left: &Literal, right: &Literal) -> Option<Literal> {
    use Literal::{Bool, Int, Text};
    let value = match (op, left, right) {
        (".", _, _) => {
            // A float's text depends on the `precision` setting.
            if matches!(left, Literal::Float(_)) || matches!(right, Literal::Float(_)) {
                return None;
            }
            let (mut text, more) = (left.to_bytes()?, right.to_bytes()?);
            text.extend(more);
            (text.len() <= MAX_TEXT).then_some(Text(text))?
        }
        ("===", _, _) => Bool(identical(left, right)?),
        ("!==", _, _) => Bool(!identical(left, right)?),
        ("==", _, _) => Bool(equal(left, right)?),
        ("!=" | "<>", _, _) => Bool(!equal(left, right)?),
        ("xor", _, _) => Bool(left.truthy() != right.truthy()),
        ("+", Int(a), Int(b)) => Int(a.checked_add(*b)?),
        ("-", Int(a), Int(b)) => Int(a.checked_sub(*b)?),
        ("*", Int(a), Int(b)) => Int(a.checked_mul(*b)?),
        ("%", Int(a), Int(b)) => Int(a.checked_rem(*b)?),
        ("|", Int(a), Int(b)) => Int(a | b),
        ("&", Int(a), Int(b)) => Int(a & b),
        ("^", Int(a), Int(b)) => Int(a ^ b),
        ("<", Int(a), Int(b)) => Bool(a < b),
        ("<=", Int(a), Int(b)) => Bool(a <= b),
        (">", Int(a), Int(b)) => Bool(a > b),
        (">=", Int(a), Int(b)) => Bool(a >= b),
        ("<<", Int(a), Int(b)) => Int(a.checked_shl(u32::try_from(*b).ok()?)?),
        _ => return None,
    };
    Some(value)
}

fn identical(left: &Literal, right: &Literal) -> Option<bool> {
    match (left, right) {
        // Order and nested types matter; not needed.
        (Literal::Array(_), Literal::Array(_)) => None,
        _ => Some(left == right),
    }
}

fn equal(left: &Literal, right: &Literal) -> Option<bool> {
    use Literal::{Bool, Int, Null, Text};
    match (left, right) {
        (Bool(_) | Null, Bool(_) | Null) => Some(left.truthy() == right.truthy()),
        (Bool(a), other) | (other, Bool(a)) => Some(*a == other.truthy()),
        (Int(a), Int(b)) => Some(a == b),
        (Text(a), Text(b)) => (!numeric(a) || !numeric(b)).then_some(a == b),
        (Null, Text(text)) | (Text(text), Null) => Some(text.is_empty()),
        _ => None,
    }
}

/// Whether PHP might read the text as a number; wider than PHP's rule.
fn numeric(text: &[u8]) -> bool {
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    first.is_some_and(|byte| byte.is_ascii_digit() || b"+-.".contains(byte))
}

pub(crate) fn cast(kind: &str, value: &Literal) -> Option<Literal> {
    Some(match kind {
        "int" => Literal::Int(value.to_int()?),
        "bool" => Literal::Bool(value.truthy()),
        "string" if !matches!(value, Literal::Float(_)) => Literal::Text(value.to_bytes()?),
        // An object made from an array is only read by its properties here.
        "array" | "object" if matches!(value, Literal::Array(_)) => value.clone(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_where_php_versions_agree() {
        let text = |value: &str| Literal::Text(value.into());
        let rows = [
            (".", text("a"), Literal::Int(5), Some(text("a5"))),
            (".", text("a"), Literal::Float(0.5), None),
            ("==", text("1"), text("01"), None),
            ("==", text("abc"), text("abc"), Some(Literal::Bool(true))),
            ("==", text("abc"), Literal::Int(0), None),
            (
                "===",
                text("1"),
                Literal::Int(1),
                Some(Literal::Bool(false)),
            ),
            ("!=", Literal::Null, text(""), Some(Literal::Bool(false))),
            (
                "|",
                Literal::Int(2048),
                Literal::Int(64),
                Some(Literal::Int(2112)),
            ),
            ("*", Literal::Int(i64::MAX), Literal::Int(2), None),
        ];
        for (op, left, right, want) in rows {
            assert_eq!(binary(op, &left, &right), want, "{op}");
        }
    }
}
