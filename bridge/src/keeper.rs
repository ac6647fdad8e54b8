//! Who may do what, once, with a record of it: from what was asked to what is streamed back. Knows no
//! HTTP and no WordPress.

use std::sync::Mutex;
use std::time::Instant;

use kickout_shared::bridge::{Operation, Tail};
use kickout_shared::event::Verdict;
use kickout_shared::request::Request;
use kickout_shared::token::sha256_hex;
use tokio::sync::mpsc;

use crate::addressed::addressed;
use crate::agent::Agents;
use crate::audit::{self, Audit, AuditError, Entry, Head};
use crate::authority::AuthorityError;
use crate::border::{Ask, Denied};
use crate::config::Config;
use crate::limits::Limits;
use crate::now;
use crate::operations::{Known, Name, Operations, OperationsError, SKEW};
use crate::owner::Owner;
use crate::token::{self, Store, Stored};
use answer::{Answer, lost, repeat};
use asked::{Run, acts, confined, parse};

mod answer;
mod asked;

/// The longest name of an operation.
const MAX_NAME: usize = 64;

/// Why the bridge cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// Without a record nothing is done.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Nor twice.
    #[error(transparent)]
    Operations(#[from] OperationsError),
}

impl KeeperError {
    /// The command that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Audit(error) => error.fix(),
            Self::Operations(error) => error.fix(),
        }
    }
}

/// What the bridge keeps.
#[derive(Debug)]
pub struct Keeper {
    config: Config,
    tokens: Store,
    audit: Mutex<Audit>,
    operations: tokio::sync::Mutex<Operations>,
    agents: Agents,
    limits: Mutex<Limits>,
    owners: Vec<Option<Owner>>,
    started: Instant,
}

/// Lines on their way to a client; a channel that is closed is a client that has gone.
pub type Lane = mpsc::Sender<Vec<u8>>;

/// What became of an operation.
enum Fate {
    /// It is over; this was the answer.
    Ended(Vec<u8>),
    /// It is over, and its answer cannot be given again.
    Lost,
    /// It has not begun, and this is why, if the client was not told.
    Never(Option<Denied>),
}

/// What is allowed and begun.
struct Job {
    operation: Operation,
    token: Stored,
    site: usize,
    run: Run,
    /// SHA-256 of the whole body, hex.
    hash: String,
}

impl Keeper {
    /// Opens what is kept in the configuration's state folder. `owners` are those of its sites.
    pub async fn open(
        config: Config,
        agents: Agents,
        owners: Vec<Option<Owner>>,
    ) -> Result<Self, KeeperError> {
        let state = &config.state;
        let mut audit = Audit::open(&audit::file(state), now())?;
        let release = kickout_shared::version::RELEASE.to_owned();
        audit.append(Entry::Started { release }, now())?;
        Ok(Self {
            tokens: Store::of(state),
            operations: Operations::open(&state.join("operations.db")).await?.into(),
            audit: audit.into(),
            agents,
            limits: Mutex::default(),
            owners,
            config,
            started: Instant::now(),
        })
    }

    /// Does what is asked, and sends what is said of it into the lane. Nothing has been sent when it
    /// is denied.
    pub async fn run(&self, ask: Ask, lane: Lane) -> Result<(), Denied> {
        let token = self.authenticate(&ask)?;
        let job = self.read(&ask, token)?;
        let name = Name {
            token: &job.token.id,
            operation: &job.operation.operation,
        };
        // Looking at something twice does no harm, and a listing has no bound.
        let acts = acts(&job.run.request);
        if acts {
            let known = self
                .operations
                .lock()
                .await
                .begin(name, &job.hash, now())
                .await;
            match known.map_err(|error| unable(error.to_string(), error.fix()))? {
                Known::New => {}
                Known::Done(answer) => return repeat(&lane, answer).await,
                Known::Running => {
                    let why = "this operation is being carried out";
                    return Err(Denied::new(409, why, "Wait for its answer.".to_owned()));
                }
                Known::Other => {
                    let why = "another request had this operation's name";
                    return Err(Denied::new(409, why, "Run the command anew.".to_owned()));
                }
                Known::Lost => return repeat(&lane, lost()).await,
            }
        }
        let intent = Entry::Intent {
            operation: job.operation.operation.clone(),
            peer: ask.peer.to_string(),
            token: job.token.id.clone(),
            certificate: ask.certificate.clone(),
            site: self.config.sites[job.site].name.clone(),
            request: serde_json::to_value(&job.run.request).unwrap_or_default(),
        };
        let fate = match self.record(intent) {
            Ok(_) => self.carry_out(&job, acts, lane).await,
            Err(denied) => Fate::Never(Some(denied)),
        };
        if acts {
            let mut operations = self.operations.lock().await;
            match &fate {
                // What cannot be kept is lost, which says less than was known.
                Fate::Ended(answer) => drop(operations.end(name, answer).await),
                Fate::Lost => operations.lose(name),
                Fate::Never(_) => operations.withdraw(name).await,
            }
        }
        match fate {
            Fate::Never(Some(denied)) => Err(denied),
            Fate::Never(None) | Fate::Ended(_) | Fate::Lost => Ok(()),
        }
    }

    fn authenticate(&self, ask: &Ask) -> Result<Stored, Denied> {
        let clock = self.clock();
        let shut_out = self
            .limits
            .lock()
            .is_ok_and(|it| it.is_shut_out(ask.peer, clock));
        if shut_out {
            let why = "too many tokens that do not count came from this address";
            return Err(Denied::new(429, why, "Wait a minute.".to_owned()));
        }
        let tokens = self.tokens.read();
        let tokens = tokens.map_err(|error| unable(error.to_string(), error.fix()))?;
        let presented = ask.token.as_deref().unwrap_or_default();
        let certificate = ask.certificate.as_deref();
        match token::check(&tokens, presented, certificate, now()) {
            Ok(token) => Ok(token.clone()),
            Err(refusal) => {
                if let Ok(mut limits) = self.limits.lock() {
                    limits.failed(ask.peer, clock);
                }
                self.record(Entry::Refused {
                    peer: ask.peer.to_string(),
                    token: None,
                    refusal: Some(refusal),
                    denied: None,
                })?;
                let fix = "Give a token that counts: kickout-bridge token add makes one.";
                Err(Denied::new(401, "no valid token", fix.to_owned()))
            }
        }
    }

    fn read(&self, ask: &Ask, token: Stored) -> Result<Job, Denied> {
        let per_hour = token.grant.max_per_hour;
        let clock = self.clock();
        let may = match self.limits.lock() {
            Ok(mut limits) => limits.ask(&token.id, per_hour, clock),
            Err(_) => Err(1),
        };
        if let Err(wait) = may {
            let why = "this token has asked too often";
            let fix = "Wait, or ask for a higher limit.";
            let mut denied = Denied::new(429, why, fix.to_owned());
            denied.said.wait = Some(wait);
            return Err(denied);
        }
        let (operation, run) = parse(&ask.body).map_err(|why| Denied::new(400, why, None))?;
        let name = &operation.operation;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) {
            return Err(Denied::new(400, "the operation has no name", None));
        }
        if now().abs_diff(operation.issued) > SKEW.unsigned_abs() {
            let why = "the operation is not of this hour: its time of issue is too far from the \
                       bridge's clock";
            return Err(Denied::new(
                401,
                why,
                "Set the clocks of both sides.".to_owned(),
            ));
        }
        let name = operation.site.as_deref();
        let site = addressed(&self.config.sites, name, &ask.host);
        let allowed = site.ok_or(AuthorityError::Site).and_then(|at| {
            let name = &self.config.sites[at].name;
            let bounds = token.grant.allows(name, &run.site, &run.request)?;
            Ok((at, bounds))
        });
        match allowed {
            Ok((site, bounds)) => Ok(Job {
                operation,
                token,
                site,
                run: Run {
                    site: confined(&self.config.sites[site], run.site, bounds),
                    request: run.request,
                },
                hash: sha256_hex(&ask.body),
            }),
            Err(error) => {
                let head = self.record(Entry::Refused {
                    peer: ask.peer.to_string(),
                    token: Some(token.id),
                    refusal: None,
                    denied: Some(error.to_string()),
                })?;
                let mut denied = Denied::new(403, error.to_string(), error.fix());
                denied.said.head = Some(head);
                Err(denied)
            }
        }
    }

    async fn carry_out(&self, job: &Job, acts: bool, lane: Lane) -> Fate {
        // The cookies of a canary are never at rest.
        let keep = acts && !matches!(job.run.request, Request::Canary(_));
        let mut answer = Answer::new(lane, keep);
        let Run { site, request } = &job.run;
        let (site, request) = (site.clone(), request.clone());
        let ended = self
            .agents
            .run(self.owners[job.site], site, request, &mut answer)
            .await;
        let (verdict, users, sessions) = match &ended {
            Ok(outcome) => (said(outcome.verdict), outcome.users, outcome.sessions),
            Err(error) => (error.to_string(), 0, 0),
        };
        let result = Entry::Result {
            operation: job.operation.operation.clone(),
            verdict,
            users,
            sessions,
        };
        let recorded = self.record(result);
        // Nothing was said, and nothing was done.
        if let Err(error) = &ended
            && !error.may_have_begun()
            && !answer.has_begun()
        {
            return Fate::Never(Some(unable(error.to_string(), error.fix())));
        }
        // What was done cannot be undone: that it is not recorded is said.
        match recorded {
            Ok(head) => answer.say(&Tail::Audited { head }).await,
            Err(denied) => answer.say(&denied.said).await,
        }
        match (ended, answer.kept()) {
            (Ok(_), Some(kept)) => Fate::Ended(kept),
            (Err(error), _) if !error.may_have_begun() => Fate::Never(None),
            (Ok(_) | Err(_), _) => Fate::Lost,
        }
    }

    fn record(&self, entry: Entry) -> Result<Head, Denied> {
        let mut audit = self
            .audit
            .lock()
            .map_err(|_| unable("the audit is locked", None))?;
        match audit.append(entry, now()) {
            Ok(head) => Ok(head.clone()),
            Err(error) => Err(unable(error.to_string(), error.fix())),
        }
    }

    fn clock(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

/// The bridge is at fault. What exactly is for its log.
fn unable(error: impl Into<String>, fix: impl Into<Option<String>>) -> Denied {
    Denied::new(503, error, fix)
}

fn said(verdict: Verdict) -> String {
    let value = serde_json::to_value(verdict).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
