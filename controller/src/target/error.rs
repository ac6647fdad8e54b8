//! What can be wrong with the text of a target, and how to mend it; no text is judged here.

use std::fmt;

/// The parts of a target that are checked on their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The machine ssh connects to.
    Host,
    /// The account on that machine, or in that container.
    User,
    /// The TCP port.
    Port,
    /// The directory on the other side.
    Path,
    /// A container, a compose service or a vagrant machine.
    Container,
    /// A private key file.
    Key,
    /// A chain of jump hosts.
    Jump,
    /// An OpenSSH configuration file.
    SshConfig,
    /// The account that `sudo` becomes.
    Sudo,
}

impl fmt::Display for Field {
    /// The words WP-CLI uses where it has them, so that its messages stay recognisable.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::User => "user",
            Self::Port => "port",
            Self::Path => "path",
            Self::Container => "container",
            Self::Key => "key",
            Self::Jump => "proxyjump",
            Self::SshConfig => "ssh_config",
            Self::Sudo => "sudo",
        })
    }
}

/// Why a value was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It would be read as an option by the program it is given to.
    Hyphen,
    /// It is empty.
    Empty,
    /// It holds a control character, a line break or a NUL.
    Control,
    /// It holds a character outside the field's alphabet, which is named.
    Character(&'static str),
    /// It is an internationalised name in its written form.
    NotAscii,
    /// It has colons, yet is no IPv6 address.
    NotIpv6,
    /// It is longer than this many bytes.
    Long(usize),
    /// It is no number from 1 to 65535.
    PortRange,
    /// It is a list, a map or nothing where text belongs.
    NotText,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hyphen => f.write_str("cannot start with a hyphen"),
            Self::Empty => f.write_str("cannot be empty"),
            Self::Control => f.write_str("cannot contain control characters"),
            Self::Character(alphabet) => write!(f, "may only contain {alphabet}"),
            Self::NotAscii => f.write_str("must be written in ASCII"),
            Self::NotIpv6 => f.write_str("with colons must be an IPv6 address"),
            Self::Long(limit) => write!(f, "cannot be longer than {limit} bytes"),
            Self::PortRange => f.write_str("must be a number from 1 to 65535"),
            Self::NotText => f.write_str("must be a string"),
        }
    }
}

/// A target that was refused before anything was contacted.
///
/// Refused text is shown escaped: it may hold what a terminal would obey.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// One part is not allowed. The wording is WP-CLI's where WP-CLI has one.
    #[error("Invalid SSH {field}: value {flaw}.")]
    Invalid {
        /// Which part.
        field: Field,
        /// The refused text.
        value: String,
        /// Why it was refused.
        flaw: Flaw,
    },
    /// The text does not follow the grammar of connection strings.
    #[error("Invalid connection string '{}'.", shown(text))]
    Unparsable {
        /// The whole text.
        text: String,
    },
    /// A scheme is followed by no host or container: WP-CLI connects to a host named like the scheme.
    #[error(
        "Invalid connection string '{}': nothing to connect to after '{scheme}:'.",
        shown(text)
    )]
    Nowhere {
        /// The scheme that was typed.
        scheme: &'static str,
        /// The whole text.
        text: String,
    },
    /// A URL with a scheme that `--ssh` does not know.
    #[error("Invalid connection string '{}': this is a URL.", shown(text))]
    Url {
        /// The whole text.
        text: String,
    },
    /// A password was put into the connection string.
    #[error("Invalid connection string: it contains a password.")]
    Password,
    /// The address of a bridge is not allowed.
    #[error("Invalid HTTP address '{}': {why}.", shown(text))]
    Http {
        /// The whole text; without the user information when that is what is wrong.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The hash of a bridge's key is none.
    #[error("Invalid pin '{}'.", shown(shorten(.0)))]
    Pin(String),
}

/// The right form, shown whenever a connection string is refused as a whole.
const FORM: &str = "[<scheme>:][<user>@]<host|container>[:<port>][<path>]";

impl TargetError {
    /// What the operator can do about it.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            Self::Invalid { field, value, flaw } => match flaw {
                Flaw::NotAscii => format!("Write '{}' in its xn-- form.", shown(value)),
                Flaw::NotText => format!("Write one text after `{field}:`."),
                Flaw::Hyphen
                | Flaw::Empty
                | Flaw::Control
                | Flaw::Character(_)
                | Flaw::NotIpv6
                | Flaw::Long(_)
                | Flaw::PortRange => {
                    format!("Correct the {field} '{}'.", shown(shorten(value)))
                }
            },
            Self::Unparsable { .. } => format!(
                "Use {FORM} with an absolute path or one that starts with ~, for example \
                 deploy@example.com:2222/var/www; an IPv6 address goes in brackets: [::1]:22/path."
            ),
            Self::Nowhere { scheme, .. } => format!(
                "Name a host or container: {scheme}:<name>, or {scheme}:<name>/path/to/wordpress."
            ),
            Self::Url { .. } => {
                format!(
                    "Use {FORM} or ssh://user@host:port/path; --http takes the URL of a bridge."
                )
            }
            Self::Password => "Remove the password; use a key or the ssh agent instead.".to_owned(),
            Self::Http { .. } => {
                "Use https://host[:port][/path]; plain http is for a loopback address only."
                    .to_owned()
            }
            Self::Pin(_) => {
                "Use sha256: and the base64 that kickout-bridge or openssl prints for the key."
                    .to_owned()
            }
        }
    }
}

/// Text that may come from anywhere, safe for a terminal and still readable: quotes stay as they
/// are, control characters and those that change the direction of text are escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\'' | '"' | '\\' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    out
}

/// Cuts a refused value so that an error stays readable.
fn shorten(value: &str) -> &str {
    let end = value
        .char_indices()
        .nth(80)
        .map_or(value.len(), |(at, _)| at);
    &value[..end]
}
