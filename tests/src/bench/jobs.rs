//! The jobs that are timed. Every sample has sessions to end, seeded outside the clock, and is
//! looked at afterwards: a quick program that does nothing must not win.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kickout_tests::{Binaries, WordPress, php, until};
use serde_json::json;

use crate::clock::{Table, timed};

/// Everything a job needs.
pub(crate) struct Site {
    site: kickout_tests::Site,
    /// A stored value with three sessions.
    three: Vec<u8>,
}

impl Site {
    pub(crate) fn set_up() -> Self {
        Self {
            site: WordPress::new().install(),
            three: sessions(3),
        }
    }

    pub(crate) fn destroy_one_user(&self, table: &mut Table, samples: usize, engine: &str) {
        let ended = |mut command: Command| {
            self.site.set_raw(1, &self.three);
            let took = timed(&mut command);
            assert!(
                self.site.raw_rows(1).is_empty(),
                "{command:?} ended nothing"
            );
            took
        };
        let delete = "DELETE FROM wp_usermeta WHERE user_id = 1 AND meta_key = 'session_tokens'";
        let destroy = "require 'wp-load.php'; WP_Session_Tokens::get_instance(1)->destroy_all();";
        table.compare(
            &format!("destroy all sessions of one user, {engine}"),
            samples,
            vec![
                (
                    "kickout",
                    Box::new(|| ended(self.kickout(&["destroy", "admin", "--all", engine]))),
                ),
                (
                    "`mariadb` with the same DELETE",
                    Box::new(|| ended(client(&self.site, delete))),
                ),
                (
                    "`php` loading WordPress",
                    Box::new(|| ended(self.php(destroy))),
                ),
            ],
        );
    }

    /// What the second reading costs; says so.
    pub(crate) fn read_again(&self, table: &mut Table, samples: usize) -> String {
        let ended = |verify: &str| {
            self.site.set_raw(1, &self.three);
            let took = timed(&mut self.kickout(&["destroy", "admin", "--all", verify]));
            assert!(self.site.raw_rows(1).is_empty(), "{verify} ended nothing");
            took
        };
        let medians = table.compare(
            "destroy all sessions of one user, `--verify=store`",
            samples,
            vec![
                ("kickout", Box::new(|| ended("--verify=store"))),
                ("`--verify=none`", Box::new(|| ended("--verify=none"))),
            ],
        );
        let added = (medians[0].as_secs_f64() - medians[1].as_secs_f64()) * 1000.0;
        format!("`--verify=store` adds {added:.2} ms to a local native destroy.\n\n")
    }

    pub(crate) fn list_one_user(&self, table: &mut Table, samples: usize) {
        self.site.set_raw(1, &self.three);
        let select = "SELECT meta_value FROM wp_usermeta WHERE user_id = 1 AND
            meta_key = 'session_tokens'";
        let list = "require 'wp-load.php';
            print_r(WP_Session_Tokens::get_instance(1)->get_all());";
        table.compare(
            "list the sessions of one user",
            samples,
            vec![
                (
                    "kickout",
                    Box::new(|| timed(&mut self.kickout(&["list", "admin"]))),
                ),
                (
                    "`mariadb` with the same SELECT",
                    Box::new(|| timed(&mut client(&self.site, select))),
                ),
                (
                    "`php` loading WordPress",
                    Box::new(|| timed(&mut self.php(list))),
                ),
            ],
        );
    }

    pub(crate) fn destroy_everybody(
        &self,
        table: &mut Table,
        samples: usize,
        users: usize,
        engine: &str,
    ) {
        self.site.sql(format!(
            "INSERT INTO wp_users (ID, user_login, user_nicename, user_email, display_name)
             SELECT seq, CONCAT('user', seq), CONCAT('user', seq),
               CONCAT('user', seq, '@example.com'), CONCAT('User ', seq)
             FROM seq_2_to_{users};"
        ));
        let value = String::from_utf8(self.three.clone())
            .unwrap()
            .replace('\'', "''");
        let ended = |mut command: Command| {
            self.site.sql(format!(
                "DELETE FROM wp_usermeta WHERE meta_key = 'session_tokens';
                 INSERT INTO wp_usermeta (user_id, meta_key, meta_value)
                 SELECT ID, 'session_tokens', '{value}' FROM wp_users;"
            ));
            let took = timed(&mut command);
            let left = self
                .site
                .sql("SELECT COUNT(*) FROM wp_usermeta WHERE meta_key = 'session_tokens'");
            assert_eq!(left, [["0"]], "{command:?} left some");
            took
        };
        let delete = "DELETE FROM wp_usermeta WHERE meta_key = 'session_tokens'";
        let destroy = "require 'wp-load.php'; WP_User_Meta_Session_Tokens::drop_sessions();";
        let everybody = ["destroy", "--all-users", "--yes", "--settle=0", engine];
        table.compare(
            &format!("destroy everybody's, {users} users, {engine}"),
            samples,
            vec![
                ("kickout", Box::new(|| ended(self.kickout(&everybody)))),
                (
                    "`mariadb` with one DELETE",
                    Box::new(|| ended(client(&self.site, delete))),
                ),
                (
                    "`php` loading WordPress",
                    Box::new(|| ended(self.php(destroy))),
                ),
            ],
        );
    }

    /// So many PHP files of active code, as large as WordPress's own are: a copy of those.
    pub(crate) fn search(&self, table: &mut Table, samples: usize, files: usize) {
        self.site.set_raw(1, &self.three);
        let core = self.site.root().join("wp-admin");
        let library = self.site.root().join("wp-content/mu-plugins/library");
        let script = "$made = 0;
            while ($made < $args[2]) {
                $all = new RecursiveIteratorIterator(new RecursiveDirectoryIterator($args[0],
                    FilesystemIterator::SKIP_DOTS));
                foreach ($all as $file) {
                    if ($file->getExtension() !== 'php' || $made === $args[2]) { continue; }
                    $folder = $args[1] . '/' . intdiv($made, 10);
                    is_dir($folder) || mkdir($folder, 0755, true);
                    copy($file, $folder . '/' . $made++ . '.php');
                }
            }
            return $made;";
        php(script, &json!([core, library, files]));
        let list = || timed(&mut self.kickout(&["list", "admin"]));
        let one = library.join("0/0.php");
        table.compare(
            &format!("list with {files} PHP files of active code, one of them new"),
            samples,
            vec![
                (
                    "kickout",
                    Box::new(|| {
                        std::fs::write(&one, "<?php\n").expect("the copy can be written to");
                        list()
                    }),
                ),
                (
                    "`grep -r` for one of the words",
                    Box::new(|| {
                        let mut grep = self.here(Path::new("grep"));
                        timed(grep.args(["-rlF", "wp_get_current_user"]).arg(&library))
                    }),
                ),
            ],
        );
        // What was found is kept once the files are some seconds old.
        let (age, settled) = (Instant::now(), Duration::from_secs(3));
        until("the files are older", settled * 2, || {
            (age.elapsed() > settled).then_some(())
        });
        list();
        table.compare(
            "the same, nothing new",
            samples,
            vec![
                ("kickout", Box::new(list)),
                (
                    "`find` for what was changed",
                    Box::new(|| {
                        let mut find = self.here(Path::new("find"));
                        timed(find.arg(&library).args(["-newer", "/proc/self/exe"]))
                    }),
                ),
            ],
        );
    }

    pub(crate) fn large_value(&self, table: &mut Table, samples: usize, bytes: usize) {
        let count = bytes / (self.three.len() / 3);
        let large = sessions(count);
        let ended = |mut command: Command| {
            self.site.set_raw(1, &large);
            let took = timed(&mut command);
            let left = self
                .site
                .raw_rows(1)
                .pop()
                .and_then(|row| row.value)
                .unwrap();
            let expected = format!("a:{}:{{", count - 1);
            assert!(
                left.starts_with(expected.as_bytes()),
                "{command:?} ended nothing"
            );
            took
        };
        let destroy = "require 'wp-load.php';
            $tokens = WP_Session_Tokens::get_instance(1);
            $write = new ReflectionMethod($tokens, 'update_session');
            $read = new ReflectionMethod($tokens, 'get_sessions');
            $write->invoke($tokens, array_key_last($read->invoke($tokens)), null);";
        table.compare(
            &format!(
                "destroy the last of {count} sessions ({} MB)",
                large.len() >> 20
            ),
            samples,
            vec![
                (
                    "kickout",
                    Box::new(|| ended(self.kickout(&["destroy", "admin"]))),
                ),
                (
                    "`php` loading WordPress",
                    Box::new(|| ended(self.php(destroy))),
                ),
            ],
        );
    }

    fn kickout(&self, args: &[&str]) -> Command {
        let mut kickout = self.here(&Binaries::release().kickout);
        kickout.args(["user", "session"]).args(args);
        kickout
    }

    fn php(&self, script: &str) -> Command {
        let mut php = self.here(Path::new("php"));
        let quiet = "define('DISABLE_WP_CRON', true);";
        php.args(["-d", "memory_limit=2G", "-r", &format!("{quiet}{script}")]);
        php
    }

    fn here(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.site.root());
        command
    }
}

/// The database's own client, with the account and over the socket that the site itself uses.
pub(crate) fn client(site: &kickout_tests::Site, sql: &str) -> Command {
    let database = site.database();
    let mut client = Command::new("mariadb");
    client
        .arg("--no-defaults")
        .arg(format!("--socket={}", database.server.socket().display()))
        .arg(format!("--user={}", database.user))
        .arg(format!("--password={}", database.password))
        .args(["--batch", &database.name, "--execute", sql]);
    client
}

/// A stored value with so many live sessions, made by PHP.
pub(crate) fn sessions(count: usize) -> Vec<u8> {
    let value = php(
        "$all = [];
         for ($i = 0; $i < $args[0]; $i++) {
            $all[hash('sha256', (string) $i)] = ['expiration' => 4102444800,
                'ip' => '203.0.113.' . $i % 256, 'ua' => 'Mozilla/5.0 (X11; Linux x86_64)',
                'login' => 1700000000 + $i];
         }
         return serialize($all);",
        &json!([count]),
    );
    value.as_str().unwrap().as_bytes().to_vec()
}
