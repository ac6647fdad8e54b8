//! Visits over pipes in memory: who waits for whom, and who must not.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use kickout_shared::event::{Event, Level, Line, Outcome, Verdict};
use kickout_shared::frame::{self, Lines};
use kickout_shared::message::{CREDIT, FromAgent, Hello, RunId, ToAgent};
use kickout_shared::version;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::Notify;

use super::*;
use crate::connection::memory::memory;
use crate::exchange::{Ended, Said};
use crate::inventory::Resolved;
use crate::target::Target;
use crate::transport::local::LocalError;

/// Hosts in memory. Every site says so many lines.
#[derive(Default)]
struct Street {
    lines: u64,
    /// The host that nobody can enter until so many runs have ended elsewhere.
    slow: Option<(&'static str, usize)>,
    /// The host that nobody can enter.
    shut: Option<&'static str>,
    ended: Rc<Cell<usize>>,
    moved: Rc<Notify>,
    opened: RefCell<Vec<String>>,
}

impl Door for Street {
    async fn open(&self, host: &Host, nonce: &str) -> Result<Connection, OpenError> {
        let name = host.target.to_string();
        self.opened.borrow_mut().push(name.clone());
        if self.shut.is_some_and(|shut| name.ends_with(shut)) {
            return Err(LocalError::NotLinux.into());
        }
        if let Some((_, count)) = self.slow.filter(|(slow, _)| name.ends_with(slow)) {
            loop {
                let moved = self.moved.notified();
                if self.ended.get() >= count {
                    break;
                }
                moved.await;
            }
        }
        let (connection, agent) = memory();
        let (ended, moved) = (self.ended.clone(), self.moved.clone());
        let (nonce, lines) = (nonce.to_owned(), self.lines);
        tokio::task::spawn_local(async move {
            let _ = serve(agent, &nonce, lines, &|| {
                ended.set(ended.get() + 1);
                moved.notify_waiters();
            })
            .await;
        });
        Ok(connection)
    }
}

/// An honest agent, as far as the protocol goes.
async fn serve(
    mut pipe: DuplexStream,
    nonce: &str,
    lines: u64,
    ended: &dyn Fn(),
) -> std::io::Result<()> {
    let hello = Hello {
        release: version::RELEASE.to_owned(),
        protocol: version::PROTOCOL,
        arch: "x86_64".to_owned(),
    };
    let hello = hello.line(nonce).unwrap() + "\n";
    pipe.write_all(hello.as_bytes()).await?;
    let mut read = Lines::default();
    let mut runs: BTreeMap<RunId, (u64, u64)> = BTreeMap::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some(frame) = read.next_frame().unwrap() {
            match frame {
                ToAgent::Run { id, .. } => {
                    runs.insert(id, (0, CREDIT));
                }
                ToAgent::Ack { id, seq } => {
                    if let Some((_, most)) = runs.get_mut(&id) {
                        *most = seq + CREDIT;
                    }
                }
                ToAgent::Cancel { .. } | ToAgent::Ping => {}
            }
        }
        let mut done = Vec::new();
        for (&id, (sent, most)) in &mut runs {
            while *sent < lines.min(*most) {
                *sent += 1;
                let text = sent.to_string();
                let (level, fix) = (Level::Info, None);
                let event = Event::Line(Line { level, text, fix });
                let seq = *sent;
                let frame = FromAgent::Event { id, seq, event };
                pipe.write_all(&frame::encode(&frame).unwrap()).await?;
            }
            if *sent == lines {
                let (seq, outcome) = (lines, Outcome::of(Verdict::Gone));
                let frame = FromAgent::Done { id, seq, outcome };
                pipe.write_all(&frame::encode(&frame).unwrap()).await?;
                done.push(id);
            }
        }
        for id in done {
            runs.remove(&id);
            ended();
        }
        match pipe.read(&mut buffer).await? {
            0 => return Ok(()),
            count => read.push(&buffer[..count]),
        }
    }
}

/// Visits these hosts, a site for each mention, and says how each site ended.
fn visit_all(hosts: &[&str], parallel: usize, street: Street) -> (Vec<String>, Vec<String>) {
    let targets = hosts.iter().map(|host| {
        let resolved = Resolved {
            name: None,
            target: Target::parse(host).unwrap(),
            path: None,
            url: None,
            user: None,
            ssh_args: Vec::new(),
            via: None,
        };
        (resolved, None)
    });
    let (members, hosts) = super::super::members::gather(targets.collect());
    let fleet = Rc::new(Fleet {
        members,
        hosts,
        door: street,
        parallel,
        wheel: Wheel::new(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let tasks = tokio::task::LocalSet::new();
    let work = async {
        let mut pass = Pass::start(&fleet, &Request::Doctor, |_| true, false, None);
        let mut ends = Vec::new();
        for (index, pending) in pass.pending.iter_mut().enumerate() {
            fleet.wheel.show(index);
            ends.push(match pending.take().unwrap().await {
                Ok(Slot::Run(mut run, _)) => loop {
                    match run.next().await {
                        Said::Event(_) => {}
                        Said::Ended(Ended::Done(outcome)) => {
                            break format!("{:?}", outcome.verdict);
                        }
                        Said::Ended(lost) => break format!("{lost:?}"),
                    }
                },
                Ok(Slot::Settled(settled)) => format!("{:?}", settled.verdict),
                Ok(Slot::Trouble(trouble)) => trouble.text.clone(),
                Err(_) => "never begun".to_owned(),
            });
        }
        pass.end().await;
        ends
    };
    // In paused time a knot shows itself at once.
    let limit = Duration::from_secs(60);
    let ends = runtime.block_on(tasks.run_until(async { tokio::time::timeout(limit, work).await }));
    (
        ends.expect("somebody waits for ever"),
        fleet.door.opened.borrow().clone(),
    )
}

#[test]
fn a_bad_host_delays_nobody() {
    let hosts = ["a", "b", "c", "d", "a", "e"];
    // The first host, shown first, opens only when every other site is done.
    let street = Street {
        lines: 3,
        slow: Some(("a", 4)),
        ..Street::default()
    };
    let (ends, opened) = visit_all(&hosts, 2, street);
    assert_eq!(ends, ["Gone"; 6]);
    assert_eq!(opened, ["ssh:a", "ssh:b", "ssh:c", "ssh:d", "ssh:e"]);

    let street = Street {
        lines: 3,
        shut: Some("a"),
        ..Street::default()
    };
    let (ends, _) = visit_all(&hosts, 1, street);
    let shut = LocalError::NotLinux.to_string();
    assert_eq!(ends, [&shut, "Gone", "Gone", "Gone", &shut, "Gone"]);
}

#[test]
fn permits_and_credit_tie_no_knot() {
    // Each says more than its credit, so that it holds its host until it is shown; and the first
    // host's last site is shown last.
    let hosts = ["a", "b", "a", "b", "c", "a"];
    for parallel in [1, 2, 32] {
        let street = Street {
            lines: 3 * CREDIT,
            ..Street::default()
        };
        let (ends, opened) = visit_all(&hosts, parallel, street);
        assert_eq!(ends, ["Gone"; 6]);
        assert_eq!(opened.len(), 3, "one connection a host: {opened:?}");
    }
    // More sites than may be in flight on a host.
    let street = Street {
        lines: 3 * CREDIT,
        ..Street::default()
    };
    let (ends, opened) = visit_all(&["a"; 100], 1, street);
    assert_eq!((ends.len(), opened.len()), (100, 1));
}
