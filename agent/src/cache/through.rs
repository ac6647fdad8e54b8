//! The object cache as a loaded WordPress reaches it, whatever drop-in it is.

use super::error::{CacheError, quote};
use super::pass::{Pass, Whose};
use super::{Cached, held};
use crate::engine::EngineError;
use crate::engine::php::Sight;

/// Users on one page.
const PAGE: usize = 500;

/// A cache that is asked for through WordPress.
pub(super) struct Through {
    pub(super) name: &'static str,
    pub(super) sight: Sight,
}

impl Through {
    /// As [`super::ObjectCache::clear`].
    pub(super) async fn clear(&mut self, whose: &Whose<'_>) -> Result<u64, CacheError> {
        let (mut pass, mut cleared) = (Pass::new(), 0);
        while let Some(users) = self.page(whose, &mut pass).await? {
            let dropped = self.sight.drop_users(&users).await;
            cleared += dropped.map_err(|error| self.failed(&error))?;
        }
        Ok(cleared)
    }

    /// As [`super::ObjectCache::look`]; each walk in a process of its own.
    pub(super) async fn look(
        &mut self,
        whose: &Whose<'_>,
        pass: &mut Pass,
        now: i64,
    ) -> Result<Option<Vec<Cached>>, CacheError> {
        if pass.last.is_none() {
            let connected = self.sight.afresh().await;
            if !connected.map_err(|error| self.failed(&error))? {
                return Err(CacheError::Disconnected { name: self.name });
            }
        }
        let Some(users) = self.page(whose, pass).await? else {
            return Ok(None);
        };
        let rows = self.sight.sessions(&users).await;
        let rows = rows.map_err(|error| self.failed(&error))?;
        let cached = rows.into_iter().map(|row| Cached {
            user: row.user,
            held: held::sessions(&row.value.unwrap_or_default(), now),
        });
        Ok(Some(cached.collect()))
    }

    /// The next users of a walk; none at its end.
    async fn page(
        &mut self,
        whose: &Whose<'_>,
        pass: &mut Pass,
    ) -> Result<Option<Vec<u64>>, CacheError> {
        let last = pass.last.unwrap_or(0);
        let users = match whose {
            Whose::Users(users) => {
                let mut rest: Vec<u64> = users.iter().copied().filter(|id| *id > last).collect();
                rest.sort_unstable();
                rest.truncate(PAGE);
                rest
            }
            Whose::Everybody => {
                let users = self.sight.users(last, PAGE).await;
                users.map_err(|error| self.failed(&error))?
            }
        };
        let Some(next) = users.last().copied().filter(|next| *next > last) else {
            return Ok(None);
        };
        pass.last = Some(next);
        Ok(Some(users))
    }

    fn failed(&self, error: &EngineError) -> CacheError {
        let why = quote(&error.to_string());
        CacheError::WordPress {
            name: self.name,
            why,
        }
    }
}
