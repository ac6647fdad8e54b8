//! One walk over the users' keys of a Redis database, a page at a time: memory is bounded whatever
//! the database holds. A key is meant by how it ends, so that no prefix needs to be guessed;
//! deleting a key too many costs its site a cache miss.

use std::time::Duration;

use tokio::time::Instant;

use super::client::Client;
use super::error::CacheError;
use super::resp::Reply;

/// Keys looked at by the server in one step.
const STEP: &[u8] = b"1000";

/// A walk that takes longer is not of a cache: a million keys take a second.
const LONGEST: Duration = Duration::from_secs(300);

/// Whose cached meta is meant.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// These users'.
    Users(&'a [u64]),
    /// That of all.
    Everybody,
}

impl Whose<'_> {
    fn holds(&self, user: u64) -> bool {
        match self {
            Self::Users(users) => users.contains(&user),
            Self::Everybody => true,
        }
    }

    /// The narrowest pattern that matches every key that is meant; digits need no escaping.
    fn pattern(&self, groups: bool) -> String {
        match self {
            Self::Users([one]) if !groups => format!("*user_meta:{one}"),
            _ => "*user_meta:*".to_owned(),
        }
    }
}

/// A key that is meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The meta of one user.
    User { id: u64, key: Vec<u8> },
    /// A hash of many users' meta, the id being the field.
    Group { key: Vec<u8> },
}

/// How far a walk is.
#[derive(Debug)]
pub struct Pass {
    /// Where the server is to go on; none at the end.
    cursor: Option<Vec<u8>>,
    /// Hashes that are not read to their end, and where to go on.
    pub(super) groups: Vec<(Vec<u8>, Vec<u8>)>,
    /// The user whom a walk by users has come to.
    pub(super) last: Option<u64>,
    begun: Instant,
}

impl Pass {
    /// At the beginning.
    pub fn new() -> Self {
        Self {
            cursor: Some(b"0".to_vec()),
            groups: Vec::new(),
            last: None,
            begun: Instant::now(),
        }
    }

    /// An error when the walk has taken too long.
    pub(super) fn still(&self, client: &Client) -> Result<(), CacheError> {
        if self.begun.elapsed() > LONGEST {
            return Err(client.endless());
        }
        Ok(())
    }

    /// The next keys; none at the end.
    pub(super) async fn next(
        &mut self,
        client: &mut Client,
        whose: &Whose<'_>,
        groups: bool,
    ) -> Result<Option<Vec<Found>>, CacheError> {
        let pattern = whose.pattern(groups);
        let Some(keys) = self.keys(client, pattern.as_bytes()).await? else {
            return Ok(None);
        };
        let found = keys.into_iter().filter_map(|key| meant(key, whose, groups));
        Ok(Some(found.collect()))
    }

    /// The next keys that match a pattern; none at the end.
    pub(super) async fn keys(
        &mut self,
        client: &mut Client,
        pattern: &[u8],
    ) -> Result<Option<Vec<Vec<u8>>>, CacheError> {
        let Some(cursor) = self.cursor.take() else {
            return Ok(None);
        };
        self.still(client)?;
        let command = [
            b"SCAN".as_slice(),
            &cursor,
            b"MATCH",
            pattern,
            b"COUNT",
            STEP,
        ];
        let reply = client.one(&command).await?;
        let (next, keys) = cursor_and_list(reply).ok_or_else(|| client.strange())?;
        self.cursor = (next != b"0").then_some(next);
        Ok(Some(keys))
    }
}

impl Default for Pass {
    fn default() -> Self {
        Self::new()
    }
}

/// The answer of SCAN and HSCAN.
pub(super) fn cursor_and_list(reply: Reply) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
    let Reply::Array(parts) = reply else {
        return None;
    };
    let [Reply::Bulk(Some(cursor)), Reply::Array(list)] = <[Reply; 2]>::try_from(parts).ok()?
    else {
        return None;
    };
    let bytes = |reply| match reply {
        Reply::Bulk(bytes) => bytes,
        _ => None,
    };
    Some((cursor, list.into_iter().filter_map(bytes).collect()))
}

/// The server's pattern language is only a first sieve; this is the rule.
fn meant(key: Vec<u8>, whose: &Whose<'_>, groups: bool) -> Option<Found> {
    const GROUP: &[u8] = b"user_meta:";
    if key.ends_with(GROUP) {
        return groups.then_some(Found::Group { key });
    }
    let digits = key.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let (before, digits) = key.split_at(key.len() - digits.count());
    let id: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let exact = before.ends_with(GROUP) && id.to_string().as_bytes() == digits;
    (exact && whose.holds(id)).then_some(Found::User { id, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_meant_by_how_they_end() {
        let all = Whose::Everybody;
        let seven = Whose::Users(&[7, 8]);
        let rows = [
            ("wp:user_meta:7", &seven, false, Some(7)),
            ("a*b?[c]wp_user_meta:7", &seven, false, Some(7)),
            (":user_meta:7", &seven, false, Some(7)),
            ("user_meta:7", &seven, false, Some(7)),
            ("wp:user_meta:17", &seven, false, None),
            ("wp:user_meta:77", &all, false, Some(77)),
            ("wp:user_meta:07", &all, false, None),
            ("wp:user_meta:7:x", &all, false, None),
            ("wp:user_meta:", &all, false, None),
            ("wp:user_meta:", &all, true, Some(0)),
            ("wp:usermeta:7", &all, false, None),
            ("7", &all, false, None),
            ("wp:user_meta:99999999999999999999", &all, false, None),
            ("", &all, true, None),
        ];
        for (key, whose, groups, wanted) in rows {
            let found = match meant(key.as_bytes().to_vec(), whose, groups) {
                Some(Found::User { id, .. }) => Some(id),
                Some(Found::Group { .. }) => Some(0),
                None => None,
            };
            assert_eq!(found, wanted, "{key}");
        }
        assert_eq!(Whose::Users(&[7]).pattern(false), "*user_meta:7");
        assert_eq!(Whose::Users(&[7]).pattern(true), "*user_meta:*");
        assert_eq!(seven.pattern(false), "*user_meta:*");
    }
}
