//! Where a page is: its address as an operator writes it, and a web server that answers for it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use hyper::Uri;

/// The page that only a logged-in user sees, below a site's address.
const PROFILE: &str = "/wp-admin/profile.php";

/// An address of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub(super) tls: bool,
    /// Host and port as written: what a browser sends.
    pub(super) authority: String,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
}

impl Page {
    /// The profile page of the site at `url`, as the operator writes it.
    pub fn below(url: &str) -> Option<Self> {
        let mut page = Self::read(url)?;
        page.path = format!("{}{PROFILE}", page.path.trim_end_matches('/'));
        Some(page)
    }

    /// The profile page as the site names it; nothing else is one.
    pub fn profile(url: &str) -> Option<Self> {
        Self::read(url).filter(|page| page.path.ends_with("/profile.php"))
    }

    fn read(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || uri.query().is_some() || url.contains('#') {
            return None;
        }
        let host = authority.host();
        let host = host.strip_prefix('[').unwrap_or(host);
        Some(Self {
            tls,
            host: host.strip_suffix(']').unwrap_or(host).to_owned(),
            port: match authority.port_u16() {
                Some(port) => port,
                // What stands there is no port.
                None if authority.as_str() != authority.host() => return None,
                None if tls => 443,
                None => 80,
            },
            authority: authority.as_str().to_owned(),
            path: uri.path().to_owned(),
        })
    }

    /// Whether it is on this host and port, written as `--url` may be.
    pub fn is_at(&self, url: &str) -> bool {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.eq_ignore_ascii_case(&self.authority)
    }

    /// Whether every machine has this address, each its own.
    pub(super) fn is_loopback(&self) -> bool {
        let ip: Option<IpAddr> = self.host.parse().ok();
        self.host.eq_ignore_ascii_case("localhost") || ip.is_some_and(|ip| ip.is_loopback())
    }

    /// The site it belongs to, as a person writes it.
    pub fn site(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let path = self.path.strip_suffix(PROFILE).unwrap_or("");
        format!("{scheme}://{}{path}", self.authority)
    }
}

/// `--head`: one web server of several, or one behind a name that leads elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub(super) ip: IpAddr,
    pub(super) port: Option<u16>,
}

impl Head {
    /// Reads `ip`, `ip:port`, `[ip]` or `[ip]:port`.
    pub fn read(text: &str) -> Option<Self> {
        if let Ok(at) = text.parse::<SocketAddr>() {
            let port = Some(at.port()).filter(|port| *port > 0)?;
            return Some(Self {
                ip: at.ip(),
                port: Some(port),
            });
        }
        let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let ip = bare.unwrap_or(text).parse().ok()?;
        Some(Self { ip, port: None })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.ip, port).fmt(f),
            None => self.ip.fmt(f),
        }
    }
}
