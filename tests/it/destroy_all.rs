//! `user session destroy --all-users` and `--role`: who is meant, who is asked, and what a login
//! made meanwhile is worth.

use std::time::Duration;

use kickout_tests::{Kickout, Scratch, Site, WordPress, needs, until};
use serde_json::json;

use crate::destroy::destroy;
use crate::stored::{all_rows, crowd};

fn small(site: &Site) -> Vec<kickout_tests::Cookie> {
    for (login, role) in [
        ("anna", "editor"),
        ("bob", "editor"),
        ("carl", "subscriber"),
    ] {
        site.add_user(login, role);
    }
    site.logins(&[
        ("anna", "A", "::1"),
        ("anna", "B", "::1"),
        ("bob", "C", "::1"),
        ("carl", "D", "::1"),
        ("admin", "E", "::1"),
    ])
}

#[test]
fn who_is_meant_and_a_dry_run() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let cookies = small(&site);
    let before = all_rows(&site);
    let dry = [
        (&["--all-users"][..], "5 sessions of 4 users"),
        (&["--all-users", "--except=anna"], "3 sessions of 3 users"),
        (
            &["--all-users", "--except=anna", "--except=id:1"],
            "2 sessions of 2 users",
        ),
        (&["--role=editor"], "3 sessions of 2 users"),
        (
            &["--role=editor", "--role=subscriber"],
            "4 sessions of 3 users",
        ),
        (&["--role=editor", "--except=bob"], "2 sessions of 1 user"),
        (&["--role=nonsense"], "0 sessions of 0 users"),
        (&["anna", "bob", "--all"], ""),
        (&["anna"], ""),
    ];
    for (args, counts) in dry {
        let run = destroy(&site, &[args, &["--dry-run"]].concat()).success();
        let run = run.stdout_has("Success: Would destroy ").stdout_has(counts);
        drop(run);
        assert_eq!(all_rows(&site), before, "{args:?}");
    }
    // Nobody is asked about, and nothing happens without a word: exit 7.
    let nobody = destroy(&site, &["--all-users"]).code(7).stdout("");
    nobody
        .stderr_has("This logs out 4 users (5 sessions) of the site at ")
        .stderr_has("--yes");
    let unknown = destroy(
        &site,
        &["--all-users", "--yes", "--except=anna", "--except=nobody"],
    );
    unknown.code(1).stderr_has("'nobody'");
    assert_eq!(all_rows(&site), before);
    assert_eq!(site.valid_cookies(&cookies), [true; 5]);
    // An empty selection is nobody.
    let run = destroy(&site, &["--role=nonsense"]).success();
    run.stdout("Success: No sessions to destroy.\n");
    assert_eq!(all_rows(&site), before);

    let run = destroy(&site, &["--role=editor", "--except=bob"]).success();
    run.stdout("Success: Destroyed 2 sessions of 1 user.\n");
    assert_eq!(
        site.valid_cookies(&cookies),
        [false, false, true, true, true]
    );
    let run = destroy(&site, &["--all-users", "--yes", "--except=id:1"]).success();
    run.stdout("Success: Destroyed 2 sessions of 2 users.\n");
    assert_eq!(
        site.valid_cookies(&cookies),
        [false, false, false, false, true]
    );
    let run = destroy(&site, &["--all-users", "--yes"]).success();
    run.stdout("Success: Destroyed 1 session of 1 user.\n");
    assert_eq!(site.valid_cookies(&cookies), [false; 5]);
    assert!(all_rows(&site).is_empty());
    let run = destroy(&site, &["--all-users"]).success();
    run.stdout("Success: No sessions to destroy.\n");
}

#[test]
fn a_person_is_asked() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let cookies = small(&site);
    let before = all_rows(&site);
    let ask = || {
        let run = Kickout::at(&site).args(["user", "session", "destroy", "--all-users"]);
        let mut terminal = run.tty(80);
        terminal
            .expect("This logs out 4 users (5 sessions)")
            .expect("[y/N] ");
        terminal
    };
    for typed in ["n\n", "\n", "yep\n", "\x04"] {
        let mut terminal = ask();
        terminal.send(typed);
        let ended = terminal.finish().code(7);
        ended.stdout_has("Nothing was changed.");
        assert_eq!(all_rows(&site), before, "{typed:?}");
    }
    let mut terminal = ask();
    terminal.send("y\n");
    terminal
        .finish()
        .code(0)
        .stdout_has("Destroyed 5 sessions of 4 users.");
    assert_eq!(site.valid_cookies(&cookies), [false; 5]);
}

#[test]
fn a_hundred_are_few_and_a_thousand_rows_are_no_limit() {
    needs!(WordPress);
    let site = WordPress::new().install();
    crowd(&site, 1_001, 100, "author");
    let admin = site.login("admin", "A", "::1");
    destroy(&site, &["--role=author"])
        .success()
        .stdout("Success: Destroyed 100 sessions of 100 users.\n");
    crowd(&site, 2_001, 101, "author");
    let before = all_rows(&site);
    let asked = destroy(&site, &["--role=author"]).code(7);
    asked.stderr_has("This logs out 101 users (101 sessions) with the role author of the site at ");
    assert_eq!(all_rows(&site), before);
    // Named users are never asked about, however many.
    let named: Vec<String> = (2_001..=2_101).map(|id| id.to_string()).collect();
    let mut args: Vec<&str> = named.iter().map(String::as_str).collect();
    args.push("--all");
    destroy(&site, &args)
        .success()
        .stdout(&"Success: Destroyed all sessions.\n".repeat(101));
    assert_eq!(all_rows(&site).len(), 1);

    crowd(&site, 10_001, 3_000, "subscriber");
    let counted = Kickout::at(&site).args(["user", "session", "list", "--all-users"]);
    counted
        .arg("--format=count")
        .run()
        .success()
        .stdout("3001\n");
    let dry = destroy(&site, &["--all-users", "--dry-run", "--except=admin"]).success();
    dry.stdout("Success: Would destroy 3000 sessions of 3000 users.\n");
    destroy(&site, &["--all-users", "--yes", "--except=admin"])
        .success()
        .stdout("Success: Destroyed 3000 sessions of 3000 users.\n");
    assert_eq!(all_rows(&site).len(), 1);
    assert!(site.cookie_is_valid(&admin));
}

/// WordPress logs people in all the while: what was there at the cutoff is gone, what came later
/// is kept, whichever row it stands in.
#[test]
fn logins_while_it_sweeps() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let names: Vec<String> = (0..20).map(|n| format!("user{n}")).collect();
    for name in &names {
        site.add_user(name, "subscriber");
    }
    let logins: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), "A", "::1"))
        .collect();
    let old = site.logins(&logins);
    crowd(&site, 10_001, 15_000, "subscriber");
    let notes = Scratch::new("notes");
    site.owner().give(notes.path());
    let [begun, enough] = ["begun", "enough"].map(|name| notes.join(name));
    // A request each, as far as WordPress's own cache goes.
    let making = "
        [$begun, $enough, $names] = $args;
        $made = [];
        for ($turn = 0; !file_exists($enough) || $turn % count($names); clearstatcache(), $turn++) {
            wp_cache_flush();
            $user = get_user_by('login', $names[$turn % count($names)]);
            $manager = WP_Session_Tokens::get_instance($user->ID);
            $token = $manager->create(time() + DAY_IN_SECONDS);
            $made[] = [$user->ID, $token, $manager->get($token)['login'] ?? time()];
            $turn || touch($begun);
        }
        wp_cache_flush();
        return array_map(static fn ($it) => [$it[2],
            WP_Session_Tokens::get_instance($it[0])->verify($it[1])], $made);";
    let (swept, made) = std::thread::scope(|scope| {
        let args = json!([begun, enough, names]);
        let site = &site;
        let making = scope.spawn(move || site.php_with(making, &args));
        until("somebody logs in", Duration::from_secs(30), || {
            begun.exists().then_some(())
        });
        let swept = destroy(site, &["--all-users", "--yes"]);
        std::fs::write(&enough, "").unwrap();
        (swept, making.join().unwrap())
    });
    swept.code(0).stdout_has("Success: Destroyed ");
    assert_eq!(
        site.valid_cookies(&old),
        vec![false; old.len()],
        "an old session lives"
    );
    let made: Vec<(i64, bool)> = serde_json::from_value(made).unwrap();
    let of = |kept: bool| made.iter().filter(move |it| it.1 == kept).map(|it| it.0);
    let (last_gone, first_kept) = (of(false).max().unwrap(), of(true).min().unwrap());
    // Equal in the second of the cutoff, which WordPress's clock does not divide.
    assert!(
        last_gone <= first_kept,
        "gone at {last_gone}, kept at {first_kept}: {made:?}"
    );
}
