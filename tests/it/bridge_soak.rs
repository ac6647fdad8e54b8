//! Many requests, one after the other: memory and descriptors stay what they were.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;

use kickout_tests::{Bridge, needs, operation};
use serde_json::json;

use crate::bridge::{list, site};

/// After the first tenth, so that everything is there that is kept.
fn soak(requests: usize) {
    let site = site();
    site.login("admin", "A", "::1");
    let bridge = Bridge::of(&[("shop", &site)]);
    // Each may ask twenty times at once.
    let tokens = bridge.tokens(requests / 20, "sessions.list");
    let run = json!({"type": "run", "id": 1, "site": {}, "request": list(&["admin"])});
    let body = format!("{}\n{run}\n", operation("soak", None));
    let mut stream = BufReader::new(bridge.connect_from(Ipv4Addr::LOCALHOST));
    let mut ask = |token: &str| {
        let request = bridge
            .post(token, "", &body)
            .replace("Connection: close\r\n", "");
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut answered = false;
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(
                stream.read_line(&mut line).unwrap(),
                0,
                "it closed the connection"
            );
            answered |= line.contains("\"audited\"");
            match line.trim_end() {
                // The last chunk; behind it an empty line.
                "0" => break,
                line => assert!(
                    !line.contains("HTTP/1.1 ") || line.contains(" 200 "),
                    "{line}"
                ),
            }
        }
        stream.read_line(&mut line).unwrap();
        assert!(answered, "no end");
    };
    let mut before = None;
    for number in 0..requests {
        if number == requests / 10 {
            before = Some(bridge.holds());
        }
        ask(&tokens[number % tokens.len()]);
    }
    let ((memory, open), (now, open_now)) = (before.unwrap(), bridge.holds());
    eprintln!("{requests}: {memory} KiB and {open} descriptors, then {now} KiB and {open_now}");
    assert_eq!(open_now, open);
    // A twentieth, and a mebibyte that an allocator may keep.
    assert!(
        now <= memory + memory / 20 + 1024,
        "{memory} KiB, then {now} KiB"
    );
}

#[test]
fn five_hundred_requests() {
    needs!(WordPress, Root);
    soak(500);
}

/// Takes minutes with a program that is not optimized.
#[test]
fn ten_thousand_requests() {
    needs!(WordPress, Root, SlowAndFar);
    soak(10_000);
}
