//! Which object cache answers before the rows, and who can clear it. Connects to nothing.

use std::path::PathBuf;

use kickout_shared::site::{EngineChoice, Load};

use super::refusal;
use crate::cache::{self, CacheError, ObjectCache, Unsuitable};
use crate::site::{Config, DropIns, Folders, ObjectCacheKind};

/// An object cache that is switched on.
pub(super) struct Before {
    /// The product.
    pub(super) name: &'static str,
    file: PathBuf,
    by: By,
}

/// Who can clear it.
enum By {
    /// We can, at this server.
    Us(Box<cache::Server>),
    /// Nobody: it is inside the web server's processes.
    Nobody,
    /// A loaded WordPress; and why not we, when there is more to say than its name.
    WordPress(Option<String>),
}

/// What stands before the rows of a site.
pub(super) fn found(drop_ins: &DropIns, folders: &Folders, config: &Config<'_>) -> Option<Before> {
    let found = drop_ins.object_cache.filter(|found| !found.disabled)?;
    let by = match (found.kind, cache::server(found.kind, config)) {
        (ObjectCacheKind::Apcu, _) => By::Nobody,
        (_, Some(Ok(server))) => By::Us(Box::new(server)),
        (_, Some(Err(Unsuitable(why)))) => By::WordPress(Some(why)),
        (_, None) => By::WordPress(None),
    };
    Some(Before {
        name: object_cache_name(found.kind),
        file: folders.content.join("object-cache.php"),
        by,
    })
}

impl Before {
    /// Whether WordPress has to be loaded because of it.
    pub(super) fn needs_wordpress(&self) -> bool {
        matches!(self.by, By::WordPress(_))
    }

    /// Why the rows alone are not enough.
    pub(super) fn refused(&self) -> refusal::ObjectCache {
        let why = match &self.by {
            By::WordPress(why) => why.clone(),
            By::Us(_) | By::Nobody => None,
        };
        refusal::ObjectCache {
            name: self.name,
            file: self.file.clone(),
            why,
        }
    }

    /// What is in doubt when WordPress is asked, or another store.
    pub(super) fn doubt(&self) -> String {
        format!(
            "{} ({}) answers before the database: what this process sees of it is cleared, what \
             the web server sees is not proved (--verify=web asks it)",
            self.file.display(),
            self.name
        )
    }

    /// The cache as it is cleared from here, without WordPress. Where the operator wants the native
    /// engine, what cannot be cleared for certain is refused unless they accept that.
    pub(super) async fn reached(self, load: &Load) -> Result<ObjectCache, refusal::ObjectCache> {
        let mut refused = self.refused();
        let name = self.name;
        let cache = match self.by {
            By::Us(server) => ObjectCache::redis(name, *server).await,
            By::Nobody => ObjectCache::beyond(name, CacheError::InProcess { name }),
            By::WordPress(_) => ObjectCache::beyond(name, CacheError::NotNatively { name }),
        };
        match cache.trouble() {
            Some(error) if load.engine == EngineChoice::Native && !load.unconfirmed_ok => {
                if !matches!(error, CacheError::NotNatively { .. }) {
                    refused.why = Some(error.to_string());
                }
                Err(refused)
            }
            _ => Ok(cache),
        }
    }
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
