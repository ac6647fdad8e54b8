//! Hosts whose agent is somebody else's: what it claims is bounded, escaped, and believed only as
//! far as it adds up.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kickout_shared::event::{Event, Level, Line, Outcome, Verdict};
use kickout_shared::frame;
use kickout_shared::message::{FromAgent, Hello, RunId};
use kickout_shared::version;
use kickout_tests::{Account, Client, Scratch, Sshd, needs, quoted};

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
    run.code(0).stdout("");
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

/// A host that plays the part of the line that looks for the agent: `$n` is the run's nonce.
fn played(script: &str) -> (Sshd, Account, Scratch) {
    let scratch = Scratch::new("played");
    let text = format!(
        "#!/bin/sh\nn=$(echo \"$SSH_ORIGINAL_COMMAND\" | sed 's/.* kickout \\([0-9a-f]*\\) .*/\\1/')\n\
         {script}\n"
    );
    let file = scratch.write("play", text);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let account = Account::new("/bin/sh");
    let force = format!("ForceCommand {}", file.display());
    (
        Sshd::new().for_user(&account, &force).start(),
        account,
        scratch,
    )
}

/// Hosts that lie about the agent before there is one.
#[test]
fn hosts_that_lie_about_the_agent() {
    needs!(Sshd);
    let rows: [(&str, &str, &str); 9] = [
        (
            "asks for it without end",
            "while :; do echo KICKOUT-NEED $n x86_64; head -c 100000 > /dev/null; done",
            "asks for the agent again",
        ),
        (
            "every place fails",
            "echo KICKOUT-FAIL $n 0 x",
            "no place for the agent",
        ),
        (
            "a place that is none",
            "echo KICKOUT-FAIL $n 4294967295 x",
            "no place for the agent",
        ),
        ("a machine that is none", "echo KICKOUT-NEED $n vax", "vax"),
        (
            "a machine with colours",
            "printf 'KICKOUT-ARCH %s \\033[31mvax\\n' $n",
            "vax",
        ),
        (
            "a reason at length",
            "printf 'KICKOUT-NOPLACE %s ' $n; head -c 60000 /dev/zero | tr '\\0' x; echo",
            "no place for the agent",
        ),
        (
            "a hello of nothing",
            "echo KICKOUT $n '{}'; exec cat",
            "missing field `release`",
        ),
        (
            "a hello of the future",
            "echo KICKOUT $n '{\"release\":\"9.9.9\",\"protocol\":99,\"arch\":\"x86_64\"}'; exec cat",
            "protocol 99",
        ),
        (
            "a hello of another run",
            "echo KICKOUT 0$n '{\"release\":\"0.1.0\",\"protocol\":1,\"arch\":\"x86_64\"}'; exec cat",
            "no hello within",
        ),
    ];
    for (what, script, said) in rows {
        println!("{what}");
        let (sshd, account, _play) = played(script);
        let client = Client::of(&sshd);
        let start = Instant::now();
        let run = client
            .over(format!("{}/etc", sshd.at(&account)))
            .args(DESTROY);
        let run = run.run().code(4).stdout("").stderr_has(said);
        let short = run.stderr.len() < 4_000 && !run.stderr.contains('\x1b');
        run.check(short, "a short error without escape codes")
            .check(start.elapsed() < SOON, "an answer soon");
    }
}

/// A host that asks for the agent and never reads it: its window stays shut.
#[test]
fn a_host_that_takes_nothing() {
    needs!(Sshd, SlowAndFar);
    let (sshd, account, _play) = played("echo KICKOUT-NEED $n x86_64; exec tail -f /dev/null");
    let client = Client::of(&sshd);
    let run = client
        .over(format!("{}/etc", sshd.at(&account)))
        .args(DESTROY);
    let run = run.deadline(Duration::from_secs(120)).run().code(4);
    run.stdout("").stderr_has("uploading the agent");
}
