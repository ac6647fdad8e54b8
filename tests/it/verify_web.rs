//! Web servers as they are: several, with caches of their own, elsewhere, down, or not to be trusted.

use kickout_tests::{DropIn, Fpm, Redis, Web, WordPress, needs};

use crate::destroy::destroy;
use crate::verify::{ALL, Proved, no_canary, proving, site};

/// Each head is asked under the site's name; the worst of them counts.
#[test]
fn every_head() {
    needs!(WordPress, Fpm);
    let site = site();
    let (one, two, mut down) = (Web::of(&site), Web::of(&site), Web::of(&site));
    let caching = Fpm::with_page_cache(&site);
    down.stop();
    let asked = &one;
    let [one, two, down] = [&one, &two, &down].map(Web::address);
    let caching = caching.address();
    let alive = format!("still answered for by {caching}\n");
    let rows = [
        ([&one, &two], 0, format!("Proved on {one}, {two}: ")),
        ([&one, &caching], 5, alive.clone()),
        ([&down, &one], 5, format!("no connection to {down}: ")),
        ([&down, &caching], 5, alive),
    ];
    for (heads, code, said) in rows {
        let cookie = site.login("admin", "A", "::1");
        let heads = heads.map(|at| format!("--head={at}"));
        let heads = heads.each_ref().map(String::as_str);
        proving(&site, &[&ALL[..], &heads].concat(), "http://s1.test")
            .code(code)
            .stdout("Success: Destroyed all sessions.\n")
            .stderr_has(&said);
        assert!(!site.cookie_is_valid(&cookie), "{heads:?}");
        no_canary(&site);
    }
    let asked = asked.requests();
    assert!(asked.iter().all(|asked| asked[0] == "s1.test"));
}

/// A page cache has a page once it is complete, and that may take longer than the logout.
#[test]
fn a_page_that_takes_its_time() {
    needs!(WordPress, Fpm);
    let site = site();
    site.write(
        "wp-content/mu-plugins/slow.php",
        "<?php
         add_action('in_admin_header', function () {
             while (ob_get_level()) { ob_end_flush(); }
             flush();
         });
         add_action('admin_footer', function () {
             for ($end = microtime(true) + 1; microtime(true) < $end;) {}
         });",
    );
    let caching = Fpm::with_page_cache(&site);
    proving(&site, &ALL, &caching.url())
        .code(5)
        .stderr_has("still answered for by");
}

/// The command line talks to another Redis than the web server: WordPress itself says all is well.
#[test]
fn another_redis_than_the_web_servers() {
    needs!(WordPress, Redis);
    let (redis, other) = (Redis::start(), Redis::start());
    for (cli, code, said) in [
        (other.port(), 5, "still answered for by"),
        (redis.port(), 0, "Proved on"),
    ] {
        let site = WordPress::new()
            .config(|config| {
                config.extra = format!(
                    "define( 'WP_REDIS_PORT', PHP_SAPI === 'cli' ? {cli} : {} );\n",
                    redis.port()
                );
            })
            .install();
        // The keys of both sites are the same.
        redis.ask(&["FLUSHALL"]);
        site.add_user("sue", "subscriber");
        DropIn::RedisObjectCache.into(&site);
        let web = Web::of(&site);
        site.login("admin", "A", "::1");
        let php = [&ALL[..], &["--engine=php"]].concat();
        destroy(&site, &php).code(5);
        site.login("admin", "A", "::1");
        proving(&site, &php, &web.url())
            .code(code)
            .stdout("Success: Destroyed all sessions.\n")
            .stderr_has(said);
        no_canary(&site);
    }
}

/// What is not the profile page before proves nothing; what was asked for is done all the same.
#[test]
fn a_web_side_that_does_not_know() {
    needs!(WordPress);
    let site = site();
    let rows = [
        ("http_response_code(503); exit;", "answered with status 503"),
        (
            "header('Location: /'); exit;",
            "answered with status 302 to /",
        ),
        (
            "unset($_COOKIE); $_COOKIE = [];",
            "answered with the way to the login page",
        ),
        (
            "header('Location: //evil.test/'); exit;",
            "answered with status 302 to //evil.test/",
        ),
        (
            "header('X: ' . str_repeat('x', 999999)); exit;",
            "gave no answer",
        ),
    ];
    for (before, said) in rows {
        let web = Web::behind(&site, before);
        let cookie = site.login("admin", "A", "::1");
        proving(&site, &ALL, &web.url())
            .code(5)
            .stdout("Success: Destroyed all sessions.\n")
            .stderr_has(
                "Warning: Not proved: before it was destroyed, for a session that was just made, ",
            )
            .stderr_has(said);
        assert!(!site.cookie_is_valid(&cookie), "{before}");
        no_canary(&site);
    }
    // By its own clock the session has expired: that it is refused then says nothing.
    let ahead = "if (count(file(__DIR__ . '/requests')) > 1) {
        $_COOKIE = []; header('Date: ' . gmdate('D, d M Y H:i:s', time() + 115) . ' GMT'); }";
    let web = Web::behind(&site, ahead);
    proving(&site, &ALL, &web.url())
        .code(5)
        .stderr_has("Not proved: by the clock of ");
    // Afterwards something else than the way to the login page: nobody is let in, nothing is proved.
    let second = "if (count(file(__DIR__ . '/requests')) > 1) { http_response_code(404); exit; }";
    let web = Web::behind(&site, second);
    proving(&site, &ALL, &web.url())
        .code(5)
        .stderr_has("Not proved: after it was destroyed, for a session that was just made, ")
        .stderr_has("status 404");
}

/// Only whom the operator names is asked.
#[test]
fn where_it_is_asked() {
    needs!(WordPress);
    let site = site();
    let web = Web::of(&site);
    let cookie = site.login("admin", "A", "::1");
    let rows: [(&[&str], &str); 2] = [
        (&[], "the site calls itself http://s1.test\n"),
        (
            &["--url=other.test"],
            "the site calls itself http://s1.test, not other.test\n",
        ),
    ];
    for (words, said) in rows {
        destroy(&site, &[&ALL[..], &["--verify=web"], words].concat())
            .code(1)
            .stdout("")
            .stderr_has(said)
            .stderr_has("add --verify-url=http://s1.test;");
        assert!(site.cookie_is_valid(&cookie));
        no_canary(&site);
    }
    let url = web.url();
    site.php_with(
        "update_option('siteurl', $args[0]);",
        &serde_json::json!([url]),
    );
    destroy(
        &site,
        &[&ALL[..], &["--verify=web", &format!("--url={url}")]].concat(),
    )
    .proved();
}
