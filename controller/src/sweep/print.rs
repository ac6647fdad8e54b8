//! Shows what comes of each site, one after the other.

use kickout_shared::event::{Event, Finding, Level, Line, Missing, State, Verdict};
use kickout_shared::session::Session;
use kickout_shared::user::User;

use std::rc::Rc;

use super::canary::Canary;
use super::hosts::{Pending, Slot, Trouble};
use super::members::{Member, Told, Way};
use super::recap::{self, Finished, counted};
use super::wheel::{Stop, Wheel};
use crate::cli::{Answer, Shape};
use crate::exchange::{Ended, LinkError, Run, Said};
use crate::exit::Exit;
use crate::render::{Listing, Screen, Terminal};
use crate::report::{Report, Spinner, end, is_one_listing, listing, named, with_fix};
use crate::transport::WARNING;

/// Where the answer of a site comes from.
pub(super) enum Source {
    /// It is on its way.
    Pending(Pending),
    /// It is known already.
    Settled(Settled),
}

/// A site that answered no earlier question, and is asked nothing more.
#[derive(Debug)]
pub(super) struct Settled {
    /// What it said of it.
    pub(super) lines: Vec<Line>,
    /// Why it could not be asked.
    pub(super) why: Why,
    /// What is known.
    pub(super) verdict: Verdict,
    /// What it lacks.
    pub(super) missing: Option<Missing>,
}

/// Why a site could not be asked, beside what it says itself.
#[derive(Debug)]
pub(super) enum Why {
    /// It could.
    Said,
    /// Its host cannot be reached.
    Trouble(Rc<Trouble>),
    /// The link was lost.
    Lost(LinkError),
}

/// The one who shows.
pub(super) struct Printer<'a> {
    pub(super) screen: &'a mut Screen,
    terminal: &'a Terminal,
    answer: &'a Answer,
    /// The sites are told apart.
    pub(super) several: bool,
    now: i64,
    /// The listing of all sites.
    together: Option<Listing>,
    answered: bool,
}

impl<'a> Printer<'a> {
    pub(super) fn new(
        screen: &'a mut Screen,
        terminal: &'a Terminal,
        answer: &'a Answer,
        several: bool,
    ) -> Self {
        let mut printer = Self {
            screen,
            terminal,
            answer,
            several,
            now: jiff::Timestamp::now().as_second(),
            together: None,
            answered: false,
        };
        if several && printer.shape().is_some_and(is_one_listing) {
            printer.together = printer.listing(true);
        }
        printer
    }

    fn shape(&self) -> Option<&'a Shape> {
        match self.answer {
            Answer::Sessions(shape) | Answer::Users(shape) => Some(shape),
            Answer::Lines { .. } | Answer::Findings => None,
        }
    }

    fn listing(&self, sites: bool) -> Option<Listing> {
        match self.answer {
            Answer::Sessions(shape) => {
                Some(listing::<Session>(shape, self.terminal, self.now, sites))
            }
            Answer::Users(shape) => Some(listing::<User>(shape, self.terminal, self.now, sites)),
            Answer::Lines { .. } | Answer::Findings => None,
        }
    }

    /// Shows one site to its end.
    pub(super) async fn show(
        &mut self,
        member: &Member,
        source: Source,
        wheel: &Wheel,
    ) -> Finished {
        let name = member.name.as_deref().filter(|_| self.several);
        if let (Some(name), None) = (name, &self.together) {
            self.screen.line(self.screen.lines.info(format!("@{name}")));
        }
        let finished = match source {
            Source::Settled(settled) => self.settled(name, settled),
            Source::Pending(pending) => match patiently(pending, name, Some(&member.way)).await {
                Ok(Slot::Run(run, canary)) => {
                    self.say_way(name, member.way.take());
                    self.run(name, run, canary, wheel).await
                }
                Ok(Slot::Settled(settled)) => {
                    self.say_way(name, member.way.take());
                    self.settled(name, settled)
                }
                Ok(Slot::Trouble(trouble)) => {
                    self.say_way(name, member.way.take());
                    say_trouble(self.screen, name, &trouble);
                    unreachable(&trouble)
                }
                // It was never begun.
                Err(_) => {
                    if name.is_none() {
                        self.say_cancelled(None, 0);
                    }
                    Finished::of(Verdict::Cancelled)
                }
            },
        };
        if let (Some(name), Answer::Lines { .. }) = (name, self.answer) {
            let line = recap::line(name, &finished);
            self.screen.line(self.screen.lines.note(line));
        }
        finished
    }

    /// Ends the listing of all sites.
    pub(super) fn finish(mut self, finished: &[(&str, Finished)]) {
        if let Some(listing) = self.together.take().filter(|_| self.answered) {
            end(listing, self.screen);
        }
        if self.several {
            let recap = recap::recap(finished);
            self.screen.line(self.screen.lines.note(recap));
        }
    }

    fn settled(&mut self, name: Option<&str>, settled: Settled) -> Finished {
        for line in settled.lines {
            let text = named(name, with_fix(line.text, line.fix));
            self.screen.line(Some(self.screen.lines.error(text)));
        }
        match settled.why {
            Why::Said => Finished {
                missing: settled.missing,
                ..Finished::of(settled.verdict)
            },
            Why::Trouble(trouble) => {
                say_trouble(self.screen, name, &trouble);
                unreachable(&trouble)
            }
            Why::Lost(error) => {
                say_lost(self.screen, name, &error, None);
                Finished::of(settled.verdict)
            }
        }
    }

    async fn run(
        &mut self,
        name: Option<&str>,
        mut run: Run,
        canary: Option<Box<Canary>>,
        wheel: &Wheel,
    ) -> Finished {
        let mut own = match &self.together {
            Some(_) => None,
            None => self.listing(false),
        };
        let lists = self.shape().is_some();
        let rows = self.together.as_mut().or(own.as_mut());
        let mut report = Report::new(self.screen, rows, name);
        let way = Way::default();
        let ended = loop {
            let spin = (self.several && !report.is_drawing()).then_some(&way);
            match patiently(wheel.said(&mut run), name, spin).await {
                Said::Event(event) => report.event(event),
                Said::Ended(ended) => break ended,
            }
            // A destroy goes on although nobody reads; a listing does not.
            if lists && report.is_broken() {
                wheel.stop(Stop::Unread);
            }
        };
        let outcome = match &ended {
            Ended::Done(outcome) => Some(outcome),
            Ended::Lost { .. } => None,
        };
        let mut verdict = ended.verdict();
        let erred = report.has_erred();
        let worst = match report.finish(outcome) {
            Ok(worst) => worst,
            Err(lie) => {
                let (error, verdict) = (LinkError::Protocol(lie), Verdict::Unknown);
                say_lost(self.screen, name, &error, Some(verdict));
                if let Some(canary) = canary {
                    self.remove(name, &canary, wheel).await;
                }
                return Finished::of(verdict);
            }
        };
        if let Some(canary) = canary {
            let worked = outcome.filter(|it| it.sessions > 0 && !erred);
            verdict = self
                .prove(name, *canary, (verdict, worked.is_some()), wheel)
                .await;
        }
        if verdict == Verdict::Answered {
            self.answered = true;
            if let Some(own) = own {
                end(own, self.screen);
            }
        }
        let unread = wheel.how() == Stop::Unread;
        if let Ended::Lost { error, .. } = &ended {
            say_lost(self.screen, name, error, Some(verdict));
        }
        if verdict == Verdict::Cancelled && !unread {
            self.say_cancelled(name, outcome.map_or(0, |outcome| outcome.sessions));
        }
        if verdict == Verdict::Answered && worst == State::Fail {
            verdict = Verdict::Failed;
        }
        let exit = match (&ended, verdict) {
            (
                Ended::Lost {
                    error: LinkError::Interrupted | LinkError::Unfinished,
                    ..
                },
                _,
            ) => Exit::Interrupted,
            // The reader went away (`| head`): it has what it wanted.
            (_, Verdict::Cancelled) if unread => Exit::Done,
            (_, verdict) => verdict.into(),
        };
        Finished {
            verdict,
            exit,
            missing: outcome.and_then(|outcome| outcome.missing.clone()),
            outcome: outcome.cloned(),
        }
    }

    /// What was found on the way to a host: `doctor` shows all of it, others what is to be heard.
    fn say_way(&mut self, name: Option<&str>, told: Told) {
        let mut report = Report::new(self.screen, None, name);
        for (stage, text) in told {
            let subject = stage.to_owned();
            report.event(match (stage, self.answer) {
                (WARNING, _) => line(Level::Warning, text),
                (_, Answer::Findings) => Event::Finding(Finding {
                    state: State::Ok,
                    subject,
                    text,
                    fix: None,
                }),
                _ => line(Level::Debug(subject), text),
            });
        }
    }

    fn say_cancelled(&mut self, name: Option<&str>, sessions: u64) {
        let text = match self.shape() {
            Some(_) => "Interrupted: the listing is not complete.".to_owned(),
            None => format!(
                "Interrupted: {} destroyed until then. Run the command again to go on.",
                counted(sessions, "session")
            ),
        };
        self.screen
            .line(self.screen.lines.warning(named(name, text)));
    }
}

fn line(level: Level, text: String) -> Event {
    Event::Line(Line {
        level,
        text,
        fix: None,
    })
}

fn unreachable(trouble: &Trouble) -> Finished {
    Finished {
        exit: trouble.exit,
        ..Finished::of(Verdict::Unreachable)
    }
}

fn say_trouble(screen: &mut Screen, name: Option<&str>, trouble: &Trouble) {
    let fix = Some(trouble.fix.clone()).filter(|fix| !fix.is_empty());
    let text = named(name, with_fix(trouble.text.clone(), fix));
    screen.line(Some(screen.lines.error(text)));
}

fn say_lost(screen: &mut Screen, name: Option<&str>, error: &LinkError, verdict: Option<Verdict>) {
    let mut text = error.to_string();
    if verdict == Some(Verdict::Unknown) {
        text.push_str(". Whether sessions were destroyed is not known");
    }
    let text = with_fix(format!("{text}."), Some(error.fix()));
    screen.line(Some(screen.lines.error(named(name, text))));
}

/// Waits, and says so on a terminal when it takes long, with how far the way is. May be dropped
/// whenever the waiting may.
pub(super) async fn patiently<T>(
    waiting: impl Future<Output = T>,
    name: Option<&str>,
    way: Option<&Way>,
) -> T {
    tokio::pin!(waiting);
    let Some(way) = way else {
        return waiting.await;
    };
    if let Ok(done) = tokio::time::timeout(Spinner::PATIENCE, &mut waiting).await {
        return done;
    }
    let spinner = Spinner::new(match name {
        Some(name) => format!("waiting for @{name}"),
        None => "waiting for the site's host".to_owned(),
    });
    loop {
        if !Screen::is_asking() {
            spinner.turn(&way.doing());
        }
        if let Ok(done) = tokio::time::timeout(Spinner::TURN, &mut waiting).await {
            return done;
        }
    }
}
