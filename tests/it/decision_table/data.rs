//! Rows 1 to 3, and 19 to 27: the rows themselves, and where they are.

use kickout_tests::{MariaDb, WordPress};

use super::{ALL, Case, ONE, Row};

pub(super) const PLAIN: [Row; 3] = [
    Row {
        situation: "resolved config, MariaDB, nothing in front",
        site: Case::plain,
        words: ALL,
        engine: "native: MariaDB",
        says: "no plugin is loaded, so none hears of the logout",
        exit: 0,
        ended: true,
    },
    Row {
        situation: "the same, a row that cannot be edited byte-exactly",
        site: uneditable,
        words: ONE,
        engine: "native: MariaDB",
        says: "the session data of user 1 cannot be edited byte-exactly",
        exit: 1,
        ended: false,
    },
    Row {
        situation: "row corrupt",
        site: corrupt,
        words: ONE,
        engine: "native: MariaDB",
        says: "The session data of user 1 (admin) is corrupt",
        exit: 0,
        ended: true,
    },
];

pub(super) const ROWS: [Row; 9] = [
    Row {
        situation: "SQLite drop-in",
        site: sqlite,
        words: ALL,
        engine: "native: SQLite",
        says: "Success: Destroyed all sessions.",
        exit: 0,
        ended: true,
    },
    Row {
        situation: "MyISAM usermeta",
        site: myisam,
        words: ONE,
        engine: "native: MariaDB",
        says: "Success: Destroyed session. 0 sessions remaining.",
        exit: 0,
        ended: true,
    },
    Row {
        situation: "duplicates for a user",
        site: duplicates,
        words: ONE,
        engine: "native: MariaDB",
        says: "Success: Destroyed session. 0 sessions remaining.",
        exit: 0,
        ended: true,
    },
    Row {
        situation: "connection charset mismatch",
        site: another_charset,
        words: ALL,
        engine: "native: MariaDB",
        says: "Success: Destroyed all sessions.",
        exit: 0,
        ended: true,
    },
    Row {
        situation: "read-only database",
        site: read_only,
        words: ALL,
        engine: "native: MariaDB",
        says: "Point DB_HOST at the primary server",
        exit: 1,
        ended: false,
    },
    Row {
        situation: "custom user tables shared by several sites",
        site: shared_tables,
        words: ALL,
        engine: "users of every site that has the table people",
        says: "Users are kept in the table people (CUSTOM_USER_TABLE)",
        exit: 0,
        ended: true,
    },
    Row {
        situation: "bootstrap gave no handshake",
        site: no_handshake,
        words: &["admin", "--all", "--engine=php"],
        engine: "php: ",
        says: "WordPress did not load: it printed: Go away",
        exit: 1,
        ended: false,
    },
    Row {
        situation: "no users table under the prefix",
        site: another_prefix,
        words: ALL,
        engine: "FAIL",
        says: "the table zz_usermeta does not exist; found tables with the prefix wp_",
        exit: 1,
        ended: false,
    },
    Row {
        situation: "multisite",
        site: network,
        words: ALL,
        engine: "sessions are network-wide",
        says: "Warning: This is a network: sessions are network-wide",
        exit: 0,
        ended: true,
    },
];

/// The only live session, and beside it data whose class writes itself.
fn uneditable() -> Case {
    let case = Case::plain();
    let value = case.site.raw_rows(1)[0].value.clone().unwrap();
    let text = String::from_utf8(value).unwrap();
    let own = "s:3:\"own\";C:11:\"ArrayObject\":21:{x:i:0;a:0:{};m:a:0:{}}";
    let entry = text.replacen("a:4:{", &format!("a:5:{{{own}"), 1);
    case.site.set_raw(1, entry.as_bytes());
    assert!(case.site.cookie_is_valid(&case.cookie));
    case
}

fn corrupt() -> Case {
    let case = Case::plain();
    let mut value = case.site.raw_rows(1)[0].value.clone().unwrap();
    value.truncate(value.len() - 3);
    case.site.set_raw(1, &value);
    case
}

fn sqlite() -> Case {
    Case::of(WordPress::new().install_sqlite())
}

fn myisam() -> Case {
    let site = WordPress::new().install();
    let meta = site.usermeta_table();
    site.sql(format!("ALTER TABLE {meta} ENGINE=MyISAM"));
    Case::of(site)
}

fn duplicates() -> Case {
    let case = Case::plain();
    let value = case.site.raw_rows(1)[0].value.clone().unwrap();
    case.site.add_raw(1, &value);
    case
}

/// What was written over one charset and is read over another is not what PHP wrote.
fn another_charset() -> Case {
    let site = WordPress::new()
        .config(|config| config.charset = "latin1".to_owned())
        .install();
    let cookie = site.login("admin", "Größe 日本", "::1");
    let mut config = site.config().clone();
    config.charset = "utf8mb4".to_owned();
    let case = Case::of(site);
    case.site.write_config(&config);
    Case { cookie, ..case }
}

fn read_only() -> Case {
    let server = MariaDb::start();
    let case = Case::of(WordPress::new().install_on(&server));
    server.sql("SET GLOBAL read_only = 1");
    Case {
        server: Some(server),
        ..case
    }
}

fn shared_tables() -> Case {
    let wordpress = WordPress::new().config(|config| {
        config.user_tables = Some(("people".to_owned(), "people_meta".to_owned()));
    });
    Case::of(wordpress.install())
}

fn no_handshake() -> Case {
    let site = WordPress::new().install();
    let prints = "<?php if (!isset($_SERVER['HTTP_HOST'])) { echo '<p>Go <b>away</b></p>'; exit; }";
    site.write("wp-content/mu-plugins/x.php", prints);
    Case::of(site)
}

fn another_prefix() -> Case {
    Case::plain().configured(|text| text.replacen("'wp_'", "'zz_'", 1))
}

fn network() -> Case {
    let network = WordPress::new().config(|config| config.multisite = true);
    Case::of(network.install())
}
