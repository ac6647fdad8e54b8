//! What a setting can be: PHP values known without running PHP, and where they were written.
//! No evaluation happens here.

use std::fmt;
use std::path::PathBuf;

/// A place in a PHP file or `.env` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub file: PathBuf,
    /// Line, counted from 1; 0 when the value comes from no line (ABSPATH).
    pub line: u32,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.file.display(), self.line)
    }
}

/// A PHP value. Debug shows the type and size only: any of them may be a password.
#[derive(Clone, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A string: bytes in whatever encoding the file has.
    Text(Vec<u8>),
    /// An array, in PHP's order; keys are `Int` or `Text`.
    Array(Vec<(Self, Self)>),
}

impl Literal {
    /// PHP's truthiness: `""`, `"0"`, 0, 0.0, null and the empty array are false.
    pub fn truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(bytes) => !bytes.is_empty() && bytes != b"0",
            Self::Array(items) => !items.is_empty(),
        }
    }

    /// PHP's conversion to string (floats with the default `precision` of 14); None for an array.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Null | Self::Bool(false) => Some(Vec::new()),
            Self::Bool(true) => Some(b"1".to_vec()),
            Self::Int(value) => Some(value.to_string().into_bytes()),
            Self::Float(value) => Some(float_text(*value).into_bytes()),
            Self::Text(bytes) => Some(bytes.clone()),
            Self::Array(_) => None,
        }
    }

    /// PHP's conversion to integer for whole, plainly written numbers; None where PHP's rules are
    /// subtle (floats, leading blanks, exponents, arrays).
    pub fn to_int(&self) -> Option<i64> {
        match self {
            Self::Null => Some(0),
            Self::Bool(value) => Some(i64::from(*value)),
            Self::Int(value) => Some(*value),
            Self::Text(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            Self::Float(_) | Self::Array(_) => None,
        }
    }

    /// Elements of an array by text key, as `$a['key']` finds them.
    pub(crate) fn element(&self, key: &Self) -> Option<&Self> {
        let Self::Array(items) = self else {
            return None;
        };
        let key = key.clone().into_key()?;
        items.iter().find(|(k, _)| *k == key).map(|(_, v)| v)
    }

    /// PHP's normalisation of an array key: `'7'` is 7, `true` is 1, `null` is `''`.
    pub(crate) fn into_key(self) -> Option<Self> {
        match self {
            Self::Null => Some(Self::Text(Vec::new())),
            Self::Bool(value) => Some(Self::Int(i64::from(value))),
            Self::Int(_) => Some(self),
            Self::Text(bytes) => {
                let number = std::str::from_utf8(&bytes)
                    .ok()
                    .and_then(|t| t.parse::<i64>().ok());
                match number {
                    Some(n) if n.to_string().as_bytes() == bytes => Some(Self::Int(n)),
                    _ => Some(Self::Text(bytes)),
                }
            }
            Self::Float(_) | Self::Array(_) => None,
        }
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool(…)"),
            Self::Int(_) => f.write_str("Int(…)"),
            Self::Float(_) => f.write_str("Float(…)"),
            Self::Text(bytes) => write!(f, "Text({} bytes)", bytes.len()),
            Self::Array(items) => write!(f, "Array({} elements)", items.len()),
        }
    }
}

/// `%.14G` as PHP writes it: `0.1`, `1.0E+25`, `1.5E-7`.
fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NAN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "INF" } else { "-INF" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let scientific = format!("{value:.13e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..14).contains(&exponent) {
        let decimals = usize::try_from(13 - exponent).unwrap_or(0);
        let plain = format!("{value:.decimals$}");
        return if plain.contains('.') {
            plain.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            plain
        };
    }
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let point = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{point}E{exponent:+}")
}

/// What is known of one name of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// Exactly this, defined there.
    Value {
        /// The value.
        value: Literal,
        /// Where it was defined.
        source: Source,
    },
    /// Certainly not defined.
    Unset,
    /// It may be anything: only running PHP would tell.
    Unresolved {
        /// The place that made it uncertain.
        source: Source,
        /// A sentence without the place, beginning with the name.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_and_text_are_php_s() {
        let rows: [(Literal, bool, &str); 12] = [
            (Literal::Null, false, ""),
            (Literal::Bool(true), true, "1"),
            (Literal::Bool(false), false, ""),
            (Literal::Int(0), false, "0"),
            (Literal::Int(-7), true, "-7"),
            (Literal::Float(0.1), true, "0.1"),
            (Literal::Float(0.1 + 0.2), true, "0.3"),
            (Literal::Float(3.0), true, "3"),
            (Literal::Float(1e25), true, "1.0E+25"),
            (Literal::Float(1.5e-7), true, "1.5E-7"),
            (Literal::Text(b"0".to_vec()), false, "0"),
            (Literal::Text(b"0.0".to_vec()), true, "0.0"),
        ];
        for (value, truth, text) in rows {
            assert_eq!(value.truthy(), truth, "{text}");
            assert_eq!(value.to_bytes().unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn debug_never_shows_a_value() {
        let shown = format!("{:?}", Literal::Text(b"hunter2".to_vec()));
        assert_eq!(shown, "Text(7 bytes)");
    }
}
