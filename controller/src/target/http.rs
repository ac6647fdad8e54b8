//! The address of a bridge, `--http=<url>`; judged as text, never resolved.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::TargetError;
use super::field::{Hop, Host, Port};

/// An `https` address, or an `http` one on a loopback interface.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    text: String,
    host: Host,
    port: Port,
    tls: bool,
}

impl HttpUrl {
    /// Reads `https://host[:port][/path][?query]`.
    ///
    /// Refused: user information (it would end in logs), a fragment (it would never be sent),
    /// white space, control characters and backslashes (parsers disagree about them), and plain
    /// http to anything but `localhost`, `127.0.0.0/8` and `[::1]`.
    pub fn new(text: &str) -> Result<Self, TargetError> {
        let refuse = |why| TargetError::Http {
            text: text.to_owned(),
            why,
        };
        if text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
        {
            return Err(refuse(
                "it contains white space, a control character or a backslash",
            ));
        }
        if !text.is_ascii() {
            return Err(refuse("it is not ASCII: write the host in its xn-- form"));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(refuse("it has no scheme"));
        };
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(refuse("only https and http are known")),
        };
        if text.contains('#') {
            return Err(refuse("it has a fragment"));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if let Some((_, after)) = authority.rsplit_once('@') {
            // The text is not repeated: it may hold a password.
            let text = format!("{scheme}://…@{after}{path}");
            return Err(TargetError::Http {
                text,
                why: "it contains user information",
            });
        }
        let hop = Hop::parse(authority).map_err(|_| refuse("its host or port is not valid"))?;
        if !tls && !loopback(&hop.host) {
            return Err(refuse("plain http would send credentials in the clear"));
        }
        let port = match hop.port {
            Some(port) => port,
            None => Port::new(if tls { "443" } else { "80" })?,
        };
        Ok(Self {
            text: text.to_owned(),
            host: hop.host,
            port,
            tls,
        })
    }

    /// The address exactly as it was accepted.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, also when it was not written.
    #[must_use]
    pub fn port(&self) -> Port {
        self.port
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn tls(&self) -> bool {
        self.tls
    }

    /// Host and port as a request names them: the port only where it is not the usual one.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.port.get() {
            443 if self.tls => self.bracketed(),
            80 if !self.tls => self.bracketed(),
            _ => self.with_port(),
        }
    }

    /// Host and port, whichever it is.
    #[must_use]
    pub fn with_port(&self) -> String {
        format!("{}:{}", self.bracketed(), self.port.get())
    }

    fn bracketed(&self) -> String {
        match self.host.as_str() {
            host if host.contains(':') => format!("[{host}]"),
            host => host.to_ascii_lowercase(),
        }
    }

    /// What follows the port, as it was written.
    #[must_use]
    pub fn path(&self) -> &str {
        let rest = self.text.split_once("://").map_or("", |(_, rest)| rest);
        rest.find(['/', '?']).map_or("", |at| &rest[at..])
    }

    /// Whether it is on the operator's own machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        loopback(&self.host)
    }
}

/// The SHA-256 of a server's public key (its `SubjectPublicKeyInfo`), `sha256:<base64>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin(pub [u8; 32]);

impl Pin {
    /// Reads `sha256:` and 32 bytes in base64.
    pub fn new(text: &str) -> Result<Self, TargetError> {
        let bytes = text
            .strip_prefix("sha256:")
            .and_then(|it| STANDARD.decode(it).ok())
            .and_then(|it| it.try_into().ok());
        let refused = || TargetError::Pin(text.to_owned());
        bytes.map(Self).ok_or_else(refused)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", STANDARD.encode(self.0))
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether this name can only mean the operator's own machine.
fn loopback(host: &Host) -> bool {
    let text = host.as_str();
    text.eq_ignore_ascii_case("localhost")
        || text.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || text.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{HttpUrl, Pin};

    #[test]
    fn pins_are_hashes_in_base64() {
        let text = format!("sha256:{}=", "A".repeat(43));
        assert_eq!(Pin::new(&text).unwrap(), Pin([0; 32]));
        assert_eq!(Pin([0; 32]).to_string(), text);
        for wrong in ["", "sha256:", "sha256:AAAA", "sha1:AAAA", "md5", &text[7..]] {
            assert!(Pin::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_has_an_authority_and_a_path() {
        for (text, authority, path) in [
            ("https://Shop.example", "shop.example", ""),
            ("https://shop.example:443/", "shop.example", "/"),
            ("https://h:8440/x/y", "h:8440", "/x/y"),
            ("https://[::1]:8440?q", "[::1]:8440", "?q"),
            ("http://localhost:80", "localhost", ""),
        ] {
            let url = HttpUrl::new(text).unwrap();
            assert_eq!((url.authority().as_str(), url.path()), (authority, path));
        }
    }

    #[test]
    fn addresses_are_accepted_or_refused() {
        for (text, host, port, tls) in [
            (
                "https://bridge.example/kick?x=1",
                "bridge.example",
                443,
                true,
            ),
            ("HTTPS://b:8443", "b", 8443, true),
            ("https://[2001:db8::1]:9/p", "2001:db8::1", 9, true),
            ("http://localhost", "localhost", 80, false),
            ("http://127.8.9.1:81/", "127.8.9.1", 81, false),
            ("http://[::1]:82/", "::1", 82, false),
        ] {
            let url = HttpUrl::new(text).unwrap();
            assert_eq!(
                (url.host().as_str(), url.port().get(), url.tls()),
                (host, port, tls)
            );
            assert_eq!(url.to_string(), text);
        }
        for text in [
            "",
            "https://",
            "https:///p",
            "https://?q",
            "bridge.example",
            "ftp://h",
            "file:///etc/passwd",
            "javascript://h",
            "http://bridge.example",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "http://2130706433",
            "http://0x7f.1",
            "http://[::ffff:10.0.0.1]",
            "https://u@h",
            "https://u:p@h/",
            "https://h@localhost",
            "https://h\\@evil",
            "https://h/#f",
            "https://h:0",
            "https://h:65536",
            "https://h:22x",
            "https://h:+22",
            "https://h h",
            "https://h\n",
            "https://h/\u{0}",
            "https://hö.example",
            "https://[::1",
            "https://[nope]",
            "https://[::1]x",
            "https://-h",
            "https://a,b",
            "https://::1",
        ] {
            assert!(HttpUrl::new(text).is_err(), "{text:?}");
        }
        let error = HttpUrl::new("https://me:hunter2@h/").unwrap_err();
        assert!(!format!("{error}{error:?}").contains("hunter2"));
    }
}
