//! Why a bridge is not installed, brought up to date or removed, and what mends it.

use std::io;
use std::path::{Path, PathBuf};

use super::places::BRIDGE;
use crate::config::{ACCOUNT, ConfigError, PLACE};
use crate::owner::OwnerError;
use crate::token::TokenError;

/// Why the host is not as it was to be.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// What came is no order, or not all of it.
    #[error("the order did not arrive: {0}")]
    Order(String),
    /// Only root may.
    #[error("a bridge is installed by root, and this account is not")]
    NotRoot,
    /// The system said no.
    #[error("cannot {what} {}: {why}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Somebody else could exchange what lies there.
    #[error("{} is no folder of root's alone", .0.display())]
    Unsafe(PathBuf),
    /// A path that names no folder.
    #[error("there is no folder {}", .0.display())]
    NoSite(PathBuf),
    /// A site of nobody's, or of root's.
    #[error("{} belongs to the account {uid}, as which no agent runs", path.display())]
    Whose {
        /// The site.
        path: PathBuf,
        /// Its owner's number.
        uid: u32,
    },
    /// An address that is none.
    #[error("{0:?} is no address of a site")]
    Url(String),
    /// Two sites cannot have one name.
    #[error("another site is called {0:?}")]
    Name(String),
    /// It is there, and otherwise.
    #[error("{} is in {PLACE} with the {what} {is}, not {asked}", path.display())]
    Differs {
        /// The site.
        path: PathBuf,
        /// Which setting.
        what: &'static str,
        /// What was asked for.
        asked: String,
        /// What it is.
        is: String,
    },
    /// Sites that are written as one value.
    #[error("{PLACE} has its sites in a form that takes no others")]
    Form,
    /// A privilege that there is not.
    #[error("no such scope: {0}")]
    Scope(String),
    /// A privilege that needs a user.
    #[error("a scope of one's own needs to know whose it is")]
    OwnScope,
    /// What the bridge says of its configuration.
    #[error(transparent)]
    Config(ConfigError),
    /// What the bridge says of an account.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// What the bridge says of its tokens.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The account of the front cannot be made.
    #[error("cannot make the account {ACCOUNT}: {0}")]
    Account(String),
    /// The program does not start there.
    #[error("the bridge would not start: {0}")]
    Check(String),
    /// The service manager said no.
    #[error("systemctl {0}: {1}")]
    Service(String, String),
    /// It was started, and is not heard.
    #[error("the bridge was started, and does not answer on {0}: {1}")]
    Silent(std::net::SocketAddr, String),
    /// Debian's tools have installed it.
    #[error("the bridge of this host is the package kickout-bridge")]
    Packaged,
    /// There is none.
    #[error("no bridge is installed on this host")]
    NotInstalled,
    /// It was started by hand.
    #[error("the bridge runs, and no systemd that would stop it (process {})", .0.join(", "))]
    Running(Vec<String>),
}

impl InstallError {
    pub(super) fn io(what: &'static str, path: &Path, why: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { what, path, why }
    }

    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Order(_) => "Run the command again: what was done is not done twice.".to_owned(),
            Self::NotRoot => "Log in as root (--ssh=root@<host>), or add --sudo=root.".to_owned(),
            Self::Io { path, .. } => format!(
                "Look at {} (space, mounts, permissions), then run the command again.",
                path.display()
            ),
            Self::Unsafe(path) => format!(
                "See whose it is, then: chown root:root {0} && chmod go-w {0}",
                path.display()
            ),
            Self::NoSite(_) => "Give --site=<the site's folder on that host>, absolute.".to_owned(),
            Self::Whose { .. } => {
                "Give --owner=<account>: the one that its PHP runs as, and never root.".to_owned()
            }
            Self::Url(_) => "Give --url=https://<host>[/<path>].".to_owned(),
            Self::Name(_) => "Give --name=<another>.".to_owned(),
            Self::Differs { what, .. } => {
                format!("Give that --{what}, or change {PLACE} and run the command again.")
            }
            Self::Form => "Write each of them as [[site]], as in docs/bridge.md.".to_owned(),
            Self::Scope(_) => "docs/bridge.md says what each allows.".to_owned(),
            Self::OwnScope => {
                format!("Make such a token on the host: {BRIDGE} token add --user=<id>")
            }
            Self::Config(error) => error.fix(),
            Self::Owner(error) => error.fix(),
            Self::Token(error) => error.fix(),
            Self::Account(_) => format!(
                "Make it by hand, then run the command again: useradd --system --no-create-home \
                 --shell /usr/sbin/nologin {ACCOUNT}"
            ),
            Self::Check(_) => format!("Mend {PLACE}, then run the command again."),
            Self::Service(..) | Self::Silent(..) => {
                "See why on the host: systemctl status kickout-bridge; journalctl -u kickout-bridge"
                    .to_owned()
            }
            Self::Packaged => {
                "Use its tools: apt-get install --only-upgrade, apt-get remove, apt-get purge \
                 kickout-bridge."
                    .to_owned()
            }
            Self::NotInstalled => {
                "Install it: kickout bridge install --site=<path> --url=<address>".to_owned()
            }
            Self::Running(pids) => format!(
                "Stop it on the host (kill {}: {BRIDGE} finishes what runs), then run the command \
                 again.",
                pids.join(" ")
            ),
        }
    }
}
