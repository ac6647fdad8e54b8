//! Why no engine is right, or the native one is not: each with its fix.

use std::path::PathBuf;

use kickout_shared::event::Missing;

use crate::engine::EngineError;
use crate::site;

/// A persistent object cache answers before the database.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "{} keeps sessions in a cache of its own ({name}): deleting rows alone would leave users \
     logged in{}",
    .file.display(), .why.as_ref().map(|why| format!("; {why}")).unwrap_or_default()
)]
pub struct ObjectCache {
    /// The product.
    pub name: &'static str,
    /// The drop-in.
    pub file: PathBuf,
    /// Why it is not cleared natively, when there is more to say than its name.
    pub why: Option<String>,
}

impl ObjectCache {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        "Leave --engine=native out where the site's PHP is installed (php-cli); or add \
         --engine=native --unconfirmed-ok to delete the rows, and rotate the salts (wp config \
         shuffle-salts)."
            .to_owned()
    }
}

/// The database is not where the configuration says.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} routes the database ({name}): wp-config.php alone does not say where", .file.display())]
pub struct Routed {
    /// The product.
    pub name: &'static str,
    /// The drop-in.
    pub file: PathBuf,
}

impl Routed {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        NOT_NATIVELY.to_owned()
    }
}

/// Sessions are kept somewhere else.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}:{line} replaces the session store (session_token_manager)", .file.display())]
pub struct SessionManager {
    /// Where.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: u32,
}

impl SessionManager {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        NOT_NATIVELY.to_owned()
    }
}

const NOT_NATIVELY: &str = "Leave --engine=native out: WordPress itself is asked then.";

/// Why no engine is right.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A cache that cannot be cleared for certain.
    #[error(transparent)]
    ObjectCache(#[from] ObjectCache),
    /// Not natively.
    #[error(transparent)]
    Routed(#[from] Routed),
    /// Not natively.
    #[error(transparent)]
    SessionManager(#[from] SessionManager),
    /// PHP is needed, for this reason.
    #[error("{0}: that needs PHP, and there is none on this host")]
    NoPhp(String),
    /// `--require` beside `--engine=native`.
    #[error("--require loads PHP code, which the native engine never runs")]
    RequireNatively,
    /// The configuration is not known.
    #[error(transparent)]
    Config(#[from] site::ConfigError),
    /// The database, or the site's PHP, does not answer.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// `--url` names no site of the network.
    #[error("Site '{0}' not found. Verify `--url=<url>` matches an existing site.")]
    NoSuchSite(String),
}

impl Refusal {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::ObjectCache(cache) => cache.fix(),
            Self::Routed(routed) => routed.fix(),
            Self::SessionManager(manager) => manager.fix(),
            Self::NoPhp(_) => "Install PHP's command line program for this site (php-cli), or run \
                               kickout where the site's PHP is."
                .to_owned(),
            Self::RequireNatively => "Leave --require or --engine=native out.".to_owned(),
            Self::Config(error) => error.fix(),
            Self::Engine(error) => error.fix(),
            Self::NoSuchSite(_) => "Leave --url out: sessions are network-wide.".to_owned(),
        }
    }
}

impl Refusal {
    /// What another place may have, when it is wanting here.
    pub fn missing(&self) -> Option<Missing> {
        match self {
            Self::Config(error) => error.missing(),
            Self::Engine(EngineError::Resolve { host, .. }) => Some(Missing::Host(host.clone())),
            Self::Engine(_)
            | Self::ObjectCache(_)
            | Self::Routed(_)
            | Self::SessionManager(_)
            | Self::NoPhp(_)
            | Self::RequireNatively
            | Self::NoSuchSite(_) => None,
        }
    }
}
