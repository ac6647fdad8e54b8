//! What the drop-ins' settings mean, a configuration a row.

use std::fs;

use super::*;
use crate::site::{Environment, Root};

fn read(php: &str, environment: &Environment, kind: ObjectCacheKind) -> Found<Server> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("wp-config.php"), format!("<?php {php}")).unwrap();
    fs::write(dir.path().join("wp-load.php"), "").unwrap();
    let root = Root {
        path: dir.path().to_owned(),
        version: None,
    };
    server(kind, &Config::read(&root, environment).unwrap()).unwrap()
}

fn roc(php: &str) -> Found<Server> {
    read(
        php,
        &Environment::unknown(),
        ObjectCacheKind::RedisObjectCache,
    )
}

fn plain(place: Place) -> Server {
    Server {
        place,
        tls: None,
        login: None,
        database: 0,
        groups: false,
    }
}

fn tcp(host: &str, port: u16) -> Place {
    Place::Tcp {
        host: host.to_owned(),
        port,
    }
}

fn login_of(user: Option<&str>, password: &str) -> Option<Login> {
    Some(Login {
        user: user.map(|user| user.as_bytes().to_vec()),
        password: Secret::new(password.as_bytes().to_vec()),
    })
}

#[test]
fn redis_object_cache_is_where_its_constants_say() {
    let rows = [
        ("", plain(tcp("127.0.0.1", 6379))),
        (
            "define('WP_REDIS_HOST', 'cache.test'); const WP_REDIS_PORT = '6380';",
            plain(tcp("cache.test", 6380)),
        ),
        (
            "define('WP_REDIS_SCHEME', 'unix'); define('WP_REDIS_PATH', '/run/r.sock');",
            plain(Place::Socket("/run/r.sock".into())),
        ),
        (
            "define('WP_REDIS_HOST', '/run/r.sock');",
            plain(Place::Socket("/run/r.sock".into())),
        ),
        (
            "define('WP_REDIS_DATABASE', '3'); define('WP_REDIS_PASSWORD', '');",
            Server {
                database: 3,
                ..plain(tcp("127.0.0.1", 6379))
            },
        ),
        (
            "define('WP_REDIS_PASSWORD', 's');",
            Server {
                login: login_of(None, "s"),
                ..plain(tcp("127.0.0.1", 6379))
            },
        ),
        (
            "define('WP_REDIS_PASSWORD', ['u', 's']);",
            Server {
                login: login_of(Some("u"), "s"),
                ..plain(tcp("127.0.0.1", 6379))
            },
        ),
        (
            "define('WP_REDIS_USERNAME', 'u'); define('WP_REDIS_PASSWORD', 's');",
            Server {
                login: login_of(Some("u"), "s"),
                ..plain(tcp("127.0.0.1", 6379))
            },
        ),
        (
            "define('WP_REDIS_SCHEME', 'TLS'); define('WP_REDIS_HOST', 'tls://c.test');
             define('WP_REDIS_SSL_CONTEXT', ['verify_peer_name' => false, 'cafile' => '/ca']);",
            Server {
                tls: Some(Tls {
                    verify_name: false,
                    authorities: Some("/ca".into()),
                    ..Tls::usual()
                }),
                ..plain(tcp("c.test", 6379))
            },
        ),
    ];
    for (php, wanted) in rows {
        assert_eq!(roc(php), Ok(wanted), "{php}");
    }
}

#[test]
fn what_is_not_one_plain_server() {
    let rows = [
        (
            "define('WP_REDIS_CLUSTER', ['tcp://a']);",
            "several servers",
        ),
        ("define('WP_REDIS_SENTINEL', 'm');", "several servers"),
        ("define('WP_REDIS_SHARDS', []);", "several servers"),
        ("define('WP_REDIS_HOST', getenv('R'));", "getenv('R')"),
        ("include 'x' . $y; ", "WP_REDIS_SENTINEL"),
        ("define('WP_REDIS_PORT', 70000);", "WP_REDIS_PORT"),
        ("define('WP_REDIS_DATABASE', 'cache');", "WP_REDIS_DATABASE"),
        ("define('WP_REDIS_SCHEME', 'unix');", "WP_REDIS_PATH"),
        ("define('WP_REDIS_SCHEME', 'quic');", "WP_REDIS_SCHEME"),
        ("define('WP_REDIS_PASSWORD', true);", "WP_REDIS_PASSWORD"),
        (
            "define('WP_REDIS_PASSWORD', [1, 2, 'hidden']);",
            "WP_REDIS_PASSWORD",
        ),
        (
            "define('WP_REDIS_SCHEME', 'tls');
             define('WP_REDIS_SSL_CONTEXT', ['local_cert' => '/c']);",
            "local_cert",
        ),
        (
            "define('WP_REDIS_SCHEME', 'tls');
             define('WP_REDIS_SSL_CONTEXT', ['allow_self_signed' => true]);",
            "allow_self_signed",
        ),
    ];
    for (php, wanted) in rows {
        let Unsuitable(why) = roc(php).unwrap_err();
        assert!(
            why.contains(wanted) && !why.contains("hidden"),
            "{php}: {why}"
        );
    }
}

#[test]
fn wp_redis_is_where_its_array_or_the_platform_says() {
    let platform = Environment::of_process([
        ("CACHE_HOST".into(), "p.test".into()),
        ("CACHE_PORT".into(), "6381".into()),
        ("CACHE_PASSWORD".into(), "s".into()),
        ("CACHE_DB".into(), "2".into()),
    ]);
    let empty = Environment::of_process([]);
    let of_platform = Server {
        login: login_of(None, "s"),
        database: 2,
        ..plain(tcp("p.test", 6381))
    };
    let grouped = Server {
        groups: true,
        ..plain(tcp("h", 6379))
    };
    let rows = [
        ("", &platform, Ok(of_platform)),
        ("", &empty, Ok(plain(tcp("127.0.0.1", 6379)))),
        (
            "$redis_server = ['host' => '/run/r', 'port' => 0];",
            &platform,
            Ok(plain(Place::Socket("/run/r".into()))),
        ),
        (
            "define('WP_REDIS_USE_CACHE_GROUPS', true); $redis_server = array('host' => 'h');",
            &empty,
            Ok(grouped),
        ),
        (
            "$redis_server = ['host' => 'h', 'ssl' => 1];",
            &empty,
            Err("a key"),
        ),
        ("$redis_server = ['port' => 1];", &empty, Err("no host")),
        ("$redis_server = make();", &empty, Err("$redis_server")),
        ("", &Environment::unknown(), Err("CACHE_HOST")),
        ("$_SERVER['CACHE_HOST'] = 'x';", &empty, Err("CACHE_HOST")),
    ];
    for (php, environment, wanted) in rows {
        match (read(php, environment, ObjectCacheKind::WpRedis), wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{php}"),
            (Err(Unsuitable(why)), Err(wanted)) => assert!(why.contains(wanted), "{php}: {why}"),
            (found, _) => panic!("{php}: {found:?}"),
        }
    }
}
