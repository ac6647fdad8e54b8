//! The front as the keeper has it: a process of this program, and a socket to it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, UnixStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::ServeError;
use crate::border::{Order, Setup, Sign, say, take};
use crate::owner::Owner;

/// How long it may take to start.
const START: Duration = Duration::from_secs(10);

/// How long it may take to read what it is told.
const HEARING: Duration = Duration::from_secs(5);

/// It ends with the value.
pub(super) struct Front {
    child: Child,
    signs: OwnedReadHalf,
    orders: OwnedWriteHalf,
}

impl Front {
    /// Starts it with this listener, which is then its alone, and waits until it is confined.
    pub(super) async fn start(
        listener: TcpListener,
        empty: &Path,
        account: Option<Owner>,
        setup: Setup,
    ) -> Result<Self, ServeError> {
        let front = spawn(listener, empty, account).map_err(ServeError::Start);
        let mut front = front?;
        front.order(&Order::Serve(setup)).await;
        match timeout(START, take(front.signs())).await {
            Ok(Ok(Sign::Alive)) => Ok(front),
            _ => Err(match front.end().await {
                Ok(status) => ServeError::Front(status),
                Err(why) => ServeError::Start(why),
            }),
        }
    }

    /// Where it shows signs.
    pub(super) fn signs(&self) -> &UnixStream {
        self.signs.as_ref()
    }

    /// Tells it something. If it does not listen, it is ended.
    pub(super) async fn order(&mut self, order: &Order) {
        if !matches!(
            timeout(HEARING, say(&mut self.orders, order)).await,
            Ok(Ok(()))
        ) {
            let _ = self.child.start_kill();
        }
    }

    /// Ends it, if it has not ended by itself.
    pub(super) async fn end(mut self) -> io::Result<ExitStatus> {
        drop(self.orders);
        match timeout(HEARING, self.child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                self.child.start_kill()?;
                self.child.wait().await
            }
        }
    }
}

fn spawn(listener: TcpListener, empty: &Path, account: Option<Owner>) -> io::Result<Front> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    theirs.set_nonblocking(true)?;
    // Also when the file was replaced meanwhile.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("kickout-bridge")
        .arg("front")
        .env_clear()
        .current_dir(empty)
        .stdin(OwnedFd::from(listener.into_std()?))
        .stdout(Stdio::from(OwnedFd::from(theirs)))
        // An interrupt at the keyboard is for the keeper, which says what is to be done.
        .process_group(0)
        .kill_on_drop(true);
    if let Some(Owner { uid, gid }) = account {
        command.arg(uid.to_string()).arg(gid.to_string());
    }
    let child = command.spawn()?;
    let (signs, orders) = UnixStream::from_std(ours)?.into_split();
    Ok(Front {
        child,
        signs,
        orders,
    })
}
