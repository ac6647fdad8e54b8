//! What PHP said of a configuration that text alone does not settle. Claims of the site's own code:
//! they count only for names that no text settles, and the verdict says what they hang on.

use std::collections::HashMap;

use super::literal::{Literal, Setting};
use super::outside::Outside;

/// The constants that PHP is asked for: where sessions are. Keys and salts are none of them.
pub const CONSTANTS: [&str; 39] = [
    "DB_NAME",
    "DB_USER",
    "DB_PASSWORD",
    "DB_HOST",
    "DB_CHARSET",
    "MYSQL_CLIENT_FLAGS",
    "CUSTOM_USER_TABLE",
    "CUSTOM_USER_META_TABLE",
    "MULTISITE",
    "SUBDOMAIN_INSTALL",
    "VHOST",
    "SUNRISE",
    "BLOG_ID_CURRENT_SITE",
    "DOMAIN_CURRENT_SITE",
    "PATH_CURRENT_SITE",
    "WP_CONTENT_DIR",
    "WP_PLUGIN_DIR",
    "WPMU_PLUGIN_DIR",
    "DB_ENGINE",
    "DATABASE_ENGINE",
    "DB_DIR",
    "DB_FILE",
    "FQDB",
    "FQDBDIR",
    "WP_REDIS_SENTINEL",
    "WP_REDIS_SERVERS",
    "WP_REDIS_SHARDS",
    "WP_REDIS_CLUSTER",
    "WP_REDIS_SCHEME",
    "WP_REDIS_HOST",
    "WP_REDIS_PORT",
    "WP_REDIS_PATH",
    "WP_REDIS_PASSWORD",
    "WP_REDIS_USERNAME",
    "WP_REDIS_DATABASE",
    "WP_REDIS_SSL_CONTEXT",
    "WP_REDIS_USE_CACHE_GROUPS",
    "WP_REDIS_DISABLED",
    "WP_REDIS_OBJECT_CACHE",
];

/// The global variables, without their dollar signs.
pub const VARIABLES: [&str; 2] = ["table_prefix", "redis_server"];

/// What PHP said.
pub struct Evaluated {
    /// By name, variables with their dollar sign; `None`: it is not defined. A name that holds what
    /// only PHP can is not here.
    pub values: HashMap<String, Option<Literal>>,
    /// Why PHP was asked: the place, and what text does not settle there.
    pub reason: String,
    /// What the web server's PHP may see otherwise, first found.
    pub outside: Option<Outside>,
}

impl Evaluated {
    /// A setting that text does not settle, as PHP has it.
    pub(super) fn settle(&self, name: &str, read: Setting) -> Setting {
        let Setting::Unresolved { source, reason } = read else {
            return read;
        };
        match self.values.get(name) {
            Some(Some(value)) => Setting::Value {
                value: value.clone(),
                source,
            },
            Some(None) => Setting::Unset,
            None => Setting::Unresolved { source, reason },
        }
    }
}
