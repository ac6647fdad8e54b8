//! Clients that are slow on purpose, by the hundred: somebody else is heard meanwhile, and memory
//! stays what it was.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use kickout_tests::{Bridge, needs, operation};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use crate::bridge::{list, site};

/// What all of the bridge's processes may hold meanwhile, in kibibytes.
const MOST_MEMORY: u64 = 64 * 1024;

/// How long the slowest but one of a hundred requests may take: thirty times what it took on a machine
/// with four times the work it could do. Whoever had to wait until a slow client runs into its limit
/// would wait for ten seconds at least.
const HEARD_WITHIN: Duration = Duration::from_secs(1);

/// So many sockets take more descriptors than a process usually may have.
fn many_descriptors() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
}

/// Connections from a hundred addresses that sent this and nothing more.
fn slow(bridge: &Bridge, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
    let from = |address: u8| -> Vec<_> {
        let one = |_| {
            let mut stream = bridge.connect_from(Ipv4Addr::new(127, 0, 1, address));
            // Those that it closed to let others in are none of ours any more.
            let _ = stream.write_all(bytes);
            stream
        };
        (0..count / 100).map(one).collect()
    };
    // At once: a greeting that finds the queue full is sent again a second later.
    std::thread::scope(|scope| {
        let all: Vec<_> = (1..=100).map(|it| scope.spawn(move || from(it))).collect();
        all.into_iter().flat_map(|it| it.join().unwrap()).collect()
    })
}

/// That a hundred requests from elsewhere are each answered; the time the slowest but one took.
fn heard(bridge: &Bridge) -> Duration {
    let at = bridge.address();
    let head = format!("GET /v1/health HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    let mut took: Vec<_> = (0..100)
        .map(|number| {
            let start = Instant::now();
            let answer = bridge.says_to_from(Ipv4Addr::new(127, 0, 2, 1), head.as_bytes());
            let text = String::from_utf8_lossy(&answer);
            assert!(
                text.starts_with("HTTP/1.1 200"),
                "request {number}: {text:?}"
            );
            start.elapsed()
        })
        .collect();
    took.sort();
    took[98]
}

fn check(bridge: &Bridge, what: &str) {
    let p99 = heard(bridge);
    let (memory, _) = bridge.holds();
    eprintln!("{what}: p99 {p99:?}, {memory} KiB");
    assert!(p99 < HEARD_WITHIN, "{what}: {p99:?}");
    assert!(memory < MOST_MEMORY, "{what}: {memory} KiB");
}

#[test]
fn two_thousand_slow_heads() {
    needs!(Root);
    let bridge = Bridge::of_no_site();
    many_descriptors();
    let held = slow(&bridge, 2_000, b"POST /v1/run HTTP/1.1\r\nHost: 127");
    check(&bridge, "2,000 slow heads");
    drop(held);
    let silent = slow(&bridge, 2_000, b"");
    check(&bridge, "2,000 silent connections");
    drop(silent);
    // One address alone takes nobody's place but its own.
    let one = |_| bridge.connect_from(Ipv4Addr::new(127, 0, 1, 1));
    let alone: Vec<_> = (0..100).map(one).collect();
    check(&bridge, "100 of one address");
    drop(alone);
}

#[test]
fn five_hundred_slow_bodies() {
    needs!(Root);
    let bridge = Bridge::of_no_site();
    many_descriptors();
    let token = bridge.token(&["--scope=site.inspect", "--site=shop"]);
    let whole = bridge.post(&token, "", &"x".repeat(1_000));
    // Nearly all of it, and never the rest.
    let held = slow(&bridge, 500, &whole.as_bytes()[..whole.len() - 1]);
    check(&bridge, "500 slow bodies");
    drop(held);
}

/// Who asks for much more than sockets hold and reads nothing makes the agent wait, not the bridge remember; all of it is
/// there when it is read after all.
#[test]
fn slow_readers() {
    needs!(WordPress, Root);
    let site = site();
    let count = 8_000;
    let entry = |number: usize| {
        format!(
            "s:64:\"{number:064x}\";a:4:{{s:10:\"expiration\";i:4102444800;s:2:\"ip\";s:3:\"::1\";\
             s:2:\"ua\";s:200:\"{}\";s:5:\"login\";i:1700000000;}}",
            "x".repeat(200)
        )
    };
    let entries: String = (0..count).map(entry).collect();
    site.set_raw(1, format!("a:{count}:{{{entries}}}").as_bytes());
    let bridge = Bridge::of(&[("shop", &site)]);
    let token = bridge.token(&["--scope=sessions.list", "--site=shop"]);
    let run = json!({"type": "run", "id": 1, "site": {}, "request": list(&["admin"])});
    let body = format!("{}\n{run}\n", operation("slow", None));
    let request = bridge.post(&token, "", &body);
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = bridge.connect_from(Ipv4Addr::LOCALHOST);
            stream.write_all(request.as_bytes()).unwrap();
            // It has begun.
            let mut first = [0; 15];
            stream.read_exact(&mut first).unwrap();
            assert_eq!(&first, b"HTTP/1.1 200 OK");
            stream
        })
        .collect();
    check(&bridge, "2 slow readers");
    for mut reader in readers {
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).unwrap();
        let text = String::from_utf8_lossy(&answer);
        let told = text.matches("\"type\":\"event\"").count();
        assert!(told >= count && text.contains("\"audited\""), "{told}");
    }
}

#[test]
fn five_hundred_idle_handshakes() {
    needs!(Root);
    let (bridge, folder) = Bridge::of_no_site_over_tls();
    many_descriptors();
    // The head of a record that would be a ClientHello, and half of it.
    let held = slow(&bridge, 500, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03");
    let address = format!("https://{}/v1/health", bridge.address());
    for number in 0..20 {
        let output = Command::new("curl")
            .args([
                "-sS",
                "--interface",
                "127.0.2.1",
                "-o",
                "/dev/null",
                "--max-time",
            ])
            .arg("5")
            .arg("--cacert")
            .arg(folder.join("ca.pem"))
            .args(["-w", "%{http_code} %{time_total}", &address])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.starts_with("200 "), "{number}: {output:?}");
        eprintln!("{said}");
    }
    let (memory, _) = bridge.holds();
    assert!(memory < MOST_MEMORY, "{memory} KiB");
    drop(held);
}
