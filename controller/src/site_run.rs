//! One site: agent started, question asked, answer shown. What a fleet will do many times.

use std::cell::Cell;
use std::hash::{BuildHasher as _, Hasher as _};
use std::path::PathBuf;

use kickout_shared::event::{Event, Level, Outcome, State, Verdict};
use kickout_shared::request::{Doomed, Request, SessionDestroy, Who};
use kickout_shared::session::Session;
use kickout_shared::site::Site;
use kickout_shared::user::{User, UserRef};
use tokio::sync::Notify;

use crate::cli::{self, Answer, Consent};
use crate::error::Error;
use crate::exchange::{Ended, Exchange, LinkError};
use crate::exit::Exit;
use crate::inventory::Resolved;
use crate::render::{Screen, Terminal, read_line};
use crate::report::{Report, listing, with_fix};
use crate::signal::Signals;
use crate::transport::local;
use crate::{deliver, report};

/// Above this many users a selector asks first.
const MANY: u64 = 100;

/// Asks one site and shows what it says.
pub(crate) fn run(
    target: Resolved,
    request: Request,
    answer: Answer,
    act_as: Option<UserRef>,
    agent: Option<PathBuf>,
    terminal: &Terminal,
    screen: &mut Screen,
) -> Result<Exit, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|why| Error::Stream { what: "start", why })?;
    let request = match &answer {
        Answer::Lines {
            token_from_stdin: true,
            ..
        } => {
            let line = read_line().map_err(|why| Error::Stream {
                what: "read the token",
                why,
            })?;
            cli::with_token(request, &line.ok_or(Error::NoTokenOnStdin)?)?
        }
        _ => request,
    };
    let site = Site {
        path: target.path.as_ref().map(|path| path.as_str().to_owned()),
        url: target.url.clone(),
        act_as,
    };
    let place = match &site.path {
        Some(path) => path.clone(),
        None => std::env::current_dir()
            .unwrap_or_default()
            .display()
            .to_string(),
    };
    let done = runtime.block_on(async {
        let agents = deliver::Agents::new(agent.as_deref())?;
        let nonce = nonce();
        let connection = local::open(agents.get(std::env::consts::ARCH)?, &nonce)?;
        let exchange = Exchange::open(connection, &nonce).await?;
        let signals = Signals::listen().map_err(|why| Error::Stream {
            what: "listen",
            why,
        })?;
        Conversation {
            exchange,
            signals,
            site,
            place,
            terminal,
        }
        .hold(request, answer, screen)
        .await
    });
    // The agent's pipes are closed; what it still does, it does without us.
    runtime.shutdown_background();
    done
}

/// 128 bits that no noise on the line can guess.
fn nonce() -> String {
    let word = || {
        std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish()
    };
    format!("{:016x}{:016x}", word(), word())
}

struct Conversation<'a> {
    exchange: Exchange,
    signals: Signals,
    site: Site,
    /// Where the site is, for a question: what was named, or where the search begins.
    place: String,
    terminal: &'a Terminal,
}

impl Conversation<'_> {
    async fn hold(
        mut self,
        request: Request,
        answer: Answer,
        screen: &mut Screen,
    ) -> Result<Exit, Error> {
        if let Answer::Lines { consent, .. } = &answer {
            match self.consent(*consent, &request, screen).await? {
                Agreed::Yes => {}
                Agreed::NothingToDo(exit) => return Ok(exit),
            }
        }
        self.ask(request, &answer, screen).await
    }

    /// Asks the site, and shows what it says.
    async fn ask(
        &mut self,
        request: Request,
        answer: &Answer,
        screen: &mut Screen,
    ) -> Result<Exit, Error> {
        let now = jiff::Timestamp::now().as_second();
        let listing = match answer {
            Answer::Sessions(shape) => Some(listing::<Session>(shape, self.terminal, now)),
            Answer::Users(shape) => Some(listing::<User>(shape, self.terminal, now)),
            Answer::Lines { .. } | Answer::Findings => None,
        };
        let lists = listing.is_some();
        let mut report = Report::new(screen, listing);
        // A destroy goes on although nobody reads; a listing does not.
        let unread = Cell::new(false);
        let ended = self.run(request, &unread, |event| {
            report.event(event);
            unread.set(lists && report.is_broken());
        });
        let ended = ended.await;
        let outcome = match &ended {
            Ended::Done(outcome) => Some(outcome),
            Ended::Lost { .. } => None,
        };
        let verdict = ended.verdict();
        let worst = match report.finish(outcome) {
            Ok(worst) => worst,
            Err(lie) => {
                let error = LinkError::Protocol(lie);
                say_lost(screen, &error, Some(Verdict::Unknown));
                return Ok(Exit::Alive);
            }
        };
        if let Ended::Lost { error, .. } = &ended {
            say_lost(screen, error, Some(verdict));
        }
        if verdict == Verdict::Cancelled && !unread.get() {
            say_cancelled(screen, lists, outcome);
        }
        Ok(match (&ended, verdict) {
            (
                Ended::Lost {
                    error: LinkError::Interrupted,
                    ..
                },
                _,
            ) => Exit::Interrupted,
            // The reader went away (`| head`): it has what it wanted.
            (_, Verdict::Cancelled) if unread.get() => Exit::Done,
            (_, Verdict::Answered) if worst == State::Fail => Exit::Failed,
            (_, verdict) => verdict.into(),
        })
    }

    /// One run. The first signal, or a listing that nobody reads any more, stops it between two
    /// steps; the second signal leaves at once.
    async fn run(
        &mut self,
        request: Request,
        unread: &Cell<bool>,
        mut event: impl FnMut(Event),
    ) -> Ended {
        let stop = Notify::new();
        let begun = Cell::new(None);
        let mut asked = Box::pin(stop.notified());
        let running = self
            .exchange
            .run(&self.site, request, &mut asked, |cutoff, said| {
                begun.set(cutoff);
                event(said);
                if unread.get() {
                    stop.notify_one();
                }
            });
        let insisted = async {
            self.signals.next().await;
            stop.notify_one();
            self.signals.next().await;
        };
        tokio::select! {
            ended = running => ended,
            () = insisted => Ended::Lost { error: LinkError::Interrupted, begun: begun.get() },
        }
    }

    /// Makes sure that the operator wants as many users logged out as it would be.
    async fn consent(
        &mut self,
        consent: Consent,
        request: &Request,
        screen: &mut Screen,
    ) -> Result<Agreed, Error> {
        let Request::SessionDestroy(destroy) = request else {
            return Ok(Agreed::Yes);
        };
        if destroy.dry_run || matches!(consent, Consent::NotNeeded | Consent::Given) {
            return Ok(Agreed::Yes);
        }
        let counting = Request::SessionDestroy(SessionDestroy {
            dry_run: true,
            ..destroy.clone()
        });
        let mut failed = Vec::new();
        let unread = Cell::new(false);
        let ended = self.run(counting, &unread, |event| {
            // Only what went wrong; the counts are in the outcome, and warnings come again.
            if let Event::Line(line) = event
                && line.level == Level::Error
            {
                failed.push(line);
            }
        });
        let ended = ended.await;
        let (users, sessions) = match &ended {
            Ended::Done(Outcome {
                verdict: Verdict::Answered,
                users,
                sessions,
            }) => (*users, *sessions),
            ended => {
                for line in failed {
                    let text = with_fix(line.text, line.fix);
                    screen.line(Some(screen.lines.error(text)));
                }
                if let Ended::Lost { error, .. } = ended {
                    say_lost(screen, error, None);
                }
                return Ok(Agreed::NothingToDo(ended.verdict().into()));
            }
        };
        if users == 0 || (consent == Consent::AskAbove && users <= MANY) {
            return Ok(Agreed::Yes);
        }
        let what = format!(
            "This logs out {} ({}){} of the site at {}.",
            counted(users, "user"),
            counted(sessions, "session"),
            with_role(destroy),
            self.place
        );
        if !Screen::can_ask() {
            return Err(Error::NobodyToAsk(what));
        }
        let typed = screen.ask(&format!("{what} Go on? [y/N] "));
        let typed = typed.map_err(|why| Error::Stream {
            what: "read the answer",
            why,
        })?;
        match typed.as_deref().map(str::trim) {
            Some("y" | "Y" | "yes" | "Yes" | "YES") => Ok(Agreed::Yes),
            _ => Err(Error::Declined),
        }
    }
}

enum Agreed {
    Yes,
    NothingToDo(Exit),
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
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

fn say_lost(screen: &mut Screen, error: &LinkError, verdict: Option<Verdict>) {
    let mut text = error.to_string();
    if verdict == Some(Verdict::Unknown) {
        text.push_str(". Whether sessions were destroyed is not known");
    }
    let text = report::with_fix(format!("{text}."), Some(error.fix()));
    screen.line(Some(screen.lines.error(text)));
}

fn say_cancelled(screen: &mut Screen, lists: bool, outcome: Option<&Outcome>) {
    let sessions = outcome.map_or(0, |outcome| outcome.sessions);
    let text = match lists {
        true => "Interrupted: the listing is not complete.".to_owned(),
        false => format!(
            "Interrupted: {} destroyed until then. Run the command again to go on.",
            counted(sessions, "session")
        ),
    };
    screen.line(screen.lines.warning(text));
}
