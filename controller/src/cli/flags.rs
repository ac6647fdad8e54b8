//! Option values, one at a time: strict flags, values that must be there.

use super::args::BARE;
use super::usage::UsageError;

/// A flag as typed: true, yes, 1 or false, no, 0; anything else is an error, also nothing.
pub(super) fn flag(name: &str, typed: Option<&str>) -> Result<bool, UsageError> {
    match typed {
        None | Some("false" | "no" | "0") => Ok(false),
        Some("true" | "yes" | "1") => Ok(true),
        Some(value) => Err(UsageError::Flag {
            name: name.to_owned(),
            value: value.to_owned(),
        }),
    }
}

/// A value that must not be missing when its option is there.
pub(super) fn value(name: &str, typed: Option<String>) -> Result<Option<String>, UsageError> {
    match typed.as_deref() {
        Some(BARE | "") => Err(UsageError::NoValue(name.to_owned())),
        _ => Ok(typed),
    }
}

/// Values of a repeatable option, none of them missing.
pub(super) fn values(name: &str, typed: Vec<String>) -> Result<Vec<String>, UsageError> {
    match typed.iter().any(|value| value.is_empty() || value == BARE) {
        true => Err(UsageError::NoValue(name.to_owned())),
        false => Ok(typed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_strict() {
        for (typed, expected) in [
            (None, Some(false)),
            (Some("true"), Some(true)),
            (Some("yes"), Some(true)),
            (Some("1"), Some(true)),
            (Some("false"), Some(false)),
            (Some("no"), Some(false)),
            (Some("0"), Some(false)),
            (Some(""), None),
            (Some("maybe"), None),
            (Some("TRUE"), None),
        ] {
            assert_eq!(flag("all", typed).ok(), expected, "{typed:?}");
        }
    }
}
