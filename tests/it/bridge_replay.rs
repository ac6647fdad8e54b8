//! The same again, tokens that are guessed or stolen, and clients that are no controllers: each with
//! its status, and what the audit says of it.

use std::net::Ipv4Addr;

use kickout_tests::{Bridge, Reply, needs, operation};
use serde_json::{Value, json};

use crate::bridge::{list, named, site};

fn destroy(users: &[&str]) -> Value {
    json!({"session_destroy": {"what": {"all": named(users)}}})
}

fn body(operation: &Value, request: &Value) -> String {
    let run = json!({"type": "run", "id": 1, "site": {}, "request": request});
    format!("{operation}\n{run}\n")
}

/// The body of an answer, its chunks put together.
fn whole(answer: &[u8]) -> (u16, String) {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let (head, mut rest) = text.split_once("\r\n\r\n").unwrap();
    let status = head[9..12].parse().unwrap();
    if !head.contains("chunked") {
        return (status, rest.to_owned());
    }
    let mut body = String::new();
    while let Some((size, more)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body += &more[..size];
        rest = more[size..].strip_prefix("\r\n").unwrap();
    }
    (status, body)
}

/// Byte for byte what was said before, or why not; also after a restart.
#[test]
fn the_same_again() {
    needs!(WordPress, Root);
    let site = site();
    let mut bridge = Bridge::of(&[("shop", &site)]);
    let options = ["--scope=sessions.destroy.user", "--site=shop"];
    let [token, other] = [(); 2].map(|()| bridge.token(&options));
    let ask = |bridge: &Bridge, token: &str, body: &str| {
        whole(&bridge.says_to(bridge.post(token, "", body).as_bytes()))
    };
    let cookie = site.login("admin", "A", "::1");
    let one = operation("op", None);
    let first = body(&one, &destroy(&["admin"]));
    let (status, said) = ask(&bridge, &token, &first);
    assert!(
        status == 200 && said.contains("\"gone\""),
        "{status} {said}"
    );
    assert!(!site.cookie_is_valid(&cookie));

    let later = site.login("admin", "B", "::1");
    let moved = |seconds: i64| {
        let mut moved = operation("later", None);
        moved["issued"] = json!(moved["issued"].as_i64().unwrap() + seconds);
        body(&moved, &destroy(&["nobody"]))
    };
    for restarted in [false, true] {
        if restarted {
            bridge.kill_and_start();
        }
        let again = ask(&bridge, &token, &first);
        assert_eq!(again, (200, said.clone()), "restarted: {restarted}");
        // Of the same meaning, but not the same: it is not looked at what it means.
        let spaced = first.replacen(':', ": ", 1);
        for changed in [body(&one, &destroy(&["anna"])), spaced] {
            let (status, why) = ask(&bridge, &token, &changed);
            assert!(
                status == 409 && why.contains("this operation's name"),
                "{why}"
            );
        }
        for seconds in [-3600, 3600, -310, 310, i64::MAX / 2, i64::MIN / 2] {
            let (status, why) = ask(&bridge, &token, &moved(seconds));
            assert!(status == 401 && why.contains("clock"), "{seconds}: {why}");
        }
        assert!(site.cookie_is_valid(&later));
    }
    // Another token's operation of that name is another.
    let (status, said) = ask(&bridge, &other, &first);
    assert!(status == 200 && said.contains("\"gone\""), "{said}");
    assert!(!site.cookie_is_valid(&later));
}

/// Five bad tokens a minute from an address, whatever it says of where it comes from.
#[test]
fn a_token_is_guessed() {
    needs!(Root);
    let bridge = Bridge::of_no_site();
    let token = bridge.token(&["--scope=site.inspect", "--site=shop"]);
    let [guesser, other] = [Ipv4Addr::new(127, 0, 3, 1), Ipv4Addr::new(127, 0, 3, 2)];
    let ask = |peer: Ipv4Addr, token: &str, head: &str| {
        let request = bridge.post(
            token,
            head,
            &body(&operation("guess", None), &json!("doctor")),
        );
        whole(&bridge.says_to_from(peer, request.as_bytes()))
    };
    let mut answers = Vec::new();
    for number in 0..500 {
        // All but the end is right, and each pretends to come from elsewhere.
        let guess = format!("{}{:03}", &token[..token.len() - 3], number);
        let from = format!("X-Forwarded-For: 192.0.2.{}\r\n", number % 250);
        answers.push(ask(guesser, &guess, &from));
    }
    let statuses: Vec<_> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses[..5], [401; 5]);
    assert!(
        statuses[5..].iter().all(|status| *status == 429),
        "{statuses:?}"
    );
    // The right one is not heard from there either; from elsewhere it is.
    assert_eq!(ask(guesser, &token, "").0, 429);
    assert_eq!(ask(other, &token, "X-Forwarded-For: 127.0.3.1\r\n").0, 200);
    // What a proxy of ours says of its client counts, and only its own word.
    let behind = "X-Forwarded-For: 192.0.2.7, 127.0.3.1\r\n";
    assert_eq!(ask(Ipv4Addr::LOCALHOST, &token, behind).0, 429);
    // Each word for a token that does not count is the same.
    let unknown = format!("kob_{}_{}", "0".repeat(12), &token[17..]);
    let bodies = [unknown.as_str(), "", "kob_", "x"].map(|it| ask(other, it, "").1);
    assert!(bodies.iter().all(|it| *it == answers[0].1), "{bodies:?}");
    // The flood is in the audit, and does not fill the disk.
    let audit = std::fs::read_to_string(bridge.state().join("audit.jsonl")).unwrap();
    let refused = audit.lines().filter(|line| line.contains("127.0.3.1"));
    assert_eq!(refused.count(), 5, "{audit}");
    assert!(!audit.contains(&token[17..]));
}

/// A token that was stolen does what it was for, and leaves a trace of all else.
#[test]
fn a_token_is_stolen() {
    needs!(WordPress, Root);
    let (shop, blog) = (site(), site());
    let bridge = Bridge::of(&[("shop", &shop), ("blog", &blog)]);
    let token = bridge.token(&[
        "--scope=sessions.destroy.user",
        "--site=shop",
        "--max-users=100",
    ]);
    let cookies = [&shop, &blog].map(|site| site.login("admin", "A", "::1"));
    let crowd: Vec<_> = (0..10_000).map(|it| format!("u{it}")).collect();
    let crowd: Vec<_> = crowd.iter().map(String::as_str).collect();
    let rows = [
        (
            "any",
            "shop",
            json!({"session_destroy": {"what": {"all": {"selected": {}}}}}),
            "sessions.destroy.any",
        ),
        (
            "role",
            "shop",
            json!({"session_destroy": {"what": {"all": {"selected": {"roles": ["administrator"]}}}}}),
            "sessions.destroy.any",
        ),
        ("many", "shop", destroy(&crowd), "10000"),
        ("blog", "blog", destroy(&["admin"]), "site"),
        ("else", "elsewhere", destroy(&["admin"]), "site"),
        ("list", "shop", list(&["admin"]), "sessions.list"),
        ("canary", "shop", json!({"canary": {}}), "sessions.prove"),
    ];
    for (name, site, request, why) in &rows {
        let reply: Reply = bridge.asks(&token, "", &operation(name, Some(site)), request);
        assert_eq!(reply.status, 403, "{name}: {reply:?}");
        let said = reply.lines[0]["error"].as_str().unwrap();
        assert!(said.contains(why), "{name}: {said}");
    }
    assert!(shop.cookie_is_valid(&cookies[0]) && blog.cookie_is_valid(&cookies[1]));
    let audit = std::fs::read_to_string(bridge.state().join("audit.jsonl")).unwrap();
    let refused = audit
        .lines()
        .filter(|line| line.contains("\"refused\"") && line.contains(&token[4..16]));
    assert_eq!(refused.count(), rows.len(), "{audit}");
}

/// What is no JSON of a megabyte at most, and what browsers send.
#[test]
fn other_clients() {
    needs!(Root);
    let bridge = Bridge::of_no_site();
    let token = bridge.token(&["--scope=site.inspect", "--site=shop"]);
    let good = body(&operation("a", None), &json!("doctor"));
    let mebibyte = |more: usize| {
        good.trim_end().to_owned() + &" ".repeat((1 << 20) + more - good.len()) + "\n"
    };
    let deep = format!(
        "{}\n{{\"type\":\"run\",\"x\":{}{}}}\n",
        operation("a", None),
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let kind = |kind: &str| {
        bridge
            .post(&token, "", &good)
            .replace("Content-Type: application/json\r\n", kind)
    };
    let post = |body: &str| bridge.post(&token, "", body);
    let with = |head: &str| bridge.post(&token, head, &good);
    let rows = [
        ("as it should be", post(&good), 200, ""),
        ("a mebibyte", post(&mebibyte(0)), 200, ""),
        ("a byte more", post(&mebibyte(1)), 413, "too large"),
        (
            "gzip",
            with("Content-Encoding: gzip\r\n"),
            415,
            "not compressed",
        ),
        (
            "no coding",
            with("Content-Encoding: identity\r\n"),
            415,
            "not compressed",
        ),
        ("no type", kind(""), 415, "application/json"),
        (
            "text",
            kind("Content-Type: text/plain\r\n"),
            415,
            "application/json",
        ),
        (
            "a form",
            kind("Content-Type: application/x-www-form-urlencoded\r\n"),
            415,
            "application/json",
        ),
        (
            "JSON in a text",
            kind("Content-Type: text/plain; application/json\r\n"),
            415,
            "application/json",
        ),
        ("deep", post(&deep), 400, "deeper than 32"),
        ("nothing", post(""), 400, "two lines"),
        (
            "another name",
            post(&good).replace(&format!("Host: {}", bridge.address()), "Host: evil.test"),
            421,
            "another name",
        ),
        (
            "a name with a port",
            post(&good).replace("Host: 127.0.0.1:", "Host: localhost:"),
            421,
            "another name",
        ),
        (
            "another origin",
            with("Origin: https://evil.test\r\nCookie: a=b\r\n"),
            200,
            "",
        ),
        (
            "before another origin's",
            format!(
                "OPTIONS /v1/run HTTP/1.1\r\nHost: {}\r\nOrigin: https://evil.test\r\n\
             Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, content-type\r\n\r\n",
                bridge.address()
            ),
            405,
            "another method",
        ),
    ];
    for (what, request, status, why) in rows {
        let answer = bridge.says_to(request.as_bytes());
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        let (head, said) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        assert!(
            head.starts_with(&format!("http/1.1 {status} ")),
            "{what}: {text:.400}"
        );
        assert!(said.contains(why), "{what}: {said}");
        // A browser gives no page of another origin an answer that does not allow it.
        for never in [
            "access-control",
            "set-cookie",
            "content-encoding",
            "server:",
        ] {
            assert!(!head.contains(never), "{what}: {head}");
        }
        assert!(
            head.contains("no-store") && head.contains("nosniff"),
            "{what}: {head}"
        );
    }
}
