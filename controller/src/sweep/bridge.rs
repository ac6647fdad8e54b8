//! The bridge of a host: installed, looked at, brought up to date or removed, one order a host.

use kickout_shared::event::{Level, Line, State};
use kickout_shared::install::{Answer, Install, Order, Program};

use super::consent;
use super::each::{each, warn};
use super::hosts::nonce;
use super::members::{self, Host};
use super::{Transports, Ways};
use crate::cli::{Bridge, BridgeVerb, UsageError};
use crate::deliver::{Agents, DeliverError, Kind};
use crate::error::Error;
use crate::exchange::{self, LinkError, OrderError};
use crate::exit::Exit;
use crate::inventory::Resolved;
use crate::render::{Screen, proxy_lines, read_line};
use crate::report::{finding, with_fix};
use crate::target::Target;
use crate::transport::{self, OpenError};

/// Why a host's bridge is not as it was to be.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    /// Nothing was started there.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The agent to be installed with it.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// What was started there did not do as it was told.
    #[error(transparent)]
    Order(#[from] OrderError),
}

impl Trouble {
    fn fix(&self) -> String {
        match self {
            Self::Open(error) => error.fix(),
            Self::Deliver(error) => error.fix(),
            Self::Order(error) => error.fix(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Open(error) => error.exit(),
            Self::Deliver(_) | Self::Order(OrderError::Link(_)) => Exit::Unreachable,
            Self::Order(OrderError::Release(_)) => Exit::Usage,
            Self::Order(OrderError::Unknown(_)) => Exit::Failed,
        }
    }
}

/// What a visit came to: everything that was said, and why it went no further.
struct Visited {
    answers: Vec<Answer>,
    trouble: Option<Trouble>,
}

/// Gives the order to every host of these targets, and shows what each says.
pub(crate) fn bridge(
    targets: Vec<Resolved>,
    ways: Ways,
    bridge: Bridge,
    screen: &mut Screen,
) -> Result<Exit, Error> {
    let parallel = ways.parallel;
    let agents = Agents::new(ways.agent.as_deref())?;
    let mut transports = Transports::new(ways, &[])?;
    transports.agents = Agents::of(Kind::Bridge, bridge.program.as_deref())?;
    let targets = targets.into_iter().map(|target| (target, None));
    let (_, hosts) = members::gather(targets.collect());
    fits(&hosts, &bridge.verb)?;
    if let BridgeVerb::Remove {
        purge,
        agreed: false,
    } = bridge.verb
    {
        agree(&hosts, purge, screen)?;
    }
    each(
        &hosts,
        parallel,
        |host| visit(&transports, host, &agents, &bridge.verb),
        |host, visited| {
            if hosts.len() > 1 {
                screen.line(screen.lines.info(host.target.to_string()));
            }
            show(screen, host, visited, &bridge.verb)
        },
    )
}

/// Refuses what cannot have a bridge installed.
fn fits(hosts: &[Host], verb: &BridgeVerb) -> Result<(), UsageError> {
    let combination = |text: String| Err(UsageError::Combination(text));
    for host in hosts {
        match &host.target {
            Target::Http(_) => {
                return combination(format!(
                    "{} is reached through its bridge, which installs nothing: go over --ssh, or \
                     run this there.",
                    host.target
                ));
            }
            Target::DockerComposeRun(_) => {
                return combination(
                    "A container of docker-compose-run keeps nothing: use docker-compose."
                        .to_owned(),
                );
            }
            Target::Local
            | Target::Ssh(_)
            | Target::Vagrant(_)
            | Target::Docker(_)
            | Target::DockerCompose(_) => {}
        }
    }
    match verb {
        BridgeVerb::Install { .. } if hosts.len() > 1 => combination(format!(
            "A bridge is installed on one host at a time, and these are {}.",
            hosts.len()
        )),
        _ => Ok(()),
    }
}

/// Makes sure that it is meant.
fn agree(hosts: &[Host], purge: bool, screen: &mut Screen) -> Result<(), Error> {
    let names: Vec<_> = hosts.iter().map(|host| host.target.to_string()).collect();
    let with = if purge {
        ", its configuration, tokens and audit"
    } else {
        ""
    };
    let what = format!("This removes the bridge{with} of {}.", names.join(", "));
    consent::put(what, screen)?;
    consent::agreed(read_line())
}

async fn visit(
    transports: &Transports,
    host: &Host,
    agents: &Agents,
    verb: &BridgeVerb,
) -> Visited {
    let mut answers = Vec::new();
    let visited = async {
        let nonce = nonce();
        let tell = |stage, found| host.way.hear(stage, found);
        let start = transports.start(host, &nonce, &tell);
        let connection = transport::open(&host.target, &host.ssh_args, &start).await?;
        let orders = |arch: &str| order(verb, agents, arch);
        exchange::order::<Trouble>(connection, &nonce, &orders, &mut answers).await
    };
    let trouble = visited.await.err();
    Visited { answers, trouble }
}

/// The order for a host of this architecture, and the bytes that go with it.
fn order<'a>(
    verb: &BridgeVerb,
    agents: &'a Agents,
    arch: &str,
) -> Result<(Order, &'a [u8]), Trouble> {
    let agent = || -> Result<_, Trouble> {
        let (offer, bytes) = agents.offered(arch)?;
        let agent = Program {
            size: bytes.len() as u64,
            sha256: offer.hash.clone(),
        };
        Ok((agent, bytes))
    };
    Ok(match verb {
        BridgeVerb::Install { sites, scopes } => {
            let (agent, bytes) = agent()?;
            let install = Install {
                sites: sites.clone(),
                scopes: scopes.clone(),
                agent,
            };
            (Order::Install(install), bytes)
        }
        BridgeVerb::Upgrade => {
            let (agent, bytes) = agent()?;
            (Order::Upgrade { agent }, bytes)
        }
        BridgeVerb::Status => {
            let agent = agent()?.0.sha256;
            (Order::Status { agent }, &[])
        }
        BridgeVerb::Remove { purge, .. } => (Order::Remove { purge: *purge }, &[]),
    })
}

fn show(screen: &mut Screen, host: &Host, visited: Visited, verb: &BridgeVerb) -> Exit {
    let name = &host.target;
    warn(screen, host);
    let mut exit = Exit::Done;
    let mut serves = None;
    for answer in visited.answers {
        match answer {
            Answer::Line(Line { level, text, fix }) => {
                let text = with_fix(text, fix);
                let line = match level {
                    Level::Success => screen.lines.success(text),
                    Level::Warning => screen.lines.warning(text),
                    Level::Error => Some(screen.lines.error(text)),
                    Level::Info | Level::Debug(_) => screen.lines.info(text),
                };
                screen.line(line);
            }
            Answer::Finding(found) => {
                if found.state == State::Fail {
                    exit = Exit::Failed;
                }
                screen.line(screen.lines.info(finding(&found)));
            }
            // Data: also with --quiet, and alone on its line.
            Answer::Token { token } => {
                let token = crate::render::escape::escaped(token.0.as_bytes());
                screen.data(|out| writeln!(out, "{token}"));
                screen.flush();
            }
            Answer::Serves { listen, tls, urls } => serves = Some((listen, tls, urls)),
            Answer::Refused { text, fix } => {
                let text = with_fix(format!("{name}: {text}"), Some(fix));
                screen.line(Some(screen.lines.error(text)));
                exit = Exit::Failed;
            }
            Answer::Done => {}
        }
    }
    if let Some(trouble) = visited.trouble {
        let text = with_fix(format!("{name}: {trouble}"), Some(trouble.fix()));
        screen.line(Some(screen.lines.error(text)));
        return trouble.exit();
    }
    if exit == Exit::Done {
        let done = match verb {
            BridgeVerb::Install { .. } => "The bridge is installed.",
            BridgeVerb::Upgrade => "The bridge is of this release.",
            BridgeVerb::Remove { .. } => "The bridge is removed.",
            BridgeVerb::Status => return exit,
        };
        screen.line(screen.lines.success(done));
    }
    if let Some((listen, tls, urls)) = serves {
        screen.line(screen.lines.info(proxy_lines(&listen, tls, &urls)));
    }
    exit
}

impl From<LinkError> for Trouble {
    fn from(error: LinkError) -> Self {
        Self::Order(error.into())
    }
}
