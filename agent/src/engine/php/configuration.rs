//! A configuration evaluated by PHP: first with a WordPress that is not there, then, where the file
//! needs the real one, with core's first steps. No drop-in, plugin or theme runs in either.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use kickout_shared::value::{Key, Value};

use super::worker::{Launch, Note, Silence, Worker};
use super::{start_failed, wire};
use crate::engine::EngineError;
use crate::site::{self, Config, ConfigError, Environment, Evaluated, Literal};

/// How the folder that is not there begins.
const STUB: &[u8] = b"kickout://";

/// Files of the configuration that PHP may name.
const MAX_FILES: usize = 1_000;

/// Asks PHP for what text does not settle (`why`). What PHP remarked goes to `notes`; the error says
/// what it did instead of answering.
pub async fn evaluate(
    config: &Config<'_>,
    why: &ConfigError,
    url: Option<&str>,
    environment: &Environment,
    launch: &Launch,
    notes: &mut Vec<Note>,
) -> Result<Evaluated, String> {
    let failed = |silence| match start_failed(silence) {
        EngineError::NotLoaded(why) => why,
        error => error.to_string(),
    };
    let known = config.files();
    let needs_root =
        |files: &[PathBuf]| site::look_outside(files, &config.root, environment).absolute;
    // A folder that is not there must not be mistaken for the real one.
    let mut told = None;
    if !needs_root(&known) {
        told = match ask(config, url, false, launch, notes).await {
            Ok(seen) => Some(seen).filter(|seen| !seen.has_stub() && !needs_root(&seen.files)),
            Err(Silence::Ended(_)) => None,
            Err(silence) => return Err(failed(silence)),
        };
    }
    let mut told = match told {
        Some(told) => told,
        None => ask(config, url, true, launch, notes)
            .await
            .map_err(failed)?,
    };
    // Some may be hidden from PHP's own list.
    for file in known {
        if !told.files.contains(&file) {
            told.files.push(file);
        }
    }
    let seen = site::look_outside(&told.files, &config.root, environment);
    Ok(Evaluated {
        values: told.values,
        reason: why.to_string(),
        outside: seen.outside,
    })
}

struct Told {
    values: std::collections::HashMap<String, Option<Literal>>,
    files: Vec<PathBuf>,
}

impl Told {
    /// Whether a value was made from the folder that is not there.
    fn has_stub(&self) -> bool {
        let has = |value: &Literal| {
            let text = value.to_bytes().unwrap_or_default();
            text.windows(STUB.len()).any(|window| window == STUB)
        };
        self.values.values().flatten().any(has)
    }
}

async fn ask(
    config: &Config<'_>,
    url: Option<&str>,
    whole: bool,
    launch: &Launch,
    notes: &mut Vec<Note>,
) -> Result<Told, Silence> {
    let path = |path: &Path| wire::text(path.as_os_str().as_bytes());
    let names = |names: &[&str]| wire::list(names.iter().map(wire::text));
    let request = wire::map([
        ("configuration", path(&config.file)),
        ("root", path(&config.root)),
        ("whole", Value::Bool(whole)),
        ("url", url.map_or(Value::Null, wire::text)),
        ("constants", names(&site::CONSTANTS)),
        ("variables", names(&site::VARIABLES)),
    ]);
    let (_, hello) = Worker::start(launch, request, notes).await?;
    wire::get(&hello, "ok")
        .and_then(read)
        .ok_or(Silence::Forged)
}

/// `None`: that is no answer of ours.
fn read(told: &Value) -> Option<Told> {
    let values = wire::get(told, "values")?;
    let odd: Vec<String> = wire::items(wire::get(told, "odd")?)
        .map(|name| wire::shown(Some(name)))
        .collect();
    let variables = site::VARIABLES.iter().map(|name| format!("${name}"));
    let names = site::CONSTANTS.iter().map(|name| (*name).to_owned());
    let known = names.chain(variables).filter(|name| !odd.contains(name));
    let values = known
        .map(|name| match wire::get(values, &name) {
            None => Some((name, None)),
            Some(value) => literal(value).map(|value| (name, Some(value))),
        })
        .collect::<Option<_>>()?;
    let files = wire::items(wire::get(told, "files")?).filter_map(wire::bytes);
    let files = files.map(|file| PathBuf::from(OsStr::from_bytes(file)));
    let files = files.filter(|file| file.is_absolute()).take(MAX_FILES);
    Some(Told {
        values,
        files: files.collect(),
    })
}

fn literal(value: &Value) -> Option<Literal> {
    Some(match value {
        Value::Null => Literal::Null,
        Value::Bool(flag) => Literal::Bool(*flag),
        Value::Int(number) => Literal::Int(*number),
        Value::Float(number) => Literal::Float(*number),
        Value::Text(text) => Literal::Text(text.0.clone()),
        Value::Array(entries) => {
            let entry = |(key, value): &(Key, Value)| {
                let key = match key {
                    Key::Int(number) => Literal::Int(*number),
                    Key::Text(text) => Literal::Text(text.0.clone()),
                };
                Some((key, literal(value)?))
            };
            Literal::Array(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        Value::Opaque(_) | Value::Large(_) => return None,
    })
}
