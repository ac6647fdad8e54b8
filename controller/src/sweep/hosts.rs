//! Hosts are visited at most so many at once, in the order of the group; on each, all its sites
//! are worked on over one connection. Shows nothing.

use std::hash::{BuildHasher as _, Hasher as _};
use std::rc::Rc;
use std::sync::Arc;

use kickout_shared::request::Request;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

use super::canary::Canary;
use super::members::{Host, Member};
use super::print::Settled;
use super::wheel::{Stop, Wheel};
use crate::cli::Web;
use crate::connection::Connection;
use crate::exchange::{Asker, Exchange, LinkError, Run};
use crate::exit::Exit;
use crate::transport::OpenError;

/// The way to hosts; tests have their own.
pub(super) trait Door: 'static {
    /// Starts an agent on a host.
    fn open(&self, host: &Host, nonce: &str)
    -> impl Future<Output = Result<Connection, OpenError>>;
}

/// All there is to visit.
pub(super) struct Fleet<D> {
    pub(super) members: Vec<Member>,
    pub(super) hosts: Vec<Host>,
    pub(super) door: D,
    /// How many hosts at once.
    pub(super) parallel: usize,
    pub(super) wheel: Wheel,
}

/// Why a host cannot be asked: the same for each of its sites.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) text: String,
    pub(super) fix: String,
    pub(super) exit: Exit,
}

impl From<OpenError> for Trouble {
    fn from(error: OpenError) -> Self {
        Self {
            text: error.to_string(),
            fix: error.fix(),
            exit: error.exit(),
        }
    }
}

impl From<LinkError> for Trouble {
    fn from(error: LinkError) -> Self {
        Self {
            text: error.to_string(),
            fix: error.fix(),
            exit: Exit::Unreachable,
        }
    }
}

/// What came of a site.
pub(super) enum Slot {
    /// It is being worked on; with a session of ours, when the web side is to be asked.
    Run(Run, Option<Box<Canary>>),
    /// The web side was to be asked, and cannot be: nothing more happens there.
    Settled(Settled),
    /// Its host cannot be asked.
    Trouble(Rc<Trouble>),
}

/// What will come of a site; nothing, when the sweep stops before it begins.
pub(super) type Pending = oneshot::Receiver<Slot>;

/// One pass over the fleet with one request.
pub(super) struct Pass {
    /// One for each member that was wanted.
    pub(super) pending: Vec<Option<Pending>>,
    visits: JoinSet<()>,
}

impl Pass {
    /// Sets out. Sites that are not wanted are left alone; connections may be kept for another
    /// pass.
    pub(super) fn start<D: Door>(
        fleet: &Rc<Fleet<D>>,
        request: &Request,
        wanted: impl Fn(usize) -> bool,
        keep: bool,
        web: Option<&Rc<Web>>,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(fleet.parallel));
        let mut pending: Vec<Option<Pending>> = fleet.members.iter().map(|_| None).collect();
        let mut visits = JoinSet::new();
        fleet.wheel.show(0);
        for (index, host) in fleet.hosts.iter().enumerate() {
            let mut sites = Vec::new();
            for &member in host.members.iter().filter(|member| wanted(**member)) {
                let (slot, will) = oneshot::channel();
                pending[member] = Some(will);
                sites.push((member, slot));
            }
            if !sites.is_empty() {
                visits.spawn_local(visit(Visit {
                    fleet: fleet.clone(),
                    host: index,
                    request: request.clone(),
                    sites,
                    permits: permits.clone(),
                    keep,
                    web: web.cloned(),
                }));
            }
        }
        Self { pending, visits }
    }

    /// Waits until every host has been left.
    pub(super) async fn end(mut self) {
        while self.visits.join_next().await.is_some() {}
    }
}

struct Visit<D> {
    fleet: Rc<Fleet<D>>,
    host: usize,
    request: Request,
    sites: Vec<(usize, oneshot::Sender<Slot>)>,
    permits: Arc<Semaphore>,
    keep: bool,
    web: Option<Rc<Web>>,
}

/// One host. A site that is being shown is begun in any case: whoever shows it waits for nothing
/// that waits for him.
async fn visit<D: Door>(visit: Visit<D>) {
    let Visit {
        fleet,
        host,
        request,
        sites,
        permits,
        keep,
        web,
    } = visit;
    let (wheel, host) = (&fleet.wheel, &fleet.hosts[host]);
    let first = sites.first().map_or(0, |(index, _)| *index);
    let permit = tokio::select! {
        biased;
        () = wheel.stopped() => return,
        permit = permits.acquire_owned() => permit.ok(),
        () = wheel.reached(first) => None,
    };
    let kept = host.kept.borrow_mut().take();
    let asker = match kept {
        Some(asker) => Ok(asker),
        None => tokio::select! {
            biased;
            () = wheel.stopped() => return,
            // On the heap: it is large, and over while the sites are worked on.
            connected = Box::pin(connect(&fleet, host)) => connected,
        },
    };
    let asker = match asker {
        Ok(asker) => asker,
        Err(trouble) => {
            let trouble = Rc::new(trouble);
            for (_, slot) in sites {
                // Whoever waits for it may have been told to stop.
                let _ = slot.send(Slot::Trouble(trouble.clone()));
            }
            return;
        }
    };
    for (index, slot) in sites {
        tokio::select! {
            biased;
            () = wheel.stopped() => break,
            () = asker.room() => {}
            () = wheel.reached(index) => {}
        }
        let member = &fleet.members[index];
        let canary = match &web {
            None => None,
            Some(web) => match Canary::prepare(&asker, member, web, wheel).await {
                Ok(canary) => Some(Box::new(canary)),
                Err(settled) => {
                    let _ = slot.send(Slot::Settled(settled));
                    continue;
                }
            },
        };
        let request = match &canary {
            None => request.clone(),
            Some(canary) => canary.beside(&request),
        };
        let run = asker.start(member.site.clone(), request);
        let _ = slot.send(Slot::Run(run, canary));
    }
    tokio::select! {
        () = asker.idle() => {}
        () = wheel.stopped() => {
            asker.cancel_all();
            tokio::select! {
                () = asker.idle() => {}
                _ = wheel.insisted() => {}
            }
        }
    }
    if keep && wheel.how() == Stop::No {
        host.kept.replace(Some(asker));
    }
    drop(permit);
}

async fn connect<D: Door>(fleet: &Fleet<D>, host: &Host) -> Result<Rc<Asker>, Trouble> {
    let nonce = nonce();
    let connection = fleet.door.open(host, &nonce).await?;
    let (exchange, asker) = Exchange::open(connection, &nonce).await?;
    tokio::task::spawn_local(exchange.drive());
    Ok(Rc::new(asker))
}

/// 128 bits that no noise on the line can guess.
pub(super) fn nonce() -> String {
    let word = || {
        std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish()
    };
    format!("{:016x}{:016x}", word(), word())
}

#[cfg(test)]
#[path = "hosts_tests.rs"]
mod tests;
