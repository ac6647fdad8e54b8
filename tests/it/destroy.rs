//! `user session destroy` on a real WordPress, which itself is asked afterwards who is still in.

use std::path::Path;

use kickout_tests::{Cookie, Kickout, Output, Scratch, Site, WordPress, needs, quoted};

use crate::stored::{many, session, string, value, verifier, wrapped_agent};

/// `kickout user session destroy …` in the site's root.
pub(crate) fn destroy(site: &Site, args: &[&str]) -> Output {
    Kickout::at(site)
        .args(["user", "session", "destroy"])
        .args(args)
        .run()
}

fn three_logins(site: &Site, login: &str) -> Vec<Cookie> {
    site.logins(&[
        (login, "Firefox", "192.0.2.1"),
        (login, "Chrome", "192.0.2.2"),
        (login, "curl", "::1"),
    ])
}

#[test]
fn one_session_by_each_of_its_names() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let anna = site.add_user("anna", "editor");
    type Named = fn(&Cookie) -> (Option<String>, Option<String>);
    let rows: [(&str, Named, usize); 9] = [
        ("latest", |_| (None, None), 2),
        ("verifier", |it| (Some(it.verifier.clone()), None), 1),
        ("prefix", |it| (Some(it.verifier[..9].to_owned()), None), 1),
        (
            "marked ...",
            |it| (Some(format!("{}...", &it.verifier[..6])), None),
            1,
        ),
        (
            "marked …",
            |it| (Some(format!("{}…", &it.verifier[..10])), None),
            1,
        ),
        ("raw token", |it| (Some(it.token.clone()), None), 1),
        (
            "raw on stdin",
            |it| (Some("-".into()), Some(format!("{}\n", it.token))),
            1,
        ),
        (
            "raw, no line end",
            |it| (Some("-".into()), Some(it.token.clone())),
            1,
        ),
        (
            "prefix on stdin",
            |it| (Some("-".into()), Some(it.verifier[..12].into())),
            1,
        ),
    ];
    for (what, named, gone) in rows {
        site.clear_raw(anna.id);
        let cookies = three_logins(&site, "anna");
        let (token, stdin) = named(&cookies[1]);
        let mut run = Kickout::at(&site).args(["user", "session", "destroy", "anna"]);
        run = token.iter().fold(run, |run, token| run.arg(token));
        run = stdin.iter().fold(run, |run, stdin| run.stdin(stdin));
        let run = run.run().code(0);
        let run = run.stdout("Success: Destroyed session. 2 sessions remaining.\n");
        match what {
            "raw token" => run.stderr_has("Warning: A session token on the command line"),
            _ => run.stderr(""),
        };
        let valid: Vec<_> = (0..3).map(|index| index != gone).collect();
        assert_eq!(site.valid_cookies(&cookies), valid, "{what}");
        let left = site.sessions("anna");
        assert_eq!(left.len(), 2, "{what}");
    }
    // Down to the last one, and one more.
    for said in ["1 session remaining.", "0 sessions remaining."] {
        let said = format!("Success: Destroyed session. {said}\n");
        destroy(&site, &["anna"]).success().stdout(&said);
    }
    assert_eq!(site.raw_rows(anna.id), []);
    destroy(&site, &["anna"])
        .success()
        .stdout("Success: No sessions to destroy.\n");
}

#[test]
fn a_wrong_name_changes_nothing() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let anna = site.add_user("anna", "editor");
    // Two sessions that begin alike.
    let twin = |last: &str| format!("{}{last}", "ab".repeat(31));
    site.set_raw(
        anna.id,
        &value(&[(twin("01"), session("A")), (twin("02"), session("B"))]),
    );
    let before = site.raw_rows(anna.id);
    let rows = [
        (
            &["anna", "abababab"][..],
            1,
            "is ambiguous: 2 sessions begin with it",
        ),
        (&["anna", "abababab…"], 1, "is ambiguous"),
        (&["anna", "ffffffff"], 1, "Error: Session not found."),
        (&["anna", "abab"], 1, "Error: Session not found."),
        (&["anna", "abab..."], 2, "give at least 6 characters"),
        (&["anna", ""], 2, "is empty"),
        (&["anna", "0"], 2, "is empty"),
        (
            &["nobody"],
            1,
            "Error: Invalid user ID, email or login: 'nobody'",
        ),
        (&["id:77"], 1, "Error: Invalid user ID: '77'"),
        (
            &["anna", "abababab", "--all"],
            1,
            "cannot be specified along with a session token",
        ),
        (&["anna", "x", "y"], 2, "Error: "),
        (&[], 2, "Name a user"),
        (&["anna", "--al"], 2, "--al"),
        (&["anna", "--all=maybe"], 2, "all"),
        (&["anna", "--except=bob"], 2, "--except needs"),
        (&["anna", "--all-users"], 2, "leave 'anna' out"),
    ];
    for (args, code, said) in rows {
        destroy(&site, args).code(code).stdout("").stderr_has(said);
        assert_eq!(site.raw_rows(anna.id), before, "{args:?}");
    }
    let nothing = Kickout::at(&site).args(["user", "session", "destroy", "anna", "-"]);
    nothing.run().code(7).stderr_has("No session token came");
    assert_eq!(site.raw_rows(anna.id), before);
    assert_eq!(site.sessions("anna").len(), 2);
}

#[test]
fn a_raw_token_never_reaches_the_agent() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let [one, two] = site
        .logins(&[("admin", "A", "192.0.2.1"), ("admin", "B", "192.0.2.2")])
        .try_into()
        .unwrap();
    let scratch = Scratch::new("tee");
    let heard = scratch.join("heard");
    let script = format!("tee -a {} | $AGENT $NONCE", quoted(heard.to_str().unwrap()));
    let agent = wrapped_agent(&scratch, &script);
    let run = |stdin: &str, token: &str| {
        Kickout::at(&site)
            .args(["user", "session", "destroy", "admin", token, "--debug"])
            .arg(format!("--agent={}", agent.display()))
            .stdin(stdin)
            .run()
            .code(0)
    };
    run(&one.token, "-").never_says(&one.token);
    run("", &two.token).never_says(&two.token);
    assert_eq!(
        site.valid_cookies(&[one.clone(), two.clone()]),
        [false, false]
    );
    let heard = std::fs::read_to_string(heard).unwrap();
    assert!(
        heard.contains(&one.verifier) && heard.contains(&two.verifier),
        "{heard}"
    );
    assert!(
        !heard.contains(&one.token) && !heard.contains(&two.token),
        "{heard}"
    );
}

#[test]
fn all_of_several_users_or_of_none() {
    needs!(WordPress);
    let site = WordPress::new().install();
    for login in ["anna", "bob"] {
        site.add_user(login, "editor");
    }
    let login = || {
        let logins = [
            ("anna", "A", "::1"),
            ("bob", "B", "::1"),
            ("admin", "C", "::1"),
        ];
        site.logins(&logins)
    };
    let cookies = login();
    let spared = destroy(&site, &["anna", "nobody", "bob", "nowhere", "--all"]);
    spared
        .code(1)
        .stdout("")
        .stderr_has("'nobody'")
        .stderr_has("'nowhere'");
    assert_eq!(site.valid_cookies(&cookies), [true; 3]);
    let done = "Success: Destroyed all sessions.\n";
    let both = destroy(&site, &["anna", "bob", "--all"]).success();
    both.stdout(&done.repeat(2));
    assert_eq!(site.valid_cookies(&cookies), [false, false, true]);
    destroy(&site, &["anna", "bob", "--all"])
        .success()
        .stdout(&done.repeat(2));

    // The manual's line, as it stands there.
    let cookies = login();
    let kickout = quoted(kickout_tests::Binaries::dev().kickout.to_str().unwrap());
    let line =
        format!("{kickout} user list --field=ID | xargs {kickout} user session destroy --all");
    let shell = Kickout::program(Path::new("/bin/sh")).cwd(site.root());
    shell
        .args(["-c", &line])
        .run()
        .success()
        .stdout(&done.repeat(3));
    assert_eq!(site.valid_cookies(&cookies), [false; 3]);
}

/// The value of the only row of a user.
fn text(site: &Site, user: u64) -> String {
    let [row] = site.raw_rows(user).try_into().unwrap();
    String::from_utf8(row.value.unwrap()).unwrap()
}

#[test]
fn rows_that_core_would_not_write() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let anna = site.add_user("anna", "editor");
    let (one, two) = (verifier(1), verifier(2));
    let nested = |inside: &str| {
        let until = crate::stored::now() + 86_400;
        format!("a:2:{{s:10:\"expiration\";i:{until};s:1:\"x\";{inside}}}").into_bytes()
    };
    // What is kept stays byte for byte, but for the slots that references count.
    let [object, float] = [nested("O:8:\"stdClass\":0:{}"), nested("d:0.1;")];
    let refers = |slot: u32| nested(&format!("a:2:{{i:0;a:0:{{}}i:1;R:{slot};}}"));
    let rows = [
        ("an object", session("A"), object.clone(), object),
        ("a float", session("日本"), float.clone(), float),
        ("a reference", session("A"), refers(10), refers(5)),
    ];
    for (what, goes, stays, becomes) in rows {
        site.set_raw(
            anna.id,
            &value(&[(one.clone(), goes), (two.clone(), stays)]),
        );
        let run = destroy(&site, &["anna", &one]).success();
        run.stdout("Success: Destroyed session. 1 session remaining.\n");
        let kept = value(&[(two.clone(), becomes)]);
        assert_eq!(
            text(&site, anna.id),
            String::from_utf8(kept).unwrap(),
            "{what}"
        );
        assert_eq!(site.sessions("anna")[0].0, two, "{what}");
    }
    let cut = value(&[(one.clone(), session("A"))])[..90].to_vec();
    for (what, stored) in [("cut off", cut), ("no array", string("gone"))] {
        site.set_raw(anna.id, &stored);
        let run = destroy(&site, &["anna"])
            .code(0)
            .stderr_has("Destroy with --all to remove it.");
        run.stderr_has("is corrupt")
            .stdout("Success: No sessions to destroy.\n");
        assert_eq!(text(&site, anna.id).as_bytes(), stored, "{what}");
        let all = destroy(&site, &["anna", "--all"]).success();
        all.stdout("Success: Destroyed all sessions.\n");
        assert_eq!(site.raw_rows(anna.id), [], "{what}");
        assert_eq!(site.sessions("anna"), [], "{what}");
    }

    // A second row, which WordPress reads as soon as the first one is gone.
    let cookies = three_logins(&site, "anna");
    let copy = site.raw_rows(anna.id)[0].value.clone().unwrap();
    site.add_raw(anna.id, &copy);
    let run = destroy(&site, &["anna", "--debug"]).code(0);
    let said = format!("1 duplicate row of user {} (anna): handled, too", anna.id);
    run.stderr_has(&said);
    let rows = site.raw_rows(anna.id);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].value, rows[1].value);
    assert_eq!(site.valid_cookies(&cookies), [true, true, false]);
    destroy(&site, &["anna", "--all"]).success();
    assert_eq!(site.raw_rows(anna.id), []);
    site.add_raw(anna.id, &copy);
    site.add_raw(anna.id, &many(1));
    let run = destroy(&site, &["anna", "--all", "--debug"]).code(0);
    run.stderr_has(&said);
    assert_eq!(site.raw_rows(anna.id), []);
    assert_eq!(site.valid_cookies(&cookies), [false; 3]);
}
