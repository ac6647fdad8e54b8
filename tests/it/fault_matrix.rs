//! Every fault that could make a logout look better than it is, in one table: whatever a run says, it
//! does not say success while the site still takes the cookie.

use kickout_tests::DropIn::{self, ObjectCachePro, RedisObjectCache};
use kickout_tests::{
    Cookie, Fpm, MariaDb, Memcached, Output, Redis, Site, Web, WordPress, needs, web_takes,
};

use crate::destroy::destroy;
use crate::managers::{TABLE, manager};
use crate::object_cache::{cached, writing};
use crate::php_doubts::BLOCKS;
use crate::php_hostile::DEAF;
use crate::verify::proving;

/// Where code of the site's own stands.
const OWN: &str = "wp-content/mu-plugins/own.php";

/// What a run said, and whether the site takes the cookie afterwards.
type Seen = (Output, bool);

/// A fault, and how a run that meets it ends.
struct Fault {
    what: &'static str,
    run: fn(&[&str]) -> Seen,
    codes: &'static [i32],
}

const FAULTS: [Fault; 13] = [
    Fault {
        what: "stale Redis",
        run: stale_redis,
        codes: &[0],
    },
    Fault {
        what: "Redis down",
        run: redis_down,
        codes: &[5],
    },
    Fault {
        what: "other Redis",
        run: other_redis,
        codes: &[5],
    },
    Fault {
        what: "other memcached",
        run: other_memcached,
        codes: &[5],
    },
    Fault {
        what: "APCu",
        run: apcu,
        codes: &[5],
    },
    Fault {
        what: "custom store",
        run: custom_store,
        codes: &[0],
    },
    Fault {
        what: "a store that only says so",
        run: lying_store,
        codes: &[5],
    },
    Fault {
        what: "blocking filter",
        run: blocking_filter,
        codes: &[0],
    },
    Fault {
        what: "forged result",
        run: forged_result,
        codes: &[1, 5],
    },
    Fault {
        what: "read-only database",
        run: read_only_database,
        codes: &[1],
    },
    Fault {
        what: "racing writer",
        run: racing_writer,
        codes: &[5],
    },
    Fault {
        what: "second head",
        run: second_head,
        codes: &[5],
    },
    Fault {
        what: "a cache that outlives its rows",
        run: outlived_rows,
        codes: &[0],
    },
];

#[test]
fn no_false_success_for_one() {
    needs!(WordPress, Redis, Memcached, Apcu, Fpm);
    table(&["admin", "--all"]);
}

#[test]
fn no_false_success_for_everybody() {
    needs!(WordPress, Redis, Memcached, Apcu, Fpm);
    table(&["--all-users", "--yes"]);
}

fn table(words: &[&str]) {
    println!(
        "{}\n\n| fault | exit | the site takes the cookie |\n|---|---|---|",
        words.join(" ")
    );
    for Fault { what, run, codes } in FAULTS {
        let (said, taken) = run(words);
        let code = said.code.unwrap();
        println!("| {what} | {code} | {} |", if taken { "yes" } else { "no" });
        assert!(!(code == 0 && taken), "{what}: {}", said.to_snapshot());
        assert!(codes.contains(&code), "{what}: {}", said.to_snapshot());
    }
}

fn login(site: &Site) -> Cookie {
    let cookie = site.login("admin", "A", "::1");
    assert!(site.cookie_is_valid(&cookie));
    cookie
}

fn behind(redis: &Redis) -> Site {
    cached(RedisObjectCache, |config| {
        config.extra = redis.settings(RedisObjectCache);
    })
}

fn stale_redis(words: &[&str]) -> Seen {
    let redis = Redis::start();
    let site = behind(&redis);
    let cookie = login(&site);
    let said = writing(&redis, false, || destroy(&site, words));
    (said, site.cookie_is_valid(&cookie))
}

fn racing_writer(words: &[&str]) -> Seen {
    let redis = Redis::start();
    let site = behind(&redis);
    let cookie = login(&site);
    let said = writing(&redis, true, || destroy(&site, words));
    (said, site.cookie_is_valid(&cookie))
}

fn redis_down(words: &[&str]) -> Seen {
    let mut redis = Redis::start();
    let site = behind(&redis);
    login(&site);
    redis.stop();
    // It may come back with all that it had.
    (destroy(&site, words), true)
}

fn other_redis(words: &[&str]) -> Seen {
    let (redis, other) = (Redis::start(), Redis::start());
    let site = cached(ObjectCachePro, |config| {
        // Only a command line that is not a web request knows it this early.
        config.extra = format!(
            "define( 'WP_REDIS_PORT', defined( 'WP_CACHE' ) ? {} : {} );\n",
            other.port(),
            redis.port()
        );
    });
    let cookie = login(&site);
    let said = destroy(&site, words);
    (said, site.cookie_is_valid(&cookie))
}

fn other_memcached(words: &[&str]) -> Seen {
    let (memcached, other) = (Memcached::start(), Memcached::start());
    let site = cached(DropIn::Memcached, |config| {
        let (web, cli) = (memcached.port(), other.port());
        config.extra = memcached.settings_for(&format!("PHP_SAPI === 'cli' ? {cli} : {web}"));
    });
    let web = Web::of(&site);
    let taken = |cookie: &Cookie| web_takes(web.port(), &site, std::slice::from_ref(cookie))[0];
    let cookie = login(&site);
    assert!(taken(&cookie));
    (destroy(&site, words), taken(&cookie))
}

/// In the memory of the web server's processes.
fn apcu(words: &[&str]) -> Seen {
    let site = cached(DropIn::Apcu, |_| {});
    let web = Fpm::of(&site);
    let cookies = crate::object_cache_apcu::logins(&site, &web);
    let said = destroy(&site, words);
    (said, web_takes(web.port(), &site, &cookies)[0])
}

fn outlived_rows(words: &[&str]) -> Seen {
    let redis = Redis::start();
    let site = behind(&redis);
    let cookie = login(&site);
    site.clear_raw(1);
    assert!(site.cookie_is_valid(&cookie));
    let said = destroy(&site, words);
    (said, site.cookie_is_valid(&cookie))
}

fn custom_store(words: &[&str]) -> Seen {
    stored_elsewhere("$this->put([]);", words)
}

fn lying_store(words: &[&str]) -> Seen {
    stored_elsewhere("", words)
}

/// A session store of the site's own that ends everything by this code.
fn stored_elsewhere(destroy_all: &str, words: &[&str]) -> Seen {
    let (read, write) = TABLE;
    let site = WordPress::new().install();
    site.write(OWN, manager(read, write, destroy_all));
    let cookie = login(&site);
    let said = destroy(&site, words);
    (said, site.cookie_is_valid(&cookie))
}

fn blocking_filter(words: &[&str]) -> Seen {
    let site = WordPress::new().install();
    let cookie = login(&site);
    site.write(OWN, BLOCKS);
    let said = destroy(&site, words);
    (said, site.cookie_is_valid(&cookie))
}

fn forged_result(words: &[&str]) -> Seen {
    let site = WordPress::new().install();
    let cookie = login(&site);
    // Where nobody but the site's own PHP can read the rows.
    site.write("wp-content/db.php", "<?php // Routes.");
    site.write(OWN, format!("<?php\n{DEAF}\n"));
    let said = destroy(&site, words);
    site.write(OWN, "");
    (said, site.cookie_is_valid(&cookie))
}

fn read_only_database(words: &[&str]) -> Seen {
    let server = MariaDb::start();
    let site = WordPress::new().install_on(&server);
    let cookie = login(&site);
    server.sql("SET GLOBAL read_only = 1");
    let said = destroy(&site, words);
    server.sql("SET GLOBAL read_only = 0");
    (said, site.cookie_is_valid(&cookie))
}

/// One web server refuses the cookie, and another has a page cache that answers for it.
fn second_head(words: &[&str]) -> Seen {
    let site = crate::verify::site();
    let (plain, caching) = (Web::of(&site), Fpm::with_page_cache(&site));
    login(&site);
    let heads = [plain.address(), caching.address()].map(|at| format!("--head={at}"));
    let heads = heads.each_ref().map(String::as_str);
    let said = proving(&site, &[words, &heads].concat(), "http://s1.test");
    (said, true)
}
