//! The typed parts of a target: each is checked once, when it is made, and never again.
//!
//! Border: a value of one of these types is safe as one argument of a program and as one field of
//! a protocol message; what it means on the network is not known here.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use super::error::{Field, Flaw, TargetError};

/// DNS allows 253 characters; no address is longer.
const MAX_NAME: usize = 253;

/// What Linux allows for a path.
const MAX_PATH: usize = 4096;

/// A host name, an IPv4 or an IPv6 address (without brackets).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(String);

/// An account name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct User(String);

/// A TCP port, 1 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port(NonZeroU16);

/// A directory on the other side; may start with `~`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemotePath(String);

/// A container, compose service or vagrant machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Container(String);

/// A file of the operator that ssh is given: a private key or a configuration; may start with `~`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPath(String);

/// One host on the way: `[<user>@]<host>[:<port>]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hop {
    /// The host to pass through.
    pub host: Host,
    /// The account there.
    pub user: Option<User>,
    /// The port there.
    pub port: Option<Port>,
}

/// The hosts on the way, first to last; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Jump(Vec<Hop>);

/// The checks that all names share; `alphabet` describes `allowed` in words.
fn name(
    field: Field,
    value: &str,
    alphabet: &'static str,
    allowed: impl Fn(char) -> bool,
) -> Result<String, TargetError> {
    let flaw = if value.is_empty() {
        Flaw::Empty
    } else if value.starts_with('-') {
        Flaw::Hyphen
    } else if value.chars().any(char::is_control) {
        Flaw::Control
    } else if value.len() > MAX_NAME {
        Flaw::Long(MAX_NAME)
    } else if field == Field::Host && value.chars().any(|c| !c.is_ascii() && c.is_alphanumeric()) {
        Flaw::NotAscii
    } else if !value.chars().all(allowed) {
        Flaw::Character(alphabet)
    } else {
        return Ok(value.to_owned());
    };
    Err(refuse(field, value, flaw))
}

/// The checks that paths share: any text that can be one path at all.
fn path(field: Field, value: &str) -> Result<String, TargetError> {
    let flaw = if value.is_empty() {
        Flaw::Empty
    } else if value.contains(['\0', '\n']) {
        Flaw::Control
    } else if value.len() > MAX_PATH {
        Flaw::Long(MAX_PATH)
    } else {
        return Ok(value.to_owned());
    };
    Err(refuse(field, value, flaw))
}

/// The error for one field.
pub(crate) fn refuse(field: Field, value: &str, flaw: Flaw) -> TargetError {
    TargetError::Invalid {
        field,
        value: value.to_owned(),
        flaw,
    }
}

impl Host {
    /// Accepts `[A-Za-z0-9._-]+`, and IPv6 addresses without brackets.
    pub fn new(value: &str) -> Result<Self, TargetError> {
        let text = name(Field::Host, value, "letters, digits and . _ - :", |c| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-')
        })?;
        if text.contains(':') && text.parse::<Ipv6Addr>().is_err() {
            return Err(refuse(Field::Host, value, Flaw::NotIpv6));
        }
        Ok(Self(text))
    }

    /// Writes an IPv6 address in brackets, as connection strings and URLs need it.
    pub(crate) fn bracketed(&self) -> String {
        if self.0.contains(':') {
            format!("[{}]", self.0)
        } else {
            self.0.clone()
        }
    }
}

impl User {
    /// Accepts `[A-Za-z0-9._@+-]+` that does not start with a hyphen.
    pub fn new(value: &str) -> Result<Self, TargetError> {
        Self::named(Field::User, value)
    }

    /// The same for another field that names an account.
    pub(crate) fn named(field: Field, value: &str) -> Result<Self, TargetError> {
        name(field, value, "letters, digits and . _ @ + -", |c| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '+' | '-')
        })
        .map(Self)
    }
}

impl Port {
    /// Accepts decimal digits from 1 to 65535.
    pub fn new(value: &str) -> Result<Self, TargetError> {
        // `parse` alone would also take a leading plus sign.
        let digits = value.bytes().all(|b| b.is_ascii_digit());
        let number = value.parse().ok().filter(|_| digits);
        number
            .map(Self)
            .ok_or_else(|| refuse(Field::Port, value, Flaw::PortRange))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0.get()
    }
}

impl RemotePath {
    /// Accepts any text without NUL and newline, up to 4096 bytes.
    pub fn new(value: &str) -> Result<Self, TargetError> {
        path(Field::Path, value).map(Self)
    }
}

impl Container {
    /// Accepts `[A-Za-z0-9][A-Za-z0-9_.-]*`.
    pub fn new(value: &str) -> Result<Self, TargetError> {
        let alphabet = "letters, digits and _ . -, starting with a letter or digit";
        let text = name(Field::Container, value, alphabet, |c| {
            c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
        })?;
        if text.starts_with(['_', '.']) {
            return Err(refuse(Field::Container, value, Flaw::Character(alphabet)));
        }
        Ok(Self(text))
    }
}

impl KeyPath {
    /// Accepts any path that does not start with a hyphen.
    pub fn new(value: &str) -> Result<Self, TargetError> {
        Self::named(Field::Key, value)
    }

    /// The same for another field that names a file.
    pub(crate) fn named(field: Field, value: &str) -> Result<Self, TargetError> {
        if value.starts_with('-') {
            return Err(refuse(field, value, Flaw::Hyphen));
        }
        path(field, value).map(Self)
    }
}

impl Hop {
    /// Reads `[<user>@]<host>[:<port>]`, where an IPv6 host is in brackets; an IPv4 address may be.
    ///
    /// Unlike WP-CLI's grammar the last `@` divides, as in OpenSSH: this form is OpenSSH's.
    pub(crate) fn parse(text: &str) -> Result<Self, TargetError> {
        let (user, rest) = match text.rsplit_once('@') {
            Some((user, rest)) => (Some(User::new(user)?), rest),
            None => (None, text),
        };
        let unparsable = || TargetError::Unparsable {
            text: text.to_owned(),
        };
        let (host, port) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (host, after) = inner.split_once(']').ok_or_else(unparsable)?;
                // `ssh -G` puts every numeric address of a jump host in brackets.
                if !host.contains(':') && host.parse::<Ipv4Addr>().is_err() {
                    return Err(refuse(Field::Host, host, Flaw::NotIpv6));
                }
                match after.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if after.is_empty() => (host, None),
                    None => return Err(unparsable()),
                }
            }
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let port = port
            .filter(|port| !port.is_empty())
            .map(Port::new)
            .transpose()?;
        Ok(Self {
            host: Host::new(host)?,
            user,
            port,
        })
    }
}

impl Jump {
    /// Accepts OpenSSH's `ProxyJump`: hops separated by commas.
    pub fn new(value: &str) -> Result<Self, TargetError> {
        let flaw = if value.is_empty() {
            Flaw::Empty
        } else if value.starts_with('-') {
            Flaw::Hyphen
        } else {
            // Whatever is wrong with a hop is wrong with the chain: the operator knows that word.
            let hops = value.split(',').map(|hop| {
                Hop::parse(hop).map_err(|error| match error {
                    TargetError::Invalid { flaw, .. } => refuse(Field::Jump, value, flaw),
                    other => other,
                })
            });
            return hops.collect::<Result<_, _>>().map(Self);
        };
        Err(refuse(Field::Jump, value, flaw))
    }

    /// The chain of these hops; `None` when there are none.
    pub(crate) fn of(hops: &[Hop]) -> Option<Self> {
        (!hops.is_empty()).then(|| Self(hops.to_vec()))
    }

    /// The hops, first to last.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        &self.0
    }
}

/// The two views that all text fields share.
macro_rules! text_field {
    ($($name:ident),*) => {$(
        impl $name {
            /// The text, exactly as it was accepted.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

text_field!(Host, User, RemotePath, Container, KeyPath);

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host.bracketed())?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, hop) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            hop.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "field_tests.rs"]
mod tests;
