//! The way to the database: every kind of address and account, and what is said when it is barred.

use std::path::Path;
use std::time::Duration;

use kickout_tests::{
    Binaries, Certificate, Config, Kickout, MariaDb, Output, Owner, Scratch, Site, WordPress,
    needs, quoted, until,
};

use crate::destroy::destroy;
use crate::held::Held;

pub(crate) fn count(site: &Site) -> Output {
    counting(site, Kickout::at(site)).run()
}

fn counting(site: &Site, kickout: Kickout) -> Kickout {
    kickout.cwd(site.root()).args([
        "user",
        "session",
        "list",
        "admin",
        "--format=count",
        "--debug",
    ])
}

fn with(site: &Site, change: impl FnOnce(&mut Config)) {
    let mut config = site.config().clone();
    change(&mut config);
    site.write_config(&config);
}

/// Each wrong setting is named, with the way to mend it; the password never is.
#[test]
fn what_bars_the_way_is_named() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let database = site.database().clone();
    let cookie = site.login("admin", "A", "::1");
    let nobody_listens = {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        port.local_addr().unwrap().to_string()
    };
    type Change<'a> = Box<dyn Fn(&mut Config) + 'a>;
    let host = |host: &str| -> Change<'_> {
        let host = host.to_owned();
        Box::new(move |config| config.host = Some(host.clone()))
    };
    let rows: [(Change<'_>, &[&str]); 7] = [
        (
            host(&nobody_listens),
            &["cannot reach the database at 127.0.0.1:", "DB_HOST"],
        ),
        (host("localhost:/nowhere/socket"), &["/nowhere/socket"]),
        (
            host("nowhere.invalid"),
            &["cannot resolve the database host 'nowhere.invalid'"],
        ),
        (host("127.0.0.1:99999"), &["DB_HOST"]),
        (
            Box::new(|it| it.password = Some("wr0ng-p4ss".into())),
            &["refused the user 'site_", "never shown"],
        ),
        (
            Box::new(|it| it.user = Some("stranger".into())),
            &["refused the user 'stranger'"],
        ),
        (
            Box::new(|it| it.prefix = "other_".into()),
            &["other_usermeta does not exist", "prefix wp_"],
        ),
    ];
    for (change, said) in &rows {
        with(&site, change);
        for run in [count(&site), destroy(&site, &["admin", "--all"])] {
            let run = run.code(1).stdout("").stderr_has("Error: ");
            let run = run.never_says("wr0ng-p4ss").never_says(&database.password);
            said.iter().fold(run, |run, said| run.stderr_has(said));
        }
    }
    let text = std::fs::read_to_string(site.root().join("wp-config.php")).unwrap();
    let text = text.replace("'other_'", "'wp_'");
    let unknown = text.replace(
        &format!("'DB_NAME', '{}'", database.name),
        "'DB_NAME', 'no_such'",
    );
    assert_ne!(text, unknown);
    site.write("wp-config.php", unknown);
    count(&site)
        .code(1)
        .stderr_has("the database 'no_such' does not exist");
    site.write_config(site.config());
    database.server.sql("CREATE DATABASE empty_one");
    assert!(site.cookie_is_valid(&cookie));
}

#[test]
fn every_address_and_account() {
    needs!(WordPress);
    let certificate = Certificate::for_names(&["DNS:db.test", "IP:127.0.0.1"]);
    let [cert, key] = certificate.options();
    let server = MariaDb::with(&[&cert, &key]);
    let site = WordPress::new().install_on(&server);
    let database = site.database().clone();
    site.login("admin", "A", "::1");
    for host in [database.by_socket(), database.by_port()] {
        with(&site, |config| config.host = Some(host.clone()));
        count(&site).code(0).stdout("1\n");
    }
    // TLS, as wpdb is told to use it: an account that demands it, a certificate nobody trusts.
    database
        .server
        .sql(format!("ALTER USER {}@'%' REQUIRE SSL", database.user));
    let ca = certificate.authority();
    let trusting = |site: &Site| counting(site, Kickout::at(site).env("SSL_CERT_FILE", &ca)).run();
    let verify = "define( 'MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL );\n";
    let trust_all = "define( 'MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL | \
                     MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT );\n";
    let tls = |extra: &str, host: String| {
        with(&site, |config| {
            config.extra = extra.to_owned();
            config.host = Some(host);
        });
    };
    tls(trust_all, database.by_port());
    count(&site).code(0).stdout("1\n");
    tls("", database.by_port());
    count(&site).code(0).stdout("1\n");
    tls(verify, database.by_port());
    let refused = count(&site).code(1).stdout("");
    refused
        .stderr_has("certificate")
        .never_says(&database.password);
    trusting(&site).code(0).stdout("1\n");
    destroy(&site, &["admin", "--all"]).code(1);
    assert_eq!(site.raw_rows(1).len(), 1);
}

#[test]
fn an_account_of_ed25519_is_named() {
    needs!(WordPress);
    let server = MariaDb::with_ed25519();
    let site = WordPress::new().install_on(&server);
    site.database()
        .identified("VIA ed25519 USING PASSWORD('secret')");
    count(&site)
        .code(1)
        .stdout("")
        .stderr_has("ed25519")
        .stderr_has("mysql_native_password");
}

#[test]
fn an_account_of_the_operating_system() {
    needs!(WordPress, Root);
    let site = WordPress::new().install();
    site.login("admin", "A", "::1");
    let database = site.database().clone();
    let server = &database.server;
    server.sql(format!(
        "CREATE USER 'www-data'@'localhost' IDENTIFIED VIA unix_socket; \
         GRANT ALL ON {}.* TO 'www-data'@'localhost';",
        database.name
    ));
    with(&site, |config| {
        config.user = Some("www-data".to_owned());
        config.password = Some(String::new());
    });
    let web = Owner::web();
    let setpriv = Kickout::program(Path::new("/usr/bin/setpriv")).args([
        &format!("--reuid={}", web.uid),
        &format!("--regid={}", web.gid),
        "--clear-groups",
        "--",
        Binaries::dev().kickout.to_str().unwrap(),
    ]);
    counting(&site, setpriv).run().code(0).stdout("1\n");
    // Root is another account, and none that the server knows by this name.
    count(&site)
        .code(1)
        .stderr_has("refused the user 'www-data'");
}

/// Host names are resolved by ourselves: from the hosts file, without the C library's resolver,
/// and the name is what the certificate is checked against.
#[test]
fn a_host_name_without_nss() {
    needs!(WordPress, Root);
    let certificate = Certificate::for_names(&["DNS:db.test"]);
    let [cert, key] = certificate.options();
    let server = MariaDb::with(&[&cert, &key]);
    let site = WordPress::new().install_on(&server);
    site.login("admin", "A", "::1");
    let scratch = Scratch::new("names");
    let hosts = scratch.write("hosts", "127.0.0.1 db.test other.test\n");
    let trace = scratch.join("trace");
    let inside = |command: &str| {
        // A mount namespace of our own: the machine's hosts file and sockets stay as they are.
        let script = format!(
            "mount --bind {} /etc/hosts && mount -t tmpfs none /run && mkdir /run/mysqld && \
             ln -s {} /run/mysqld/mysqld.sock && {command} \"$@\"",
            quoted(hosts.to_str().unwrap()),
            quoted(server.socket().to_str().unwrap()),
        );
        let unshare = Kickout::program(Path::new("/usr/bin/unshare"));
        let unshare = unshare.args(["--mount", "/bin/sh", "-c", &script, "sh"]);
        let unshare = unshare.env("SSL_CERT_FILE", certificate.authority());
        counting(&site, unshare.arg(&Binaries::dev().kickout)).run()
    };
    let strace = format!(
        "strace -f -qq -e trace=openat,open,connect,socket -o {}",
        quoted(trace.to_str().unwrap())
    );
    with(&site, |config| {
        config.host = Some(format!("db.test:{}", server.port()));
    });
    inside(&strace).code(0).stdout("1\n");
    let calls = std::fs::read_to_string(&trace).unwrap();
    let agent = calls.split("kickout-").last().unwrap_or_default();
    assert!(calls.contains("/etc/hosts"), "{calls}");
    for word in ["nsswitch.conf", "libnss", "nscd"] {
        let lines: Vec<_> = calls.lines().filter(|line| line.contains(word)).collect();
        assert!(lines.is_empty(), "{word}: {lines:?} {agent}");
    }
    // PHP's default socket.
    with(&site, |config| config.host = Some("localhost".to_owned()));
    inside("exec").code(0).stdout("1\n");
    // The name is checked, whoever answers at its address.
    let verified = |name: &str| {
        with(&site, |config| {
            config.extra = "define( 'MYSQL_CLIENT_FLAGS', 2048 );\n".to_owned();
            config.host = Some(format!("{name}:{}", server.port()));
        });
        inside("exec")
    };
    verified("db.test").code(0).stdout("1\n");
    verified("other.test").code(1).stderr_has("certificate");
}

#[test]
fn a_server_that_takes_no_writes() {
    needs!(WordPress);
    let server = MariaDb::start();
    let site = WordPress::new().install_on(&server);
    let database = site.database().clone();
    let cookies = site.logins(&[("admin", "A", "::1"), ("admin", "B", "::1")]);
    server.sql("SET GLOBAL read_only = 1");
    count(&site).code(0).stdout("2\n");
    let rows: [&[&str]; 3] = [&["admin"], &["admin", "--all"], &["--all-users", "--yes"]];
    for args in rows {
        let run = destroy(&site, args).code(1).stdout("");
        run.stderr_has("the database is read-only")
            .stderr_has("primary server");
    }
    server.sql("SET GLOBAL read_only = 0");
    server.sql(format!(
        "REVOKE ALL ON {0}.* FROM {0}@'%'; GRANT SELECT, UPDATE ON {0}.* TO {0}@'%';",
        database.name
    ));
    let run = destroy(&site, &["admin", "--all"]).code(1).stdout("");
    run.stderr_has("may not do this").stderr_has("DELETE");
    assert_eq!(site.valid_cookies(&cookies), [true, true]);
    destroy(&site, &["admin"])
        .code(0)
        .stdout_has("1 session remaining.");
    destroy(&site, &["admin"])
        .code(1)
        .stderr_has("may not do this");
    assert_eq!(site.valid_cookies(&cookies), [true, false]);
}

/// Until a statement waits for a lock of somebody else.
pub(crate) fn waiting(site: &Site) {
    until("somebody waits for a lock", Duration::from_secs(30), || {
        // Not `innodb_trx`: asked again and again, it never refreshes its cache.
        let status = site.sql("SHOW STATUS LIKE 'Innodb_row_lock_current_waits'");
        (status[0][1] != "0").then_some(())
    });
}

#[test]
fn rows_that_somebody_else_holds() {
    needs!(WordPress);
    let site = WordPress::new().install_on(&MariaDb::start());
    let lock =
        "BEGIN; SELECT umeta_id FROM wp_usermeta WHERE meta_key = 'session_tokens' FOR UPDATE;";
    let cookie = site.login("admin", "A", "::1");
    let mut held = Held::on_server(site.database(), lock);
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| destroy(&site, &["admin"]));
        waiting(&site);
        held.say("ROLLBACK;");
        run.join().unwrap()
    });
    run.code(0)
        .stdout("Success: Destroyed session. 0 sessions remaining.\n");
    assert!(!site.cookie_is_valid(&cookie));
    let cookie = site.login("admin", "A", "::1");
    held.say(lock);
    let run = destroy(&site, &["admin", "--all"]).code(1).stdout("");
    run.stderr_has("locked by somebody else")
        .stderr_has("SHOW PROCESSLIST");
    drop(held);
    assert!(site.cookie_is_valid(&cookie));
}

/// Two transactions that wait for each other: the server ends ours, which is tried again.
#[test]
fn a_lost_deadlock_is_tried_again() {
    needs!(WordPress);
    let site = WordPress::new().install_on(&MariaDb::start());
    let bob = site.add_user("bob", "editor");
    let cookies = site.logins(&[("admin", "A", "::1"), ("bob", "B", "::1")]);
    let (first, second) = (site.raw_rows(1)[0].id, site.raw_rows(bob.id)[0].id);
    let row = |id| format!("SELECT umeta_id FROM wp_usermeta WHERE umeta_id = {id} FOR UPDATE;");
    // The one that has written more is spared.
    let weight =
        "CREATE TABLE weight (n INT); BEGIN; INSERT INTO weight SELECT seq FROM seq_1_to_5000;";
    let mut other = Held::on_server(site.database(), &format!("{weight} {}", row(second)));
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| destroy(&site, &["--all-users", "--yes"]));
        waiting(&site);
        other.say(&row(first));
        other.say("ROLLBACK;");
        run.join().unwrap()
    });
    run.code(0)
        .stdout("Success: Destroyed 2 sessions of 2 users.\n");
    assert_eq!(site.valid_cookies(&cookies), [false, false]);
    let status = site.sql("SHOW ENGINE INNODB STATUS");
    assert!(
        status
            .concat()
            .concat()
            .contains("LATEST DETECTED DEADLOCK")
    );
}
