//! Which engine is right for a site, and why: native when it is provably equivalent to WordPress,
//! php when it is not, refused with the reason when neither is safe (`wordpress.md` §10). Runs none
//! of the site's code.

use std::path::PathBuf;

use kickout_shared::site::{EngineChoice, Load, Site, Skip};

use crate::cache::ObjectCache;
use crate::engine::native::{Direct, MySql, Native, Options, Sqlite, Tables};
use crate::engine::php::find_php;
use crate::engine::{Engine as _, EngineError};
use crate::site::{self, Config, Database, DbDropIn, DropIns, Finding, Folders, Setting};
use judge::{Judged, judge};

mod before;
mod blog;
mod judge;
mod refusal;

pub use before::object_cache_name;
pub use judge::remark;
pub use refusal::Refusal;

/// The engine that is right.
pub enum Way {
    /// The database alone, open.
    Native(Direct),
    /// WordPress itself, to be loaded.
    Php {
        /// Its program.
        program: PathBuf,
        /// The database, open, where it can be read without the site's code.
        eyes: Option<Direct>,
    },
}

/// What has been decided of a site, and what is known beside its data.
pub struct Decision {
    /// The engine.
    pub way: Way,
    /// Why this one.
    pub reason: String,
    /// The object cache before the rows, where it is known from here who clears it.
    pub cache: Option<ObjectCache>,
    /// The product that the site has for an object cache, if any.
    pub cache_name: Option<&'static str>,
    /// What stands in front of the data and could not be checked; each a sentence.
    pub unchecked: Vec<String>,
    /// Found in active code, and rarely about sessions.
    pub remarks: Vec<Finding>,
    /// Whether sessions are shared by a whole network.
    pub multisite: bool,
    /// The table of users that other sites may have too (`CUSTOM_USER_TABLE`).
    pub shared: Option<String>,
    /// What was found that a loaded WordPress must have too, or it is not what the web server asks:
    /// the code that replaces the session store.
    pub replaced: Option<String>,
    /// And the code that answers for user meta.
    pub answers: Option<String>,
    /// The URL a loaded WordPress is to believe in.
    pub url: Option<String>,
}

impl Decision {
    /// The same with WordPress itself, which alone can do this.
    pub fn with_php(mut self, reason: &str) -> Result<Self, Refusal> {
        if let Way::Native(direct) = self.way {
            let program = find_php().ok_or_else(|| Refusal::NoPhp(reason.to_owned()))?;
            let eyes = Some(direct);
            self.way = Way::Php { program, eyes };
            self.reason = reason.to_owned();
        }
        Ok(self)
    }

    /// The engine for people: what it is, and why it was chosen.
    pub fn describe(&self) -> String {
        let engine = match &self.way {
            Way::Native(direct) => direct.describe(),
            Way::Php { program, .. } => format!("php: {}", program.display()),
        };
        format!("{engine} ({})", self.reason)
    }
}

/// What is in doubt where only PHP could tell the settings.
const EVALUATED: &str = "The configuration was evaluated by PHP on the command line; the web \
                         server's may be another";

/// Decides. Looks at drop-ins first, then connects, then searches the code that is active according
/// to the database.
pub async fn decide(config: &Config<'_>, site: &Site) -> Result<Decision, Refusal> {
    let choice = site.load.engine;
    let asked = asked(&site.load)?;
    // The explicit wish for php counts also where nothing can be known without it.
    let folders = match site::folders(config) {
        Ok(folders) => Some(folders),
        Err(_) if choice == EngineChoice::Php => None,
        Err(error) => return Err(error.into()),
    };
    let (routed, before) = match &folders {
        Some(folders) => {
            let drop_ins = site::drop_ins(&folders.content, config);
            let before = before::found(&drop_ins, folders, config);
            (routed(&drop_ins, folders), before)
        }
        None => (None, None),
    };
    if let (Some(routed), EngineChoice::Native) = (&routed, choice) {
        return Err(routed.clone().into());
    }
    let mut blind = EVALUATED.to_owned();
    let opened = match folders.filter(|_| routed.is_none()) {
        None => None,
        Some(folders) => match open(config, &folders, site.url.as_deref()).await {
            Ok(opened) => Some(opened),
            Err(Refusal::NoSuchSite(name)) => return Err(Refusal::NoSuchSite(name)),
            Err(refusal) if choice == EngineChoice::Php => {
                if let Refusal::Engine(error) = refusal {
                    blind = format!("Only the site's own PHP could read its database: {error}");
                }
                None
            }
            Err(refusal) => return Err(refusal),
        },
    };
    let (direct, found, multisite) = match opened {
        Some(opened) => {
            // Off the loop: thousands of files are read.
            let (content, active, known) = (opened.content, opened.active, opened.known);
            let search = move || site::session_managers(&content, &active, known);
            let search = tokio::task::spawn_blocking(search);
            let found = search
                .await
                .map_err(|_| EngineError::Other("the search of active code ended".to_owned()))?;
            (Some(opened.direct), found, opened.multisite)
        }
        None => (None, Vec::new(), false),
    };
    let Judged {
        manager,
        answers,
        mut unchecked,
        remarks,
    } = judge(found);
    let evaluated = config.evaluated();
    if let Some(outside) = evaluated.and_then(|evaluated| evaluated.outside.as_ref()) {
        unchecked.push(format!(
            "The configuration was evaluated with php on the command line, and {outside}: the web \
             server's may be another"
        ));
    } else if let (None, None) = (&direct, &routed) {
        unchecked.push(blind);
    }
    if let (Some(manager), EngineChoice::Native) = (&manager, choice) {
        return Err(manager.clone().into());
    }
    let program = find_php();
    let reason = asked
        .or_else(|| routed.as_ref().map(ToString::to_string))
        .or_else(|| manager.as_ref().map(ToString::to_string))
        .or_else(|| {
            let before = before.as_ref().filter(|before| before.needs_wordpress())?;
            (choice != EngineChoice::Native).then(|| before.refused().to_string())
        });
    let reason = match (reason, &answers) {
        // Rows can still be removed without it; what answers beside them cannot be asked then.
        (None, Some(answers)) if choice == EngineChoice::Native || program.is_none() => {
            unchecked.push(format!("{answers}: WordPress was not asked what it sees"));
            None
        }
        (None, Some(answers)) => Some(answers.clone()),
        (reason, _) => reason,
    };
    let cache_name = before.as_ref().map(|before| before.name);
    let cache = match before {
        None => None,
        // What another store caches, and where, only its own code knows.
        Some(before) if manager.is_some() || (reason.is_some() && before.needs_wordpress()) => {
            unchecked.push(before.doubt());
            None
        }
        Some(before) => Some(before.reached(&site.load).await?),
    };
    let replaced = manager.map(|manager| manager.to_string());
    let (way, reason) = match (reason, direct) {
        (None, Some(direct)) => {
            let before = match &cache {
                Some(cache) => format!("behind {}", cache.describe()),
                None => "nothing in front of it".to_owned(),
            };
            let reason = format!(
                "default session store, {before}; no plugin is loaded, so none hears of the logout"
            );
            (Way::Native(direct), reason)
        }
        (reason, eyes) => {
            let reason = reason.unwrap_or_default();
            let Some(program) = program else {
                return Err(Refusal::NoPhp(reason));
            };
            (Way::Php { program, eyes }, reason)
        }
    };
    let reason = match evaluated {
        Some(_) => format!("{reason}; configuration evaluated with php"),
        None => reason,
    };
    Ok(Decision {
        way,
        reason,
        cache,
        cache_name,
        unchecked,
        remarks,
        multisite,
        shared: text(config, "CUSTOM_USER_TABLE"),
        replaced,
        answers,
        url: site.url.clone().or_else(|| network_url(config)),
    })
}

/// What the operator's words alone decide for php.
fn asked(load: &Load) -> Result<Option<String>, Refusal> {
    let required = !load.require.is_empty();
    match load.engine {
        EngineChoice::Native if required => Err(Refusal::RequireNatively),
        EngineChoice::Php => Ok(Some("--engine=php".to_owned())),
        EngineChoice::Auto if required => Ok(Some("--require loads PHP code".to_owned())),
        EngineChoice::Auto | EngineChoice::Native => Ok(None),
    }
}

/// Whether something of the site's code is to be left out.
pub fn skips(load: &Load) -> bool {
    load.skip_plugins != Skip::Nothing || load.skip_themes != Skip::Nothing
}

/// A network answers to its own name only.
fn network_url(config: &Config<'_>) -> Option<String> {
    let domain = text(config, "DOMAIN_CURRENT_SITE")?;
    let path = text(config, "PATH_CURRENT_SITE").unwrap_or_else(|| "/".to_owned());
    Some(format!("http://{domain}{path}"))
}

fn text(config: &Config<'_>, name: &str) -> Option<String> {
    match config.get(name) {
        Setting::Value { value, .. } => String::from_utf8(value.to_bytes()?).ok(),
        Setting::Unset | Setting::Unresolved { .. } => None,
    }
}

/// A site whose database is open.
struct Open {
    direct: Direct,
    /// The folder with themes and plugins.
    content: PathBuf,
    /// Where active code lies.
    active: Vec<PathBuf>,
    /// What the last search found, if nothing it looked at has changed.
    known: Option<site::Known>,
    multisite: bool,
}

async fn open(config: &Config<'_>, folders: &Folders, url: Option<&str>) -> Result<Open, Refusal> {
    let tables = site::tables(config)?;
    // Meanwhile the database answers: a site may have ten thousand files to look at.
    let content = folders.content.clone();
    let known = tokio::task::spawn_blocking(move || site::known_code(&content));
    let found = |native: &site::Tables, blog: blog::Blog| Tables {
        users: native.users.clone(),
        usermeta: native.usermeta.clone(),
        options: format!("{}options", blog.prefix),
        blog_prefix: blog.prefix,
        multisite: native.multisite,
    };
    let (direct, options, network) = match site::database(config)? {
        Database::MySql(settings) => {
            let mut sql = MySql::open(&settings, &tables.users, &tables.usermeta).await?;
            let blog = blog::addressed(&mut sql, config, &tables, url).await?;
            let network = blog::network_plugins(&mut sql, &tables).await?;
            let mut native = Native::new(sql, found(&tables, blog));
            let options = native.read_options().await?;
            (Direct::MySql(native), options, network)
        }
        Database::Sqlite { file } => {
            let mut sql = Sqlite::open(&file, &tables.users, &tables.usermeta).await?;
            let blog = blog::addressed(&mut sql, config, &tables, url).await?;
            let network = blog::network_plugins(&mut sql, &tables).await?;
            let mut native = Native::new(sql, found(&tables, blog));
            let options = native.read_options().await?;
            (Direct::Sqlite(native), options, network)
        }
    };
    Ok(Open {
        direct,
        content: folders.content.clone(),
        active: active_code(folders, &tables, options, network),
        // Whatever ended it: then it is searched.
        known: known.await.unwrap_or_default(),
        multisite: tables.multisite,
    })
}

fn routed(drop_ins: &DropIns, folders: &Folders) -> Option<refusal::Routed> {
    let name = match drop_ins.db {
        // Wrappers of the same database, which change nothing of what is stored.
        None | Some(DbDropIn::Sqlite | DbDropIn::QueryMonitor | DbDropIn::W3TotalCache) => {
            return None;
        }
        Some(DbDropIn::HyperDb) => "HyperDB",
        Some(DbDropIn::LudicrousDb) => "LudicrousDB",
        Some(DbDropIn::Unknown) => "unknown drop-in",
    };
    let file = folders.content.join("db.php");
    Some(refusal::Routed { name, file })
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
