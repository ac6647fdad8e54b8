//! Many sites at once: all on one host, or each on a host of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kickout_tests::{Binaries, MariaDb, Site};

use crate::clock::{Table, timed, timed_reading};
use crate::jobs::{client, sessions};
use crate::operator::Operator;

/// The statement that the other programs are given.
const DELETE: &str = "DELETE FROM wp_usermeta WHERE user_id = 1 AND meta_key = 'session_tokens'";

/// Sites on one database server, and those who reach them.
pub(crate) struct Fleet {
    pub(crate) operator: Operator,
    pub(crate) server: MariaDb,
    sites: Vec<Site>,
    /// Gives every site its sessions back.
    seed: String,
}

impl Fleet {
    /// So many sites, and so many hosts to reach them on.
    pub(crate) fn set_up(count: usize, hosts: usize) -> Self {
        let _ = Binaries::release();
        let server = MariaDb::with(&["--max-connections=1000"]);
        let operator = Operator::of(hosts);
        let sites: Vec<_> = (0..count).map(|_| operator.site(&server)).collect();
        let value = String::from_utf8(sessions(3)).unwrap().replace('\'', "''");
        let seed = sites.iter().map(|site| {
            let table = format!("{}.wp_usermeta", site.database().name);
            format!(
                "DELETE FROM {table} WHERE meta_key = 'session_tokens';
                 INSERT INTO {table} (user_id, meta_key, meta_value)
                 VALUES (1, 'session_tokens', '{value}');"
            )
        });
        let seed = seed.collect();
        Self {
            operator,
            server,
            sites,
            seed,
        }
    }

    /// Seeds, takes one sample, and looks whether every site is done.
    fn ended(&self, run: impl FnOnce() -> Duration) -> Duration {
        self.seed();
        let took = run();
        self.all_ended();
        took
    }

    pub(crate) fn seed(&self) {
        self.server.sql(&self.seed);
    }

    pub(crate) fn all_ended(&self) {
        for site in &self.sites {
            let left = site.sql("SELECT 1 FROM wp_usermeta WHERE meta_key = 'session_tokens';");
            assert!(left.is_empty(), "{} has sessions", site.root().display());
        }
    }

    /// Writes the aliases `@s0`, `@s1`, …: so many hosts, which share the sites.
    pub(crate) fn aliases(&self, hosts: usize, host: impl Fn(usize) -> usize) {
        let mut file = String::new();
        for number in 0..hosts {
            let site = &self.sites[number % self.sites.len()];
            let (at, root) = (self.operator.at(host(number)), site.root().display());
            writeln!(file, "@s{number}:\n  ssh: {at}{root}").unwrap();
        }
        fs::write(self.operator.home().join("wp-cli.yml"), file).unwrap();
    }

    /// `kickout @all …`
    pub(crate) fn kickout(&self) -> Command {
        self.operator.kickout("@all")
    }

    pub(crate) fn on_one_host(&self, table: &mut Table, samples: usize) {
        self.aliases(self.sites.len(), |_| 0);
        let one_by_one = || {
            self.sites
                .iter()
                .map(|it| timed(&mut client(it, DELETE)))
                .sum()
        };
        let lines: String = self
            .sites
            .iter()
            .map(|site| format!("{}\n", quoted(&client(site, DELETE))))
            .collect();
        let script = self.operator.home().join("clients");
        fs::write(&script, lines).unwrap();
        let over_ssh = || timed_reading(&mut self.operator.ssh("sh -e"), &script);
        let count = self.sites.len();
        self.ended(|| timed(&mut self.kickout()));
        table.compare(
            &format!("destroy one user's on {count} sites of a host over ssh"),
            samples,
            vec![
                (
                    "kickout",
                    Box::new(|| self.ended(|| timed(&mut self.kickout()))),
                ),
                (
                    "`mariadb` on the host, one site after the other",
                    Box::new(|| self.ended(one_by_one)),
                ),
                (
                    "the same through `ssh host sh`",
                    Box::new(|| self.ended(over_ssh)),
                ),
            ],
        );
    }

    pub(crate) fn on_many_hosts(&self, table: &mut Table, samples: usize) {
        let count = self.sites.len();
        self.aliases(count, |number| number);
        let config = self.operator.config();
        let clush = || {
            let mut clush = self.operator.program(Path::new("clush"));
            clush
                .args(["-f", "64", "-w", &format!("h[0-{}]", count - 1)])
                .arg("-o")
                .arg(format!("-F {}", config.display()))
                .arg("true");
            timed(&mut clush)
        };
        let names: String = (0..count).map(|number| format!("h{number}\n")).collect();
        let list = self.operator.home().join("names");
        fs::write(&list, names).unwrap();
        let xargs = || {
            let mut xargs = self.operator.program(Path::new("xargs"));
            xargs.args(["-P", "8", "-I", "{}", "ssh", "-n", "-F"]);
            xargs.arg(&config).args(["{}", "true"]);
            timed_reading(&mut xargs, &list)
        };
        self.ended(|| timed(&mut self.kickout()));
        let logins = self.operator.logins();
        table.compare(
            &format!("destroy one user's on {count} ssh hosts"),
            samples,
            vec![
                (
                    "kickout",
                    Box::new(|| self.ended(|| timed(&mut self.kickout()))),
                ),
                ("`clush -f 64 … true`", Box::new(clush)),
                ("`xargs -P 8 ssh … true`", Box::new(xargs)),
            ],
        );
        let logins = self.operator.logins() - logins;
        assert_eq!(logins, 3 * samples * count, "not every host was reached");
    }
}

/// The command as a line of shell.
fn quoted(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words.map(|word| kickout_tests::quoted(word.to_str().unwrap()));
    words.collect::<Vec<_>>().join(" ")
}
