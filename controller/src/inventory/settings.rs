//! The layers laid over one another: what all files together say.
//!
//! Border: values keep their text and their origin. What a path is relative to, and which of two
//! connections wins, is decided when a target is resolved.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::alias::{self, Alias};
use super::error::InventoryError;
use super::load::Layer;
use super::setting::Setting;
use super::yaml::{Entry, Node};
use crate::similar::nearest;

/// Where a site is and who acts there: what both the root of a file and an alias can say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The WordPress directory.
    pub path: Option<Setting>,
    /// The address of the site.
    pub url: Option<Setting>,
    /// The WordPress user to act as.
    pub user: Option<Setting>,
    /// The connection string.
    pub ssh: Option<Setting>,
    /// The address of a bridge.
    pub http: Option<Setting>,
    /// The jump hosts of ssh.
    pub proxyjump: Option<Setting>,
    /// The private key of ssh.
    pub key: Option<Setting>,
    /// The configuration of ssh.
    pub ssh_config: Option<Setting>,
    /// The account to become on an ssh host; `true` means root.
    pub sudo: Option<Setting>,
    /// The ssh host whose engine has the container.
    pub via: Option<Setting>,
    /// More arguments of ssh, or of what starts a process in the container.
    pub ssh_args: Option<Vec<Setting>>,
}

impl Place {
    /// The field of a key that holds one text.
    pub(super) fn slot(&mut self, key: &str) -> Option<&mut Option<Setting>> {
        Some(match key {
            "path" => &mut self.path,
            "url" => &mut self.url,
            "user" => &mut self.user,
            "ssh" => &mut self.ssh,
            "http" => &mut self.http,
            "proxyjump" => &mut self.proxyjump,
            "key" => &mut self.key,
            "ssh_config" => &mut self.ssh_config,
            "sudo" => &mut self.sudo,
            "via" => &mut self.via,
            _ => return None,
        })
    }
}

/// The global parameters that files set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Globals {
    /// The root's own site.
    pub place: Place,
    /// No messages of success; a flag.
    pub quiet: Option<Setting>,
    /// A flag, or `auto`.
    pub color: Option<Setting>,
    /// A flag, or a group of messages.
    pub debug: Option<Setting>,
    /// A flag, or plugins joined by commas.
    pub skip_plugins: Option<Setting>,
    /// A flag, or themes joined by commas.
    pub skip_themes: Option<Setting>,
    /// A flag.
    pub skip_packages: Option<Setting>,
    /// Files to load on the WordPress host; relative ones are made to start at their layer's file.
    pub require: Vec<Setting>,
    /// Code to run before WordPress; kept so that a caller can refuse it.
    pub exec: Vec<Setting>,
    /// Commands that may not be used.
    pub disabled_commands: Vec<Setting>,
}

/// Everything that the files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Global parameters.
    pub globals: Globals,
    /// Defaults by command, then by option.
    pub commands: BTreeMap<String, BTreeMap<String, Setting>>,
    /// Settings of our own. Layers are merged key by key.
    pub kickout: BTreeMap<String, Setting>,
    /// Aliases in the order of their first definition.
    pub aliases: Vec<Alias>,
}

/// What WP-CLI accepts in a file and what means nothing here. `prompt` and `allow-root` mean
/// nothing in WP-CLI's files either.
const IGNORED: [&str; 8] = [
    "_",
    "env",
    "prompt",
    "allow-root",
    "apache_modules",
    "locale",
    "context",
    "assume-https",
];

/// The keys that are worth suggesting for a misspelt one.
const KNOWN: [&str; 20] = [
    "path",
    "url",
    "user",
    "ssh",
    "ssh-args",
    "http",
    "proxyjump",
    "key",
    "ssh_config",
    "quiet",
    "color",
    "debug",
    "skip-plugins",
    "skip-themes",
    "skip-packages",
    "require",
    "disabled_commands",
    "aliases",
    "kickout",
    "env",
];

/// The commands whose defaults are ours, and therefore checked.
const OURS: &str = "user session";

impl Settings {
    /// Lays the layers over one another, lowest first.
    ///
    /// Scalars override; `require`, `exec`, `ssh-args` and `disabled_commands` append; an alias
    /// replaces one of the same name wholly; the defaults of a command are replaced too, unless the
    /// file says `_: {merge: true}`.
    pub fn merge(layers: &[Layer]) -> Result<Self, InventoryError> {
        let mut settings = Self::default();
        let mut places = HashMap::new();
        for layer in layers {
            settings.absorb(layer, &mut places)?;
        }
        Ok(settings)
    }

    fn absorb(
        &mut self,
        layer: &Layer,
        places: &mut HashMap<String, usize>,
    ) -> Result<(), InventoryError> {
        let file = layer.file.as_path();
        let mut aliases = Vec::new();
        for entry in &layer.root {
            let key = entry.key.as_str();
            if let Some(name) = key.strip_prefix('@') {
                aliases.push(Alias::read(file, name, entry)?);
            } else if key == "aliases" {
                for entry in entry.map(file)? {
                    let name = entry.key.strip_prefix('@').unwrap_or(&entry.key);
                    aliases.push(Alias::read(file, name, entry)?);
                }
            } else if key == "kickout" {
                for entry in entry.map(file)? {
                    self.kickout.insert(entry.key.clone(), entry.text(file)?);
                }
            } else if !IGNORED.contains(&key) && !self.global(layer, entry)? {
                self.command(layer, entry)?;
            }
        }
        let mut here = HashSet::new();
        for alias in aliases {
            if !here.insert(alias.name.clone()) {
                return Err(InventoryError::AliasTwice {
                    at: alias.origin,
                    name: alias.name,
                });
            }
            match places.get(&alias.name) {
                Some(&place) => self.aliases[place] = alias,
                None => {
                    places.insert(alias.name.clone(), self.aliases.len());
                    self.aliases.push(alias);
                }
            }
        }
        Ok(())
    }

    /// Takes a global parameter; `false` when the key is none.
    fn global(&mut self, layer: &Layer, entry: &Entry) -> Result<bool, InventoryError> {
        let file = layer.file.as_path();
        let globals = &mut self.globals;
        let key = entry.key.as_str();
        // A command can have any name; these two are keys of aliases only.
        let of_aliases = ["sudo", "via"].contains(&key);
        if let Some(slot) = globals.place.slot(key).filter(|_| !of_aliases) {
            *slot = Some(alias::text(file, entry)?);
            return Ok(true);
        }
        let list = match key {
            "ssh-args" => Some(globals.place.ssh_args.get_or_insert_default()),
            "require" => Some(&mut globals.require),
            "exec" => Some(&mut globals.exec),
            "disabled_commands" => Some(&mut globals.disabled_commands),
            _ => None,
        };
        if let Some(list) = list {
            let mut more = match (&entry.value.node, key) {
                (Node::Text(_), "require" | "exec" | "disabled_commands") => {
                    vec![entry.text(file)?]
                }
                _ => entry.texts(file)?,
            };
            if key == "require" {
                more.iter_mut().for_each(anchor);
            }
            list.append(&mut more);
            return Ok(true);
        }
        let value = |allowed: fn(&Setting) -> bool, expected| {
            let value = joined(layer, entry, expected)?;
            if allowed(&value) {
                Ok(Some(value))
            } else {
                Err(entry.shape(file, expected))
            }
        };
        let flag = |value: &Setting| value.as_flag().is_some();
        match key {
            "quiet" => globals.quiet = value(flag, "true or false")?,
            "skip-packages" => globals.skip_packages = value(flag, "true or false")?,
            "color" => {
                let allowed = |value: &Setting| value.as_flag().is_some() || value.text == "auto";
                globals.color = value(allowed, "true, false or auto")?;
            }
            "debug" => globals.debug = value(|_| true, "true, false or a group")?,
            "skip-plugins" => {
                globals.skip_plugins = value(|_| true, "true, false or a list of plugins")?;
            }
            "skip-themes" => {
                globals.skip_themes = value(|_| true, "true, false or a list of themes")?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Takes the defaults of a command. Those of other programs' commands can be anything.
    fn command(&mut self, layer: &Layer, entry: &Entry) -> Result<(), InventoryError> {
        let Node::Map(options) = &entry.value.node else {
            return Err(InventoryError::UnknownKey {
                at: entry.origin(&layer.file),
                key: entry.key.clone(),
                near: nearest(&entry.key, KNOWN).map(str::to_owned),
            });
        };
        let name = entry.key.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut defaults = BTreeMap::new();
        for option in options {
            match joined(layer, option, "one value") {
                Ok(value) => _ = defaults.insert(option.key.clone(), value),
                Err(error) if name.starts_with(OURS) => return Err(error),
                Err(_) => {}
            }
        }
        if layer.merges()? {
            self.commands.entry(name).or_default().append(&mut defaults);
        } else {
            self.commands.insert(name, defaults);
        }
        Ok(())
    }
}

/// A scalar, or the entries of a list as they are written after a flag.
fn joined(layer: &Layer, entry: &Entry, expected: &'static str) -> Result<Setting, InventoryError> {
    let setting = match &entry.value.node {
        Node::Text(_) => entry.text(&layer.file).ok(),
        Node::List(_) => entry.texts(&layer.file).ok().map(|texts| {
            let texts: Vec<_> = texts.into_iter().map(|setting| setting.text).collect();
            Setting {
                text: texts.join(","),
                origin: entry.origin(&layer.file),
            }
        }),
        Node::Nothing | Node::Map(_) => None,
    };
    setting.ok_or_else(|| entry.shape(&layer.file, expected))
}

/// Makes a relative path start at the directory of the file that says it.
fn anchor(setting: &mut Setting) {
    if !setting.text.starts_with('~') {
        let path = setting.origin.directory().join(&setting.text);
        // A directory that is no Unicode text cannot be said on a command line either.
        if let Some(path) = path.to_str() {
            path.clone_into(&mut setting.text);
        }
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
