//! Sites behind a Redis drop-in: what WordPress itself says of the cookies, in a fresh process, after
//! rows were destroyed natively. The drop-in is the tests' own (`tests/data/object-cache`).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};

use kickout_tests::DropIn::{RedisObjectCache, WpRedis};
use kickout_tests::{Certificate, Config, DropIn, Kickout, Owner, Redis, Site, WordPress, needs};

use crate::destroy::destroy;

/// A site whose sessions a cache answers for; `lines` are added to its `wp-config.php`.
pub(crate) fn cached(drop_in: DropIn, change: impl FnOnce(&mut Config)) -> Site {
    let site = WordPress::new().config(change).install();
    drop_in.into(&site);
    site
}

/// Two logins that WordPress takes for valid, out of the cache.
pub(crate) fn logins(site: &Site) -> Vec<kickout_tests::Cookie> {
    let cookies = site.logins(&[("admin", "A", "::1"), ("admin", "B", "::1")]);
    assert_eq!(site.valid_cookies(&cookies), [true, true]);
    cookies
}

/// `held` gives the keys of users' meta; `key` is the only one.
fn check(what: &str, held: &dyn Fn() -> String, key: &str, site: &Site) {
    let cookies = logins(site);
    assert_eq!(held(), key, "{what}");
    // One of two.
    let run = destroy(site, &["admin", &cookies[0].verifier]).code(0);
    run.stdout("Success: Destroyed session. 1 session remaining.\n");
    assert_eq!(site.valid_cookies(&cookies), [false, true], "{what}: one");
    // A cache that outlives its rows: WordPress honours it, a listing says so, a destroy ends it.
    site.clear_raw(1);
    assert_eq!(site.valid_cookies(&cookies), [false, true], "{what}: stale");
    let list = Kickout::at(site).args(["user", "session", "list", "admin", "--format=count"]);
    let said = "holds 1 session that the database does not have";
    list.run().code(0).stdout("0\n").stderr_has(said);
    let would: [(&[&str], &str); 3] = [
        (&["admin"], "No sessions to destroy."),
        (
            &["admin", "--all"],
            "Would destroy 0 sessions of user 1 (admin).",
        ),
        (&["--all-users"], "Would destroy 0 sessions of 0 users."),
    ];
    for (words, text) in would {
        destroy(site, &[words, &["--dry-run"]].concat())
            .code(0)
            .stdout(&format!("Success: {text}\n"))
            .stderr_has(&format!("{said}: a destroy would end them, too"));
    }
    assert_eq!(site.valid_cookies(&cookies), [false, true], "{what}: dry");
    let run = destroy(site, &["admin"]).code(0);
    run.stdout("Success: No sessions to destroy.\n")
        .stderr_has("held 1 session that the database no longer had");
    assert_eq!(
        site.valid_cookies(&cookies),
        [false, false],
        "{what}: outlived"
    );
    // Everybody.
    let cookies = logins(site);
    destroy(site, &["--all-users", "--yes"])
        .code(0)
        .stdout("Success: Destroyed 2 sessions of 1 user.\n");
    assert_eq!(held(), "", "{what}");
    assert_eq!(site.valid_cookies(&cookies), [false, false], "{what}: all");
}

const ODD: &str = "define( 'WP_CACHE_KEY_SALT', 'a*b ?[c]\\\\d' );\n";

type Change<'a> = &'a dyn Fn(&mut Config);

fn network(config: &mut Config) {
    config.multisite = true;
}

fn check_keys(drop_in: DropIn, rows: &[(&str, &str, &str, Change<'_>)]) {
    needs!(WordPress, Redis);
    for &(what, lines, key, change) in rows {
        let redis = Redis::start();
        let site = cached(drop_in, |config| {
            config.extra = redis.settings(drop_in) + lines;
            change(config);
        });
        let database = if lines.contains("DATABASE") { "3" } else { "0" };
        let held = || redis.ask(&["-n", database, "--scan", "--pattern", "*user_meta:*"]);
        check(&format!("{drop_in:?}, {what}"), &held, key, &site);
    }
}

#[test]
fn keys_of_redis_object_cache() {
    let other = "define( 'WP_REDIS_PREFIX', 'x:' );\ndefine( 'WP_REDIS_DATABASE', '3' );\n\
                 define( 'WP_REDIS_IGBINARY', true );\n";
    let my = |config: &mut Config| config.prefix = "my_".to_owned();
    check_keys(
        RedisObjectCache,
        &[
            ("plain", "", "wp:user_meta:1", &|_| {}),
            ("salt", ODD, "a*b ?[c]\\dwp:user_meta:1", &|_| {}),
            ("another database, igbinary", other, "x:my:user_meta:1", &my),
            ("a network", ODD, "a*b ?[c]\\d:user_meta:1", &network),
        ],
    );
}

#[test]
fn keys_of_wp_redis() {
    let groups = "define( 'WP_REDIS_USE_CACHE_GROUPS', true );\n";
    let tables = |config: &mut Config| {
        config.user_tables = Some(("people".to_owned(), "people_meta".to_owned()));
    };
    check_keys(
        WpRedis,
        &[
            ("plain", "", "wp_user_meta:1", &|_| {}),
            ("salt", ODD, "a*b?[c]\\dwp_user_meta:1", &|_| {}),
            ("groups", groups, "wp_user_meta:", &|_| {}),
            ("a network, groups", groups, "user_meta:", &network),
            ("custom tables", ODD, "a*b?[c]\\duser_meta:1", &tables),
        ],
    );
}

#[test]
fn every_way_to_the_server() {
    needs!(WordPress, Redis);
    let certificate = Certificate::for_names(&["DNS:localhost", "IP:127.0.0.1"]);
    let authority = certificate.authority().display().to_string();
    let own = Certificate::for_names(&["DNS:elsewhere.test"]);
    let tls = |certificate: &Certificate| {
        Owner::web().give(&certificate.key());
        format!(
            "port 0\ntls-port {{port}}\ntls-auth-clients no\ntls-cert-file {}\ntls-key-file {}",
            certificate.certificate().display(),
            certificate.key().display()
        )
    };
    let (named, elsewhere) = (tls(&certificate), tls(&own));
    let account = "user kick on >s3cret ~* +@all\nuser default off";
    let context = |fields: &str| {
        format!(
            "define( 'WP_REDIS_SCHEME', 'tls' );\n\
             define( 'WP_REDIS_SSL_CONTEXT', array( {fields} ) );\n"
        )
    };
    let cafile = context(&format!("'cafile' => '{authority}'"));
    let unnamed = context(&format!(
        "'cafile' => '{}', 'verify_peer_name' => false",
        own.authority().display()
    ));
    let blind = context("'verify_peer' => false, 'verify_peer_name' => false");
    let pair = "define( 'WP_REDIS_PASSWORD', array( 'kick', 's3cret' ) );\n";
    let password = "define( 'WP_REDIS_PASSWORD', 's3cret' );\n";
    let login = ["--user", "kick", "--pass", "s3cret"];
    let rows: [(&str, &str, &[&str], &str); 7] = [
        (
            "a name",
            "",
            &[],
            "define( 'WP_REDIS_HOST', 'localhost' );\n",
        ),
        (
            "a password",
            "requirepass s3cret",
            &["-a", "s3cret"],
            password,
        ),
        ("an account", account, &login, pair),
        ("TLS", &named, &[], &cafile),
        ("TLS, another name", &elsewhere, &[], &unnamed),
        ("TLS, unchecked", &elsewhere, &[], &blind),
        ("a socket", "", &[], "SOCKET"),
    ];
    for (what, lines, login, settings) in rows {
        let redis = Redis::with(&[lines], login);
        let site = cached(RedisObjectCache, |config| {
            config.extra = match settings {
                "SOCKET" => format!(
                    "define( 'WP_REDIS_SCHEME', 'unix' );\ndefine( 'WP_REDIS_PATH', '{}' );\n",
                    redis.socket().display()
                ),
                settings => redis.settings(RedisObjectCache) + settings,
            };
        });
        let cookies = logins(&site);
        assert_eq!(redis.keys("*user_meta:1"), ["wp:user_meta:1"], "{what}");
        let doctor = Kickout::at(&site).arg("doctor").run().code(0);
        doctor
            .stdout_has("reachable")
            .stdout_has("Redis Object Cache at ")
            .never_says("s3cret");
        let run = destroy(&site, &["admin", "--all", "--debug"]).code(0);
        run.stdout("Success: Destroyed all sessions.\n")
            .stderr_has("round 1: 1 cleared, then 0")
            .never_says("s3cret");
        assert_eq!(site.valid_cookies(&cookies), [false, false], "{what}");
    }
}

/// Puts the old value back whenever it is missing: the first time only, or for ever.
pub(crate) fn writing<T>(redis: &Redis, always: bool, meanwhile: impl FnOnce() -> T) -> T {
    redis.ask(&["COPY", "wp:user_meta:1", "old", "REPLACE"]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut server = TcpStream::connect(("127.0.0.1", redis.port())).unwrap();
            let mut answers = BufReader::new(server.try_clone().unwrap());
            while !stop.load(Ordering::Relaxed) {
                // Copies only where nothing is.
                server.write_all(b"COPY old wp:user_meta:1\r\n").unwrap();
                let mut answer = String::new();
                answers.read_line(&mut answer).unwrap();
                if answer == ":1\r\n" && !always {
                    return;
                }
            }
        });
        let seen = meanwhile();
        stop.store(true, Ordering::Relaxed);
        seen
    })
}

#[test]
fn a_racing_writer() {
    needs!(WordPress, Redis);
    let redis = Redis::start();
    let site = cached(RedisObjectCache, |config| {
        config.extra = redis.settings(RedisObjectCache);
    });
    for args in [&["admin", "--all"][..], &["--all-users", "--yes"]] {
        let cookies = logins(&site);
        let run = writing(&redis, false, || {
            destroy(&site, &[args, &["--debug"]].concat())
        });
        run.code(0).stderr_has("round 1: 1 cleared, then 1");
        assert_eq!(site.valid_cookies(&cookies), [false, false]);
    }
    alive_for_ever(&redis, &site);
}

/// What is put back whenever it is cleared is alive, and nothing else is said.
pub(crate) fn alive_for_ever(redis: &Redis, site: &Site) {
    let cookies = logins(site);
    let run = writing(redis, true, || destroy(site, &["admin", "--all"]));
    run.code(5)
        .stdout("")
        .stderr_has("put back into the object cache");
    assert_eq!(site.valid_cookies(&cookies), [true, true]);
}

/// Ten thousand users in the cache, none of them in the rows; and what is no user's meta stays.
#[test]
fn ten_thousand_cached_users() {
    needs!(WordPress, Redis);
    let redis = Redis::start();
    let site = cached(RedisObjectCache, |config| {
        config.extra = redis.settings(RedisObjectCache);
    });
    let cookies = logins(&site);
    let script = "local old = redis.call('get', 'wp:user_meta:1')\n\
                  for id = 1000, 10999 do redis.call('set', 'wp:user_meta:' .. id, old) end\n\
                  for id = 1, 20000 do redis.call('set', 'wp:posts:' .. id, id) end";
    redis.ask(&["EVAL", script, "0"]);
    let others = redis.keys("wp:posts:*").len();
    assert_eq!(redis.keys("*user_meta:*").len(), 10_001);
    let run = destroy(&site, &["--all-users", "--yes", "--debug"]).code(0);
    run.stdout("Success: Destroyed 2 sessions of 1 user.\n")
        .stderr_has("10001 cleared, then 0");
    assert_eq!(redis.keys("*user_meta:*"), [] as [String; 0]);
    assert_eq!(redis.keys("wp:posts:*").len(), others);
    assert_eq!(site.valid_cookies(&cookies), [false, false]);
}
