//! What a token may do: one table from commands to scopes, and nothing that is not in it. Pure.
//!
//! After MongoDB's model: to end one's own sessions needs little, to end anybody's is a privilege of
//! its own, and none includes another.

use kickout_shared::request::{Doomed, Request, Who};
use kickout_shared::site::{Bounds, Load, Site};
use kickout_shared::user::UserRef;
use serde::{Deserialize, Serialize};

/// A privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Scope {
    /// `user session list` of the token's own user.
    ListSelf,
    /// `user session destroy` of the token's own user.
    DestroySelf,
    /// `user session list` of anybody.
    List,
    /// `user session destroy` of users who are named.
    DestroyUser,
    /// `user session destroy --all-users`, with and without `--role`.
    DestroyAny,
    /// `--verify=web`: a session of the least privileged account, with cookies, for two minutes.
    Prove,
    /// `user list`
    UsersList,
    /// `doctor`
    Inspect,
    /// What changes which code runs, and as whom: `--require`, `--skip-*`, `--engine`, `--user`,
    /// `--php-user`, `--verify-user`.
    Admin,
}

impl Scope {
    /// Every privilege there is.
    pub const ALL: [Self; 9] = [
        Self::ListSelf,
        Self::DestroySelf,
        Self::List,
        Self::DestroyUser,
        Self::DestroyAny,
        Self::Prove,
        Self::UsersList,
        Self::Inspect,
        Self::Admin,
    ];

    /// As it is written: `sessions.list.self`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ListSelf => "sessions.list.self",
            Self::DestroySelf => "sessions.destroy.self",
            Self::List => "sessions.list",
            Self::DestroyUser => "sessions.destroy.user",
            Self::DestroyAny => "sessions.destroy.any",
            Self::Prove => "sessions.prove",
            Self::UsersList => "users.list",
            Self::Inspect => "site.inspect",
            Self::Admin => "agent.admin",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

impl From<Scope> for &'static str {
    fn from(scope: Scope) -> Self {
        scope.name()
    }
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::named(&name).ok_or_else(|| format!("there are {}", names()))
    }
}

/// What a token carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Its privileges. None is no privilege.
    pub scopes: Vec<Scope>,
    /// The sites it may address, by their names in the bridge's configuration. None is no site.
    pub sites: Vec<String>,
    /// The id of the WordPress user whose token it is: what `self` means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u64>,
    /// The most users one request may log out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_users: Option<u32>,
    /// The most requests in an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_hour: Option<u32>,
}

/// The kinds of command, as far as authority tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `user session list <user>…`
    List,
    /// `user session list --all-users`
    ListAny,
    /// `user session destroy <user>…`
    Destroy,
    /// `user session destroy --all-users`
    DestroyAny,
    /// `user list`
    Users,
    /// `doctor`
    Doctor,
    /// The canary of `--verify=web`, of the least privileged account.
    Canary,
    /// The same of an account that is named: a login as that user, for two minutes.
    CanaryOf,
}

/// Which privilege a command needs; and which will do for the token's own user.
pub const TABLE: [(Command, Scope, Option<Scope>); 8] = [
    (Command::List, Scope::List, Some(Scope::ListSelf)),
    (Command::ListAny, Scope::List, None),
    (
        Command::Destroy,
        Scope::DestroyUser,
        Some(Scope::DestroySelf),
    ),
    (Command::DestroyAny, Scope::DestroyAny, None),
    (Command::Users, Scope::UsersList, None),
    (Command::Doctor, Scope::Inspect, None),
    (Command::Canary, Scope::Prove, None),
    (Command::CanaryOf, Scope::Admin, None),
];

impl Command {
    /// A new kind of request does not build without an answer here.
    pub fn of(request: &Request) -> Self {
        match request {
            Request::SessionList(list) => match list.who {
                Who::Named(_) => Self::List,
                Who::Selected(_) => Self::ListAny,
            },
            Request::SessionDestroy(destroy) => match destroy.what {
                Doomed::One { .. } | Doomed::Conflict { .. } | Doomed::All(Who::Named(_)) => {
                    Self::Destroy
                }
                Doomed::All(Who::Selected(_)) => Self::DestroyAny,
            },
            Request::UserList(_) => Self::Users,
            Request::Doctor => Self::Doctor,
            Request::Canary(canary) if canary.user.is_some() => Self::CanaryOf,
            Request::Canary(_) => Self::Canary,
        }
    }
}

/// Why a token may not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// A privilege is missing.
    #[error("this needs the scope {}", .0.name())]
    Scope(Scope),
    /// Another site.
    #[error("the token is not for this site")]
    Site,
    /// More users than it may log out with one request.
    #[error("{asked} users at once; the token's limit is {limit}")]
    Users {
        /// How many were named.
        asked: usize,
        /// How many may be.
        limit: u32,
    },
}

impl AuthorityError {
    /// The command that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Scope(scope) => format!(
                "Ask for a token that has it: kickout-bridge token add --scope={} …",
                scope.name()
            ),
            Self::Site => {
                "Name a site it is for, with --url=<address> or --path=<the bridge's name for it>, or \
                 ask for another token: kickout-bridge token add --site=<name> …"
                    .to_owned()
            }
            Self::Users { limit, .. } => {
                format!("Name at most {limit} users in one command.")
            }
        }
    }
}

impl Grant {
    /// Whether a request on the site of this name is allowed, and within what bounds; the agent keeps
    /// to them.
    pub fn allows(
        &self,
        name: &str,
        site: &Site,
        request: &Request,
    ) -> Result<Bounds, AuthorityError> {
        if !self.sites.iter().any(|known| known == name) {
            return Err(AuthorityError::Site);
        }
        if changes_code(site) && !self.has(Scope::Admin) {
            return Err(AuthorityError::Scope(Scope::Admin));
        }
        let command = Command::of(request);
        let row = TABLE.iter().find(|(known, ..)| *known == command);
        let (_, anybody, own) = row.ok_or(AuthorityError::Scope(Scope::Admin))?;
        let only_user = match self.user.filter(|_| own.is_some_and(|own| self.has(own))) {
            _ if self.has(*anybody) => None,
            Some(user) => Some(user),
            None => return Err(AuthorityError::Scope(*anybody)),
        };
        let asked = named(request).len();
        match self.max_users {
            Some(limit) if asked > limit as usize => Err(AuthorityError::Users { asked, limit }),
            max_users => Ok(Bounds {
                only_user,
                max_users: max_users.filter(|_| command == Command::DestroyAny),
            }),
        }
    }

    fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// Whether other code would run than the site's own as it is, or as somebody else.
fn changes_code(site: &Site) -> bool {
    let plain = Load {
        unconfirmed_ok: site.load.unconfirmed_ok,
        ..Load::default()
    };
    *site.load != plain || site.act_as.is_some()
}

/// The users who are to be logged out by name.
fn named(request: &Request) -> &[UserRef] {
    match request {
        Request::SessionDestroy(destroy) => match &destroy.what {
            Doomed::One { user, .. } | Doomed::Conflict { user, .. } => std::slice::from_ref(user),
            Doomed::All(Who::Named(users)) => users,
            Doomed::All(Who::Selected(_)) => &[],
        },
        Request::SessionList(_) | Request::UserList(_) | Request::Doctor | Request::Canary(_) => {
            &[]
        }
    }
}

#[cfg(test)]
#[path = "authority_tests.rs"]
mod tests;
