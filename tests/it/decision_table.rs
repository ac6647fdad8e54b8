//! The decision table of the design, row by row and in its order: each a real site, asked by `doctor`
//! and by a destroy, which say the engine and the reason; and what WordPress says of the cookie after.
//! What a row means in full has its own tests.

use kickout_tests::{Cookie, Kickout, MariaDb, Output, Redis, Site, WordPress, needs};

use crate::verify::without_php;

/// Caches in front of the rows.
mod caches;
/// Code of the site's own.
mod code;
/// What the configuration says, or does not.
mod configuration;
/// The rows themselves.
mod data;

/// A situation, and what is done in it.
pub(crate) struct Row {
    /// As the design has it.
    situation: &'static str,
    site: fn() -> Case,
    /// What `destroy` is told beside `--debug`.
    words: &'static [&'static str],
    /// What doctor's lines hold.
    engine: &'static str,
    /// What the destroy's lines hold, without those that tell of its progress.
    says: &'static str,
    exit: i32,
    /// Whether WordPress refuses the cookie afterwards.
    ended: bool,
}

const ALL: &[&str] = &["admin", "--all"];
const ONE: &[&str] = &["admin"];

/// A site with a login, and what has to live as long.
pub(crate) struct Case {
    site: Site,
    cookie: Cookie,
    php: bool,
    /// The configuration that WordPress is asked with afterwards.
    own: Option<Vec<u8>>,
    _redis: Option<Redis>,
    server: Option<MariaDb>,
}

impl Case {
    fn of(site: Site) -> Self {
        let cookie = site.login("admin", "A", "::1");
        assert!(site.cookie_is_valid(&cookie));
        Self {
            site,
            cookie,
            php: true,
            own: None,
            _redis: None,
            server: None,
        }
    }

    /// The usual one.
    fn plain() -> Self {
        Self::of(WordPress::new().install())
    }

    /// With one more file of its own, after the login.
    fn with(self, file: &str, text: &str) -> Self {
        self.site.write(file, text);
        self
    }

    /// With another configuration than WordPress is asked with afterwards.
    fn configured(mut self, change: impl FnOnce(&str) -> String) -> Self {
        let path = self.site.root().join("wp-config.php");
        let own = std::fs::read(&path).unwrap();
        let changed = change(std::str::from_utf8(&own).unwrap());
        self.site.write("wp-config.php", changed);
        self.own = Some(own);
        self
    }

    fn run(&self, args: &[&str]) -> Output {
        match self.php {
            true => Kickout::at(&self.site),
            false => without_php(&self.site),
        }
        .args(args)
        .run()
    }
}

fn check(first: usize, rows: &[&[Row]]) {
    println!("\n| # | situation | engine | says | exit | cookie |\n|---|---|---|---|---|---|");
    let rows = rows.iter().flat_map(|rows| rows.iter());
    for (number, row) in rows.enumerate() {
        let case = (row.site)();
        let engine: Vec<&&str> = row
            .words
            .iter()
            .filter(|it| it.starts_with("--e"))
            .collect();
        let number = first + number;
        let doctor = [
            &["doctor"][..],
            &engine.into_iter().copied().collect::<Vec<_>>(),
        ]
        .concat();
        let doctor = case.run(&doctor);
        let words = ["user", "session", "destroy"].iter().chain(row.words);
        let words: Vec<&str> = words.copied().chain(["--debug"]).collect();
        let run = case.run(&words);
        let said = format!("{}{}", run.stdout, run.stderr);
        let told = format!("{}\n{}", doctor.to_snapshot(), run.to_snapshot());
        assert!(doctor.stdout.contains(row.engine), "row {number}: {told}");
        assert!(said.contains(row.says), "row {number}: {told}");
        assert_eq!(run.code, Some(row.exit), "row {number}: {told}");
        if let Some(own) = &case.own {
            case.site.write("wp-config.php", own);
        }
        if let Some(server) = &case.server {
            server.sql("SET GLOBAL read_only = 0");
        }
        let taken = case.site.cookie_is_valid(&case.cookie);
        println!(
            "| {number} | {} | {} | {} | {} | {} |",
            row.situation,
            row.engine,
            row.says,
            row.exit,
            if taken { "taken" } else { "refused" }
        );
        assert_eq!(!taken, row.ended, "row {number}: {told}");
        assert!(!(taken && row.exit == 0), "row {number}: {told}");
    }
}

#[test]
fn rows_1_to_8() {
    needs!(WordPress, Redis, Root);
    check(1, &[&data::PLAIN, &caches::ROWS]);
}

#[test]
fn rows_9_to_18() {
    needs!(WordPress, Root);
    check(9, &[&code::ROWS, &configuration::ROWS]);
}

#[test]
fn rows_19_to_27() {
    needs!(WordPress, WordPressSqlite);
    check(19, &[&data::ROWS]);
}
