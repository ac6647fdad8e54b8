//! The php engine on each WordPress and each PHP there is: the same check for all, with the web server's
//! word for every result.

use std::time::Duration;

use kickout_tests::DropIn::RedisObjectCache;
use kickout_tests::{
    Config, Cookie, Core, Kickout, MySql, NewerPhp, Redis, Site, Web, WordPress, needs, until,
    web_takes,
};

use crate::destroy::destroy;
use crate::managers::{TABLE, manager};
use crate::verify::{Proved as _, no_canary, proving};

/// Every WordPress of Debian's suites and one of npm's, with what its version begins with, and how it
/// hashes passwords: cookies are signed with a part of that.
const WORDPRESSES: [(Core, &str, &str); 4] = [
    (Core::Debian, "6.1.", "$P$"),
    (Core::Npm("6.5"), "6.5", "$P$"),
    (Core::Suite("trixie"), "6.8.", "$wp$2y$"),
    (Core::Suite("sid"), "7.1.", "$wp$2y$"),
];

const PHP: &str = "--engine=php";

/// A site whose web server is asked.
struct Asked {
    site: Site,
    web: Web,
}

impl Asked {
    fn new(site: Site) -> Self {
        site.add_user("sue", "subscriber");
        let web = Web::of(&site);
        Self { site, web }
    }

    fn takes(&self, cookies: &[Cookie]) -> Vec<bool> {
        web_takes(self.web.port(), &self.site, cookies)
    }

    /// Three logins of the administrator that the web server takes.
    fn logins(&self) -> Vec<Cookie> {
        let cookies = self
            .site
            .logins(&["A", "B", "C"].map(|ua| ("admin", ua, "::1")));
        assert_eq!(self.takes(&cookies), [true; 3]);
        cookies
    }

    /// One, the newest, all and everybody; no remark of any version's PHP is seen.
    fn check_words(&self) {
        let cookies = self.logins();
        let list = ["user", "session", "list", "admin", "--field=ua", PHP];
        let list = Kickout::at(&self.site).args(list).run();
        list.success().stdout("A\nB\nC\n");
        let rows: [(&[&str], &str, [bool; 3]); 3] = [
            (
                &["admin", &cookies[1].verifier],
                "Success: Destroyed session. 2 sessions remaining.\n",
                [true, false, true],
            ),
            (
                &["admin"],
                "Success: Destroyed session. 1 session remaining.\n",
                [true, false, false],
            ),
            (
                &["admin", "--all"],
                "Success: Destroyed all sessions.\n",
                [false; 3],
            ),
        ];
        for (words, said, taken) in rows {
            let run = destroy(&self.site, &[words, &[PHP]].concat());
            run.success().stdout(said);
            assert_eq!(self.takes(&cookies), taken, "{words:?}");
        }
        assert_eq!(self.site.raw_rows(1), []);
        self.check_proof("Success: Destroyed 3 sessions of 1 user.\n");
    }

    /// Everybody, proved.
    fn check_proof(&self, said: &str) {
        let cookies = self.logins();
        let words = ["--all-users", "--yes", PHP];
        proving(&self.site, &words, &self.web.url())
            .proved()
            .stdout(said);
        assert_eq!(self.takes(&cookies), [false; 3]);
        no_canary(&self.site);
    }

    /// Sessions in a table of the site's own.
    fn check_manager(&self) {
        let (read, write) = TABLE;
        let code = manager(read, write, "$this->put([]);");
        let file = self.site.write("wp-content/mu-plugins/own.php", code);
        let cookies = self.logins();
        let run = destroy(&self.site, &["admin", &cookies[0].verifier]);
        run.success()
            .stdout("Success: Destroyed session. 2 sessions remaining.\n");
        assert_eq!(self.takes(&cookies), [false, true, true]);
        destroy(&self.site, &["admin", "--all"]).success();
        assert_eq!(self.takes(&cookies), [false; 3]);
        std::fs::remove_file(file).unwrap();
    }

    /// A load that fails changes nothing.
    fn check_failures(&self) {
        let cookies = self.logins();
        let fatal = "wp-content/mu-plugins/x.php";
        let rows = [
            (
                ".maintenance",
                "<?php $upgrading = time();",
                "Briefly unavailable",
            ),
            (fatal, "<?php wp_die('<b>away</b>');", "it printed: away"),
            (fatal, "<?php exit;", "it printed nothing"),
            (
                fatal,
                "<?php\n\nno_such_function();",
                "Fatal error: Uncaught Error: Call to undefined function no_such_function()",
            ),
            (fatal, "<?php syntax error", "syntax error"),
        ];
        let failed = |said: &str| {
            let run = destroy(&self.site, &["admin", "--all", PHP]);
            run.code(1).stdout("").stderr_has(said)
        };
        for (file, code, said) in rows {
            let file = self.site.write(file, code);
            failed(said);
            std::fs::remove_file(file).unwrap();
        }
        let mut config: Config = self.site.config().clone();
        config.password = Some("wr0ng".to_owned());
        self.site.write_config(&config);
        failed("Error establishing a database connection").never_says("wr0ng");
        self.site.write_config(self.site.config());
        assert_eq!(self.takes(&cookies), [true; 3]);
        self.site.clear_raw(1);
    }

    /// Behind a cache, whose rows are gone before.
    fn check_cache(&self, redis: &Redis) {
        let mut config = self.site.config().clone();
        config.extra += &redis.settings(RedisObjectCache);
        self.site.write_config(&config);
        RedisObjectCache.into(&self.site);
        // The web server's OPcache looks for the drop-in every two seconds.
        let kept = "the cache has what the rows have no more";
        let cookies = until(kept, Duration::from_secs(60), || {
            redis.ask(&["FLUSHALL"]);
            let cookies = self.logins();
            self.site.clear_raw(1);
            (self.takes(&cookies) == [true; 3]).then_some(cookies)
        });
        destroy(&self.site, &["admin", "--all", PHP])
            .code(0)
            .stderr_has("held 3 sessions that the database no longer had");
        assert_eq!(self.takes(&cookies), [false; 3]);
        self.check_proof("Success: Destroyed 3 sessions of 1 user.\n");
    }
}

/// `php` is how the version of PHP begins.
fn check(core: &Core, version: &str, hash: &str, php: &str) {
    let asked = Asked::new(WordPress::new().core(core.clone()).install());
    let loaded =
        Kickout::at(&asked.site).args(["user", "session", "list", "admin", "--debug", PHP]);
    let loaded = loaded.run().code(0);
    let found = loaded.stderr.contains(&format!("WordPress {version}"));
    loaded
        .check(found, version)
        .stderr_has(&format!(" on PHP {php}"));
    for hashed in asked.site.sql("SELECT user_pass FROM wp_users") {
        assert!(hashed[0].starts_with(hash), "{}", hashed[0]);
    }
    asked.check_words();
    asked.check_manager();
    asked.check_failures();
    asked.check_cache(&Redis::start());
}

#[test]
fn every_wordpress() {
    needs!(WordPress, WordPressSqlite, Redis, Root, SlowAndFar);
    for (core, version, hash) in WORDPRESSES {
        check(&core, version, hash, "");
    }
}

/// The same with trixie's PHP as this machine's.
#[test]
fn every_wordpress_on_a_newer_php() {
    needs!(WordPress, WordPressSqlite, Redis, Root, SlowAndFar);
    let php = NewerPhp::of("trixie");
    if !php.is_here("versions::every_wordpress_on_a_newer_php") {
        return;
    }
    for (core, version, hash) in WORDPRESSES {
        check(&core, version, hash, "8.4.");
    }
}

/// MySQL's own way to log in, by PHP: over its socket and over TCP, encrypted and not.
#[test]
fn mysql_by_php() {
    needs!(WordPress, Root, SlowAndFar);
    let encrypted = "define( 'MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL | \
                     MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT );\n";
    let blind = "Only the site's own PHP could read its database: ";
    for tls in [true, false] {
        let mut server = MySql::new();
        if !tls {
            server = server.option("--tls-version=");
        }
        let server = server.start();
        for core in [Core::Debian, Core::Suite("sid")] {
            let asked = Asked::new(WordPress::new().core(core).install_on(&server));
            let database = asked.site.database().clone();
            let (socket, port) = (database.by_socket(), database.by_port());
            let rows: &[(&String, &str, bool)] = match tls {
                true => &[
                    (&socket, "", true),
                    (&port, "", true),
                    (&port, encrypted, true),
                ],
                // The native driver cannot show it there: see `a_socket_without_tls`.
                false => &[(&socket, "", false), (&port, "", true)],
            };
            for &(host, extra, natively) in rows {
                let mut config = asked.site.config().clone();
                config.host = Some(host.clone());
                config.extra = extra.to_owned();
                asked.site.write_config(&config);
                let cookies = asked.logins();
                // Now it has seen no password.
                server.sql("FLUSH PRIVILEGES");
                let run = destroy(&asked.site, &["admin", "--all", PHP]);
                match natively {
                    true => run.success(),
                    false => run.code(5).stderr_has(blind),
                };
                assert_eq!(asked.takes(&cookies), [false; 3], "{host}");
                asked.check_words();
            }
        }
    }
}
