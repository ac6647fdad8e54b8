//! `user session list` on a real WordPress: what it shows is what WordPress has.

use kickout_tests::{Kickout, Site, WordPress, needs};
use serde_json::Value;

use crate::stored::{all_rows, crowd, many, session, value, verifier};

fn list(site: &Site, args: &[&str]) -> kickout_tests::Output {
    Kickout::at(site)
        .args(["user", "session", "list"])
        .args(args)
        .run()
}

#[test]
fn what_wordpress_has() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let anna = site.add_user("anna", "editor");
    let logins = [
        ("anna", "Firefox \"1\", 日本", "203.0.113.7"),
        ("anna", "curl", "::1"),
        ("admin", "C", "::1"),
    ];
    let cookies = site.logins(&logins);
    let before = all_rows(&site);
    let json: Value =
        serde_json::from_str(&list(&site, &["anna", "--format=json"]).success().stdout).unwrap();
    let sessions = site.sessions("anna");
    assert_eq!(json.as_array().unwrap().len(), 2);
    for (shown, (verifier, stored)) in json.as_array().unwrap().iter().zip(&sessions) {
        assert_eq!(shown["token"].as_str(), Some(verifier.as_str()));
        assert_eq!((&shown["ip"], &shown["ua"]), (&stored["ip"], &stored["ua"]));
    }
    let rows: [(&[&str], &str); 7] = [
        (&["anna", "--format=count"], "2\n"),
        (&["id:1", "--field=ip"], "::1\n"),
        (
            &["email:anna@example.com", "--fields=ip,ua", "--format=csv"],
            "ip,ua\n203.0.113.7,\"Firefox \"\"1\"\", 日本\"\n::1,curl\n",
        ),
        (
            &["anna", "admin", "--fields=user_login,ua", "--format=csv"],
            "user_login,ua\nanna,\"Firefox \"\"1\"\", 日本\"\nanna,curl\nadmin,C\n",
        ),
        (&["--all-users", "--role=editor", "--format=count"], "2\n"),
        (
            &["--all-users", "--except=anna", "--field=user_login"],
            "admin\n",
        ),
        (&["--role=nonsense", "--format=count"], "0\n"),
    ];
    for (args, shown) in rows {
        list(&site, args).success().stdout(shown);
    }
    list(&site, &["anna", "nobody"])
        .code(1)
        .stdout("")
        .stderr_has("'nobody'");
    // A terminal draws a box; nothing that only reads changes anything.
    let screen = Kickout::at(&site)
        .args(["user", "session", "list", "anna"])
        .tty(160)
        .finish();
    screen
        .code(0)
        .stdout_has("| token")
        .stdout_has("203.0.113.7");
    assert_eq!(all_rows(&site), before);
    assert_eq!(site.valid_cookies(&cookies), [true; 3]);
    assert_eq!(site.raw_rows(anna.id).len(), 1);
}

/// Stored data that is not what it should be is named, and listed as far as WordPress sees it.
#[test]
fn what_wordpress_does_not_see() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let expired = session("gone");
    let expired = String::from_utf8(expired).unwrap();
    let until = (crate::stored::now() + 86_400).to_string();
    let expired = expired.replace(&until, "1700000000").into_bytes();
    let legacy = format!("i:{until};").into_bytes();
    let entries = [
        (verifier(1), expired),
        (verifier(2), legacy),
        (verifier(3), session("B")),
    ];
    site.set_raw(1, &value(&entries));
    let seen: Vec<String> = site.sessions("admin").into_iter().map(|it| it.0).collect();
    let shown = list(&site, &["admin", "--field=token"]).success().stdout;
    assert_eq!(shown.lines().collect::<Vec<_>>(), seen);
    list(&site, &["admin", "--fields=login_time,ip", "--format=csv"]).code(0);

    site.add_raw(1, &many(2));
    let run = list(&site, &["admin", "--format=count"])
        .code(0)
        .stdout("2\n");
    run.stderr_has("has a second row with 2 sessions");
    let run = list(&site, &["--all-users", "--format=count"])
        .code(0)
        .stdout("2\n");
    run.stderr_has("has a second row");
    site.set_raw(1, b"a:1:{broken");
    for args in [&["admin"][..], &["--all-users"]] {
        let run = list(&site, &[args, &["--format=count"]].concat()).code(0);
        run.stdout("0\n").stderr_has("is corrupt");
    }
    assert_eq!(
        site.raw_rows(1)[0].value.as_deref(),
        Some(&b"a:1:{broken"[..])
    );
}

/// More users than any window holds, in the order of their rows; a reader that goes away ends it.
#[test]
fn everybody_is_streamed() {
    needs!(WordPress);
    let site = WordPress::new().install();
    crowd(&site, 10_001, 5_000, "subscriber");
    let all = list(&site, &["--all-users", "--field=user_id"])
        .success()
        .stdout;
    let ids: Vec<u64> = all.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(ids, (10_001..=15_000).collect::<Vec<_>>());
    list(&site, &["--role=subscriber", "--format=count"])
        .success()
        .stdout("5000\n");
}
