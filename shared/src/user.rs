//! Users: how they are named on the command line, and how they are listed.

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// How a user was named. The plain form keeps WP-CLI's order: number, email, login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRef {
    /// What was typed, without a forcing prefix.
    pub text: String,
    /// Which of the resolvers may answer.
    pub by: UserKey,
}

/// Which column a [`UserRef`] is looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserKey {
    /// WP-CLI's order: a number is an id, then email, then login.
    Any,
    /// `id:7`
    Id,
    /// `login:007`, or `WP_CLI_FORCE_USER_LOGIN`
    Login,
    /// `email:x@y`
    Email,
}

impl UserRef {
    /// Reads `id:7`, `login:007`, `email:x@y` or the plain form.
    pub fn parse(typed: &str) -> Self {
        let forced = [
            ("id:", UserKey::Id),
            ("login:", UserKey::Login),
            ("email:", UserKey::Email),
        ]
        .into_iter()
        .find_map(|(prefix, by)| Some((typed.strip_prefix(prefix)?, by)));
        let (text, by) = forced.unwrap_or((typed, UserKey::Any));
        Self {
            text: text.to_owned(),
            by,
        }
    }
}

/// One listed user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// `ID`
    pub id: u64,
    /// `user_login`
    pub login: Bytes,
    /// `display_name`
    pub display_name: Bytes,
    /// `user_email`
    pub email: Bytes,
    /// `user_registered`, as stored (UTC, `Y-m-d H:i:s`)
    pub registered: Bytes,
    /// Roles on the addressed blog, in stored order.
    pub roles: Vec<Bytes>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_forces_the_resolver() {
        let parsed = |typed| {
            let UserRef { text, by } = UserRef::parse(typed);
            (text, by)
        };
        assert_eq!(parsed("admin"), ("admin".into(), UserKey::Any));
        assert_eq!(parsed("id:7"), ("7".into(), UserKey::Id));
        assert_eq!(parsed("login:007"), ("007".into(), UserKey::Login));
        assert_eq!(parsed("email:x@y"), ("x@y".into(), UserKey::Email));
        assert_eq!(parsed("Login:x"), ("Login:x".into(), UserKey::Any));
    }
}
