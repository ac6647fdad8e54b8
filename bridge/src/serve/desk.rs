//! What the front asks: so many things at once, each read, given to the keeper, and answered line by
//! line as it goes, with a sign of life where nothing is said.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use kickout_shared::frame;
use kickout_shared::message::{FromAgent, PING_SECONDS};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::border::{Denied, Line, message};
use crate::keeper::Keeper;

/// Lines that wait for a client. The agent waits when they do.
const LANE: usize = 64;

/// The time to say what is asked: it is there as a whole before the line is handed over.
const ASKING: Duration = Duration::from_secs(10);

/// Asks at once, those included whose client has gone and that are not through.
const MAX_ASKS: usize = 256;

/// Where asks are answered.
pub(super) struct Desk {
    keeper: Arc<Keeper>,
    places: Arc<Semaphore>,
    asks: JoinSet<()>,
}

impl Desk {
    /// By this keeper.
    pub(super) fn of(keeper: Keeper) -> Self {
        Self {
            keeper: Arc::new(keeper),
            places: Arc::new(Semaphore::new(MAX_ASKS)),
            asks: JoinSet::new(),
        }
    }

    /// Answers what is asked over a line. One too many is closed, which is an answer too.
    pub(super) fn take(&mut self, line: OwnedFd) {
        while self.asks.try_join_next().is_some() {}
        let place = Arc::clone(&self.places).try_acquire_owned();
        if let (Ok(place), Ok(line)) = (place, Line::of(line)) {
            let keeper = Arc::clone(&self.keeper);
            self.asks.spawn(async move {
                answer(line, keeper).await;
                drop(place);
            });
        }
    }

    /// Waits until everything is answered.
    pub(super) async fn close(mut self) {
        while self.asks.join_next().await.is_some() {}
    }
}

/// Answers. When nobody listens any more, what runs is cancelled, and its end waited for.
async fn answer(line: Line, keeper: Arc<Keeper>) {
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream as Plain;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::UnixStream;

    use super::*;
    use crate::agent::Agents;
    use crate::border::{Ask, hear};
    use crate::config::Config;

    async fn desk(folder: &std::path::Path) -> Desk {
        let file = folder.join("b.toml");
        let text = format!(
            "plaintext = true\nstate = '{}'\n[[site]]\nname = 'shop'\npath = '/srv'\nurl = \
             'http://shop.test'\nowner = 'nobody'\n",
            folder.display()
        );
        std::fs::write(&file, text).unwrap();
        let config = Config::read(&file).unwrap();
        let agents = Agents::new("/nowhere".into());
        Desk::of(Keeper::open(config, agents, vec![None]).await.unwrap())
    }

    /// A line over which these bytes were sent.
    fn sent(desk: &mut Desk, bytes: &[u8]) -> UnixStream {
        let (mut ours, theirs) = Plain::pair().unwrap();
        ours.write_all(bytes).unwrap();
        ours.set_nonblocking(true).unwrap();
        desk.take(theirs.into());
        UnixStream::from_std(ours).unwrap()
    }

    async fn is_closed(mut line: UnixStream) -> bool {
        // It is an error where something was sent and not read.
        line.read(&mut [0]).await.unwrap_or(0) == 0
    }

    #[tokio::test]
    async fn a_front_that_is_broken_into() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = desk(folder.path()).await;
        let ask = Ask {
            peer: "192.0.2.1".parse().unwrap(),
            host: "shop.test".to_owned(),
            token: Some("kob_x".to_owned()),
            certificate: None,
            body: Vec::new(),
        };
        let ask = ask.encode().unwrap();
        for bent in [
            &[0xff; 9][..],
            &[0; 8],
            b"\0\0\0\x02\0\0\0\0{}",
            b"GET / HTTP/1.1\r\n",
        ] {
            assert!(is_closed(sent(&mut desk, bent)).await, "{bent:?}");
        }
        // As many as there may be, that say nothing, or only the beginning.
        let mut silent: Vec<_> = (0..MAX_ASKS)
            .map(|number| sent(&mut desk, &ask[..number % 9]))
            .collect();
        assert!(is_closed(sent(&mut desk, &ask)).await, "one too many");
        drop(silent.pop());
        let refused = loop {
            let mut line = sent(&mut desk, &ask);
            // Until it is seen that one has gone.
            if let Ok(refused) = hear::<Option<Denied>>(&mut line).await {
                break refused.unwrap();
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(refused.status, 401);
        // The others are not waited for for ever.
        for line in silent {
            assert!(is_closed(line).await);
        }
        desk.close().await;
    }
}
