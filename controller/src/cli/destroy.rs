//! `user session destroy` as meant: one session, all of named users, or all of chosen users. After
//! this, a token beside `--all` cannot be expressed.

use kickout_shared::request::{Doomed, Request, Selector, SessionDestroy, Who};
use kickout_shared::token::{MIN_PREFIX, SessionRef, is_hex};

use super::args;
use super::flags::{flag, value, values};
use super::parse::{Answer, Consent, Task};
use super::usage::UsageError;
use super::{Meaning, token};

/// The length of a verifier: SHA-256 in hex.
const VERIFIER: usize = 64;

/// The longest `--settle`, in seconds.
const MAX_SETTLE: u32 = 600;

pub(super) fn read(
    typed: args::SessionDestroy,
    meaning: Meaning,
    warnings: &mut Vec<String>,
) -> Result<Task, UsageError> {
    let all = flag("all", typed.all.as_deref())?;
    let all_users = flag("all-users", typed.all_users.as_deref())?;
    let dry_run = flag("dry-run", typed.dry_run.as_deref())?;
    let yes = flag("yes", typed.yes.as_deref())?;
    let settle_ms = value("settle", typed.settle)?.map(settle).transpose()?;
    let selector = selector(all_users, typed.select, &typed.users, meaning)?;
    let users = typed.users;
    let name = |typed: &String| token::user(typed, meaning);
    let mut from_stdin = false;
    let mut consent = Consent::NotNeeded;
    let what = match (selector, users.as_slice(), all) {
        (Some(selector), _, _) => {
            consent = match (yes, all_users) {
                (true, _) => Consent::Given,
                (false, true) => Consent::Ask,
                (false, false) => Consent::AskAbove,
            };
            Doomed::All(Who::Selected(selector))
        }
        (None, [], _) => {
            return Err(UsageError::Incomplete {
                what: "Whose sessions? Name a user, or add --all-users.".to_owned(),
                command: ["user", "session", "destroy"].map(str::to_owned).to_vec(),
            });
        }
        (None, [user, second], true) if looks_like_token(second) => Doomed::Conflict {
            user: name(user),
            token: name(second),
        },
        (None, named, true) => Doomed::All(Who::Named(named.iter().map(name).collect())),
        (None, [user], false) => Doomed::One {
            user: name(user),
            session: SessionRef::Latest,
        },
        (None, [user, typed], false) => {
            from_stdin = typed == token::STDIN;
            // What standard input holds is not known here; it takes this place when it is read.
            let session = match from_stdin {
                true => SessionRef::Latest,
                false => token::session(typed, true, warnings)?,
            };
            Doomed::One {
                user: name(user),
                session,
            }
        }
        (None, [_, _, rest @ ..], false) => return Err(UsageError::TooMany(rest.to_vec())),
    };
    let request = Request::SessionDestroy(SessionDestroy {
        what,
        dry_run,
        cutoff: None,
        settle_ms,
        canary: None,
        blind: false,
    });
    Ok(Task::Ask(
        request,
        Answer::Lines {
            consent,
            token_from_stdin: from_stdin,
        },
    ))
}

fn looks_like_token(typed: &str) -> bool {
    (MIN_PREFIX..=VERIFIER).contains(&typed.len()) && is_hex(typed)
}

/// Seconds, also parts of one, in milliseconds.
fn settle(typed: String) -> Result<u32, UsageError> {
    let seconds: Option<f64> = typed.parse().ok();
    match seconds.filter(|seconds| (0.0..=f64::from(MAX_SETTLE)).contains(seconds)) {
        Some(seconds) => Ok((seconds * 1000.0) as u32),
        None => Err(UsageError::Range {
            name: "settle",
            value: typed,
            least: 0,
            most: MAX_SETTLE as usize,
        }),
    }
}

/// Puts the token that came on standard input in its place.
pub fn with_token(request: Request, typed: &str) -> Result<Request, UsageError> {
    let session = token::session(typed, false, &mut Vec::new())?;
    Ok(match request {
        Request::SessionDestroy(SessionDestroy {
            what: Doomed::One { user, .. },
            dry_run,
            cutoff,
            settle_ms,
            canary,
            blind,
        }) => {
            let what = Doomed::One { user, session };
            Request::SessionDestroy(SessionDestroy {
                what,
                dry_run,
                cutoff,
                settle_ms,
                canary,
                blind,
            })
        }
        other => other,
    })
}

/// The users chosen by what they are; `None` when they are named.
pub(super) fn selector(
    all_users: bool,
    typed: args::Select,
    named: &[String],
    meaning: Meaning,
) -> Result<Option<Selector>, UsageError> {
    let roles = values("role", typed.role)?;
    let except = values("except", typed.except)?;
    let chosen = all_users || !roles.is_empty();
    if !chosen && !except.is_empty() {
        let text = "--except needs --all-users or --role: it says who is spared of them.";
        return Err(UsageError::Combination(text.to_owned()));
    }
    if chosen && !named.is_empty() {
        let option = if all_users { "--all-users" } else { "--role" };
        return Err(UsageError::Combination(format!(
            "{option} chooses the users; leave '{}' out, or leave {option} out.",
            named.join("' '")
        )));
    }
    let except = except
        .iter()
        .map(|user| token::user(user, meaning))
        .collect();
    Ok(chosen.then_some(Selector { roles, except }))
}
