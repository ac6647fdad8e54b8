//! The object cache that answers before a site's rows: where it is, what it still holds of users'
//! sessions, and clearing it. Knows Redis and the drop-ins' keys; nothing of verbs or rows.
//!
//! A drop-in keeps a user's meta under `<prefix>user_meta:<id>`, without an end. Deleting that key
//! is a cache miss, and WordPress reads the rows again (`wordpress.md` §2).

mod client;
mod error;
mod held;
mod pass;
mod resp;
mod settings;
mod through;
mod tls;

pub use error::CacheError;
pub use held::Held;
pub use pass::{Pass, Whose};
pub use settings::{Server, Unsuitable, server};

use client::Client;
use pass::{Found, cursor_and_list};
use resp::Reply;
use through::Through;

use crate::engine::php::Sight;

/// Keys deleted with one command.
const BATCH: usize = 64;

/// Values read with one batch of commands; together they stay below [`resp::MAX_BYTES`].
const VALUES: usize = 16;

/// Bytes read of one cached value: a user's whole meta. More is not looked into.
const MAX_VALUE: usize = 1024 * 1024;

/// Fields of a hash asked for at once.
const FIELDS: &[u8] = b"64";

/// A cache in front of the rows.
pub struct ObjectCache {
    name: &'static str,
    reach: Reach,
}

enum Reach {
    /// A Redis server, and the connection while it holds.
    Redis {
        server: Box<Server>,
        client: Result<Client, CacheError>,
    },
    /// WordPress itself.
    WordPress(Box<Through>),
    /// Not from here, for this reason.
    Nobody(CacheError),
}

/// What the cache holds of one user.
#[derive(Clone, Debug, PartialEq)]
pub struct Cached {
    /// Whose.
    pub user: u64,
    /// The sessions.
    pub held: Held,
}

impl ObjectCache {
    /// The cache of a drop-in called `name`, on one Redis server. Tries to reach it; what goes wrong
    /// is kept as [`ObjectCache::trouble`].
    pub async fn redis(name: &'static str, server: Server) -> Self {
        let client = Client::open(&server).await;
        let server = Box::new(server);
        let reach = Reach::Redis { server, client };
        Self { name, reach }
    }

    /// A cache of any kind, as the site's own drop-in reaches it.
    pub fn through_wordpress(name: &'static str, sight: Sight) -> Self {
        let reach = Reach::WordPress(Box::new(Through { name, sight }));
        Self { name, reach }
    }

    /// A cache that cannot be cleared from here.
    pub fn beyond(name: &'static str, why: CacheError) -> Self {
        let reach = Reach::Nobody(why);
        Self { name, reach }
    }

    /// Whether what happens to it happens to the web server's, or is said not to.
    pub fn is_web_servers(&self) -> bool {
        !matches!(self.reach, Reach::WordPress(_))
    }

    /// Product, place, database and version, for people.
    pub fn describe(&self) -> String {
        match &self.reach {
            Reach::Redis { server, client } => {
                let version = client.as_ref().ok().and_then(|it| it.version.clone());
                let version = version.map(|it| format!(" ({it})")).unwrap_or_default();
                let tls = if server.tls.is_some() { ", TLS" } else { "" };
                let at = self.place();
                format!("{} at {at}{tls}{version}", self.name)
            }
            Reach::WordPress(_) => format!("{}, through WordPress", self.name),
            Reach::Nobody(_) => format!("{}, beyond reach", self.name),
        }
    }

    /// Why nothing certain can be said of it, when that is known already.
    pub fn trouble(&self) -> Option<CacheError> {
        match &self.reach {
            Reach::Redis { client, .. } => client.as_ref().err().cloned(),
            Reach::WordPress(_) => None,
            Reach::Nobody(why) => Some(why.clone()),
        }
    }

    fn place(&self) -> String {
        match &self.reach {
            Reach::Redis { server, .. } => {
                format!("{}, database {}", server.place(), server.database)
            }
            Reach::WordPress(_) | Reach::Nobody(_) => self.name.to_owned(),
        }
    }

    /// Deletes the cached meta of these users; returns how many keys or fields were there.
    pub async fn clear(&mut self, whose: &Whose<'_>) -> Result<u64, CacheError> {
        if let Reach::WordPress(through) = &mut self.reach {
            return through.clear(whose).await;
        }
        let (client, groups) = self.fresh().await?;
        let mut pass = Pass::new();
        let mut cleared = 0;
        while let Some(page) = pass.next(client, whose, groups).await? {
            let mut keys = Vec::new();
            for found in page {
                match (found, whose) {
                    (Found::Group { key }, Whose::Users(users)) => {
                        cleared += remove_fields(client, &key, users).await?;
                    }
                    (Found::User { key, .. } | Found::Group { key }, _) => keys.push(key),
                }
            }
            for keys in keys.chunks(BATCH) {
                cleared += remove(client, keys).await?;
            }
        }
        Ok(cleared)
    }

    /// What is held of these users, a page of a walk; none at its end.
    pub async fn look(
        &mut self,
        whose: &Whose<'_>,
        pass: &mut Pass,
        now: i64,
    ) -> Result<Option<Vec<Cached>>, CacheError> {
        if let Reach::WordPress(through) = &mut self.reach {
            return through.look(whose, pass, now).await;
        }
        let (client, groups) = self.fresh().await?;
        pass.still(client)?;
        if let Some((key, cursor)) = pass.groups.pop() {
            let command = [b"HSCAN".as_slice(), &key, &cursor, b"COUNT", FIELDS];
            let Some(reply) = unless_other_type(client.one(&command).await)? else {
                return Ok(Some(Vec::new()));
            };
            let (next, list) = cursor_and_list(reply).ok_or_else(|| client.strange())?;
            if next != b"0" {
                pass.groups.push((key, next));
            }
            let field = |pair: &[Vec<u8>]| {
                let user = std::str::from_utf8(&pair[0]).ok()?.parse().ok()?;
                let held = held::read(&pair[1], now);
                Some(Cached { user, held })
            };
            return Ok(Some(list.chunks_exact(2).filter_map(field).collect()));
        }
        let Some(page) = pass.next(client, whose, groups).await? else {
            return Ok(None);
        };
        let most = (MAX_VALUE - 1).to_string();
        let mut asked: Vec<(u64, Vec<Vec<u8>>)> = Vec::new();
        for found in page {
            match (found, whose) {
                (Found::User { id, key }, _) => {
                    let words = [
                        b"GETRANGE".to_vec(),
                        key,
                        b"0".to_vec(),
                        most.clone().into(),
                    ];
                    asked.push((id, words.into()));
                }
                (Found::Group { key }, Whose::Users(users)) => {
                    asked.extend(users.iter().map(|id| {
                        let words = [b"HGET".to_vec(), key.clone(), id.to_string().into()];
                        (*id, words.into())
                    }));
                }
                (Found::Group { key }, Whose::Everybody) => pass.groups.push((key, b"0".to_vec())),
            }
        }
        let mut cached = Vec::with_capacity(asked.len());
        for batch in asked.chunks(VALUES) {
            cached.extend(read(client, batch, now).await?);
        }
        Ok(Some(cached))
    }

    /// An error when nothing of WordPress is in the cache at all: every request puts its options
    /// there.
    pub async fn warm(&mut self) -> Result<(), CacheError> {
        if let Reach::WordPress(_) = self.reach {
            // Loading it has warmed it.
            return Ok(());
        }
        let at = self.place();
        let (client, _) = self.fresh().await?;
        let mut pass = Pass::new();
        while let Some(keys) = pass.keys(client, b"*options*").await? {
            if !keys.is_empty() {
                return Ok(());
            }
        }
        Err(CacheError::Cold { at })
    }

    /// The error that says that values of so many users could not be read.
    pub fn unreadable(&self, users: u64) -> CacheError {
        let at = self.place();
        CacheError::Unreadable { at, users }
    }

    /// A connection that answers: a server closes what has been idle while rows were destroyed.
    async fn fresh(&mut self) -> Result<(&mut Client, bool), CacheError> {
        let (server, client) = match &mut self.reach {
            Reach::Redis { server, client } => (server, client),
            Reach::Nobody(why) => return Err(why.clone()),
            Reach::WordPress(_) => return Err(CacheError::NotNatively { name: self.name }),
        };
        let answers = match client {
            Ok(client) => client.ask(&[&[b"PING"]]).await.is_ok(),
            Err(_) => false,
        };
        if !answers {
            *client = Client::open(server).await;
        }
        match client {
            Ok(client) => Ok((client, server.groups)),
            Err(error) => Err(error.clone()),
        }
    }
}

/// Reads values in one batch; a key of another type is none of the drop-in's.
async fn read(
    client: &mut Client,
    batch: &[(u64, Vec<Vec<u8>>)],
    now: i64,
) -> Result<Vec<Cached>, CacheError> {
    let words: Vec<Vec<&[u8]>> = batch
        .iter()
        .map(|(_, words)| words.iter().map(Vec::as_slice).collect())
        .collect();
    let commands: Vec<&[&[u8]]> = words.iter().map(Vec::as_slice).collect();
    let replies = client.ask(&commands).await?;
    let mut cached = Vec::new();
    for ((user, words), reply) in batch.iter().zip(replies) {
        let held = match reply {
            // Deleted meanwhile: GETRANGE gives empty text.
            Reply::Bulk(None) => continue,
            Reply::Bulk(Some(value)) if value.is_empty() => continue,
            Reply::Bulk(Some(value)) if value.len() >= MAX_VALUE => Held::Unreadable,
            Reply::Bulk(Some(value)) => held::read(&value, now),
            Reply::Error(why) if why.starts_with("WRONGTYPE") => continue,
            Reply::Error(why) => return Err(client.refused(&words[0], &why)),
            _ => return Err(client.strange()),
        };
        cached.push(Cached { user: *user, held });
    }
    Ok(cached)
}

/// Deletes keys; an account, or a server, may know only the older command.
async fn remove(client: &mut Client, keys: &[Vec<u8>]) -> Result<u64, CacheError> {
    let with = |name: &'static [u8]| -> Vec<&[u8]> {
        std::iter::once(name)
            .chain(keys.iter().map(Vec::as_slice))
            .collect()
    };
    match client.one(&with(b"UNLINK")).await {
        Err(CacheError::Refused { why, .. })
            if why.starts_with("NOPERM") || why.contains("unknown command") =>
        {
            count(client, &with(b"DEL")).await
        }
        Ok(Reply::Int(number)) => Ok(u64::try_from(number).unwrap_or(0)),
        Ok(_) => Err(client.strange()),
        Err(error) => Err(error),
    }
}

async fn remove_fields(client: &mut Client, key: &[u8], users: &[u64]) -> Result<u64, CacheError> {
    let mut removed = 0;
    for users in users.chunks(BATCH) {
        let ids: Vec<String> = users.iter().map(u64::to_string).collect();
        let mut command = vec![b"HDEL".as_slice(), key];
        command.extend(ids.iter().map(String::as_bytes));
        removed += match unless_other_type(client.one(&command).await)? {
            Some(Reply::Int(number)) => u64::try_from(number).unwrap_or(0),
            Some(_) => return Err(client.strange()),
            None => 0,
        };
    }
    Ok(removed)
}

async fn count(client: &mut Client, command: &[&[u8]]) -> Result<u64, CacheError> {
    match client.one(command).await? {
        Reply::Int(number) => Ok(u64::try_from(number).unwrap_or(0)),
        _ => Err(client.strange()),
    }
}

/// A key of another type is none of the drop-in's.
fn unless_other_type(reply: Result<Reply, CacheError>) -> Result<Option<Reply>, CacheError> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(CacheError::Refused { why, .. }) if why.starts_with("WRONGTYPE") => Ok(None),
        Err(error) => Err(error),
    }
}
