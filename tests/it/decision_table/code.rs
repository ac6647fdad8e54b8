//! Rows 9 to 13: code of the site's own stands between WordPress and the rows.

use kickout_tests::WordPress;

use super::{ALL, Case, Row};
use crate::managers::{TABLE, manager};
use crate::php_doubts::BLOCKS;

const OWN: &str = "wp-content/mu-plugins/own.php";

pub(super) const ROWS: [Row; 5] = [
    Row {
        situation: "session_token_manager filter in active code",
        site: a_manager,
        words: ALL,
        engine: " replaces the session store (session_token_manager)",
        says: "sessions kept by Own_Sessions (",
        exit: 0,
        ended: true,
    },
    Row {
        situation: "its destroy is a no-op",
        site: a_manager_that_does_nothing,
        words: &["--all-users", "--yes"],
        engine: "php: ",
        says: "still answers for 1 destroyed session(s) of user 1",
        exit: 5,
        ended: false,
    },
    Row {
        situation: "pluggable auth functions replaced",
        site: a_cookie_check,
        words: ALL,
        engine: "own.php:1 replaces how login cookies are checked",
        says: "ending sessions may have no effect there",
        exit: 5,
        ended: false,
    },
    Row {
        situation: "metadata filters block deletion",
        site: a_filter,
        words: ALL,
        engine: "own.php:1 filters writes of user meta",
        says: "own.php:1 filters writes of user meta",
        exit: 0,
        ended: true,
    },
    Row {
        situation: "site believed compromised",
        site: compromised,
        words: &["admin", "--all", "--engine=native"],
        engine: "native: ",
        says: "no plugin is loaded",
        exit: 0,
        ended: true,
    },
];

fn stored_elsewhere(destroy_all: &str) -> Case {
    let (read, write) = TABLE;
    let site = WordPress::new().install();
    site.write(OWN, manager(read, write, destroy_all));
    Case::of(site)
}

fn a_manager() -> Case {
    stored_elsewhere("$this->put([]);")
}

fn a_manager_that_does_nothing() -> Case {
    stored_elsewhere("")
}

fn a_cookie_check() -> Case {
    let lax = "<?php function wp_validate_auth_cookie($cookie = '', $scheme = '') { return 1; }";
    Case::plain().with(OWN, lax)
}

fn a_filter() -> Case {
    Case::plain().with(OWN, BLOCKS)
}

/// What would end every run that loaded it.
fn compromised() -> Case {
    let site = WordPress::new().install();
    let kills = "<?php if (!isset($_SERVER['HTTP_HOST'])) { echo 'Success: owned'; exit(0); }";
    site.write(OWN, kills);
    Case::of(site)
}
