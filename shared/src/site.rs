//! The site a run addresses, as the operator named it. Resolving it is the agent's work.

use serde::{Deserialize, Serialize};

use crate::user::UserRef;

/// Which WordPress, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// `--path`: the WordPress root on the site's host, `~` and `~user` expanded there. Without it,
    /// the agent walks up from where the search begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where the search for the root begins (and what a relative `path` is relative to), `~` and
    /// `~user` expanded on the site's host; without it the agent's working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// `--url`: picks the blog of a multisite, and the host name a configuration depends on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `--user`: act as this user. Resolved (and refused) before the command runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_as: Option<UserRef>,
    /// How the site's code is to be loaded, if at all.
    #[serde(default, skip_serializing_if = "Load::is_plain")]
    pub load: Box<Load>,
    /// Whom the run may concern; set by who passes it on, never by who asks.
    #[serde(default, skip_serializing_if = "Bounds::is_none")]
    pub bounds: Bounds,
}

/// What a run is confined to, however users are named or chosen. Only the agent knows who is who.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Nobody but the user with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_user: Option<u64>,
    /// Nothing is destroyed when more users than this have sessions among those that are chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_users: Option<u32>,
}

impl Bounds {
    /// Whether there are none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Which engine, and what a loaded WordPress is to leave out or take in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// `--engine`
    #[serde(default)]
    pub engine: EngineChoice,
    /// `--skip-plugins`
    #[serde(default)]
    pub skip_plugins: Skip,
    /// `--skip-themes`
    #[serde(default)]
    pub skip_themes: Skip,
    /// `--require`: files on the site's host, in order; relative ones start at the root.
    #[serde(default)]
    pub require: Vec<String>,
    /// `--php-user`: the account a root agent runs the site's PHP as, when it cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub php_user: Option<String>,
    /// `--unconfirmed-ok`: go on natively also where the end cannot be known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unconfirmed_ok: bool,
}

impl Load {
    /// Whether nothing is asked for.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// `--engine`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineChoice {
    /// What is right for the site.
    #[default]
    Auto,
    /// The database alone; none of the site's code runs.
    Native,
    /// WordPress itself.
    Php,
}

/// What of a kind is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// Nothing.
    #[default]
    Nothing,
    /// Everything.
    All,
    /// What is named.
    Named(Vec<String>),
}
