//! A run's way to a configuration that text alone does not settle: whether PHP is asked, and what its
//! word is worth. Says nothing itself.

use kickout_shared::site::{EngineChoice, Site};

use crate::engine::php::{Note, evaluate, find_php};
use crate::load;
use crate::owner::{self, Owner};
use crate::site::{self, Config, ConfigError, Environment, Evaluated, Setting};

/// What PHP has to be asked for, where it may be asked and is there. A configuration that hangs on a
/// host nobody named is refused: another site's settings would do harm.
pub(crate) fn wanted(config: &Config<'_>, site: &Site) -> Result<Option<ConfigError>, ConfigError> {
    let Some(unsettled) = site::unsettled(config) else {
        return Ok(None);
    };
    if let Some(refusal) = config.without_host(&unsettled, None) {
        return Err(refusal);
    }
    let may = site.load.engine != EngineChoice::Native && find_php().is_some();
    Ok(may.then_some(unsettled))
}

/// Who has to ask it instead of us, when we are root.
pub(crate) fn owner(config: &Config<'_>, site: &Site) -> Result<Option<Owner>, ConfigError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let line = match owner::for_php(config, &site.load) {
        Ok(owner) => return Ok(Some(owner)),
        Err(line) => line,
    };
    match site::unsettled(config) {
        Some(unsettled) => Err(ConfigError::NotEvaluated {
            unresolved: Box::new(unsettled),
            why: line.text,
            fix: line.fix,
        }),
        None => Ok(None),
    }
}

/// Asks PHP, and takes what it says.
pub(crate) async fn settle(
    config: &mut Config<'_>,
    site: &Site,
    environment: &Environment,
    unsettled: ConfigError,
    notes: &mut Vec<Note>,
) -> Result<(), ConfigError> {
    let Some(program) = find_php() else {
        return Err(unsettled);
    };
    let seen = site::look_outside(&config.files(), &config.root, environment);
    if let Some(refusal) = config.without_host(&unsettled, seen.outside.as_ref()) {
        return Err(refusal);
    }
    let launch = load::launch(program, config, environment);
    let url = site.url.as_deref();
    match evaluate(config, &unsettled, url, environment, &launch, notes).await {
        Ok(evaluated) => {
            let refusal = config.without_host(&unsettled, evaluated.outside.as_ref());
            if let Some(refusal) = refusal {
                return Err(refusal);
            }
            config.take(evaluated);
        }
        Err(why) => {
            let unresolved = Box::new(unsettled);
            return Err(ConfigError::NotEvaluated {
                unresolved,
                why,
                fix: None,
            });
        }
    }
    match gave_nothing(config) && unsettled.missing().is_some() {
        true => Err(unsettled),
        false => Ok(()),
    }
}

/// That PHP was asked, and why, for people.
pub(crate) fn remark(evaluated: &Evaluated) -> String {
    format!("configuration evaluated with php: {}", evaluated.reason)
}

/// Whether a variable that is not set here either has left nothing but an example's values, or none.
fn gave_nothing(config: &Config<'_>) -> bool {
    let names = ["DB_NAME", "DB_USER", "DB_HOST"];
    let empty =
        |name: &str| matches!(config.get(name), Setting::Value { value, .. } if !value.truthy());
    match site::database(config) {
        Err(ConfigError::Sample { .. }) => true,
        Ok(site::Database::Sqlite { .. }) => false,
        Ok(_) | Err(_) => names.into_iter().any(empty),
    }
}
