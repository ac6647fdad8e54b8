//! What a bridge does not answer, and what it does not start with.

use std::path::Path;
use std::process::Command;

use kickout_tests::{Bridge, needs, operation};
use serde_json::json;

use crate::bridge::{list, site};

/// HTTP/2 is not spoken: closed without a word.
const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Requests that mean two things, or nothing: refused, and the connection closed.
#[test]
fn requests_that_mean_nothing() {
    needs!(WordPress, Root);
    let site = site();
    let bridge = Bridge::of(&[("shop", &site)]);
    let token = bridge.token(&["--scope=sessions.list", "--site=shop"]);
    let at = bridge.address();
    let good = bridge.post(&token, "", "{}\n{}\n");
    let old = json!({"operation": "old", "issued": 1});
    let rows = [
        (
            format!("GET /v1/health HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"),
            200,
        ),
        (
            format!("GET /.well-known/kickout HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"),
            200,
        ),
        (
            "GET /v1/health HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n".to_owned(),
            421,
        ),
        (
            "GET /v1/health HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
            400,
        ),
        (
            format!("GET /v1/health HTTP/1.1\r\nHost: {at}\r\nHost: {at}\r\n\r\n"),
            400,
        ),
        (
            format!("GET http://{at}/v1/health HTTP/1.1\r\nHost: {at}\r\n\r\n"),
            400,
        ),
        (
            format!("GET /v1/health HTTP/1.0\r\nHost: {at}\r\n\r\n"),
            400,
        ),
        (
            format!("POST /v1/health HTTP/1.1\r\nHost: {at}\r\n\r\n"),
            405,
        ),
        (format!("GET /v1/run HTTP/1.1\r\nHost: {at}\r\n\r\n"), 405),
        (
            format!("GET //v1/health HTTP/1.1\r\nHost: {at}\r\n\r\n"),
            404,
        ),
        (
            format!("GET /v1/health/ HTTP/1.1\r\nHost: {at}\r\n\r\n"),
            404,
        ),
        (
            format!("GET /v1/%2e%2e/health HTTP/1.1\r\nHost: {at}\r\n\r\n"),
            404,
        ),
        (good.replace("application/json", "text/plain"), 415),
        (
            good.replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n"),
            415,
        ),
        (
            good.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n"),
            400,
        ),
        (
            good.replace(
                "Content-Length: 6",
                "Content-Length: 6\r\nContent-Length: 7",
            ),
            400,
        ),
        (
            good.replace("Content-Length: 6", "Content-Length: 2000000"),
            413,
        ),
        (
            good.replace("\r\n\r\n", &format!("\r\n{}\r\n", "X: y\r\n".repeat(100))),
            431,
        ),
        (
            good.replace(
                "\r\n\r\n",
                &format!("\r\nX: {}\r\n\r\n", "y".repeat(99_999)),
            ),
            431,
        ),
        (good, 400),
        (
            bridge.post(&token, "", &format!("{old}\n{{\"type\":\"ping\"}}\n")),
            400,
        ),
        (PREFACE.to_owned(), 0),
        ("\0\0\0\0\r\n\r\n".to_owned(), 400),
    ];
    for (bytes, status) in rows {
        let shown: String = bytes.chars().take(300).collect();
        let reply = bridge.sends(bytes.as_bytes());
        assert_eq!(reply.status, status, "{shown}\n{reply:?}");
    }
    // Of another hour.
    let reply = bridge.asks(&token, "", &old, &list(&["admin"]));
    assert_eq!(reply.status, 401, "{reply:?}");
    // A token that does not count, again and again: then nobody from there is heard for a while.
    for status in [401, 401, 401, 401, 401, 429] {
        let reply = bridge.asks("kob_x", "", &operation("x", None), &list(&["admin"]));
        assert_eq!(reply.status, status, "{reply:?}");
    }
    let reply = bridge.asks(&token, "", &operation("x", None), &list(&["admin"]));
    assert_eq!(reply.status, 429, "{reply:?}");
}

/// What would be unsafe does not start.
#[test]
fn what_does_not_start() {
    needs!(WordPress, Root);
    let site = site();
    let bridge = Bridge::of(&[("shop", &site)]);
    bridge.token(&["--scope=sessions.list", "--site=shop"]);
    let refused = |said: &str| {
        let output = bridge.command(&["check"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(said), "{text}");
    };
    let mode = |file: &Path, mode: &str| {
        let changed = Command::new("chmod").arg(mode).arg(file).status();
        assert!(changed.unwrap().success());
    };
    assert!(bridge.says(&["check"]).contains("would answer"));
    let tokens = bridge.state().join("tokens.json");
    mode(&tokens, "644");
    refused("tokens.json is not private");
    mode(&tokens, "600");
    mode(&bridge.state(), "750");
    refused("is not private");
    mode(&bridge.state(), "700");
    for (words, said) in [
        (
            &["token", "add", "x", "--scope=sessions.*", "--site=shop"][..],
            "there are sessions.list",
        ),
        (
            &["token", "add", "x", "--scope=sessions.list", "--site=other"],
            "there is no site",
        ),
        (
            &[
                "token",
                "add",
                "x",
                "--scope=sessions.list.self",
                "--site=shop",
            ],
            "whose it is",
        ),
        (
            &[
                "token",
                "add",
                "x",
                "--scope=sessions.list",
                "--site=shop",
                "--days=91",
            ],
            "90 days",
        ),
        (&["token", "revoke", "none"], "there is no token none"),
    ] {
        let output = bridge.command(words).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && text.contains(said),
            "{words:?}: {text}"
        );
    }
}
