//! A run's way to a loaded WordPress: how it is started here, what it remarked, and what its hello
//! leaves in doubt. Knows no verb.

use std::ffi::OsString;
use std::path::PathBuf;

use kickout_shared::site::{Load, Site};

use crate::engine::choose::skips;
use crate::engine::native::Direct;
use crate::engine::php::{Facts, How, Launch, Note, Php};
use crate::engine::{Engine as _, EngineError};
use crate::out::{Cancelled, Out};
use crate::site::{Config, Environment};

/// The agent, wherever it lies.
const AGENT: &str = "/proc/self/exe";

/// Where the site's PHP finds programs, unless the web server's environment is known.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Loads the site's WordPress. Its remarks come back in any case.
pub(crate) async fn start(
    site: &Site,
    url: Option<String>,
    program: PathBuf,
    eyes: Option<Direct>,
    config: &Config<'_>,
    environment: &Environment,
) -> Result<(Box<Php>, Facts, Vec<Note>), (EngineError, Vec<Note>)> {
    let launch = launch(program, config, environment);
    let how = How {
        load: &site.load,
        act_as: site.act_as.as_ref(),
        url,
    };
    let mut notes = Vec::new();
    match Php::start(launch, how, eyes, &mut notes).await {
        Ok((php, facts)) => Ok((Box::new(php), facts, notes)),
        Err(error) => Err((error, notes)),
    }
}

/// How the site's PHP is started: with the web server's variables where they are known.
pub(crate) fn launch(program: PathBuf, config: &Config<'_>, environment: &Environment) -> Launch {
    let mut environment = environment.variables();
    if environment.is_empty() {
        environment.push((OsString::from("PATH"), OsString::from(PATH)));
    }
    Launch {
        agent: PathBuf::from(AGENT),
        php: program,
        environment,
        root: config.root.clone(),
    }
}

/// `Debug (php): Warning: … in file:line`
pub(crate) async fn say(notes: Vec<Note>, out: &mut Out) -> Result<(), Cancelled> {
    for note in notes {
        let Note {
            level,
            text,
            file,
            line,
        } = note;
        out.debug("php", format!("{level}: {text} in {file}:{line}"))
            .await?;
    }
    Ok(())
}

/// What the loaded site says of itself, for `--debug`.
pub(crate) async fn debug(facts: &Facts, php: &Php, out: &mut Out) -> Result<(), Cancelled> {
    out.debug("engine", php.describe()).await?;
    for filter in &facts.filters {
        out.debug("engine", format!("user meta is filtered: {filter}"))
            .await?;
    }
    Ok(())
}

/// Adds what the loaded site leaves in doubt, as sentences without their full stop. `absent` was
/// found in active code, and is not in effect; `known` is whether its object cache is cleared where
/// the web server has it.
pub(crate) fn doubts(
    facts: &Facts,
    absent: [Option<&str>; 2],
    known: bool,
    load: &Load,
    unchecked: &mut Vec<String>,
) {
    for pluggable in &facts.pluggables {
        // The search of active code has named it already, by file and line.
        let place = pluggable.rsplit_once(" in ").map_or("", |(_, place)| place);
        if !unchecked.iter().any(|known| known.starts_with(place)) {
            unchecked.push(format!(
                "{pluggable} replaces how login cookies are checked; ending sessions may have no \
                 effect there"
            ));
        }
    }
    // What the search found may well be asked by a web request, or by another site of a network.
    for found in absent.into_iter().flatten() {
        let how = match skips(load) {
            true => "was left out (--skip-plugins, --skip-themes): the web server still asks it",
            false => "is not in this process: whether the web server asks it is not proved",
        };
        unchecked.push(format!("{found}, and {how}"));
    }
    let cached = unchecked
        .iter()
        .any(|known| known.contains("object-cache.php"));
    if facts.cache && !cached && !known {
        unchecked.push(
            "A shared object cache is in use: what this process sees of it is cleared, what the \
             web server sees is not proved (--verify=web asks it)"
                .to_owned(),
        );
    }
}
