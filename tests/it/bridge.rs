//! The bridge as a foreign client meets it: what a token allows, once, with a record of it.

use std::path::Path;

use kickout_tests::{Bridge, Kickout, Scratch, Site, WordPress, needs, operation, quoted};
use serde_json::{Value, json};

pub(crate) fn named(users: &[&str]) -> Value {
    let users = users.iter().map(|user| json!({"text": user, "by": "any"}));
    json!({"named": users.collect::<Vec<_>>()})
}

pub(crate) fn list(users: &[&str]) -> Value {
    json!({"session_list": {"who": named(users)}})
}

pub(crate) fn destroy(who: Value, dry_run: bool) -> Value {
    json!({"session_destroy": {"what": {"all": who}, "dry_run": dry_run}})
}

pub(crate) const EVERYBODY: fn() -> Value = || json!({"selected": {}});

pub(crate) fn site() -> Site {
    let site = WordPress::new().install();
    site.add_user("anna", "editor");
    site
}

/// With nothing but `curl`: a listing, a logout, and the same logout again.
#[test]
fn what_curl_can_do() {
    needs!(WordPress, Root);
    let site = site();
    let mut bridge = Bridge::of(&[("shop", &site)]);
    let options = [
        "--scope=sessions.list",
        "--scope=sessions.destroy.user",
        "--site=shop",
    ];
    let token = bridge.token(&options);
    let files = Scratch::new("curl");
    let head = files.write("token", format!("Authorization: Bearer {token}\n"));
    let curl = |operation: &Value, request: &Value| {
        let run = json!({"type": "run", "id": 1, "site": {}, "request": request});
        let body = files.write("body", format!("{operation}\n{run}\n"));
        // A token in an argument would stand in the list of processes.
        let script = format!(
            "curl -sS -H @{} -H 'Content-Type: application/json' --data-binary @{} http://{}/v1/run",
            quoted(head.to_str().unwrap()),
            quoted(body.to_str().unwrap()),
            bridge.address()
        );
        let shell = Kickout::program(Path::new("/bin/sh")).args(["-c", &script]);
        shell.run().success().stdout
    };
    let [kept, cookie] = ["anna", "admin"].map(|user| site.login(user, "A", "::1"));
    let listed = curl(&operation("look-1", None), &list(&["admin"]));
    assert!(
        listed.contains(&cookie.verifier) && listed.contains("\"answered\""),
        "{listed}"
    );
    let out = operation("out-1", None);
    let done = curl(&out, &destroy(named(&["admin"]), false));
    assert!(
        done.contains("Destroyed all sessions.") && done.contains("\"gone\""),
        "{done}"
    );
    assert!(!site.cookie_is_valid(&cookie) && site.cookie_is_valid(&kept));

    // The same again is answered with the same, and logs nobody out who came since.
    let later = site.login("admin", "B", "::1");
    assert_eq!(curl(&out, &destroy(named(&["admin"]), false)), done);
    let other = curl(&out, &destroy(named(&["anna"]), false));
    assert!(
        other.contains("another request had this operation's name"),
        "{other}"
    );
    bridge.kill_and_start();
    let script = |request: Value| bridge.asks(&token, "", &out, &request).lines;
    let again = script(destroy(named(&["admin"]), false));
    let first: Vec<Value> = done
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(again, first, "after a restart");
    assert_eq!(site.valid_cookies(&[later, kept]), [true; 2]);

    // Each of it is in the audit, and the head that came with the answer is in the chain.
    let head = first.last().unwrap()["head"].as_str().unwrap().to_owned();
    let verify = |head: &str| {
        bridge
            .command(&["audit", "verify", &format!("--head={head}")])
            .output()
    };
    assert!(verify(&head).unwrap().status.success());
    let audit = bridge.state().join("audit.jsonl");
    let text = std::fs::read_to_string(&audit).unwrap();
    assert_eq!(text.matches("\"what\":\"intent\"").count(), 2, "{text}");
    assert!(
        text.contains("\"out-1\"") && !text.contains(&token[17..]),
        "{text}"
    );
    let cut = text
        .lines()
        .take(3)
        .map(|line| format!("{line}\n"))
        .collect::<String>();
    std::fs::write(&audit, cut).unwrap();
    let found = verify(&head).unwrap();
    let said = String::from_utf8_lossy(&found.stderr).into_owned();
    assert!(
        !found.status.success() && said.contains("the tail was cut"),
        "{said}"
    );
}

/// Every kind of command, every privilege, and every state of a token.
#[test]
fn commands_scopes_and_tokens() {
    needs!(WordPress, Root);
    let (shop, blog) = (site(), site());
    let bridge = Bridge::of(&[("shop", &shop), ("blog", &blog)]);
    let commands = [
        (
            list(&["admin"]),
            "sessions.list",
            Some("sessions.list.self"),
        ),
        (
            json!({"session_list": {"who": EVERYBODY()}}),
            "sessions.list",
            None,
        ),
        (
            destroy(named(&["admin"]), true),
            "sessions.destroy.user",
            Some("sessions.destroy.self"),
        ),
        (destroy(EVERYBODY(), true), "sessions.destroy.any", None),
        (json!({"user_list": {}}), "users.list", None),
        (json!("doctor"), "site.inspect", None),
        (json!({"canary": {}}), "sessions.prove", None),
        (
            json!({"canary": {"user": {"text": "anna", "by": "any"}}}),
            "agent.admin",
            None,
        ),
    ];
    let scopes = [
        "sessions.list.self",
        "sessions.destroy.self",
        "sessions.list",
        "sessions.destroy.user",
        "sessions.destroy.any",
        "sessions.prove",
        "users.list",
        "site.inspect",
        "agent.admin",
    ];
    let mut asked = 0;
    for scope in scopes {
        let options = [&format!("--scope={scope}"), "--site=shop", "--user=1"];
        for (request, anybody, own) in &commands {
            // New ones each time: none may ask too often.
            let [token, revoked] = [(); 2].map(|()| bridge.token(&options));
            bridge.says(&["token", "revoke", &revoked[4..16]]);
            let mut status = |token: &str, site: &str| {
                asked += 1;
                let name = operation(&format!("op-{asked}"), Some(site));
                // Nor one address show too many that do not count.
                let from = format!(
                    "X-Forwarded-For: 192.0.2.1, 198.51.{}.{}\r\n",
                    asked / 250,
                    asked % 250
                );
                bridge.asks(token, &from, &name, request).status
            };
            let allowed = scope == *anybody || Some(scope) == *own;
            let expected = if allowed { 200 } else { 403 };
            assert_eq!(status(&token, "shop"), expected, "{scope} {request}");
            assert_eq!(status(&token, "blog"), 403, "{scope} {request}");
            assert_eq!(status(&token, "nowhere"), 403, "{scope} {request}");
            assert_eq!(status(&revoked, "shop"), 401, "{scope} {request}");
            assert_eq!(status("", "shop"), 401, "{scope} {request}");
            assert_eq!(
                status(&format!("{token}A"), "shop"),
                401,
                "{scope} {request}"
            );
        }
    }
}

/// A token of one user's own: nobody else, whatever is typed.
#[test]
fn ones_own_sessions_alone() {
    needs!(WordPress, Root);
    let site = site();
    let bridge = Bridge::of(&[("shop", &site)]);
    let anna = site
        .php("return get_user_by('login', 'anna')->ID;")
        .to_string();
    let token = bridge.token(&[
        "--scope=sessions.destroy.self",
        "--site=shop",
        &format!("--user={anna}"),
    ]);
    let cookies = site.logins(&[("admin", "A", "::1"), ("anna", "A", "::1")]);
    for (number, user) in ["admin", "1", "ghost"].into_iter().enumerate() {
        let name = operation(&format!("op-{number}"), None);
        let reply = bridge.asks(&token, "", &name, &destroy(named(&[user]), false));
        let said = reply.line("event").to_string() + &format!("{:?}", reply.lines);
        assert!(said.contains("for one user alone"), "{said}");
        assert_eq!(reply.line("done")["outcome"]["verdict"], "failed");
    }
    assert_eq!(site.valid_cookies(&cookies), [true; 2]);
    let name = operation("op-own", None);
    let reply = bridge.asks(&token, "", &name, &destroy(named(&["anna"]), false));
    assert_eq!(reply.line("done")["outcome"]["verdict"], "gone");
    assert_eq!(site.valid_cookies(&cookies), [true, false]);
    // Bounds are the token's; a client that brings its own may mean less than what would be done.
    let run = json!({"type": "run", "id": 1, "site": {"bounds": {"only_user": 1}},
        "request": destroy(named(&["admin"]), false)});
    let body = format!("{}\n{run}\n", operation("op-forged", None));
    let reply = bridge.sends(bridge.post(&token, "", &body).as_bytes());
    assert_eq!(reply.status, 400, "{reply:?}");
    assert_eq!(site.valid_cookies(&cookies), [true, false]);
}
