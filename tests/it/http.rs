//! `--http`: the same words, output, exit codes and verdicts as on the host itself.

use std::time::Duration;

use kickout_tests::{Bridge, Chaos, Kickout, Proxy, Way, free_port, needs, until};

use crate::bridge::site;

const EVERYTHING: [&str; 7] = [
    "--scope=sessions.list",
    "--scope=sessions.destroy.user",
    "--scope=sessions.destroy.any",
    "--scope=sessions.prove",
    "--scope=users.list",
    "--scope=site.inspect",
    "--site=shop",
];

fn over(bridge: &Bridge, token: &str) -> Kickout {
    Kickout::new()
        .env("KICKOUT_TOKEN", token)
        .arg(format!("--http=http://{}", bridge.address()))
}

/// Each command says over HTTP what it says on the host.
#[test]
fn as_on_the_host() {
    needs!(WordPress, Root);
    let site = site();
    let bridge = Bridge::of(&[("shop", &site)]);
    let token = bridge.token(&EVERYTHING);
    let logins = [
        ("admin", "A", "::1"),
        ("admin", "B", "::1"),
        ("anna", "C", "::1"),
    ];
    let mut cookies = site.logins(&logins);
    let rows: [(&[&str], i32); 9] = [
        (&["user", "list"], 0),
        (&["user", "session", "list", "admin"], 0),
        (
            &["user", "session", "list", "admin", "anna", "--format=json"],
            0,
        ),
        (
            &["user", "session", "list", "--all-users", "--format=csv"],
            0,
        ),
        (&["user", "session", "list", "nobody"], 1),
        (
            &["user", "session", "destroy", "admin", "--dry-run", "--all"],
            0,
        ),
        (
            &["user", "session", "destroy", "--all-users", "--dry-run"],
            0,
        ),
        (&["user", "session", "destroy", "admin", "deadbeef"], 1),
        (&["user", "session", "destroy", "nobody", "--all"], 1),
    ];
    for (words, code) in rows {
        let here = Kickout::at(&site).args(words).run().code(code);
        let there = over(&bridge, &token).args(words).run().code(code);
        assert_eq!(there.stdout, here.stdout, "{words:?}");
        assert_eq!(there.stderr, here.stderr, "{words:?}");
    }
    over(&bridge, &token)
        .args([
            "user",
            "session",
            "destroy",
            "admin",
            &cookies[0].verifier[..12],
        ])
        .run()
        .success()
        .stdout("Success: Destroyed session. 1 session remaining.\n");
    assert_eq!(site.valid_cookies(&cookies), [false, true, true]);
    over(&bridge, &token)
        .args(["user", "session", "destroy", "admin", "--all"])
        .run()
        .success()
        .stdout("Success: Destroyed all sessions.\n")
        .never_says(&token);
    assert_eq!(site.valid_cookies(&cookies), [false, false, true]);
    let doctor = over(&bridge, &token).arg("doctor").run().success();
    for part in ["connect", "bridge", "below /.well-known/kickout", "DB_HOST"] {
        assert!(doctor.stdout.contains(part), "{part}: {}", doctor.stdout);
    }
    cookies.push(site.login("admin", "D", "::1"));
    over(&bridge, &token)
        .args(["user", "session", "destroy", "--all-users", "--yes"])
        .run()
        .success();
    assert_eq!(site.valid_cookies(&cookies), [false; 4]);
}

/// Where a token comes from, and what is said where none does. It is never shown.
#[test]
fn tokens_and_where_they_lie() {
    needs!(WordPress, Root);
    let site = site();
    let bridge = Bridge::of(&[("shop", &site), ("blog", &site)]);
    let token = bridge.token(&EVERYTHING);
    let list = |kickout: Kickout| {
        kickout
            .arg(format!("--http=http://{}", bridge.address()))
            .args([
                "--path=shop",
                "user",
                "session",
                "list",
                "admin",
                "--format=count",
            ])
            .run()
            .never_says(&token)
    };
    let kept = format!(".config/kickout/tokens/{}", bridge.address());
    let file = |mode: u32, text: &str| Kickout::new().home_secret(&kept, text, mode);
    list(file(0o600, &format!("{token}\n")))
        .success()
        .stdout("0\n");
    let named = format!("--http-token-file=~/{kept}");
    list(file(0o600, &token).arg(&named)).success();
    let setting = "kickout:\n  http-token-file: ~/token\n";
    let set = Kickout::new()
        .home_secret("token", &token, 0o400)
        .home_file(".wp-cli/config.yml", setting);
    list(set).success();
    // What was named wins over what is set.
    list(
        file(0o600, &token)
            .arg(&named)
            .env("KICKOUT_TOKEN", "kob_wrong"),
    )
    .success();

    for (kickout, code, said) in [
        (Kickout::new(), 2, "there is no token for 127.0.0.1:"),
        (file(0o640, &token), 2, "can be read by others"),
        (file(0o600, "Bearer x"), 2, "holds is no token of a bridge"),
        (
            Kickout::new().env("KICKOUT_TOKEN", "s3cret"),
            2,
            "what KICKOUT_TOKEN holds is no token",
        ),
        (
            Kickout::new().arg("--http-token-file=/nowhere"),
            2,
            "cannot use /nowhere",
        ),
        (
            Kickout::new().arg(format!("--http-token-file={token}")),
            2,
            "takes a file, not a token",
        ),
        (
            Kickout::new().env("KICKOUT_TOKEN", "kob_0_x"),
            4,
            "no valid token",
        ),
    ] {
        let output = list(kickout).code(code).stderr_has(said).stdout("");
        assert!(!output.stderr.contains("s3cret"), "{}", output.stderr);
        // What mends it stands on a line of its own.
        assert!(output.stderr.trim_end().contains('\n'), "{}", output.stderr);
    }
    // Somebody who is there is asked, and what he types is not shown.
    let mut tty = Kickout::new()
        .arg(format!("--http=http://{}", bridge.address()))
        .args([
            "--path=shop",
            "user",
            "session",
            "list",
            "admin",
            "--format=count",
        ])
        .tty(100);
    tty.expect("Token for 127.0.0.1:");
    tty.send_unseen(&format!("{token}\n"));
    tty.finish().success().never_says(&token);
}

/// What a token does not allow, and what is no bridge: each with its exit code and the next step.
#[test]
fn what_is_turned_away() {
    needs!(WordPress, Root);
    let site = site();
    let bridge = Bridge::of(&[("shop", &site), ("blog", &site)]);
    let lister = bridge.token(&["--scope=sessions.list", "--site=shop", "--max-per-hour=30"]);
    let revoked = bridge.token(&EVERYTHING);
    let id = revoked.split('_').nth(1).unwrap();
    bridge.says(&["token", "revoke", id]);
    let cookie = site.login("admin", "A", "::1");
    let destroy: &[&str] = &["user", "session", "destroy", "admin", "--all"];
    let list: &[&str] = &["user", "session", "list", "admin"];
    for (token, words, more, code, said) in [
        (
            &lister,
            destroy,
            "--path=shop",
            1,
            "needs the scope sessions.destroy.user",
        ),
        (&lister, list, "--path=blog", 1, "not for this site"),
        (&lister, list, "--path=/etc", 1, "not for this site"),
        (&lister, list, "--color", 1, "not for this site"),
        (&lister, list, "--engine=php", 1, ""),
        (&revoked, destroy, "--path=shop", 4, "no valid token"),
        (&lister, list, "--via=host", 2, "--via leads to containers"),
        (&lister, list, "--sudo", 2, "--sudo"),
        (
            &lister,
            &["agent", "where"],
            "--path=shop",
            2,
            "brings its own agent",
        ),
    ] {
        over(&bridge, token)
            .args(words)
            .arg(more)
            .run()
            .code(code)
            .stderr_has(said);
    }
    over(&bridge, &lister)
        .args(list)
        .arg("--url=http://shop.test/x")
        .run()
        .success();
    assert!(site.cookie_is_valid(&cookie));

    let nobody = free_port();
    for (url, code, said) in [
        (
            format!("http://127.0.0.1:{nobody}"),
            4,
            "no connection to 127.0.0.1:",
        ),
        (format!("https://{}", bridge.address()), 4, "no TLS with"),
        (format!("http://{}/?x", bridge.address()), 2, "has a query"),
        (
            format!("http://{}/elsewhere", bridge.address()),
            4,
            "is no bridge: it answers with status 404",
        ),
        (
            format!("http://localhost:{}", bridge.port()),
            4,
            "status 421",
        ),
        (
            "https://no.such.name.invalid".to_owned(),
            4,
            "leads nowhere",
        ),
        (
            "http://example.com".to_owned(),
            2,
            "plain http would send credentials",
        ),
    ] {
        Kickout::new()
            .env("KICKOUT_TOKEN", &lister)
            .arg(format!("--http={url}"))
            .args(list)
            .run()
            .code(code)
            .stderr_has(said)
            .never_says(&lister);
    }
}

/// An answer that was lost is asked for again under the same name: it is carried out once, and its
/// end is known. A listing is not shown as if it were whole.
#[test]
fn an_answer_that_is_lost() {
    needs!(WordPress, Root);
    let site = site();
    let mut bridge = Bridge::of(&[("shop", &site)]);
    let token = bridge.token(&EVERYTHING);
    let words = ["user", "session", "destroy", "admin", "--all"];
    let through = |proxy: &Proxy| {
        Kickout::new()
            .env("KICKOUT_TOKEN", &token)
            .arg(format!("--http=http://127.0.0.1:{}", proxy.port()))
            .args(words)
            .run()
    };
    let audit = bridge.state().join("audit.jsonl");
    let intents = || {
        std::fs::read_to_string(&audit)
            .unwrap()
            .matches("\"intent\"")
            .count()
    };
    let mut round = |chaos: Chaos| {
        let proxy = chaos.start(bridge.port());
        bridge.answers_to(&format!("127.0.0.1:{}", proxy.port()));
        let (cookie, before) = (site.login("admin", "A", "::1"), intents());
        let output = through(&proxy);
        assert_eq!(intents(), before + 1, "{}", output.stderr);
        let gone = !site.cookie_is_valid(&cookie);
        (output, gone, proxy)
    };
    let (output, gone, proxy) = round(Chaos::new());
    output.success();
    assert!(gone);
    let [up, down] = [Way::Up, Way::Down].map(|way| proxy.bytes(way));
    // In the line that says how it ended: it is said again.
    let (output, gone, proxy) = round(Chaos::new().cut(Way::Down, down - 180));
    output
        .success()
        .stdout("Success: Destroyed all sessions.\n");
    assert!(gone && proxy.connections() > 1);
    // A question that broke off was none.
    let (output, gone, proxy) = round(Chaos::new().cut(Way::Up, up - 5));
    output
        .success()
        .stdout("Success: Destroyed all sessions.\n");
    assert!(gone && proxy.connections() > 1);
    // Earlier the bridge may have stopped it: what it says is what is.
    for before in [200, 400] {
        let (output, gone, _) = round(Chaos::new().cut(Way::Down, down - before));
        match output.code {
            Some(0) => assert!(gone),
            _ => _ = output.code(130).stderr_has("Interrupted"),
        }
    }
    // Nobody there again: nobody knows, and that is said.
    let proxy = Chaos::new().start(bridge.port());
    bridge.answers_to(&format!("127.0.0.1:{}", proxy.port()));
    let cookie = site.login("admin", "A", "::1");
    let output = std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            Kickout::new()
                .env("KICKOUT_TOKEN", &token)
                .arg(format!("--http=http://127.0.0.1:{}", proxy.port()))
                .args(words)
                .arg("--settle=30")
                .run()
        });
        until("the sessions are gone", Duration::from_secs(20), || {
            (!site.cookie_is_valid(&cookie)).then_some(())
        });
        bridge.kill_and_start();
        run.join().unwrap()
    });
    output.code(5).stdout("");
}
