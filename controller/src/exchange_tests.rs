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

/// Runs with a clock that goes on when everybody waits.
fn in_no_time<T>(running: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(running)
}

/// What came of one run against an agent that says `greeting`, then plays `script`.
fn against(
    greeting: &str,
    script: impl AsyncFnOnce(&mut DuplexStream),
) -> (Result<Ended, LinkError>, u64) {
    in_no_time(async {
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

#[path = "exchange/many_tests.rs"]
mod many;
