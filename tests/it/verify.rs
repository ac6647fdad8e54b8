//! `--verify`: what the web side takes before and refuses after, over real HTTP; whose cookie it is;
//! and what is no proof.

use std::path::Path;

use kickout_tests::{
    Binaries, Fpm, Kickout, MariaDb, Output, Scratch, Site, Web, WordPress, needs,
};

use crate::destroy::destroy;
use crate::verify_canary::PROVING;

pub(crate) const ALL: [&str; 2] = ["admin", "--all"];

/// A site with a subscriber, whose profile is asked for.
pub(crate) fn site() -> Site {
    let site = WordPress::new().install();
    site.add_user("anna", "editor");
    site.add_user("sue", "subscriber");
    site
}

/// A destroy that is to be proved.
pub(crate) fn proving(site: &Site, words: &[&str], url: &str) -> Output {
    let url = format!("--verify-url={url}");
    destroy(site, &[words, &["--verify=web", &url]].concat())
}

/// Nothing of the canary is left, whoever it was.
pub(crate) fn no_canary(site: &Site) {
    let meta = site.usermeta_table();
    let rows = site.sql(format!(
        "SELECT user_id FROM {meta} WHERE meta_key = 'session_tokens' AND meta_value LIKE '%canary%';"
    ));
    assert_eq!(rows, Vec::<Vec<String>>::new());
}

#[test]
fn a_plain_site_proved() {
    needs!(WordPress);
    let site = site();
    let web = Web::of(&site);
    let cookies = site.logins(&[("admin", "A", "::1"), ("admin", "B", "::1")]);
    let run = proving(&site, &[&ALL[..], &["--debug"]].concat(), &web.url())
        .code(0)
        .stdout("Success: Destroyed all sessions.\n")
        .stderr_has(&format!("\nProved on {}: ", web.url()));
    assert_eq!(site.valid_cookies(&cookies), [false, false]);
    no_canary(&site);
    // Before and after, with a subscriber's cookies, which are shown nowhere.
    let asked = web.requests();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(asked[0], asked[1]);
    assert_eq!(
        asked[0][..2],
        [web.address(), "/wp-admin/profile.php".to_owned()]
    );
    let values: Vec<&str> = asked[0][2]
        .split("; ")
        .map(|it| it.split_once('=').unwrap().1)
        .collect();
    assert_eq!(values.len(), 3);
    let mut run = run;
    for value in values {
        let parts: Vec<&str> = value.split("%7C").collect();
        assert_eq!((parts.len(), parts[0]), (4, "sue"));
        run = run.never_says(parts[2]).never_says(parts[3]);
    }
}

/// The canary of the only account is neither the most recent session nor counted.
#[test]
fn the_canary_is_nobodys() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let web = Web::of(&site);
    let three = || site.logins(&["A", "B", "C"].map(|ua| ("admin", ua, "::1")));
    let cookies = three();
    proving(&site, &["admin"], &web.url())
        .proved()
        .stdout("Success: Destroyed session. 2 sessions remaining.\n");
    assert_eq!(site.valid_cookies(&cookies), [true, true, false]);
    proving(&site, &["--all-users", "--yes"], &web.url())
        .proved()
        .stdout("Success: Destroyed 2 sessions of 1 user.\n");
    proving(&site, &["--all-users", "--yes"], &web.url())
        .proved()
        .stdout("Success: No sessions to destroy.\n");
    three();
    site.add_user("sue", "subscriber");
    proving(&site, &["--all-users", "--yes"], &web.url())
        .proved()
        .stdout("Success: Destroyed 3 sessions of 1 user.\n");
    assert!(web.requests()[7][2].contains("=sue%7C"));
    no_canary(&site);
}

/// What every proof over loopback says.
pub(crate) trait Proved {
    fn proved(self) -> Self;
}

impl Proved for Output {
    fn proved(self) -> Self {
        self.code(0).stderr_has("Proved on http://127.0.0.1:")
    }
}

#[test]
fn as_somebody() {
    needs!(WordPress);
    let site = site();
    let web = Web::of(&site);
    let cookie = site.login("admin", "A", "::1");
    let named = [&ALL[..], &["--verify-user=nobody"]].concat();
    proving(&site, &named, &web.url())
        .code(1)
        .stdout("")
        .stderr("Error: Invalid user ID, email or login: 'nobody'\n");
    assert!(site.cookie_is_valid(&cookie));
    assert_eq!(web.requests().len(), 0);
    for user in ["anna", "login:anna", "anna@example.com"] {
        let user = format!("--verify-user={user}");
        let named = [&ALL[..], &[&user]].concat();
        proving(&site, &named, &web.url()).proved();
        let asked = web.requests();
        assert!(asked.last().unwrap()[2].contains("=anna%7C"), "{asked:?}");
    }
    no_canary(&site);
}

#[test]
fn a_group() {
    needs!(WordPress, Fpm);
    let home = Scratch::new("groups");
    let sites = [site(), site()];
    let (plain, caching) = (Web::of(&sites[0]), Fpm::with_page_cache(&sites[1]));
    let urls = [plain.url(), caching.url()];
    let mut file = String::new();
    for (name, (site, url)) in ["web1", "web2"].iter().zip(sites.iter().zip(&urls)) {
        let root = site.root().display();
        site.php_with(
            "update_option('siteurl', $args[0]);",
            &serde_json::json!([url]),
        );
        file.push_str(&format!("@{name}:\n  path: {root}\n  url: {url}\n"));
    }
    home.write("wp-cli.yml", file + "@both:\n  - @web1\n  - @web2\n");
    let run = Kickout::new()
        .cwd(home.path())
        .arg("@both")
        .args(PROVING)
        .run();
    run.code(5)
        .stderr_has(&format!("@web1: Proved on {}: ", urls[0]))
        .stderr_has("\n@web1: proved\n")
        .stderr_has("\n@web2: alive\n")
        .stderr_has("2 sites: 1 proved, 1 alive (@web2).");
    sites.iter().for_each(no_canary);
}

/// Kickout in a site's root on a host that has no PHP.
pub(crate) fn without_php(site: &Site) -> Kickout {
    let hide = "mount -t tmpfs none /usr/local/bin && mount -t tmpfs none /usr/bin && exec \"$@\"";
    Kickout::program(Path::new("unshare"))
        .args(crate::php::ALONE)
        .args(["sh", "-c", hide, "sh"])
        .arg(&Binaries::dev().kickout)
        .cwd(site.root())
}

/// Proof was asked for: without PHP nothing is destroyed.
#[test]
fn no_php() {
    needs!(WordPress, Root);
    let site = site();
    let cookie = site.login("admin", "A", "::1");
    without_php(&site)
        .args(["user", "session", "destroy", "admin", "--all"])
        .args(["--verify=web", "--verify-url=http://s1.test"])
        .run()
        .code(1)
        .stdout("")
        .stderr_has("that needs PHP, and there is none on this host")
        .stderr_has("Install PHP's command line program");
    assert!(site.cookie_is_valid(&cookie));
}

/// What was not asked for is not missed.
#[test]
fn no_proof_is_asked_for() {
    needs!(WordPress);
    let site = site();
    site.write(
        "wp-content/mu-plugins/auth.php",
        "<?php function wp_validate_auth_cookie() { return 1; }",
    );
    for (verify, code) in [("store", 5), ("none", 0)] {
        destroy(
            &site,
            &[&ALL[..], &[&format!("--verify={verify}")]].concat(),
        )
        .code(code)
        .stdout("Success: Destroyed all sessions.\n")
        .stderr_has("replaces how login cookies are checked");
    }
    // Whoever checks no session is caught.
    let web = Web::of(&site);
    proving(&site, &ALL, &web.url())
        .code(5)
        .stderr_has("still answered for by");
}

/// Rows are found, read, and looked for once more; or not, when nobody wants to know.
#[test]
fn what_was_written_is_read_again() {
    needs!(WordPress);
    let server = MariaDb::start();
    let site = WordPress::new().install_on(&server);
    site.sql("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON;");
    let rows: [(&[&str], &str); 4] = [
        (&["--verify=store"], "3"),
        (&["--verify=none"], "2"),
        (&["--verify=none", "--all"], "2"),
        // A wait is for one more look.
        (&["--verify=none", "--settle=0.1"], "4"),
    ];
    for (words, reads) in rows {
        let cookie = site.login("admin", "A", "::1");
        server.sql("TRUNCATE mysql.general_log");
        destroy(&site, &[&["admin"], words].concat()).success();
        let read = server.sql(
            "SELECT COUNT(*) FROM mysql.general_log WHERE command_type = 'Execute' \
             AND argument LIKE 'SELECT%meta_value%session\\_tokens%'",
        );
        assert_eq!(read, [[reads]], "{words:?}");
        assert!(!site.cookie_is_valid(&cookie), "{words:?}");
    }
}

#[test]
fn words_that_do_not_fit() {
    let rows: [(&[&str], &str); 11] = [
        (&["--verify=maybe"], "takes none, store or web, not 'maybe'"),
        (&["--verify"], "The --verify parameter needs a value"),
        (
            &["--head=10.0.0.1"],
            "--head says how the web side is asked; it needs --verify=web",
        ),
        (&["--verify=store", "--verify-user=x"], "--verify-user says"),
        (
            &["--verify=none", "--verify-url=http://x"],
            "--verify-url says",
        ),
        (
            &["--verify=web", "--dry-run"],
            "it needs a `user session destroy` that is no --dry-run",
        ),
        (
            &["--verify=web", "--verify-url=s1.test"],
            "address of a site, not 's1.test'",
        ),
        (
            &["--verify=web", "--verify-url=ftp://s1.test"],
            "address of a site",
        ),
        (
            &["--verify=web", "--verify-url=http://a:b@s1.test"],
            "address of a site",
        ),
        (
            &["--verify=web", "--head=web1"],
            "an IP address, with or without a port, not 'web1'",
        ),
        (
            &["--verify=web", "--head=10.0.0.1:99999"],
            "not '10.0.0.1:99999'",
        ),
    ];
    for (words, said) in rows {
        Kickout::new()
            .args(["user", "session", "destroy", "admin"])
            .args(words)
            .run()
            .code(2)
            .stderr_has(said);
    }
    for command in [
        &["user", "session", "list", "admin"][..],
        &["doctor"],
        &["user", "list"],
    ] {
        let run = Kickout::new().args(command).arg("--verify=web").run();
        run.code(2).stderr_has("it needs a `user session destroy`");
    }
}
