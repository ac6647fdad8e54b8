//! The ways to an agent. Transports carry bytes; none knows what a user or a session is.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::connection::{Connection, Tunnel};
use crate::deliver::{Agents, DeliverError};
use crate::exit::Exit;
use crate::target::{Ssh, Target};

pub mod compose_run;
pub mod docker;
pub mod http;
mod kept;
mod last_words;
pub mod local;
mod noise;
mod placing;
mod shell;
pub mod ssh;
pub mod vagrant;
pub mod via;

pub use shell::Placed;

/// What a transport is given beside the place itself.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    /// The agents there are.
    pub agents: &'a Agents,
    /// What the agent's first line must carry.
    pub nonce: &'a str,
    /// Asks the operator for a secret, without echo. `None` when nobody is there: then nothing is
    /// ever asked.
    pub ask: Option<&'a Ask>,
    /// The host whose engine has the container, when it is not this one.
    pub via: Option<&'a Ssh>,
    /// Whether a host key that is not known yet is recorded instead of refused.
    pub accept_new_host_keys: bool,
    /// What the operator brings to ssh hosts.
    pub operator: &'a ssh::Operator,
    /// And to bridges, when there are any.
    pub bridges: Option<&'a http::Operator>,
    /// What stands around the program.
    pub around: &'a Around,
    /// Is told each stage that was passed (`connect`, `host key`, `login`, …) and what was found
    /// there, for `doctor` and `--debug`.
    pub tell: &'a dyn Fn(&'static str, String),
}

/// The stage of what is no stage: the operator should hear it in any case.
pub const WARNING: &str = "warning";

/// The stage of what is no stage either: how far the present one is.
pub const PROGRESS: &str = "progress";

/// Asks for a secret; `None` is an answer that was not given.
pub type Ask = Arc<dyn Fn(&str) -> Option<Zeroizing<String>> + Send + Sync>;

/// Asks a person, off the loop, so that other hosts go on meanwhile.
async fn asked(ask: &Ask, question: String) -> Option<Zeroizing<String>> {
    let ask = Arc::clone(ask);
    let typed = tokio::task::spawn_blocking(move || ask(&question)).await;
    typed.ok().flatten()
}

/// What stands around the program on the operator's side.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The working directory.
    pub cwd: PathBuf,
    /// The environment.
    pub vars: BTreeMap<OsString, OsString>,
}

impl Around {
    /// The home directory.
    pub fn home(&self) -> Option<PathBuf> {
        let home = PathBuf::from(self.vars.get(&OsString::from("HOME"))?);
        home.is_absolute().then_some(home)
    }

    /// Where what is remembered between runs lies.
    pub fn state(&self) -> Option<PathBuf> {
        self.own("XDG_STATE_HOME", ".local/state")
    }

    /// Where the operator keeps what is for this program.
    pub fn config(&self) -> Option<PathBuf> {
        self.own("XDG_CONFIG_HOME", ".config")
    }

    fn own(&self, variable: &str, usual: &str) -> Option<PathBuf> {
        let base = match self.var(variable) {
            Some(base) if base.starts_with('/') => PathBuf::from(base),
            _ => self.home()?.join(usual),
        };
        Some(base.join("kickout"))
    }

    /// A path as the operator names it: `~` is home, and what is relative starts here.
    pub fn expanded(&self, text: &str) -> PathBuf {
        let below = text.strip_prefix('~');
        let below = below.filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match (below, self.home()) {
            (Some(rest), Some(home)) => home.join(rest.trim_start_matches('/')),
            (Some(_) | None, _) => self.cwd.join(text),
        }
    }

    /// A variable that is text and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        let text = self.vars.get(&OsString::from(name))?.to_str()?;
        (!text.is_empty()).then_some(text)
    }

    /// A program of the operator's, found once and by its full path: never in a relative directory
    /// of the PATH, nor in one that everybody may write to.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.vars.get(&OsString::from("PATH"))?;
        std::env::split_paths(path)
            .filter(|folder| folder.is_absolute())
            .filter(|folder| {
                let mode = std::fs::metadata(folder).map(|it| it.permissions().mode());
                mode.is_ok_and(|mode| mode & 0o002 == 0)
            })
            .map(|folder| folder.join(name))
            .find(|file| {
                let facts = std::fs::metadata(file);
                facts.is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
            })
    }
}

/// Why there is no agent on a target.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// On this host.
    #[error(transparent)]
    Local(#[from] local::LocalError),
    /// Over ssh.
    #[error(transparent)]
    Ssh(#[from] ssh::SshError),
    /// A vagrant machine.
    #[error(transparent)]
    Vagrant(#[from] vagrant::VagrantError),
    /// A container.
    #[error(transparent)]
    Docker(#[from] docker::DockerError),
    /// The engine of another host.
    #[error(transparent)]
    Via(#[from] via::ViaError),
    /// `--via` with a target that is in no container.
    #[error("--via leads to containers, and {0} is none")]
    ViaNowhere(String),
    /// `--via` with a container that only this host's compose can start.
    #[error("docker-compose-run needs an engine of this host: it mounts a file of it")]
    ViaRun,
    /// None to send.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// A bridge.
    #[error(transparent)]
    Http(#[from] http::HttpError),
    /// A bridge has no agent of ours.
    #[error("a bridge brings its own agent: there is none of ours to look for")]
    NoAgents,
}

impl OpenError {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Http(error) => error.exit(),
            Self::Ssh(error) | Self::Vagrant(vagrant::VagrantError::Ssh(error)) => error.exit(),
            Self::Docker(docker::DockerError::Tls(_)) => Exit::Identity,
            Self::Docker(error) if error.is_usage() => Exit::Usage,
            Self::Vagrant(_)
            | Self::Docker(_)
            | Self::Via(_)
            | Self::Local(_)
            | Self::Deliver(_) => Exit::Unreachable,
            Self::ViaNowhere(_) | Self::ViaRun | Self::NoAgents => Exit::Usage,
        }
    }

    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Local(error) => error.fix(),
            Self::Ssh(error) => error.fix(),
            Self::Vagrant(error) => error.fix(),
            Self::Docker(error) => error.fix(),
            Self::Via(error) => error.fix(),
            Self::ViaNowhere(_) => {
                "Name a container with --ssh=docker:<container>, or a host on the way with \
                 --ssh-args=-J<host>."
                    .to_owned()
            }
            Self::ViaRun => "Use --ssh=docker-compose:<service> with a running one.".to_owned(),
            Self::Deliver(error) => error.fix(),
            Self::Http(error) => error.fix(),
            Self::NoAgents => "Use --ssh=<host>.".to_owned(),
        }
    }
}

/// Starts an agent where a target is; it has not said hello yet. The target's path is of no concern
/// here: it travels with each run.
pub async fn open(
    target: &Target,
    ssh_args: &[String],
    start: &Start<'_>,
) -> Result<Connection, OpenError> {
    fits_via(target, start)?;
    match target {
        Target::Local => {
            let agent = start.agents.get(std::env::consts::ARCH)?;
            Ok(local::open(agent, start.nonce)?)
        }
        Target::Ssh(host) => Ok(ssh::open(host, ssh_args, start).await?),
        Target::Vagrant(machine) => Ok(vagrant::open(machine, ssh_args, start).await?),
        Target::Docker(inside) => {
            let (engine, tunnel) = engine(start).await?;
            let connection = docker::open(&engine, inside, start).await?;
            Ok(Connection {
                tunnel,
                ..connection
            })
        }
        Target::DockerCompose(inside) => {
            let (engine, tunnel) = engine(start).await?;
            let connection = docker::open_service(&engine, inside, ssh_args, start).await?;
            Ok(Connection {
                tunnel,
                ..connection
            })
        }
        Target::DockerComposeRun(inside) => {
            Ok(compose_run::open_run(inside, ssh_args, start, start.around).await?)
        }
        Target::Http(url) => match start.bridges {
            Some(operator) => Ok(http::open(url, operator, start).await?),
            None => Err(OpenError::NoAgents),
        },
    }
}

/// Refuses a target that no other host's engine has.
fn fits_via(target: &Target, start: &Start<'_>) -> Result<(), OpenError> {
    match (start.via, target) {
        (None, _) | (_, Target::Docker(_) | Target::DockerCompose(_)) => Ok(()),
        (_, Target::DockerComposeRun(_)) => Err(OpenError::ViaRun),
        (_, Target::Local | Target::Ssh(_) | Target::Vagrant(_) | Target::Http(_)) => {
            Err(OpenError::ViaNowhere(target.to_string()))
        }
    }
}

/// The engine that has the containers: of the host that was named, else the operator's own, which
/// may be on another host, too. Ports of containers are published there.
async fn engine(start: &Start<'_>) -> Result<(bollard::Docker, Option<Rc<dyn Tunnel>>), OpenError> {
    let host = match start.via {
        Some(host) => host.clone(),
        None => match docker::find(start.around)? {
            docker::Engine::Ssh(host) => *host,
            engine => return Ok((docker::connect(&engine).await?, None)),
        },
    };
    let session = Arc::new(ssh::connect(&host, &[], start).await?);
    let engine = via::engine(&session).await?;
    Ok((engine, Some(ssh::tunnel(session))))
}

/// Names the agents that lie on a target, or removes them. On this host it runs from memory; only
/// new containers of compose need a file of it.
pub async fn tidy(
    target: &Target,
    ssh_args: &[String],
    start: &Start<'_>,
    remove: bool,
) -> Result<Vec<Placed>, OpenError> {
    fits_via(target, start)?;
    match target {
        Target::Local | Target::DockerComposeRun(_) => Ok(kept::tidy(start.around, remove)),
        Target::Ssh(host) => Ok(ssh::tidy(host, ssh_args, start, remove).await?),
        Target::Vagrant(machine) => Ok(vagrant::tidy(machine, ssh_args, start, remove).await?),
        Target::Docker(inside) => {
            let (engine, _) = engine(start).await?;
            Ok(docker::tidy(&engine, inside, start, remove).await?)
        }
        Target::DockerCompose(inside) => {
            let (engine, _) = engine(start).await?;
            Ok(docker::tidy_service(&engine, inside, ssh_args, start, remove).await?)
        }
        Target::Http(_) => Err(OpenError::NoAgents),
    }
}
