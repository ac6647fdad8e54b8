//! The bridge's two processes: the one that speaks HTTP has no right to anything, and neither lives
//! without the other.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kickout_tests::{Bridge, MariaDb, Site, Start, WordPress, needs, operation, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::bridge::{EVERYBODY, destroy, list, named, site};
use crate::connect::waiting;
use crate::held::Held;
use crate::running::gone;
use crate::stored::{all_rows, crowd};

pub(crate) fn kill(pid: u32) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

/// A bridge whose one token may log everybody out.
pub(crate) fn with_token(site: &Site) -> (Bridge, String) {
    let bridge = Bridge::of(&[("shop", site)]);
    let token = bridge.token(&ALL);
    (bridge, token)
}

pub(crate) const ALL: [&str; 4] = [
    "--site=shop",
    "--scope=sessions.list",
    "--scope=sessions.destroy.any",
    "--scope=sessions.destroy.user",
];

/// A large site, and a client that holds a lock in the middle of it.
pub(crate) fn halting() -> (Site, Held) {
    let site = WordPress::new().install_on(&MariaDb::start());
    crowd(&site, 10_001, 4_000, "subscriber");
    let rows = all_rows(&site);
    let row = &rows[rows.len() - 1_500][0];
    let lock =
        format!("BEGIN; SELECT umeta_id FROM wp_usermeta WHERE umeta_id = {row} FOR UPDATE;");
    let held = Held::on_server(site.database(), &lock);
    (site, held)
}

/// The records of the audit, all of which are there and unchanged.
pub(crate) fn records(bridge: &Bridge) -> Vec<Value> {
    bridge.says(&["audit", "verify"]);
    let text = fs::read_to_string(bridge.state().join("audit.jsonl")).unwrap();
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap());
    records.collect()
}

#[test]
fn the_front_can_do_nothing() {
    needs!(WordPress, Root);
    let site = site();
    let (bridge, token) = with_token(&site);
    let cookie = site.login("admin", "A", "::1");
    let out = destroy(named(&["admin"]), false);
    let reply = bridge.asks(&token, "", &operation("out-1", None), &out);
    assert_eq!(reply.line("done")["outcome"]["verdict"], "gone");
    assert!(!site.cookie_is_valid(&cookie));

    let process = PathBuf::from(format!("/proc/{}", bridge.front()));
    let status = fs::read_to_string(process.join("status")).unwrap();
    let field = |name: &str| -> Vec<String> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let words = line
            .unwrap_or_else(|| panic!("no {name}"))
            .split_whitespace();
        words.map(str::to_owned).collect()
    };
    // The account `daemon`, real, effective, saved, and for files.
    assert_eq!(field("Uid:"), ["1"; 4]);
    assert_eq!(field("Gid:"), ["1"; 4]);
    assert_eq!(field("Groups:"), [""; 0]);
    assert_eq!(field("NoNewPrivs:"), ["1"]);
    assert_eq!(field("Threads:"), ["1"]);
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(field(set), ["0000000000000000"], "{set}");
    }
    let limits = fs::read_to_string(process.join("limits")).unwrap();
    for none in ["Max processes", "Max core file size"] {
        let line = limits.lines().find_map(|line| line.strip_prefix(none));
        let words: Vec<_> = line.unwrap().split_whitespace().take(2).collect();
        assert_eq!(words, ["0", "0"], "{none}");
    }
    // Its whole world is an empty folder, and it has no file but the one for its last words.
    for place in ["root", "cwd"] {
        let place = fs::read_link(process.join(place)).unwrap();
        assert_eq!(place, bridge.state().join("empty"));
    }
    let world = fs::read_dir(process.join("root/")).unwrap();
    assert_eq!(world.count(), 0);
    let open = fs::read_dir(process.join("fd")).unwrap();
    let open = open.map(|it| fs::read_link(it.unwrap().path()).unwrap());
    // Whoever ran this test may have left us more of these.
    let nothing = Path::new("/dev/null");
    let files = open.filter(|it| it.is_absolute() && it != nothing);
    let files: BTreeSet<_> = files.collect();
    let names: Vec<_> = files.iter().map(|it| it.file_name().unwrap()).collect();
    assert_eq!(names, ["log"], "{files:?}");
    assert_eq!(fs::read(process.join("environ")).unwrap(), b"");
}

/// Without root it stays the same account, and is fenced in all the same.
#[test]
fn a_bridge_of_an_ordinary_account() {
    needs!(WordPress, Root);
    let site = site();
    let start = Start {
        account: site.owner(),
        ..Start::default()
    };
    let bridge = Bridge::with(&[("shop", &site)], "plaintext = true\n", start);
    let token = bridge.token(&["--site=shop", "--scope=sessions.list"]);
    let reply = bridge.asks(&token, "", &operation("look", None), &list(&["admin"]));
    assert_eq!(reply.line("done")["outcome"]["verdict"], "answered");
    let status = fs::read_to_string(format!("/proc/{}/status", bridge.front())).unwrap();
    let has = |line: &str| status.lines().any(|it| it == line);
    assert!(has("NoNewPrivs:\t1") && has("Threads:\t1"), "{status}");
    // Not even its own account may look into it.
    let environ = format!("/proc/{}/environ", bridge.front());
    let mut cat = site.owner().command("cat");
    assert!(!cat.arg(environ).output().unwrap().status.success());
    assert!(bridge.says(&["check"]).contains("would answer"));
    assert_eq!(bridge.log(), "", "no warning");
}

#[test]
fn neither_lives_without_the_other() {
    needs!(WordPress, Root);
    let site = site();
    let (mut bridge, _) = with_token(&site);
    kill(bridge.front());
    let (success, said) = bridge.ended();
    assert!(
        !success && said.contains("the front has ended (signal: 9"),
        "{said}"
    );
    bridge.kill_and_start();
    let front = bridge.front();
    kill(bridge.pid());
    gone(front);
}

/// Who asked has gone with the front: what runs is cancelled, and the record says how far it came.
#[test]
fn what_runs_when_the_front_is_killed() {
    needs!(WordPress, Root);
    let (site, mut held) = halting();
    let before = all_rows(&site).len();
    let (mut bridge, token) = with_token(&site);
    let all = destroy(EVERYBODY(), false);
    let name = operation("all-1", None);
    let client = bridge.opens(bridge.asking(&token, "", &name, &all).as_bytes());
    waiting(&site);
    kill(bridge.front());
    let reply = Bridge::rest(client);
    assert!(
        reply.lines.iter().all(|line| line["type"] != "done"),
        "{reply:?}"
    );
    held.say("ROLLBACK;");
    let (success, said) = bridge.ended();
    assert!(!success, "{said}");
    let gone = before - all_rows(&site).len();
    let records = records(&bridge);
    let last = &records.last().unwrap()["entry"];
    assert_eq!(last["operation"], "all-1", "{last}");
    assert_eq!(last["verdict"], "cancelled");
    assert_eq!((gone, last["sessions"].as_u64().unwrap()), (2_000, 2_000));
    // Nobody was told; who asks again is.
    bridge.kill_and_start();
    let again = bridge.asks(&token, "", &name, &all);
    assert_eq!(again.line("done")["outcome"]["verdict"], "cancelled");
    assert_eq!(before - all_rows(&site).len(), 2_000);
}

/// A client that goes is noticed while nothing is said to it.
#[test]
fn a_client_that_goes_cancels() {
    needs!(WordPress, Root);
    let (site, mut held) = halting();
    let (bridge, token) = with_token(&site);
    let all = destroy(EVERYBODY(), false);
    let sent = bridge.asking(&token, "", &operation("all-1", None), &all);
    let client = bridge.opens(sent.as_bytes());
    waiting(&site);
    drop(client);
    // Another one is answered meanwhile.
    let listed = bridge.asks(&token, "", &operation("look", None), &list(&["admin"]));
    assert_eq!(listed.line("done")["outcome"]["verdict"], "answered");
    held.say("ROLLBACK;");
    let ended = until("it is recorded", Duration::from_secs(30), || {
        let found = records(&bridge).into_iter().map(|it| it["entry"].clone());
        let mut found = found.filter(|it| it["what"] == "result" && it["operation"] == "all-1");
        found.next()
    });
    assert_eq!(ended["verdict"], "cancelled", "{ended}");
}

/// While nothing is said there is a sign of life. It stops when what runs is done, and says so; nobody
/// else is let in.
#[test]
fn a_graceful_stop() {
    needs!(WordPress, Root);
    let (site, mut held) = halting();
    let (mut bridge, token) = with_token(&site);
    let all = destroy(EVERYBODY(), false);
    let sent = bridge.asking(&token, "", &operation("all-1", None), &all);
    let mut client = bridge.opens(sent.as_bytes());
    waiting(&site);
    // Nothing happens, and that is said.
    let mut heard = Vec::new();
    while !heard.ends_with(b"{\"type\":\"pong\"}\n\r\n") {
        let mut more = [0; 4096];
        let count = client.read(&mut more).unwrap();
        assert_ne!(count, 0, "it has ended");
        heard.extend_from_slice(&more[..count]);
    }
    // The whole unit is told to stop, as systemd does.
    let front = Pid::from_raw(bridge.front().try_into().unwrap()).unwrap();
    kill_process(front, Signal::TERM).unwrap();
    bridge.signal(Signal::TERM);
    let address = bridge.address();
    until("nobody is let in", Duration::from_secs(30), || {
        std::net::TcpStream::connect(&address)
            .is_err()
            .then_some(())
    });
    held.say("ROLLBACK;");
    let reply = Bridge::rest(std::io::Cursor::new(heard).chain(client));
    assert_eq!(
        reply.line("done")["outcome"]["verdict"],
        "gone",
        "{reply:?}"
    );
    assert_eq!(reply.lines.last().unwrap()["type"], "audited");
    let (success, said) = bridge.ended();
    assert!(success, "{said}");
    assert!(all_rows(&site).is_empty());
}
