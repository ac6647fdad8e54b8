//! The protocol on the agent's side: frames in, runs started, frames out. Knows no WordPress.
//!
//! Many runs may be in flight. Each is a task on this one thread; long computations leave the
//! loop, so that pings are answered. Work never outlives its controller: end of input, a broken
//! frame or silence cancels every run, which stops after its current step.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use kickout_shared::event::{Line, Outcome};
use kickout_shared::frame::{self, FrameError, Lines};
use kickout_shared::message::{FromAgent, Hello, RunId, SILENCE_SECONDS, ToAgent};
use kickout_shared::request::Request;
use kickout_shared::site::Site;
use kickout_shared::version;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use crate::out::{Control, Out, Outgoing};

/// Frames that may wait for the writer: enough to fill a pipe, too few to matter in memory.
const WRITER_QUEUE: usize = 256;

/// Bytes written at once when many frames wait: what a pipe holds.
const BATCH: usize = 64 * 1024;

/// Why serving ended other than by end of input.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The pipe broke.
    #[error("the link to the controller broke: {0}")]
    Io(#[from] std::io::Error),
    /// What came is not the protocol.
    #[error(
        "the controller sent something this agent ({release}, protocol {protocol}) does not know: \
         {0}",
        release = version::RELEASE,
        protocol = version::PROTOCOL
    )]
    Frame(#[from] FrameError),
    /// Nothing came for too long.
    #[error("nothing heard from the controller for {SILENCE_SECONDS} seconds")]
    Silence,
}

/// What carries out a run. The real one is [`crate::run::Site`]; tests bring their own.
pub trait Runner: 'static {
    /// Does what is asked and says how it ended; an error is the last line of the run.
    fn run(
        &self,
        site: Site,
        request: Request,
        out: &mut Out,
    ) -> impl Future<Output = Result<Outcome, Line>>;
}

struct Running {
    control: Rc<Control>,
    sent: Rc<Cell<u64>>,
}

/// Says hello and serves until the controller goes away.
pub async fn serve<R, W>(
    input: R,
    output: W,
    nonce: &str,
    runner: impl Runner,
) -> Result<(), ServeError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + 'static,
{
    let (frames, queue) = mpsc::channel(WRITER_QUEUE);
    let local = LocalSet::new();
    let writer = local.spawn_local(write(output, hello(nonce)?, queue));
    let served = local.run_until(read(input, frames, Rc::new(runner))).await;
    // Every run has ended and dropped its sender: what is left in the queue goes out.
    let written = local.run_until(writer).await;
    served?;
    match written {
        Ok(result) => Ok(result?),
        Err(_) => Ok(()),
    }
}

fn hello(nonce: &str) -> Result<Vec<u8>, ServeError> {
    let hello = Hello {
        release: version::RELEASE.to_owned(),
        protocol: version::PROTOCOL,
        arch: std::env::consts::ARCH.to_owned(),
    };
    let mut line = hello.line(nonce).map_err(FrameError::Json)?.into_bytes();
    // A newline first: whatever noise stands on the line already must not hide the hello.
    line.insert(0, b'\n');
    line.push(b'\n');
    Ok(line)
}

/// The reading side: what is in flight, and what may still be said.
struct Server<T> {
    runner: Rc<T>,
    frames: mpsc::Sender<Outgoing>,
    runs: HashMap<RunId, Running>,
    tasks: JoinSet<RunId>,
}

async fn read<R: AsyncRead + Unpin, T: Runner>(
    mut input: R,
    frames: mpsc::Sender<Outgoing>,
    runner: Rc<T>,
) -> Result<(), ServeError> {
    let mut server = Server {
        runner,
        frames,
        runs: HashMap::new(),
        tasks: JoinSet::new(),
    };
    let ended = server.until_end(&mut input).await;
    for run in server.runs.values() {
        run.control.abandon();
    }
    while server.tasks.join_next().await.is_some() {}
    ended
}

impl<T: Runner> Server<T> {
    async fn until_end<R: AsyncRead + Unpin>(&mut self, input: &mut R) -> Result<(), ServeError> {
        let mut lines = Lines::default();
        let mut buffer = vec![0; 64 * 1024];
        let silence = tokio::time::sleep(Duration::from_secs(SILENCE_SECONDS));
        tokio::pin!(silence);
        loop {
            let count = tokio::select! {
                count = input.read(&mut buffer) => count?,
                () = &mut silence => return Err(ServeError::Silence),
                Some(finished) = self.tasks.join_next() => {
                    if let Ok(id) = finished {
                        self.runs.remove(&id);
                    }
                    continue;
                }
            };
            if count == 0 {
                return Ok(lines.finish()?);
            }
            lines.push(&buffer[..count]);
            while let Some(frame) = lines.next_frame()? {
                self.take(frame).await;
            }
            silence
                .as_mut()
                .reset(tokio::time::Instant::now() + Duration::from_secs(SILENCE_SECONDS));
        }
    }

    async fn take(&mut self, frame: ToAgent) {
        match frame {
            ToAgent::Run { id, site, request } => self.start(id, *site, *request),
            ToAgent::Cancel { id } => {
                if let Some(run) = self.runs.get(&id) {
                    run.control.cancel();
                }
            }
            ToAgent::Ack { id, seq } => {
                if let Some(run) = self.runs.get(&id) {
                    run.control.ack(seq, run.sent.get());
                }
            }
            ToAgent::Ping => {
                if let Ok(line) = frame::encode(&FromAgent::Pong) {
                    // A writer that is gone shows itself as a broken pipe soon enough.
                    let _ = self
                        .frames
                        .send(Outgoing {
                            line,
                            flushed: None,
                        })
                        .await;
                }
            }
        }
    }

    fn start(&mut self, id: RunId, site: Site, request: Request) {
        if self.runs.contains_key(&id) {
            // A name in use: the first run keeps it. Two runs under one name would mix events.
            return;
        }
        let control = Rc::new(Control::new());
        let sent = Rc::new(Cell::new(0));
        let mut out = Out::new(id, control.clone(), sent.clone(), self.frames.clone());
        self.runs.insert(id, Running { control, sent });
        let runner = self.runner.clone();
        self.tasks.spawn_local(async move {
            let ended = runner.run(site, request, &mut out).await;
            out.done(ended).await;
            id
        });
    }
}

async fn write<W: AsyncWrite + Unpin>(
    mut output: W,
    hello: Vec<u8>,
    mut queue: mpsc::Receiver<Outgoing>,
) -> std::io::Result<()> {
    output.write_all(&hello).await?;
    output.flush().await?;
    while let Some(frame) = queue.recv().await {
        let mut bytes = frame.line;
        let mut waiting: Vec<_> = frame.flushed.into_iter().collect();
        // Everything that is ready goes out in one write.
        while bytes.len() < BATCH {
            let Ok(frame) = queue.try_recv() else { break };
            bytes.extend_from_slice(&frame.line);
            waiting.extend(frame.flushed);
        }
        output.write_all(&bytes).await?;
        output.flush().await?;
        for flushed in waiting {
            // The run that asked may have been cancelled meanwhile.
            let _ = flushed.send(());
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
