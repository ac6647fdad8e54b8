//! Sites behind memcached, which only WordPress clears: what a web server with the same cache takes
//! before and after, and what is said where the command line has another one.

use kickout_tests::DropIn::Memcached as DropIn;
use kickout_tests::{Cookie, Memcached, Site, Web, needs, web_takes};

use crate::destroy::destroy;
use crate::object_cache::cached;
use crate::verify::{Proved as _, no_canary, proving};

const NOT_PROVED: &str = "what the web server sees is not proved";

/// Two logins that the web server takes, and has put into the cache.
fn logins(site: &Site, web: &Web) -> Vec<Cookie> {
    let cookies = site.logins(&[("admin", "A", "::1"), ("admin", "B", "::1")]);
    assert_eq!(web_takes(web.port(), site, &cookies), [true, true]);
    cookies
}

/// Whether the administrator's meta stands under this key, after the flush number of this salt.
fn held(memcached: &Memcached, salt: &str, key: &str) -> bool {
    let number = memcached.get(&format!("{salt}:flush_number")).unwrap();
    memcached.get(&format!("{salt}:{number}:{key}")).is_some()
}

#[test]
fn the_web_server_is_heard() {
    needs!(WordPress, Memcached);
    let memcached = Memcached::start();
    let site = cached(DropIn, |config| config.extra = memcached.settings());
    let web = Web::of(&site);
    let taken = |cookies: &[Cookie]| web_takes(web.port(), &site, cookies);
    let cookies = logins(&site, &web);
    assert!(held(&memcached, "", "wp_:user_meta:1"));
    // One of two.
    destroy(&site, &["admin", &cookies[0].verifier])
        .code(5)
        .stdout("Success: Destroyed session. 1 session remaining.\n")
        .stderr_has(NOT_PROVED);
    assert_eq!(taken(&cookies), [false, true]);
    // A cache that outlives its rows.
    site.clear_raw(1);
    assert_eq!(taken(&cookies), [false, true]);
    destroy(&site, &["admin"])
        .code(5)
        .stdout("Success: No sessions to destroy.\n")
        .stderr_has("held 1 session that the database no longer had");
    assert_eq!(taken(&cookies), [false, false]);
    for words in [&["admin", "--all"][..], &["--all-users", "--yes"]] {
        let cookies = logins(&site, &web);
        destroy(&site, words)
            .code(5)
            .stdout_has("Success: Destroyed ")
            .stderr_has(NOT_PROVED);
        assert_eq!(taken(&cookies), [false, false], "{words:?}");
    }
}

#[test]
fn a_network_with_a_salt() {
    needs!(WordPress, Memcached);
    let memcached = Memcached::start();
    let site = cached(DropIn, |config| {
        config.multisite = true;
        config.extra = memcached.settings() + "define( 'WP_CACHE_KEY_SALT', 'a b' );\n";
    });
    let web = Web::of(&site);
    let cookies = logins(&site, &web);
    assert!(held(&memcached, "ab", ":user_meta:1"));
    destroy(&site, &["admin", "--all"]).code(5);
    assert_eq!(web_takes(web.port(), &site, &cookies), [false, false]);
}

/// Nobody needs to take Kickout's word for it.
#[test]
fn proved_by_the_web_server() {
    needs!(WordPress, Memcached);
    let memcached = Memcached::start();
    let site = cached(DropIn, |config| config.extra = memcached.settings());
    site.add_user("sue", "subscriber");
    let web = Web::of(&site);
    let cookies = logins(&site, &web);
    proving(&site, &["admin", "--all"], &web.url()).proved();
    assert_eq!(web_takes(web.port(), &site, &cookies), [false, false]);
    no_canary(&site);
}

/// What the command line's PHP has instead of the web server's cache; never a success.
#[test]
fn another_memcached_than_the_web_servers() {
    needs!(WordPress, Memcached);
    let (memcached, other) = (Memcached::start(), Memcached::start());
    let mut gone = Memcached::start();
    gone.stop();
    let rows = [
        (&["admin", "--all"][..], other.port(), NOT_PROVED),
        (
            &["--all-users", "--yes"],
            gone.port(),
            "is not connected here",
        ),
    ];
    for (words, port, said) in rows {
        let site = cached(DropIn, |config| {
            let port = format!("PHP_SAPI === 'cli' ? {port} : {}", memcached.port());
            config.extra = memcached.settings_for(&port);
        });
        site.add_user("sue", "subscriber");
        // The keys of both sites are the same.
        memcached.flush();
        let web = Web::of(&site);
        let cookies = logins(&site, &web);
        destroy(&site, words).code(5).stderr_has(said);
        assert_eq!(web_takes(web.port(), &site, &cookies), [true, true]);
        proving(&site, words, &web.url())
            .code(5)
            .stderr_has("still answered for by");
        assert_eq!(web_takes(web.port(), &site, &cookies), [true, true]);
        no_canary(&site);
    }
}

/// The web server asks the rows while nobody answers: until the server is back with what it held.
#[test]
fn a_memcached_that_is_down() {
    needs!(WordPress, Memcached);
    let mut memcached = Memcached::start();
    let site = cached(DropIn, |config| config.extra = memcached.settings());
    let web = Web::of(&site);
    let cookies = logins(&site, &web);
    memcached.stop();
    destroy(&site, &["admin", "--all"])
        .code(5)
        .stdout("Success: Destroyed all sessions.\n")
        .stderr_has("is not connected here");
    assert_eq!(web_takes(web.port(), &site, &cookies), [false, false]);
}
