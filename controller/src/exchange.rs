//! The protocol on the controller's side: hello, one run after another, and how each ended. Knows
//! no transport and draws nothing.

use std::time::Duration;

use kickout_shared::event::{Event, Outcome, Verdict};
use kickout_shared::frame::{self, FrameError, Lines};
use kickout_shared::message::{
    FromAgent, Hello, MAX_NOISE, PING_SECONDS, RunId, SILENCE_SECONDS, ToAgent,
};
use kickout_shared::request::Request;
use kickout_shared::site::Site;
use kickout_shared::version;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use crate::connection::Connection;

/// How long the agent may take to say hello.
const HELLO: Duration = Duration::from_secs(10);

/// Events taken between two acknowledgements: well below the credit, so that the agent never waits
/// for one that is on its way.
const ACK_EVERY: u64 = 64;

/// Why the agent could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It never said hello.
    #[error("the agent did not start: {0}")]
    NoHello(String),
    /// It speaks another protocol.
    #[error(
        "the agent is release {agent} (protocol {protocol}), kickout is {ours} (protocol {our})",
        ours = version::RELEASE,
        our = version::PROTOCOL
    )]
    Version {
        /// Its release.
        agent: String,
        /// Its protocol.
        protocol: u32,
    },
    /// The link broke.
    #[error("the link to the agent broke: {0}")]
    Lost(String),
    /// It sent something that is no answer.
    #[error("the agent sent something that is no answer: {0}")]
    Protocol(String),
    /// The operator insisted.
    #[error("interrupted twice: the agent was left alone")]
    Interrupted,
    /// It said nothing for too long.
    #[error("nothing heard from the agent for {SILENCE_SECONDS} seconds")]
    Silence,
}

impl LinkError {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::NoHello(_) => "Run it with --debug to see what the host said.".to_owned(),
            Self::Version { .. } => {
                "Use an agent of the same release: leave --agent out.".to_owned()
            }
            Self::Lost(_) | Self::Silence | Self::Interrupted => {
                "Run the command again; look first with `user session list`.".to_owned()
            }
            Self::Protocol(_) => {
                "Use the agent that kickout carries: leave --agent out. If it stays so, this is a \
                 bug in Kickout: please report it."
                    .to_owned()
            }
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// The agent said so.
    Done(Outcome),
    /// Nobody said so.
    Lost {
        /// Why.
        error: LinkError,
        /// The cutoff, when writing may have begun.
        begun: Option<i64>,
    },
}

impl Ended {
    /// What is known.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Done(outcome) => outcome.verdict,
            Self::Lost { begun: None, .. } => Verdict::Unreachable,
            Self::Lost { begun: Some(_), .. } => Verdict::Unknown,
        }
    }
}

/// An agent that has said hello.
pub struct Exchange {
    connection: Connection,
    lines: Lines,
    runs: u64,
    heard: Instant,
}

impl Exchange {
    /// Waits for the hello that carries `nonce`, past whatever noise the host makes first.
    pub async fn open(mut connection: Connection, nonce: &str) -> Result<Self, LinkError> {
        let mut lines = Lines::default();
        let hello = tokio::time::timeout(HELLO, hello(&mut connection, &mut lines, nonce)).await;
        match hello {
            Ok(Ok(())) => Ok(Self {
                connection,
                lines,
                runs: 0,
                heard: Instant::now(),
            }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(LinkError::NoHello(format!(
                "no hello within {} seconds",
                HELLO.as_secs()
            ))),
        }
    }

    /// Asks for one thing and takes the answer, event by event. `stop` cancels the run; the agent
    /// then finishes its step and says how far it came.
    pub async fn run(
        &mut self,
        site: &Site,
        request: Request,
        stop: &mut (impl Future<Output = ()> + Unpin),
        mut event: impl FnMut(Option<i64>, Event),
    ) -> Ended {
        self.runs += 1;
        let mut run = Run {
            id: RunId(self.runs),
            begun: None,
            seq: 0,
            acked: 0,
        };
        match self
            .converse(&mut run, site, request, stop, &mut event)
            .await
        {
            Ok(outcome) => Ended::Done(outcome),
            Err(LinkError::Lost(why)) => {
                let epitaph = self.connection.peer.epitaph().await;
                let why = if epitaph.is_empty() { why } else { epitaph };
                Ended::Lost {
                    error: LinkError::Lost(why),
                    begun: run.begun,
                }
            }
            Err(error) => Ended::Lost {
                error,
                begun: run.begun,
            },
        }
    }

    async fn converse(
        &mut self,
        run: &mut Run,
        site: &Site,
        request: Request,
        stop: &mut (impl Future<Output = ()> + Unpin),
        event: &mut impl FnMut(Option<i64>, Event),
    ) -> Result<Outcome, LinkError> {
        self.send(&ToAgent::Run {
            id: run.id,
            site: site.clone(),
            request,
        })
        .await?;
        self.heard = Instant::now();
        let mut ping = tokio::time::interval(Duration::from_secs(PING_SECONDS));
        ping.reset();
        let mut stopping = false;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            while let Some(frame) = self.lines.next_frame::<FromAgent>().map_err(protocol)? {
                if let Some(outcome) = run.take(frame, event)? {
                    return Ok(outcome);
                }
            }
            if run.seq - run.acked >= ACK_EVERY {
                run.acked = run.seq;
                self.send(&ToAgent::Ack {
                    id: run.id,
                    seq: run.seq,
                })
                .await?;
            }
            let silence = self.heard + Duration::from_secs(SILENCE_SECONDS);
            tokio::select! {
                count = self.connection.from_agent.read(&mut buffer) => {
                    let count = count.map_err(lost)?;
                    if count == 0 {
                        return Err(LinkError::Lost("it ended without an answer".to_owned()));
                    }
                    self.lines.push(&buffer[..count]);
                    self.heard = Instant::now();
                }
                _ = ping.tick() => self.send(&ToAgent::Ping).await?,
                () = &mut *stop, if !stopping => {
                    stopping = true;
                    self.send(&ToAgent::Cancel { id: run.id }).await?;
                }
                () = tokio::time::sleep_until(silence) => return Err(LinkError::Silence),
            }
        }
    }

    /// Tells the agent something. That it is gone shows itself on the reading side, behind what it
    /// said last; that it takes nothing any more is silence.
    async fn send(&mut self, frame: &ToAgent) -> Result<(), LinkError> {
        let line = frame::encode(frame).map_err(protocol)?;
        let writing = async {
            self.connection.to_agent.write_all(&line).await?;
            self.connection.to_agent.flush().await
        };
        match tokio::time::timeout(Duration::from_secs(SILENCE_SECONDS), writing).await {
            Ok(Ok(()) | Err(_)) => Ok(()),
            Err(_) => Err(LinkError::Silence),
        }
    }
}

fn lost(error: std::io::Error) -> LinkError {
    LinkError::Lost(error.to_string())
}

fn protocol(error: FrameError) -> LinkError {
    LinkError::Protocol(error.to_string())
}

async fn hello(
    connection: &mut Connection,
    lines: &mut Lines,
    nonce: &str,
) -> Result<(), LinkError> {
    let mut noise = 0;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        while let Some(line) = lines.next_line().map_err(protocol)? {
            let Some(hello) = Hello::read(line, nonce) else {
                noise += line.len() + 1;
                if noise > MAX_NOISE {
                    return Err(LinkError::NoHello("the host prints without end".to_owned()));
                }
                continue;
            };
            let hello = hello.map_err(|error| LinkError::Protocol(error.to_string()))?;
            let (agent, protocol) = (hello.release, hello.protocol);
            return match protocol == version::PROTOCOL {
                true => Ok(()),
                false => Err(LinkError::Version { agent, protocol }),
            };
        }
        if noise + lines.unread() > MAX_NOISE {
            return Err(LinkError::NoHello("the host prints without end".to_owned()));
        }
        match connection
            .from_agent
            .read(&mut buffer)
            .await
            .map_err(lost)?
        {
            0 => return Err(LinkError::NoHello(connection.peer.epitaph().await)),
            count => lines.push(&buffer[..count]),
        }
    }
}

/// A run in flight, and what its agent may say next.
struct Run {
    id: RunId,
    begun: Option<i64>,
    seq: u64,
    acked: u64,
}

impl Run {
    /// Takes a frame; the outcome when it was the last. An answer to another run, a gap, or a
    /// second `begun` is no answer.
    fn take(
        &mut self,
        frame: FromAgent,
        event: &mut impl FnMut(Option<i64>, Event),
    ) -> Result<Option<Outcome>, LinkError> {
        let expected = |id: RunId| match id == self.id {
            true => Ok(()),
            false => Err(LinkError::Protocol(format!("an answer to run {}", id.0))),
        };
        match frame {
            FromAgent::Pong => {}
            FromAgent::Begun { id, cutoff } => {
                expected(id)?;
                if self.begun.replace(cutoff).is_some() {
                    return Err(LinkError::Protocol("it began twice".to_owned()));
                }
            }
            FromAgent::Event {
                id,
                seq,
                event: said,
            } => {
                expected(id)?;
                if seq != self.seq + 1 {
                    let gap = format!("event {seq} after event {}", self.seq);
                    return Err(LinkError::Protocol(gap));
                }
                self.seq = seq;
                event(self.begun, said);
            }
            FromAgent::Done { id, seq, outcome } => {
                expected(id)?;
                if seq != self.seq {
                    let counts = format!("it counts {seq} events, {} arrived", self.seq);
                    return Err(LinkError::Protocol(counts));
                }
                return Ok(Some(outcome));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
