//! Walks serialized bytes one value at a time, with an explicit stack and no copy. Decides what is
//! well formed; what a value means is for others.

use std::collections::HashSet;

use super::cursor::{Cursor, trimmed, trimmed_start};
use super::number::{decimal_key, saturating, wrapping};
use super::{Item, MAX_DEPTH, ParseError, RawKey, Step};

/// The steps of one value, in stored order, ending after the first error.
///
/// Accepts what PHP 8's `unserialize()` accepts, except the refusals for which
/// [`ParseError::needs_php`] holds; an enum's class is not looked up. Takes memory for the open
/// containers and for the objects met, never for declared counts. Duplicate keys are all reported.
pub struct Scanner<'a> {
    words: Cursor<'a>,
    begun: bool,
    ended: bool,
    open: Vec<Open>,
    slots: u64,
    /// Slots that hold an object: the only ones `r:` may name.
    objects: Vec<u64>,
    /// References are followed only in a whole value: in a part of one, slots mean nothing.
    whole: bool,
    keys_checked: bool,
}

struct Open {
    start: usize,
    value: usize,
    left: u64,
}

impl<'a> Scanner<'a> {
    /// Over a stored value. PHP white space around it is skipped, as `maybe_unserialize` does.
    pub fn new(value: &'a [u8]) -> Self {
        let begin = value.len() - trimmed_start(value).len();
        let end = begin + trimmed(value).len();
        let bytes = value.get(..end).unwrap_or_default();
        Self {
            words: Cursor { bytes, at: begin },
            whole: true,
            ..Self::part(bytes)
        }
    }

    /// Over a value cut out of another; references are reported without being checked.
    pub fn part(bytes: &'a [u8]) -> Self {
        Self {
            words: Cursor { bytes, at: 0 },
            begun: false,
            ended: false,
            open: Vec::new(),
            slots: 0,
            objects: Vec::new(),
            whole: false,
            keys_checked: false,
        }
    }

    fn step(&mut self) -> Result<Option<Step<'a>>, ParseError> {
        let start = self.words.at;
        let key = match self.open.last_mut() {
            None if self.begun && self.words.at < self.words.bytes.len() => {
                return Err(ParseError::Trailing { at: self.words.at });
            }
            None if self.begun => return Ok(None),
            None => {
                self.begun = true;
                None
            }
            Some(open) if open.left == 0 => return self.close().map(Some),
            Some(open) => {
                open.left -= 1;
                Some(self.key()?)
            }
        };
        let (value, depth) = (self.words.at, self.open.len());
        let (item, entries) = self.item()?;
        if let Some(left) = entries {
            if depth == MAX_DEPTH {
                return Err(ParseError::TooDeep { at: value });
            }
            self.open.push(Open { start, value, left });
        }
        Ok(Some(Step {
            key,
            item,
            start,
            value,
            end: self.words.at,
            depth,
            slots: self.slots,
        }))
    }

    fn close(&mut self) -> Result<Step<'a>, ParseError> {
        let start = self.words.at;
        self.words
            .expect(b"}", "} after the declared number of entries")?;
        let open = self.open.pop().unwrap_or(Open {
            start,
            value: start,
            left: 0,
        });
        Ok(Step {
            key: None,
            item: Item::Close,
            start: open.start,
            value: open.value,
            end: self.words.at,
            depth: self.open.len(),
            slots: self.slots,
        })
    }

    fn key(&mut self) -> Result<RawKey<'a>, ParseError> {
        let at = self.words.at;
        match self.words.letter()? {
            b'i' => Ok(RawKey::Int(self.words.int()?)),
            b's' => {
                let text = self.words.quoted()?;
                self.words.expect(b";", "; after a key")?;
                Ok(decimal_key(text).map_or(RawKey::Text(text), RawKey::Int))
            }
            b'S' => Err(ParseError::NeedsPhp { at, letter: 'S' }),
            _ => Err(ParseError::Unexpected {
                at,
                wanted: "an array key",
            }),
        }
    }

    /// One value; of a container only its head, and how many entries it declares.
    fn item(&mut self) -> Result<(Item<'a>, Option<u64>), ParseError> {
        let at = self.words.at;
        let letter = self.words.letter()?;
        if letter != b'R' {
            self.slots += 1;
        }
        let item = match letter {
            b'N' => Item::Null,
            b'b' => Item::Bool(self.words.bool()?),
            b'i' => Item::Int(self.words.int()?),
            b'd' => Item::Float(self.words.float()?),
            b's' => {
                let text = self.words.quoted()?;
                self.words.expect(b";", "; after a string")?;
                Item::Text(text)
            }
            b'a' => {
                let entries = saturating(self.words.digits()?);
                self.words.expect(b":{", ":{ after the size of an array")?;
                return Ok((Item::Array, Some(entries)));
            }
            b'O' => return self.object(),
            b'E' => self.enum_case(at)?,
            b'r' | b'R' => self.reference(at, letter == b'r')?,
            b'C' | b'S' => {
                return Err(ParseError::NeedsPhp {
                    at,
                    letter: char::from(letter),
                });
            }
            _ => {
                return Err(ParseError::Unexpected {
                    at,
                    wanted: "a type letter",
                });
            }
        };
        Ok((item, None))
    }

    fn object(&mut self) -> Result<(Item<'a>, Option<u64>), ParseError> {
        let at = self.words.at;
        let class = self.words.quoted()?;
        if !is_class_name(class) || class.starts_with(b"\\") {
            return Err(ParseError::Unexpected {
                at,
                wanted: "a class name",
            });
        }
        self.words.expect(b":", ": after a class name")?;
        let at = self.words.at;
        // PHP takes a sign here, and no digits at all for 0.
        let negative = self.words.sign();
        let entries = saturating(self.words.take_digits());
        if negative && entries > 0 {
            return Err(ParseError::Unexpected {
                at,
                wanted: "a number of properties",
            });
        }
        self.words
            .expect(b":{", ":{ after the number of properties")?;
        self.objects.push(self.slots);
        Ok((Item::Object(class), Some(entries)))
    }

    fn enum_case(&mut self, at: usize) -> Result<Item<'a>, ParseError> {
        let case = self.words.quoted()?;
        let class = case.split(|byte| *byte == b':').next().unwrap_or_default();
        if !is_class_name(class) || class.len() == case.len() {
            return Err(ParseError::Unexpected {
                at,
                wanted: "the case of an enum",
            });
        }
        self.words.expect(b";", "; after the case of an enum")?;
        self.objects.push(self.slots);
        Ok(Item::Enum(case))
    }

    fn reference(&mut self, at: usize, object: bool) -> Result<Item<'a>, ParseError> {
        let begin = self.words.at;
        let target = wrapping(self.words.digits()?);
        let digits = begin..self.words.at;
        self.words.expect(b";", "; after a reference")?;
        if self.whole {
            if !self.keys_checked && has_duplicate_keys(trimmed(self.words.bytes)) {
                return Err(ParseError::Ambiguous { at });
            }
            self.keys_checked = true;
            // `r:` has taken its own slot already, and cannot refer to that.
            let reachable = match object {
                true => self.objects.binary_search(&target).is_ok(),
                false => (1..=self.slots).contains(&target),
            };
            if !reachable {
                return Err(ParseError::Reference { at, target });
            }
        }
        if object {
            self.objects.push(self.slots);
        }
        Ok(Item::Reference {
            target,
            digits,
            object,
        })
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Result<Step<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let step = self.step();
        self.ended = !matches!(step, Ok(Some(_)));
        step.transpose()
    }
}

/// Whether any container has a key twice. Stops at the first error, which the caller meets itself.
fn has_duplicate_keys(value: &[u8]) -> bool {
    let mut open: Vec<HashSet<RawKey<'_>>> = Vec::new();
    for step in Scanner::part(value).map_while(Result::ok) {
        if let (Some(key), Some(seen)) = (step.key, open.last_mut())
            && !seen.insert(key)
        {
            return true;
        }
        match step.item {
            Item::Array | Item::Object(_) => open.push(HashSet::new()),
            Item::Close => drop(open.pop()),
            _ => {}
        }
    }
    false
}

/// The characters of a class name, as `unserialize()` checks them.
fn is_class_name(name: &[u8]) -> bool {
    let is_allowed =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"_\\".contains(byte) || *byte > 127;
    !name.is_empty() && name.iter().all(is_allowed)
}
