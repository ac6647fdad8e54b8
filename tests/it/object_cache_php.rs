//! Caches that the native engine cannot clear: WordPress does it, and says `gone` of none; and what
//! `--engine=native` does there.

use kickout_tests::DropIn::{ObjectCachePro, RedisObjectCache};
use kickout_tests::{Redis, Site, WordPress, needs};

use crate::destroy::destroy;
use crate::object_cache::{alive_for_ever, cached, logins, writing};

const NOT_PROVED: &str = "what the web server sees is not proved";

fn through_wordpress(redis: &Redis) -> Site {
    cached(ObjectCachePro, |config| {
        config.extra = redis.settings(ObjectCachePro);
    })
}

/// What is said of sessions whose rows are gone already, and their end.
#[test]
fn wordpress_clears_what_it_sees() {
    needs!(WordPress, Redis);
    let redis = Redis::start();
    let site = through_wordpress(&redis);
    let cookies = logins(&site);
    destroy(&site, &["admin", &cookies[0].verifier])
        .code(5)
        .stdout("Success: Destroyed session. 1 session remaining.\n")
        .stderr_has(NOT_PROVED);
    assert_eq!(site.valid_cookies(&cookies), [false, true]);
    site.clear_raw(1);
    assert_eq!(site.valid_cookies(&cookies), [false, true]);
    destroy(&site, &["admin"])
        .code(5)
        .stdout("Success: No sessions to destroy.\n")
        .stderr_has("held 1 session that the database no longer had");
    assert_eq!(site.valid_cookies(&cookies), [false, false]);
    for words in [&["admin", "--all"][..], &["--all-users", "--yes"]] {
        let cookies = logins(&site);
        let accepted = [words, &["--unconfirmed-ok", "--debug"]].concat();
        destroy(&site, &accepted)
            .code(0)
            .stderr_has(NOT_PROVED)
            .stderr_has("round 1: 1 cleared, then");
        assert_eq!(site.valid_cookies(&cookies), [false, false], "{words:?}");
    }
    // Nothing is left anywhere: still nobody knows what the web server sees.
    destroy(&site, &["admin", "--all"]).code(5);
}

/// The command line's PHP has another cache than the web server's, or none.
#[test]
fn another_cache_than_the_web_servers() {
    needs!(WordPress, Redis);
    let (redis, other) = (Redis::start(), Redis::start());
    let mut gone = Redis::start();
    gone.stop();
    let rows = [
        ("another", other.port(), NOT_PROVED),
        ("none", gone.port(), "is not connected here"),
    ];
    for (what, port, said) in rows {
        let site = cached(ObjectCachePro, |config| {
            // Only a command line that is not a web request knows it this early.
            config.extra = format!(
                "define( 'WP_REDIS_PORT', defined( 'WP_CACHE' ) ? {port} : {} );\n",
                redis.port()
            );
        });
        for words in [&["admin", "--all"][..], &["--all-users", "--yes"]] {
            let cookies = logins(&site);
            destroy(&site, words).code(5).stderr_has(said);
            assert_eq!(site.valid_cookies(&cookies), [true, true], "{what}");
            redis.ask(&["FLUSHALL"]);
        }
    }
}

#[test]
fn a_racing_writer_behind_wordpress() {
    needs!(WordPress, Redis);
    let redis = Redis::start();
    let site = through_wordpress(&redis);
    let cookies = logins(&site);
    let run = writing(&redis, false, || {
        destroy(&site, &["admin", "--all", "--debug"])
    });
    run.code(5).stderr_has("then 1").stderr_has(NOT_PROVED);
    assert_eq!(site.valid_cookies(&cookies), [false, false]);
    alive_for_ever(&redis, &site);
}

/// Where the cache is a plain Redis it is cleared natively, whichever engine has the rows.
#[test]
fn a_plain_redis_is_cleared_beside_php() {
    needs!(WordPress, Redis);
    let redis = Redis::start();
    let site = cached(RedisObjectCache, |config| {
        config.extra = redis.settings(RedisObjectCache);
    });
    let routes = "<?php // HyperDB\nrequire_once ABSPATH . WPINC . '/class-wpdb.php';\n";
    let rows = [
        ("natively", "", &[][..], "behind Redis Object Cache"),
        ("php", "", &["--engine=php"], "--engine=php"),
        ("routed", routes, &[], "HyperDB"),
    ];
    for (what, db, words, why) in rows {
        if !db.is_empty() {
            site.write("wp-content/db.php", db);
        }
        let cookies = logins(&site);
        site.clear_raw(1);
        assert_eq!(site.valid_cookies(&cookies), [true, true]);
        let more = [&["admin", "--all", "--debug"], words].concat();
        destroy(&site, &more)
            .code(0)
            .stderr_has(why)
            .stderr_has("held 2 sessions that the database no longer had");
        assert_eq!(site.valid_cookies(&cookies), [false, false], "{what}");
    }
}

/// Natively nothing is done where the end cannot be known, unless that is accepted.
#[test]
fn natively_only_when_it_is_accepted() {
    needs!(WordPress, Redis);
    let mut redis = Redis::start();
    let running = redis.settings(RedisObjectCache);
    let cluster = "define( 'WP_REDIS_CLUSTER', array( 'tcp://a' ) );\n";
    let guessed = "define( 'WP_REDIS_HOST', getenv( 'REDIS' ) );\n";
    let plain = "<?php // Plugin Name: Redis Object Cache\n";
    let apcu = "<?php // Plugin Name: APCu Object Cache Backend\n";
    let memcached = "<?php // Memcached\n";
    let rows = [
        ("cluster", cluster, plain, "WP_REDIS_CLUSTER"),
        ("guessed", guessed, plain, "getenv('REDIS')"),
        ("down", &running, plain, "cannot be reached"),
        ("APCu", "", apcu, "memory cache (APCu)"),
        ("memcached", "", memcached, "(Memcached)"),
        ("unknown", "", "<?php", "(unknown drop-in)"),
    ];
    redis.stop();
    for (what, lines, drop_in, said) in rows {
        let site = WordPress::new()
            .config(|config| config.extra = lines.to_owned())
            .install();
        site.login("admin", "A", "::1");
        site.write("wp-content/object-cache.php", drop_in);
        let native = ["admin", "--all", "--engine=native"];
        let run = destroy(&site, &native).code(1).stdout("");
        run.stderr_has("keeps sessions in a cache of its own")
            .stderr_has(said)
            .stderr_has("--unconfirmed-ok");
        assert_eq!(site.raw_rows(1).len(), 1, "{what}");
        let accepted = [&native[..], &["--unconfirmed-ok"]].concat();
        destroy(&site, &accepted)
            .code(0)
            .stdout("Success: Destroyed all sessions.\n")
            .stderr_has("cached sessions may stay valid")
            .stderr_has("rotate the salts");
        assert_eq!(site.raw_rows(1), [], "{what}");
    }
}
