//! Sites whose code shows another face to the command line than to the web, or answers for sessions
//! that no row holds: no success is printed for what the web server may still let in.

use kickout_tests::{Output, Site, WordPress, needs};

use crate::managers::{TABLE, manager};
use crate::php::kickout;

/// Around code that is there for the web only: there is no host of that name on a command line.
fn for_the_web(code: &str) -> String {
    let code = code.trim_start_matches("<?php");
    format!("<?php if (($_SERVER['HTTP_HOST'] ?? '') === 's1.test') {{ {code} }}")
}

/// Answers for the sessions of every user from a file, whatever the rows say.
const ANSWERS: &str = "<?php
add_filter('get_user_metadata', function ($value, $user, $key) {
    $kept = WP_CONTENT_DIR . '/kept.bin';
    return $key === 'session_tokens' && filesize($kept) ? [unserialize(file_get_contents($kept))] : $value;
}, 10, 3);";

/// Stops what WordPress itself would delete or change.
pub(crate) const BLOCKS: &str = "<?php add_filter('delete_user_metadata', '__return_false');
add_filter('update_user_metadata', '__return_false');";

const EVERYBODY: [&str; 5] = ["user", "session", "destroy", "--all-users", "--yes"];
const ALL: [&str; 5] = ["user", "session", "destroy", "admin", "--all"];

fn site(code: &str) -> Site {
    let site = WordPress::new().install();
    site.write("wp-content/kept.bin", "");
    site.write("wp-content/mu-plugins/own.php", code);
    site
}

/// What a run says must be what is so: exit 0 only where the cookie is refused.
fn honest(what: &str, run: Output, valid: bool, codes: [i32; 2]) -> Output {
    let expected = codes[usize::from(valid)];
    assert_eq!(run.code, Some(expected), "{what}: {}", run.to_snapshot());
    run
}

/// A session store that only the web server asks.
#[test]
fn a_manager_for_the_web_only() {
    needs!(WordPress);
    let (read, write) = TABLE;
    let code = for_the_web(&manager(read, write, "$this->put([]);"));
    for words in [ALL, EVERYBODY] {
        let site = site(&code);
        let cookie = site.login("admin", "A", "::1");
        // Nothing is in the rows: there is nothing to destroy, and nothing is proved by that.
        let run = kickout(&site, &words);
        let run = honest(
            "nothing in the rows",
            run,
            site.cookie_is_valid(&cookie),
            [0, 5],
        );
        run.stderr_has("own.php:").stderr_has("not in this process");
        site.set_raw(1, b"a:0:{}");
        let run = kickout(&site, &words);
        honest("old rows", run, site.cookie_is_valid(&cookie), [0, 5]);
    }
}

/// A filter that answers for user meta: rows are not the truth.
#[test]
fn sessions_that_a_filter_answers_for() {
    needs!(WordPress);
    for words in [ALL, EVERYBODY] {
        for engine in [&[][..], &["--engine=native"]] {
            let words = [&words[..], engine].concat();
            let site = site(ANSWERS);
            let cookie = site.login("admin", "A", "::1");
            let kept = site.raw_rows(1)[0].value.clone().unwrap();
            // Without anything of its own it is harmless.
            if engine.is_empty() && words.contains(&"admin") {
                kickout(&site, &words).code(0);
                assert!(!site.cookie_is_valid(&cookie));
                site.set_raw(1, &kept);
            }
            site.write("wp-content/kept.bin", &kept);
            let run = kickout(&site, &words);
            honest("with a row", run, site.cookie_is_valid(&cookie), [0, 5]);
            site.clear_raw(1);
            let run = kickout(&site, &words);
            honest("without a row", run, site.cookie_is_valid(&cookie), [0, 5]);
        }
    }
}

/// The same, for web requests only: nobody here sees what it answers.
#[test]
fn answers_for_the_web_only() {
    needs!(WordPress);
    for words in [ALL, EVERYBODY] {
        let site = site(&for_the_web(ANSWERS));
        let cookie = site.login("admin", "A", "::1");
        let kept = site.raw_rows(1)[0].value.clone().unwrap();
        site.write("wp-content/kept.bin", &kept);
        let run = kickout(&site, &words);
        let run = honest(
            "for the web only",
            run,
            site.cookie_is_valid(&cookie),
            [0, 5],
        );
        run.stderr_has("get_user_metadata")
            .stderr_has("not in this process");
    }
}

/// Filters that stop WordPress's own deletion stop neither engine, and are named.
#[test]
fn deletions_that_a_filter_blocks() {
    needs!(WordPress);
    for words in [ALL, EVERYBODY] {
        for engine in ["--engine=native", "--engine=php"] {
            let site = WordPress::new().install();
            let cookie = site.login("admin", "A", "::1");
            site.write("wp-content/mu-plugins/own.php", BLOCKS);
            let run = kickout(&site, &[&words[..], &[engine, "--debug"]].concat()).code(0);
            run.stderr_has("delete_user_metadata")
                .stderr_has("own.php:1");
            assert!(!site.cookie_is_valid(&cookie), "{engine}");
        }
    }
}

/// A cookie check of the site's own, for everybody or only for the web.
#[test]
fn cookie_checks_of_the_sites_own() {
    needs!(WordPress);
    let lax = "<?php function wp_validate_auth_cookie($cookie = '', $scheme = '') { return 1; }";
    for code in [lax.to_owned(), for_the_web(lax)] {
        for engine in ["--engine=auto", "--engine=native", "--engine=php"] {
            let site = site(&code);
            let cookie = site.login("admin", "A", "::1");
            let run = kickout(&site, &[&ALL[..], &[engine]].concat());
            let run = honest(engine, run, site.cookie_is_valid(&cookie), [0, 5]);
            run.stderr_has("own.php:1").stderr_has("login cookies");
        }
    }
}

/// A plugin of one site of a network replaces the store there; the main site does not know.
#[test]
fn a_manager_of_one_site_of_a_network() {
    needs!(WordPress);
    let site = WordPress::new()
        .config(|config| config.multisite = true)
        .install();
    let (read, write) = TABLE;
    let cookie = site.login("admin", "A", "::1");
    site.write(
        "wp-content/plugins/own.php",
        manager(read, write, "$this->put([]);"),
    );
    kickout(&site, &ALL).code(5).stderr_has("own.php:");
    assert!(!site.cookie_is_valid(&cookie));
}

/// What only looks like such code does not cost the proof.
#[test]
fn code_that_only_looks_so() {
    needs!(WordPress);
    let code = "<?php
// add_filter('session_token_manager', 'x');
/** Works with session_token_manager and get_user_metadata. */
class Own { public function wp_logout() {} private static function wp_hash($data) { return $data; } }
add_action('wp_logout', [new Own, 'wp_logout']);
";
    let site = site(code);
    let cookie = site.login("admin", "A", "::1");
    let run = kickout(&site, &[&ALL[..], &["--debug"]].concat()).code(0);
    run.stderr_has("native:");
    assert!(!site.cookie_is_valid(&cookie));
}
