//! A WordPress-shaped site on SQLite, three people logged in, and Kickout logging them out: the
//! real `kickout`, the real agent, nothing else. Started by `./quickstart`.

use std::error::Error;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use kickout_shared::token::verifier;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const DAY: u64 = 24 * 60 * 60;

/// Who is logged in, from where, with what, and for how many hours.
const LOGINS: [(i64, &str, &str, u64); 6] = [
    (
        1,
        "203.0.113.7",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        70,
    ),
    (
        1,
        "198.51.100.23",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        26,
    ),
    (1, "192.0.2.99", "curl/8.5.0", 1),
    (
        2,
        "203.0.113.7",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
        8,
    ),
    (
        2,
        "203.0.113.81",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        3,
    ),
    (
        3,
        "198.51.100.200",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
        2,
    ),
];

fn main() -> Outcome {
    let program = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path).canonicalize()?,
        None => return Err("usage: quickstart <path of kickout>".into()),
    };
    let folder = tempfile::Builder::new()
        .prefix("kickout-quickstart-")
        .tempdir()?;
    let site = folder.path().join("site");
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let tokens = runtime.block_on(make_site(&site))?;
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
    let prefix = format!("{}...", &verifier(&tokens[1])[..12]);
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

/// Writes the files and tables that a WordPress on SQLite has, as far as sessions need them.
/// Returns the tokens that the cookies of these logins would hold.
async fn make_site(site: &Path) -> Outcome<Vec<String>> {
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
    let options = SqliteConnectOptions::new()
        .filename(site.join("wp-content/database/.ht.sqlite"))
        .create_if_missing(true);
    let mut database = options.connect().await?;
    sqlx::raw_sql(TABLES).execute(&mut database).await?;
    let tokens = log_in(&mut database).await?;
    database.close().await?;
    Ok(tokens)
}

async fn log_in(database: &mut SqliteConnection) -> Outcome<Vec<String>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut tokens = Vec::new();
    for user in 1..=3 {
        let mut entries = String::new();
        let mut count = 0;
        for (number, (_, ip, ua, hours)) in LOGINS
            .iter()
            .enumerate()
            .filter(|(_, (owner, ..))| *owner == user)
        {
            let token = format!("{number:0>43}");
            let (login, expiration) = (now - hours * 3600, now - hours * 3600 + 14 * DAY);
            entries.push_str(&format!(
                "s:64:\"{}\";a:4:{{s:10:\"expiration\";i:{expiration};s:2:\"ip\";s:{}:\"{ip}\";\
                 s:2:\"ua\";s:{}:\"{ua}\";s:5:\"login\";i:{login};}}",
                verifier(&token),
                ip.len(),
                ua.len()
            ));
            tokens.push(token);
            count += 1;
        }
        let sql = "INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES (?, \
                   'session_tokens', ?)";
        let value = format!("a:{count}:{{{entries}}}");
        sqlx::query(sql)
            .bind(user)
            .bind(value)
            .execute(&mut *database)
            .await?;
    }
    Ok(tokens)
}

const TABLES: &str = r#"
CREATE TABLE wp_users (ID INTEGER PRIMARY KEY AUTOINCREMENT, user_login TEXT NOT NULL COLLATE NOCASE,
    user_email TEXT NOT NULL COLLATE NOCASE, display_name TEXT NOT NULL COLLATE NOCASE,
    user_registered TEXT NOT NULL);
CREATE TABLE wp_usermeta (umeta_id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL,
    meta_key TEXT COLLATE NOCASE, meta_value TEXT COLLATE NOCASE);
CREATE TABLE wp_options (option_id INTEGER PRIMARY KEY AUTOINCREMENT, option_name TEXT UNIQUE,
    option_value TEXT);
INSERT INTO wp_options (option_name, option_value) VALUES ('active_plugins', 'a:0:{}');
INSERT INTO wp_users (user_login, user_email, display_name, user_registered) VALUES
    ('admin', 'admin@example.com', 'Ada', '2024-01-01 00:00:00'),
    ('anna', 'anna@example.com', 'Anna', '2024-02-01 00:00:00'),
    ('bob', 'bob@example.com', 'Bob', '2024-03-01 00:00:00');
INSERT INTO wp_usermeta (user_id, meta_key, meta_value) VALUES
    (1, 'wp_capabilities', 'a:1:{s:13:"administrator";b:1;}'),
    (2, 'wp_capabilities', 'a:1:{s:6:"editor";b:1;}'),
    (3, 'wp_capabilities', 'a:1:{s:10:"subscriber";b:1;}');
"#;
