//! What the configuration means: the database, the tables, the folders. Reads a `Config`; the
//! only file it looks at is the `db.php` drop-in.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::db_host::{self, DbHost};
use super::drop_ins::{self, DbDropIn};
use super::literal::{Literal, Setting, Source};
use super::wp_config::{Config, ConfigError};

/// A value that no message and no Debug output may show, and that is zeroed when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Keeps the bytes.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, for the one place that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The database of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// MySQL or MariaDB.
    MySql(MySql),
    /// The SQLite integration.
    Sqlite {
        /// The database file.
        file: PathBuf,
    },
}

/// What wpdb connects with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MySql {
    /// Database name.
    pub name: String,
    /// User.
    pub user: String,
    /// Password, perhaps empty.
    pub password: Secret,
    /// Where it listens.
    pub host: DbHost,
    /// `DB_CHARSET`; None when undefined or empty.
    pub charset: Option<String>,
    /// `MYSQL_CLIENT_FLAGS`, 0 when undefined.
    pub client_flags: i64,
}

/// The folders of a site's own code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// `WP_CONTENT_DIR`.
    pub content: PathBuf,
    /// `WP_PLUGIN_DIR`.
    pub plugins: PathBuf,
    /// `WPMU_PLUGIN_DIR`.
    pub mu_plugins: PathBuf,
}

/// The tables that hold users and sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// `$table_prefix`; of the whole network on a multisite.
    pub prefix: String,
    /// `<prefix>users` or `CUSTOM_USER_TABLE`.
    pub users: String,
    /// `<prefix>usermeta` or `CUSTOM_USER_META_TABLE`.
    pub usermeta: String,
    /// Whether sessions are those of a network.
    pub multisite: bool,
}

/// Credentials of examples, in wp-config-sample.php and in the official Docker image.
const SAMPLES: [(&str, &str); 5] = [
    ("DB_NAME", "database_name_here"),
    ("DB_USER", "username_here"),
    ("DB_USER", "example username"),
    ("DB_PASSWORD", "password_here"),
    ("DB_PASSWORD", "example password"),
];

/// The site's database. Unresolved, missing, malformed and sample values are errors.
pub fn database(config: &Config<'_>) -> Result<Database, ConfigError> {
    if let Some(file) = sqlite(config)? {
        return Ok(Database::Sqlite { file });
    }
    let name = required(config, "DB_NAME")?;
    let user = required(config, "DB_USER")?;
    let password = required_bytes(config, "DB_PASSWORD")?;
    let host = required(config, "DB_HOST")?;
    let seen = [name.as_bytes(), user.as_bytes(), password.as_slice()];
    let samples: Vec<&str> = SAMPLES
        .iter()
        .filter(|(_, sample)| seen.contains(&sample.as_bytes()))
        .map(|(_, sample)| *sample)
        .collect();
    if !samples.is_empty() {
        return Err(ConfigError::Sample {
            file: config.file.clone(),
            samples,
        });
    }
    let host = db_host::parse(&host)
        .ok_or_else(|| malformed(config, "DB_HOST", "has a port above 65535"))?;
    let client_flags = match known(config, "MYSQL_CLIENT_FLAGS")? {
        None => 0,
        Some((value, _)) => value
            .to_int()
            .ok_or_else(|| malformed(config, "MYSQL_CLIENT_FLAGS", "is not an integer"))?,
    };
    Ok(Database::MySql(MySql {
        name,
        user,
        password: Secret(password.into()),
        host,
        charset: text(config, "DB_CHARSET")?.filter(|value| !value.is_empty()),
        client_flags,
    }))
}

/// The tables of users and their meta values.
pub fn tables(config: &Config<'_>) -> Result<Tables, ConfigError> {
    const NAME: &str = "$table_prefix";
    let prefix = match settle(NAME, config.table_prefix())? {
        None => return Err(unset(config, NAME)),
        Some((value, source)) => {
            let prefix = value
                .to_bytes()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            prefix
                .filter(|prefix| is_table_name(prefix))
                .ok_or(ConfigError::Malformed {
                    name: NAME.to_owned(),
                    source_line: source,
                    problem: "is not 1 to 48 letters, digits and underscores",
                })?
        }
    };
    let table = |name: &str, plain: &str| match text(config, name)? {
        None => Ok(format!("{prefix}{plain}")),
        Some(table) if is_table_name(&table) => Ok(table),
        Some(_) => Err(malformed(
            config,
            name,
            "is not letters, digits and underscores",
        )),
    };
    Ok(Tables {
        users: table("CUSTOM_USER_TABLE", "users")?,
        usermeta: table("CUSTOM_USER_META_TABLE", "usermeta")?,
        multisite: multisite(config)?,
        prefix,
    })
}

/// What text does not settle of the names that decide where sessions are.
pub fn unsettled(config: &Config<'_>) -> Option<ConfigError> {
    let errors = [
        database(config).err(),
        tables(config).err(),
        folders(config).err(),
    ];
    let unresolved = |error: &ConfigError| matches!(error, ConfigError::Unresolved { .. });
    let found = errors.into_iter().flatten().find(unresolved)?;
    // What everybody knows by its name, when it is one of several.
    Some(known(config, "DB_NAME").err().unwrap_or(found))
}

/// The folders where plugins, themes and drop-ins stand.
pub fn folders(config: &Config<'_>) -> Result<Folders, ConfigError> {
    let folder = |name: &str, otherwise: PathBuf| {
        Ok::<_, ConfigError>(path(config, name)?.unwrap_or(otherwise))
    };
    let content = folder("WP_CONTENT_DIR", config.root.join("wp-content"))?;
    let plugins = folder("WP_PLUGIN_DIR", content.join("plugins"))?;
    let mu_plugins = folder("WPMU_PLUGIN_DIR", content.join("mu-plugins"))?;
    Ok(Folders {
        content,
        plugins,
        mu_plugins,
    })
}

/// Core's `is_multisite` before WordPress is loaded.
fn multisite(config: &Config<'_>) -> Result<bool, ConfigError> {
    if let Some((value, _)) = known(config, "MULTISITE")? {
        return Ok(value.truthy());
    }
    for name in ["SUBDOMAIN_INSTALL", "VHOST", "SUNRISE"] {
        if known(config, name)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The file of the SQLite integration, when its drop-in stands there and is not switched off.
fn sqlite(config: &Config<'_>) -> Result<Option<PathBuf>, ConfigError> {
    let content = folders(config)?.content;
    if drop_ins::db(&content) != Some(DbDropIn::Sqlite) {
        return Ok(None);
    }
    if let Some((engine, _)) = known(config, "DB_ENGINE")?
        && engine != Literal::Text(b"sqlite".to_vec())
    {
        return Ok(None);
    }
    // The plugin concatenates, so FQDBDIR needs its own slash and DB_DIR does not.
    if let Some(file) = path(config, "FQDB")? {
        return Ok(Some(file));
    }
    let mut file = match (bytes(config, "FQDBDIR")?, path(config, "DB_DIR")?) {
        (Some(directory), _) => directory,
        (None, Some(directory)) => slashed(&directory),
        (None, None) => slashed(&content.join("database")),
    };
    file.extend(bytes(config, "DB_FILE")?.unwrap_or_else(|| b".ht.sqlite".to_vec()));
    Ok(Some(PathBuf::from(OsStr::from_bytes(&file))))
}

fn slashed(directory: &Path) -> Vec<u8> {
    let mut bytes = directory.as_os_str().as_bytes().to_vec();
    while matches!(bytes.last(), Some(b'/' | b'\\')) {
        bytes.pop();
    }
    bytes.push(b'/');
    bytes
}

/// Core's rule for prefixes, with MySQL's limit of 64 less the longest table name.
fn is_table_name(name: &str) -> bool {
    (1..=48).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn settle(name: &str, setting: Setting) -> Result<Option<(Literal, Source)>, ConfigError> {
    match setting {
        Setting::Value { value, source } => Ok(Some((value, source))),
        Setting::Unset => Ok(None),
        Setting::Unresolved { source, reason } => Err(ConfigError::Unresolved {
            name: name.to_owned(),
            source_line: source,
            reason,
        }),
    }
}

fn known(config: &Config<'_>, name: &str) -> Result<Option<(Literal, Source)>, ConfigError> {
    settle(name, config.get(name))
}

fn bytes(config: &Config<'_>, name: &str) -> Result<Option<Vec<u8>>, ConfigError> {
    known(config, name)?
        .map(|(value, _)| {
            value
                .to_bytes()
                .ok_or_else(|| malformed(config, name, "is an array, not a string"))
        })
        .transpose()
}

fn text(config: &Config<'_>, name: &str) -> Result<Option<String>, ConfigError> {
    bytes(config, name)?
        .map(|bytes| {
            String::from_utf8(bytes).map_err(|_| malformed(config, name, "is not valid UTF-8"))
        })
        .transpose()
}

fn path(config: &Config<'_>, name: &str) -> Result<Option<PathBuf>, ConfigError> {
    let Some(bytes) = bytes(config, name)? else {
        return Ok(None);
    };
    let path = PathBuf::from(OsStr::from_bytes(&bytes));
    // Relative to the web server's working directory, which nobody here knows.
    if path.is_absolute() {
        Ok(Some(path))
    } else {
        Err(malformed(config, name, "is not an absolute path"))
    }
}

fn required(config: &Config<'_>, name: &str) -> Result<String, ConfigError> {
    text(config, name)?.ok_or_else(|| unset(config, name))
}

fn required_bytes(config: &Config<'_>, name: &str) -> Result<Vec<u8>, ConfigError> {
    bytes(config, name)?.ok_or_else(|| unset(config, name))
}

fn unset(config: &Config<'_>, name: &str) -> ConfigError {
    ConfigError::Unset {
        name: name.to_owned(),
        file: config.file.clone(),
    }
}

fn malformed(config: &Config<'_>, name: &str, problem: &'static str) -> ConfigError {
    let source_line = match config.get(name) {
        Setting::Value { source, .. } | Setting::Unresolved { source, .. } => source,
        Setting::Unset => Source {
            file: config.file.clone(),
            line: 0,
        },
    };
    ConfigError::Malformed {
        name: name.to_owned(),
        source_line,
        problem,
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
