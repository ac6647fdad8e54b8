//! Session tokens and their verifiers: what a person types, and what WordPress stores.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The length of the token in a login cookie: 43 of `[A-Za-z0-9]`
/// (`WP_Session_Tokens::create`, `wp_generate_password( 43, false, false )`).
pub const RAW_TOKEN_LENGTH: usize = 43;

/// The shortest prefix of a verifier that may name a session.
pub const MIN_PREFIX: usize = 6;

/// The verifier under which WordPress stores a token: SHA-256 in lower-case hex
/// (`WP_Session_Tokens::hash_token`).
pub fn verifier(raw_token: &str) -> String {
    sha256_hex(raw_token.as_bytes())
}

/// SHA-256 in lower-case hex, as MySQL's `SHA2(…, 256)` and PHP's `hash()` write it.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Which of a user's sessions is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionRef {
    /// The most recent one: the last stored entry, whatever its login time.
    Latest,
    /// The one stored under this key, or the only one whose key begins with it
    /// (at least [`MIN_PREFIX`] characters).
    Key(String),
    /// The only one whose key begins with this (it was written `abc123…`).
    Prefix(String),
}

/// What was typed where a token is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A verifier or a prefix of one.
    Verifier(SessionRef),
    /// A raw token: it was hashed at once and must not travel.
    Raw(SessionRef),
}

/// Why what was typed names no session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing, or `0`: WP-CLI takes these as "the last one", which nobody means.
    #[error("The session token '{0}' is empty: leave it out to destroy the most recent session")]
    Empty(String),
    /// A marked prefix that is too short.
    #[error("The session token prefix '{0}' is too short: give at least {MIN_PREFIX} characters")]
    ShortPrefix(String),
}

/// Reads a token as typed: a verifier, a prefix of one (`3f9a01`, `3f9a01...`, `3f9a01…`), or the
/// cookie's raw token, which is hashed here.
pub fn parse(typed: &str) -> Result<Typed, TokenError> {
    let text = typed.trim_end_matches(['\r', '\n']);
    if text.is_empty() || text == "0" {
        return Err(TokenError::Empty(text.to_owned()));
    }
    if let Some(prefix) = text.strip_suffix("...").or_else(|| text.strip_suffix('…')) {
        if prefix.len() < MIN_PREFIX {
            return Err(TokenError::ShortPrefix(prefix.to_owned()));
        }
        return Ok(Typed::Verifier(SessionRef::Prefix(prefix.to_owned())));
    }
    // A verifier prefix of 43 hex digits is not a raw token: a raw one has capitals and
    // letters beyond f, but for one in 10^25.
    let raw = text.len() == RAW_TOKEN_LENGTH
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !is_hex(text);
    if raw {
        return Ok(Typed::Raw(SessionRef::Key(verifier(text))));
    }
    Ok(Typed::Verifier(SessionRef::Key(text.to_owned())))
}

/// Whether every character is a lower-case hex digit.
pub fn is_hex(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_the_sha256_of_the_token() {
        assert_eq!(
            verifier("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn what_is_typed_becomes_what_is_meant() {
        let key = |text: &str| Ok(Typed::Verifier(SessionRef::Key(text.into())));
        let prefix = |text: &str| Ok(Typed::Verifier(SessionRef::Prefix(text.into())));
        let raw = "Ab3".repeat(14) + "z";
        let rows = [
            ("3f9a01", key("3f9a01")),
            ("abc", key("abc")),
            ("123", key("123")),
            ("3f9a01...", prefix("3f9a01")),
            ("3f9a01…", prefix("3f9a01")),
            ("3f9…", Err(TokenError::ShortPrefix("3f9".into()))),
            ("", Err(TokenError::Empty(String::new()))),
            ("0", Err(TokenError::Empty("0".into()))),
            (
                raw.as_str(),
                Ok(Typed::Raw(SessionRef::Key(verifier(&raw)))),
            ),
            (&"a".repeat(43), key(&"a".repeat(43))),
            ("3f9a01\n", key("3f9a01")),
        ];
        for (typed, meant) in rows {
            assert_eq!(parse(typed), meant, "{typed:?}");
        }
    }
}
