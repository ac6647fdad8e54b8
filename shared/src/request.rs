//! What the controller may ask of a site. One variant a verb; the rules live in the agent's `ops`.

use serde::{Deserialize, Serialize};

use crate::token::SessionRef;
use crate::user::UserRef;
use crate::value::Key;

/// One thing to do on one site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// `user session list`
    SessionList(SessionList),
    /// `user session destroy`
    SessionDestroy(SessionDestroy),
    /// `user list`
    UserList(UserList),
    /// `doctor`
    Doctor,
    /// Makes a session that lives for [`crate::canary::CANARY_SECONDS`], to ask the web side for.
    Canary(CanaryFor),
}

impl Request {
    /// Whether sessions end by it.
    pub fn destroys(&self) -> bool {
        matches!(self, Self::SessionDestroy(destroy) if !destroy.dry_run)
    }
}

/// Whose sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// These users. All are resolved before anything is done.
    Named(Vec<UserRef>),
    /// Users chosen by what they are.
    Selected(Selector),
}

/// A choice of users. An empty result is nobody, never everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    /// Only users with one of these roles; none given means every user.
    #[serde(default)]
    pub roles: Vec<String>,
    /// But for these. All must exist.
    #[serde(default)]
    pub except: Vec<UserRef>,
}

/// `user session list`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionList {
    /// Whose sessions to list.
    pub who: Who,
}

/// `user session destroy`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDestroy {
    /// What to destroy.
    pub what: Doomed,
    /// Count exactly, change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// A cutoff of an earlier attempt (Unix seconds, site clock): a retry ends only what existed
    /// then. Without it, the site's clock when the run begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<i64>,
    /// How long to wait before the last look, in milliseconds: a login in flight writes back what
    /// it read before. Without it, 2 seconds for several users and nothing for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle_ms: Option<u32>,
    /// A session of ours ([`crate::canary::Canary`]): never the most recent one, and its end is
    /// neither counted nor told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Key>,
    /// `--verify=none`: what was written is not read again, and nothing is called gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blind: bool,
}

/// Whose session the canary is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryFor {
    /// This user's; without one, of the least privileged account that can open its own profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserRef>,
}

/// What is to be destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doomed {
    /// One session of one user.
    One {
        /// Whose.
        user: UserRef,
        /// Which.
        session: SessionRef,
    },
    /// `<user> <token> --all`: the user is resolved (an unknown one is the error that wins), then
    /// refused as WP-CLI does.
    Conflict {
        /// The first positional.
        user: UserRef,
        /// The second positional: a conflict when it is no user but 6 to 64 hex digits.
        token: UserRef,
    },
    /// Every session of these users.
    All(Who),
}

/// `user list`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserList {
    /// Only users with one of these roles; none given means every user of the addressed blog.
    #[serde(default)]
    pub roles: Vec<String>,
}
