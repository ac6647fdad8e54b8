//! Why there is no way to a bridge, and what mends it.

use std::path::PathBuf;

use kickout_shared::version;

use crate::exit::Exit;

/// Why a bridge cannot be asked. Nothing was asked of a site.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// A file of the operator's that was named.
    #[error("cannot use {}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A secret that others can read.
    #[error("{} can be read by others", path.display())]
    NotPrivate {
        /// Which.
        path: PathBuf,
    },
    /// What should be a token is none.
    #[error("what {0} holds is no token of a bridge")]
    NotToken(String),
    /// There is none.
    #[error("there is no token for {place}")]
    NoToken {
        /// The bridge's host and port.
        place: String,
        /// Where one is looked for.
        file: Option<PathBuf>,
    },
    /// One token, several bridges.
    #[error("{what} is for one bridge, and {count} are addressed")]
    OneToken {
        /// Where the token comes from.
        what: &'static str,
        /// How many.
        count: usize,
    },
    /// The address has a part that means nothing to a bridge.
    #[error("{0} has a query, which the address of a bridge cannot have")]
    Query(String),
    /// The way to a plain address leads through no proxy.
    #[error("{0} is this very machine, and --http-proxy leads elsewhere")]
    ProxyLoopback(String),
    /// The name means nothing.
    #[error("the name {host} leads nowhere: {why}")]
    Resolve {
        /// The name.
        host: String,
        /// What the system said.
        why: String,
    },
    /// Nobody is there, or the way is closed.
    #[error("no connection to {place}: {why}")]
    Connect {
        /// Host and port.
        place: String,
        /// What the system, or the proxy, said.
        why: String,
    },
    /// It is not who it should be.
    #[error("the certificate of {place} {why}")]
    Certificate {
        /// Host and port.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// It has another key than the one that was named.
    #[error("the key of {place} is {found}, which no --http-pin names")]
    Pinned {
        /// Host and port.
        place: String,
        /// Its key's hash.
        found: String,
    },
    /// No encryption.
    #[error("no TLS with {place}: {why}")]
    Tls {
        /// Host and port.
        place: String,
        /// What the library said.
        why: String,
    },
    /// It answers, but is no bridge.
    #[error("{place} is no bridge: {why}")]
    NoBridge {
        /// Host and port.
        place: String,
        /// What it answered.
        why: String,
    },
    /// It sends elsewhere.
    #[error("{place} sends on to {to}, and a token is never taken along")]
    Redirect {
        /// Host and port.
        place: String,
        /// Where to; hostile.
        to: String,
    },
    /// It speaks another protocol.
    #[error(
        "the bridge at {place} speaks protocol {theirs}, kickout {ours} speaks {our}",
        ours = version::RELEASE,
        our = version::PROTOCOL
    )]
    Version {
        /// Host and port.
        place: String,
        /// Its protocol.
        theirs: u32,
    },
}

impl HttpError {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::File { .. }
            | Self::NotPrivate { .. }
            | Self::NotToken(_)
            | Self::NoToken { .. }
            | Self::OneToken { .. }
            | Self::Query(_)
            | Self::ProxyLoopback(_) => Exit::Usage,
            Self::Certificate { .. } | Self::Pinned { .. } => Exit::Identity,
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::NoBridge { .. }
            | Self::Redirect { .. }
            | Self::Version { .. } => Exit::Unreachable,
        }
    }

    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::File { .. } => "Name a file that is there and holds what it should.".to_owned(),
            Self::NotPrivate { path } => {
                format!(
                    "If it holds your secret: chmod 600 {}, and make a new secret if somebody read it.",
                    path.display()
                )
            }
            Self::NotToken(_) => {
                "A token is one line, kob_…, as `kickout-bridge token add` shows it.".to_owned()
            }
            Self::NoToken { file, .. } => {
                let kept = file
                    .as_ref()
                    .map(|it| format!(" keep it in {},", it.display()));
                format!(
                    "Make one on its host with `kickout-bridge token add`; then{} name its file with \
                     --http-token-file=<file>, or set KICKOUT_TOKEN.",
                    kept.unwrap_or_default()
                )
            }
            Self::OneToken { .. } => {
                "Keep each bridge's token in ~/.config/kickout/tokens/<host> (mode 0600)."
                    .to_owned()
            }
            Self::Query(_) => "Use https://host[:port][/path].".to_owned(),
            Self::ProxyLoopback(_) => "Leave --http-proxy out.".to_owned(),
            Self::Resolve { .. } => "Correct the name in --http=<url>.".to_owned(),
            Self::Connect { .. } => {
                "Look whether the bridge runs there (`kickout-bridge check`, systemctl status \
                 kickout-bridge), and whether a firewall is in the way."
                    .to_owned()
            }
            Self::Certificate { .. } => {
                "Name its authority with --http-ca=<file>, or its key with --http-pin=sha256:…, as \
                 its host prints it."
                    .to_owned()
            }
            Self::Pinned { .. } => {
                "If the bridge has a new key, take the new hash from its host, not from here."
                    .to_owned()
            }
            Self::Tls { .. } => {
                "Look at its certificate and key, and whether it wants one of ours \
                 (--http-cert=<file>)."
                    .to_owned()
            }
            Self::NoBridge { .. } => {
                "Pass /.well-known/kickout on to the bridge in the web server's configuration \
                 (docs/bridge.md), or name the bridge's own address."
                    .to_owned()
            }
            Self::Redirect { .. } => {
                "If that is the bridge, name its address in --http=<url> yourself.".to_owned()
            }
            Self::Version { .. } => {
                "Use the same release on both sides: `kickout --ssh=… bridge upgrade`.".to_owned()
            }
        }
    }
}
