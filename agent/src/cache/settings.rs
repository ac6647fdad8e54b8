//! Where a drop-in's Redis is, from the configuration and the environment as the drop-in reads
//! them. Whatever is not one plain server, or not known for certain, is unsuitable.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use crate::site::{Config, Literal, ObjectCacheKind, Secret, Setting};

/// Redis's own port.
const PORT: u16 = 6379;

/// What turns Redis Object Cache's one server into several, by its mere definition.
const SEVERAL: [&str; 4] = [
    "WP_REDIS_SENTINEL",
    "WP_REDIS_SERVERS",
    "WP_REDIS_SHARDS",
    "WP_REDIS_CLUSTER",
];

/// One Redis server, as a drop-in would connect to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it listens.
    pub(super) place: Place,
    /// How it is encrypted, if at all.
    pub(super) tls: Option<Tls>,
    /// The account and its password.
    pub(super) login: Option<Login>,
    /// `SELECT`
    pub(super) database: u32,
    /// Whether a group may be one hash, its keys the fields.
    pub(super) groups: bool,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Socket(PathBuf),
    Tcp { host: String, port: u16 },
}

/// PHP's stream context, as far as it is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tls {
    /// `verify_peer`
    pub(super) verify: bool,
    /// `verify_peer_name`
    pub(super) verify_name: bool,
    /// `cafile`, instead of the system's authorities.
    pub(super) authorities: Option<PathBuf>,
    /// `peer_name`, instead of the host.
    pub(super) name: Option<String>,
}

/// What `AUTH` is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) user: Option<Vec<u8>>,
    pub(super) password: Secret,
}

/// Why a cache is not cleared natively: what stands in the way, without a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsuitable(pub String);

type Found<T> = Result<T, Unsuitable>;

/// The server of a drop-in of this kind; other kinds have none that is known here.
pub fn server(kind: ObjectCacheKind, config: &Config<'_>) -> Option<Found<Server>> {
    match kind {
        ObjectCacheKind::RedisObjectCache => Some(redis_object_cache(config)),
        ObjectCacheKind::WpRedis => Some(wp_redis(config)),
        _ => None,
    }
}

fn redis_object_cache(config: &Config<'_>) -> Found<Server> {
    for name in SEVERAL {
        if known(config.get(name))?.is_some() {
            return unsuitable(format!("{name} names several servers"));
        }
    }
    let text = |name: &str| text(name, known(config.get(name))?);
    let scheme = text("WP_REDIS_SCHEME")?.unwrap_or_else(|| "tcp".to_owned());
    let host = text("WP_REDIS_HOST")?.unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = port("WP_REDIS_PORT", known(config.get("WP_REDIS_PORT"))?)?;
    let (place, tls) = match scheme.to_ascii_lowercase().as_str() {
        "unix" => {
            let path = text("WP_REDIS_PATH")?;
            let path = path.ok_or_else(|| Unsuitable("WP_REDIS_PATH is not set".to_owned()))?;
            (socket("WP_REDIS_PATH", path)?, None)
        }
        "tcp" | "redis" | "http" => place("WP_REDIS_HOST", &host, port)?,
        "tls" | "rediss" => {
            let bare = host.strip_prefix("tls://").unwrap_or(&host);
            (place("WP_REDIS_HOST", bare, port)?.0, Some(Tls::usual()))
        }
        _ => return unsuitable("WP_REDIS_SCHEME is none that Kickout knows"),
    };
    let tls = match tls {
        Some(_) => Some(context(known(config.get("WP_REDIS_SSL_CONTEXT"))?)?),
        None => None,
    };
    let mut login = login("WP_REDIS_PASSWORD", known(config.get("WP_REDIS_PASSWORD"))?)?;
    if let (Some(login), Some(user)) = (&mut login, text("WP_REDIS_USERNAME")?) {
        login.user.get_or_insert(user.into_bytes());
    }
    Ok(Server {
        place,
        tls,
        login,
        database: database("WP_REDIS_DATABASE", known(config.get("WP_REDIS_DATABASE"))?)?,
        groups: false,
    })
}

/// `$redis_server`, or the variables of Pantheon's platform in the web server's environment.
fn wp_redis(config: &Config<'_>) -> Found<Server> {
    let groups = match config.get("WP_REDIS_USE_CACHE_GROUPS") {
        Setting::Unset => false,
        Setting::Value { value, .. } => value.truthy(),
        // Looking for both forms finds either.
        Setting::Unresolved { .. } => true,
    };
    let given = known(config.redis_server())?.filter(Literal::truthy);
    let fields = match given {
        Some(Literal::Array(fields)) => fields,
        Some(_) => return unsuitable("$redis_server is not an array"),
        None => platform(config)?,
    };
    let mut server = Server {
        place: Place::Tcp {
            host: String::new(),
            port: PORT,
        },
        tls: None,
        login: None,
        database: 0,
        groups,
    };
    let (mut host, mut number) = (None, PORT);
    for (key, value) in fields {
        let value = Some(value);
        match key.to_bytes().as_deref() {
            Some(b"host") => host = text("$redis_server['host']", value)?,
            Some(b"port") => number = port("$redis_server['port']", value)?,
            Some(b"auth") => server.login = login("$redis_server['auth']", value)?,
            Some(b"database") => server.database = database("$redis_server['database']", value)?,
            // Times, and whether connections are kept: ours have their own.
            Some(b"timeout" | b"read_timeout" | b"retry_interval" | b"persistent") => {}
            _ => return unsuitable("$redis_server has a key that Kickout does not know"),
        }
    }
    let host = host.ok_or_else(|| Unsuitable("$redis_server names no host".to_owned()))?;
    (server.place, server.tls) = place("$redis_server['host']", &host, number)?;
    Ok(server)
}

/// The fields of `$redis_server` as the drop-in fills them in itself.
fn platform(config: &Config<'_>) -> Found<Vec<(Literal, Literal)>> {
    const FIELDS: [(&str, &str); 4] = [
        ("host", "CACHE_HOST"),
        ("port", "CACHE_PORT"),
        ("auth", "CACHE_PASSWORD"),
        ("database", "CACHE_DB"),
    ];
    let mut fields = Vec::new();
    for (field, variable) in FIELDS {
        let Some(value) = config.web_variable(variable) else {
            return unsuitable(format!(
                "$redis_server is not set, and {variable} of the web server's environment is not \
                 known here"
            ));
        };
        let text = |text: &[u8]| Literal::Text(text.to_vec());
        if let Some(value) = value {
            fields.push((text(field.as_bytes()), text(value)));
        }
    }
    if !matches!(fields.first(), Some((Literal::Text(name), _)) if name == b"host") {
        let host = Literal::Text(b"127.0.0.1".to_vec());
        return Ok(vec![(Literal::Text(b"host".to_vec()), host)]);
    }
    Ok(fields)
}

/// What is known of a setting; unknown is unsuitable.
fn known(setting: Setting) -> Found<Option<Literal>> {
    match setting {
        Setting::Value { value, .. } => Ok(Some(value)),
        Setting::Unset => Ok(None),
        Setting::Unresolved { source, reason } => unsuitable(format!("{source}: {reason}")),
    }
}

fn unsuitable<T>(why: impl Into<String>) -> Found<T> {
    Err(Unsuitable(why.into()))
}

fn text(name: &str, value: Option<Literal>) -> Found<Option<String>> {
    let Some(value) = value else { return Ok(None) };
    let text = value
        .to_bytes()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(|| Unsuitable(format!("{name} is no text")))?;
    Ok(Some(text))
}

fn number(name: &str, value: &Literal, most: i64) -> Found<i64> {
    let number = value.to_int().filter(|number| (0..=most).contains(number));
    number.ok_or_else(|| Unsuitable(format!("{name} is no number from 0 to {most}")))
}

fn port(name: &str, value: Option<Literal>) -> Found<u16> {
    match value.filter(Literal::truthy) {
        None => Ok(PORT),
        Some(value) => {
            let port = number(name, &value, i64::from(u16::MAX))?;
            Ok(u16::try_from(port).unwrap_or(PORT))
        }
    }
}

fn database(name: &str, value: Option<Literal>) -> Found<u32> {
    match value.filter(Literal::truthy) {
        None => Ok(0),
        Some(value) => {
            let database = number(name, &value, i64::from(i32::MAX))?;
            Ok(u32::try_from(database).unwrap_or(0))
        }
    }
}

/// PhpRedis takes a path for a socket, and a `tls://` before the host for encryption.
fn place(name: &str, host: &str, port: u16) -> Found<(Place, Option<Tls>)> {
    if host.starts_with('/') {
        return Ok((socket(name, host.to_owned())?, None));
    }
    let (host, tls) = match host.split_once("://") {
        None => (host, None),
        Some(("tcp", host)) => (host, None),
        Some(("tls", host)) => (host, Some(Tls::usual())),
        Some(_) => return unsuitable(format!("{name} has a scheme that Kickout does not know")),
    };
    let host = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    if host.is_empty() {
        return unsuitable(format!("{name} is empty"));
    }
    Ok((Place::Tcp { host, port }, tls))
}

fn socket(name: &str, path: String) -> Found<Place> {
    if !path.starts_with('/') {
        return unsuitable(format!("{name} is not an absolute path"));
    }
    Ok(Place::Socket(path.into()))
}

/// A password, or an account and a password.
fn login(name: &str, value: Option<Literal>) -> Found<Option<Login>> {
    let secret = |value: &Literal| match value {
        Literal::Text(bytes) => Ok(bytes.clone()),
        Literal::Int(_) => Ok(value.to_bytes().unwrap_or_default()),
        _ => unsuitable(format!("{name} is neither text nor a pair of texts")),
    };
    let (user, password) = match value.filter(Literal::truthy) {
        None => return Ok(None),
        Some(Literal::Array(pair)) => match pair.as_slice() {
            [(_, password)] => (None, secret(password)?),
            [(_, user), (_, password)] => (Some(secret(user)?), secret(password)?),
            _ => return unsuitable(format!("{name} is neither text nor a pair of texts")),
        },
        Some(value) => (None, secret(&value)?),
    };
    let password = Secret::new(password);
    Ok(Some(Login { user, password }))
}

impl Tls {
    /// What PHP does when nothing is said.
    fn usual() -> Self {
        Self {
            verify: true,
            verify_name: true,
            authorities: None,
            name: None,
        }
    }
}

fn context(value: Option<Literal>) -> Found<Tls> {
    const NAME: &str = "WP_REDIS_SSL_CONTEXT";
    let mut tls = Tls::usual();
    let mut self_signed = false;
    let fields = match value.filter(Literal::truthy) {
        None => return Ok(tls),
        Some(Literal::Array(fields)) => fields,
        Some(_) => return unsuitable(format!("{NAME} is not an array")),
    };
    for (key, value) in fields {
        let key = key.to_bytes().unwrap_or_default();
        match key.as_slice() {
            b"verify_peer" => tls.verify = value.truthy(),
            b"verify_peer_name" => tls.verify_name = value.truthy(),
            b"allow_self_signed" => self_signed = value.truthy(),
            b"peer_name" => tls.name = text(NAME, Some(value))?,
            b"cafile" => {
                let path = value.to_bytes().unwrap_or_default();
                tls.authorities = Some(OsString::from_vec(path).into());
            }
            // Neither says who is believed.
            b"SNI_enabled" | b"disable_compression" | b"ciphers" | b"crypto_method" => {}
            key => {
                let key = String::from_utf8_lossy(key);
                return unsuitable(format!("{NAME} has '{key}', which Kickout does not follow"));
            }
        }
    }
    if self_signed && tls.verify {
        return unsuitable(format!(
            "{NAME} has 'allow_self_signed', which Kickout does not follow"
        ));
    }
    Ok(tls)
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
