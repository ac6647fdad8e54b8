//! What a site's `wp-config.php` says, and how the installer writes it.

use crate::Store;
use crate::php::literal;

/// What `wp-config.php` says.
#[derive(Debug, Clone)]
pub struct Config {
    /// `$table_prefix`.
    pub prefix: String,
    /// `DB_CHARSET`.
    pub charset: String,
    /// `DB_HOST`; the server's socket when `None`.
    pub host: Option<String>,
    /// `DB_USER`; the database's own account when `None`.
    pub user: Option<String>,
    /// `DB_PASSWORD`; the account's own when `None`.
    pub password: Option<String>,
    /// `CUSTOM_USER_TABLE` and `CUSTOM_USER_META_TABLE`.
    pub user_tables: Option<(String, String)>,
    /// A network of sites in subdirectories.
    pub multisite: bool,
    /// Further lines of PHP, above the line that says to stop editing.
    pub extra: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            prefix: "wp_".to_owned(),
            charset: "utf8mb4".to_owned(),
            host: None,
            user: None,
            password: None,
            user_tables: None,
            multisite: false,
            extra: String::new(),
        }
    }
}

/// The text of a `wp-config.php` as the installer writes it.
pub(crate) fn text(store: &Store, config: &Config) -> String {
    use std::fmt::Write as _;

    let mut php = String::from("<?php\n/** The configuration of a site of the tests. */\n");
    let mut define = |name: &str, value: &str| {
        writeln!(php, "define( '{name}', {} );", literal(value)).unwrap();
    };
    match store {
        Store::MariaDb(database) => {
            define("DB_NAME", &database.name);
            define("DB_USER", config.user.as_deref().unwrap_or(&database.user));
            define(
                "DB_PASSWORD",
                config.password.as_deref().unwrap_or(&database.password),
            );
            define(
                "DB_HOST",
                &config.host.clone().unwrap_or_else(|| database.by_socket()),
            );
        }
        Store::Sqlite(_) => {
            // The installer's form asks for them; the drop-in reads only the name.
            for name in ["DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST"] {
                define(name, "unused");
            }
        }
    }
    define("DB_CHARSET", &config.charset);
    define("DB_COLLATE", "");
    for scheme in ["AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE"] {
        for kind in ["KEY", "SALT"] {
            let name = format!("{scheme}_{kind}");
            define(
                &name,
                &format!("{name} of the tests: 'quoted' \\ and not so random"),
            );
        }
    }
    if let Some((users, meta)) = &config.user_tables {
        define("CUSTOM_USER_TABLE", users);
        define("CUSTOM_USER_META_TABLE", meta);
    }
    writeln!(php, "\n$table_prefix = {};\n", literal(&config.prefix)).unwrap();
    php += "define( 'WP_DEBUG', false );\n";
    if config.multisite {
        php += "define( 'MULTISITE', true );\ndefine( 'SUBDOMAIN_INSTALL', false );\n\
                define( 'DOMAIN_CURRENT_SITE', 's1.test' );\n\
                define( 'PATH_CURRENT_SITE', '/' );\ndefine( 'SITE_ID_CURRENT_SITE', 1 );\n\
                define( 'BLOG_ID_CURRENT_SITE', 1 );\n";
    }
    php += &config.extra;
    php += "\n/* That's all, stop editing! Happy publishing. */\n\n\
            if ( ! defined( 'ABSPATH' ) ) {\n\tdefine( 'ABSPATH', __DIR__ . '/' );\n}\n\n\
            require_once ABSPATH . 'wp-settings.php';\n";
    php
}
