//! What a bridge answers, told to the controller as an agent would: in order, at the controller's pace,
//! and nothing twice.

use std::cell::Cell;
use std::time::Duration;

use hyper::Response;
use hyper::body::Incoming;
use kickout_shared::bridge::{Refused, Tail};
use kickout_shared::event::{Event, Level, Line, Outcome, Verdict};
use kickout_shared::frame::{self, Lines};
use kickout_shared::message::{CREDIT, FromAgent, RunId};
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::time::sleep;

use super::ask::Came;
use super::bridge::Bridge;
use super::heads;
use crate::http1::piece;

/// What the controller says of a run.
#[derive(Default)]
pub(super) struct Heard {
    acked: Cell<u64>,
    cancelled: Cell<bool>,
    over: Cell<bool>,
    changed: Notify,
}

impl Heard {
    pub(super) fn ack(&self, seq: u64) {
        self.acked.set(seq);
        self.changed.notify_waiters();
    }

    pub(super) fn cancel(&self) {
        self.cancelled.set(true);
        self.changed.notify_waiters();
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    pub(super) fn end(&self) {
        self.over.set(true);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.get()
    }

    /// What comes, unless the run is cancelled and so much time passes before; nothing is given up
    /// in the middle of being told. Not heeded where what was begun is only looked for again.
    pub(super) async fn unless_cancelled<T>(
        &self,
        again: bool,
        patience: Duration,
        coming: impl Future<Output = T>,
    ) -> Option<T> {
        let cancelled = async {
            self.until(|it| it.cancelled.get()).await;
            sleep(patience).await;
        };
        tokio::select! {
            biased;
            () = cancelled, if !again => None,
            came = coming => Some(came),
        }
    }

    /// Waits for it.
    async fn until(&self, met: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            if met(self) {
                return;
            }
            changed.await;
        }
    }
}

/// A line of an answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Frame(FromAgent),
    Tail(Tail),
    Refused(Refused),
}

/// What the controller has been told.
pub(super) struct Told<'a> {
    id: RunId,
    pub(super) heard: &'a Heard,
    out: Sender<Vec<u8>>,
    /// Events taken from the bridge, and given to the controller.
    taken: u64,
    given: u64,
    begun: bool,
    /// The last success, until the bridge says something behind it: alone it is not believed.
    held: Option<Event>,
    done: Option<Outcome>,
}

impl<'a> Told<'a> {
    pub(super) fn new(id: RunId, heard: &'a Heard, out: Sender<Vec<u8>>) -> Self {
        Self {
            id,
            heard,
            out,
            taken: 0,
            given: 0,
            begun: false,
            held: None,
            done: None,
        }
    }

    /// Passes an answer on, from where the last one broke off.
    pub(super) async fn read(
        &mut self,
        bridge: &Bridge,
        answer: Response<Incoming>,
        again: bool,
    ) -> Came {
        let (mut body, mut lines) = (answer.into_body(), Lines::default());
        let (mut unread, mut ended) = (None, None);
        loop {
            let coming = self
                .heard
                .unless_cancelled(again, Duration::ZERO, piece(&mut body));
            match coming.await {
                Some(Some(Ok(bytes))) => lines.push(&bytes),
                Some(Some(Err(why))) => {
                    unread = Some(why.to_string());
                    break;
                }
                Some(None) => break,
                // The request is given up, which stops what runs; its name still tells how it ended.
                None => return Came::Lost("it was interrupted".to_owned()),
            }
            loop {
                let said = match lines.next_frame::<Said>() {
                    Ok(Some(said)) => said,
                    Ok(None) => break,
                    Err(why) => return Came::Lost(why.to_string()),
                };
                match said {
                    Said::Frame(FromAgent::Pong) => self.alive().await,
                    Said::Frame(FromAgent::Begun { cutoff, .. }) => self.begun(cutoff).await,
                    Said::Frame(FromAgent::Event { seq, .. }) if seq <= self.taken => {}
                    Said::Frame(FromAgent::Event { seq, event, .. }) => {
                        if seq != self.taken + 1 && !again {
                            return Came::Lost("it left something out".to_owned());
                        }
                        self.release().await;
                        match event {
                            Event::Line(Line {
                                level: Level::Success,
                                ..
                            }) => self.held = Some(event),
                            event => self.event(event).await,
                        }
                        self.taken = seq;
                    }
                    Said::Frame(FromAgent::Done { outcome, .. }) => self.done = Some(outcome),
                    Said::Tail(Tail::Audited { head }) => {
                        if let Err(why) = heads::keep(bridge.heads.as_deref(), &head) {
                            self.line(Level::Warning, why, None).await;
                        }
                    }
                    Said::Refused(refused) => ended = Some(refused),
                }
            }
        }
        match (self.done.take(), ended) {
            (Some(outcome), refused) => {
                self.release().await;
                if let Some(Refused { error, fix, .. }) = refused {
                    let text = format!("the bridge's audit does not have it: {error}");
                    self.line(Level::Warning, text, fix).await;
                }
                if outcome.verdict == Verdict::Cancelled && !self.heard.cancelled.get() {
                    let text = "the link broke, and the bridge stopped what ran";
                    self.line(Level::Warning, text.to_owned(), None).await;
                }
                self.done(outcome).await;
                Came::Ended
            }
            (None, Some(refused)) => Came::Lost(refused.error),
            (None, None) => {
                let why = unread.unwrap_or_else(|| "the answer has no end".to_owned());
                Came::Lost(why)
            }
        }
    }

    /// Nobody knows, or nothing was to be known.
    pub(super) async fn unknown(&mut self, destroys: bool, why: &str, first: &str) -> Verdict {
        let mut text = format!("the link to the bridge broke: {first}");
        if why != first {
            text.push_str(&format!("; asked again: {why}"));
        }
        let (verdict, fix) = match destroys {
            false => (Verdict::Unreachable, "Run the command again."),
            true => {
                text.push_str(". Whether sessions were destroyed is not known");
                let fix = "Look with `user session list`, and run the command again.";
                (Verdict::Unknown, fix)
            }
        };
        self.line(Level::Error, format!("{text}."), Some(fix.to_owned()))
            .await;
        verdict
    }

    pub(super) async fn alive(&self) {
        self.say(&FromAgent::Pong).await;
    }

    async fn begun(&mut self, cutoff: i64) {
        if !std::mem::replace(&mut self.begun, true) {
            self.say(&FromAgent::Begun {
                id: self.id,
                cutoff,
            })
            .await;
        }
    }

    async fn release(&mut self) {
        if let Some(event) = self.held.take() {
            self.event(event).await;
        }
    }

    pub(super) async fn line(&mut self, level: Level, text: String, fix: Option<String>) {
        self.event(Event::Line(Line { level, text, fix })).await;
    }

    /// Passes an event on when the controller has taken enough of those before.
    async fn event(&mut self, event: Event) {
        let next = self.given + 1;
        let room = |it: &Heard| it.cancelled.get() || next <= it.acked.get() + CREDIT;
        self.heard.until(room).await;
        self.given = next;
        let (id, seq) = (self.id, self.given);
        self.say(&FromAgent::Event { id, seq, event }).await;
    }

    pub(super) async fn done(&self, outcome: Outcome) {
        let (id, seq) = (self.id, self.given);
        self.say(&FromAgent::Done { id, seq, outcome }).await;
    }

    async fn say(&self, frame: &FromAgent) {
        // Who does not listen any more ends us soon.
        if let Ok(line) = frame::encode(frame) {
            let _ = self.out.send(line).await;
        }
    }
}
