//! What the verbs mean, and the lines they print. Pure of storage, transport and terminal:
//! engines are asked, events are said.

use kickout_shared::event::{Level, Line, Outcome, Verdict};
use kickout_shared::request::{Doomed, Request};
use kickout_shared::site::{Bounds, Site};

use crate::cache::ObjectCache;
use crate::engine::{Engine, EngineError};
use crate::out::{Cancelled, Out};

mod destroy;
mod destroy_all;
mod doom;
mod evidence;
mod existed;
mod front;
mod list;
mod resolve;
mod selection;
mod settle;
mod survivors;
mod users;

/// The site's clock: Unix seconds. Read once for the cutoff, and again only to tell a login made
/// meanwhile from one with a date in the future.
pub type Clock = fn() -> i64;

/// How many session rows, or users, are looked at together.
const PAGE: usize = 1_000;

/// What every verb is given.
pub struct Desk<'a, E> {
    /// The stored data.
    pub engine: &'a mut E,
    /// What answers before it, when something does.
    pub cache: Option<ObjectCache>,
    /// Where events go.
    pub out: &'a mut Out,
    /// Time.
    pub clock: Clock,
    /// Whom the run may concern.
    pub bounds: Bounds,
}

/// Why a verb stopped.
#[derive(Debug)]
enum Stop {
    /// The last line of the run: the site said no.
    Said(Line),
    /// Stored data could not be read or changed.
    Engine(EngineError),
    /// What was destroyed came back.
    Alive(Line),
    /// The operator, or a lost controller.
    Cancelled,
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<Cancelled> for Stop {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// An error in WP-CLI's own words.
fn said(text: impl Into<String>) -> Stop {
    Stop::Said(Line {
        level: Level::Error,
        text: text.into(),
        fix: None,
    })
}

/// What has been done so far; what a stop in the middle still has to report.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    users: u64,
    sessions: u64,
}

impl Tally {
    fn outcome(self, verdict: Verdict) -> Outcome {
        Outcome {
            verdict,
            users: self.users,
            sessions: self.sessions,
            missing: None,
        }
    }
}

/// Carries out a request. An error is the last line of the run.
pub async fn run<E: Engine>(
    mut desk: Desk<'_, E>,
    site: &Site,
    request: Request,
) -> Result<Outcome, Line> {
    let mut tally = Tally::default();
    match dispatch(&mut desk, site, request, &mut tally).await {
        Ok(verdict) => Ok(tally.outcome(verdict)),
        Err(Stop::Cancelled) => Ok(tally.outcome(Verdict::Cancelled)),
        Err(Stop::Said(line)) => Err(line),
        Err(Stop::Alive(line)) => {
            let _ = desk.out.line(line).await;
            Ok(tally.outcome(Verdict::Alive))
        }
        // Nobody knows whether the last statement was carried out: that is not "the site said no".
        Err(Stop::Engine(error)) if error.unknown() => {
            let _ = desk.out.line(error.line()).await;
            Ok(tally.outcome(Verdict::Unknown))
        }
        Err(Stop::Engine(error)) if error.alive() => {
            let _ = desk.out.line(error.line()).await;
            Ok(tally.outcome(Verdict::Alive))
        }
        Err(Stop::Engine(error)) => Err(error.line()),
    }
}

async fn dispatch<E: Engine>(
    desk: &mut Desk<'_, E>,
    site: &Site,
    request: Request,
    tally: &mut Tally,
) -> Result<Verdict, Stop> {
    if let Some(user) = &site.act_as {
        resolve::one(desk, user).await?;
    }
    match request {
        Request::SessionList(list) => list::sessions(desk, list, tally).await,
        Request::UserList(list) => users::list(desk, list, tally).await,
        Request::SessionDestroy(destroy) => {
            if !destroy.dry_run {
                desk.engine.writable().await?;
            }
            let odd = existed::Odd::default();
            let begun = existed::Moment::begin(desk, &destroy, &odd).await?;
            let verdict = match destroy.what {
                Doomed::One { user, session } => {
                    destroy::one(desk, &user, &session, begun, tally).await
                }
                Doomed::Conflict { user, token } => {
                    let users = destroy::conflict(desk, &user, &token).await?;
                    destroy::users(desk, &users, begun, tally).await
                }
                Doomed::All(who) => destroy_all::run(desk, who, begun, tally).await,
            };
            Ok(match verdict? {
                Verdict::Gone if destroy.blind => Verdict::Unconfirmed,
                verdict => verdict,
            })
        }
        // Answered in `run`: doctor is there to examine engines, and only PHP makes a cookie.
        Request::Doctor | Request::Canary(_) => Ok(Verdict::Answered),
    }
}

/// `1 session`, `2 sessions`
fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

#[cfg(test)]
mod tests;
