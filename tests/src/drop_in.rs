//! The drop-ins that make a site use a cache: the tests' own, with the keys of the real ones.

use std::fs;

use crate::{Site, workspace_root};

/// Which drop-in a site has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropIn {
    /// By rhubarbgroup.
    RedisObjectCache,
    /// By Pantheon.
    WpRedis,
    /// One whose keys Kickout does not know; it has the settings of Redis Object Cache.
    ObjectCachePro,
    /// By Automattic.
    Memcached,
    /// By l3rady.
    Apcu,
}

impl DropIn {
    /// Puts the tests' own drop-in of this kind into a site.
    pub fn into(self, site: &Site) {
        let (file, name) = match self {
            Self::RedisObjectCache => ("redis", "Redis Object Cache Drop-In"),
            Self::WpRedis => ("redis", "WP Redis"),
            Self::ObjectCachePro => ("redis", "Object Cache Pro"),
            Self::Memcached => ("memcached", ""),
            Self::Apcu => ("apcu", ""),
        };
        let folder = workspace_root().join("tests/data/object-cache");
        let read =
            |name: &str| fs::read_to_string(folder.join(name).with_extension("php")).unwrap();
        let code = read(file).replace("{NAME}", name) + &read("shared");
        site.write("wp-content/object-cache.php", code);
    }
}
