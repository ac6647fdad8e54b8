//! Which engine is right for a site, and why: native when it is provably equivalent to WordPress,
//! refused with the reason when it is not (`wordpress.md` §10).

use std::path::PathBuf;

use kickout_shared::event::Missing;

use crate::engine::native::{MySql, Native, Options, Sqlite, Tables};
use crate::engine::{Engine as _, EngineError};
use crate::site::{
    self, Config, Database, DbDropIn, DropIns, Finding, FindingKind, Folders, ObjectCacheKind,
};

mod blog;

/// An engine that is open.
pub enum Opened {
    /// MySQL or MariaDB.
    MySql(Native<MySql>),
    /// The SQLite integration.
    Sqlite(Native<Sqlite>),
}

/// What is known of a site beside its data.
pub struct Chosen {
    /// The engine.
    pub engine: Opened,
    /// What stands in front of the data and could not be checked; each a sentence.
    pub unchecked: Vec<String>,
    /// Found in active code, and rarely about sessions.
    pub remarks: Vec<Finding>,
    /// Whether sessions are shared by a whole network.
    pub multisite: bool,
}

/// Why no engine is right.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A persistent object cache answers before the database.
    #[error(
        "{} keeps sessions in a cache of its own ({name}): deleting rows alone would leave users \
         logged in",
        .file.display()
    )]
    ObjectCache {
        /// The product.
        name: &'static str,
        /// The drop-in.
        file: PathBuf,
    },
    /// The database is not where the configuration says.
    #[error("{} routes the database ({name}): wp-config.php alone does not say where", .file.display())]
    DbDropIn {
        /// The product.
        name: &'static str,
        /// The drop-in.
        file: PathBuf,
    },
    /// Sessions are kept somewhere else.
    #[error("{}:{line} replaces the session store (session_token_manager)", .file.display())]
    SessionManager {
        /// Where.
        file: PathBuf,
        /// Its line, from 1.
        line: u32,
    },
    /// The configuration is not known.
    #[error(transparent)]
    Config(#[from] site::ConfigError),
    /// The database does not answer.
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
            Self::ObjectCache { .. } => {
                "This release clears no object cache: destroy these sessions with WP-CLI, or \
                 rotate the salts (wp config shuffle-salts)."
                    .to_owned()
            }
            Self::DbDropIn { .. } => "This release does not follow the drop-in: destroy these \
                                      sessions with WP-CLI."
                .to_owned(),
            Self::SessionManager { .. } => {
                "This release does not speak to other session stores: destroy these sessions with \
                 WP-CLI, plugins loaded."
                    .to_owned()
            }
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
            | Self::ObjectCache { .. }
            | Self::DbDropIn { .. }
            | Self::SessionManager { .. }
            | Self::NoSuchSite(_) => None,
        }
    }
}

/// Opens the right engine, or says why there is none. Looks at drop-ins first, then connects, then
/// searches the code that is active according to the database.
pub async fn open(config: &Config<'_>, url: Option<&str>) -> Result<Chosen, Refusal> {
    let folders = site::folders(config)?;
    let drop_ins = site::drop_ins(&folders.content, config);
    refuse_drop_ins(&drop_ins, &folders)?;
    let tables = site::tables(config)?;
    let found = |native: &site::Tables, blog: blog::Blog| Tables {
        users: native.users.clone(),
        usermeta: native.usermeta.clone(),
        options: format!("{}options", blog.prefix),
        blog_prefix: blog.prefix,
        multisite: native.multisite,
    };
    let (engine, active) = match site::database(config)? {
        Database::MySql(settings) => {
            let mut sql = MySql::open(&settings, &tables.users, &tables.usermeta).await?;
            let blog = blog::addressed(&mut sql, config, &tables, url).await?;
            let network = blog::network_plugins(&mut sql, &tables).await?;
            let mut native = Native::new(sql, found(&tables, blog));
            let options = native.read_options().await?;
            (
                Opened::MySql(native),
                active_code(&folders, &tables, options, network),
            )
        }
        Database::Sqlite { file } => {
            let mut sql = Sqlite::open(&file, &tables.users, &tables.usermeta).await?;
            let blog = blog::addressed(&mut sql, config, &tables, url).await?;
            let network = blog::network_plugins(&mut sql, &tables).await?;
            let mut native = Native::new(sql, found(&tables, blog));
            let options = native.read_options().await?;
            (
                Opened::Sqlite(native),
                active_code(&folders, &tables, options, network),
            )
        }
    };
    let (unchecked, remarks) = judge(site::session_managers(&active))?;
    Ok(Chosen {
        engine,
        unchecked,
        remarks,
        multisite: tables.multisite,
    })
}

fn refuse_drop_ins(drop_ins: &DropIns, folders: &Folders) -> Result<(), Refusal> {
    if let Some(cache) = drop_ins.object_cache.filter(|cache| !cache.disabled) {
        let file = folders.content.join("object-cache.php");
        return Err(Refusal::ObjectCache {
            name: object_cache_name(cache.kind),
            file,
        });
    }
    let name = match drop_ins.db {
        // Wrappers of the same database, which change nothing of what is stored.
        None | Some(DbDropIn::Sqlite | DbDropIn::QueryMonitor | DbDropIn::W3TotalCache) => {
            return Ok(());
        }
        Some(DbDropIn::HyperDb) => "HyperDB",
        Some(DbDropIn::LudicrousDb) => "LudicrousDB",
        Some(DbDropIn::Unknown) => "unknown drop-in",
    };
    Err(Refusal::DbDropIn {
        name,
        file: folders.content.join("db.php"),
    })
}

/// The product's own name.
pub fn object_cache_name(kind: ObjectCacheKind) -> &'static str {
    match kind {
        ObjectCacheKind::RedisObjectCache => "Redis Object Cache",
        ObjectCacheKind::WpRedis => "WP Redis",
        ObjectCacheKind::ObjectCachePro => "Object Cache Pro",
        ObjectCacheKind::W3TotalCache => "W3 Total Cache",
        ObjectCacheKind::LiteSpeed => "LiteSpeed Cache",
        ObjectCacheKind::Memcached => "Memcached",
        ObjectCacheKind::Apcu => "APCu",
        ObjectCacheKind::Docket => "Docket Cache",
        ObjectCacheKind::SqliteObjectCache => "SQLite Object Cache",
        ObjectCacheKind::Unknown => "unknown drop-in",
    }
}

/// The folders whose code WordPress would load. On a network every site may have plugins of its
/// own, and sessions are shared: all of it counts.
fn active_code(
    folders: &Folders,
    tables: &site::Tables,
    options: Options,
    network: Vec<String>,
) -> Vec<PathBuf> {
    let mut plugins = network;
    plugins.extend(options.plugins);
    let mut roots = site::active_roots(folders, &plugins, &options.themes);
    if tables.multisite {
        roots.extend([folders.plugins.clone(), folders.content.join("themes")]);
    }
    roots
}

/// What the search of active code means: another session store refuses; what only may change the
/// result is said.
fn judge(findings: Vec<Finding>) -> Result<(Vec<String>, Vec<Finding>), Refusal> {
    let mut unchecked = Vec::new();
    let mut remarks = Vec::new();
    for finding in findings {
        let Finding { kind, file, line } = &finding;
        match kind {
            FindingKind::ManagerFilter => {
                return Err(Refusal::SessionManager {
                    file: file.clone(),
                    line: *line,
                });
            }
            FindingKind::PluggableAuth => unchecked.push(format!(
                "{}:{line} replaces how login cookies are checked; ending sessions may have no \
                 effect there",
                file.display()
            )),
            FindingKind::Unsearched => unchecked.push(format!(
                "{} is active code that could not be searched for another session store",
                file.display()
            )),
            // A class alone changes nothing without the filter; metadata filters are common and
            // rarely about sessions. Doctor names both.
            FindingKind::ManagerClass | FindingKind::MetadataFilter => remarks.push(finding),
        }
    }
    Ok((unchecked, remarks))
}

impl Opened {
    /// What doctor calls it.
    pub fn describe(&self) -> String {
        match self {
            Self::MySql(native) => native.describe(),
            Self::Sqlite(native) => native.describe(),
        }
    }

    /// What makes finished work less than durable, in words.
    pub fn caveat(&self) -> Option<String> {
        match self {
            Self::MySql(native) => native.caveat(),
            Self::Sqlite(native) => native.caveat(),
        }
    }
}
