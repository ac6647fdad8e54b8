//! What was typed becomes what is meant. Pure: functions from words to values; nothing is opened.

mod args;
mod bridge;
mod completions;
mod destroy;
mod elsewhere;
mod examples;
mod flags;
mod globals;
mod help;
mod list;
mod parse;
mod prompt;
mod token;
mod usage;
mod users;
mod verify;
mod words;

pub use bridge::{Bridge, BridgeVerb};
pub use destroy::with_token;
pub use elsewhere::elsewhere;
pub use globals::{Globals, PARALLEL, PARALLEL_RANGE, parallel, skip};
pub use list::Shape;
pub use parse::{Answer, Consent, Parsed, Task, command_words, parse};
pub use prompt::{Answers, Question};
pub use token::user;
pub use usage::{UsageError, usage};
pub use verify::{Verify, Web};
pub use words::{Words, quoted, split};

/// What the operator's environment says about how words are meant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meaning {
    /// `WP_CLI_FORCE_USER_LOGIN`: a plain `<user>` is a login.
    pub force_login: bool,
}
