//! An ssh channel as streams: what it carries and how it ended. Knows no agent.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use russh::{ChannelMsg, ChannelOpenFailure, ChannelReadHalf};
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::Session;
use super::dial::words;
use crate::connection::{Dialled, Peer, Stream, Tunnel, TunnelError};

/// How much of the host's stderr is worth showing, in bytes.
const LAST_WORDS: usize = 1024;

/// How long an ended agent's exit status may take.
pub(super) const END: Duration = Duration::from_secs(2);

/// How the channel ended, as far as it has.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended {
    stderr: Vec<u8>,
    status: Option<u32>,
    signal: Option<String>,
    /// The server would not run the command.
    refused: bool,
    /// Nothing more will come.
    pub(super) closed: bool,
}

impl Ended {
    pub(super) fn words(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }

    /// How often stderr holds a question.
    pub(super) fn asks(&self, question: &str) -> usize {
        String::from_utf8_lossy(&self.stderr)
            .matches(question)
            .count()
    }

    pub(super) fn status(&self) -> String {
        match (&self.status, &self.signal) {
            _ if self.refused => "the server does not run commands for this account".to_owned(),
            (Some(status), _) => format!("exit status {status}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "the connection was lost".to_owned(),
        }
    }
}

/// Carries the channel's messages: data into the pipe, the rest into what is known of its end.
pub(super) async fn pump(
    mut channel: ChannelReadHalf,
    mut pipe: DuplexStream,
    tell: watch::Sender<Ended>,
) {
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => {
                // Nobody reads any more: what comes is thrown away, the end is still awaited.
                let _ = pipe.write_all(&data).await;
            }
            ChannelMsg::ExtendedData { data, ext: 1 } => tell.send_modify(|ended| {
                let room = LAST_WORDS.saturating_sub(ended.stderr.len());
                ended
                    .stderr
                    .extend_from_slice(&data[..data.len().min(room)]);
            }),
            ChannelMsg::ExitStatus { exit_status } => {
                tell.send_modify(|ended| ended.status = Some(exit_status));
            }
            ChannelMsg::ExitSignal { signal_name, .. } => {
                tell.send_modify(|ended| ended.signal = Some(format!("{signal_name:?}")));
            }
            ChannelMsg::Failure => {
                tell.send_modify(|ended| ended.refused = true);
                break;
            }
            ChannelMsg::Eof => {
                // The reader's end of file; the exit status may follow.
                let _ = pipe.shutdown().await;
            }
            _ => {}
        }
    }
    tell.send_modify(|ended| ended.closed = true);
}

/// The agent's end of the connection, and the connection itself, which lives as long.
pub(super) struct Remote {
    pub(super) session: Arc<Session>,
    pub(super) ended: watch::Receiver<Ended>,
}

impl Peer for Remote {
    fn epitaph(&mut self) -> Pin<Box<dyn Future<Output = String> + '_>> {
        Box::pin(async {
            let _ = timeout(END, self.ended.wait_for(|it| it.closed)).await;
            let ended = self.ended.borrow();
            let (stderr, status) = (ended.words(), ended.status());
            let place = &self.session.place;
            match stderr.is_empty() {
                true => format!("{place}: {status}"),
                false => format!("{place}: {stderr} ({status})"),
            }
        })
    }
}

/// More channels of a connection, to ports of its host.
pub(in crate::transport) fn tunnel(session: Arc<Session>) -> Rc<dyn Tunnel> {
    Rc::new(Forwarding(session))
}

struct Forwarding(Arc<Session>);

impl Tunnel for Forwarding {
    fn place(&self) -> &str {
        &self.0.place
    }

    fn dial(&self, host: String, port: u16) -> Dialled<'_> {
        Box::pin(async move {
            let handle = &self.0.handle;
            let opening = handle.channel_open_direct_tcpip(host, port.into(), "127.0.0.1", 0);
            match opening.await {
                Ok(channel) => Ok(Box::new(channel.into_stream()) as Box<dyn Stream>),
                Err(russh::Error::ChannelOpenFailure(why)) => Err(match why {
                    ChannelOpenFailure::AdministrativelyProhibited => {
                        TunnelError::Forbidden("it is prohibited".to_owned())
                    }
                    ChannelOpenFailure::UnknownChannelType => {
                        TunnelError::Forbidden("it has no such channels".to_owned())
                    }
                    ChannelOpenFailure::ConnectFailed => {
                        TunnelError::Unreachable("nothing answers there".to_owned())
                    }
                    why => TunnelError::Unreachable(format!("the ssh server says {why:?}")),
                }),
                Err(error) => Err(TunnelError::Unreachable(words(&error))),
            }
        })
    }
}
