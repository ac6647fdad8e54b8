//! Rows 4 to 8: an object cache answers before the rows.

use kickout_tests::DropIn::{ObjectCachePro, RedisObjectCache};
use kickout_tests::{DropIn, Redis};

use super::{ALL, Case, Row};
use crate::object_cache::cached;

pub(super) const ROWS: [Row; 5] = [
    Row {
        situation: "object-cache.php, a cache that is known and connected",
        site: known,
        words: ALL,
        engine: "Redis Object Cache at",
        says: "behind Redis Object Cache",
        exit: 0,
        ended: true,
    },
    Row {
        situation: "object-cache.php, connected, the web side not proved",
        site: through_wordpress,
        words: ALL,
        engine: "php: ",
        says: "what the web server sees is not proved (--verify=web asks it)",
        exit: 5,
        ended: true,
    },
    Row {
        situation: "object-cache.php, php says not connected",
        site: not_connected,
        words: ALL,
        engine: "php: ",
        says: "is not connected here",
        exit: 5,
        ended: false,
    },
    Row {
        situation: "APCu drop-in",
        site: apcu,
        words: ALL,
        engine: "memory cache (APCu) cannot be cleared from here",
        says: "Reload PHP-FPM",
        exit: 5,
        ended: true,
    },
    Row {
        situation: "drop-in present, no usable PHP",
        site: no_php,
        words: ALL,
        engine: "FAIL",
        says: "deleting rows alone would leave users logged in",
        exit: 1,
        ended: false,
    },
];

fn known() -> Case {
    behind(RedisObjectCache)
}

fn through_wordpress() -> Case {
    behind(ObjectCachePro)
}

fn behind(drop_in: DropIn) -> Case {
    let redis = Redis::start();
    let site = cached(drop_in, |config| config.extra = redis.settings(drop_in));
    Case {
        _redis: Some(redis),
        ..Case::of(site)
    }
}

/// The command line is shown another port than the web server, where nobody listens.
fn not_connected() -> Case {
    let redis = Redis::start();
    let mut gone = Redis::start();
    gone.stop();
    let site = cached(ObjectCachePro, |config| {
        config.extra = format!(
            "define( 'WP_REDIS_PORT', defined( 'WP_CACHE' ) ? {} : {} );\n",
            gone.port(),
            redis.port()
        );
    });
    Case {
        _redis: Some(redis),
        ..Case::of(site)
    }
}

/// The extension is not there, nor is the drop-in: its name is.
fn apcu() -> Case {
    let header = "<?php // Plugin Name: APCu Object Cache Backend\n\
                  require_once ABSPATH . WPINC . '/cache.php';\n";
    Case::plain().with("wp-content/object-cache.php", header)
}

fn no_php() -> Case {
    let case = Case::plain().with(
        "wp-content/object-cache.php",
        "<?php // Memcached\nrequire_once ABSPATH . WPINC . '/cache.php';\n",
    );
    Case { php: false, ..case }
}
