//! Which compose project a directory is: the name that compose itself would derive.
//!
//! Border: files are read, engines are not known here.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::DockerError;
use crate::transport::Around;

/// The names of a compose file, in compose's order.
const NAMES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];

/// The names of a file that adds to one of these.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// A compose file is not larger.
const MAX_FILE: u64 = 1024 * 1024;

/// What the operator said about the project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `-f`, in order.
    pub files: Vec<PathBuf>,
    /// `-p`.
    pub name: Option<String>,
    /// `--project-directory`.
    pub directory: Option<PathBuf>,
    /// `--env-file`.
    pub env_file: Option<PathBuf>,
    /// `--index`: which replica.
    pub index: Option<u32>,
}

impl Wanted {
    /// Reads compose's own words.
    pub fn read(args: &[String]) -> Result<Self, DockerError> {
        let mut wanted = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (arg.as_str(), None),
            };
            let known = [
                "-f",
                "--file",
                "-p",
                "--project-name",
                "--project-directory",
                "--env-file",
                "--index",
            ];
            if !known.contains(&name) {
                return Err(DockerError::Arguments(format!("`{arg}` is not known here")));
            }
            let value = inline.or_else(|| args.next().cloned());
            let value = value.filter(|value| !value.is_empty());
            let value =
                value.ok_or_else(|| DockerError::Arguments(format!("`{name}` needs a value")))?;
            match name {
                "-f" | "--file" => wanted.files.push(value.into()),
                "-p" | "--project-name" => wanted.name = Some(value),
                "--project-directory" => wanted.directory = Some(value.into()),
                "--env-file" => wanted.env_file = Some(value.into()),
                _ => {
                    let number = value.parse().map_err(|_| {
                        DockerError::Arguments(format!("`{value}` is no number of a replica"))
                    })?;
                    wanted.index = Some(number);
                }
            }
        }
        Ok(wanted)
    }
}

/// A compose project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its name, as in the labels of its containers.
    pub name: String,
    /// Its directory, when there is a file.
    pub directory: Option<PathBuf>,
    /// Its files, in compose's order: a later one adds to those before it.
    pub files: Vec<PathBuf>,
}

impl Project {
    /// The project that compose would work on.
    pub fn find(wanted: &Wanted, around: &Around) -> Result<Self, DockerError> {
        let cwd = &around.cwd;
        let env_file = wanted.env_file.as_deref().unwrap_or(Path::new(".env"));
        let mut env = read_env(&cwd.join(env_file))?;
        let files = if !wanted.files.is_empty() {
            wanted.files.iter().map(|file| cwd.join(file)).collect()
        } else if let Some(list) = setting(around, &env, "COMPOSE_FILE") {
            let separator = setting(around, &env, "COMPOSE_PATH_SEPARATOR");
            let separator = separator.unwrap_or_else(|| ":".to_owned());
            list.split(&separator).map(|file| cwd.join(file)).collect()
        } else {
            let found = search(cwd);
            let more = found.as_deref().and_then(beside);
            found.into_iter().chain(more).collect::<Vec<_>>()
        };
        let first = files.first().and_then(|file| file.parent());
        let directory = wanted.directory.as_ref().map(|dir| cwd.join(dir));
        let directory = directory.or_else(|| first.map(Path::to_owned));
        let directory = directory.map(|dir| dir.canonicalize().unwrap_or(dir));
        if let (Some(dir), None) = (&directory, &wanted.env_file) {
            let more = read_env(&dir.join(".env"))?;
            for (name, value) in more {
                env.entry(name).or_insert(value);
            }
        }
        let said = wanted.name.clone();
        let mut name = said.or_else(|| setting(around, &env, "COMPOSE_PROJECT_NAME"));
        if name.is_none() {
            // The last file that says one wins.
            for file in files.iter().rev() {
                if name.is_none() {
                    name = name_in(file)?;
                }
            }
        }
        let folder = directory.as_deref().and_then(Path::file_name);
        let folder = folder.map(|name| name.to_string_lossy().into_owned());
        match name.or(folder).map(|name| normalized(&name)) {
            Some(name) if !name.is_empty() => Ok(Self {
                name,
                directory,
                files,
            }),
            _ => Err(DockerError::NoProject(cwd.clone())),
        }
    }
}

/// A variable: the environment before the file.
fn setting(around: &Around, env: &BTreeMap<String, String>, name: &str) -> Option<String> {
    let file = || env.get(name).cloned().filter(|value| !value.is_empty());
    around.var(name).map(str::to_owned).or_else(file)
}

/// The compose file of a directory, or of the nearest above it.
fn search(cwd: &Path) -> Option<PathBuf> {
    cwd.ancestors().find_map(|dir| {
        let mut names = NAMES.iter().map(|name| dir.join(name));
        names.find(|path| path.is_file())
    })
}

/// What compose reads beside a file that nobody named.
fn beside(file: &Path) -> Option<PathBuf> {
    let mut names = OVERRIDES.iter().map(|name| file.with_file_name(name));
    names.find(|path| path.is_file())
}

/// A project's name as compose makes it of any text.
fn normalized(name: &str) -> String {
    let lower = name.to_lowercase();
    let kept: String = lower
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
        .collect();
    kept.trim_start_matches(['_', '-']).to_owned()
}

#[derive(Deserialize)]
struct Head {
    name: Option<String>,
}

/// What a compose file says its project is called.
fn name_in(file: &Path) -> Result<Option<String>, DockerError> {
    let broken = |why: String| DockerError::File {
        path: file.to_owned(),
        why,
    };
    let text = read(file).map_err(|why| broken(why.to_string()))?;
    // Most files say none, and need not be understood then.
    if !text
        .lines()
        .any(|line| line.starts_with("name") || line.starts_with(['"', '\'']))
    {
        return Ok(None);
    }
    let head: Head = serde_saphyr::from_str(&text).map_err(|why| broken(why.to_string()))?;
    match head.name {
        Some(name) if name.contains('$') => {
            Err(broken("its `name` is made of variables".to_owned()))
        }
        name => Ok(name),
    }
}

pub(super) fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?
        .take(MAX_FILE)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// The variables of a `.env` file; none when there is no file.
fn read_env(path: &Path) -> Result<BTreeMap<String, String>, DockerError> {
    let text = match read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => {
            return Err(DockerError::File {
                path: path.to_owned(),
                why: error.to_string(),
            });
        }
    };
    let line = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=')?;
        let value = value.trim();
        let quoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
        let value = quoted('"').or_else(|| quoted('\'')).unwrap_or_else(|| {
            // A comment begins behind a blank.
            value.split(" #").next().unwrap_or(value).trim_end()
        });
        (!name.starts_with('#')).then(|| (name.trim().to_owned(), value.to_owned()))
    };
    Ok(text.lines().filter_map(line).collect())
}

#[cfg(test)]
#[path = "project_tests.rs"]
mod tests;
