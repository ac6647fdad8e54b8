//! The bridge as it runs: two processes. The keeper starts the front, hands it what it needs, and
//! carries out what it passes on; when one of them ends, so does the other. Knows no HTTP.

use std::fs::{self, DirBuilder};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until, timeout};

use crate::News;
use crate::agent::Agents;
use crate::border::{Order, Setup, Sign, take};
use crate::config::{Config, ConfigError};
use crate::front::GRACE;
use crate::keeper::{Keeper, KeeperError};
use crate::owner::{self, Owner, OwnerError};
use crate::tls::{self, Pem, TlsError};
use crate::token::{Store, TokenError};
use child::Front;
use desk::Desk;

mod child;
mod desk;

/// Who waits to be let in, at most. With the 128 of the standard library a burst of strangers makes
/// everybody else wait for a second, until a greeting that found no room is sent again.
const MAX_WAITING: u32 = 4096;

/// The front's root, in the state folder.
pub(crate) const EMPTY: &str = "empty";

/// How much longer than what runs the front may take to stop.
const CLOSING: Duration = Duration::from_secs(5);

/// How long what is cancelled may take to end.
const ENDING: Duration = Duration::from_secs(60);

/// Why a bridge does not start, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An account.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// The state folder.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The tokens.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// What is kept.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// The folder that is to be the front's whole world.
    #[error("{} is to be an empty folder: {why}", path.display())]
    Empty {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        why: std::io::Error,
    },
    /// The address cannot be had.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        why: std::io::Error,
    },
    /// The system said no.
    #[error("cannot start: {0}")]
    Start(std::io::Error),
    /// The process that speaks HTTP has ended, and not as it was told to.
    #[error("the front has ended ({0})")]
    Front(ExitStatus),
}

impl ServeError {
    /// The command that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Owner(error) => error.fix(),
            Self::Config(error) => error.fix(),
            Self::Tls(error) => error.fix(),
            Self::Token(error) => error.fix(),
            Self::Keeper(error) => error.fix(),
            Self::Empty { path, .. } => format!("Remove {}: it is made anew.", path.display()),
            Self::Listen { .. } => "Look at what else uses that address: ss -ltnp.".to_owned(),
            Self::Start(_) => "Look at the limits of the system: ulimit -a, df.".to_owned(),
            Self::Front(_) => {
                "Its own words stand above, if it had any. Start the bridge again.".to_owned()
            }
        }
    }
}

/// What a bridge starts with.
struct Ready {
    owners: Vec<Option<Owner>>,
    account: Option<Owner>,
    empty: PathBuf,
    tls: Option<Pem>,
}

/// Whether a bridge would start. A front is started for it, and confined.
pub fn check(config: &Config) -> Result<(), ServeError> {
    let ready = ready(config)?;
    runtime()?.block_on(async {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = listen(anywhere)?;
        let setup = setup(config, ready.tls);
        Front::start(listener, &ready.empty, ready.account, setup).await?;
        Ok(())
    })
}

/// Serves until it is told to stop; then what runs is finished.
pub fn serve(config: Config, agent: PathBuf, tell: impl Fn(News)) -> Result<(), ServeError> {
    // What it has in memory is not for those who may look at its files, nor for a dump.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|why| ServeError::Start(why.into()))?;
    let ready = ready(&config)?;
    runtime()?.block_on(run(config, ready, agent, tell))
}

fn ready(config: &Config) -> Result<Ready, ServeError> {
    let owners: Result<Vec<_>, _> = config.sites.iter().map(|it| owner::of(&it.owner)).collect();
    let owners = owners?;
    let account = owner::front(&config.account, &owners)?;
    config.state_is_private()?;
    Store::of(&config.state).read()?;
    Ok(Ready {
        owners,
        account,
        empty: empty(&config.state)?,
        tls: config.tls.as_ref().map(tls::read).transpose()?,
    })
}

/// An empty folder that nobody else may even look into.
fn empty(state: &Path) -> Result<PathBuf, ServeError> {
    let path = state.join(EMPTY);
    let made = DirBuilder::new().mode(0o500).create(&path);
    let looked = match made {
        Err(why) if why.kind() != std::io::ErrorKind::AlreadyExists => Err(why),
        _ => fs::symlink_metadata(&path).and_then(|facts| {
            let is_empty = facts.is_dir() && fs::read_dir(&path)?.next().is_none();
            is_empty
                .then_some(())
                .ok_or_else(|| std::io::Error::other("it is none"))
        }),
    };
    match looked {
        Ok(()) => Ok(path),
        Err(why) => Err(ServeError::Empty { path, why }),
    }
}

fn setup(config: &Config, tls: Option<Pem>) -> Setup {
    Setup {
        names: config.names(),
        trusted_proxies: config.trusted_proxies.clone(),
        tls,
    }
}

fn runtime() -> Result<Runtime, ServeError> {
    let mut runtime = Builder::new_multi_thread();
    let built = runtime.worker_threads(2).enable_all().build();
    built.map_err(ServeError::Start)
}

fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let listening = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(MAX_WAITING)
    };
    listening().map_err(|why| ServeError::Listen { address, why })
}

async fn run(
    config: Config,
    ready: Ready,
    agent: PathBuf,
    tell: impl Fn(News),
) -> Result<(), ServeError> {
    let kind = |kind| signal(kind).map_err(ServeError::Start);
    let mut hang_up = kind(SignalKind::hangup())?;
    let mut term = kind(SignalKind::terminate())?;
    let mut interrupt = kind(SignalKind::interrupt())?;
    let keeper = Keeper::open(config.clone(), Agents::new(agent), ready.owners).await?;
    let listener = listen(config.listen)?;
    let first = setup(&config, ready.tls);
    let mut front = Front::start(listener, &ready.empty, ready.account, first).await?;
    tell(News::Listening(config.listen));
    let mut desk = Desk::of(keeper);
    let mut deadline = None;
    loop {
        let overdue = deadline.unwrap_or_else(Instant::now);
        tokio::select! {
            sign = take(front.signs()) => match sign {
                Ok(Sign::Line(line)) => desk.take(line),
                Ok(Sign::Alive) => {}
                Ok(Sign::Gone) | Err(_) => break,
            },
            Some(()) = hang_up.recv() => {
                match config.tls.as_ref().map(tls::read).transpose() {
                    Ok(tls) => front.order(&Order::Serve(setup(&config, tls))).await,
                    // The old one is better than none.
                    Err(error) => tell(News::Warning(format!("{error}. {}", error.fix()))),
                }
            }
            Some(()) = term.recv(), if deadline.is_none() => {
                deadline = Some(stop(&mut front).await);
            }
            Some(()) = interrupt.recv(), if deadline.is_none() => {
                deadline = Some(stop(&mut front).await);
            }
            () = sleep_until(overdue), if deadline.is_some() => break,
        }
    }
    let status = front.end().await.map_err(ServeError::Start)?;
    // With it went everybody who asked: what still runs has been cancelled.
    if timeout(ENDING, desk.close()).await.is_err() {
        let why = "what was cancelled has not ended: whether it was done is not known";
        tell(News::Warning(why.to_owned()));
    }
    match deadline {
        Some(_) if status.success() => Ok(()),
        Some(_) | None => Err(ServeError::Front(status)),
    }
}

async fn stop(front: &mut Front) -> Instant {
    front.order(&Order::Stop).await;
    Instant::now() + GRACE + CLOSING
}
