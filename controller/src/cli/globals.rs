//! The global parameters as meant.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use kickout_shared::site::{EngineChoice, Load, Skip};

use super::Meaning;
use super::args::{self, BARE};
use super::flags::{flag, value, values};
use super::usage::UsageError;
use super::verify::{self, Verify};
use crate::render::{ColorChoice, DebugLines};
use crate::target::{Hop, Pin, Ssh, Target};
use crate::transport::http::Means;

/// Hosts that are worked on at once, unless it is said otherwise.
pub const PARALLEL: usize = 32;

/// What `--parallel` may be: each host is a connection, and files are not endless.
pub const PARALLEL_RANGE: RangeInclusive<usize> = 1..=1024;

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
    /// `--sudo`: the account to become
    pub sudo: Option<String>,
    /// `--via`
    pub via: Option<Ssh>,
    /// `--accept-new-host-keys`
    pub accept_new_host_keys: bool,
    /// `--parallel`
    pub parallel: Option<usize>,
    /// `--http`, as typed
    pub http: Option<String>,
    /// `--http-token-file`, `--http-pin`, `--http-ca`, `--http-cert`, `--http-proxy`
    pub bridges: Means,
    /// `--alias`
    pub alias: Option<String>,
    /// `--user`
    pub user: Option<String>,
    /// `--engine`, `--skip-plugins`, `--skip-themes`, `--require`, `--php-user`,
    /// `--unconfirmed-ok`
    pub load: Load,
    /// `--verify`, `--verify-user`, `--verify-url`, `--head`
    pub verify: Verify,
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
    pub(super) fn read(typed: args::Globals, meaning: Meaning) -> Result<Self, UsageError> {
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
        // Accepted where they change nothing: no engine loads packages of WP-CLI.
        flag("skip-packages", typed.skip_packages.as_deref())?;
        flag("allow-root", typed.allow_root.as_deref())?;
        Ok(Self {
            path,
            url,
            ssh: value("ssh", typed.ssh)?,
            ssh_args: values("ssh-args", typed.ssh_args)?,
            sudo: value("sudo", typed.sudo)?,
            via: value("via", typed.via)?.map(via).transpose()?,
            accept_new_host_keys: flag(
                "accept-new-host-keys",
                typed.accept_new_host_keys.as_deref(),
            )?,
            parallel: value("parallel", typed.parallel)?
                .map(typed_parallel)
                .transpose()?,
            http: value("http", typed.http)?,
            bridges: Means {
                token_file: value("http-token-file", typed.http_token_file)?
                    .map(token_file)
                    .transpose()?,
                pins: values("http-pin", typed.http_pin)?
                    .iter()
                    .map(|pin| Pin::new(pin).map_err(UsageError::Target))
                    .collect::<Result<_, _>>()?,
                authorities: value("http-ca", typed.http_ca)?,
                certificate: value("http-cert", typed.http_cert)?,
                proxy: value("http-proxy", typed.http_proxy)?
                    .map(|proxy| Hop::parse(&proxy).map_err(UsageError::Target))
                    .transpose()?,
            },
            alias: value("alias", typed.alias)?,
            user: value("user", typed.user)?,
            load: Load {
                engine: value("engine", typed.engine)?
                    .map(engine)
                    .transpose()?
                    .unwrap_or_default(),
                skip_plugins: skip(typed.skip_plugins.as_deref()),
                skip_themes: skip(typed.skip_themes.as_deref()),
                require: values("require", typed.require)?,
                php_user: value("php-user", typed.php_user)?,
                unconfirmed_ok: flag("unconfirmed-ok", typed.unconfirmed_ok.as_deref())?,
            },
            verify: verify::read(typed.verify, meaning)?,
            color,
            debug,
            quiet,
            agent: value("agent", typed.agent)?.map(PathBuf::from),
            warnings,
        })
    }
}

/// A file, and not what is in it: that would stand in every list of processes.
fn token_file(typed: String) -> Result<String, UsageError> {
    match typed.starts_with("kob_") {
        true => Err(UsageError::TokenTyped),
        false => Ok(typed),
    }
}

fn engine(typed: String) -> Result<EngineChoice, UsageError> {
    match typed.as_str() {
        "auto" => Ok(EngineChoice::Auto),
        "native" => Ok(EngineChoice::Native),
        "php" => Ok(EngineChoice::Php),
        _ => Err(UsageError::Engine(typed)),
    }
}

/// What `--skip-plugins` and `--skip-themes` leave out: everything when nothing is named, as in
/// WP-CLI; a setting of wp-cli.yml may be a flag.
pub fn skip(typed: Option<&str>) -> Skip {
    match typed {
        None | Some("false") => Skip::Nothing,
        Some("" | "true") => Skip::All,
        Some(names) => Skip::Named(names.split(',').map(str::to_owned).collect()),
    }
}

/// A number of hosts, as `--parallel` takes it; nothing else is one.
#[must_use]
pub fn parallel(typed: &str) -> Option<usize> {
    let digits = typed.bytes().all(|byte| byte.is_ascii_digit());
    let number = typed.parse().ok().filter(|_| digits);
    number.filter(|number| PARALLEL_RANGE.contains(number))
}

fn typed_parallel(value: String) -> Result<usize, UsageError> {
    let (least, most) = PARALLEL_RANGE.into_inner();
    parallel(&value).ok_or(UsageError::Range {
        name: "parallel",
        value,
        least,
        most,
    })
}

fn via(typed: String) -> Result<Ssh, UsageError> {
    match Target::parse(&typed) {
        Ok(Target::Ssh(ssh)) => Ok(ssh),
        Ok(other) => Err(UsageError::Via(other.to_string())),
        Err(flaw) => Err(UsageError::Target(flaw)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_is_a_number_of_hosts() {
        for typed in ["1", "32", "1024", "007"] {
            assert!(parallel(typed).is_some(), "{typed}");
        }
        for typed in [
            "0",
            "1025",
            "-1",
            "+4",
            "4.0",
            "x",
            " 4",
            "99999999999999999999",
        ] {
            let error = typed_parallel(typed.to_owned()).unwrap_err();
            assert!(error.to_string().contains("1 to 1024"), "{error}");
        }
    }

    #[test]
    fn via_is_an_ssh_host() {
        assert!(via("ops@bastion:2222".to_owned()).is_ok());
        for typed in ["docker:web", "vagrant", "u:p@h", "-oProxyCommand=id"] {
            let error = via(typed.to_owned()).unwrap_err();
            assert!(!error.fix().is_empty(), "{typed}");
        }
    }
}
