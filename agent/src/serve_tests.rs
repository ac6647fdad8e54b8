//! The protocol over an in-memory pipe, with runs that know no WordPress.

use kickout_shared::event::{Event, Verdict};
use kickout_shared::message::CREDIT;
use kickout_shared::request::{SessionList, UserList, Who};
use tokio::io::{DuplexStream, ReadHalf, WriteHalf};

use super::*;

/// A run that says begun, then sends as many events as the site's path says; `Doctor` waits to be
/// cancelled, a `UserList` fails.
struct Chatter;

impl Runner for Chatter {
    async fn run(&self, site: Site, request: Request, out: &mut Out) -> Result<Outcome, Line> {
        let cancelled = |_| Ok(Outcome::of(Verdict::Cancelled));
        if matches!(request, Request::UserList(_)) {
            let text = "no such site".to_owned();
            return Err(Line {
                level: kickout_shared::event::Level::Error,
                text,
                fix: None,
            });
        }
        if let Err(stop) = out.begun(1_700_000_000).await {
            return cancelled(stop);
        }
        let wanted: u64 = site.path.and_then(|path| path.parse().ok()).unwrap_or(0);
        for number in 0..wanted {
            if let Err(stop) = out.success(number.to_string()).await {
                return cancelled(stop);
            }
        }
        if matches!(request, Request::Doctor) {
            loop {
                if let Err(stop) = out.cancelled() {
                    return cancelled(stop);
                }
                tokio::task::yield_now().await;
            }
        }
        Ok(Outcome::of(Verdict::Answered))
    }
}

struct Peer {
    lines: Lines,
    input: ReadHalf<DuplexStream>,
    output: WriteHalf<DuplexStream>,
}

impl Peer {
    async fn send(&mut self, frame: ToAgent) {
        self.output
            .write_all(&frame::encode(&frame).unwrap())
            .await
            .unwrap();
    }

    async fn run(&mut self, id: u64, events: u64, request: Request) {
        let site = Site {
            path: Some(events.to_string()),
            ..Site::default()
        };
        self.send(ToAgent::Run {
            id: RunId(id),
            site: Box::new(site),
            request: Box::new(request),
        })
        .await;
    }

    async fn next(&mut self) -> Option<FromAgent> {
        loop {
            if let Some(frame) = self.lines.next_frame().unwrap() {
                return Some(frame);
            }
            let mut buffer = [0; 4096];
            match self.input.read(&mut buffer).await.unwrap() {
                0 => return None,
                count => self.lines.push(&buffer[..count]),
            }
        }
    }

    async fn expect(&mut self) -> FromAgent {
        self.next().await.expect("the agent ended early")
    }
}

/// Runs `talk` against a served agent whose hello has been read.
fn with_agent<F: Future<Output = ()>>(talk: impl FnOnce(Peer) -> F) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1024);
        let (input, output) = tokio::io::split(theirs);
        let serving = serve(input, output, "n0nce", Chatter);
        let talking = async {
            let (input, output) = tokio::io::split(ours);
            let mut peer = Peer {
                lines: Lines::default(),
                input,
                output,
            };
            let hello = loop {
                let line = peer.lines.next_line().unwrap().map(<[u8]>::to_vec);
                match line {
                    Some(line) if line.is_empty() => {}
                    Some(line) => break line,
                    None => {
                        let mut buffer = [0; 64];
                        let count = peer.input.read(&mut buffer).await.unwrap();
                        peer.lines.push(&buffer[..count]);
                    }
                }
            };
            let hello = Hello::read(&hello, "n0nce").unwrap().unwrap();
            assert_eq!(hello.protocol, version::PROTOCOL);
            talk(peer).await;
        };
        let (served, ()) = tokio::join!(serving, talking);
        served
    })
}

fn list() -> Request {
    Request::SessionList(SessionList {
        who: Who::Named(Vec::new()),
    })
}

#[test]
fn begun_comes_first_and_done_comes_once() {
    with_agent(async |mut peer| {
        peer.run(7, 2, list()).await;
        let begun = FromAgent::Begun {
            id: RunId(7),
            cutoff: 1_700_000_000,
        };
        assert_eq!(peer.expect().await, begun);
        for expected in 1..=2 {
            assert!(matches!(peer.expect().await, FromAgent::Event { seq, .. } if seq == expected));
        }
        let outcome = Outcome::of(Verdict::Answered);
        assert_eq!(
            peer.expect().await,
            FromAgent::Done {
                id: RunId(7),
                seq: 2,
                outcome
            }
        );
    })
    .unwrap();
}

#[test]
fn a_run_stops_at_its_credit_while_another_goes_on() {
    with_agent(async |mut peer| {
        peer.run(1, CREDIT + 10, list()).await;
        peer.expect().await;
        for _ in 0..CREDIT {
            assert!(matches!(
                peer.expect().await,
                FromAgent::Event { id: RunId(1), .. }
            ));
        }
        // Run 1 now waits. A second one is not held up by it.
        peer.run(2, 1, list()).await;
        assert!(matches!(
            peer.expect().await,
            FromAgent::Begun { id: RunId(2), .. }
        ));
        assert!(matches!(
            peer.expect().await,
            FromAgent::Event {
                id: RunId(2),
                seq: 1,
                ..
            }
        ));
        assert!(matches!(
            peer.expect().await,
            FromAgent::Done { id: RunId(2), .. }
        ));
        // An acknowledgement beyond what was sent gives credit for what was sent only.
        peer.send(ToAgent::Ack {
            id: RunId(1),
            seq: 10_000,
        })
        .await;
        for _ in 0..10 {
            assert!(matches!(
                peer.expect().await,
                FromAgent::Event { id: RunId(1), .. }
            ));
        }
        assert!(matches!(
            peer.expect().await,
            FromAgent::Done {
                id: RunId(1),
                seq: 266,
                ..
            }
        ));
    })
    .unwrap();
}

#[test]
fn cancel_ends_a_run_and_leaves_the_others() {
    with_agent(async |mut peer| {
        peer.run(1, 0, Request::Doctor).await;
        peer.expect().await;
        peer.send(ToAgent::Cancel { id: RunId(1) }).await;
        let outcome = Outcome::of(Verdict::Cancelled);
        assert_eq!(
            peer.expect().await,
            FromAgent::Done {
                id: RunId(1),
                seq: 0,
                outcome
            }
        );
        peer.send(ToAgent::Ping).await;
        assert_eq!(peer.expect().await, FromAgent::Pong);
    })
    .unwrap();
}

#[test]
fn a_failed_run_says_its_error_before_it_is_done() {
    with_agent(async |mut peer| {
        peer.run(3, 0, Request::UserList(UserList::default())).await;
        let FromAgent::Event {
            event: Event::Line(line),
            ..
        } = peer.expect().await
        else {
            panic!("expected the error line");
        };
        assert_eq!(line.text, "no such site");
        let outcome = Outcome::of(Verdict::Failed);
        assert_eq!(
            peer.expect().await,
            FromAgent::Done {
                id: RunId(3),
                seq: 1,
                outcome
            }
        );
    })
    .unwrap();
}

#[test]
fn end_of_input_cancels_and_still_says_done() {
    with_agent(async |mut peer| {
        peer.run(1, 0, Request::Doctor).await;
        peer.expect().await;
        peer.output.shutdown().await.unwrap();
        assert!(
            matches!(peer.expect().await, FromAgent::Done { outcome, .. }
            if outcome.verdict == Verdict::Cancelled)
        );
        assert_eq!(peer.next().await, None);
    })
    .unwrap();
}

#[test]
fn silence_is_a_lost_controller() {
    let ended = with_agent(async |mut peer| {
        peer.run(1, 0, list()).await;
        while peer.next().await.is_some() {}
    });
    assert!(matches!(ended, Err(ServeError::Silence)), "{ended:?}");
}

#[test]
fn a_broken_frame_ends_the_connection_and_names_the_version() {
    let ended = with_agent(async |mut peer| {
        peer.output
            .write_all(b"{\"type\":\"reboot\"}\n")
            .await
            .unwrap();
        while peer.next().await.is_some() {}
    });
    let message = ended.unwrap_err().to_string();
    assert!(
        message.contains("protocol 1") && message.contains("reboot"),
        "{message}"
    );
}

#[test]
fn an_endless_line_stops_at_the_cap() {
    let ended = with_agent(async |mut peer| {
        let block = [b'x'; 4096];
        while peer.output.write_all(&block).await.is_ok() {}
    });
    assert!(
        matches!(ended, Err(ServeError::Frame(FrameError::TooLong))),
        "{ended:?}"
    );
}
