//! The task that owns a connection: writes what is asked, reads what is answered and hands it to
//! the run it belongs to, pings, and notices silence.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use kickout_shared::frame::{self, Lines};
use kickout_shared::message::{FromAgent, PING_SECONDS, RunId, SILENCE_SECONDS, ToAgent};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::run::{Ask, Asker, Open, Shared};
use super::{LinkError, greeted, lost, protocol};
use crate::connection::Connection;

/// Bytes read at once, at first: little beside a thousand open connections.
const READ: usize = 4 * 1024;

/// And of an agent that says much.
const MOST_READ: usize = 64 * 1024;

/// Bytes that may wait for an agent that reads slowly. Beyond, nothing more is read from it either:
/// whoever takes nothing gets no work. An honest agent stays far below, since its credit bounds the
/// acknowledgements on their way.
const UNSENT: usize = 32 * 1024;

/// How long a peer may say, or take, nothing.
const SILENCE: Duration = Duration::from_secs(SILENCE_SECONDS);

/// An agent that has said hello.
pub struct Exchange {
    connection: Connection,
    lines: Lines,
    asks: UnboundedReceiver<Ask>,
    runs: BTreeMap<RunId, Open>,
    /// Nobody will start a run any more.
    left: bool,
    heard: Instant,
    outbox: Outbox,
}

/// What is on its way to the agent.
struct Outbox {
    bytes: Vec<u8>,
    unflushed: bool,
    /// Writing failed. That the agent is gone shows itself on the reading side, behind what it said
    /// last.
    deaf: bool,
    /// When it last took something, or had nothing to take.
    moved: Instant,
}

impl Exchange {
    /// Waits for the hello that carries `nonce`. Nothing happens then until it is driven.
    pub async fn open(mut connection: Connection, nonce: &str) -> Result<(Self, Asker), LinkError> {
        let (lines, _) = greeted(&mut connection, nonce).await?;
        let (asks, inbox) = unbounded_channel();
        let tunnel = connection.tunnel.take();
        let asker = Asker::new(asks, Rc::new(Shared::default()), tunnel);
        let now = Instant::now();
        let exchange = Self {
            connection,
            lines,
            asks: inbox,
            runs: BTreeMap::new(),
            left: false,
            heard: now,
            outbox: Outbox {
                bytes: Vec::new(),
                unflushed: false,
                deaf: false,
                moved: now,
            },
        };
        Ok((exchange, asker))
    }

    /// Serves the asker and its runs until he has left and they have ended. When the link is lost
    /// every run that is open, or asked for later, ends with the reason.
    pub async fn drive(mut self) {
        let error = match self.converse().await {
            Ok(()) => return,
            Err(LinkError::Lost(why)) => {
                let epitaph = self.connection.peer.epitaph().await;
                LinkError::Lost(if epitaph.is_empty() { why } else { epitaph })
            }
            Err(error) => error,
        };
        for open in std::mem::take(&mut self.runs).into_values() {
            open.lost(error.clone());
        }
        while !self.left {
            match self.asks.recv().await {
                Some(Ask::Start { open, .. }) => open.lost(error.clone()),
                Some(Ask::Leave) | None => self.left = true,
                Some(Ask::Ack { .. } | Ask::Cancel(_) | Ask::CancelAll) => {}
            }
        }
    }

    async fn converse(&mut self) -> Result<(), LinkError> {
        self.heard = Instant::now();
        let mut ping = tokio::time::interval(Duration::from_secs(PING_SECONDS));
        ping.reset();
        let mut buffer = vec![0; READ];
        loop {
            while let Ok(ask) = self.asks.try_recv() {
                self.obey(ask);
            }
            self.take_frames()?;
            if self.left && self.runs.is_empty() {
                return Ok(());
            }
            let Connection {
                from_agent,
                to_agent,
                ..
            } = &mut self.connection;
            let outbox = &mut self.outbox;
            let busy = outbox.is_busy();
            let reading = outbox.bytes.len() < UNSENT;
            let silence = match busy {
                true => self.heard.min(outbox.moved) + SILENCE,
                false => self.heard + SILENCE,
            };
            tokio::select! {
                count = from_agent.read(&mut buffer), if reading => {
                    let count = count.map_err(lost)?;
                    if count == 0 {
                        return Err(LinkError::Lost("it ended without an answer".to_owned()));
                    }
                    self.lines.push(&buffer[..count]);
                    self.heard = Instant::now();
                    if count == buffer.len() && count < MOST_READ {
                        buffer.resize(2 * count, 0);
                    }
                }
                Some(ask) = self.asks.recv() => self.obey(ask),
                () = outbox.push(to_agent), if busy => {}
                _ = ping.tick() => self.say(&ToAgent::Ping)?,
                () = tokio::time::sleep_until(silence) => return Err(LinkError::Silence),
            }
        }
    }

    /// Hands every whole frame to its run. An answer to a run that is not open is no answer.
    fn take_frames(&mut self) -> Result<(), LinkError> {
        while let Some(line) = self.lines.next_line().map_err(protocol)? {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let bytes = line.len();
            let frame: FromAgent = frame::decode(line).map_err(protocol)?;
            let unknown = |id: RunId| LinkError::Protocol(format!("an answer to run {}", id.0));
            match frame {
                FromAgent::Pong => {}
                FromAgent::Begun { id, cutoff } => {
                    self.runs
                        .get(&id)
                        .ok_or_else(|| unknown(id))?
                        .begin(cutoff)?;
                }
                FromAgent::Event { id, seq, event } => {
                    let open = self.runs.get_mut(&id).ok_or_else(|| unknown(id))?;
                    open.event(seq, event, bytes)?;
                }
                FromAgent::Done { id, seq, outcome } => {
                    self.runs
                        .get(&id)
                        .ok_or_else(|| unknown(id))?
                        .counted(seq)?;
                    if let Some(open) = self.runs.remove(&id) {
                        open.done(outcome);
                    }
                }
            }
        }
        Ok(())
    }

    fn obey(&mut self, ask: Ask) {
        let said = match ask {
            Ask::Start {
                open,
                site,
                request,
            } => {
                let id = open.id;
                match self.say(&ToAgent::Run { id, site, request }) {
                    Ok(()) => {
                        self.runs.insert(id, *open);
                    }
                    Err(error) => open.lost(error),
                }
                Ok(())
            }
            Ask::Ack { id, seq } => match self.runs.get_mut(&id) {
                Some(open) => {
                    open.ack(seq);
                    self.say(&ToAgent::Ack { id, seq })
                }
                None => Ok(()),
            },
            Ask::Cancel(id) => self.cancel(id),
            Ask::CancelAll => {
                let ids: Vec<RunId> = self.runs.keys().copied().collect();
                ids.into_iter().try_for_each(|id| self.cancel(id))
            }
            Ask::Leave => {
                self.left = true;
                Ok(())
            }
        };
        // Only a site's name can be too long for a frame, and that ended its run above.
        drop(said);
    }

    fn cancel(&mut self, id: RunId) -> Result<(), LinkError> {
        match self.runs.get_mut(&id) {
            Some(open) if !open.cancelled => {
                open.cancelled = true;
                self.say(&ToAgent::Cancel { id })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn say(&mut self, frame: &ToAgent) -> Result<(), LinkError> {
        let line = frame::encode(frame).map_err(protocol)?;
        if !self.outbox.deaf {
            if !self.outbox.is_busy() {
                self.outbox.moved = Instant::now();
            }
            self.outbox.bytes.extend_from_slice(&line);
        }
        Ok(())
    }
}

impl Outbox {
    fn is_busy(&self) -> bool {
        !self.bytes.is_empty() || self.unflushed
    }

    /// Writes a piece, or flushes what was written. May be dropped at any time.
    async fn push(&mut self, to_agent: &mut (dyn AsyncWrite + Unpin)) {
        let pushed = match self.bytes.is_empty() {
            true => to_agent.flush().await.map(|()| 0),
            false => match to_agent.write(&self.bytes).await {
                Ok(0) => Err(std::io::ErrorKind::WriteZero.into()),
                written => written,
            },
        };
        self.moved = Instant::now();
        match pushed {
            Ok(count) => {
                self.unflushed = count > 0;
                self.bytes.drain(..count);
            }
            Err(_) => {
                self.deaf = true;
                self.unflushed = false;
                self.bytes.clear();
            }
        }
    }
}
