//! One line of a known hosts file. Pure: text in, an entry out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use russh::keys::PublicKey;

use super::Name;
use crate::transport::ssh::pattern::{Verdict, judge};

/// What stands before the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// Nothing: the key is the host's own.
    Plain,
    /// `@cert-authority`: the key signs certificates of hosts.
    Authority,
    /// `@revoked`: the key must not be accepted, neither as a host's nor as an authority's.
    Revoked,
}

/// A line that says something.
#[derive(Debug)]
pub(super) struct Line {
    /// What the key is.
    pub(super) marker: Marker,
    names: Names,
    /// The key as it travels; its type is in front.
    blob: Box<[u8]>,
}

/// Whose line it is.
#[derive(Debug)]
enum Names {
    /// Names and patterns as they are written, in lower case.
    Written(Box<str>),
    /// `|1|<salt>|<hash>`: the hash of one name.
    Hashed {
        salt: Box<hmac::Key>,
        hash: Box<[u8]>,
    },
}

/// What a line turned out to be.
#[derive(Debug)]
pub(super) enum Read {
    /// Empty, or a comment.
    Nothing,
    /// An entry.
    Line(Line),
    /// No entry: OpenSSH skips it, and so do we.
    Damaged,
    /// Meant to revoke a key, but not which. That cannot be skipped.
    DamagedRevocation,
}

/// Takes the next word off the text.
fn word<'a>(text: &mut &'a str) -> Option<&'a str> {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r');
    let start = text.trim_start_matches(blank);
    let end = start.find(blank).unwrap_or(start.len());
    let (word, rest) = start.split_at(end);
    *text = rest;
    Some(word).filter(|word| !word.is_empty())
}

/// The type at the front of a key's bytes.
fn kind(blob: &[u8]) -> Option<&[u8]> {
    let (length, rest) = blob.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// The bytes of a key. Numbers may be padded in a file; what can be read is written again, so that
/// one key has one form.
fn key(kind_word: &str, text: &str) -> Option<Box<[u8]>> {
    let blob = STANDARD.decode(text).ok()?;
    if kind(&blob)? != kind_word.as_bytes() {
        return None;
    }
    let again = PublicKey::from_bytes(&blob).and_then(|key| key.to_bytes());
    Some(again.unwrap_or(blob).into_boxed_slice())
}

/// Reads one line.
pub(super) fn read(text: &str) -> Read {
    let mut rest = text;
    let Some(first) = word(&mut rest).filter(|first| !first.starts_with('#')) else {
        return Read::Nothing;
    };
    let (marker, names) = match first {
        "@revoked" => (Marker::Revoked, word(&mut rest)),
        "@cert-authority" => (Marker::Authority, word(&mut rest)),
        other if other.starts_with('@') => return Read::Damaged,
        names => (Marker::Plain, Some(names)),
    };
    let parsed = names.and_then(|names| {
        let kind = word(&mut rest)?;
        let blob = key(kind, word(&mut rest)?)?;
        Some(Line {
            marker,
            names: Names::read(names)?,
            blob,
        })
    });
    match parsed {
        Some(line) => Read::Line(line),
        None if marker == Marker::Revoked => Read::DamagedRevocation,
        None => Read::Damaged,
    }
}

impl Names {
    /// A name that begins as a hash must be one.
    fn read(names: &str) -> Option<Self> {
        if !names.starts_with('|') {
            return Some(Self::Written(names.to_ascii_lowercase().into()));
        }
        let (salt, hash) = names.strip_prefix("|1|")?.split_once('|')?;
        let salt = STANDARD.decode(salt).ok()?;
        Some(Self::Hashed {
            salt: Box::new(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt)),
            hash: STANDARD.decode(hash).ok()?.into(),
        })
    }
}

impl Line {
    /// Whether the line is about this name, as [`Name`] spells it for the files.
    pub(super) fn is_about(&self, name: &str) -> bool {
        match &self.names {
            Names::Written(names) => judge(names.split(','), name) == Verdict::Yes,
            Names::Hashed { salt, hash } => hmac::verify(salt, name.as_bytes(), hash).is_ok(),
        }
    }

    /// The key's bytes.
    pub(super) fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The key's type.
    pub(super) fn kind(&self) -> &[u8] {
        kind(&self.blob).unwrap_or_default()
    }
}

/// The type of a key that travels as these bytes.
pub(super) fn kind_of(blob: &[u8]) -> &[u8] {
    kind(blob).unwrap_or_default()
}

/// The line that makes a key known for a host, without its end.
pub(super) fn write(name: &Name, blob: &[u8]) -> String {
    let kind = String::from_utf8_lossy(kind_of(blob));
    format!("{} {kind} {}", name.spelled(), STANDARD.encode(blob))
}
