//! Makes sure that the operator wants as many users logged out as it would be: counts on every
//! site, asks once.

use std::io;
use std::rc::Rc;

use kickout_shared::event::{Event, Level, Outcome, Verdict};
use kickout_shared::request::{Doomed, Request, SessionDestroy, Who};

use super::hosts::{Door, Fleet, Pass, Slot};
use super::print::{Settled, Why, patiently};
use super::recap::counted;
use super::wheel::{Stop, Wheel};
use crate::cli::Consent;
use crate::error::Error;
use crate::exchange::{Ended, Run, Said};
use crate::exit::Exit;
use crate::render::{Screen, read_line};

/// Above this many users a selector asks first.
const MANY: u64 = 100;

/// What came of asking.
pub(super) enum Agreed {
    /// Go on, but for the sites that could not even count.
    Yes(Vec<Option<Settled>>),
    /// The operator stopped it.
    No(Exit),
}

/// The destroy that is not to happen without asking; none, when nothing need be asked.
pub(super) fn questionable(consent: Consent, request: &Request) -> Option<&SessionDestroy> {
    match request {
        Request::SessionDestroy(destroy)
            if !destroy.dry_run && matches!(consent, Consent::Ask | Consent::AskAbove) =>
        {
            Some(destroy)
        }
        _ => None,
    }
}

/// Counts and asks.
pub(super) async fn ask<D: Door>(
    fleet: &Rc<Fleet<D>>,
    consent: Consent,
    destroy: &SessionDestroy,
    several: bool,
    screen: &mut Screen,
) -> Result<Agreed, Error> {
    let counting = Request::SessionDestroy(SessionDestroy {
        dry_run: true,
        ..destroy.clone()
    });
    let keep = fleet.hosts.len() <= fleet.parallel;
    let mut pass = Pass::start(fleet, &counting, |_| true, keep, None);
    let (mut users, mut sessions, mut sites) = (0u64, 0u64, 0u64);
    let mut settled = Vec::with_capacity(fleet.members.len());
    for (index, pending) in pass.pending.iter_mut().enumerate() {
        fleet.wheel.show(index);
        let member = &fleet.members[index];
        let name = member.name.as_deref().filter(|_| several);
        let slot = match pending.take() {
            Some(pending) => patiently(pending, name, Some(&member.way)).await.ok(),
            None => None,
        };
        let counted = match slot {
            Some(Slot::Run(run, _)) => count(run, &fleet.wheel).await,
            Some(Slot::Settled(settled)) => Err(settled),
            Some(Slot::Trouble(trouble)) => Err(Settled {
                lines: Vec::new(),
                why: Why::Trouble(trouble),
                verdict: Verdict::Unreachable,
                missing: None,
            }),
            None => Err(Settled {
                lines: Vec::new(),
                why: Why::Said,
                verdict: Verdict::Cancelled,
                missing: None,
            }),
        };
        settled.push(match counted {
            Ok(outcome) => {
                // Hosts may claim anything.
                users = users.saturating_add(outcome.users);
                sessions = sessions.saturating_add(outcome.sessions);
                sites += 1;
                None
            }
            Err(settled) => Some(settled),
        });
    }
    pass.end().await;
    if fleet.wheel.how() > Stop::No {
        return Ok(interrupted(screen));
    }
    if users == 0 || (consent == Consent::AskAbove && users <= MANY) {
        return Ok(Agreed::Yes(settled));
    }
    let where_ = match (several, fleet.members.as_slice()) {
        (false, [member, ..]) => format!("of the site at {}", member.place),
        _ => format!("on {}", self::counted(sites, "site")),
    };
    let what = format!(
        "This logs out {} ({}){} {where_}.",
        self::counted(users, "user"),
        self::counted(sessions, "session"),
        with_role(destroy),
    );
    put(what, screen)?;
    // Elsewhere, so that agents hear of us while somebody thinks.
    let typed = tokio::task::spawn_blocking(read_line);
    let typed = tokio::select! {
        typed = typed => typed.map_err(io::Error::other).flatten(),
        () = fleet.wheel.stopped() => return Ok(interrupted(screen)),
    };
    agreed(typed).map(|()| Agreed::Yes(settled))
}

/// Puts a question to whoever is there.
pub(super) fn put(what: String, screen: &mut Screen) -> Result<(), Error> {
    if !Screen::can_ask() {
        return Err(Error::NobodyToAsk(what));
    }
    let put = screen.question(&format!("{what} Go on? [y/N] "));
    put.map_err(failed)
}

/// Whether the answer is a yes; nothing else is one.
pub(super) fn agreed(typed: io::Result<Option<String>>) -> Result<(), Error> {
    match typed.map_err(failed)?.as_deref().map(str::trim) {
        Some("y" | "Y" | "yes" | "Yes" | "YES") => Ok(()),
        _ => Err(Error::Declined),
    }
}

fn failed(why: io::Error) -> Error {
    Error::Stream {
        what: "read the answer",
        why,
    }
}

fn interrupted(screen: &mut Screen) -> Agreed {
    let text = "Interrupted: nothing was changed.";
    screen.line(screen.lines.warning(text));
    Agreed::No(Exit::Interrupted)
}

/// One site's count. Only what went wrong is kept of its lines: warnings come again.
async fn count(mut run: Run, wheel: &Wheel) -> Result<Outcome, Settled> {
    let mut lines = Vec::new();
    let ended = loop {
        match wheel.said(&mut run).await {
            Said::Event(Event::Line(line)) if line.level == Level::Error => lines.push(line),
            Said::Event(_) => {}
            Said::Ended(ended) => break ended,
        }
    };
    let verdict = ended.verdict();
    match ended {
        Ended::Done(outcome) if outcome.verdict == Verdict::Answered => Ok(outcome),
        Ended::Done(outcome) => Err(Settled {
            lines,
            why: Why::Said,
            verdict,
            missing: outcome.missing,
        }),
        Ended::Lost { error, .. } => Err(Settled {
            lines,
            why: Why::Lost(error),
            verdict,
            missing: None,
        }),
    }
}

/// ` with the role editor`, or nothing when roles do not matter.
fn with_role(destroy: &SessionDestroy) -> String {
    match &destroy.what {
        Doomed::All(Who::Selected(selector)) if !selector.roles.is_empty() => {
            format!(" with the role {}", selector.roles.join(" or "))
        }
        _ => String::new(),
    }
}
