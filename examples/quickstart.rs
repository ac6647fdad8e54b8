//! A WordPress-shaped site on SQLite, three people logged in, and Kickout logging them out: the
//! real `kickout`, the real agent, nothing else. Started by `./quickstart`.

use std::error::Error;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use kickout_shared::token::verifier;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const DAY: u64 = 24 * 60 * 60;

/// The tables of the site, made by `data/quickstart.sql`; its times are markers.
const DATABASE: &[u8] = include_bytes!("data/quickstart.sqlite");

/// For how many hours each of the sessions in the database has been there.
const HOURS: [u64; 6] = [70, 26, 1, 8, 3, 2];

fn main() -> Outcome {
    let program = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path).canonicalize()?,
        None => return Err("usage: quickstart <path of kickout>".into()),
    };
    let folder = tempfile::Builder::new()
        .prefix("kickout-quickstart-")
        .tempdir()?;
    let site = folder.path().join("site");
    make_site(&site)?;
    let demo = Demo { program, site };
    println!("A small WordPress site on SQLite, with three people logged in:");
    println!("\n$ cd {}", demo.site.display());
    demo.run(&[
        "user",
        "session",
        "list",
        "admin",
        "--fields=token,ip,browser,age",
    ])?;
    println!("\n# The newest one is nobody we know. Out with it.");
    demo.run(&["user", "session", "destroy", "admin"])?;
    println!("\n# That phone is lost: a session by the first characters of its token.");
    let prefix = format!("{}...", &verifier(&token(1))[..12]);
    demo.run(&["user", "session", "destroy", "admin", &prefix])?;
    println!("\n# Who else is there?");
    demo.run(&[
        "user",
        "session",
        "list",
        "--all-users",
        "--fields=user_login,ip,browser,age",
    ])?;
    println!("\n# Everybody out.");
    demo.run(&["user", "session", "destroy", "--all-users", "--yes"])?;
    demo.run(&["user", "session", "list", "--all-users", "--format=count"])?;
    folder.close()?;
    println!(
        "\nThe site is gone again. kickout is here:\n\n  {}\n",
        demo.program.display()
    );
    println!("Three commands worth typing next, in the folder of a WordPress:\n");
    println!("  kickout doctor                            # what it sees, and how it would work");
    println!("  kickout user session list --all-users     # who is logged in");
    println!("  kickout user session destroy admin --all  # log admin out everywhere");
    Ok(())
}

struct Demo {
    program: PathBuf,
    site: PathBuf,
}

impl Demo {
    /// Shows a command as it would be typed, and runs it.
    fn run(&self, arguments: &[&str]) -> Outcome {
        println!("\n$ kickout {}", arguments.join(" "));
        let plain = (!std::io::stdout().is_terminal()).then_some("--no-color");
        let status = Command::new(&self.program)
            .args(arguments)
            .args(plain)
            .current_dir(&self.site)
            // A pipe would turn the boxes into tabs; whoever reads this wants the boxes.
            .env("SHELL_PIPE", "0")
            .env("COLUMNS", "120")
            .status()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("kickout ended with {status}").into()),
        }
    }
}

/// The token that the cookie of a session would hold.
fn token(session: usize) -> String {
    format!("{session:0>43}")
}

/// Writes the files and the database that a WordPress on SQLite has, as far as sessions need them.
fn make_site(site: &Path) -> Outcome {
    for folder in ["wp-includes", "wp-content/database"] {
        std::fs::create_dir_all(site.join(folder))?;
    }
    let drop_in = "<?php\n/**\n * Plugin Name: SQLite integration (Drop-in)\n */\n\
                   define( 'SQLITE_DB_DROPIN_VERSION', '1.8.0' );\n\
                   define( 'DB_ENGINE', 'sqlite' );\n";
    let config = "<?php\ndefine( 'DB_NAME', 'quickstart' );\n$table_prefix = 'wp_';\n\
                  require_once ABSPATH . 'wp-settings.php';\n";
    for (file, text) in [
        ("wp-load.php", "<?php\n"),
        ("wp-settings.php", "<?php\n"),
        ("wp-includes/version.php", "<?php\n$wp_version = '6.8';\n"),
        ("wp-content/db.php", drop_in),
        ("wp-config.php", config),
    ] {
        std::fs::write(site.join(file), text)?;
    }
    std::fs::write(site.join("wp-content/database/.ht.sqlite"), database()?)?;
    Ok(())
}

/// The database with its markers set: ten digits for ten digits, so that no length changes.
fn database() -> Outcome<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut database = DATABASE.to_vec();
    for (session, hours) in HOURS.iter().enumerate() {
        let login = now - hours * 3600;
        for (kind, time) in [("10", login), ("20", login + 14 * DAY)] {
            let marker = format!("i:{kind}000000{session:02};").into_bytes();
            let mut places = database.windows(marker.len()).enumerate();
            let place = places.find_map(|(at, bytes)| (bytes == marker).then_some(at));
            let at = place.ok_or("the database of the quickstart has lost a marker")?;
            let text = format!("i:{time:010};").into_bytes();
            database[at..at + text.len()].copy_from_slice(&text);
        }
    }
    Ok(database)
}
