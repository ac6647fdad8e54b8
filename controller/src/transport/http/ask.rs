//! One run as a request: what is asked, asked again under the same name when the answer was lost, and
//! what is said when nobody knows. Whether anything was destroyed is never guessed.

use std::rc::Rc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Response};
use kickout_shared::bridge::{Operation, RUN, Refused};
use kickout_shared::event::{Level, Outcome, Verdict};
use kickout_shared::frame;
use kickout_shared::message::{RunId, ToAgent};
use kickout_shared::request::Request;
use kickout_shared::site::Site;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep};

use super::bridge::Bridge;
use super::error::HttpError;
use super::heads;
use super::told::{Heard, Told};

/// How long the answer of a destroy is looked for again.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long the beginning of an answer is waited for when nobody wants it any more.
const ARRIVAL: Duration = Duration::from_secs(5);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// How long it is waited for a bridge that has been asked too often.
const MOST_WAIT: Duration = Duration::from_secs(60);

/// What is asked.
pub(super) struct Ask {
    id: RunId,
    body: String,
    /// Something is destroyed: asked for again, the bridge says what came of it the first time.
    destroys: bool,
}

/// What came of asking once.
pub(super) enum Came {
    /// It was said to the end.
    Ended,
    /// It was cancelled before it was asked.
    Unsent,
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
        let mut told = Told::new(self.id, &heard, out);
        let verdict = self.asked(&bridge, &mut told).await;
        if let Some(verdict) = verdict {
            told.done(Outcome::of(verdict)).await;
        }
        heard.end();
    }

    /// The verdict when the bridge said none.
    async fn asked(&self, bridge: &Bridge, told: &mut Told<'_>) -> Option<Verdict> {
        let _seat = bridge.seats.acquire().await;
        let (started, mut lost): (_, Option<(Instant, String)>) = (Instant::now(), None);
        loop {
            if told.heard.is_cancelled() && lost.is_none() {
                return Some(Verdict::Cancelled);
            }
            told.alive().await;
            let why = match self.once(bridge, told, lost.is_some()).await {
                Came::Ended => return None,
                Came::Unsent => return Some(Verdict::Cancelled),
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
            if told.heard.is_cancelled() && !self.destroys {
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
        let connected = bridge.link();
        let connected = told
            .heard
            .unless_cancelled(again, Duration::ZERO, connected);
        let mut link = match connected.await {
            Some(Ok(link)) => link,
            Some(Err(why)) => return unreached(why),
            None => return Came::Unsent,
        };
        let path = format!("{}{RUN}", bridge.base);
        let request = match bridge.request(Method::POST, &path, self.body.clone()) {
            Ok(request) => request,
            Err(why) => return unreached(why),
        };
        // Only what has arrived can be looked for again without beginning it.
        let answered = link.sender.send_request(request);
        let answered = told.heard.unless_cancelled(again, ARRIVAL, answered);
        let Some(answered) = answered.await else {
            return Came::Lost("it was interrupted".to_owned());
        };
        let answer = match answered {
            Ok(answer) => answer,
            // It had been closed before anything was said on it; and a look does no harm twice.
            Err(why) if link.used && (why.is_canceled() || !self.destroys) => return Came::Stale,
            Err(why) if why.is_canceled() => return unreached(bridge.none(why.to_string())),
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
    if let Some(head) = &refused.head {
        // Nothing was done: that it is not kept here is no reason to say more.
        let _ = heads::keep(bridge.heads.as_deref(), head);
    }
    match (status, refused.wait) {
        (409, _) => Came::Running,
        (429, Some(seconds)) => Came::Wait(Duration::from_secs(seconds.into()), refused),
        (401 | 408 | 421 | 429 | 503, _) => not(Verdict::Unreachable, refused),
        _ => not(Verdict::Failed, refused),
    }
}
