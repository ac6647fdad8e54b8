//! A session made to be asked for: what the agent says of it, and what a browser would send.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::value::Key;

/// How long a canary lives when nobody removes it, in seconds.
pub const CANARY_SECONDS: u64 = 120;

/// A session that belongs to nobody, for one of the site's accounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Canary {
    /// The account's id.
    pub user: u64,
    /// The key under which the session is stored.
    pub token: Key,
    /// When it ends by itself (Unix seconds, the site's clock).
    pub expires: i64,
    /// The page that only a logged-in user sees, as the site names it. Hostile: never where a
    /// request goes unless the operator named that host.
    pub url: String,
    /// What a browser would send.
    pub cookies: Vec<Cookie>,
}

/// A cookie of the canary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value, as it stands in a request.
    pub value: Secret,
}

/// A text that is never shown, not even while debugging.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
