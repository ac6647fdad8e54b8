//! The protocol on the controller's side: hello, many runs at once, and how each ended. Knows no
//! transport and draws nothing.
//!
//! An [`Exchange`] is driven by one task ([`Exchange::drive`]); an [`Asker`] starts runs on it, and
//! each [`Run`] is read by whoever shows it, at his pace.

mod drive;
mod order;
mod run;

use std::time::Duration;

use kickout_shared::event::{Outcome, Verdict};
use kickout_shared::frame::{FrameError, Lines};
use kickout_shared::message::{Hello, MAX_NOISE, SILENCE_SECONDS};
use kickout_shared::version;
use tokio::io::AsyncReadExt as _;

use crate::connection::Connection;

pub use drive::Exchange;
pub use order::{OrderError, Orders, order};
pub use run::{Asker, Run, Said};

/// How long the agent may take to say hello.
const HELLO: Duration = Duration::from_secs(10);

/// How long an agent that was asked to stop may go on with its step, in seconds.
pub const KIND_SECONDS: u64 = 10;

/// Why the agent could not be asked.
#[derive(Clone, Debug, thiserror::Error)]
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
    /// It was asked to stop, and did not.
    #[error("the agent did not end its step within {KIND_SECONDS} seconds")]
    Unfinished,
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
            Self::Lost(_) | Self::Silence | Self::Interrupted | Self::Unfinished => {
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

fn lost(error: std::io::Error) -> LinkError {
    LinkError::Lost(error.to_string())
}

fn protocol(error: FrameError) -> LinkError {
    LinkError::Protocol(error.to_string())
}

/// Waits for the hello that carries `nonce`, past whatever noise the host makes first. What came
/// behind it is kept.
async fn greeted(connection: &mut Connection, nonce: &str) -> Result<(Lines, Hello), LinkError> {
    let mut lines = Lines::default();
    let hello = tokio::time::timeout(HELLO, hello(connection, &mut lines, nonce)).await;
    match hello {
        Ok(Ok(hello)) => Ok((lines, hello)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(LinkError::NoHello(format!(
            "no hello within {} seconds",
            HELLO.as_secs()
        ))),
    }
}

async fn hello(
    connection: &mut Connection,
    lines: &mut Lines,
    nonce: &str,
) -> Result<Hello, LinkError> {
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
            return match hello.protocol == version::PROTOCOL {
                true => Ok(hello),
                false => Err(LinkError::Version {
                    agent: hello.release,
                    protocol: hello.protocol,
                }),
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

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
