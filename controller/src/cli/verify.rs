//! `--verify` and what belongs to it, as meant: how far it is to be proved that sessions are gone.

use kickout_shared::request::Request;
use kickout_shared::user::UserRef;

use super::args;
use super::flags::{value, values};
use super::parse::Task;
use super::usage::UsageError;
use super::{Meaning, token};
use crate::web::{Head, Page};

/// The most `--head`s: each is asked at the same time.
const MOST_HEADS: usize = 64;

/// How far it is to be proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// Not at all: `unconfirmed` is good enough.
    None,
    /// What can be read again is read again.
    #[default]
    Store,
    /// The web side is asked.
    Web(Web),
}

/// Whom to ask, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Web {
    /// `--verify-user`
    pub user: Option<UserRef>,
    /// `--verify-url`, as the page that is asked for.
    pub page: Option<Page>,
    /// `--head`; none: where the name leads.
    pub heads: Vec<Head>,
}

pub(super) fn read(typed: args::Verify, meaning: Meaning) -> Result<Verify, UsageError> {
    let how = value("verify", typed.verify)?;
    let user = value("verify-user", typed.verify_user)?;
    let url = value("verify-url", typed.verify_url)?;
    let heads = values("head", typed.head)?;
    let how = match how.as_deref() {
        Some("none") => Verify::None,
        None | Some("store") => Verify::Store,
        Some("web") => {
            let page = |url: String| Page::below(&url).ok_or(UsageError::VerifyUrl(url));
            let head = |head: &String| Head::read(head).ok_or(UsageError::Head(head.clone()));
            if heads.len() > MOST_HEADS {
                return Err(UsageError::Combination(format!(
                    "{} times --head are more than {MOST_HEADS}.",
                    heads.len()
                )));
            }
            return Ok(Verify::Web(Web {
                user: user.map(|user| token::user(&user, meaning)),
                page: url.map(page).transpose()?,
                heads: heads.iter().map(head).collect::<Result<_, _>>()?,
            }));
        }
        Some(other) => return Err(UsageError::Verify(other.to_owned())),
    };
    let stray = [
        ("--verify-user", user.is_some()),
        ("--verify-url", url.is_some()),
        ("--head", !heads.is_empty()),
    ];
    match stray.into_iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(UsageError::Combination(format!(
            "{name} says how the web side is asked; it needs --verify=web."
        ))),
        None => Ok(how),
    }
}

/// There must be something to prove; where nothing is to be, nothing is read again.
pub(super) fn fits(verify: &Verify, task: &mut Task) -> Result<(), UsageError> {
    let destroys = match task {
        Task::Ask(Request::SessionDestroy(destroy), _) => {
            destroy.blind = *verify == Verify::None;
            !destroy.dry_run
        }
        _ => false,
    };
    match verify {
        Verify::Web(_) if !destroys => Err(UsageError::Combination(
            "--verify=web proves that sessions are gone: it needs a `user session destroy` that \
             is no --dry-run."
                .to_owned(),
        )),
        Verify::None | Verify::Store | Verify::Web(_) => Ok(()),
    }
}
