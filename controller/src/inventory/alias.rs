//! One alias: a site or a group, with every key checked; names are looked up elsewhere.

use std::path::Path;

use super::error::InventoryError;
use super::setting::{Origin, Setting};
use super::settings::Place;
use super::yaml::{Entry, Node};
use crate::similar::nearest;
use crate::target::{Field, Flaw, TargetError};

/// Every key that an alias may have.
pub(super) const KEYS: [&str; 11] = [
    "user",
    "url",
    "path",
    "ssh",
    "ssh-args",
    "http",
    "proxyjump",
    "key",
    "ssh_config",
    "sudo",
    "via",
];

/// An alias as a file defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name without `@`.
    pub name: String,
    /// Where it is defined.
    pub origin: Origin,
    /// What it stands for.
    pub members: Members,
}

/// What an alias stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// One site.
    Site(Box<Place>),
    /// Other aliases, named with or without `@`.
    Group(Vec<Setting>),
}

impl Alias {
    /// Whether the alias is a group.
    #[must_use]
    pub fn is_group(&self) -> bool {
        matches!(self.members, Members::Group(_))
    }

    /// Reads the entry of an alias; `name` is without `@`.
    pub(super) fn read(file: &Path, name: &str, entry: &Entry) -> Result<Self, InventoryError> {
        let origin = entry.origin(file);
        if !valid(name) {
            return Err(InventoryError::AliasName {
                at: origin,
                name: entry.key.clone(),
            });
        }
        let empty = || InventoryError::AliasEmpty {
            at: entry.origin(file),
            alias: name.to_owned(),
        };
        let members = match &entry.value.node {
            Node::Map(keys) if !keys.is_empty() => Members::Site(Box::new(site(file, name, keys)?)),
            Node::List(list) if !list.is_empty() => Members::Group(entry.texts(file)?),
            Node::Map(_) | Node::List(_) | Node::Nothing => return Err(empty()),
            Node::Text(_) => return Err(entry.shape(file, "a map of keys or a list of aliases")),
        };
        Ok(Self {
            name: name.to_owned(),
            origin,
            members,
        })
    }
}

/// WP-CLI's alphabet: letters, digits, dots, dashes and underscores.
fn valid(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn site(file: &Path, alias: &str, keys: &[Entry]) -> Result<Place, InventoryError> {
    let mut place = Place::default();
    for entry in keys {
        let key = entry.key.as_str();
        if key == "ssh-args" {
            place.ssh_args = Some(entry.texts(file)?);
        } else if let Some(slot) = place.slot(key) {
            *slot = Some(text(file, entry)?);
        } else {
            return Err(InventoryError::AliasKey {
                at: entry.origin(file),
                alias: alias.to_owned(),
                key: key.to_owned(),
                near: nearest(key, KEYS).map(str::to_owned),
            });
        }
    }
    Ok(place)
}

/// The text of a key; WP-CLI has its own words for the keys that ssh is given.
pub(super) fn text(file: &Path, entry: &Entry) -> Result<Setting, InventoryError> {
    entry.text(file).map_err(|error| {
        let field = match entry.key.as_str() {
            "user" => Field::User,
            "key" => Field::Key,
            "proxyjump" => Field::Jump,
            "ssh_config" => Field::SshConfig,
            _ => return error,
        };
        let flaw = TargetError::Invalid {
            field,
            value: String::new(),
            flaw: Flaw::NotText,
        };
        InventoryError::Target {
            at: entry.origin(file),
            flaw,
        }
    })
}
