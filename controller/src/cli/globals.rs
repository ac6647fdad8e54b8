//! The global parameters as meant.

use std::path::PathBuf;

use super::args::{self, BARE};
use super::flags::{flag, value, values};
use super::usage::UsageError;
use crate::render::{ColorChoice, DebugLines};

/// What every command is given beside its own parameters.
#[derive(Clone, Debug, Default)]
pub struct Globals {
    /// `--path`
    pub path: Option<String>,
    /// `--url`
    pub url: Option<String>,
    /// `--ssh`, as typed
    pub ssh: Option<String>,
    /// `--ssh-args`, in order
    pub ssh_args: Vec<String>,
    /// `--http`, as typed
    pub http: Option<String>,
    /// `--alias`
    pub alias: Option<String>,
    /// `--user`
    pub user: Option<String>,
    /// `--require`, in order
    pub require: Vec<String>,
    /// `--[no-]color`
    pub color: Option<ColorChoice>,
    /// `--debug[=group]`
    pub debug: DebugLines,
    /// `--quiet`
    pub quiet: Option<bool>,
    /// `--agent`
    pub agent: Option<PathBuf>,
    /// Said once, before anything else.
    pub warnings: Vec<String>,
}

impl Globals {
    pub(super) fn read(typed: args::Globals) -> Result<Self, UsageError> {
        let mut warnings = Vec::new();
        let url = read_url(typed.url.or(typed.blog.clone()), &mut warnings);
        if typed.blog.is_some() {
            warnings.push("The --blog global parameter is deprecated. Use --url instead.".into());
        }
        let path = match typed.path.as_deref() {
            Some(BARE | "") => return Err(UsageError::EmptyPath),
            _ => typed.path,
        };
        let color = match typed.color.as_deref() {
            None => None,
            on => Some(match flag("color", on)? {
                true => ColorChoice::Always,
                false => ColorChoice::Never,
            }),
        };
        let debug = match typed.debug.as_deref() {
            None | Some("false") => DebugLines::Off,
            Some(BARE | "true") => DebugLines::All,
            Some(group) => DebugLines::Group(group.to_owned()),
        };
        let quiet = typed
            .quiet
            .as_deref()
            .map(|on| flag("quiet", Some(on)))
            .transpose()?;
        // Accepted where they change nothing: no engine of this release loads any of these.
        flag("skip-packages", typed.skip_packages.as_deref())?;
        flag("allow-root", typed.allow_root.as_deref())?;
        Ok(Self {
            path,
            url,
            ssh: value("ssh", typed.ssh)?,
            ssh_args: values("ssh-args", typed.ssh_args)?,
            http: value("http", typed.http)?,
            alias: value("alias", typed.alias)?,
            user: value("user", typed.user)?,
            require: values("require", typed.require)?,
            color,
            debug,
            quiet,
            agent: value("agent", typed.agent)?.map(PathBuf::from),
            warnings,
        })
    }
}

/// A URL that cannot be one is warned about and ignored, in WP-CLI's words.
fn read_url(typed: Option<String>, warnings: &mut Vec<String>) -> Option<String> {
    let url = typed?;
    if url == BARE {
        warnings.push("The --url parameter expects a value.".to_owned());
        return None;
    }
    let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let scheme_typo = !url.contains("://") && url.split_once(":/").is_some();
    if host.is_empty() || scheme_typo {
        warnings.push(format!(
            "The --url parameter value '{url}' is not valid. Check for typos in the protocol, e.g. \
             'http://' not 'http:/'."
        ));
        return None;
    }
    Some(url)
}
