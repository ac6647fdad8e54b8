//! The frames of a connection as requests to a bridge: one for each run, and what it answers as an
//! agent's frames. Knows no HTTP.

use std::collections::HashMap;
use std::rc::Rc;

use kickout_shared::frame::{self, Lines};
use kickout_shared::message::{FromAgent, RunId, ToAgent};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinSet;

use super::ask::Ask;
use super::bridge::Bridge;
use super::told::Heard;

/// Frames that wait to be read.
const LANE: usize = 64;

/// Serves a connection until it is closed; then every run is given up, which cancels it.
pub(super) async fn relay(bridge: Rc<Bridge>, pipe: DuplexStream, hello: Vec<u8>) {
    let (from, to) = tokio::io::split(pipe);
    let (out, lane) = mpsc::channel(LANE);
    // All of it ends with this set.
    let mut tasks = JoinSet::new();
    let _ = out.send(hello).await;
    tasks.spawn_local(write(to, lane));
    let mut runs: HashMap<RunId, Rc<Heard>> = HashMap::new();
    let mut frames = Frames::of(from);
    while let Some(frame) = frames.next().await {
        runs.retain(|_, heard| !heard.is_over());
        match frame {
            ToAgent::Run { id, site, request } => {
                let heard = Rc::new(Heard::default());
                runs.insert(id, Rc::clone(&heard));
                let ask = Ask::new(&bridge, id, *site, *request);
                tasks.spawn_local(ask.carry(Rc::clone(&bridge), heard, out.clone()));
            }
            ToAgent::Cancel { id } => {
                if let Some(heard) = runs.get(&id) {
                    heard.cancel();
                }
            }
            ToAgent::Ack { id, seq } => {
                if let Some(heard) = runs.get(&id) {
                    heard.ack(seq);
                }
            }
            // While something runs, only the bridge can say that it still does.
            ToAgent::Ping if runs.is_empty() => {
                let pong = frame::encode(&FromAgent::Pong).unwrap_or_default();
                let _ = out.send(pong).await;
            }
            ToAgent::Ping => {}
        }
    }
}

async fn write(mut to: WriteHalf<DuplexStream>, mut lane: Receiver<Vec<u8>>) {
    while let Some(line) = lane.recv().await {
        if to.write_all(&line).await.is_err() {
            return;
        }
    }
}

/// What the controller says.
struct Frames {
    from: ReadHalf<DuplexStream>,
    lines: Lines,
}

impl Frames {
    fn of(from: ReadHalf<DuplexStream>) -> Self {
        let lines = Lines::default();
        Self { from, lines }
    }

    async fn next(&mut self) -> Option<ToAgent> {
        let mut buffer = [0; 4096];
        loop {
            // What is no frame ends it: nobody but ourselves is on the other side.
            if let Some(frame) = self.lines.next_frame().ok()? {
                return Some(frame);
            }
            match self.from.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.lines.push(&buffer[..count]),
            }
        }
    }
}
