//! The loop over targets: hosts visited at most so many at once, sites shown in the order of the
//! group, one exit code for all. One site is a sweep of length one.

mod bridge;
mod canary;
mod consent;
mod each;
mod hosts;
mod members;
mod print;
mod prove;
mod recap;
mod tidy;
mod wheel;

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use kickout_shared::event::{Missing, Verdict};
use kickout_shared::request::Request;
use kickout_shared::site::Load;
use kickout_shared::user::UserRef;

use crate::cli::{self, Answer, Verify};
use crate::connection::Connection;
use crate::deliver::Agents;
use crate::error::Error;
use crate::exit::Exit;
use crate::inventory::Resolved;
use crate::render::{Screen, Terminal, read_line};
use crate::signal::Signals;
use crate::target::Target;
use crate::transport::{self, Around, Ask, OpenError, Start, http, ssh};
pub(crate) use bridge::bridge;
use consent::Agreed;
use hosts::{Door, Fleet, Pass};
use members::Host;
use print::{Printer, Source};
use recap::Finished;
pub(crate) use tidy::tidy;
use wheel::Wheel;

/// What is to be done, and where.
pub(crate) struct Order {
    /// The sites, each with the WordPress user to act as.
    pub(crate) targets: Vec<(Resolved, Option<UserRef>)>,
    /// Whether they were named as a group: then each has its name beside what it says.
    pub(crate) several: bool,
    /// What to ask.
    pub(crate) request: Request,
    /// How to show the answers.
    pub(crate) answer: Answer,
    /// How hosts are reached.
    pub(crate) ways: Ways,
    /// How the sites' own code is to be loaded, if at all.
    pub(crate) load: Load,
    /// How far a destroy is to be proved.
    pub(crate) verify: Verify,
}

/// How hosts are reached.
pub(crate) struct Ways {
    /// `--agent`
    pub(crate) agent: Option<PathBuf>,
    /// `--parallel`
    pub(crate) parallel: usize,
    /// `--accept-new-host-keys`
    pub(crate) accept_new_host_keys: bool,
    /// `--http-token-file` and what else is said of bridges.
    pub(crate) bridges: http::Means,
    /// What stands around the program.
    pub(crate) around: Around,
}

/// How a sweep ended.
pub(crate) struct Swept {
    /// One code for all sites.
    pub(crate) exit: Exit,
    /// What the only site lacks where it was asked.
    pub(crate) missing: Option<Missing>,
}

/// Asks every site and shows what it says.
pub(crate) fn run(
    mut order: Order,
    terminal: &Terminal,
    screen: &mut Screen,
) -> Result<Swept, Error> {
    let runtime = runtime()?;
    if let Answer::Lines {
        token_from_stdin: true,
        ..
    } = &order.answer
    {
        let line = read_line().map_err(|why| Error::Stream {
            what: "read the token",
            why,
        })?;
        order.request = cli::with_token(order.request, &line.ok_or(Error::NoTokenOnStdin)?)?;
    }
    let tasks = tokio::task::LocalSet::new();
    let ended = runtime.block_on(tasks.run_until(sweep(order, terminal, screen)));
    // The agents' pipes are closed; what they still do, they do without us.
    drop(tasks);
    runtime.shutdown_background();
    ended
}

/// The one thread that everything waits on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(|why| Error::Stream { what: "start", why })
}

async fn sweep(order: Order, terminal: &Terminal, screen: &mut Screen) -> Result<Swept, Error> {
    let accepted = order.load.unconfirmed_ok || order.verify == Verify::None;
    let web = match order.verify {
        Verify::Web(web) => Some(Rc::new(web)),
        Verify::None | Verify::Store => None,
    };
    let (mut members, hosts) = members::gather(order.targets);
    for member in &mut members {
        *member.site.load = order.load.clone();
    }
    let fleet = Rc::new(Fleet {
        members,
        parallel: order.ways.parallel,
        door: Transports::new(order.ways, &hosts)?,
        hosts,
        wheel: Wheel::new(),
    });
    let signals = Signals::listen().map_err(|why| Error::Stream {
        what: "listen",
        why,
    })?;
    let heeding = fleet.clone();
    tokio::task::spawn_local(async move { heeding.wheel.heed(signals).await });
    let mut settled: Vec<_> = fleet.members.iter().map(|_| None).collect();
    if let Answer::Lines { consent, .. } = order.answer
        && let Some(destroy) = consent::questionable(consent, &order.request)
    {
        match consent::ask(&fleet, consent, destroy, order.several, screen).await? {
            Agreed::Yes(known) => settled = known,
            Agreed::No(exit) => {
                let missing = None;
                return Ok(Swept { exit, missing });
            }
        }
    }
    let wanted = |index: usize| settled[index].is_none();
    let mut pass = Pass::start(&fleet, &order.request, wanted, false, web.as_ref());
    let mut printer = Printer::new(screen, terminal, &order.answer, order.several);
    let mut finished = Vec::with_capacity(fleet.members.len());
    for (index, member) in fleet.members.iter().enumerate() {
        fleet.wheel.show(index);
        let source = match (settled[index].take(), pass.pending[index].take()) {
            (Some(settled), _) => Some(Source::Settled(settled)),
            (None, pending) => pending.map(Source::Pending),
        };
        let ended = match source {
            Some(source) => printer.show(member, source, &fleet.wheel).await,
            None => Finished::of(Verdict::Skipped),
        };
        finished.push((member.name.as_deref().unwrap_or_default(), ended));
    }
    printer.finish(&finished);
    let exit = |ended: &Finished| match ended.verdict {
        Verdict::Unconfirmed if accepted => Exit::Done,
        _ => ended.exit,
    };
    let exits: Vec<Exit> = finished.iter().map(|(_, ended)| exit(ended)).collect();
    let exit = Exit::fold(&exits);
    let missing = match &mut finished[..] {
        [(_, only)] => only.missing.take(),
        _ => None,
    };
    Ok(Swept { exit, missing })
}

/// The real ways to hosts.
struct Transports {
    agents: Agents,
    /// How a person is asked; `None` when nobody is there.
    ask: Option<Ask>,
    operator: ssh::Operator,
    bridges: Option<http::Operator>,
    accept_new_host_keys: bool,
    around: Around,
}

impl Transports {
    fn new(ways: Ways, hosts: &[Host]) -> Result<Self, Error> {
        let bridges = hosts
            .iter()
            .filter(|host| matches!(host.target, Target::Http(_)));
        let bridges = match bridges.count() {
            0 => None,
            count => {
                let operator = http::Operator::read(&ways.bridges, &ways.around, count);
                Some(operator.map_err(OpenError::from)?)
            }
        };
        Ok(Self {
            agents: Agents::new(ways.agent.as_deref())?,
            ask: Screen::can_ask().then(|| Arc::new(Screen::secret) as Ask),
            operator: ssh::Operator::here(),
            bridges,
            accept_new_host_keys: ways.accept_new_host_keys,
            around: ways.around,
        })
    }

    /// What a transport is given for a host.
    fn start<'a>(
        &'a self,
        host: &'a Host,
        nonce: &'a str,
        tell: &'a dyn Fn(&'static str, String),
    ) -> Start<'a> {
        Start {
            agents: &self.agents,
            nonce,
            ask: self.ask.as_ref(),
            via: host.via.as_ref(),
            accept_new_host_keys: self.accept_new_host_keys,
            operator: &self.operator,
            bridges: self.bridges.as_ref(),
            around: &self.around,
            tell,
        }
    }
}

impl Door for Transports {
    async fn open(&self, host: &Host, nonce: &str) -> Result<Connection, OpenError> {
        let tell = |stage, found| host.way.hear(stage, found);
        let start = self.start(host, nonce, &tell);
        transport::open(&host.target, &host.ssh_args, &start).await
    }
}
