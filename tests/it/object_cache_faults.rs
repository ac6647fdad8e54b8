//! Caches that cannot be cleared, or not for certain: never `gone`, and always what to do.

use std::io::Write as _;
use std::net::TcpListener;

use kickout_tests::DropIn::{RedisObjectCache, WpRedis};
use kickout_tests::{Kickout, Redis, WordPress, needs};

use crate::destroy::destroy;
use crate::object_cache::{cached, logins};

/// What happens to a server between the logins and the destroy.
type Fault = fn(&mut Redis, &Redis);

#[test]
fn what_cannot_be_cleared_is_unconfirmed() {
    needs!(WordPress, Redis);
    let down: Fault = |redis, _| redis.stop();
    let replica: Fault = |redis, other| {
        redis.ask(&["REPLICAOF", "127.0.0.1", &other.port().to_string()]);
    };
    let secret: Fault = |redis, _| {
        redis.ask(&["CONFIG", "SET", "requirepass", "other"]);
    };
    let no_delete: Fault = |redis, _| {
        redis.ask(&["ACL", "SETUSER", "default", "-unlink", "-del"]);
    };
    let no_scan: Fault = |redis, _| {
        redis.ask(&["ACL", "SETUSER", "default", "-scan"]);
    };
    // The web server's PHP uses another database than wp-config.php says.
    let cold: Fault = |redis, _| {
        redis.ask(&["SWAPDB", "0", "5"]);
    };
    let rows: [(&str, Fault, &str, &str); 6] = [
        ("down", down, "cannot be reached", "that the server runs"),
        (
            "replica",
            replica,
            "is a replica of another server",
            "primary server",
        ),
        (
            "password",
            secret,
            "refused the login: NOAUTH",
            "WP_REDIS_PASSWORD",
        ),
        ("no delete", no_delete, "refused DEL: NOPERM", "ACL SETUSER"),
        ("no scan", no_scan, "refused SCAN: NOPERM", "ACL SETUSER"),
        (
            "cold",
            cold,
            "holds nothing of WordPress",
            "Open the site once",
        ),
    ];
    for (what, fault, said, fix) in rows {
        for args in [&["admin", "--all"][..], &["--all-users", "--yes"]] {
            let (mut redis, other) = (Redis::start(), Redis::start());
            let site = cached(RedisObjectCache, |config| {
                config.extra = redis.settings(RedisObjectCache);
            });
            let cookies = logins(&site);
            fault(&mut redis, &other);
            let run = destroy(&site, args).code(5);
            run.stdout_has("Success: Destroyed")
                .stderr_has(said)
                .stderr_has("cached sessions may stay valid")
                .stderr_has(fix);
            assert_eq!(site.raw_rows(1), [], "{what}");
            if what.starts_with("no ") {
                assert_eq!(site.valid_cookies(&cookies), [true, true], "{what}");
            }
            // Nothing is left in the rows: the cache is as uncertain as before.
            destroy(&site, args).code(5).stderr_has(said);
        }
    }
}

/// Servers repeat what they were given in their errors.
#[test]
fn a_password_is_never_repeated() {
    needs!(WordPress, Redis);
    let rows: [(&str, &[&str], &str); 3] = [
        (
            "requirepass right",
            &["-a", "right"],
            "wrong account or password",
        ),
        ("rename-command AUTH \"\"", &[], "it does not take AUTH"),
        ("", &[], "it wants none"),
    ];
    for (line, login, said) in rows {
        let redis = Redis::with(&[line], login);
        let password = "define( 'WP_REDIS_PASSWORD', 'hunter2' );\n";
        let site = cached(RedisObjectCache, |config| {
            config.extra = redis.settings(RedisObjectCache) + password;
        });
        site.login("admin", "A", "::1");
        destroy(&site, &["admin", "--all", "--debug"])
            .code(5)
            .stderr_has(said)
            .stderr_has("WP_REDIS_PASSWORD")
            .never_says("hunter2");
        let doctor = Kickout::at(&site).arg("doctor").run().code(0);
        doctor.stdout_has(said).never_says("hunter2");
    }
}

/// What listens there is no Redis, or one that means harm: bounded, and never `gone`.
#[test]
fn a_hostile_server() {
    needs!(WordPress, Redis);
    let endless = [b"$19000000\r\n".as_slice(), &[b'x'; 1 << 20]].concat();
    let rows: [(&str, &[u8], bool, &str); 7] = [
        ("silent", b"", false, "did not answer within 5 seconds"),
        ("a line without end", b"+", true, "does not speak"),
        (
            "hangs up in the middle",
            b"$9\r\nabc",
            false,
            "did not answer",
        ),
        ("no Redis", b"HTTP/1.1 400 Bad\r\n", false, "does not speak"),
        ("a size", b"$99999999999\r\n", false, "larger than"),
        ("an array", b"*99999999\r\n", false, "larger array"),
        ("never ends", &endless, true, "ended inside an answer"),
    ];
    for (what, says, again, said) in rows {
        let server = Hostile::start(says.to_vec(), again);
        let site = WordPress::new()
            .config(|config| {
                config.extra = format!("define( 'WP_REDIS_PORT', {} );\n", server.port);
            })
            .install();
        site.login("admin", "A", "::1");
        RedisObjectCache.into(&site);
        let run = destroy(&site, &["admin", "--all"]).code(5);
        run.stdout("Success: Destroyed all sessions.\n")
            .stderr_has(said)
            .stderr_has("cached sessions may stay valid");
        assert_eq!(site.raw_rows(1), [], "{what}");
    }
}

/// Says its piece to whoever connects, once or for ever, and hears nothing.
struct Hostile {
    port: u16,
}

impl Hostile {
    fn start(says: Vec<u8>, again: bool) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, says) = (stream.unwrap(), says.clone());
                std::thread::spawn(move || {
                    while stream.write_all(&says).is_ok() && again {}
                    // Open until the other side closes it.
                    let _ = std::io::copy(&mut stream, &mut std::io::sink());
                });
            }
        });
        Self { port }
    }
}

#[test]
fn an_account_without_unlink() {
    needs!(WordPress, Redis);
    let redis = Redis::start();
    let site = cached(RedisObjectCache, |config| {
        config.extra = redis.settings(RedisObjectCache);
    });
    let cookies = logins(&site);
    redis.ask(&["ACL", "SETUSER", "default", "-unlink", "-info"]);
    destroy(&site, &["admin", "--all"]).success();
    assert_eq!(site.valid_cookies(&cookies), [false, false]);
}

/// A token that only the cache knows is ended, whatever the rows say of it.
#[test]
fn a_token_of_the_cache_alone() {
    needs!(WordPress, Redis);
    let redis = Redis::start();
    let site = cached(WpRedis, |config| config.extra = redis.settings(WpRedis));
    let cookies = logins(&site);
    site.clear_raw(1);
    assert_eq!(site.valid_cookies(&cookies), [true, true]);
    let run = destroy(&site, &["admin", &cookies[1].verifier]).code(1);
    run.stderr_has("held 2 sessions")
        .stderr_has("Session not found.");
    assert_eq!(site.valid_cookies(&cookies), [false, false]);
}
