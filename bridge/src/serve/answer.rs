//! One ask of the front: read, given to the keeper, and answered line by line as it goes, with a sign
//! of life where nothing is said.

use std::sync::Arc;
use std::time::Duration;

use kickout_shared::frame;
use kickout_shared::message::{FromAgent, PING_SECONDS};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::border::{Denied, Line, message};
use crate::keeper::Keeper;

/// Lines that wait for a client. The agent waits when they do.
const LANE: usize = 64;

/// The time to say what is asked: it is there as a whole before the line is handed over.
const ASKING: Duration = Duration::from_secs(10);

/// Answers. When nobody listens any more, what runs is cancelled, and its end waited for.
pub(super) async fn answer(line: Line, keeper: Arc<Keeper>) {
    let Ok(Ok(ask)) = timeout(ASKING, line.ask()).await else {
        return;
    };
    let (lane, mut lines) = mpsc::channel(LANE);
    let running = tokio::spawn(async move { keeper.run(ask, lane).await });
    let first = tokio::select! {
        biased;
        text = lines.recv() => text,
        () = line.gone() => None,
        // It is allowed by now; and a proxy waits only so long for the head of an answer.
        () = sleep(Duration::from_secs(PING_SECONDS)) => Some(alive()),
    };
    let begun = first.is_some();
    if let Some(first) = first {
        let _ = pass_on(&line, first, &mut lines).await;
    }
    drop(lines);
    let denied = match running.await {
        Ok(Ok(())) => return,
        Ok(Err(denied)) => denied,
        Err(_) => Denied::new(503, "the bridge is broken: its log says how", None),
    };
    if let Ok(message) = message(&Some(denied))
        && !begun
    {
        let _ = line.send(&message).await;
    }
}

async fn pass_on(
    line: &Line,
    first: Vec<u8>,
    lines: &mut mpsc::Receiver<Vec<u8>>,
) -> std::io::Result<()> {
    let mut begin = message(&None::<Denied>)?;
    begin.extend_from_slice(&first);
    line.send(&begin).await?;
    let mut silent = interval(Duration::from_secs(PING_SECONDS));
    silent.set_missed_tick_behavior(MissedTickBehavior::Delay);
    silent.reset();
    loop {
        let text = tokio::select! {
            text = lines.recv() => match text {
                Some(text) => text,
                None => return Ok(()),
            },
            _ = silent.tick() => alive(),
            () = line.gone() => return Ok(()),
        };
        line.send(&text).await?;
        silent.reset();
    }
}

/// A sign of life.
fn alive() -> Vec<u8> {
    frame::encode(&FromAgent::Pong).unwrap_or_default()
}
