//! Finds and reads the layers of the configuration: the only file here that touches the disk.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::error::InventoryError;
use super::setting::Origin;
use super::yaml::{self, Entry};

/// No inventory is larger; a stray disk image is.
const MAX_FILE: u64 = 10 * 1024 * 1024;

/// Where WP-CLI keeps the settings of a whole machine.
const SYSTEM: &str = "/etc/wp-cli/config.yml";

/// What the program can see around it, as a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The directory the program was started in.
    pub cwd: PathBuf,
    /// The environment.
    pub vars: BTreeMap<OsString, OsString>,
}

impl Surroundings {
    /// A variable that is set and not empty.
    pub(super) fn var(&self, name: &str) -> Option<&OsStr> {
        self.vars
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
            .filter(|value| !value.is_empty())
    }

    /// The operator's home directory.
    pub(super) fn home(&self) -> Option<&Path> {
        self.var("HOME")
            .or_else(|| self.var("USERPROFILE"))
            .map(Path::new)
    }
}

/// One file of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Its path.
    pub file: PathBuf,
    pub(super) root: Vec<Entry>,
}

impl Layer {
    /// Reads the text of a file.
    pub fn parse(file: &Path, text: &str) -> Result<Self, InventoryError> {
        let layer = Self {
            file: file.to_owned(),
            root: yaml::parse(file, text)?,
        };
        // Both keys of `_` are checked here, so that a layer without commands is checked too.
        layer.inherits()?;
        layer.merges()?;
        Ok(layer)
    }

    fn directive(&self, name: &str) -> Result<Option<&Entry>, InventoryError> {
        let Some(directives) = self.root.iter().find(|entry| entry.key == "_") else {
            return Ok(None);
        };
        let entries = directives.map(&self.file)?;
        if let Some(other) = entries
            .iter()
            .find(|e| !matches!(&*e.key, "inherit" | "merge"))
        {
            return Err(InventoryError::UnknownKey {
                at: other.origin(&self.file),
                key: other.key.clone(),
                near: crate::similar::nearest(&other.key, ["inherit", "merge"]).map(str::to_owned),
            });
        }
        Ok(entries.iter().find(|entry| entry.key == name))
    }

    /// The file that this one lies on, `_: {inherit: <file>}`.
    fn inherits(&self) -> Result<Option<PathBuf>, InventoryError> {
        let Some(entry) = self.directive("inherit")? else {
            return Ok(None);
        };
        let target = entry.text(&self.file)?.text;
        Ok(Some(
            self.file.parent().unwrap_or(Path::new("")).join(target),
        ))
    }

    /// Whether the defaults of commands are added to those below, `_: {merge: true}`.
    pub(super) fn merges(&self) -> Result<bool, InventoryError> {
        let Some(entry) = self.directive("merge")? else {
            return Ok(false);
        };
        let flag = entry.text(&self.file)?.as_flag();
        flag.ok_or_else(|| entry.shape(&self.file, "true or false"))
    }
}

/// Reads the layers, lowest first: the machine's, the operator's, the project's.
///
/// A file that is not there is no layer; one that is there and cannot be read, or that another one
/// inherits from and is not there, is an error.
pub fn load_layers(around: &Surroundings) -> Result<Vec<Layer>, InventoryError> {
    let system = around
        .var("WP_CLI_SYSTEM_SETTINGS_PATH")
        .unwrap_or(OsStr::new(SYSTEM));
    let global = match around.var("WP_CLI_CONFIG_PATH") {
        Some(file) => Some(PathBuf::from(file)),
        None => around
            .home()
            .map(|home| home.join(".wp-cli").join("config.yml")),
    };
    let candidates = [Some(PathBuf::from(system)), global, project(&around.cwd)];
    let mut layers = Vec::new();
    for file in candidates.into_iter().flatten() {
        // A relative name in the environment starts where the program was started.
        let file = around.cwd.join(file);
        if let Some(layer) = read(&file)? {
            stack(layer, &mut HashSet::new(), &mut layers)?;
        }
    }
    Ok(layers)
}

/// Puts a layer on the list, above what it inherits. A loop ends where it closes.
fn stack(
    layer: Layer,
    seen: &mut HashSet<PathBuf>,
    layers: &mut Vec<Layer>,
) -> Result<(), InventoryError> {
    let mut chain = vec![layer];
    while let Some(above) = chain.last() {
        seen.insert(identity(&above.file));
        let Some(file) = above.inherits()? else { break };
        if seen.contains(&identity(&file)) {
            break;
        }
        let missing = || InventoryError::Read {
            file: file.clone(),
            why: "no such file".to_owned(),
        };
        chain.push(read(&file)?.ok_or_else(missing)?);
    }
    layers.extend(chain.into_iter().rev());
    Ok(())
}

/// One name for a file, whatever path led to it.
fn identity(file: &Path) -> PathBuf {
    file.canonicalize().unwrap_or_else(|_| file.to_owned())
}

/// The project's file: the first directory upward that has one. As in WP-CLI the search ends at
/// the second directory that holds a WordPress, so that a site inside a site has its own settings.
fn project(cwd: &Path) -> Option<PathBuf> {
    let mut roots = 0;
    for directory in cwd.ancestors() {
        roots += usize::from(directory.join("wp-load.php").exists());
        if roots > 1 {
            return None;
        }
        let candidates = ["wp-cli.local.yml", "wp-cli.yml"].map(|name| directory.join(name));
        if let Some(file) = candidates.into_iter().find(|file| file.exists()) {
            return Some(file);
        }
    }
    None
}

/// Reads one file; `None` when it is not there.
fn read(file: &Path) -> Result<Option<Layer>, InventoryError> {
    let failed = |error: std::io::Error| InventoryError::Read {
        file: file.to_owned(),
        why: error.to_string(),
    };
    let mut bytes = Vec::new();
    match File::open(file) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        opened => opened
            .map_err(failed)?
            .take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?,
    };
    if bytes.len() as u64 > MAX_FILE {
        return Err(InventoryError::Large {
            file: file.to_owned(),
            limit: MAX_FILE,
        });
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.iter().take(error.valid_up_to());
        let line = 1 + before.filter(|byte| **byte == b'\n').count() as u64;
        InventoryError::Encoding {
            at: Origin {
                file: file.to_owned(),
                line,
            },
        }
    })?;
    Layer::parse(file, text).map(Some)
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
