//! From words to settings: defaults, expansion, types. Pure.

use std::path::{Path, PathBuf};

use super::{
    Around, Asked, Family, IdentityAgent, Method, ProxyCommand, Settings, SettingsError, Strict,
};
use crate::target::{Host, Jump, Port, User};
use crate::transport::ssh::expand::{NoValue, Tokens};
use crate::transport::ssh::raw::{Flawed, Raw};

/// The keys OpenSSH offers when nobody named one, in its order; those on security keys need its
/// helper and are left out.
const KEYS: [&str; 3] = ["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519"];

/// What `ssh -G` prints beside them when nobody named one.
const NOT_OURS: [&str; 4] = [
    "~/.ssh/id_ecdsa_sk",
    "~/.ssh/id_ed25519_sk",
    "~/.ssh/id_xmss",
    "~/.ssh/id_dsa",
];

const OWN_FILES: [&str; 2] = ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"];
const GLOBAL_FILES: [&str; 2] = ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

/// A setting of another type than its keyword's.
fn target(key: &str) -> impl Fn(crate::target::TargetError) -> SettingsError {
    let key = key.to_owned();
    move |source| SettingsError::Target {
        key: key.clone(),
        source,
    }
}

/// A template with a part that has no value.
fn no_value(key: &str, value: &str) -> impl Fn(NoValue) -> SettingsError {
    let (key, value) = (key.to_owned(), value.to_owned());
    move |NoValue(part)| SettingsError::Expand {
        key: key.clone(),
        part,
        value: value.clone(),
    }
}

/// Types everything that was said. What was asked for comes first.
pub(super) fn finish(
    raw: &Raw,
    asked: &Asked<'_>,
    around: &Around,
) -> Result<Settings, SettingsError> {
    raw.check().map_err(|(key, value, flaw)| match flaw {
        Flawed::Target(source) => SettingsError::Target { key, source },
        Flawed::Value(expected) => SettingsError::Value {
            key,
            value,
            expected,
        },
    })?;
    refuse(raw)?;
    let port = match (asked.port, raw.one("port")) {
        (Some(port), _) => port,
        (None, port) => Port::new(port.unwrap_or("22")).map_err(target("Port"))?,
    };
    let user = match (asked.user, raw.one("user").or(around.user.as_deref())) {
        (Some(user), _) => user.clone(),
        (None, Some(user)) => User::new(user).map_err(target("User"))?,
        (None, None) => {
            let host = asked.host.to_string();
            return Err(SettingsError::NoUser { host });
        }
    };
    let original = asked.host.as_str();
    let host_name = host_name(raw.one("hostname").unwrap_or("%h"), original)?;
    let said = |key: &str| raw.one(key).filter(|value| *value != "none");
    let proxy_jump = said("proxyjump").map(|jump| Jump::new(jump).map_err(target("ProxyJump")));
    let proxy_jump = proxy_jump.transpose()?;
    let jump = proxy_jump.as_ref().map(ToString::to_string);
    let host_key_alias = said("hostkeyalias").map(str::to_owned);
    let tokens = Tokens {
        host: host_name.as_str(),
        original,
        alias: host_key_alias.as_deref().unwrap_or(host_name.as_str()),
        port: port.get(),
        user: user.as_str(),
        jump: jump.as_deref().unwrap_or_default(),
        around,
    };
    let proxy_command = match said("proxycommand").filter(|_| proxy_jump.is_none()) {
        Some(template) => Some(command(template, &tokens)?),
        None => None,
    };
    let files = |key: &str, default: &[&str]| -> Result<Vec<PathBuf>, SettingsError> {
        let said = raw
            .all(key)
            .map(|all| all.iter().map(String::as_str).collect::<Vec<_>>());
        let mut paths = Vec::new();
        for text in said.unwrap_or_else(|| default.to_vec()) {
            if text == "none" || NOT_OURS.contains(&text) {
                continue;
            }
            let path = tokens.path(text).map_err(no_value(key, text))?;
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        Ok(paths)
    };
    let mut known_hosts = files("userknownhostsfile", &OWN_FILES)?;
    let own_known_hosts = known_hosts.len();
    known_hosts.extend(files("globalknownhostsfile", &GLOBAL_FILES)?);
    let identity_files = files("identityfile", &KEYS)?;
    let certificate_files = files("certificatefile", &[])?;
    let identity_agent = agent(raw.one("identityagent"), &tokens)?;
    let mut warnings = Vec::new();
    let strict = match raw.one("stricthostkeychecking") {
        Some("accept-new") => Strict::AcceptNew,
        Some("off") => Strict::NoIgnored,
        _ if raw.is_off("stricthostkeychecking") => Strict::NoIgnored,
        _ => Strict::Yes,
    };
    if strict == Strict::NoIgnored {
        warnings.push(format!(
            "StrictHostKeyChecking no is ignored for {original}: \
             its host key must be known (accept-new would be honoured)."
        ));
    }
    for key in ["bindaddress", "bindinterface"] {
        if let Some(value) = said(key) {
            warnings.push(format!(
                "The ssh setting {key} {value} is ignored for {original}."
            ));
        }
    }
    Ok(Settings {
        port,
        host_key_alias,
        known_hosts,
        own_known_hosts,
        identity_files,
        certificate_files,
        identity_agent,
        identities_only: raw.is_on("identitiesonly"),
        proxy_command,
        strict,
        family: match raw.one("addressfamily") {
            Some("inet") => Family::V4,
            Some("inet6") => Family::V6,
            _ => Family::Any,
        },
        methods: methods(raw),
        batch: raw.is_on("batchmode"),
        connect_timeout: raw.time("connecttimeout"),
        alive_interval: raw.time("serveraliveinterval"),
        alive_count: raw
            .one("serveralivecountmax")
            .and_then(|it| it.parse().ok()),
        warnings,
        proxy_jump,
        host_name,
        user,
    })
}

/// Settings that would make us trust more, or reach something else, if we passed over them.
fn refuse(raw: &Raw) -> Result<(), SettingsError> {
    if let Some(value) = raw.one("revokedhostkeys").filter(|value| *value != "none") {
        return Err(SettingsError::Unsupported {
            key: "RevokedHostKeys",
            value: value.to_owned(),
            instead: "Write the keys as @revoked lines into a known hosts file.",
        });
    }
    if raw.is_on("proxyusefdpass") {
        return Err(SettingsError::Unsupported {
            key: "ProxyUseFdpass",
            value: "yes".to_owned(),
            instead: "Let ProxyCommand carry the connection on its standard input and output.",
        });
    }
    Ok(())
}

/// `HostName` knows two tokens; the name is lower case from here on.
fn host_name(template: &str, original: &str) -> Result<Host, SettingsError> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('%') {
        text += before;
        text += match after.chars().next() {
            Some('h') => original,
            Some('%') => "%",
            other => {
                let part = other.map(|other| format!("%{other}")).unwrap_or_default();
                return Err(no_value("HostName", template)(NoValue(part)));
            }
        };
        rest = &after[1..];
    }
    text += rest;
    Host::new(&text.to_ascii_lowercase()).map_err(target("HostName"))
}

/// The command with its tokens. A shell will read it: the alias must be as plain as a host there.
fn command(template: &str, tokens: &Tokens<'_>) -> Result<ProxyCommand, SettingsError> {
    if template.contains("%k") {
        Host::new(tokens.alias).map_err(target("HostKeyAlias"))?;
    }
    let text = tokens
        .text(template)
        .map_err(no_value("ProxyCommand", template))?;
    Ok(ProxyCommand(text))
}

/// Where keys wait: a path, the name of a variable, or words of OpenSSH.
fn agent(said: Option<&str>, tokens: &Tokens<'_>) -> Result<IdentityAgent, SettingsError> {
    let session = |name: &str| (tokens.around.var)(name).filter(|path| !path.is_empty());
    Ok(match said {
        Some("none") => IdentityAgent::None,
        None | Some("SSH_AUTH_SOCK") => session("SSH_AUTH_SOCK")
            .map_or(IdentityAgent::None, |path| {
                IdentityAgent::Default(path.into())
            }),
        Some(text) => match text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
            Some(name) => {
                session(name).map_or(IdentityAgent::None, |path| IdentityAgent::Path(path.into()))
            }
            None => {
                let path = tokens.path(text).map_err(no_value("IdentityAgent", text))?;
                IdentityAgent::Path(path)
            }
        },
    })
}

/// The methods we have, in the order preferred, without those that are off.
fn methods(raw: &Raw) -> Vec<Method> {
    let preferred = raw.one("preferredauthentications");
    let preferred = preferred.unwrap_or("publickey,keyboard-interactive,password");
    let known = preferred.split(',').filter_map(|name| match name.trim() {
        "publickey" if !raw.is_off("pubkeyauthentication") => Some(Method::PublicKey),
        "keyboard-interactive" if !raw.is_off("kbdinteractiveauthentication") => {
            Some(Method::KeyboardInteractive)
        }
        "password" if !raw.is_off("passwordauthentication") => Some(Method::Password),
        _ => None,
    });
    known.collect()
}

/// Moves what OpenSSH expanded below the account's home to the home in force. It takes the home
/// from the table of accounts, we take `HOME`.
pub(super) fn move_home(raw: &mut Raw, from: &Path, to: &Path) {
    for key in [
        "userknownhostsfile",
        "globalknownhostsfile",
        "certificatefile",
        "identityagent",
    ] {
        raw.change(key, |word| {
            let below = Path::new(word).strip_prefix(from).ok()?;
            to.join(below).to_str().map(str::to_owned)
        });
    }
}
