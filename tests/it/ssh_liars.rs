//! Hosts whose agent is somebody else's: what it claims is bounded, escaped, and believed only as
//! far as it adds up.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kickout_shared::event::{Event, Level, Line, Outcome, Verdict};
use kickout_shared::frame;
use kickout_shared::message::{FromAgent, Hello, RunId};
use kickout_shared::version;
use kickout_tests::{Client, Scratch, Sshd, needs, quoted};

use crate::running::Running;
use crate::ssh::{DESTROY, no_agent_remains};
use crate::ssh_faults::{SOON, peak_until_the_end};

fn begun() -> FromAgent {
    FromAgent::Begun {
        id: RunId(1),
        cutoff: 1_700_000_000,
    }
}

fn line(id: u64, seq: u64) -> FromAgent {
    let line = Line {
        level: Level::Success,
        text: "\x1b[31mDestroyed all of them.".to_owned(),
        fix: None,
    };
    FromAgent::Event {
        id: RunId(id),
        seq,
        event: Event::Line(line),
    }
}

fn done(id: u64, seq: u64) -> FromAgent {
    FromAgent::Done {
        id: RunId(id),
        seq,
        outcome: Outcome::of(Verdict::Gone),
    }
}

/// A program in the agent's place: greets as one, takes the request, then plays this script.
fn agent(scratch: &Scratch, name: &str, frames: &[FromAgent], then: &str) -> PathBuf {
    let hello = Hello {
        release: version::RELEASE.to_owned(),
        protocol: version::PROTOCOL,
        arch: "x86_64".to_owned(),
    };
    let hello = hello.line("NONCE").unwrap().replace("NONCE", "'\"$1\"'");
    let frames: Vec<u8> = frames
        .iter()
        .flat_map(|it| frame::encode(it).unwrap())
        .collect();
    let frames = quoted(&String::from_utf8(frames).unwrap());
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\nprintf '%s\\n' '{hello}'\n\
         read -r request\nprintf %s {frames}\n{then}\n"
    );
    let path = scratch.write(name, script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Hosts whose agent is somebody else's: nothing it claims is taken for more than it adds up to.
#[test]
fn agents_that_lie() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let scratch = Scratch::new("liars");
    let stay = "exec cat > /dev/null";
    let rows: [(&str, &[FromAgent], &str, i32); 11] = [
        ("another run", &[done(7, 0)], stay, 4),
        ("events of another run", &[begun(), line(7, 1)], stay, 5),
        ("a gap", &[begun(), line(1, 2)], stay, 5),
        (
            "twice the same",
            &[begun(), line(1, 1), line(1, 1)],
            stay,
            5,
        ),
        (
            "more than it sent",
            &[begun(), line(1, 1), done(1, 5)],
            stay,
            5,
        ),
        ("begun twice", &[begun(), begun()], stay, 5),
        ("ends before it begins", &[], "exit 3", 4),
        ("ends in the middle", &[begun()], "exit 3", 5),
        (
            "a line without end",
            &[begun()],
            "exec tr '\\0' x < /dev/zero",
            5,
        ),
        ("no frames", &[begun()], "exec yes", 5),
        (
            "deep nesting",
            &[begun()],
            "head -c 500000 /dev/zero | tr '\\0' '['; echo; exec cat",
            5,
        ),
    ];
    for (number, (what, frames, then, code)) in rows.into_iter().enumerate() {
        println!("{what}");
        let program = agent(&scratch, &format!("liar{number}"), frames, then);
        let start = Instant::now();
        let run = client
            .over(format!("{}/etc", sshd.at(&sshd.root())))
            .args(DESTROY)
            .arg(format!("--agent={}", program.display()))
            .run();
        // What it says is shown as it says it; what came of it is not what it says.
        let quiet = !run.stdout.contains('\x1b') && !run.stderr.contains('\x1b');
        let run = run.check(quiet, "no escape code");
        run.code(code)
            .stderr_has("Error: ")
            .check(start.elapsed() < SOON, "an answer soon");
        no_agent_remains(&sshd.root());
    }
    // Twice the end: the first one counts, the second is nobody's.
    let program = agent(&scratch, "twice", &[begun(), done(1, 0), done(1, 0)], stay);
    let run = client
        .over(format!("{}/etc", sshd.at(&sshd.root())))
        .args(DESTROY);
    let run = run.arg(format!("--agent={}", program.display())).run();
    let ended = run.code.is_some();
    run.check(ended, "an end");
}

/// A flood of lines is bounded, and read to its end or given up; escape codes reach nobody.
#[test]
fn agents_that_flood() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let scratch = Scratch::new("flood");
    let one = String::from_utf8(frame::encode(&line(1, 999_999)).unwrap()).unwrap();
    let (before, after) = one.split_once("999999").unwrap();
    let flood = format!(
        "n=1; while [ $n -le 20000 ]; do printf '%s%s%s\\n' {} $n {}; n=$((n+1)); done; exec cat",
        quoted(before),
        quoted(after.trim_end())
    );
    let program = agent(&scratch, "flood", &[begun()], &flood);
    let ssh = format!("--ssh={}/etc", sshd.at(&sshd.root()));
    let file = format!("--agent={}", program.display());
    let args: Vec<_> = [ssh.as_str(), &file].into_iter().chain(DESTROY).collect();
    let running = Running::start_at(client.home(), client.home(), &args, "");
    let peak = peak_until_the_end(&running, Duration::from_secs(120));
    let end = running.end();
    assert_eq!(end.code, Some(5), "{}", end.stderr);
    assert!(!(end.stdout + &end.stderr).contains('\x1b'));
    assert!(peak < 128 * 1024, "{peak} kB");
}
