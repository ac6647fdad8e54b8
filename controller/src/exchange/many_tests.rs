//! Many runs on one connection: none holds another up, and each ends by itself.

use tokio::io::DuplexStream;

use super::*;

/// An agent that says `script`, and what `reading` makes of it.
fn several<T>(
    script: impl AsyncFnOnce(&mut DuplexStream),
    reading: impl AsyncFnOnce(&Asker) -> T,
) -> T {
    in_no_time(async {
        let (connection, mut agent) = memory();
        let playing = async move {
            let _ = agent.write_all(hello().as_bytes()).await;
            script(&mut agent).await;
        };
        let asking = async {
            let (exchange, asker) = Exchange::open(connection, NONCE).await.unwrap();
            let reading = async {
                let result = reading(&asker).await;
                drop(asker);
                result
            };
            tokio::join!(reading, exchange.drive()).0
        };
        tokio::join!(playing, asking).1
    })
}

fn of_run(id: u64, frame: FromAgent) -> FromAgent {
    let own = RunId(id);
    match frame {
        FromAgent::Begun { cutoff, .. } => FromAgent::Begun { id: own, cutoff },
        FromAgent::Event { seq, event, .. } => FromAgent::Event {
            id: own,
            seq,
            event,
        },
        FromAgent::Done { seq, outcome, .. } => FromAgent::Done {
            id: own,
            seq,
            outcome,
        },
        FromAgent::Pong => FromAgent::Pong,
    }
}

fn ask(asker: &Asker) -> Run {
    asker.start(Site::default(), Request::Doctor)
}

async fn to_end(run: &mut Run) -> (u64, Ended) {
    let mut events = 0;
    loop {
        match run.next().await {
            Said::Event(_) => events += 1,
            Said::Ended(ended) => return (events, ended),
        }
    }
}

async fn write(agent: &mut DuplexStream, id: u64, frames: impl IntoIterator<Item = FromAgent>) {
    for frame in frames {
        let line = frame::encode(&of_run(id, frame)).unwrap();
        let _ = agent.write_all(&line).await;
    }
}

/// The next frame but pings, which are answered.
async fn heard(agent: &mut DuplexStream, lines: &mut Lines) -> Option<ToAgent> {
    loop {
        match lines.next_frame().unwrap() {
            Some(ToAgent::Ping) => write(agent, 0, [FromAgent::Pong]).await,
            Some(frame) => return Some(frame),
            None => {
                let mut buffer = [0; 1024];
                match agent.read(&mut buffer).await {
                    Ok(0) | Err(_) => return None,
                    Ok(count) => lines.push(&buffer[..count]),
                }
            }
        }
    }
}

#[test]
fn a_run_that_is_not_read_holds_nobody_up() {
    let far = CREDIT + 64;
    let counts = several(
        async |agent| {
            let mut lines = Lines::default();
            write(agent, 2, [begun()]).await;
            write(agent, 2, (1..=CREDIT).map(line)).await;
            write(agent, 1, [begun()]).await;
            write(agent, 1, (1..=CREDIT).map(line)).await;
            let mut acks = Vec::new();
            while let Some(frame) = heard(agent, &mut lines).await {
                let ToAgent::Ack { id, seq } = frame else {
                    continue;
                };
                acks.push(id.0);
                match (id.0, seq) {
                    (1, 64) => {
                        write(agent, 1, (CREDIT + 1..=far).map(line)).await;
                        write(agent, 1, [done(far)]).await;
                    }
                    (2, 64) => write(agent, 2, [done(CREDIT)]).await,
                    _ => {}
                }
            }
            let second = acks.iter().position(|id| *id == 2).unwrap();
            assert!(acks[..second].len() >= 4, "{acks:?}");
        },
        async |asker| {
            let (mut first, mut second) = (ask(asker), ask(asker));
            let (read, ended) = to_end(&mut first).await;
            assert!(matches!(ended, Ended::Done(_)), "{ended:?}");
            // Nobody reads for a long time, and the link stays.
            tokio::time::sleep(Duration::from_secs(600)).await;
            let (late, ended) = to_end(&mut second).await;
            assert!(matches!(ended, Ended::Done(_)), "{ended:?}");
            asker.idle().await;
            (read, late)
        },
    );
    assert_eq!(counts, (far, CREDIT));
}

#[test]
fn more_than_the_credit_is_no_answer() {
    let verdicts = several(
        async |agent| {
            write(agent, 2, [begun()]).await;
            write(agent, 1, (1..=CREDIT + 1).map(line)).await;
            let mut lines = Lines::default();
            while heard(agent, &mut lines).await.is_some() {}
        },
        async |asker| {
            let (mut first, mut second) = (ask(asker), ask(asker));
            asker.idle().await;
            let ends = [to_end(&mut first).await.1, to_end(&mut second).await.1];
            let protocol = |ended: &Ended| {
                let Ended::Lost { error, .. } = ended else {
                    return false;
                };
                matches!(error, LinkError::Protocol(_))
            };
            assert!(ends.iter().all(protocol), "{ends:?}");
            // Whoever asks later hears the same.
            let later = to_end(&mut ask(asker)).await.1;
            assert!(protocol(&later), "{later:?}");
            ends.map(|ended| ended.verdict())
        },
    );
    assert_eq!(verdicts, [Verdict::Unreachable, Verdict::Unknown]);
}

#[test]
fn each_run_is_lost_or_cancelled_by_itself() {
    let verdicts = several(
        async |agent| {
            let mut lines = Lines::default();
            write(agent, 1, [begun()]).await;
            loop {
                match heard(agent, &mut lines).await {
                    Some(ToAgent::Cancel { id: RunId(2) }) => break,
                    Some(ToAgent::Run { .. }) => {}
                    other => panic!("{other:?}"),
                }
            }
            let outcome = Outcome::of(Verdict::Cancelled);
            let (id, seq) = (RunId(2), 0);
            write(agent, 2, [FromAgent::Done { id, seq, outcome }]).await;
        },
        async |asker| {
            let mut runs = [ask(asker), ask(asker), ask(asker)];
            runs[1].cancel();
            let mut verdicts = Vec::new();
            for run in &mut runs {
                verdicts.push(to_end(run).await.1.verdict());
            }
            verdicts
        },
    );
    let expected = [Verdict::Unknown, Verdict::Cancelled, Verdict::Unreachable];
    assert_eq!(verdicts, expected);
}
