//! Text to nodes: the shape of a file, with every scalar as it was typed and every node's line.
//!
//! Border: what keys mean is not known here. Broken YAML and duplicate keys never get past it.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::bare_at;
use super::error::InventoryError;
use super::setting::{Origin, Setting};
use crate::target::shown;

/// A node of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Nothing, `~` or `null`.
    Nothing,
    /// A scalar, as typed.
    Text(String),
    /// A list.
    List(Vec<Item>),
    /// A map in the order of the file.
    Map(Vec<Entry>),
}

/// A node and its line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) node: Node,
    pub(super) line: u64,
}

/// One entry of a map.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    /// The line of the key.
    pub(super) line: u64,
    pub(super) value: Item,
}

impl Entry {
    pub(super) fn origin(&self, file: &Path) -> Origin {
        Origin {
            file: file.to_owned(),
            line: self.line,
        }
    }

    /// The scalar, or the error that names what was expected.
    pub(super) fn text(&self, file: &Path) -> Result<Setting, InventoryError> {
        match &self.value.node {
            Node::Text(text) => Ok(Setting {
                text: text.clone(),
                origin: self.origin(file),
            }),
            _ => Err(self.shape(file, "a text")),
        }
    }

    /// The scalars of a list.
    pub(super) fn texts(&self, file: &Path) -> Result<Vec<Setting>, InventoryError> {
        let Node::List(items) = &self.value.node else {
            return Err(self.shape(file, "a list of texts"));
        };
        let texts = items.iter().map(|item| match &item.node {
            Node::Text(text) => {
                let origin = Origin {
                    file: file.to_owned(),
                    line: item.line,
                };
                Ok(Setting {
                    text: text.clone(),
                    origin,
                })
            }
            _ => Err(self.shape(file, "a list of texts")),
        });
        texts.collect()
    }

    /// The entries of a map.
    pub(super) fn map(&self, file: &Path) -> Result<&[Self], InventoryError> {
        match &self.value.node {
            Node::Map(entries) => Ok(entries),
            _ => Err(self.shape(file, "a map")),
        }
    }

    pub(super) fn shape(&self, file: &Path, expected: &'static str) -> InventoryError {
        InventoryError::Shape {
            at: self.origin(file),
            key: self.key.clone(),
            expected,
        }
    }
}

/// Reads one file. An empty one is a map without entries.
pub(super) fn parse(file: &Path, text: &str) -> Result<Vec<Entry>, InventoryError> {
    // Most files of aliases need the quotes; a file that YAML takes as it is never gets them.
    let plain = read(text);
    let quoted = if plain.is_err() {
        bare_at::quote(text)
    } else {
        text.into()
    };
    let result = match plain {
        Err(_) if quoted != text => read(&quoted),
        result => result,
    };
    let raw = result.map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        let at = Origin {
            file: file.to_owned(),
            line,
        };
        InventoryError::Yaml {
            at,
            message: explain(&error),
        }
    })?;
    let root = lower(raw, &quoted);
    match root.node {
        Node::Map(entries) => Ok(entries),
        Node::Nothing => Ok(Vec::new()),
        Node::Text(_) | Node::List(_) => Err(InventoryError::NoMap {
            at: Origin {
                file: file.to_owned(),
                line: root.line,
            },
        }),
    }
}

/// The parser's own sentence, without its location and its hints for programmers.
fn explain(error: &serde_saphyr::Error) -> String {
    if let serde_saphyr::Error::DuplicateMappingKey { key, .. } = error.without_snippet() {
        return format!("the key '{}' is there twice", key.as_deref().unwrap_or("?"));
    }
    let text = error
        .without_snippet()
        .render_with_formatter(&serde_saphyr::UserMessageFormatter);
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    shown(text.split(" at line ").next().unwrap_or(text))
}

/// The parse itself, bounded: a bomb of YAML aliases or a deep nest ends in an error.
fn read(text: &str) -> Result<Spanned<Raw>, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        // A hundred thousand lines of inventory are legitimate; a file is 10 MB at most.
        // Nothing in one is deeper than a list in a map in a map.
        budget: serde_saphyr::budget! {
            max_events: 1_500_000,
            max_nodes: 600_000,
            max_recorded_anchor_events: 100_000,
            max_depth: 16,
        },
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
    };
    serde_saphyr::from_str_with_options(text, options)
}

/// A node as the parser gives it. A typed scalar says only that it is one: its text is taken from
/// the file, because the parser has already made `755` of `0755` and `false` of `off`.
enum Raw {
    Nothing,
    Typed(String),
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

fn lower(raw: Spanned<Raw>, source: &str) -> Item {
    let span = raw.defined.span();
    let node = match raw.value {
        Raw::Nothing => Node::Nothing,
        Raw::Text(text) => Node::Text(text),
        Raw::Typed(value) => {
            let written = span
                .byte_offset()
                .zip(span.byte_len())
                .and_then(|(offset, length)| {
                    let start = usize::try_from(offset).ok()?;
                    source.get(start..start.checked_add(usize::try_from(length).ok()?)?)
                });
            Node::Text(written.map_or(value, str::to_owned))
        }
        Raw::List(items) => Node::List(items.into_iter().map(|item| lower(item, source)).collect()),
        Raw::Map(entries) => {
            let entry = |(key, value): (Spanned<String>, _)| Entry {
                line: key.defined.line(),
                key: key.value,
                value: lower(value, source),
            };
            Node::Map(entries.into_iter().map(entry).collect())
        }
    };
    Item {
        node,
        line: raw.defined.line(),
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
