//! `<user>` and `<token>` as meant.

use kickout_shared::token::{self, SessionRef, TokenError, Typed};
use kickout_shared::user::{UserKey, UserRef};

use super::Meaning;
use super::usage::UsageError;

/// What a `-` stands for: read the token from standard input.
pub(super) const STDIN: &str = "-";

/// A user as named; the environment may say that plain names are logins.
pub fn user(typed: &str, meaning: Meaning) -> UserRef {
    let user = UserRef::parse(typed);
    match user.by {
        UserKey::Any if meaning.force_login => UserRef {
            by: UserKey::Login,
            ..user
        },
        _ => user,
    }
}

/// Which session is meant. A raw token is hashed here and never leaves the controller; standing
/// on the command line it has been seen by whoever may list processes.
pub(super) fn session(
    typed: &str,
    on_argv: bool,
    warnings: &mut Vec<String>,
) -> Result<SessionRef, UsageError> {
    match token::parse(typed)
        .map_err(|error: TokenError| UsageError::Combination(error.to_string()))?
    {
        Typed::Verifier(session) => Ok(session),
        Typed::Raw(session) => {
            if on_argv {
                warnings.push(
                    "A session token on the command line can be read by other users of this \
                     machine. Give it on standard input instead: destroy <user> -"
                        .to_owned(),
                );
            }
            Ok(session)
        }
    }
}
