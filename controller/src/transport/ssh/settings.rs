//! The settings of one host, as OpenSSH would use them. Border: from a typed host to typed
//! settings; reads configurations, asks `ssh -G`, contacts nobody.
//!
//! OpenSSH takes the home directory from the table of accounts; Kickout takes `HOME`, like every
//! other program. When they differ, `$HOME/.ssh/config` is read through `-F`, and without one the
//! configuration for everybody; `~` is `HOME` in what it says (but not in an `Include` there).

mod around;
mod error;
mod finish;
mod kind;

use std::path::{Path, PathBuf};

pub use around::{Around, Variables};
pub use error::SettingsError;
pub use kind::{Asked, Family, IdentityAgent, Method, ProxyCommand, Settings, Strict};

use super::raw::Raw;
use super::{openssh, plain};

/// Finds out everything that is set for a host.
///
/// Where no configuration says anything that matters, OpenSSH is not asked: that costs 13 ms a
/// host, and its defaults are known.
pub async fn resolve(asked: Asked<'_>, around: &Around) -> Result<Settings, SettingsError> {
    let sources = Sources::of(&asked, around);
    let mut warnings = Vec::new();
    let mut raw = Raw::default();
    if sources.are_silent() {
        asked.args.apply(&mut raw);
    } else if let Some(ssh) = openssh::find(&around.path) {
        let moved = around
            .account_home
            .as_deref()
            .filter(|it| *it != around.home);
        let config = match (&sources, moved) {
            (Sources::Named(file), _) => Some(*file),
            (Sources::Usual { own, .. }, Some(_)) if own.exists() => Some(own.as_path()),
            (Sources::Usual { system, .. }, Some(_)) => Some(*system),
            (Sources::Usual { .. } | Sources::None, _) => None,
        };
        if let (Sources::Usual { own, system }, Some(_)) = (&sources, moved)
            && config == Some(own)
            && !plain::is_silent(system)
        {
            warnings.push(format!(
                "{} is not read, because HOME is not the home of your account.",
                system.display()
            ));
        }
        raw = openssh::ask(&ssh, &asked, config).await?;
        if let Some(account_home) = moved {
            finish::move_home(&mut raw, account_home, &around.home);
        }
    } else {
        asked.args.apply(&mut raw);
        let host = asked.host.as_str();
        match &sources {
            Sources::None => {}
            Sources::Named(file) => plain::read(file, true, host, &mut raw)?,
            Sources::Usual { own, system } => {
                plain::read(own, false, host, &mut raw)?;
                plain::read(system, false, host, &mut raw)?;
            }
        }
    }
    let mut settings = finish::finish(&raw, &asked, around)?;
    settings.warnings.splice(0..0, warnings);
    Ok(settings)
}

/// The files that are read.
enum Sources<'a> {
    /// `-F none`.
    None,
    /// The one that was named.
    Named(&'a Path),
    /// The operator's, then the one for everybody.
    Usual { own: PathBuf, system: &'a Path },
}

impl<'a> Sources<'a> {
    fn of(asked: &Asked<'a>, around: &'a Around) -> Self {
        match asked.config.or_else(|| asked.args.config()) {
            Some(none) if none == Path::new("none") => Self::None,
            Some(file) => Self::Named(file),
            None => Self::Usual {
                own: around.home.join(".ssh/config"),
                system: &around.system_config,
            },
        }
    }

    /// Whether nothing in them matters here.
    fn are_silent(&self) -> bool {
        match self {
            Self::None => true,
            Self::Named(file) => file.exists() && plain::is_silent(file),
            Self::Usual { own, system } => plain::is_silent(own) && plain::is_silent(system),
        }
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
pub(in crate::transport::ssh) mod tests;
