//! What a configuration means: databases, tables, folders, and what is refused.

use super::*;
use crate::site::{Environment, at};
use std::fs;

fn with<T>(code: &str, look: impl FnOnce(&Config<'_>, &Path) -> T) -> T {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    fs::create_dir_all(root.join("wp-includes")).unwrap();
    fs::create_dir_all(root.join("wp-content")).unwrap();
    fs::write(root.join("wp-load.php"), "").unwrap();
    fs::write(root.join("wp-includes/version.php"), "").unwrap();
    fs::write(root.join("wp-config.php"), format!("<?php\n{code}")).unwrap();
    let environment = Environment::unknown();
    look(
        &Config::read(&at(&root).unwrap(), &environment).unwrap(),
        &root,
    )
}

const PLAIN: &str = "define('DB_NAME','n');define('DB_USER','u');define('DB_PASSWORD','hush');
    define('DB_HOST','h:3307');define('DB_CHARSET','');$table_prefix='wp_';";

#[test]
fn a_plain_site() {
    with(PLAIN, |config, root| {
        let Database::MySql(MySql {
            name,
            password,
            host,
            charset,
            client_flags,
            ..
        }) = database(config).unwrap()
        else {
            panic!("not MySQL")
        };
        assert_eq!((name.as_str(), password.expose()), ("n", &b"hush"[..]));
        assert_eq!(
            host,
            DbHost::Tcp {
                host: "h".into(),
                port: 3307
            }
        );
        assert_eq!((charset, client_flags), (None, 0));
        assert!(!format!("{:?}", database(config)).contains("hush"));
        let tables = tables(config).unwrap();
        assert_eq!(
            (tables.users.as_str(), tables.multisite),
            ("wp_users", false)
        );
        assert_eq!(
            folders(config).unwrap().mu_plugins,
            root.join("wp-content/mu-plugins")
        );
    });
}

#[test]
fn errors_name_the_place_and_the_fix_and_no_secret() {
    let rows = [
        (
            "define('DB_NAME','hush');",
            "wp-config.php: DB_USER is not defined",
        ),
        (
            "define('DB_NAME',getenv('X'));",
            "line 2: DB_NAME depends on getenv('X'), which is",
        ),
        (
            "define('DB_NAME',$_SERVER['HTTP_HOST']);",
            "DB_NAME depends on $_SERVER['HTTP_HOST']",
        ),
        (
            "define('DB_NAME','database_name_here');define('DB_USER','username_here');
             define('DB_PASSWORD','hush');define('DB_HOST','x');",
            "sample values (database_name_here, username_here): refusing",
        ),
        (
            "define('DB_NAME','a');define('DB_USER','example username');
             define('DB_PASSWORD','example password');define('DB_HOST','mysql');",
            "(example username, example password): refusing",
        ),
        (
            "define('DB_NAME','a');define('DB_USER','b');define('DB_PASSWORD',['hush']);",
            "DB_PASSWORD is an array, not a string",
        ),
        (
            "define('DB_NAME','a');define('DB_USER','b');define('DB_PASSWORD','hush');
             define('DB_HOST','h:99999');",
            "DB_HOST has a port above 65535",
        ),
    ];
    for (code, want) in rows {
        with(code, |config, _| {
            let error = database(config).unwrap_err();
            assert!(error.to_string().contains(want), "{error}");
            let shown = format!("{error} {error:?} {}", error.fix());
            assert!(!shown.contains("hush"), "{shown}");
            assert!(error.fix().ends_with(['.', '…']), "{}", error.fix());
        });
    }
}

#[test]
fn tables_follow_core_s_rules() {
    let rows = [
        ("$table_prefix='';", None),
        ("$table_prefix='a-b';", None),
        ("", None),
        (
            "$table_prefix='x'; define('CUSTOM_USER_TABLE','a`b');",
            None,
        ),
        (
            "$table_prefix='x_';",
            Some(("x_users", "x_usermeta", false)),
        ),
        (
            "$table_prefix='x_'; define('CUSTOM_USER_TABLE','shared');define('MULTISITE',1);",
            Some(("shared", "x_usermeta", true)),
        ),
        (
            "$table_prefix=5; define('SUNRISE',0);",
            Some(("5users", "5usermeta", true)),
        ),
    ];
    for (code, want) in rows {
        with(code, |config, _| {
            let tables = tables(config).ok();
            let seen = tables
                .as_ref()
                .map(|t| (&*t.users, &*t.usermeta, t.multisite));
            assert_eq!(seen, want, "{code}");
        });
    }
}

#[test]
fn sqlite_files() {
    let rows = [
        ("", Some("wp-content/database/.ht.sqlite")),
        (
            "define('DB_FILE','a.db');",
            Some("wp-content/database/a.db"),
        ),
        ("define('DB_DIR',ABSPATH.'x');", Some("x/.ht.sqlite")),
        ("define('FQDBDIR',ABSPATH.'x-');", Some("x-.ht.sqlite")),
        (
            "define('FQDB',ABSPATH.'f.db');define('DB_DIR','/y');",
            Some("f.db"),
        ),
        ("define('DB_ENGINE','mysql');", None),
    ];
    for (code, want) in rows {
        with(&format!("{PLAIN}{code}"), |config, root| {
            let drop_in = "<?php define( 'SQLITE_DB_DROPIN_VERSION', '1.8.0' );";
            fs::write(root.join("wp-content/db.php"), drop_in).unwrap();
            let seen = match database(config).unwrap() {
                Database::Sqlite { file } => Some(file),
                Database::MySql { .. } => None,
            };
            assert_eq!(seen, want.map(|file| root.join(file)), "{code}");
        });
    }
}
