//! One run as a request: what is asked, asked again under the same name when the answer was lost, and
//! what is said when nobody knows. Whether anything was destroyed is never guessed.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Response};
use kickout_shared::bridge::{Operation, RUN, Refused, Tail};
use kickout_shared::event::{Event, Level, Line, Outcome, Verdict};
use kickout_shared::frame::{self, Lines};
use kickout_shared::message::{CREDIT, FromAgent, RunId, ToAgent};
use kickout_shared::request::Request;
use kickout_shared::site::Site;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep};

use super::bridge::{Bridge, piece};
use super::error::HttpError;
use super::heads;

/// How long the answer of a destroy is looked for again.
const PATIENCE: Duration = Duration::from_secs(15);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// How long it is waited for a bridge that has been asked too often.
const MOST_WAIT: Duration = Duration::from_secs(60);

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

    pub(super) fn is_over(&self) -> bool {
        self.over.get()
    }

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

/// What is asked.
pub(super) struct Ask {
    id: RunId,
    body: String,
    /// Something is destroyed: asked for again, the bridge says what came of it the first time.
    destroys: bool,
}

/// A line of an answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Frame(FromAgent),
    Tail(Tail),
    Refused(Refused),
}

/// What came of asking once.
enum Came {
    /// It was said to the end.
    Ended,
    /// It was not done, and why.
    Not(Verdict, String, Option<String>),
    /// Nothing was done yet: it may be asked again after so long.
    Wait(Duration, Refused),
    /// It is being carried out, for a question of before.
    Running,
    /// The answer broke off.
    Lost(String),
    /// Another connection is needed: this one had been closed.
    Stale,
}

impl Ask {
    pub(super) fn new(bridge: &Bridge, id: RunId, site: Site, request: Request) -> Self {
        let operation = Operation {
            operation: format!("{}-{}", bridge.name, id.0),
            issued: jiff::Timestamp::now().as_second(),
            site: site.path.or(site.url),
        };
        let destroys = request.destroys();
        // Where it is, the bridge knows.
        let run = ToAgent::Run {
            id: RunId(1),
            site: Box::new(Site {
                path: None,
                start: None,
                url: None,
                ..site
            }),
            request: Box::new(request),
        };
        let line = |line: Result<Vec<u8>, _>| {
            String::from_utf8(line.unwrap_or_default()).unwrap_or_default()
        };
        let body = line(frame::encode(&operation)) + &line(frame::encode(&run));
        Self { id, body, destroys }
    }

    /// Asks until it is known what came of it, or nobody can say.
    pub(super) async fn carry(self, bridge: Rc<Bridge>, heard: Rc<Heard>, out: Sender<Vec<u8>>) {
        let mut told = Told {
            id: self.id,
            heard: &heard,
            out,
            taken: 0,
            given: 0,
            begun: false,
            held: None,
            done: None,
        };
        let verdict = self.asked(&bridge, &mut told).await;
        if let Some(verdict) = verdict {
            told.done(Outcome::of(verdict)).await;
        }
        heard.over.set(true);
    }

    /// The verdict when the bridge said none.
    async fn asked(&self, bridge: &Bridge, told: &mut Told<'_>) -> Option<Verdict> {
        let _seat = bridge.seats.acquire().await;
        let (started, mut lost): (_, Option<(Instant, String)>) = (Instant::now(), None);
        loop {
            if told.heard.cancelled.get() && lost.is_none() {
                return Some(Verdict::Cancelled);
            }
            told.alive().await;
            let cancelled = told.heard.until(|it| it.cancelled.get());
            let came = tokio::select! {
                biased;
                // The request is given up, which stops what runs; its name still tells how it ended.
                () = cancelled, if lost.is_none() => Came::Lost("it was interrupted".to_owned()),
                came = self.once(bridge, told, lost.is_some()) => came,
            };
            let why = match came {
                Came::Ended => return None,
                Came::Stale => continue,
                Came::Not(verdict, text, fix) if lost.is_none() => {
                    told.line(Level::Error, text, fix).await;
                    return Some(verdict);
                }
                Came::Wait(pause, refused) if lost.is_none() => {
                    if started.elapsed() + pause > MOST_WAIT {
                        told.line(Level::Error, refused.error, refused.fix).await;
                        return Some(Verdict::Unreachable);
                    }
                    sleep(pause).await;
                    continue;
                }
                Came::Running => "it is still being carried out".to_owned(),
                Came::Lost(text) | Came::Not(_, text, _) => text,
                Came::Wait(_, refused) => refused.error,
            };
            let (since, first) = lost.get_or_insert_with(|| (Instant::now(), why.clone()));
            if told.heard.cancelled.get() && !self.destroys {
                return Some(Verdict::Cancelled);
            }
            if !self.destroys || since.elapsed() > PATIENCE {
                return Some(told.unknown(self.destroys, &why, first).await);
            }
            sleep(PAUSE).await;
        }
    }

    async fn once(&self, bridge: &Bridge, told: &mut Told<'_>, again: bool) -> Came {
        let unreached =
            |why: HttpError| Came::Not(Verdict::Unreachable, why.to_string(), Some(why.fix()));
        let mut link = match bridge.link().await {
            Ok(link) => link,
            Err(why) => return unreached(why),
        };
        let path = format!("{}{RUN}", bridge.base);
        let request = match bridge.request(Method::POST, &path, self.body.clone()) {
            Ok(request) => request,
            Err(why) => return unreached(why),
        };
        let answer = match link.sender.send_request(request).await {
            Ok(answer) => answer,
            // It was closed before anything could be said on it.
            Err(why) if why.is_canceled() => return Came::Stale,
            // A look at something does no harm twice.
            Err(_) if link.used && !self.destroys => return Came::Stale,
            Err(why) => return Came::Lost(why.to_string()),
        };
        if answer.status() != 200 {
            return refused(bridge, answer).await;
        }
        let came = told.read(bridge, answer, again).await;
        if matches!(came, Came::Ended) {
            bridge.keep(link);
        }
        came
    }
}

/// Why a request was turned away, and what that means.
async fn refused(bridge: &Bridge, answer: Response<Incoming>) -> Came {
    let status = answer.status().as_u16();
    let away = bridge.turned_away(&answer);
    let not = |verdict, refused: Refused| Came::Not(verdict, refused.error, refused.fix);
    let text = bridge.whole(answer).await.unwrap_or_default();
    let Ok(refused) = serde_json::from_slice::<Refused>(&text) else {
        return match status {
            // Whoever stands before the bridge does not know what it did.
            500.. => Came::Lost(away.to_string()),
            _ => Came::Not(Verdict::Unreachable, away.to_string(), Some(away.fix())),
        };
    };
    match (status, refused.wait) {
        (409, _) => Came::Running,
        (429, Some(seconds)) => Came::Wait(Duration::from_secs(seconds.into()), refused),
        (401 | 408 | 421 | 429 | 503, _) => not(Verdict::Unreachable, refused),
        _ => not(Verdict::Failed, refused),
    }
}

/// What the controller has been told.
struct Told<'a> {
    id: RunId,
    heard: &'a Heard,
    out: Sender<Vec<u8>>,
    /// Events taken from the bridge, and given to the controller.
    taken: u64,
    given: u64,
    begun: bool,
    /// The last success, until the bridge says something behind it: alone it is not believed.
    held: Option<Event>,
    done: Option<Outcome>,
}

impl Told<'_> {
    /// Passes an answer on, from where the last one broke off.
    async fn read(&mut self, bridge: &Bridge, answer: Response<Incoming>, again: bool) -> Came {
        let (mut body, mut lines) = (answer.into_body(), Lines::default());
        let (mut unread, mut ended) = (None, None);
        while let Some(read) = piece(&mut body).await {
            match read {
                Ok(bytes) => lines.push(&bytes),
                Err(why) => {
                    unread = Some(why.to_string());
                    break;
                }
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
                        self.taken = seq;
                        self.release().await;
                        match event {
                            Event::Line(Line {
                                level: Level::Success,
                                ..
                            }) => self.held = Some(event),
                            event => self.event(event).await,
                        }
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
    async fn unknown(&mut self, destroys: bool, why: &str, first: &str) -> Verdict {
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

    async fn alive(&self) {
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

    async fn line(&mut self, level: Level, text: String, fix: Option<String>) {
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

    async fn done(&self, outcome: Outcome) {
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
