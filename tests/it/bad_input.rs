//! Wrong words, broken sites, hostile data, outputs that take nothing: a clear error, nothing lost.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kickout_tests::{Binaries, Kickout, Owner, Scratch, Site, WordPress, needs, quoted};

use crate::connect::count;
use crate::destroy::destroy;
use crate::stored::{session, string, value, verifier};

const LIST: [&str; 4] = ["user", "session", "list", "admin"];

/// A folder that looks like a WordPress, with this configuration.
fn pretended(config: impl AsRef<[u8]>) -> Scratch {
    let scratch = Scratch::new("pretended");
    scratch.write("wp-load.php", "<?php\n");
    scratch.write("wp-includes/version.php", "<?php\n$wp_version = '6.8';\n");
    scratch.write("wp-config.php", config);
    scratch
}

#[test]
fn no_wordpress_in_wp_clis_words() {
    let empty = Scratch::new("empty");
    let path = empty.path().display();
    let said = format!(
        "Error: This does not seem to be a WordPress installation.\nThe used path is: {path}/\n\
         Pass --path=`path/to/wordpress` or run `wp core download`.\n"
    );
    for command in [
        &LIST[..],
        &["user", "session", "destroy", "admin"],
        &["user", "list"],
    ] {
        let named = Kickout::new().args(command).arg(format!("--path={path}"));
        named.run().code(1).stdout("").stderr(&said);
        Kickout::new()
            .args(command)
            .cwd(empty.path())
            .run()
            .code(1)
            .stderr(&said);
    }
}

/// Whatever stands in the configuration's place: told what it is, soon.
#[test]
fn a_configuration_that_is_none() {
    type Place = (&'static str, fn(&Path), &'static [&'static str]);
    let places: [Place; 6] = [
        (
            "a FIFO",
            |path| {
                assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
            },
            &["is a FIFO, not a file"],
        ),
        (
            "a directory",
            |path| std::fs::create_dir(path).unwrap(),
            &["is a directory, not a file"],
        ),
        (
            "a device",
            |path| std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
            &["is a device"],
        ),
        (
            "too much",
            |path| {
                let file = std::fs::File::create(path).unwrap();
                file.set_len(9 * 1024 * 1024 * 1024).unwrap();
            },
            &["enormous for a configuration"],
        ),
        (
            "nowhere",
            |path| std::os::unix::fs::symlink("/nowhere", path).unwrap(),
            &["wp-config.php"],
        ),
        ("nothing", |_| {}, &["'wp-config.php' not found in"]),
    ];
    for (what, make, said) in places {
        let site = pretended("");
        let path = site.join("wp-config.php");
        std::fs::remove_file(&path).unwrap();
        make(&path);
        let start = Instant::now();
        let run = Kickout::new()
            .cwd(site.path())
            .args(LIST)
            .run()
            .code(1)
            .stdout("");
        said.iter().fold(run, |run, said| run.stderr_has(said));
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{what}: {:?}",
            start.elapsed()
        );
    }
    let texts = [
        (
            "<?php\ndefine( 'DB_NAME', 'database_name_here' );\ndefine( 'DB_USER', 'username_here' );\n\
          define( 'DB_PASSWORD', 'password_here' );\ndefine( 'DB_HOST', 'localhost' );\n\
          $table_prefix = 'wp_';\n",
            "sample values",
        ),
        ("<?php\ndefine( 'DB_NAME', 'x' );\n", "is not defined"),
        (
            "<?php\ndefine( 'DB_NAME', some_function() );\ndefine( 'DB_USER', 'x' );\n\
          define( 'DB_PASSWORD', 'x' );\ndefine( 'DB_HOST', 'x' );\n$table_prefix = 'wp_';\n",
            "wp-config.php line 2: ",
        ),
        ("", "is not defined"),
        ("\u{feff}\0\0\0", "is not defined"),
    ];
    for (text, said) in texts {
        let site = pretended(text);
        for command in [
            &LIST[..],
            &["user", "session", "destroy", "--all-users", "--yes"],
        ] {
            let run = Kickout::new().cwd(site.path()).args(command).run();
            run.code(1).stdout("").stderr_has(said);
        }
    }
}

#[test]
fn a_configuration_that_may_not_be_read() {
    needs!(Root);
    let site = pretended("<?php\n");
    let path = site.join("wp-config.php");
    Owner::web().give(&path);
    let web = Owner::web().uid;
    for (mode, said) in [
        (0o000, "owner www-data"),
        (0o640, "Try --sudo or log in as www-data."),
    ] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let nobody = Owner::database();
        assert_ne!(nobody.uid, web);
        let run = Kickout::program(Path::new("/usr/bin/setpriv"));
        let ids = [
            format!("--reuid={}", nobody.uid),
            format!("--regid={}", nobody.gid),
        ];
        let run = run
            .args(ids)
            .args(["--clear-groups", "--"])
            .arg(&Binaries::dev().kickout);
        let run = run.args(LIST).cwd(site.path()).run().code(1).stdout("");
        run.stderr_has("cannot read")
            .stderr_has(path.to_str().unwrap())
            .stderr_has(said);
    }
}

/// Where sessions may live elsewhere, native does nothing and says why; where such code is not
/// active, it works.
#[test]
fn other_session_stores_are_refused() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let cookie = site.login("admin", "A", "::1");
    let filter =
        "<?php\n// Plugin Name: Other\n\nadd_filter('session_token_manager', fn() => 'X');\n";
    let memcached = "<?php\n/*\n * Plugin Name: Memcached\n */\n";
    let hyper = "<?php\n/*\nPlugin Name: HyperDB\n*/\n";
    let refused: [(&str, &str, &[&str]); 6] = [
        (
            "wp-content/object-cache.php",
            memcached,
            &["Memcached", "logged in"],
        ),
        ("wp-content/object-cache.php", "<?php", &["unknown drop-in"]),
        ("wp-content/db.php", hyper, &["HyperDB"]),
        ("wp-content/db.php", "<?php", &["unknown drop-in"]),
        (
            "wp-content/mu-plugins/other.php",
            filter,
            &["other.php:4", "session_token_manager"],
        ),
        (
            "wp-content/plugins/other/inc/deep.php",
            filter,
            &["deep.php:4", "session_token_manager"],
        ),
    ];
    site.write(
        "wp-content/plugins/other/other.php",
        "<?php\n// Plugin Name: Shell\n",
    );
    let activate = |plugins: &str| {
        site.sql(format!(
            "UPDATE wp_options SET option_value = '{plugins}' WHERE option_name = 'active_plugins'"
        ));
    };
    activate("a:1:{i:0;s:15:\"other/other.php\";}");
    for (file, content, said) in refused {
        let path = site.write(file, content);
        let sweep = ["--all-users", "--yes"];
        for words in [&["admin"][..], &sweep] {
            let native = [words, &["--engine=native"]].concat();
            let run = destroy(&site, &native).code(1).stdout("");
            said.iter().fold(run, |run, said| run.stderr_has(said));
        }
        std::fs::remove_file(path).unwrap();
        count(&site).code(0).stdout("1\n");
    }
    site.write("wp-content/plugins/other/inc/deep.php", filter);
    destroy(&site, &["admin", "--engine=native"]).code(1);
    activate("a:0:{}");
    count(&site).code(0).stdout("1\n");
    assert!(site.cookie_is_valid(&cookie));
    destroy(&site, &["admin"]).success();
    assert!(!site.cookie_is_valid(&cookie));
}

/// One sentence and 2; neither a site nor a host was touched.
#[test]
fn words_that_are_wrong() {
    let site = pretended("<?php\n");
    site.write(
        "wp-cli.yml",
        "@one:\n  path: /x\n@two:\n  path: /y\n@both:\n  - @one\n  - @two\n",
    );
    let http = Kickout::new().args(LIST).arg("--http=http://example.com");
    http.run()
        .code(2)
        .stdout("")
        .stderr_has("plain http would send credentials");
    let rows: [(&[&str], &str); 9] = [
        (&["--ssh=a b"], "Error: "),
        (&["--engine=perl"], "auto, native or php"),
        (&["--require="], "require"),
        (&["--alias=nobody"], "nobody"),
        (&["--pat=/x"], "--pat"),
        (&["--format=xml"], "format"),
        (&["--fields=ip", "--nonsense"], "--nonsense"),
        (&["--quiet=perhaps"], "quiet"),
        (&["--path="], "path"),
    ];
    for (args, said) in rows {
        // An agent would say hello in this file.
        let agent = format!("--agent={}", site.join("no-agent").display());
        let run = Kickout::new()
            .cwd(site.path())
            .args(LIST)
            .arg(&agent)
            .args(args);
        let run = run.run().code(2).stdout("").stderr_has(said);
        assert!(!run.stderr.contains("no-agent"), "{}", run.to_snapshot());
    }
    for word in ["@nobody", "@both/x"] {
        let run = Kickout::new().cwd(site.path()).arg(word).args(LIST).run();
        run.code(2).stdout("").stderr_has("Error: ");
    }
    for bytes in [&b"\xff"[..], b"admin\x80", b"--path=\xc3"] {
        let run = Kickout::new()
            .cwd(site.path())
            .args(["user", "session", "list"]);
        run.arg(OsStr::from_bytes(bytes))
            .run()
            .code(2)
            .stdout("")
            .stderr_has("UTF-8");
    }
}

fn crowded() -> Site {
    let site = WordPress::new().install();
    let all: Vec<_> = (1..=3_000)
        .map(|number| (verifier(number), session("UA")))
        .collect();
    site.set_raw(1, &value(&all));
    site
}

/// Nobody reads: a listing ends quietly, a destroy does its work all the same. A full disk is no
/// success.
#[test]
fn outputs_that_take_nothing() {
    needs!(WordPress);
    let site = crowded();
    for format in ["csv", "json", "table", "jsonl", "ids"] {
        let run = Kickout::at(&site)
            .args(LIST)
            .arg(format!("--format={format}"));
        run.closed_stdout().run().success();
    }
    let kickout = quoted(Binaries::dev().kickout.to_str().unwrap());
    let shell = |script: &str| {
        let shell = Kickout::program(Path::new("/bin/sh")).cwd(site.root());
        shell
            .args(["-c", &script.replace("kickout", &kickout)])
            .run()
    };
    shell("kickout user session list admin --format=csv > /dev/full")
        .code(1)
        .stderr_has("write");
    let head = shell("kickout user session list admin --format=csv | head -n 2");
    assert_eq!(head.success().stdout.lines().count(), 2);
    let run = Kickout::at(&site).args(["user", "session", "destroy", "admin"]);
    run.closed_stdout().run().success();
    count(&site).stdout("2999\n");
    let full = shell("kickout user session destroy admin > /dev/full");
    full.code(1).stderr_has("write");
    count(&site).stdout("2998\n");
    let run = Kickout::at(&site).args(["user", "session", "destroy", "admin", "--all"]);
    run.closed_stdout().run().code(0);
    assert_eq!(site.raw_rows(1), []);
}

/// What an attacker may have stored reaches nobody's terminal or spreadsheet as it is.
#[test]
fn hostile_strings() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let hostile =
        "\x1b[2J\x1b]52;c;ZWNobyBwd25lZA==\x07\u{202e}evil\u{9b}31m\r\nrow\t=cmd|' /C calc'!A0";
    let formula = "=HYPERLINK(\"http://evil\")";
    let odd = |key: &str| {
        let mut entry = session(hostile);
        entry.pop();
        entry.extend(string("note"));
        entry.extend(string(key));
        entry.push(b'}');
        [b"a:5".as_slice(), &entry[3..]].concat()
    };
    site.set_raw(
        1,
        &value(&[
            (verifier(1), odd(formula)),
            ("\x1b[31mkey".to_owned(), session("B")),
        ]),
    );
    let hex: String = hostile.bytes().map(|byte| format!("{byte:02x}")).collect();
    site.sql(format!(
        "UPDATE wp_users SET display_name = CONVERT(X'{hex}' USING utf8mb4) WHERE ID = 1"
    ));
    let controls = |char: char| {
        (char.is_control() && char != '\n' && char != '\r' && char != '\t')
            || ('\u{202a}'..='\u{202e}').contains(&char)
    };
    let lists: [&[&str]; 3] = [
        &["user", "session", "list", "admin", "--fields=token,ua,note"],
        &["user", "list", "--fields=ID,display_name"],
        &["user", "session", "destroy", "admin", "\x1b[31mnothing"],
    ];
    for words in lists {
        let screen = Kickout::at(&site)
            .args(words)
            .arg("--no-color")
            .tty(200)
            .finish();
        assert!(!screen.stdout.chars().any(controls), "{:?}", screen.stdout);
    }
    let shown = |format: &str| {
        let run = Kickout::at(&site)
            .args(LIST)
            .arg("--fields=ua,note")
            .arg(format);
        run.run().code(0)
    };
    // A cell that would be a formula keeps its leading quote; a machine's format keeps the bytes.
    shown("--format=csv").stdout_has("'=HYPERLINK(");
    let json = shown("--format=json");
    let rows: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(rows[0]["ua"], hostile);
    assert_eq!(rows[0]["note"], formula);
    assert!(!json.stdout.contains('\x1b'), "JSON escapes it");
}
