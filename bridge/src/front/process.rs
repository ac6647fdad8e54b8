//! The front as a process: it gives up every right, learns from the keeper what to answer to, and
//! ends when he says so or has gone.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use rustix::net::AddressFamily;
use rustix::net::sockopt::socket_domain;
use rustix::stdio::{dup2_stdin, dup2_stdout};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{TcpListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;

use super::confine::{Unconfined, confine};
use crate::News;
use crate::border::{Order, Setup, hand, hear};
use crate::owner::Owner;
use crate::tls::{self, TlsError};

/// Why there is no front.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// Somebody typed it.
    #[error("the front is a part of the bridge, which starts it")]
    Alone,
    /// It would have rights.
    #[error(transparent)]
    Unconfined(#[from] Unconfined),
    /// The keeper gave it a certificate that is none.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The system said no.
    #[error("the front cannot go on: {0}")]
    Io(#[from] io::Error),
}

impl FrontError {
    /// The command that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Alone => "kickout-bridge serve starts both.".to_owned(),
            Self::Unconfined(error) => error.fix(),
            Self::Tls(error) => error.fix(),
            Self::Io(_) => "Start the bridge again.".to_owned(),
        }
    }
}

/// What it knows.
pub(super) struct Known {
    names: Vec<String>,
    pub(super) trusted_proxies: Vec<IpAddr>,
    pub(super) tls: Option<Arc<ServerConfig>>,
}

impl Known {
    fn of(setup: Setup) -> Result<Self, TlsError> {
        Ok(Self {
            names: setup.names,
            trusted_proxies: setup.trusted_proxies,
            tls: setup.tls.as_ref().map(tls::load).transpose()?,
        })
    }

    /// Whether a `Host` header names this bridge.
    pub(super) fn answers_to(&self, host: &str) -> bool {
        self.names.iter().any(|it| it.eq_ignore_ascii_case(host))
    }
}

/// The way to the keeper.
pub(super) struct Keeper(OwnedWriteHalf);

impl Keeper {
    pub(super) async fn hand(&self, line: Option<OwnedFd>) -> io::Result<()> {
        hand(self.0.as_ref(), line).await
    }
}

/// Serves with the listener that is its input; its output is the socket to the keeper. `account` is
/// whom it is to become.
pub fn run(account: Option<Owner>, tell: impl Fn(News)) -> Result<(), FrontError> {
    let (listener, control) = inherited()?;
    if !confine(account)? && account.is_none() {
        let why = "this kernel has no Landlock, and the bridge is not root: whoever broke into its \
                   front could read its files";
        tell(News::Warning(why.to_owned()));
    }
    // One thread, and none can be added.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        // When all of a unit is told to stop, the keeper is, too: he knows what runs.
        let _deaf = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        ];
        obey(TcpListener::from_std(listener)?, control).await
    })
}

async fn obey(
    listener: TcpListener,
    control: std::os::unix::net::UnixStream,
) -> Result<(), FrontError> {
    let (mut orders, signs) = UnixStream::from_std(control)?.into_split();
    let Order::Serve(setup) = hear(&mut orders).await? else {
        return Ok(());
    };
    let (renew, known) = watch::channel(Arc::new(Known::of(setup)?));
    let (stop, stopped) = watch::channel(false);
    let keeper = Arc::new(Keeper(signs));
    keeper.hand(None).await?;
    let mut serving = std::pin::pin!(super::serve(listener, keeper, known, stopped));
    loop {
        tokio::select! {
            () = &mut serving => return Ok(()),
            order = hear(&mut orders) => match order? {
                Order::Serve(setup) => drop(renew.send(Arc::new(Known::of(setup)?))),
                Order::Stop => drop(stop.send(true)),
            },
        }
    }
}

/// What the keeper has left us; input and output are then as good as closed.
fn inherited() -> Result<(std::net::TcpListener, std::os::unix::net::UnixStream), FrontError> {
    let own = |fd: io::Result<OwnedFd>, family: AddressFamily| match fd {
        Ok(fd) if socket_domain(&fd).is_ok_and(|it| it == family) => Some(fd),
        _ => None,
    };
    let (input, output) = (io::stdin(), io::stdout());
    let listener = || {
        let copy = || input.as_fd().try_clone_to_owned();
        own(copy(), AddressFamily::INET).or_else(|| own(copy(), AddressFamily::INET6))
    };
    let control = own(output.as_fd().try_clone_to_owned(), AddressFamily::UNIX);
    let (Some(listener), Some(control)) = (listener(), control) else {
        return Err(FrontError::Alone);
    };
    dup2_stdin(io::stderr()).map_err(io::Error::from)?;
    dup2_stdout(io::stderr()).map_err(io::Error::from)?;
    Ok((listener.into(), control.into()))
}
