//! The inventory as the rest of the controller sees it: ask for an alias, get targets.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::alias::Alias;
use super::error::InventoryError;
use super::groups::Directory;
use super::load::{Layer, Surroundings, load_layers};
use super::resolve::resolve;
use super::setting::{Origin, Setting};
use super::settings::{Globals, Place, Settings};
use crate::target::{RemotePath, Ssh, Target};

/// The variable that hides the aliases of all files.
const RUNTIME: &str = "WP_CLI_RUNTIME_ALIAS";

/// Everything the configuration says, and the surroundings it is understood in.
#[derive(Debug, Clone)]
pub struct Inventory {
    settings: Settings,
    directory: Directory,
    around: Surroundings,
}

/// Which sites a run addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection<'a> {
    /// No alias: what the root of the files and the command line say.
    None,
    /// `@name` as the first word; the name is without `@`. For one site, what the root says about
    /// place and user is dropped.
    At(&'a str),
    /// `--alias=name`; the name is as typed. What the root says is kept below the alias.
    Flag(&'a str),
}

/// What the command line says about the place of a site and who acts there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--path`
    pub path: Option<String>,
    /// `--url`
    pub url: Option<String>,
    /// `--ssh`
    pub ssh: Option<String>,
    /// `--http`
    pub http: Option<String>,
    /// `--user`
    pub user: Option<String>,
    /// `--ssh-args`, one word each.
    pub ssh_args: Vec<String>,
    /// `--sudo`
    pub sudo: Option<String>,
    /// `--via`
    pub via: Option<Ssh>,
}

/// One site to address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resolved {
    /// The alias, without `@`.
    pub name: Option<String>,
    /// Where requests go.
    pub target: Target,
    /// The WordPress directory, exactly. Absolute for [`Target::Local`]; elsewhere as written, and
    /// a relative one starts at [`Target::path`]. Without it the site is searched from
    /// [`Target::path`] (or the current directory) upward.
    pub path: Option<RemotePath>,
    /// The address of the site.
    pub url: Option<String>,
    /// The WordPress user to act as.
    pub user: Option<String>,
    /// More arguments for the program that makes the connection.
    pub ssh_args: Vec<String>,
    /// The host whose engine has the container, when it is not this one.
    pub via: Option<Ssh>,
}

impl Inventory {
    /// Reads the files that these surroundings lead to.
    pub fn load(around: Surroundings) -> Result<Self, InventoryError> {
        let layers = load_layers(&around)?;
        Self::new(&layers, around)
    }

    /// Makes an inventory of layers, lowest first.
    pub fn new(layers: &[Layer], around: Surroundings) -> Result<Self, InventoryError> {
        let mut settings = Settings::merge(layers)?;
        if let Some(text) = around.var(RUNTIME) {
            settings.aliases = runtime(text.to_str())?;
        }
        let directory = Directory::new(std::mem::take(&mut settings.aliases));
        Ok(Self {
            settings,
            directory,
            around,
        })
    }

    /// The sites that a selection addresses, in order, each once.
    ///
    /// WP-CLI runs a site again for every mention in a group and in nested groups. A second plain
    /// `destroy` ends one more session, so here a run visits a site once, at its first mention:
    /// an alias counts once, and so do two aliases that differ in nothing but their names. `@all`
    /// is every alias that is no group, in the order of the files.
    pub fn resolve(
        &self,
        selection: Selection<'_>,
        cli: &Overrides,
    ) -> Result<Vec<Resolved>, InventoryError> {
        let root = &self.settings.globals.place;
        let (name, at) = match selection {
            Selection::None => {
                return Ok(vec![resolve(&self.around, None, root, cli)?]);
            }
            Selection::At(name) => (name, true),
            Selection::Flag(name) => (name, false),
        };
        // WP-CLI starts the members of a group with `--alias`: they keep what the root says.
        let single = self
            .directory
            .get(name)
            .is_some_and(|alias| !alias.is_group());
        let dropped = Place {
            ssh_args: root.ssh_args.clone(),
            ..Place::default()
        };
        let root = if at && single { &dropped } else { root };
        let mut seen = HashSet::new();
        let mut sites = Vec::new();
        for alias in self.directory.sites(name)? {
            let site = resolve(&self.around, Some(alias), root, cli)?;
            if seen.insert(Resolved {
                name: None,
                ..site.clone()
            }) {
                sites.push(site);
            }
        }
        Ok(sites)
    }

    /// Whether a selection names a group: its sites are told apart, however many they are.
    #[must_use]
    pub fn is_group(&self, selection: Selection<'_>) -> bool {
        match selection {
            Selection::None => false,
            Selection::At(name) | Selection::Flag(name) => match self.directory.get(name) {
                Some(alias) => alias.is_group(),
                // The group that is always there.
                None => true,
            },
        }
    }

    /// The defaults that the files give the options of a command, such as `user session destroy`.
    #[must_use]
    pub fn command_defaults(&self, command: &str) -> Option<&BTreeMap<String, Setting>> {
        self.settings.commands.get(command)
    }

    /// The entry of `disabled_commands` that switches this command, or one it belongs to, off.
    #[must_use]
    pub fn disabled(&self, command: &str) -> Option<&Setting> {
        self.settings
            .globals
            .disabled_commands
            .iter()
            .find(|entry| {
                let rest = command.strip_prefix(entry.text.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            })
    }

    /// The global parameters of the files.
    #[must_use]
    pub fn globals(&self) -> &Globals {
        &self.settings.globals
    }

    /// The settings of our own, `kickout:`.
    #[must_use]
    pub fn kickout(&self) -> &BTreeMap<String, Setting> {
        &self.settings.kickout
    }

    /// Every alias, in the order of its first definition.
    #[must_use]
    pub fn aliases(&self) -> &[Alias] {
        self.directory.all()
    }
}

/// The aliases of the environment: JSON, which YAML contains.
fn runtime(text: Option<&str>) -> Result<Vec<Alias>, InventoryError> {
    let file = Path::new(RUNTIME);
    let encoding = || InventoryError::Encoding {
        at: Origin {
            file: file.to_owned(),
            line: 1,
        },
    };
    let layer = Layer::parse(file, text.ok_or_else(encoding)?)?;
    if let Some(entry) = layer.root.iter().find(|entry| !entry.key.starts_with('@')) {
        return Err(InventoryError::AliasName {
            at: entry.origin(file),
            name: entry.key.clone(),
        });
    }
    Ok(Settings::merge(&[layer])?.aliases)
}

#[cfg(test)]
#[path = "sites_tests.rs"]
mod tests;
