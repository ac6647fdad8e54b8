//! One order to a bridge that was just carried to a host: hello, the order and the bytes it announces,
//! then answers to the last one. Knows no transport and draws nothing.

use std::time::Duration;

use kickout_shared::frame::{self, FrameError};
use kickout_shared::install::{Answer, Order};
use kickout_shared::version;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{LinkError, greeted};
use crate::connection::Connection;

/// How long the bytes may take to the host: as long as those of the bridge itself.
const SENDING: Duration = Duration::from_secs(60);

/// How long a step may take: a bridge that is told to stop finishes what runs, for two minutes.
const STEP: Duration = Duration::from_secs(200);

/// More answers are none of a bridge's.
const MOST: usize = 10_000;

/// Why an order has no end.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// Nobody was there to take it.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It is another release's, which may mean something else by it.
    #[error("the bridge that was sent is release {0}, kickout is {ours}", ours = version::RELEASE)]
    Release(String),
    /// It broke off in the middle.
    #[error("the link broke, and how far it came is not known: {0}")]
    Unknown(String),
}

impl OrderError {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Link(error) => error.fix(),
            Self::Release(_) => "Give --bridge=<file> of this release.".to_owned(),
            Self::Unknown(_) => {
                "Look with `kickout bridge status`, then run the command again: what is done is not \
                 done twice."
                    .to_owned()
            }
        }
    }
}

/// What is to be sent, for a host of this architecture: the order, and the bytes it announces.
pub type Orders<'a, E> = dyn Fn(&str) -> Result<(Order, &'a [u8]), E> + 'a;

/// Gives an order, and hands out what is answered, but for the last.
pub async fn order<E: From<OrderError>>(
    mut connection: Connection,
    nonce: &str,
    orders: &Orders<'_, E>,
    answers: &mut Vec<Answer>,
) -> Result<(), E> {
    let greeted = greeted(&mut connection, nonce).await;
    let (mut lines, hello) = greeted.map_err(OrderError::Link)?;
    if hello.release != version::RELEASE {
        return Err(OrderError::Release(hello.release).into());
    }
    let (order, bytes) = orders(&hello.arch)?;
    let odd = |error: FrameError| OrderError::Unknown(error.to_string());
    let line = frame::encode(&order).map_err(odd)?;
    let to = &mut connection.to_agent;
    let sent = timeout(SENDING, async {
        to.write_all(&line).await?;
        to.write_all(bytes).await?;
        to.flush().await
    });
    // One that refuses the order reads no bytes; why, it says itself.
    if sent.await.is_err() {
        let why = format!("it took nothing for {} seconds", SENDING.as_secs());
        return Err(OrderError::Unknown(why).into());
    }
    let mut buffer = vec![0; 16 * 1024];
    loop {
        while let Some(answer) = lines.next_frame::<Answer>().map_err(odd)? {
            let last = matches!(answer, Answer::Done | Answer::Refused { .. });
            if answer != Answer::Done {
                answers.push(answer);
            }
            if last {
                return Ok(());
            }
            if answers.len() > MOST {
                return Err(OrderError::Unknown("it talks without end".to_owned()).into());
            }
        }
        let read = timeout(STEP, connection.from_agent.read(&mut buffer)).await;
        let why = match read {
            Ok(Ok(0)) => connection.peer.epitaph().await,
            Ok(Ok(count)) => {
                lines.push(&buffer[..count]);
                continue;
            }
            Ok(Err(why)) => why.to_string(),
            Err(_) => format!("nothing was heard for {} seconds", STEP.as_secs()),
        };
        return Err(OrderError::Unknown(why).into());
    }
}
