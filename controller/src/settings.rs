//! Kickout's own settings: a `kickout:` map in wp-cli.yml, and `KICKOUT_*` in the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::cli;
use crate::inventory::{Globals, Inventory, Setting};
use crate::target::{Hop, Pin, TargetError};
use crate::transport::http::Means;

/// The names a `kickout:` map may hold, each with its environment variable.
const NAMES: [(&str, &str); 7] = [
    ("agent", "KICKOUT_AGENT"),
    ("parallel", "KICKOUT_PARALLEL"),
    ("http-token-file", "KICKOUT_HTTP_TOKEN_FILE"),
    ("http-pin", "KICKOUT_HTTP_PIN"),
    ("http-ca", "KICKOUT_HTTP_CA"),
    ("http-cert", "KICKOUT_HTTP_CERT"),
    ("http-proxy", "KICKOUT_HTTP_PROXY"),
];

/// Why a setting means nothing.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No such setting.
    #[error("{origin}: kickout: knows no setting '{name}'{}", did_you_mean(.near))]
    Unknown {
        /// File and line.
        origin: String,
        /// What was written.
        name: String,
        /// What may have been meant.
        near: Option<&'static str>,
    },
    /// A value that is none.
    #[error("{origin}: '{name}' takes true or false, not '{value}'")]
    Flag {
        /// File and line.
        origin: String,
        /// Which setting.
        name: &'static str,
        /// What it was given.
        value: String,
    },
    /// A number that is none, or too small or large.
    #[error("{origin}: '{name}' takes a number from {} to {}, not '{value}'", range.start(), range.end())]
    Range {
        /// Where it was written.
        origin: String,
        /// Which setting.
        name: &'static str,
        /// What it was given.
        value: String,
        /// What it takes.
        range: RangeInclusive<usize>,
    },
    /// A text that is none of the setting's.
    #[error("{origin}: {why}")]
    Target {
        /// Where it was written.
        origin: String,
        /// What is wrong with it.
        why: TargetError,
    },
    /// A variable that is not text.
    #[error("the environment variable {0} is not valid UTF-8")]
    NotText(&'static str),
}

fn did_you_mean(near: &Option<&'static str>) -> String {
    near.map(|near| format!(" (did you mean '{near}'?)"))
        .unwrap_or_default()
}

impl SettingsError {
    /// What to write instead.
    pub fn fix(&self) -> String {
        match self {
            Self::Unknown { .. } => {
                let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
                format!("Settings of Kickout's own: {}.", names.join(", "))
            }
            Self::Flag { name, .. } => format!("Write {name}: true or {name}: false."),
            Self::Range { name, range, .. } => format!("Write {name}: {}.", range.end()),
            Self::Target { why, .. } => why.fix(),
            Self::NotText(name) => format!("Unset {name}, or give it a text in UTF-8."),
        }
    }
}

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `agent`: an agent file to use instead of the one kickout carries.
    pub agent: Option<PathBuf>,
    /// `parallel`: hosts of a group that are worked on at once.
    pub parallel: usize,
    /// `http-…`: what is brought to bridges.
    pub bridges: Means,
}

impl Settings {
    /// What is brought to bridges: what was typed before what was set.
    pub fn bridges(&self, typed: Means) -> Means {
        let own = self.bridges.clone();
        Means {
            token_file: typed.token_file.or(own.token_file),
            pins: match typed.pins.is_empty() {
                true => own.pins,
                false => typed.pins,
            },
            authorities: typed.authorities.or(own.authorities),
            certificate: typed.certificate.or(own.certificate),
            proxy: typed.proxy.or(own.proxy),
        }
    }
}

/// Reads the settings: environment before files.
pub fn read(
    inventory: &Inventory,
    vars: &BTreeMap<OsString, OsString>,
) -> Result<Settings, SettingsError> {
    for (name, setting) in inventory.kickout() {
        if !NAMES.iter().any(|(known, _)| known == name) {
            let near = crate::similar::nearest(name, NAMES.iter().map(|(known, _)| *known));
            let near = near.and_then(|near| NAMES.iter().find(|(name, _)| *name == near));
            return Err(SettingsError::Unknown {
                origin: setting.origin.to_string(),
                name: name.clone(),
                near: near.map(|(name, _)| *name),
            });
        }
    }
    let mut settings = Settings {
        agent: None,
        parallel: cli::PARALLEL,
        bridges: Means::default(),
    };
    let bridges = &mut settings.bridges;
    for (name, value, origin) in values(inventory, vars)? {
        match (name, value) {
            ("agent", Some(file)) => settings.agent = Some(PathBuf::from(file)),
            ("parallel", Some(value)) => {
                settings.parallel = cli::parallel(&value).ok_or(SettingsError::Range {
                    origin,
                    name,
                    value,
                    range: cli::PARALLEL_RANGE,
                })?;
            }
            ("http-token-file", file) => bridges.token_file = file,
            ("http-ca", file) => bridges.authorities = file,
            ("http-cert", file) => bridges.certificate = file,
            ("http-pin", Some(pins)) => {
                let pins: Result<_, _> = pins.split_whitespace().map(Pin::new).collect();
                bridges.pins = pins.map_err(|why| SettingsError::Target { origin, why })?;
            }
            ("http-proxy", Some(proxy)) => {
                let proxy = Hop::parse(&proxy);
                let proxy = proxy.map_err(|why| SettingsError::Target { origin, why })?;
                bridges.proxy = Some(proxy);
            }
            _ => {}
        }
    }
    Ok(settings)
}

type Value = (&'static str, Option<String>, String);

/// Every setting of our own: name, value, origin.
fn values(
    inventory: &Inventory,
    vars: &BTreeMap<OsString, OsString>,
) -> Result<Vec<Value>, SettingsError> {
    let mut values = Vec::new();
    for (name, variable) in NAMES {
        let from_env = match vars.get(std::ffi::OsStr::new(variable)) {
            Some(value) => match value.to_str() {
                Some("") => None,
                Some(value) => Some((value.to_owned(), format!("environment {variable}"))),
                None => return Err(SettingsError::NotText(variable)),
            },
            None => None,
        };
        let from_file = inventory
            .kickout()
            .get(name)
            .map(|s| (s.text.clone(), s.origin.to_string()));
        values.push(match from_env.or(from_file) {
            Some((value, origin)) => (name, Some(value), origin),
            None => (name, None, "default".to_owned()),
        });
    }
    Ok(values)
}

/// A flag of wp-cli.yml.
pub fn flag(name: &'static str, setting: Option<&Setting>) -> Result<Option<bool>, SettingsError> {
    let Some(setting) = setting else {
        return Ok(None);
    };
    match setting.as_flag() {
        Some(flag) => Ok(Some(flag)),
        None => Err(SettingsError::Flag {
            origin: setting.origin.to_string(),
            name,
            value: setting.text.clone(),
        }),
    }
}

/// `config show`: one setting a line, with its origin when asked.
pub fn show(
    inventory: &Inventory,
    vars: &BTreeMap<OsString, OsString>,
    with_origin: bool,
) -> Result<String, SettingsError> {
    let mut text = String::new();
    let mut line = |name: &str, value: &str, origin: &str| {
        text.push_str(&format!("{name}: {value}"));
        if with_origin {
            text.push_str(&format!("  # {origin}"));
        }
        text.push('\n');
    };
    let Globals {
        place,
        quiet,
        color,
        debug,
        ..
    } = inventory.globals();
    let shared = [
        ("path", &place.path),
        ("url", &place.url),
        ("user", &place.user),
        ("ssh", &place.ssh),
        ("http", &place.http),
        ("quiet", quiet),
        ("color", color),
        ("debug", debug),
    ];
    for (name, setting) in shared {
        if let Some(setting) = setting {
            line(name, &setting.text, &setting.origin.to_string());
        }
    }
    // What would be refused is not shown as if it were in force.
    let own = read(inventory, vars)?;
    for (name, value, origin) in values(inventory, vars)? {
        let value = match (name, value) {
            (_, Some(value)) => value,
            ("parallel", None) => own.parallel.to_string(),
            ("agent", None) => "(the one kickout carries)".to_owned(),
            (_, None) => "(none)".to_owned(),
        };
        line(&format!("kickout.{name}"), &value, &origin);
    }
    for alias in inventory.aliases() {
        let kind = if alias.is_group() { "group" } else { "site" };
        line(&format!("@{}", alias.name), kind, &alias.origin.to_string());
    }
    Ok(text)
}
