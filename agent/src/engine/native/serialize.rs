//! PHP's serialize() format: a stream of steps over borrowed bytes that says where every value
//! stands and which slot it takes. Knows nothing of sessions; never instantiates anything.

mod cursor;
mod decode;
mod number;
mod scanner;
#[cfg(test)]
mod tests;

use std::ops::Range;

use kickout_shared::value::Key;

pub(super) use cursor::trimmed;
pub use decode::decode;
pub(super) use decode::{Ordered, decode_part};
pub(super) use number::decimal;
pub use scanner::Scanner;

/// Containers inside containers that are followed. PHP's own limit is 4096; a session has one.
pub const MAX_DEPTH: usize = 64;

/// Why bytes are not a serialized value that can be followed. `at` is a byte offset in the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The bytes end inside a value.
    #[error("the value is cut off after {at} bytes")]
    CutOff {
        /// Where more was needed: the end of the value.
        at: usize,
    },
    /// Other bytes than the format allows.
    #[error("expected {wanted} at byte {at}")]
    Unexpected {
        /// Where.
        at: usize,
        /// What the format wants there.
        wanted: &'static str,
    },
    /// A string is declared longer than what is left.
    #[error("a string at byte {at} is declared {declared} bytes long, more than there are")]
    Length {
        /// Where the declaration stands.
        at: usize,
        /// The declared length, in bytes.
        declared: u64,
    },
    /// `r:` or `R:` to a slot that does not exist yet or, for `r:`, holds no object.
    #[error("the reference at byte {at} points to slot {target}, where nothing can be referred to")]
    Reference {
        /// Where the reference stands.
        at: usize,
        /// The slot it names, counted from 1.
        target: u64,
    },
    /// The value is complete, and something follows. PHP reads over it; an edit would not.
    #[error("there are more bytes after the end of the value, at byte {at}")]
    Trailing {
        /// The first byte too many.
        at: usize,
    },
    /// Deeper than [`MAX_DEPTH`].
    #[error("arrays are nested deeper than {MAX_DEPTH} at byte {at}")]
    TooDeep {
        /// The container that is one too many.
        at: usize,
    },
    /// `C:` (a class with its own format, whose slots cannot be known) or `S:` (escaped string).
    #[error("the value at byte {at} is of type {letter}:, which only PHP can read")]
    NeedsPhp {
        /// Where.
        at: usize,
        /// The type letter.
        letter: char,
    },
    /// References beside duplicate keys: a slot can then hold the value of a later duplicate.
    #[error("there is a reference at byte {at} and an array that has a key twice")]
    Ambiguous {
        /// The first reference.
        at: usize,
    },
}

impl ParseError {
    /// Whether PHP may well read the value although this parser does not follow it.
    pub fn needs_php(&self) -> bool {
        match self {
            Self::Trailing { .. }
            | Self::TooDeep { .. }
            | Self::NeedsPhp { .. }
            | Self::Ambiguous { .. } => true,
            Self::CutOff { .. }
            | Self::Unexpected { .. }
            | Self::Length { .. }
            | Self::Reference { .. } => false,
        }
    }

    /// What the operator can do.
    pub fn fix(&self) -> &'static str {
        "Destroy all of the user's sessions instead (--all): that needs no parsing."
    }
}

/// An array key in place. Decimal text is an integer, as in a PHP array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RawKey<'a> {
    /// An integer key.
    Int(i64),
    /// Any other key.
    Text(&'a [u8]),
}

impl RawKey<'_> {
    /// The key as a value of its own.
    pub fn to_key(self) -> Key {
        match self {
            Self::Int(number) => Key::Int(number),
            Self::Text(text) => Key::Text(text.into()),
        }
    }
}

/// What stands at a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Item<'a> {
    /// `N;`
    Null,
    /// `b:1;`
    Bool(bool),
    /// `i:42;`, saturating as PHP does
    Int(i64),
    /// `d:0.5;`, also INF, -INF and NAN
    Float(f64),
    /// `s:3:"abc";`
    Text(&'a [u8]),
    /// `a:1:{`; the entries follow, then [`Item::Close`]
    Array,
    /// `O:8:"stdClass":1:{`: its class; the properties follow, then [`Item::Close`]
    Object(&'a [u8]),
    /// `E:11:"Suit:Hearts";`: the class and the case
    Enum(&'a [u8]),
    /// `r:2;` or `R:2;`
    Reference {
        /// The slot it refers to, counted from 1.
        target: u64,
        /// Where the number stands in the value.
        digits: Range<usize>,
        /// `r:`: the same object again, which takes a slot. `R:` (a PHP reference) takes none.
        object: bool,
    },
    /// The `}` of the container that is open.
    Close,
}

/// One value, or the end of a container.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'a> {
    /// The key under which the value stands; none for the root and for [`Item::Close`].
    pub key: Option<RawKey<'a>>,
    /// What it is.
    pub item: Item<'a>,
    /// Where its key begins (its value, for the root), as a byte offset.
    pub start: usize,
    /// Where its value begins.
    pub value: usize,
    /// Behind its last byte; of a container, behind its `{`. At [`Item::Close`], `start` and
    /// `value` are those of the whole container and this is its real end.
    pub end: usize,
    /// How many containers it stands in.
    pub depth: usize,
    /// How many slots have been given out, its own included.
    pub slots: u64,
}
