//! Rows 14 to 18: what the configuration says, and who can tell.

use kickout_tests::needs;

use super::{ALL, Case, Row};
use crate::evaluated;

pub(super) const ROWS: [Row; 5] = [
    Row {
        situation: "config unresolved statically, PHP works",
        site: a_loop,
        words: ALL,
        engine: "configuration evaluated with php: ",
        says: "nothing in front of it; no plugin is loaded, so none hears of the logout; configuration \
               evaluated with php",
        exit: 0,
        ended: true,
    },
    Row {
        situation: "config unresolved, no PHP",
        site: no_php,
        words: ALL,
        engine: "FAIL",
        says: "wp-config.php line 3: DB_NAME depends on getenv('DB_OF_THE_WEB')",
        exit: 1,
        ended: false,
    },
    Row {
        situation: "sample or placeholder credentials",
        site: samples,
        words: ALL,
        engine: "FAIL",
        says: "the environment of the web container is needed",
        exit: 1,
        ended: false,
    },
    Row {
        situation: "HTTP_HOST-dependent config without host",
        site: a_host,
        words: ALL,
        engine: "FAIL",
        says: "Pass --url=",
        exit: 1,
        ended: false,
    },
    Row {
        situation: "HyperDB",
        site: hyperdb,
        words: ALL,
        engine: "db.php routes the database (HyperDB)",
        says: "Success: Destroyed all sessions.",
        exit: 0,
        ended: true,
    },
];

fn a_loop() -> Case {
    Case::of(evaluated::site(evaluated::LOOP))
}

fn no_php() -> Case {
    let code = "define('DB_NAME', getenv('DB_OF_THE_WEB') ?: '{name}');";
    let case = Case::of(evaluated::site(code));
    Case { php: false, ..case }
}

fn samples() -> Case {
    let case = Case::plain();
    let name = case.site.database().name.clone();
    case.configured(|text| text.replacen(&format!("'{name}'"), "'database_name_here'", 1))
}

fn a_host() -> Case {
    let code = "define('DB_NAME', $_SERVER['HTTP_HOST'] === 's1.test' ? '{name}' : 'another');";
    Case::of(evaluated::site(code))
}

fn hyperdb() -> Case {
    routed("HyperDB")
}

fn routed(name: &str) -> Case {
    let routes = format!("<?php // {name}\nrequire_once ABSPATH . WPINC . '/class-wpdb.php';\n");
    Case::plain().with("wp-content/db.php", &routes)
}

/// The other two of row 18.
#[test]
fn every_router_of_databases() {
    needs!(WordPress);
    for (header, name) in [
        ("LudicrousDB", "LudicrousDB"),
        ("My own", "unknown drop-in"),
    ] {
        let case = routed(header);
        let said = format!("db.php routes the database ({name})");
        case.run(&["doctor"]).code(0).stdout_has(&said);
        let all = ["user", "session", "destroy", "admin", "--all", "--debug"];
        case.run(&all)
            .code(0)
            .stderr_has(&said)
            .stderr_has("php: WordPress ");
        assert!(!case.site.cookie_is_valid(&case.cookie), "{header}");
        let native = [&all[..], &["--engine=native"]].concat();
        case.run(&native).code(1).stderr_has(&said);
    }
}
