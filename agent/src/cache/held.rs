//! A cached value: a user's whole meta as the drop-in wrote it (PHP's own format, or igbinary), and
//! the stored sessions inside it. Pure.

use kickout_shared::value::{Key, Value};

use crate::engine::native::serialize;
use crate::engine::{Content, Entry, read_tokens};

/// The meta key of the default session store.
const KEY: &[u8] = b"session_tokens";

/// What a cached value says of a user's sessions.
#[derive(Clone, Debug, PartialEq)]
pub enum Held {
    /// Sessions that must be taken for live; perhaps none.
    Live(Vec<Entry>),
    /// Nobody can tell without PHP.
    Unreadable,
}

/// Reads a cached value at `now`, Unix seconds.
pub(super) fn read(value: &[u8], now: i64) -> Held {
    let tokens = match value {
        [0, 0, 0, 1 | 2, rest @ ..] => igbinary(rest),
        value => php(value),
    };
    let tokens = match tokens {
        Ok(Some(tokens)) => tokens,
        Ok(None) => return Held::Live(Vec::new()),
        Err(Opaque) => return Held::Unreadable,
    };
    sessions(&tokens, now)
}

/// The same of the stored sessions alone.
pub(super) fn sessions(tokens: &[u8], now: i64) -> Held {
    match read_tokens(tokens, now) {
        Content::Sessions(entries) => {
            Held::Live(entries.into_iter().filter(Entry::is_live).collect())
        }
        Content::Corrupt(crate::engine::Corruption::NeedsPhp(_)) => Held::Unreadable,
        // WordPress sees none in it either.
        Content::Corrupt(_) => Held::Live(Vec::new()),
    }
}

struct Opaque;

/// `a:…{s:14:"session_tokens";a:1:{i:0;s:…:"…";}…}`
fn php(value: &[u8]) -> Result<Option<Vec<u8>>, Opaque> {
    let meta = match serialize::decode(value) {
        Some(Value::Array(meta)) => meta,
        // `false`: a user without meta. Text is nothing that the meta cache keeps.
        Some(Value::Bool(false) | Value::Null) => return Ok(None),
        _ => return Err(Opaque),
    };
    let Some((_, values)) = meta.iter().find(|(key, _)| key.to_bytes() == KEY) else {
        return Ok(None);
    };
    match values {
        Value::Array(values) => match values.iter().find(|(key, _)| *key == Key::Int(0)) {
            Some((_, Value::Text(tokens))) => Ok(Some(tokens.0.clone())),
            Some((_, Value::Null)) | None => Ok(None),
            Some(_) => Err(Opaque),
        },
        _ => Err(Opaque),
    }
}

/// The same written by igbinary: the key, an array, the index 0, a string. Anything else there is a
/// value that this does not follow.
fn igbinary(value: &[u8]) -> Result<Option<Vec<u8>>, Opaque> {
    let is_key = |at: &usize| value[*at..].starts_with(KEY);
    let mut places = (0..value.len()).filter(is_key);
    let Some(at) = places.next() else {
        return Ok(None);
    };
    // Igbinary writes a string once: another is inside somebody's text, and may be made to look so.
    if places.next().is_some() {
        return Err(Opaque);
    }
    let rest = &value[at + KEY.len()..];
    let [0x14, 1..=255, 0x06, 0, rest @ ..] = rest else {
        return Err(Opaque);
    };
    let (size, rest) = match rest {
        [0x0d, ..] => return Ok(None),
        [0x11, a, rest @ ..] => (usize::from(*a), rest),
        [0x12, a, b, rest @ ..] => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        [0x13, a, b, c, d, rest @ ..] => {
            let size = u32::from_be_bytes([*a, *b, *c, *d]);
            (usize::try_from(size).map_err(|_| Opaque)?, rest)
        }
        _ => return Err(Opaque),
    };
    rest.get(..size)
        .map(|tokens| Some(tokens.to_vec()))
        .ok_or(Opaque)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `igbinary_serialize` of the same array as PHP 8.2 wrote it.
    const IGBINARY: &[u8] = b"\0\0\0\x02\x14\x02\x11\x08nickname\x14\x01\x06\0\x11\x05admin\
        \x11\x0esession_tokens\x14\x01\x06\0\x11\x3fa:1:{s:2:\"ab\";a:1:{s:10:\"expiration\";i:\
        9000000000;}}";

    fn php(tokens: &str) -> Vec<u8> {
        let size = tokens.len();
        format!(
            "a:2:{{s:8:\"nickname\";a:1:{{i:0;s:5:\"admin\";}}s:14:\"session_tokens\";a:1:{{i:0;\
             s:{size}:\"{tokens}\";}}}}"
        )
        .into_bytes()
    }

    #[test]
    fn what_a_cached_value_holds() {
        let tokens = "a:1:{s:2:\"ab\";a:1:{s:10:\"expiration\";i:9000000000;}}";
        let size = u8::try_from(tokens.len()).unwrap();
        let mut igbinary = IGBINARY.to_vec();
        let at = igbinary.len() - tokens.len() - 1;
        igbinary[at] = size;
        let forged = b"\x11\x14session_tokens\x14\x01\x06\0\x0d";
        let forged = [&igbinary[..6], forged, &igbinary[6..]].concat();
        let cut = [igbinary.as_slice()].concat()[..igbinary.len() - 1].to_vec();
        let expired = tokens.replace("9000000000", "9");
        let rows = [
            ("php", php(tokens), Some(1)),
            ("igbinary", igbinary.clone(), Some(1)),
            ("expired", php(&expired), Some(0)),
            ("corrupt as WordPress sees it", php("garbage"), Some(0)),
            (
                "no sessions",
                b"a:1:{s:1:\"x\";a:1:{i:0;s:1:\"y\";}}".to_vec(),
                Some(0),
            ),
            ("no meta", b"b:0;".to_vec(), Some(0)),
            ("igbinary without", b"\0\0\0\x02\x14\0".to_vec(), Some(0)),
            ("igbinary cut off", cut, None),
            ("igbinary with text that looks so", forged, None),
            ("compressed", b"\x28\xb5\x2f\xfd\x20".to_vec(), None),
            ("json", b"{\"session_tokens\":[]}".to_vec(), None),
            ("an object", b"O:1:\"X\":0:{}".to_vec(), None),
        ];
        for (what, value, wanted) in rows {
            let live = match read(&value, 1_000) {
                Held::Live(entries) => Some(entries.len()),
                Held::Unreadable => None,
            };
            assert_eq!(live, wanted, "{what}");
        }
    }
}
