//! Servers whose keys are right and whose manners are not: whatever they send after the exchange of
//! keys, kickout ends soon, in little memory, with one sentence.

mod rows;

use std::io::Result;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use kickout_tests::{Client, Message, Odd, OddSsh, needs};

use crate::running::Running;
use crate::ssh::DESTROY;
use crate::ssh_faults::{SOON, peak_until_the_end};
use rows::{LOST, ROWS, SILENT, Script, command};

/// Who asks for the agent and then takes it in odd pieces, or not at all.
const UPLOADS: [(&str, &str, Script); 5] = [
    ("no window", "uploading the agent", |odd| {
        needs(odd, 0, 32 * 1024)
    }),
    ("no packet", "refused to start a command", |odd| {
        needs(odd, 1 << 31, 0)
    }),
    ("a packet of 1", "", |odd| needs(odd, u32::MAX, 1)),
    ("a huge packet", SILENT, |odd| {
        needs(odd, u32::MAX, u32::MAX)
    }),
    ("a window that grows by 1", "uploading the agent", |odd| {
        needs_agent(odd, 0, 32 * 1024)?;
        loop {
            odd.send(odd.on(93).number(1))?;
            odd.await_kind(94)?;
        }
    }),
];

fn needs_agent(odd: &mut Odd, window: u32, packet: u32) -> Result<()> {
    let command = odd.command(window, packet)?;
    let (_, nonce) = command.split_once("' kickout ").unwrap_or_default();
    let nonce = nonce.split(' ').next().unwrap_or_default();
    odd.data(format!("KICKOUT-NEED {nonce} x86_64\n"))
}

fn needs(odd: &mut Odd, window: u32, packet: u32) -> Result<()> {
    needs_agent(odd, window, packet)?;
    odd.stay()
}

/// What kickout takes when nothing is odd, and 32 MiB for a host that is.
const ROOM: u64 = 32 * 1024;

/// Runs against a server until its end, and says what was not as it should be.
fn check(script: Script, said: &str, most: u64, deadline: Duration) -> (Vec<String>, u64) {
    let server = OddSsh::start(script);
    let client = Client::new().known(&server.known());
    let ssh = format!("--ssh=root@127.0.0.1:{}/etc", server.port());
    let args: Vec<_> = [ssh.as_str()].into_iter().chain(DESTROY).collect();
    let start = Instant::now();
    let running = Running::start_at(client.home(), client.home(), &args, "");
    let peak = peak_until_the_end(&running, deadline * 4);
    let took = start.elapsed();
    let end = running.end();
    let stderr = &end.stderr;
    let place = format!("127.0.0.1:{}", server.port());
    let checks = [
        (end.code == Some(4), format!("4, not {:?}", end.code)),
        (end.stdout.is_empty(), "no output".to_owned()),
        (
            stderr.starts_with("Error: ") && stderr.contains(&place),
            "a sentence that names the place".to_owned(),
        ),
        (stderr.contains(said), format!("{said:?}")),
        (stderr.len() < 2_000, "a short sentence".to_owned()),
        (
            !stderr.contains(['\x1b', '\u{9b}', '\x07', '\u{202e}']),
            "no escape code".to_owned(),
        ),
        (took < deadline, format!("an end soon, not after {took:?}")),
        (peak < most, format!("at most {most} kB, not {peak}")),
    ];
    let wrong = checks.into_iter().filter(|(good, _)| !good);
    let mut wrong: Vec<_> = wrong.map(|(_, what)| what).collect();
    if !wrong.is_empty() {
        wrong.push(end.stderr);
    }
    (wrong, peak)
}

/// Many at once: most of their time is a deadline's.
fn check_all(rows: &[(&str, &str, Script)], deadline: Duration) {
    let ends = |odd: &mut Odd| {
        command(odd)?;
        odd.send(odd.on(97))
    };
    let (wrong, usual) = check(ends, LOST, u64::MAX, deadline);
    assert!(wrong.is_empty(), "{wrong:?}");
    let left = Mutex::new(rows.iter());
    let failed = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some((what, said, script)) = { left.lock().unwrap().next() } {
                    let (wrong, _) = check(*script, said, usual + ROOM, deadline);
                    if !wrong.is_empty() {
                        *failed.lock().unwrap() += &format!("{what}: {}\n", wrong.join(", "));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "expected\n{failed}");
}

#[test]
fn servers_with_odd_manners() {
    needs!(Sshd);
    check_all(&ROWS, SOON);
}

#[test]
fn servers_that_take_an_agent_oddly() {
    needs!(Sshd, SlowAndFar);
    check_all(&UPLOADS, Duration::from_secs(90));
}

/// Servers that ask a person more than a person would answer.
#[test]
fn servers_that_ask_oddly() {
    needs!(Sshd);
    fn ask(odd: &mut Odd, count: u32, prompt: &str) -> Result<()> {
        odd.asked()?;
        odd.send(Message::new(51).text("keyboard-interactive").byte(0))?;
        odd.await_kind(50)?;
        loop {
            let asked = Message::new(60).text("").text("").text("").number(count);
            let asked = (0..count).fold(asked, |asked, _| asked.text(prompt).byte(0));
            odd.send(asked)?;
            odd.await_kind(61)?;
        }
    }
    let rows: [(&str, Script, &str, &str); 4] = [
        (
            "10,000 at once",
            |odd| ask(odd, 10_000, "?"),
            "",
            "10000 questions",
        ),
        (
            "a long one",
            |odd| ask(odd, 1, &"x".repeat(200_000)),
            // Its begin: further on, one question could be taken for several.
            ") xxx",
            "",
        ),
        (
            "one with escape codes",
            |odd| ask(odd, 1, "\x1b[2J\x1b]0;owned\x07 Code\u{202e}: "),
            "Code",
            "",
        ),
        ("one without end", |odd| ask(odd, 1, "Again: "), "Again", ""),
    ];
    for (what, script, shown, said) in rows {
        println!("{what}");
        let server = OddSsh::start(script);
        let client = Client::new().known(&server.known());
        let at = format!("root@127.0.0.1:{}/etc", server.port());
        let mut tty = client.over(at).args(DESTROY).tty(80);
        if !shown.is_empty() {
            for _ in 0..8 {
                tty.expect(shown).send_unseen("s3cret\r");
            }
        }
        let run = tty.finish().code(4).never_says("s3cret");
        let plain =
            !run.stdout.contains(['\x07', '\u{9b}', '\u{202e}']) && !run.stdout.contains("\x1b[2J");
        let short = run.stdout.len() < 20_000;
        run.stdout_has(said)
            .check(plain, "no escape code of the host")
            .check(short, "a bounded question");
    }
}
