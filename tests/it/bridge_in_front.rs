//! A bridge behind the web server of its site: real nginx and Apache with the lines of docs/bridge.md.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use kickout_tests::{Bridge, InFront, Site, needs, operation, until};
use serde_json::{Value, json};

use crate::bridge::{list, named, site};
use crate::held::Held;

/// Where the client is.
const WHO: Ipv4Addr = Ipv4Addr::new(127, 0, 3, 9);

/// A request through the web server.
fn post(token: &str, head: &str, name: &str, request: &Value) -> String {
    let run = json!({"type": "run", "id": 1, "site": {}, "request": request});
    let body = format!("{}\n{run}\n", operation(name, None));
    format!(
        "POST /.well-known/kickout/v1/run HTTP/1.1\r\nHost: shop.test\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nAccept-Encoding: gzip\r\n\
         Connection: close\r\n{head}\r\n{body}",
        body.len()
    )
}

fn whole(mut stream: TcpStream, bytes: &str) -> String {
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn destroy() -> Value {
    json!({"session_destroy": {"what": {"all": named(&["admin"])}}})
}

/// Nobody changes the sessions meanwhile; who reads them may.
fn locked(site: &Site) -> Held {
    let lock =
        "BEGIN; SELECT umeta_id FROM wp_usermeta WHERE meta_key = 'session_tokens' FOR UPDATE;";
    Held::on_server(site.database(), lock)
}

fn check(start: impl Fn(&Bridge) -> InFront) {
    let site = site();
    let bridge = Bridge::of(&[("shop", &site)]);
    let options = [
        "--scope=sessions.destroy.user",
        "--scope=sessions.list",
        "--site=shop",
    ];
    let token = bridge.token(&options);
    let front = start(&bridge);
    let get = |path: &str| {
        whole(
            front.connect_from(WHO),
            &format!("GET {path} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"),
        )
    };
    let said = get("/.well-known/kickout");
    assert!(
        said.starts_with("HTTP/1.1 200") && said.contains(r#"{"path":"/.well-known/kickout"}"#),
        "{said}\n{}",
        front.log()
    );
    assert!(get("/.well-known/kickout/v1/health").contains("protocol"));
    assert!(
        get("/v1/health").starts_with("HTTP/1.1 404"),
        "nothing else is passed on"
    );

    // What happens is told when it happens: the end cannot be there yet.
    let cookie = site.login("admin", "A", "::1");
    let mut lock = locked(&site);
    let mut stream = front.connect_from(WHO);
    stream
        .write_all(post(&token, "", "out", &destroy()).as_bytes())
        .unwrap();
    let mut lines = BufReader::new(stream);
    let mut seen = String::new();
    while !seen.contains("\"begun\"") {
        assert_ne!(lines.read_line(&mut seen).unwrap(), 0, "{seen}");
    }
    assert!(!seen.to_lowercase().contains("content-encoding"), "{seen}");
    lock.say("ROLLBACK;");
    lines.read_to_string(&mut seen).unwrap();
    assert!(
        seen.contains("\"gone\"") && seen.contains("\"audited\""),
        "{seen}"
    );
    assert!(!site.cookie_is_valid(&cookie));

    // A client that goes cancels what it began: nobody waits for a look that is far off.
    let cookie = site.login("admin", "B", "::1");
    let mut patient = destroy();
    patient["session_destroy"]["settle_ms"] = json!(100_000);
    let mut stream = front.connect_from(WHO);
    stream
        .write_all(post(&token, "", "left", &patient).as_bytes())
        .unwrap();
    until("the session is gone", Duration::from_secs(30), || {
        (!site.cookie_is_valid(&cookie)).then_some(())
    });
    drop(stream);
    let audit = || std::fs::read_to_string(bridge.state().join("audit.jsonl")).unwrap();
    let result = || {
        let audit = audit();
        let mut results = audit.lines().filter(|line| line.contains("\"result\""));
        results
            .find(|line| line.contains("\"left\""))
            .map(str::to_owned)
    };
    // Apache sees it when it passes on the next sign of life.
    let result = until("the run has ended", Duration::from_secs(40), result);
    assert!(!result.contains("\"gone\""), "{result}");

    // The bridge sees who asks, whatever he says of that, and shuts nobody else out.
    for number in 0..6 {
        let spoofed = "X-Forwarded-For: 192.0.2.1\r\n";
        let said = whole(
            front.connect_from(WHO),
            &post("kob_x", spoofed, "who", &list(&["admin"])),
        );
        let status = if number < 5 {
            "HTTP/1.1 401"
        } else {
            "HTTP/1.1 429"
        };
        assert!(said.starts_with(status), "{said}");
    }
    let other = front.connect_from(Ipv4Addr::new(127, 0, 3, 10));
    let said = whole(other, &post(&token, "", "who", &list(&["admin"])));
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    let audit = audit();
    assert!(
        audit.contains("\"peer\":\"127.0.3.9\"") && !audit.contains("192.0.2.1"),
        "{audit}"
    );
}

/// A silence that is longer than either waits for an answer: there are signs of life.
#[test]
fn a_long_silence() {
    needs!(WordPress, Root, Fpm, SlowAndFar);
    let site = site();
    let bridge = Bridge::of(&[("shop", &site)]);
    let token = bridge.token(&["--scope=sessions.destroy.user", "--site=shop"]);
    let mut patient = destroy();
    patient["session_destroy"]["settle_ms"] = json!(70_000);
    for (name, front) in [
        ("nginx", InFront::nginx(&bridge)),
        ("apache", InFront::apache(&bridge)),
    ] {
        site.login("admin", "A", "::1");
        let said = whole(front.connect_from(WHO), &post(&token, "", name, &patient));
        assert_eq!(said.matches("\"pong\"").count(), 4, "{name}: {said}");
        assert!(
            said.contains("\"gone\"") && said.contains("\"audited\""),
            "{name}: {said}"
        );
    }
}

#[test]
fn nginx() {
    needs!(WordPress, Root, Fpm);
    check(InFront::nginx);
}

#[test]
fn apache() {
    needs!(WordPress, Root, Fpm);
    check(InFront::apache);
}
