//! Servers where what is destroyed may not stay so: nothing is begun on one that takes no writes,
//! and one that may forget says so.

use std::time::Duration;

use kickout_tests::{Kickout, MariaDb, MySql, Site, WordPress, needs, until};

use crate::destroy::destroy;
use crate::stored::all_rows;

const EVERY_FORM: [&[&str]; 3] = [&["admin"], &["admin", "--all"], &["--all-users", "--yes"]];

/// Nothing is begun, and the reason is said with what mends it; looking stays possible.
fn refused(site: &Site, why: &str, fix: &str) {
    let before = all_rows(site);
    assert!(!before.is_empty());
    for args in EVERY_FORM {
        let run = destroy(site, args).code(1).stdout("");
        let run = run.stderr_has(why).stderr_has(fix);
        // Not the server's own refusal of a statement: none was sent.
        run.never_says("--read-only").never_says("running with");
        assert_eq!(all_rows(site), before, "{args:?}");
    }
    destroy(site, &["admin", "--all", "--dry-run"]).success();
    let doctor = Kickout::at(site).arg("doctor").run().code(1);
    let why = why.strip_prefix("Error: ").unwrap_or(why);
    doctor
        .stdout_has("FAIL")
        .stdout_has(why)
        .stdout_has(fix)
        .stdout_has("engine");
    let list = Kickout::at(site).args(["user", "session", "list", "admin", "--format=count"]);
    list.run().success().stdout("1\n");
}

#[test]
fn a_mariadb_that_takes_no_writes() {
    needs!(WordPress);
    let server = MariaDb::start();
    let site = WordPress::new().install_on(&server);
    let cookie = site.login("admin", "A", "::1");
    let primary = "Point DB_HOST at the primary server";
    for (variable, fix) in [
        ("read_only", primary),
        ("tx_read_only", "SET GLOBAL TRANSACTION READ WRITE"),
    ] {
        server.sql(format!("SET GLOBAL {variable} = 1"));
        let why = format!("Error: the database is read-only: {variable} is on");
        refused(&site, &why, fix);
        // The account of the harness may write all the same.
        server.sql(format!("SET tx_read_only = 0; SET GLOBAL {variable} = 0"));
    }
    // An account that the server lets write in spite of it: the site's own would not be.
    server.sql("SET GLOBAL read_only = 1");
    server.sql(format!(
        "GRANT READ_ONLY ADMIN ON *.* TO {}@'%'",
        site.database().user
    ));
    refused(&site, "read_only is on", primary);
    server.sql("SET GLOBAL read_only = 0");
    destroy(&site, &["admin", "--all"]).success();
    assert!(!site.cookie_is_valid(&cookie));
}

#[test]
fn a_mariadb_whose_innodb_is_read_only() {
    needs!(WordPress);
    let server = MariaDb::start();
    let site = WordPress::new().install_on(&server);
    site.login("admin", "A", "::1");
    let server = server.again(&["--innodb-read-only=1"]);
    let mut config = site.config().clone();
    config.host = Some(format!("localhost:{}", server.socket().display()));
    site.write_config(&config);
    for args in EVERY_FORM {
        let run = destroy(&site, args).code(1).stdout("");
        run.stderr_has("Error: the database is read-only: innodb_read_only is on")
            .stderr_has("Start the server without innodb_read_only");
    }
    let list = Kickout::at(&site).args(["user", "session", "list", "admin", "--format=count"]);
    list.run().success().stdout("1\n");
}

/// A server that replays another one's writes, and takes some of its own.
#[test]
fn a_replica_that_takes_writes() {
    needs!(WordPress);
    let primary = MariaDb::with(&["--log-bin=log", "--server-id=1"]);
    let replica = MariaDb::with(&["--server-id=2"]);
    primary.sql("CREATE USER r@'%' IDENTIFIED BY 'r'; GRANT REPLICATION SLAVE ON *.* TO r@'%';");
    let site = WordPress::new().install_on(&primary);
    let cookie = site.login("admin", "A", "::1");
    follow(&replica, &primary);
    until_rows(&replica, &site, "1");
    let mut config = site.config().clone();
    config.host = Some(format!("127.0.0.1:{}", replica.port()));
    site.write_config(&config);
    let why = "Error: the database is read-only: it is a replica: what is removed there stays on \
               its primary";
    refused(&site, why, "Point DB_HOST at the primary server.");
    until_rows(&replica, &site, "1");

    // As the line says; and the primary, which has a replica, is none.
    config.host = None;
    site.write_config(&config);
    destroy(&site, &["admin", "--all"]).success();
    assert!(!site.cookie_is_valid(&cookie));
    until_rows(&replica, &site, "0");
    // Who was one and has been made a primary is none either.
    replica.sql("STOP SLAVE; RESET SLAVE ALL;");
    config.host = Some(format!("127.0.0.1:{}", replica.port()));
    site.write_config(&config);
    site.login("admin", "A", "::1");
    destroy(&site, &["admin", "--all"]).success();
}

/// Follows a server from its first write on.
fn follow(replica: &MariaDb, primary: &MariaDb) {
    replica.sql(format!(
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {}, MASTER_USER = 'r',
             MASTER_PASSWORD = 'r', MASTER_LOG_FILE = 'log.000001', MASTER_LOG_POS = 4;
         START SLAVE;",
        primary.port()
    ));
}

/// Until a server counts so many rows of the administrator's.
fn until_rows(server: &MariaDb, site: &Site, count: &str) {
    let name = &site.database().name;
    let rows = format!(
        "SELECT COUNT(*) FROM {name}.wp_usermeta WHERE meta_key = 'session_tokens' AND user_id = 1"
    );
    until("the replica follows", Duration::from_secs(60), || {
        (server.try_sql(&rows).ok()? == [[count]]).then_some(())
    });
}

/// Each is a replica by the server's own word; as the documents say.
#[test]
fn a_ring_of_primaries() {
    needs!(WordPress);
    let [one, two] = ["--server-id=1", "--server-id=2"]
        .map(|id| MariaDb::with(&["--log-bin=log", "--log-slave-updates", id]));
    one.sql("CREATE USER r@'%' IDENTIFIED BY 'r'; GRANT REPLICATION SLAVE ON *.* TO r@'%';");
    let site = WordPress::new().install_on(&one);
    follow(&two, &one);
    let cookie = site.login("admin", "A", "::1");
    until_rows(&two, &site, "1");
    follow(&one, &two);
    refused(
        &site,
        "Error: the database is read-only: it is a replica",
        "Point DB_HOST at the primary server.",
    );
    one.sql("STOP SLAVE");
    destroy(&site, &["admin", "--all"]).success();
    one.sql("START SLAVE");
    until_rows(&two, &site, "0");
    let list = Kickout::at(&site).args(["user", "session", "list", "admin", "--format=count"]);
    list.run().success().stdout("0\n");
    assert!(!site.cookie_is_valid(&cookie));
}

fn flushes(server: &MariaDb, rows: &[(u8, &str)]) {
    let site = WordPress::new().install_on(server);
    for (value, said) in rows {
        server.sql(format!(
            "SET GLOBAL innodb_flush_log_at_trx_commit = {value}"
        ));
        for args in EVERY_FORM {
            site.login("admin", "A", "::1");
            let run = destroy(&site, args)
                .code(0)
                .stdout_has("Success: Destroyed ");
            if said.is_empty() {
                run.stderr("");
            } else {
                run.stderr_has("Warning: Destroyed, but the server ")
                    .stderr_has(&format!("(innodb_flush_log_at_trx_commit={value})"))
                    .stderr_has(said);
            }
        }
        // Nothing was done: nothing can be undone.
        destroy(&site, &["admin"]).success();
    }
}

const FLUSHES: [(u8, &str); 3] = [
    (
        0,
        ": a crash within that second would bring the sessions back",
    ),
    (1, ""),
    (
        2,
        ": a crash of its host within that second would bring the sessions back",
    ),
];

#[test]
fn a_mariadb_that_writes_its_log_later() {
    needs!(WordPress);
    // 3 is 1 with another order of the same calls.
    flushes(&MariaDb::start(), &[&FLUSHES[..], &[(3, "")]].concat());
}

#[test]
fn a_mysql_that_writes_its_log_later() {
    needs!(WordPress, SlowAndFar);
    flushes(&MySql::new().start(), &FLUSHES);
}

#[test]
fn a_mysql_that_takes_no_writes() {
    needs!(WordPress, SlowAndFar);
    let server = MySql::new().start();
    let site = WordPress::new().install_on(&server);
    site.login("admin", "A", "::1");
    let primary = "Point DB_HOST at the primary server";
    for (set, why, fix) in [
        ("read_only = 1", "read_only is on", primary),
        ("super_read_only = 1", "read_only is on", primary),
        (
            "transaction_read_only = 1",
            "transaction_read_only is on",
            "SET GLOBAL TRANSACTION READ WRITE",
        ),
    ] {
        server.sql(format!("SET GLOBAL {set}"));
        refused(
            &site,
            &format!("Error: the database is read-only: {why}"),
            fix,
        );
        server.sql(
            "SET transaction_read_only = 0; SET GLOBAL transaction_read_only = 0;
             SET GLOBAL super_read_only = 0; SET GLOBAL read_only = 0",
        );
    }
    destroy(&site, &["admin", "--all"]).success();
}
