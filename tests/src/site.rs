//! One installed WordPress, and the questions a test asks it: of WordPress itself through its own
//! functions, and of the rows behind its back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::php::{hex, unhex};
use crate::{Config, Database, Owner, Scratch, config, php_as, sqlite_site};

/// Loads WordPress the way a request would, without starting its scheduler.
const LOAD: &str = "
    define('DISABLE_WP_CRON', true);
    $_SERVER['HTTP_HOST'] = 's1.test';
    $_SERVER['REQUEST_URI'] = '/';
    require 'wp-load.php';
";

/// Where a site keeps its rows.
#[derive(Debug, Clone)]
pub enum Store {
    /// A database on a MariaDB server.
    MariaDb(Database),
    /// A SQLite file; relative to the root.
    Sqlite(PathBuf),
}

/// A user as the site knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: u64,
    /// The login.
    pub login: String,
}

/// A login that WordPress made: what the browser holds and what the site stores of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// The whole `logged_in` cookie.
    pub value: String,
    /// The raw token inside it.
    pub token: String,
    /// What is stored: the token's hash.
    pub verifier: String,
}

/// One stored `session_tokens` row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `umeta_id`.
    pub id: u64,
    /// The stored bytes; `None` for SQL's `NULL`.
    pub value: Option<Vec<u8>>,
}

/// An installed site; its files go with the value.
#[derive(Debug)]
pub struct Site {
    scratch: Scratch,
    root: PathBuf,
    owner: Owner,
    store: Store,
    config: Config,
}

impl Site {
    pub(crate) fn new(
        scratch: Scratch,
        root: PathBuf,
        owner: Owner,
        store: Store,
        config: Config,
    ) -> Self {
        Self {
            scratch,
            root,
            owner,
            store,
            config,
        }
    }

    /// The directory with `wp-load.php`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory around the root, for what lies beside a site.
    pub fn around(&self) -> &Scratch {
        &self.scratch
    }

    /// Who owns what is the site's own.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Where its rows are.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The database, of a site that has one on a server.
    pub fn database(&self) -> &Database {
        match &self.store {
            Store::MariaDb(database) => database,
            Store::Sqlite(_) => panic!("this site lives in a SQLite file"),
        }
    }

    /// What its `wp-config.php` was made from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Writes `wp-config.php` anew.
    pub fn write_config(&self, config: &Config) {
        self.write("wp-config.php", config::text(&self.store, config));
        let secret = fs::Permissions::from_mode(0o640);
        fs::set_permissions(self.root.join("wp-config.php"), secret).unwrap();
    }

    /// Writes a file of the site's own, such as `wp-content/mu-plugins/x.php`.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // A file of the tree may be a hard link into the cache: replace it, never write into it.
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        self.owner.give(&path);
        path
    }

    /// The users' table.
    pub fn users_table(&self) -> String {
        let custom = self
            .config
            .user_tables
            .as_ref()
            .map(|tables| tables.0.clone());
        custom.unwrap_or_else(|| format!("{}users", self.config.prefix))
    }

    /// The users' meta table.
    pub fn usermeta_table(&self) -> String {
        let custom = self
            .config
            .user_tables
            .as_ref()
            .map(|tables| tables.1.clone());
        custom.unwrap_or_else(|| format!("{}usermeta", self.config.prefix))
    }

    /// Runs SQL on the site's tables, behind WordPress's back.
    pub fn sql(&self, sql: impl AsRef<str>) -> Vec<Vec<String>> {
        match &self.store {
            Store::MariaDb(database) => database.sql(sql),
            Store::Sqlite(file) => {
                sqlite_site::sql(self.owner, &self.root.join(file), sql.as_ref())
            }
        }
    }

    /// Runs PHP inside the loaded WordPress, as the site's owner; gives what it `return`s.
    pub fn php(&self, script: &str) -> Value {
        self.php_with(script, &json!([]))
    }

    /// The same with `$args`, an array.
    pub fn php_with(&self, script: &str, args: &Value) -> Value {
        php_as(self.owner, &self.root, LOAD, script, args)
            .unwrap_or_else(|failure| panic!("{failure}"))
    }

    /// Adds a user through WordPress.
    pub fn add_user(&self, login: &str, role: &str) -> User {
        let id = self.php_with(
            "return wp_insert_user(['user_login' => $args[0], 'role' => $args[1],
                'user_email' => $args[0] . '@example.com', 'user_pass' => 'secret']);",
            &json!([login, role]),
        );
        let id = id
            .as_u64()
            .unwrap_or_else(|| panic!("no user `{login}` was added: {id}"));
        User {
            id,
            login: login.to_owned(),
        }
    }

    /// Logs a user in from a browser at an address.
    pub fn login(&self, login: &str, ua: &str, ip: &str) -> Cookie {
        self.logins(&[(login, ua, ip)]).pop().unwrap()
    }

    /// Several logins in the given order, in one PHP process: `(login, ua, ip)`.
    pub fn logins(&self, logins: &[(&str, &str, &str)]) -> Vec<Cookie> {
        let made = self.php_with(
            "return array_map(static function ($login) {
                [$name, $_SERVER['HTTP_USER_AGENT'], $_SERVER['REMOTE_ADDR']] = $login;
                // WordPress expects superglobals with slashes.
                $_SERVER['HTTP_USER_AGENT'] = wp_slash($_SERVER['HTTP_USER_AGENT']);
                $user = get_user_by('login', $name) ?: throw new Exception(\"no user $name\");
                $until = time() + DAY_IN_SECONDS;
                $token = WP_Session_Tokens::get_instance($user->ID)->create($until);
                $cookie = wp_generate_auth_cookie($user->ID, $until, 'logged_in', $token);
                return [$cookie, $token, hash('sha256', $token)];
            }, $args);",
            &json!(logins),
        );
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let cookie = |made: &Value| Cookie {
            value: text(&made[0]),
            token: text(&made[1]),
            verifier: text(&made[2]),
        };
        made.as_array().unwrap().iter().map(cookie).collect()
    }

    /// Whether WordPress, in a fresh process, still takes a cookie for a logged-in user.
    pub fn cookie_is_valid(&self, cookie: &Cookie) -> bool {
        self.valid_cookies(std::slice::from_ref(cookie))[0]
    }

    /// The same for several cookies at once.
    pub fn valid_cookies(&self, cookies: &[Cookie]) -> Vec<bool> {
        let values: Vec<_> = cookies.iter().map(|cookie| &cookie.value).collect();
        let valid = self.php_with(
            "return array_map(static fn ($cookie) =>
                (bool) wp_validate_auth_cookie($cookie, 'logged_in'), $args);",
            &json!(values),
        );
        valid
            .as_array()
            .unwrap()
            .iter()
            .map(|valid| valid.as_bool().unwrap())
            .collect()
    }

    /// The live sessions of a user in stored order, as WordPress's own class reads them: pairs of
    /// verifier and session.
    pub fn sessions(&self, login: &str) -> Vec<(String, Value)> {
        let sessions = self.php_with(
            "$manager = WP_Session_Tokens::get_instance(get_user_by('login', $args[0])->ID);
             $read = new ReflectionMethod($manager, 'get_sessions');
             $read->setAccessible(true);
             $sessions = $read->invoke($manager);
             return array_map(null, array_map('strval', array_keys($sessions)),
                array_values($sessions));",
            &json!([login]),
        );
        let pairs = sessions.as_array().unwrap().iter();
        pairs
            .map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone()))
            .collect()
    }

    /// The `session_tokens` rows of a user as stored, lowest id first.
    pub fn raw_rows(&self, user: u64) -> Vec<Row> {
        let meta = self.usermeta_table();
        let rows = self.sql(format!(
            "SELECT umeta_id, COALESCE(HEX(meta_value), 'null') FROM {meta}
             WHERE user_id = {user} AND meta_key = 'session_tokens' ORDER BY umeta_id;"
        ));
        let value = |cell: &str| (cell != "null").then(|| unhex(cell));
        rows.iter()
            .map(|row| Row {
                id: row[0].parse().unwrap(),
                value: value(&row[1]),
            })
            .collect()
    }

    /// Makes a value the only `session_tokens` row of a user, byte for byte.
    pub fn set_raw(&self, user: u64, value: &[u8]) {
        self.clear_raw(user);
        self.add_raw(user, value);
    }

    /// Adds one more `session_tokens` row to a user.
    pub fn add_raw(&self, user: u64, value: &[u8]) {
        let (meta, bytes) = (self.usermeta_table(), hex(value));
        let bytes = match self.store {
            Store::MariaDb(_) => format!("X'{bytes}'"),
            // Text is what WordPress stores, and what it reads back.
            Store::Sqlite(_) => format!("CAST(X'{bytes}' AS TEXT)"),
        };
        self.sql(format!(
            "INSERT INTO {meta} (user_id, meta_key, meta_value)
             VALUES ({user}, 'session_tokens', {bytes});"
        ));
    }

    /// Removes a user's `session_tokens` rows.
    pub fn clear_raw(&self, user: u64) {
        let meta = self.usermeta_table();
        self.sql(format!(
            "DELETE FROM {meta} WHERE user_id = {user} AND meta_key = 'session_tokens';"
        ));
    }
}
