//! `kickout-bridge.toml`: what is served, where, to whom. Read once, whole, and refused where it
//! would be unsafe; opens nothing but itself.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

use crate::private::{NotPrivate, is_own, is_private};

/// Where the configuration of an installed bridge lies.
pub const PLACE: &str = "/etc/kickout/kickout-bridge.toml";

/// The account of the front, unless it is said.
pub const ACCOUNT: &str = "kickout-bridge";

/// The longest name of a site.
const MAX_NAME: usize = 64;

/// What a bridge serves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it listens. On loopback unless told.
    #[serde(default = "listen")]
    pub listen: SocketAddr,
    /// Where tokens, audit and operations are kept.
    #[serde(default = "state")]
    pub state: PathBuf,
    /// Whose rights the front has, when the bridge is root.
    #[serde(default = "account")]
    pub account: String,
    /// Its certificate. Without it the bridge speaks plain HTTP, which only loopback hears.
    pub tls: Option<Tls>,
    /// Plain HTTP, for a web server on the same host in front of it.
    #[serde(default)]
    pub plaintext: bool,
    /// Names it answers to, beside those of the sites and its own address.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Addresses whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<IpAddr>,
    /// The sites; nothing else can be addressed.
    #[serde(default, rename = "site")]
    pub sites: Vec<Site>,
}

/// How it shows who it is, and who else may come.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM, the chain from the bridge's own certificate on.
    pub certificate: PathBuf,
    /// PEM, readable by nobody else.
    pub key: PathBuf,
    /// PEM of the authorities whose client certificates are taken. Without it none is asked for.
    pub client_authorities: Option<PathBuf>,
    /// A client without a certificate is not heard.
    #[serde(default)]
    pub client_required: bool,
}

/// A WordPress of this host.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// What tokens and requests call it.
    pub name: String,
    /// Its root folder.
    pub path: PathBuf,
    /// Its address.
    pub url: String,
    /// The account its files belong to; the agent runs as it.
    pub owner: String,
}

fn listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 8440))
}

pub(crate) fn state() -> PathBuf {
    PathBuf::from("/var/lib/kickout-bridge")
}

fn account() -> String {
    ACCOUNT.to_owned()
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// It is not what it should be.
    #[error("{}: {}", path.display(), why.trim_end())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What, and where.
        why: String,
    },
    /// Everybody on the network could read tokens.
    #[error(
        "{0} is not on loopback, and there is no [tls]: tokens would cross the network in clear"
    )]
    Plaintext(SocketAddr),
    /// Nobody has said that it is meant.
    #[error("there is no [tls]")]
    NoTls,
    /// Both.
    #[error("there is [tls], and plaintext = true")]
    Both,
    /// A client certificate is required, and none can be checked.
    #[error("client_required is set, and client_authorities is not")]
    NoAuthorities,
    /// A site that cannot be addressed, or is none.
    #[error("site {name:?}: {why}")]
    Site {
        /// Its name.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// There is nothing to serve.
    #[error("there is no [[site]]")]
    NoSite,
    /// Others could read or change what is kept.
    #[error("the state folder {0}")]
    State(NotPrivate),
}

impl ConfigError {
    /// The setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Io { .. } => format!("Give --config=<file>; an installed bridge has {PLACE}."),
            Self::Syntax { .. } => "docs/bridge.md names every setting.".to_owned(),
            Self::Plaintext(_) | Self::NoTls => {
                "Make a certificate (kickout-bridge cert), or let a web server on this host speak \
                 TLS: listen on 127.0.0.1 with plaintext = true."
                    .to_owned()
            }
            Self::Both => "Leave one of them out.".to_owned(),
            Self::NoAuthorities => {
                "Name the file of the authority: kickout-bridge cert makes one.".to_owned()
            }
            Self::State(NotPrivate { path, .. }) => format!(
                "chmod 700 {0}, and chown it to the account of the bridge.",
                path.display()
            ),
            Self::Site { .. } | Self::NoSite => {
                "A site has a name, a path, a url and an owner: see docs/bridge.md.".to_owned()
            }
        }
    }
}

impl Config {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|why| {
            let path = path.to_owned();
            ConfigError::Io { path, why }
        })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a file.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|why| ConfigError::Syntax {
            path: path.to_owned(),
            why: why.to_string(),
        })?;
        config.safe()
    }

    fn safe(self) -> Result<Self, ConfigError> {
        match (&self.tls, self.plaintext) {
            (None, _) if !self.listen.ip().is_loopback() => {
                return Err(ConfigError::Plaintext(self.listen));
            }
            (None, false) => return Err(ConfigError::NoTls),
            (Some(_), true) => return Err(ConfigError::Both),
            (Some(tls), _) if tls.client_required && tls.client_authorities.is_none() => {
                return Err(ConfigError::NoAuthorities);
            }
            _ => {}
        }
        if self.sites.is_empty() {
            return Err(ConfigError::NoSite);
        }
        for (at, site) in self.sites.iter().enumerate() {
            site.safe().map_err(|why| site.error(why))?;
            if self.sites[..at].iter().any(|other| other.name == site.name) {
                return Err(site.error("there is another of this name"));
            }
        }
        Ok(self)
    }

    /// Whether the state folder is ours alone.
    pub fn state_is_private(&self) -> Result<(), ConfigError> {
        let facts = fs::symlink_metadata(&self.state).map_err(|why| {
            let path = self.state.clone();
            ConfigError::Io { path, why }
        })?;
        match facts.is_dir() && is_own(&facts) && is_private(&facts) {
            true => Ok(()),
            false => Err(ConfigError::State(NotPrivate::of(&self.state, &facts))),
        }
    }

    /// The site of this name.
    pub fn site(&self, name: &str) -> Option<&Site> {
        self.sites.iter().find(|site| site.name == name)
    }

    /// The names this bridge is called by: a browser that was led here by another one is not
    /// answered.
    pub fn names(&self) -> Vec<String> {
        let sites = self.sites.iter().filter_map(|site| authority(&site.url));
        let mut names = vec![self.listen.to_string()];
        names.extend(self.hosts.iter().cloned());
        names.extend(sites.map(str::to_owned));
        names
    }
}

impl Site {
    fn safe(&self) -> Result<(), &'static str> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.chars().all(plain) {
            return Err("a name has up to 64 lower-case letters, digits, dots and dashes");
        }
        if !self.path.is_absolute() {
            return Err("its path is not absolute");
        }
        if authority(&self.url).is_none() {
            return Err("its url has no host, or is not http or https");
        }
        match self.owner.as_str() {
            "" => Err("it has no owner"),
            "root" => Err("its owner is root: a site's code never runs as root"),
            _ => Ok(()),
        }
    }

    fn error(&self, why: &'static str) -> ConfigError {
        let name = self.name.clone();
        ConfigError::Site { name, why }
    }
}

/// Host and port of a URL.
pub(crate) fn authority(url: &str) -> Option<&str> {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme))?;
    let host = rest.split(['/', '?', '#']).next()?;
    (!host.is_empty() && !host.contains('@')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "[[site]]\nname = 'shop'\npath = '/srv/shop'\nurl = 'https://Shop.example/x'\n\
                        owner = 'www-data'\n";

    fn read(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("b.toml");
        fs::write(&file, text).unwrap();
        Config::read(&file).map_err(|error| {
            assert!(!error.fix().is_empty());
            error.to_string()
        })
    }

    #[test]
    fn what_is_safe_is_read() {
        let config = read(&format!(
            "plaintext = true\nhosts = ['b.example:8440']\n{SITE}"
        ))
        .unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8440");
        assert_eq!(config.state, Path::new("/var/lib/kickout-bridge"));
        assert_eq!(config.site("shop").unwrap().owner, "www-data");
        assert_eq!(config.site("other"), None);
        let names = ["127.0.0.1:8440", "b.example:8440", "Shop.example"];
        assert_eq!(config.names(), names);
        assert_eq!(config.account, "kickout-bridge");
        let tls = "[tls]\ncertificate = 'c'\nkey = 'k'\n";
        assert!(read(&format!("listen = '0.0.0.0:443'\n{tls}{SITE}")).is_ok());
        assert!(read(&format!("listen = '[::1]:1'\nplaintext = true\n{SITE}")).is_ok());
    }

    #[test]
    fn what_is_not_is_refused() {
        let tls = "[tls]\ncertificate = 'c'\nkey = 'k'\n";
        let site = |from: &str, to: &str| format!("plaintext = true\n{}", SITE.replace(from, to));
        let rows = [
            (SITE.to_owned(), "there is no [tls]"),
            (
                format!("listen = '0.0.0.0:1'\nplaintext = true\n{SITE}"),
                "in clear",
            ),
            (format!("listen = '[::]:1'\n{SITE}"), "in clear"),
            (format!("plaintext = true\n{tls}{SITE}"), "plaintext = true"),
            (
                format!("{tls}client_required = true\n{SITE}"),
                "client_authorities",
            ),
            ("plaintext = true".to_owned(), "there is no [[site]]"),
            (
                format!("plaintext = true\n{SITE}{SITE}"),
                "another of this name",
            ),
            (
                format!("plaintext = true\nsudo = 1\n{SITE}"),
                "unknown field `sudo`",
            ),
            (site("owner =", "owners ="), "unknown field `owners`"),
            (site("'/srv/shop'", "'srv'"), "not absolute"),
            (site("'shop'", "'../shop'"), "lower-case letters"),
            (site("'shop'", "''"), "lower-case letters"),
            (site("https://Shop.example/x", "ftp://x"), "no host"),
            (site("https://Shop.example/x", "https:///x"), "no host"),
            (site("https://Shop", "https://u:p@Shop"), "no host"),
            (site("www-data", "root"), "never runs as root"),
            (site("www-data", ""), "no owner"),
            ("listen = 8440".to_owned(), "line 1"),
        ];
        for (text, why) in rows {
            let error = read(&text).unwrap_err();
            assert!(error.contains(why), "{text}\n{error}");
        }
        assert!(Config::read(Path::new("/nowhere/b.toml")).is_err());
    }
}
