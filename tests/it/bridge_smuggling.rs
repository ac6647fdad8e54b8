//! Bytes that one server could take for one request and another for two: one answer, and the end of
//! the connection. Sent raw, with a second request behind.

use kickout_tests::{Bridge, needs, operation};
use serde_json::json;

/// The statuses in what came back, in order.
fn statuses(answer: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(answer);
    let parts = text.split("HTTP/1.").skip(1);
    parts
        .filter_map(|part| part.get(2..5)?.parse().ok())
        .collect()
}

/// A bridge, a token, and a request that is answered with 200 and keeps the connection.
fn asked() -> (Bridge, String) {
    let bridge = Bridge::of_no_site();
    let token = bridge.token(&["--scope=site.inspect", "--site=shop"]);
    let run = json!({"type": "run", "id": 1, "site": {}, "request": "doctor"});
    let body = format!("{}\n{run}\n", operation("smuggled", None));
    let request = bridge.post(&token, "", &body);
    (bridge, request.replace("Connection: close\r\n", ""))
}

#[test]
fn one_meaning_or_one_answer() {
    needs!(Root);
    let (bridge, good) = asked();
    let (head, body) = good.split_once("\r\n\r\n").unwrap();
    let length = format!("Content-Length: {}", body.len());
    let bare = head.replace(&format!("\r\n{length}"), "");
    assert!(!bare.contains("Content-Length"));
    let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let with = |lines: &str, body: &str| format!("{bare}\r\n{lines}\r\n\r\n{body}");
    let chunked = |lines: &str| with(lines, &chunk);
    let sized = |lines: &str| with(&format!("{length}\r\n{lines}"), body);
    let at = bridge.address();
    let get = format!("GET /v1/health HTTP/1.1\r\nHost: {at}\r\n");
    // What was meant, and what it is answered with; nothing for a connection that is only closed.
    let rows: Vec<(&str, String, &[u16])> = vec![
        (
            "CL, TE",
            chunked(&format!("{length}\r\nTransfer-Encoding: chunked")),
            &[400],
        ),
        (
            "TE, CL",
            chunked(&format!("Transfer-Encoding: chunked\r\n{length}")),
            &[400],
        ),
        ("TE alone", chunked("Transfer-Encoding: chunked"), &[400]),
        (
            "TE twice",
            chunked("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
            &[400],
        ),
        (
            "TE twice in a line",
            chunked("Transfer-Encoding: chunked, chunked"),
            &[400],
        ),
        (
            "TE identity first",
            chunked("Transfer-Encoding: identity, chunked"),
            &[400],
        ),
        (
            "TE identity last",
            chunked("Transfer-Encoding: chunked, identity"),
            &[400],
        ),
        (
            "TE of one's own",
            chunked("Transfer-Encoding: xchunked"),
            &[400],
        ),
        ("TE loud", chunked("TRANSFER-ENCODING: CHUNKED"), &[400]),
        (
            "TE quoted",
            chunked("Transfer-Encoding: \"chunked\""),
            &[400],
        ),
        (
            "TE and a tab",
            chunked("Transfer-Encoding:\tchunked"),
            &[400],
        ),
        (
            "TE and VT",
            chunked("Transfer-Encoding:\x0bchunked"),
            &[400],
        ),
        (
            "TE and a space before the colon",
            chunked("Transfer-Encoding : chunked"),
            &[400],
        ),
        (
            "TE folded",
            chunked("Transfer-Encoding:\r\n chunked"),
            &[400],
        ),
        (
            "TE with CL behind a bare LF",
            chunked(&format!("{length}\nTransfer-Encoding: chunked")),
            &[400],
        ),
        (
            "TE with CL behind a bare CR",
            chunked(&format!("{length}\rTransfer-Encoding: chunked")),
            &[400],
        ),
        (
            "extensions of a mebibyte",
            with(
                "Transfer-Encoding: chunked",
                &format!(
                    "{:x};{}\r\n{body}\r\n0\r\n\r\n",
                    body.len(),
                    "x".repeat(1 << 20)
                ),
            ),
            &[400],
        ),
        (
            "chunks as long as memory",
            with("Transfer-Encoding: chunked", "ffffffffffffffff\r\n"),
            &[400],
        ),
        (
            "TE of another name",
            chunked("Transfer_Encoding: chunked"),
            &[400],
        ),
        ("two CL", sized("Content-Length: 7"), &[400]),
        (
            "two CL, the other way",
            with(&format!("Content-Length: 0\r\n{length}"), body),
            &[400],
        ),
        (
            "CL in a list",
            with(&format!("{length}, {}", body.len()), body),
            &[400],
        ),
        (
            "CL of a sign",
            with(&length.replace(": ", ": +"), body),
            &[400],
        ),
        ("CL below zero", with("Content-Length: -1", body), &[400]),
        (
            "CL in hex",
            with(&format!("Content-Length: {:#x}", body.len()), body),
            &[400],
        ),
        (
            "CL of 2^64",
            with("Content-Length: 18446744073709551616", body),
            &[400],
        ),
        ("CL of nothing", with("Content-Length: ", body), &[400]),
        (
            "CL and a space before the colon",
            with(&length.replace(':', " :"), body),
            &[400],
        ),
        ("no CL", with("X: y", body), &[400]),
        ("too short a CL", with("Content-Length: 3", body), &[400]),
        ("folded", sized("X: a\r\n b"), &[400]),
        (
            "folded first",
            format!("POST /v1/run HTTP/1.1\r\n {}", &sized("X: a")[23..]),
            &[400],
        ),
        ("NUL in a value", sized("X: a\0b"), &[400]),
        ("CR in a value", sized("X: a\rb"), &[400]),
        ("NUL in a name", sized("X\0: a"), &[400]),
        ("a name of none", sized(": a"), &[400]),
        ("a line of no field", sized("x"), &[400]),
        ("two Hosts", sized(&format!("Host: {at}")), &[400]),
        ("two tokens", sized("Authorization: Bearer kob_x"), &[401]),
        (
            "10,000 fields",
            sized(&"X: y\r\n".repeat(10_000)[..59_998]),
            &[431],
        ),
        (
            "a mebibyte of a field",
            sized(&format!("X: {}", "y".repeat(1 << 20))),
            &[431],
        ),
        (
            "a mebibyte of a path",
            format!("GET /{} HTTP/1.1\r\n", "y".repeat(1 << 20)),
            &[431],
        ),
        (
            "GET with a body",
            format!("{get}Content-Length: 5\r\n\r\nGET /"),
            &[400],
        ),
        (
            "GET in chunks",
            format!("{get}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            &[400],
        ),
        (
            "an older HTTP",
            good.replace("HTTP/1.1", "HTTP/1.0"),
            &[400],
        ),
        ("no HTTP", good.replace(" HTTP/1.1", ""), &[400]),
        ("HTTP/0.9", "GET /v1/health\r\n\r\n".to_owned(), &[400]),
        ("HTTP/1.2", good.replace("HTTP/1.1", "HTTP/1.2"), &[400]),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &[]),
        (
            "a tunnel",
            format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n"),
            &[400],
        ),
        (
            "TLS to plain HTTP",
            "\x16\x03\x01\x02\0\x01\0".to_owned(),
            &[400],
        ),
    ];
    let smuggled = format!("{get}\r\n");
    for (what, first, expected) in rows {
        let answer = bridge.says_to(format!("{first}{smuggled}").as_bytes());
        assert_eq!(statuses(&answer), expected, "{what}: {first:.400}");
    }
    // That the second is answered where the first means one thing: two requests are two.
    let last = smuggled.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let same = format!("{length}\r\n{length}");
    for (what, first) in [
        ("as it should be", good.clone()),
        ("the same length twice", with(&same, body)),
        // RFC 9112 lets it end a line; nothing can hide behind it, as the rows above show.
        ("a bare LF", good.replacen("\r\n", "\n", 1)),
        (
            "another protocol that is offered",
            sized(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
            ),
        ),
    ] {
        let answer = bridge.says_to(format!("{first}{last}").as_bytes());
        assert_eq!(statuses(&answer), [200, 200], "{what}");
    }
}

/// Places that are none, and other methods: no way up or around.
#[test]
fn only_these_places() {
    needs!(Root);
    let (bridge, _) = asked();
    let at = bridge.address();
    let rows = [
        ("GET", "/v1/health", 200),
        ("GET", "/v1/health?x=/v1/run", 200),
        ("GET", "/.well-known/kickout", 200),
        ("GET", "/.well-known/kickout/v1/health", 200),
        (
            "GET",
            "/.well-known/kickout/.well-known/kickout/v1/health",
            404,
        ),
        ("GET", "/.well-known/kickout/", 404),
        ("GET", "/.well-known/kickoutv1/health", 404),
        ("GET", "/", 404),
        ("GET", "//v1/health", 404),
        ("GET", "/v1//health", 404),
        ("GET", "/v1/health/", 404),
        ("GET", "/v1/%68ealth", 404),
        ("GET", "/v1/%2e%2e/v1/health", 404),
        ("GET", "/v1/../v1/health", 404),
        ("GET", "/V1/HEALTH", 404),
        ("GET", "/v1/health%00", 404),
        ("GET", "/v1/health;x", 404),
        ("GET", "v1/health", 400),
        ("GET", "*", 404),
        ("GET", "http://evil.test/v1/health", 400),
        ("GET", "//evil.test/v1/health", 404),
        ("HEAD", "/v1/health", 405),
        ("OPTIONS", "/v1/run", 405),
        ("OPTIONS", "*", 404),
        ("TRACE", "/v1/health", 405),
        ("PUT", "/v1/run", 405),
        ("DELETE", "/v1/run", 405),
        ("PATCH", "/v1/run", 405),
        ("KICKOUT", "/v1/run", 405),
        ("GET", "/v1/run", 405),
    ];
    for (method, path, status) in rows {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
        let answer = bridge.says_to(head.as_bytes());
        assert_eq!(statuses(&answer), [status], "{method} {path}");
    }
}
