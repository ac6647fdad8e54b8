//! Serialized bytes as a value to look at. For reading only: what is written back are always the
//! stored bytes.

use std::collections::HashMap;

use kickout_shared::value::{Key, Value};

use super::{Item, RawKey, Scanner};

/// Arrays inside an array that are decoded; deeper ones are named only.
const MAX_DECODED_DEPTH: usize = 16;

/// A stored value, or none when the [`Scanner`] does not follow it to its end. Of a duplicate key
/// the last value counts, at the place of the first. Objects, enums, references and arrays nested
/// deeper than 16 become [`Value::Opaque`].
pub fn decode(value: &[u8]) -> Option<Value> {
    decode_steps(Scanner::new(value))
}

/// A value cut out of another: references lead out of it, and are named without being checked.
pub(in super::super) fn decode_part(bytes: &[u8]) -> Option<Value> {
    decode_steps(Scanner::part(bytes))
}

/// An array whose end has not been met.
struct Open<'a> {
    key: Option<RawKey<'a>>,
    entries: Ordered<'a, (Key, Value)>,
}

fn decode_steps(steps: Scanner<'_>) -> Option<Value> {
    let mut root = None;
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut named_at = None;
    for step in steps {
        let step = step.ok()?;
        match named_at {
            Some(depth) if depth < step.depth => continue,
            Some(_) => {
                named_at = None;
                continue;
            }
            None => {}
        }
        let mut key = step.key;
        let value = match step.item {
            Item::Null => Value::Null,
            Item::Bool(flag) => Value::Bool(flag),
            Item::Int(number) => Value::Int(number),
            Item::Float(number) => Value::Float(number),
            Item::Text(text) => Value::Text(text.into()),
            Item::Enum(case) => Value::Opaque(format!("enum {}", String::from_utf8_lossy(case))),
            Item::Reference { target, .. } => Value::Opaque(format!("reference to slot {target}")),
            Item::Object(class) => {
                named_at = Some(step.depth);
                Value::Opaque(format!("object of {}", String::from_utf8_lossy(class)))
            }
            Item::Array if open.len() > MAX_DECODED_DEPTH => {
                named_at = Some(step.depth);
                Value::Opaque("array nested too deeply".to_owned())
            }
            Item::Array => {
                open.push(Open {
                    key,
                    entries: Ordered::default(),
                });
                continue;
            }
            Item::Close => {
                let Some(closed) = open.pop() else { continue };
                key = closed.key;
                Value::Array(closed.entries.into_items())
            }
        };
        match (open.last_mut(), key) {
            (Some(parent), Some(key)) => {
                parent.entries.put(key, (key.to_key(), value));
            }
            _ => root = Some(value),
        }
    }
    root
}

/// A PHP array being built: a duplicate key replaces the value and keeps the first place.
pub(in super::super) struct Ordered<'a, T> {
    items: Vec<T>,
    places: HashMap<RawKey<'a>, usize>,
}

impl<T> Default for Ordered<'_, T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<'a, T> Ordered<'a, T> {
    pub(in super::super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(in super::super) fn into_items(self) -> Vec<T> {
        self.items
    }

    /// Whether the key was there already.
    pub(in super::super) fn put(&mut self, key: RawKey<'a>, item: T) -> bool {
        let place = *self.places.entry(key).or_insert(self.items.len());
        match self.items.get_mut(place) {
            Some(old) => {
                *old = item;
                true
            }
            None => {
                self.items.push(item);
                false
            }
        }
    }
}
