//! Users chosen by what they are. An empty result is nobody, never everybody.

use std::collections::{HashMap, HashSet};

use kickout_shared::bytes::Bytes;
use kickout_shared::request::Selector;
use kickout_shared::user::User;

use crate::engine::{Engine, RowHead};
use crate::ops::{Desk, Stop, resolve};

/// A selector whose exceptions have been found.
pub(super) struct Selection {
    roles: Vec<String>,
    except: HashSet<u64>,
}

impl Selection {
    /// Resolves the exceptions: one that does not exist ends the run, as it would spare nobody.
    pub(super) async fn resolve<E: Engine>(
        desk: &mut Desk<'_, E>,
        selector: &Selector,
    ) -> Result<Self, Stop> {
        if desk.bounds.only_user.is_some() {
            return Err(resolve::beyond("everybody"));
        }
        let except = resolve::all(desk, &selector.except).await?;
        let except = except.into_iter().map(|user| user.id).collect();
        Ok(Self {
            roles: selector.roles.clone(),
            except,
        })
    }

    /// Of these rows, those of chosen users; and what the page needs to know of them. Rows of a user
    /// who no longer exists are chosen when no role is asked for.
    pub(super) async fn of<E: Engine>(
        &self,
        desk: &mut Desk<'_, E>,
        heads: Vec<RowHead>,
    ) -> Result<(Vec<RowHead>, Logins), Stop> {
        let ids: HashSet<u64> = heads.iter().map(|head| head.user).collect();
        let ids: Vec<u64> = ids.into_iter().collect();
        let mut chosen = heads;
        chosen.retain(|head| !self.except.contains(&head.user));
        // Roles cost a look at every user's capabilities; without one, names are enough.
        let logins: HashMap<u64, Bytes> = if self.roles.is_empty() {
            desk.engine.logins(&ids).await?.into_iter().collect()
        } else {
            let users = desk.engine.users(&ids).await?.into_iter();
            let users = users.filter(|user| self.holds(user));
            let users: HashMap<u64, Bytes> = users.map(|user| (user.id, user.login)).collect();
            chosen.retain(|head| users.contains_key(&head.user));
            users
        };
        let effective = desk
            .engine
            .effective_rows(&ids)
            .await?
            .into_iter()
            .collect();
        Ok((chosen, Logins { logins, effective }))
    }
}

impl Selection {
    /// Of these users, those that are chosen.
    pub(super) async fn users<E: Engine>(
        &self,
        desk: &mut Desk<'_, E>,
        mut ids: Vec<u64>,
    ) -> Result<HashSet<u64>, Stop> {
        ids.retain(|id| !self.except.contains(id));
        if self.roles.is_empty() {
            return Ok(ids.into_iter().collect());
        }
        let users = desk.engine.users(&ids).await?.into_iter();
        Ok(users
            .filter(|user| self.holds(user))
            .map(|user| user.id)
            .collect())
    }

    /// Whether a user has one of the roles.
    fn holds(&self, user: &User) -> bool {
        let is = |held: &Bytes| self.roles.iter().any(|role| role.as_bytes() == held.0);
        user.roles.iter().any(is)
    }
}

/// Bytes of values held at once. A single larger value still comes alone.
const PIECE_BYTES: u64 = 4 * 1024 * 1024;

/// The rows in pieces whose values fit into memory together.
pub(super) fn pieces(heads: &[RowHead]) -> impl Iterator<Item = &[RowHead]> {
    let mut rest = heads;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |head: &RowHead| {
            bytes += head.size;
            bytes <= PIECE_BYTES
        };
        let count = rest
            .iter()
            .copied()
            .take_while(fits)
            .count()
            .max(1)
            .min(rest.len());
        let (piece, after) = rest.split_at(count);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// What a page of rows needs to know of its users.
pub(super) struct Logins {
    logins: HashMap<u64, Bytes>,
    effective: HashMap<u64, u64>,
}

impl Logins {
    /// The user's login, empty when the user no longer exists.
    pub(super) fn of(&self, user: u64) -> Bytes {
        self.logins.get(&user).cloned().unwrap_or_default()
    }

    /// Whether WordPress reads this row: the lowest of its user.
    pub(super) fn is_effective(&self, user: u64, row: u64) -> bool {
        self.effective.get(&user) == Some(&row)
    }
}
