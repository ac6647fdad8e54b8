//! Making a real WordPress: its code from a package, a root of its own for every test, a
//! `wp-config.php` written by the book, tables that the real installer made.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cache::{cached, copy_tree, debian_package, link_tree, npm_package};
use crate::mariadb::{Database, MariaDb};
use crate::scratch::{shell, text};
use crate::site::Store;
use crate::suite::debian_package_of;
use crate::{Config, Owner, Scratch, Site, php_as, sqlite_site};

/// The package with the builds of newer versions and the official SQLite drop-in.
const BUILDS: (&str, &str) = ("@wp-playground/wordpress-builds", "0.9.19");

/// The database in every server's data directory that holds a fresh installation.
const TEMPLATE: &str = "template";

/// Where WordPress's own code comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Core {
    /// The `wordpress` package of this machine's Debian release.
    Debian,
    /// A build of 6.2 to 6.5 from npm.
    Npm(&'static str),
    /// The package of another Debian suite, such as `sid`; slow and far.
    Suite(&'static str),
}

/// An installation to be: `WordPress::new().prefix("x_").install()`.
#[derive(Debug, Clone)]
#[must_use]
pub struct WordPress {
    core: Core,
    config: Config,
    owner: Owner,
}

impl WordPress {
    /// Debian's WordPress with the usual configuration, owned by the web server's account.
    #[expect(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            core: Core::Debian,
            config: Config::default(),
            owner: Owner::web(),
        }
    }

    /// Other code.
    pub fn core(mut self, core: Core) -> Self {
        self.core = core;
        self
    }

    /// Another configuration: `.config(|config| config.prefix = "x_".into())`.
    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Another owner of `wp-config.php` and of all that is the site's own.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

    /// On the server that the tests of this process share.
    pub fn install(self) -> Site {
        self.install_on(&MariaDb::shared())
    }

    /// On one server.
    pub fn install_on(self, server: &MariaDb) -> Site {
        let database = server.database();
        let site = self.bare(Store::MariaDb(database.clone()));
        if self.core == Core::Debian {
            copy_tables(&database, &self.config);
        } else {
            run_installer(&site);
        }
        if self.config.multisite {
            become_network(&site);
        }
        site
    }

    /// On SQLite, through the official drop-in; newer code than Debian's, which it requires.
    pub fn install_sqlite(mut self) -> Site {
        if self.core == Core::Debian {
            self.core = Core::Npm("6.5");
        }
        let site = self.bare(Store::Sqlite(PathBuf::from(sqlite_site::FILE)));
        sqlite_site::add_drop_in(&site);
        if self.config.prefix == Config::default().prefix {
            sqlite_site::copy_database(&site, &self.core);
        } else {
            run_installer(&site);
        }
        site
    }

    /// A root with everything but tables.
    pub(crate) fn bare(&self, store: Store) -> Site {
        let scratch = Scratch::new("site");
        let root = scratch.join("s1");
        link_tree(&core_dir(&self.core), &root);
        // Directories are never shared, files are: only the former may change their owner.
        let content = text(&root.join("wp-content"));
        let (uid, gid) = (self.owner.uid.to_string(), self.owner.gid.to_string());
        if self.owner != Owner::me() {
            let to = format!("{uid}:{gid}");
            shell(
                "find",
                &[&content, "-type", "d", "-exec", "chown", &to, "{}", "+"],
            );
        }
        let site = Site::new(scratch, root, self.owner, store, self.config.clone());
        site.write_config(&self.config);
        site
    }
}

/// The code of one version in upstream's layout, unpacked once.
pub(crate) fn core_dir(core: &Core) -> PathBuf {
    match core {
        Core::Debian => from_package(debian_package("wordpress")),
        Core::Suite(suite) => from_package(debian_package_of(suite, "wordpress")),
        Core::Npm(version) => {
            let zip = builds().join(format!("src/wordpress/wp-{version}.zip"));
            cached(&format!("wordpress-{version}-{LAYOUT}"), |dir| {
                shell("unzip", &["-q", &text(&zip), "-d", &text(dir)]);
                for own in ["wp-config.php", "wp-content/database", "wp-content/db.php"] {
                    remove(&dir.join(own));
                }
                remove(&dir.join("wp-content/mu-plugins"));
            })
        }
    }
}

fn from_package((package, version): (PathBuf, String)) -> PathBuf {
    cached(&format!("wordpress-{version}-{LAYOUT}"), |dir| {
        upstream_layout(&package, dir);
    })
}

/// Counts the changes to what is written into the cache.
const LAYOUT: u32 = 1;

/// What the prepared data directory depends on.
pub(crate) fn template_name() -> String {
    let (_, version) = debian_package("wordpress");
    format!("wordpress-{version}-{LAYOUT}")
}

/// The folder of npm's builds: `src/wordpress/*.zip` and the SQLite drop-in.
pub(crate) fn builds() -> PathBuf {
    let (package, version) = BUILDS;
    npm_package(
        package,
        version,
        &["src/wordpress", "src/sqlite-database-integration"],
    )
}

/// Debian splits WordPress over `/etc`, `/var` and other packages: put it together again.
fn upstream_layout(package: &Path, dir: &Path) {
    copy_tree(&package.join("usr/share/wordpress/."), dir);
    // Debian's own loader, which looks for /etc/wordpress/config-<host>.php.
    remove(&dir.join("wp-config.php"));
    shell("find", &[&text(dir), "-xtype", "l", "-delete"]);
    shell("find", &[&text(dir), "-type", "l", "-delete"]);
    let content = package.join("var/lib/wordpress/wp-content");
    if content.exists() {
        remove(&dir.join("wp-content"));
        copy_tree(&content, &dir.join("wp-content"));
        shell(
            "find",
            &[&text(&dir.join("wp-content")), "-type", "l", "-delete"],
        );
    }
    for folder in ["plugins", "themes", "mu-plugins", "uploads"] {
        fs::create_dir_all(dir.join("wp-content").join(folder)).unwrap();
    }
}

/// Runs the real installer once, into the database that every later site is copied from.
pub(crate) fn install_template(server: &MariaDb) {
    let mut database = server.database();
    server.sql(format!("CREATE DATABASE {TEMPLATE} CHARACTER SET utf8mb4"));
    server.sql(format!(
        "GRANT ALL ON {TEMPLATE}.* TO {}@'%'",
        database.user
    ));
    database.name = TEMPLATE.to_owned();
    let site = WordPress::new().bare(Store::MariaDb(database.clone()));
    run_installer(&site);
    server.sql(format!(
        "DROP USER {0}@'%'; DROP DATABASE {0}",
        database.user
    ));
}

/// `wp_install()`, as the web installer calls it: the account `admin`, on <http://s1.test>.
pub(crate) fn run_installer(site: &Site) {
    let prologue = "
        define('WP_INSTALLING', true);
        // Debian keeps the mailer elsewhere, and no mail leaves a test.
        function wp_new_blog_notification() {}
        define('WP_SITEURL', 'http://s1.test');
        $_SERVER['HTTP_HOST'] = 's1.test';
        require 'wp-load.php';
        require_once ABSPATH . 'wp-admin/includes/upgrade.php';";
    let script = "
        $done = wp_install('The tests', 'admin', 'admin@example.com', true, '', 'secret');
        return $done['user_id'];";
    let user = php_as(site.owner(), site.root(), prologue, script, &json!([])).unwrap();
    assert_eq!(user, 1, "the installer made another first user");
}

/// Copies the installed tables into a database, under the names of the configuration.
fn copy_tables(database: &Database, config: &Config) {
    use std::fmt::Write as _;

    let server = &database.server;
    let prefix = &config.prefix;
    let mut sql = String::from("SET SESSION sql_mode = '';\n");
    for row in server.sql(format!("SHOW TABLES IN {TEMPLATE}")) {
        let table = row[0].strip_prefix("wp_").unwrap();
        let name = match (&config.user_tables, table) {
            (Some((users, _)), "users") => users.clone(),
            (Some((_, meta)), "usermeta") => meta.clone(),
            _ => format!("{prefix}{table}"),
        };
        writeln!(sql, "CREATE TABLE `{name}` LIKE {TEMPLATE}.wp_{table};").unwrap();
        if config.charset != "utf8mb4" {
            writeln!(
                sql,
                "ALTER TABLE `{name}` CONVERT TO CHARACTER SET {};",
                config.charset
            )
            .unwrap();
        }
        writeln!(
            sql,
            "INSERT INTO `{name}` SELECT * FROM {TEMPLATE}.wp_{table};"
        )
        .unwrap();
    }
    // Roles and capabilities carry the prefix inside their names.
    let meta = config
        .user_tables
        .as_ref()
        .map_or(format!("{prefix}usermeta"), |it| it.1.clone());
    write!(
        sql,
        "UPDATE `{meta}` SET meta_key = CONCAT('{prefix}', SUBSTRING(meta_key, 4))
           WHERE meta_key IN ('wp_capabilities', 'wp_user_level');
         UPDATE `{prefix}options` SET option_name = '{prefix}user_roles'
           WHERE option_name = 'wp_user_roles';"
    )
    .unwrap();
    database.sql(sql);
}

/// Turns a site into a network with a second site at `/two/`, by WordPress's own functions.
fn become_network(site: &Site) {
    let mut alone = site.config().clone();
    alone.multisite = false;
    alone.extra += "define( 'WP_ALLOW_MULTISITE', true );\n";
    site.write_config(&alone);
    site.php(
        "global $wpdb;
         define('WP_INSTALLING_NETWORK', true);
         require_once ABSPATH . 'wp-admin/includes/upgrade.php';
         require_once ABSPATH . 'wp-admin/includes/network.php';
         foreach ($wpdb->tables('ms_global') as $table => $name) { $wpdb->$table = $name; }
         install_network();
         $made = populate_network(1, 's1.test', 'admin@example.com', 'The network', '/', false);
         return is_wp_error($made) ? $made->get_error_codes() : true;",
    );
    site.write_config(site.config());
    let second = site.php(
        "$made = wpmu_create_blog('s1.test', '/two/', 'Two', 1);
         return is_wp_error($made) ? $made->get_error_message() : $made;",
    );
    assert_eq!(second, 2, "the network has no second site");
}

fn remove(path: &Path) {
    let removed = match fs::symlink_metadata(path) {
        Err(_) => return,
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    };
    removed.unwrap();
}
