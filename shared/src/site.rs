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
}
