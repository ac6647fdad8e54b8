//! The runs behind a session of ours: one makes it, and any destroy removes it.

use std::time::Instant;

use kickout_shared::canary::{self, CANARY_SECONDS};
use kickout_shared::event::{Event, Level, Line, Verdict};
use kickout_shared::request::{CanaryFor, Doomed, Request, SessionDestroy};
use kickout_shared::site::Site;
use kickout_shared::token::SessionRef;
use kickout_shared::user::{UserKey, UserRef};

use super::super::print::{Settled, Why};
use super::super::wheel::Wheel;
use crate::cli::Web;
use crate::exchange::{Asker, Ended, LinkError, Run, Said};

/// Removals that are tried: one that is under way when somebody says stop may have to begin again.
const TRIES: u32 = 2;

/// Makes a session; also says when it cannot have existed yet.
pub(super) async fn make(
    asker: &Asker,
    site: &Site,
    web: &Web,
    wheel: &Wheel,
) -> Result<(canary::Canary, Instant), Settled> {
    let born = Instant::now();
    let user = web.user.clone();
    let run = asker.start(site.clone(), Request::Canary(CanaryFor { user }));
    let told = hear(run, wheel).await;
    match (told.canary, told.ended) {
        (Some(made), Ended::Done(outcome)) if outcome.verdict == Verdict::Answered => {
            Ok((made, born))
        }
        (made, Ended::Lost { error, begun }) => {
            // Whether it was made, and whether the agent has removed it, nobody will say.
            let left = (made.is_some() || begun.is_some()).then(|| abandoned(error.to_string()));
            Err(Settled {
                lines: left.into_iter().collect(),
                ..lost(error)
            })
        }
        (Some(made), Ended::Done(outcome)) => {
            let left = remove(asker, site, &made, wheel).await.err();
            Err(Settled {
                lines: left.map(abandoned).into_iter().collect(),
                ..settled(outcome.verdict)
            })
        }
        (None, Ended::Done(outcome)) if outcome.verdict != Verdict::Answered => Err(Settled {
            lines: told.errors,
            missing: outcome.missing,
            ..settled(outcome.verdict)
        }),
        (None, Ended::Done(_)) => Err(lost(LinkError::Protocol("no session was made".to_owned()))),
    }
}

/// Nothing was destroyed, whatever else may be unknown.
fn lost(error: LinkError) -> Settled {
    Settled {
        why: Why::Lost(error),
        ..settled(Verdict::Unreachable)
    }
}

/// Ends the session as any other is ended. One that is gone already is.
pub(super) async fn remove(
    asker: &Asker,
    site: &Site,
    made: &canary::Canary,
    wheel: &Wheel,
) -> Result<(), String> {
    let request = Request::SessionDestroy(SessionDestroy {
        what: Doomed::One {
            user: UserRef {
                text: made.user.to_string(),
                by: UserKey::Id,
            },
            session: SessionRef::Key(made.token.to_string()),
        },
        dry_run: false,
        cutoff: None,
        settle_ms: None,
        canary: None,
        blind: false,
    });
    let mut why = "interrupted".to_owned();
    for _ in 0..TRIES {
        let told = hear(asker.start(site.clone(), request.clone()), wheel).await;
        why = match &told.ended {
            Ended::Lost { error, .. } => return Err(error.to_string()),
            Ended::Done(outcome) => match outcome.verdict {
                Verdict::Cancelled => continue,
                Verdict::Failed | Verdict::Unknown => told.said(),
                // What still answers for it shows itself when it is asked for.
                _ => return Ok(()),
            },
        };
        return match why.starts_with(NOT_FOUND) {
            true => Ok(()),
            false => Err(why),
        };
    }
    Err(why)
}

/// What is said of a session that is gone.
const NOT_FOUND: &str = "Session not found.";

/// What was heard of a run that is ours.
struct Told {
    canary: Option<canary::Canary>,
    errors: Vec<Line>,
    ended: Ended,
}

impl Told {
    fn said(&self) -> String {
        let line = self.errors.last();
        line.map_or_else(
            || "for no reason it gives".to_owned(),
            |line| line.text.clone(),
        )
    }
}

async fn hear(mut run: Run, wheel: &Wheel) -> Told {
    let (mut canary, mut errors) = (None, Vec::new());
    let ended = loop {
        match wheel.said(&mut run).await {
            Said::Event(Event::Canary(made)) => canary = Some(made),
            Said::Event(Event::Line(line)) if line.level == Level::Error => errors.push(line),
            Said::Event(_) => {}
            Said::Ended(ended) => break ended,
        }
    };
    Told {
        canary,
        errors,
        ended,
    }
}

/// A session that is left to its expiry.
pub(super) fn abandoned(why: String) -> Line {
    Line {
        level: Level::Error,
        text: format!("the session made for --verify=web could not be removed ({why})"),
        fix: Some(format!(
            "It expires by itself within {CANARY_SECONDS} seconds."
        )),
    }
}

/// The end of a site where nothing was destroyed.
pub(super) fn settled(verdict: Verdict) -> Settled {
    Settled {
        lines: Vec::new(),
        why: Why::Said,
        verdict,
        missing: None,
    }
}
