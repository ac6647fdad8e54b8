//! What stands in the content folder and runs before every plugin: drop-ins, identified by their
//! first 8 KB. Nothing is executed, and an unreadable drop-in counts as present and unknown.

use std::fs;
use std::io;
use std::path::Path;

use super::literal::Setting;
use super::read;
use super::wp_config::Config;

/// Bytes looked at: headers and constants stand at the top.
const HEAD: u64 = 8 * 1024;

/// `object-cache.php`, by product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectCacheKind {
    /// Redis Object Cache (rhubarbgroup).
    RedisObjectCache,
    /// WP Redis (Pantheon).
    WpRedis,
    /// Object Cache Pro.
    ObjectCachePro,
    /// W3 Total Cache.
    W3TotalCache,
    /// LiteSpeed Cache.
    LiteSpeed,
    /// Memcached Object Cache.
    Memcached,
    /// APCu: one cache per web server process pool.
    Apcu,
    /// Docket Cache.
    Docket,
    /// SQLite Object Cache.
    SqliteObjectCache,
    /// Something else.
    Unknown,
}

/// `db.php`, by product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DbDropIn {
    /// The SQLite integration: there is no MySQL.
    Sqlite,
    /// Query Monitor, a wrapper of the same database.
    QueryMonitor,
    /// W3 Total Cache, a wrapper of the same database.
    W3TotalCache,
    /// HyperDB: servers of its own.
    HyperDb,
    /// LudicrousDB: servers of its own.
    LudicrousDb,
    /// Something else.
    Unknown,
}

/// An object cache drop-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectCache {
    /// The product.
    pub kind: ObjectCacheKind,
    /// The configuration certainly switches it off.
    pub disabled: bool,
}

/// The drop-ins of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropIns {
    /// `object-cache.php`.
    pub object_cache: Option<ObjectCache>,
    /// `db.php`.
    pub db: Option<DbDropIn>,
    /// `sunrise.php` stands there (it runs only on a multisite with SUNRISE).
    pub sunrise: bool,
    /// `advanced-cache.php` stands there (it runs only with WP_CACHE).
    pub advanced_cache: bool,
}

/// Marks in lower case; the first row that is found names the product. Object Cache Pro and
/// Redis Object Cache mention each other's constants, so headers come before constants.
const OBJECT_CACHES: [(&str, ObjectCacheKind); 14] = [
    ("object cache pro", ObjectCacheKind::ObjectCachePro),
    ("redis object cache", ObjectCacheKind::RedisObjectCache),
    ("sqlite object cache", ObjectCacheKind::SqliteObjectCache),
    ("sqlite-object-cache", ObjectCacheKind::SqliteObjectCache),
    ("wp redis", ObjectCacheKind::WpRedis),
    ("wp_redis_object_cache", ObjectCacheKind::WpRedis),
    ("w3 total cache", ObjectCacheKind::W3TotalCache),
    ("w3tc", ObjectCacheKind::W3TotalCache),
    ("litespeed", ObjectCacheKind::LiteSpeed),
    ("lscwp", ObjectCacheKind::LiteSpeed),
    ("docket", ObjectCacheKind::Docket),
    ("apcu", ObjectCacheKind::Apcu),
    ("apc object cache", ObjectCacheKind::Apcu),
    ("memcached", ObjectCacheKind::Memcached),
];

const DATABASES: [(&str, DbDropIn); 8] = [
    ("sqlite_db_dropin_version", DbDropIn::Sqlite),
    ("sqlite integration (drop-in)", DbDropIn::Sqlite),
    ("sqlite-database-integration", DbDropIn::Sqlite),
    ("query monitor", DbDropIn::QueryMonitor),
    ("w3tc", DbDropIn::W3TotalCache),
    ("w3 total cache", DbDropIn::W3TotalCache),
    ("ludicrousdb", DbDropIn::LudicrousDb),
    ("hyperdb", DbDropIn::HyperDb),
];

/// The drop-ins in the content folder `content` of the site of `config`.
pub fn in_content(content: &Path, config: &Config<'_>) -> DropIns {
    let object_cache = head(&content.join("object-cache.php")).map(|text| {
        let kind = identify(&text, &OBJECT_CACHES).unwrap_or(ObjectCacheKind::Unknown);
        ObjectCache {
            kind,
            disabled: is_disabled(kind, config),
        }
    });
    DropIns {
        object_cache,
        db: db(content),
        sunrise: head(&content.join("sunrise.php")).is_some(),
        advanced_cache: head(&content.join("advanced-cache.php")).is_some(),
    }
}

pub(crate) fn db(content: &Path) -> Option<DbDropIn> {
    let text = head(&content.join("db.php"))?;
    Some(identify(&text, &DATABASES).unwrap_or(DbDropIn::Unknown))
}

/// The products' own switches; both leave core's cache of one request in place.
fn is_disabled(kind: ObjectCacheKind, config: &Config<'_>) -> bool {
    let (name, off) = match kind {
        ObjectCacheKind::RedisObjectCache => ("WP_REDIS_DISABLED", true),
        ObjectCacheKind::WpRedis => ("WP_REDIS_OBJECT_CACHE", false),
        ObjectCacheKind::ObjectCachePro
        | ObjectCacheKind::W3TotalCache
        | ObjectCacheKind::LiteSpeed
        | ObjectCacheKind::Memcached
        | ObjectCacheKind::Apcu
        | ObjectCacheKind::Docket
        | ObjectCacheKind::SqliteObjectCache
        | ObjectCacheKind::Unknown => return false,
    };
    matches!(config.get(name), Setting::Value { value, .. } if value.truthy() == off)
}

/// The first bytes in lower case; empty when it stands there and cannot be read.
fn head(path: &Path) -> Option<Vec<u8>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        _ => Some(
            read::head(path, HEAD)
                .unwrap_or_default()
                .to_ascii_lowercase(),
        ),
    }
}

fn identify<T: Copy>(text: &[u8], marks: &[(&str, T)]) -> Option<T> {
    let has = |mark: &str| {
        text.windows(mark.len())
            .any(|window| window == mark.as_bytes())
    };
    marks
        .iter()
        .find(|(mark, _)| has(mark))
        .map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_named_by_their_headers() {
        let rows = [
            (
                "Plugin Name: Redis Object Cache Drop-In",
                ObjectCacheKind::RedisObjectCache,
            ),
            ("Plugin Name: WP Redis", ObjectCacheKind::WpRedis),
            (
                "Plugin Name: Object Cache Pro (Drop-in)",
                ObjectCacheKind::ObjectCachePro,
            ),
            (
                "ObjectCache Version: 1.4\n W3 Total Cache Object Cache",
                ObjectCacheKind::W3TotalCache,
            ),
            ("lib/object-cache.php - LSCWP", ObjectCacheKind::LiteSpeed),
            ("Plugin Name: Memcached", ObjectCacheKind::Memcached),
            (
                "Plugin Name: APCu Object Cache Backend",
                ObjectCacheKind::Apcu,
            ),
            ("Plugin Name: Docket Cache Drop-in", ObjectCacheKind::Docket),
            (
                "Plugin Name: SQLite Object Cache (Drop-in)",
                ObjectCacheKind::SqliteObjectCache,
            ),
        ];
        for (header, want) in rows {
            let text = format!("<?php\n/*\n{header}\n*/").to_ascii_lowercase();
            assert_eq!(
                identify(text.as_bytes(), &OBJECT_CACHES),
                Some(want),
                "{header}"
            );
        }
        assert_eq!(identify(b"<?php", &OBJECT_CACHES), None);
    }

    #[test]
    fn db_drop_ins() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(db(dir.path()), None);
        let rows = [
            (
                "define( 'SQLITE_DB_DROPIN_VERSION', '1.8.0' );",
                DbDropIn::Sqlite,
            ),
            (
                "Plugin Name: Query Monitor Database Class",
                DbDropIn::QueryMonitor,
            ),
            ("Plugin Name: HyperDB", DbDropIn::HyperDb),
            ("Plugin Name: LudicrousDB", DbDropIn::LudicrousDb),
            ("", DbDropIn::Unknown),
        ];
        for (header, want) in rows {
            fs::write(dir.path().join("db.php"), format!("<?php /* {header} */")).unwrap();
            assert_eq!(db(dir.path()), Some(want), "{header}");
        }
        fs::remove_file(dir.path().join("db.php")).unwrap();
        fs::create_dir(dir.path().join("db.php")).unwrap();
        assert_eq!(db(dir.path()), Some(DbDropIn::Unknown));
    }
}
