//! The controller's side over a pipe in memory: what an honest, a broken and a lying agent get.

use kickout_shared::event::{Event, Level, Line};
use kickout_shared::frame;
use kickout_shared::message::{CREDIT, FromAgent, RunId, ToAgent};
use kickout_shared::request::Request;
use kickout_shared::site::Site;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::*;
use crate::connection::memory::memory;

const NONCE: &str = "0123456789abcdef";

fn hello() -> String {
    let hello = Hello {
        release: version::RELEASE.to_owned(),
        protocol: version::PROTOCOL,
        arch: "x86_64".to_owned(),
    };
    format!("{}\n", hello.line(NONCE).unwrap())
}

fn begun() -> FromAgent {
    FromAgent::Begun {
        id: RunId(1),
        cutoff: 1_700_000_000,
    }
}

fn line(seq: u64) -> FromAgent {
    let line = Line {
        level: Level::Success,
        text: seq.to_string(),
        fix: None,
    };
    FromAgent::Event {
        id: RunId(1),
        seq,
        event: Event::Line(line),
    }
}

fn done(seq: u64) -> FromAgent {
    FromAgent::Done {
        id: RunId(1),
        seq,
        outcome: Outcome::of(Verdict::Gone),
    }
}

/// What came of one run against an agent that says `greeting`, then plays `script`.
fn against(
    greeting: &str,
    script: impl AsyncFnOnce(&mut DuplexStream),
) -> (Result<Ended, LinkError>, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (connection, mut agent) = memory();
        let playing = async move {
            // A controller that has heard enough hangs up in the middle.
            let _ = agent.write_all(greeting.as_bytes()).await;
            script(&mut agent).await;
        };
        let asking = async {
            let mut events = 0;
            let (exchange, asker) = match Exchange::open(connection, NONCE).await {
                Ok(opened) => opened,
                Err(error) => return (Err(error), events),
            };
            let reading = async {
                let mut run = asker.start(Site::default(), Request::Doctor);
                drop(asker);
                loop {
                    match run.next().await {
                        Said::Event(_) => events += 1,
                        Said::Ended(ended) => return ended,
                    }
                }
            };
            let (ended, ()) = tokio::join!(reading, exchange.drive());
            (Ok(ended), events)
        };
        let ((), result) = tokio::join!(playing, asking);
        result
    })
}

async fn say(agent: &mut DuplexStream, frames: &[FromAgent]) {
    for frame in frames {
        agent
            .write_all(&frame::encode(frame).unwrap())
            .await
            .unwrap();
    }
    // A peer that has said everything still reads, as an agent would.
    let mut sink = [0; 1024];
    let _ = agent.read(&mut sink).await;
}

#[test]
fn an_honest_agent_is_heard_past_the_noise() {
    let greeting = format!("Welcome to Debian!\n{} x\nlast login: …{}", "KICKOUT", "\n");
    let (ended, events) = against(&(greeting + &hello()), async |agent| {
        say(
            agent,
            &[begun(), line(1), line(2), FromAgent::Pong, done(2)],
        )
        .await;
    });
    assert!(matches!(ended, Ok(Ended::Done(outcome)) if outcome.verdict == Verdict::Gone));
    assert_eq!(events, 2);
}

#[test]
fn a_hello_without_the_nonce_is_noise() {
    let forged = hello().replace(NONCE, "ffffffffffffffff");
    let (ended, _) = against(&forged, async |_| {});
    assert!(matches!(ended, Err(LinkError::NoHello(_))), "{ended:?}");
}

#[test]
fn noise_without_end_stops() {
    let noise = "x".repeat(1000) + "\n";
    let (ended, _) = against(&noise.repeat(100), async |_| {});
    assert!(matches!(ended, Err(LinkError::NoHello(_))), "{ended:?}");
    let (ended, _) = against(&"x".repeat(100_000), async |_| {});
    assert!(matches!(ended, Err(LinkError::NoHello(_))), "{ended:?}");
}

#[test]
fn an_agent_that_never_says_hello_has_a_deadline() {
    let (ended, _) = against("", async |agent| {
        let mut sink = [0; 16];
        let _ = agent.read(&mut sink).await;
    });
    assert!(matches!(ended, Err(LinkError::NoHello(_))), "{ended:?}");
}

#[test]
fn another_protocol_is_named_with_both_versions() {
    let newer = hello().replace("\"protocol\":1", "\"protocol\":99");
    let (ended, _) = against(&newer, async |_| {});
    let text = ended.unwrap_err().to_string();
    assert!(
        text.contains("protocol 99") && text.contains("protocol 1"),
        "{text}"
    );
}

#[test]
fn a_link_lost_before_begun_is_unreachable_and_after_it_unknown() {
    let (ended, _) = against(&hello(), async |_| {});
    assert_eq!(ended.unwrap().verdict(), Verdict::Unreachable);
    let (ended, _) = against(&hello(), async |agent| {
        agent
            .write_all(&frame::encode(&begun()).unwrap())
            .await
            .unwrap();
    });
    let Ok(Ended::Lost {
        begun: Some(1_700_000_000),
        ..
    }) = &ended
    else {
        panic!("the cutoff must be kept: {ended:?}");
    };
    assert_eq!(ended.unwrap().verdict(), Verdict::Unknown);
}

#[test]
fn answers_that_do_not_add_up_are_not_believed() {
    let other = FromAgent::Done {
        id: RunId(7),
        seq: 0,
        outcome: Outcome::of(Verdict::Gone),
    };
    let scripts: [&[FromAgent]; 5] = [
        &[begun(), line(2)],
        &[begun(), line(1), line(1)],
        &[begun(), line(1), done(5)],
        &[begun(), begun()],
        &[other],
    ];
    for script in scripts {
        let (ended, _) = against(&hello(), async |agent| say(agent, script).await);
        let Ok(Ended::Lost {
            error: LinkError::Protocol(_),
            ..
        }) = ended
        else {
            panic!("{script:?} was believed: {ended:?}");
        };
    }
}

#[test]
fn an_agent_that_takes_nothing_is_silent() {
    let (ended, _) = against(&hello(), async |agent| {
        // Enough events to be acknowledged many times, and nothing is ever read.
        let mut seq = 0;
        loop {
            seq += 1;
            let frame = frame::encode(&line(seq)).unwrap();
            if agent.write_all(&frame).await.is_err() {
                return;
            }
        }
    });
    assert!(
        matches!(
            ended,
            Ok(Ended::Lost {
                error: LinkError::Silence,
                ..
            })
        ),
        "{ended:?}"
    );
}

#[test]
fn silence_is_a_lost_agent() {
    let (ended, _) = against(&hello(), async |agent| {
        agent
            .write_all(&frame::encode(&begun()).unwrap())
            .await
            .unwrap();
        let mut sink = [0; 1024];
        while agent.read(&mut sink).await.is_ok_and(|count| count > 0) {}
    });
    assert!(
        matches!(
            ended,
            Ok(Ended::Lost {
                error: LinkError::Silence,
                ..
            })
        ),
        "{ended:?}"
    );
}

/// An agent that says `script`, and what `reading` makes of it.
fn several<T>(
    script: impl AsyncFnOnce(&mut DuplexStream),
    reading: impl AsyncFnOnce(&Asker) -> T,
) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
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
