//! The php engine on real sites: the flags that load WordPress, what it remarks, and loads that fail.

use std::path::Path;

use kickout_tests::{Binaries, Config, Kickout, Output, Site, WordPress, needs};

pub(crate) fn kickout(site: &Site, args: &[&str]) -> Output {
    Kickout::at(site).args(args).run()
}

/// Among no other processes: what looks like a web server may be another test's.
pub(crate) const ALONE: [&str; 5] = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// The same where no web server runs, whose environment would be the site's.
pub(crate) fn alone(site: &Site) -> Kickout {
    Kickout::program(Path::new("/usr/bin/unshare"))
        .args(ALONE)
        .arg(&Binaries::dev().kickout)
        .cwd(site.root())
}

const DESTROY: [&str; 4] = ["user", "session", "destroy", "admin"];

/// The same words and the same effect as natively, as the site's owner.
#[test]
fn it_says_and_does_the_same() {
    needs!(WordPress);
    same(&WordPress::new().install());
}

#[test]
fn it_says_and_does_the_same_on_sqlite() {
    needs!(WordPress, WordPressSqlite);
    same(&WordPress::new().install_sqlite());
}

fn same(site: &Site) {
    let logins = ["A", "B", "C"].map(|ua| ("admin", ua, "::1"));
    let cookies = site.logins(&logins);
    let list = ["user", "session", "list", "admin", "--format=json"];
    let natively = kickout(site, &list).success().stdout;
    let php = [&list[..], &["--engine=php"]].concat();
    assert_eq!(kickout(site, &php).success().stdout, natively);
    let one = [&DESTROY[..], &[&cookies[1].verifier, "--engine=php"]].concat();
    kickout(site, &one)
        .success()
        .stdout("Success: Destroyed session. 2 sessions remaining.\n");
    assert_eq!(site.valid_cookies(&cookies), [true, false, true]);
    let all = [&DESTROY[..], &["--all", "--engine=php"]].concat();
    kickout(site, &all)
        .success()
        .stdout("Success: Destroyed all sessions.\n");
    assert_eq!(site.valid_cookies(&cookies), [false; 3]);
    assert_eq!(site.raw_rows(1), []);
    site.login("admin", "D", "::1");
    let everybody = [
        "user",
        "session",
        "destroy",
        "--all-users",
        "--yes",
        "--engine=php",
    ];
    kickout(site, &everybody)
        .success()
        .stdout("Success: Destroyed 1 session of 1 user.\n");
    assert_eq!(site.raw_rows(1), []);
}

/// Writes what a loaded WordPress is like into a file that is the owner's.
const WITNESS: &str = r"<?php
add_action('wp_loaded', function () {
    file_put_contents(WP_CONTENT_DIR . '/seen.json', json_encode([
        'user' => get_current_user_id(),
        'plugins' => $GLOBALS['seen_plugins'] ?? '',
        'theme' => defined('SEEN_THEME'),
        'host' => $_SERVER['HTTP_HOST'] ?? '',
        'uri' => $_SERVER['REQUEST_URI'] ?? '',
        'required' => $GLOBALS['seen_required'] ?? '',
        'cron' => DISABLE_WP_CRON, 'cache' => WP_CACHE, 'uid' => posix_geteuid(),
    ]));
});";

fn seen(site: &Site) -> serde_json::Value {
    let file = site.root().join("wp-content/seen.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, "").unwrap();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The words of WP-CLI mean the same; natively they change nothing, and nothing is loaded.
#[test]
fn words_that_load_wordpress() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let anna = site.add_user("anna", "editor").id;
    site.write("wp-content/seen.json", "");
    site.write("wp-content/mu-plugins/witness.php", WITNESS);
    let note = |what: &str| {
        format!(
            "<?php $GLOBALS['{what}'] = ($GLOBALS['{what}'] ?? '') . basename(__FILE__, '.php');"
        )
    };
    site.write("wp-content/plugins/one/one.php", note("seen_plugins"));
    site.write("wp-content/plugins/two.php", note("seen_plugins"));
    site.write("wp-content/themes/plain/index.php", "");
    site.write(
        "wp-content/themes/plain/style.css",
        "/* Theme Name: plain */",
    );
    site.write(
        "wp-content/themes/plain/functions.php",
        "<?php define('SEEN_THEME', 1);",
    );
    site.write("a.php", note("seen_required"));
    site.write("b.php", note("seen_required"));
    site.php(
        "update_option('active_plugins', ['one/one.php', 'two.php']);
         update_option('template', 'plain'); update_option('stylesheet', 'plain');",
    );
    seen(&site);
    let uid = serde_json::json!(site.owner().uid);
    let php = "--engine=php";
    let rows: [(&[&str], &str, serde_json::Value); 12] = [
        (&[php], "plugins", "onetwo".into()),
        (&[php], "theme", true.into()),
        (&[php], "cron", true.into()),
        (&[php], "uid", uid),
        (&[php, "--user=anna"], "user", anna.into()),
        (&[php, "--user=anna@example.com"], "user", anna.into()),
        (
            &[php, "--url=http://o.test:81/x?y=1"],
            "host",
            "o.test:81".into(),
        ),
        (&[php, "--url=o.test/x?y=1"], "uri", "/x?y=1".into()),
        (&[php, "--skip-plugins"], "plugins", "".into()),
        (&[php, "--skip-plugins=one,x"], "plugins", "two".into()),
        (&[php, "--skip-themes=plain"], "theme", false.into()),
        (
            &["--require=a.php", "--require=b.php", "--require=a.php"],
            "required",
            "ab".into(),
        ),
    ];
    let list = ["user", "session", "list", "admin", "--format=count"];
    for (args, what, expected) in rows {
        let run = kickout(&site, &[&list[..], args].concat()).success();
        run.stdout("0\n");
        assert_eq!(seen(&site)[what], expected, "{args:?}");
    }
    for args in [
        &["--skip-plugins"][..],
        &["--skip-themes"],
        &["--user=anna"],
        &["--engine=native"],
    ] {
        kickout(&site, &[&list[..], args].concat()).success();
        assert_eq!(seen(&site), serde_json::Value::Null, "{args:?}");
    }
    let refused: [(&[&str], i32, &str); 4] = [
        (
            &["--require=nope.php"],
            1,
            "Error: Required file 'nope.php' doesn't exist.",
        ),
        (
            &["--require=a.php", "--engine=native"],
            1,
            "the native engine never runs",
        ),
        (
            &[php, "--user=nobody"],
            1,
            "Invalid user ID, email or login: 'nobody'",
        ),
        (
            &["--engine=perl"],
            2,
            "takes auto, native or php, not 'perl'",
        ),
    ];
    for (args, code, said) in refused {
        kickout(&site, &[&list[..], args].concat())
            .code(code)
            .stderr_has(said);
    }
    let debug = kickout(
        &site,
        &[&list[..], &["--debug", "--require=a.php"]].concat(),
    );
    debug.code(0).stderr_has("--require loads PHP code");
}

/// What PHP remarks while it loads is printed with --debug, and nowhere else.
#[test]
fn remarks_of_php() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let noisy = "<?php\ntrigger_error('careful', E_USER_WARNING);\n@trigger_error('hidden');\n\
                 echo 'printed', $undefined;\n";
    let file = site.write("wp-content/mu-plugins/noisy.php", noisy);
    let list = [
        "user",
        "session",
        "list",
        "admin",
        "--format=count",
        "--engine=php",
    ];
    kickout(&site, &list).success().stdout("0\n").stderr("");
    let run = kickout(&site, &[&list[..], &["--debug"]].concat()).code(0);
    run.stdout("0\n")
        .stderr_has(&format!(
            "Debug (php): Warning: careful in {}:2",
            file.display()
        ))
        .stderr_has(&format!(
            "Undefined variable $undefined in {}:4",
            file.display()
        ))
        .never_says("hidden")
        .never_says("already defined");
}

/// A load that ends with exit code 0 and no WordPress is a failure, with what was printed.
#[test]
fn loads_that_fail() {
    needs!(WordPress);
    let rows = [
        (
            ".maintenance",
            "<?php $upgrading = time();",
            "Briefly unavailable for scheduled maintenance",
        ),
        (
            "wp-content/mu-plugins/x.php",
            "<?php wp_die('<h1>Go</h1> <style>b{}</style><b>away</b>');",
            "WordPress did not load: it printed: Go away",
        ),
        (
            "wp-content/mu-plugins/x.php",
            "<?php echo '<p>Moved</p>'; exit(0);",
            "WordPress did not load: it printed: Moved",
        ),
        (
            "wp-content/mu-plugins/x.php",
            "<?php exit;",
            "it printed nothing",
        ),
        (
            "wp-content/mu-plugins/x.php",
            "<?php\n\nno_such_function();",
            "Fatal error: Uncaught Error: Call to undefined function no_such_function()",
        ),
        (
            "wp-content/mu-plugins/x.php",
            "<?php syntax error",
            "syntax error",
        ),
    ];
    for (file, code, said) in rows {
        let site = WordPress::new().install();
        let cookie = site.login("admin", "A", "::1");
        let file = site.write(file, code);
        let run = kickout(&site, &[&DESTROY[..], &["--all", "--engine=php"]].concat());
        run.code(1).stdout("").stderr_has(said);
        std::fs::remove_file(file).unwrap();
        assert!(site.cookie_is_valid(&cookie), "{code}");
    }
    let all = [&DESTROY[..], &["--all", "--engine=php"]].concat();
    let page = "Error establishing a database connection";
    let wrong = |config: &mut Config| config.password = Some("wr0ng".to_owned());
    let down = |config: &mut Config| config.host = Some("127.0.0.1:9".to_owned());
    for change in [&wrong as &dyn Fn(&mut Config), &down] {
        let site = WordPress::new().install();
        let mut config = site.config().clone();
        change(&mut config);
        site.write_config(&config);
        let run = kickout(&site, &all).code(1).stdout("");
        run.stderr_has(page).never_says("wr0ng");
    }
}

/// A network that knows no such host ends without a word and with exit code 0.
#[test]
fn a_network_that_does_not_know_the_host() {
    needs!(WordPress);
    let site = WordPress::new()
        .config(|config| config.multisite = true)
        .install();
    let cookie = site.login("admin", "A", "::1");
    let all = [&DESTROY[..], &["--all", "--engine=php"]].concat();
    let unknown = [&all[..], &["--url=http://unknown.test/"]].concat();
    let run = kickout(&site, &unknown).code(1).stdout("");
    run.stderr_has("Site 'unknown.test' not found.");
    // Where only PHP can tell which sites there are.
    let routes = site.write("wp-content/db.php", "<?php // Routes.");
    let run = kickout(&site, &unknown).code(1).stdout("");
    run.stderr_has("WordPress did not load");
    std::fs::remove_file(routes).unwrap();
    assert!(site.cookie_is_valid(&cookie));
    kickout(&site, &all).code(0);
    assert!(!site.cookie_is_valid(&cookie));
}

/// What was printed instead of a hello: cleaned, and no more of it than a person reads.
#[test]
fn what_is_shown_of_a_failed_load() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let page = "<?php echo \"\\xEF\\xBB\\xBF<html><head><title>no</title></head><body>\\e[31mRed\\x07\\n\\n\", \
                str_repeat('long ', 900), '</body>'; fatal_error();";
    let file = site.write(
        "wp-content/mu-plugins/x.php",
        page.replace("fatal_error();", "exit(0);"),
    );
    let all = [&DESTROY[..], &["--all", "--engine=php"]].concat();
    let run = kickout(&site, &all).code(1).stdout("");
    let run = run
        .never_says("\u{1b}")
        .never_says("\u{7}")
        .never_says("title");
    let shown = run.stderr.matches("long ").count();
    assert!((30..=40).contains(&shown), "{}", run.to_snapshot());
    std::fs::write(file, page).unwrap();
    let run = kickout(&site, &[&all[..], &["--debug"]].concat())
        .code(1)
        .stdout("");
    run.stderr_has("Debug (php): Fatal error: Uncaught Error: Call to undefined function");
}
