//! A real MySQL, and its own ways to log in: the commands, the exchange of passwords with TLS and
//! without, and what bars the way.

use std::path::Path;

use kickout_tests::needs;
use kickout_tests::{Binaries, Config, Kickout, MariaDb, MySql, Output, Scratch, Site, WordPress};

use crate::connect::count;
use crate::destroy::destroy;

/// An address that is nobody's: only a network that a test makes has it.
const ELSEWHERE: &str = "192.0.2.7";

fn with(site: &Site, change: impl FnOnce(&mut Config)) {
    let mut config = site.config().clone();
    change(&mut config);
    site.write_config(&config);
}

fn with_host(site: &Site, host: &str) {
    with(site, |config| config.host = Some(host.to_owned()));
}

/// Makes the server forget the passwords it has seen; until the next full exchange it cannot tell
/// from a hash alone who is in the right.
fn forget(server: &MariaDb) {
    server.sql("FLUSH PRIVILEGES");
}

fn three_logins(site: &Site) -> Vec<kickout_tests::Cookie> {
    site.logins(&[
        ("admin", "A", "::1"),
        ("admin", "B", "::1"),
        ("anna", "C", "::1"),
    ])
}

#[test]
fn the_commands_on_mysql() {
    needs!(WordPress, SlowAndFar);
    let server = MySql::new().start();
    for charset in ["utf8mb4", "utf8", "latin1"] {
        let wordpress = WordPress::new().config(|config| config.charset = charset.to_owned());
        let site = wordpress.install_on(&server);
        let anna = site.add_user("anna", "editor");
        let cookies = three_logins(&site);
        let list = Kickout::at(&site).args(["user", "session", "list", "admin", "--fields=ua,ip"]);
        let list = list.arg("--format=csv").run().success();
        list.stdout("ua,ip\nA,::1\nB,::1\n");
        count(&site).code(0).stderr_has("MySQL 9.").stdout("2\n");
        destroy(&site, &["admin", "--dry-run"]).success();
        assert_eq!(site.valid_cookies(&cookies), [true; 3], "{charset}");
        let latest = destroy(&site, &["admin"]).success();
        latest.stdout("Success: Destroyed session. 1 session remaining.\n");
        assert_eq!(site.valid_cookies(&cookies), [true, false, true]);
        let all = destroy(&site, &["admin", "--all"]).success();
        all.stdout("Success: Destroyed all sessions.\n");
        assert_eq!(site.valid_cookies(&cookies), [false, false, true]);
        assert_eq!(site.raw_rows(1), []);
        let again = three_logins(&site);
        let all = destroy(&site, &["--all-users", "--yes"]).success();
        all.stdout("Success: Destroyed 4 sessions of 2 users.\n");
        assert_eq!(site.valid_cookies(&again), [false; 3]);
        assert_eq!(site.raw_rows(1), []);
        assert_eq!(site.raw_rows(anna.id), []);
    }
}

#[test]
fn an_account_that_may_only_read() {
    needs!(WordPress, SlowAndFar);
    let server = MySql::new().start();
    let site = WordPress::new().install_on(&server);
    site.add_user("anna", "editor");
    let cookies = three_logins(&site);
    let name = &site.database().name;
    server.sql(format!(
        "REVOKE ALL ON {name}.* FROM {name}@'%'; GRANT SELECT ON {name}.* TO {name}@'%';"
    ));
    let denied = destroy(&site, &["admin", "--all"]).code(1).stdout("");
    denied.stderr_has("may not do this").stderr_has("DELETE");
    server.sql(format!("GRANT ALL ON {name}.* TO {name}@'%'"));
    assert_eq!(site.valid_cookies(&cookies), [true; 3]);
}

/// Encryption is taken wherever it is offered, on the socket too; inside it the password may go as
/// it is.
#[test]
fn passwords_that_mysql_has_not_seen() {
    needs!(WordPress, SlowAndFar);
    let server = MySql::new().start();
    let site = WordPress::new().install_on(&server);
    let database = site.database().clone();
    site.login("admin", "A", "::1");
    let name = &database.name;
    let other = |how: &str| {
        server.sql(format!(
            "DROP USER IF EXISTS 'o'@'%'; CREATE USER 'o'@'%' {how}; GRANT ALL ON {name}.* TO 'o'@'%';"
        ));
    };
    for host in [database.by_socket(), database.by_port()] {
        let by = |password: Option<&str>, user: Option<&str>| {
            with(&site, |config| {
                config.host = Some(host.clone());
                config.user = user.map(str::to_owned);
                config.password = password.map(str::to_owned);
            });
            count(&site).never_says(&database.password)
        };
        forget(&server);
        for password in ["wr0ng-p4ss", "", &"long ".repeat(60)] {
            let refused = by(Some(password), None).code(1).stdout("");
            let refused = refused.stderr_has("refused the user 'site_");
            assert!(password.is_empty() || !refused.stderr.contains(password));
        }
        for what in ["not seen", "seen"] {
            let run = by(None, None);
            run.check(true, what).code(0).stdout("1\n");
        }
        let secret = |user| by(Some("s3cret"), user).never_says("s3cret");
        let usual = "IDENTIFIED BY 's3cret'";
        for how in ["IDENTIFIED WITH sha256_password BY 's3cret'", usual] {
            other(how);
            secret(Some("o")).code(0).stdout("1\n");
        }
        other("IDENTIFIED WITH caching_sha2_password BY 's3cret' REQUIRE SSL");
        secret(Some("o")).code(0).stdout("1\n");
        other("IDENTIFIED BY ''");
        by(Some(""), Some("o")).code(0).stdout("1\n");
        other("IDENTIFIED BY 's3cret' ACCOUNT LOCK");
        secret(Some("o")).code(1).stderr_has("locked");
        other("IDENTIFIED BY 's3cret' PASSWORD EXPIRE");
        secret(Some("o")).code(1).stderr_has("expired");
    }
    // Gone for good in 9.0: nothing to speak with.
    let absent = server.try_sql("CREATE USER n IDENTIFIED WITH mysql_native_password BY 'x'");
    let absent = absent.unwrap_err();
    assert!(absent.contains("'mysql_native_password' is not loaded"));
}

/// `kickout …` in the network where a server is.
fn inside(site: &Site, server: &MariaDb, tracer: &[&str], words: &[&str]) -> Output {
    Kickout::program(Path::new("/usr/bin/nsenter"))
        .args(["--net", "--target", &server.pid().to_string(), "--"])
        .args(tracer)
        .arg(&Binaries::dev().kickout)
        .args(words)
        .cwd(site.root())
        .run()
        .never_says(&site.database().password)
}

/// Without encryption the server's own key has to do. Whoever sits in between could send another
/// one: so it is asked for on loopback only.
#[test]
fn the_key_of_a_mysql_without_tls() {
    needs!(WordPress, Root, SlowAndFar);
    let server = MySql::new()
        .option("--tls-version=")
        .apart(ELSEWHERE)
        .start();
    let site = WordPress::new().install_on(&server);
    site.login("admin", "A", "::1");
    let count = ["user", "session", "list", "admin", "--format=count"];
    let destroy = ["user", "session", "destroy", "admin", "--all"];
    let (near, far) = (
        format!("127.0.0.1:{}", server.port()),
        format!("{ELSEWHERE}:{}", server.port()),
    );
    let scratch = Scratch::new("trace");
    let trace = scratch.join("trace");
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-yy",
        "-e",
        "trace=write,writev,sendto,sendmsg",
        "-o",
        trace.to_str().unwrap(),
    ];

    forget(&server);
    with_host(&site, &far);
    for _ in 0..2 {
        for words in [&count[..], &destroy] {
            let refused = inside(&site, &server, &strace, words).code(1).stdout("");
            refused
                .stderr_has(&format!(
                    "the database at {far} asks for an unencrypted password exchange"
                ))
                .stderr_has("Turn on TLS on the database server");
            let calls = std::fs::read_to_string(&trace).unwrap();
            let sent = calls
                .lines()
                .filter(|line| line.contains(&format!("->{far}]")))
                .count();
            assert_eq!(sent, 1, "the login with a hash, and nothing more:\n{calls}");
        }
    }
    assert_eq!(site.raw_rows(1).len(), 1);

    // A wrong password looks the same from afar: the server cannot tell either.
    forget(&server);
    for host in [&near, &far] {
        with(&site, |config| {
            config.host = Some(host.clone());
            config.password = Some("wr0ng-p4ss".to_owned());
        });
        let said = match host == &near {
            true => "refused the user 'site_",
            false => "unencrypted password exchange",
        };
        let refused = inside(&site, &server, &[], &count).code(1).stdout("");
        refused.stderr_has(said).never_says("wr0ng-p4ss");
    }

    forget(&server);
    with_host(&site, &near);
    inside(&site, &server, &[], &count).success().stdout("1\n");
    // The server has seen the password now, and a hash does.
    with_host(&site, &far);
    inside(&site, &server, &[], &count).success().stdout("1\n");
    inside(&site, &server, &[], &destroy).success();
    assert_eq!(site.raw_rows(1), []);

    // Another plugin with the same request.
    let name = &site.database().name;
    server.sql(format!(
        "CREATE USER 'o'@'%' IDENTIFIED WITH sha256_password BY 's3cret'; \
         GRANT ALL ON {name}.* TO 'o'@'%';"
    ));
    for (host, code) in [(&near, 0), (&far, 1)] {
        with(&site, |config| {
            config.host = Some(host.clone());
            config.user = Some("o".to_owned());
            config.password = Some("s3cret".to_owned());
        });
        let run = inside(&site, &server, &[], &count).code(code);
        run.never_says("s3cret");
    }
}

/// The same address with TLS on: through the relay, encrypted, and no reason to refuse.
#[test]
fn a_mysql_elsewhere_with_tls() {
    needs!(WordPress, Root, SlowAndFar);
    let server = MySql::new().apart(ELSEWHERE).start();
    let site = WordPress::new().install_on(&server);
    site.login("admin", "A", "::1");
    with_host(&site, &format!("{ELSEWHERE}:{}", server.port()));
    forget(&server);
    let destroy = ["user", "session", "destroy", "admin", "--all"];
    inside(&site, &server, &[], &destroy).success();
    assert_eq!(site.raw_rows(1), []);
    // A certificate that the server made itself is nobody's, for whoever asks.
    with(&site, |config| {
        config.host = Some(format!("{ELSEWHERE}:{}", server.port()));
        config.extra = "define( 'MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL );\n".to_owned();
    });
    let refused = inside(&site, &server, &[], &destroy).code(1).stdout("");
    refused.stderr_has("certificate");
}

/// The server takes a password on its socket as it is, but the driver asks for the key there too:
/// what is not seen yet looks wrong, and that is said.
#[test]
fn a_socket_without_tls() {
    needs!(WordPress, SlowAndFar);
    let server = MySql::new().option("--tls-version=").start();
    let site = WordPress::new().install_on(&server);
    let cookie = site.login("admin", "A", "::1");
    count(&site).code(0).stdout("1\n");
    forget(&server);
    let refused = count(&site).code(1).stdout("");
    refused
        .stderr_has("refused the user 'site_")
        .stderr_has("open the site once")
        .never_says(&site.database().password);
    // As the line says.
    assert!(site.cookie_is_valid(&cookie));
    count(&site).code(0).stdout("1\n");
    forget(&server);
    with_host(&site, &site.database().by_port());
    count(&site).code(0).stdout("1\n");
}
