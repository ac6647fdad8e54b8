//! Configurations that text alone does not settle: PHP is asked, as the site's owner and without
//! WordPress; what hangs on more than files is no proof, and what hangs on a host is refused without.

use kickout_tests::{Output, Site, WordPress, needs};

use crate::php::alone;

fn kickout(site: &Site, args: &[&str]) -> Output {
    alone(site).args(args).run()
}

fn destroy(site: &Site, args: &[&str]) -> Output {
    kickout(site, &[&["user", "session", "destroy"], args].concat())
}

const ALL: [&str; 3] = ["admin", "--all", "--debug"];

/// A site whose DB_NAME is defined by this code; `{name}` stands for its value.
pub(crate) fn site(code: &str) -> Site {
    let site = WordPress::new().install();
    let name = &site.database().name;
    let text = std::fs::read_to_string(site.root().join("wp-config.php")).unwrap();
    let plain = format!("define( 'DB_NAME', '{name}' );");
    assert!(text.contains(&plain));
    site.write("db.json", format!("{{\"name\": \"{name}\"}}"));
    site.write(
        "wp-config.php",
        text.replace(&plain, &code.replace("{name}", name)),
    );
    site
}

/// A loop, which the text reader does not follow.
pub(crate) const LOOP: &str = "foreach (['DB_NAME' => '{name}'] as $k => $v) { define($k, $v); }";

/// What only PHP can tell is served, and proved where it is the same in every process.
#[test]
fn what_only_php_can_tell() {
    needs!(WordPress, Root);
    let rows: [(&str, i32, &str); 10] = [
        (LOOP, 0, "native: "),
        (
            "$c = json_decode(file_get_contents(__DIR__ . '/db.json'), true);
             define('DB_NAME', $c['name']);",
            0,
            "native: ",
        ),
        (
            // A folder that is not there must not be taken for the real one.
            "$f = ABSPATH . 'db.json';
             define('DB_NAME', file_exists($f) ? json_decode(file_get_contents($f))->name : 'x');",
            0,
            "native: ",
        ),
        (
            "function own($text) { global $nothing; return strrev($text); }
             define('DB_NAME', own(strrev('{name}')));",
            0,
            "native: ",
        ),
        (
            "echo 'noise', PHP_EOL; @trigger_error('hidden');
             trigger_error('careful', E_USER_WARNING);
             foreach (['DB_NAME'] as $k) { define($k, '{name}'); }",
            0,
            "Debug (php): Warning: careful in ",
        ),
        (
            "define('DB_NAME', PHP_SAPI === 'cli' ? '{name}' : '{name}');",
            5,
            "wp-config.php line 3 depends on PHP_SAPI: the web server's may be another",
        ),
        (
            "define('DB_NAME', getenv('DB_OF_THE_WEB') ?: '{name}');",
            5,
            "depends on getenv('DB_OF_THE_WEB')",
        ),
        (
            "define('DB_NAME', isset($_SERVER['APP_DB']) ? $_SERVER['APP_DB'] : '{name}');",
            5,
            "depends on $_SERVER['APP_DB']",
        ),
        (
            "$f = 'def' . 'ine'; $f('DB_NAME', '{name}');",
            5,
            "depends on $f, a name made at run time",
        ),
        (
            // The content folder is another than the text says.
            "foreach (['WP_CONTENT_DIR'] as $k) { define($k, ABSPATH . 'own'); }
             define('DB_NAME', '{name}');",
            5,
            "own/object-cache.php (Memcached) answers before the database",
        ),
    ];
    for (code, exit, said) in rows {
        let site = site(code);
        site.write("own/object-cache.php", "<?php // Memcached\n");
        let cookie = site.login("admin", "A", "::1");
        let doctor = kickout(&site, &["doctor"]);
        doctor
            .code(0)
            .stdout_has("configuration evaluated with php: ")
            .stdout_has("wp-config.php line ")
            .never_says(&site.database().password);
        let run = destroy(&site, &ALL);
        run.code(exit)
            .stderr_has(said)
            .stderr_has("Debug (site): configuration evaluated with php: ")
            .never_says("hidden")
            .never_says(&site.database().password);
        std::fs::remove_file(site.root().join("own/object-cache.php")).unwrap();
        assert!(!site.cookie_is_valid(&cookie), "{code}");
    }
}

/// Nothing of WordPress, no drop-in and no plugin runs for it, and nothing of ours is left.
#[test]
fn nothing_else_runs() {
    needs!(WordPress, Root);
    for code in [
        LOOP,
        "foreach ([ABSPATH] as $x) {} define('DB_NAME', basename('{name}'));",
    ] {
        let site = site(&format!(
            "{code}\n foreach ([1] as $x) {{ define('DB_CHARSET', 'utf8mb4'); }}"
        ));
        site.write("seen", "");
        let note = "<?php file_put_contents(ABSPATH . 'seen', __FILE__, FILE_APPEND);";
        for file in ["db.php", "advanced-cache.php", "mu-plugins/x.php"] {
            site.write(
                &format!("wp-content/{file}"),
                format!("{note} // Query Monitor Database"),
            );
        }
        let list = [
            "user",
            "session",
            "list",
            "admin",
            "--format=count",
            "--debug",
        ];
        let run = kickout(&site, &list).code(0).stdout("0\n");
        run.stderr_has("evaluated with php").stderr_has("native: ");
        assert_eq!(
            std::fs::read_to_string(site.root().join("seen")).unwrap(),
            ""
        );
    }
}

/// Refused with file, line and what is missing; nothing is destroyed.
#[test]
fn what_php_cannot_tell_either() {
    needs!(WordPress, Root);
    let rows: [(&str, &[&str], &str, &str); 7] = [
        (
            LOOP,
            &["--engine=native"],
            "WP_CONTENT_DIR may be set by define() of a name",
            "leave --engine=native out",
        ),
        (
            "if (json_decode('1')) { echo '<p>Go <b>away</b></p>'; exit; }\nforeach ([1] as $x) { define('DB_NAME', '{name}'); }",
            &[],
            "php did not settle it: it printed: Go away",
            "",
        ),
        (
            "define('DB_NAME', no_such_function());",
            &[],
            "php did not settle it: Fatal error: Uncaught Error: Call to undefined function",
            "",
        ),
        (
            "define('DB_NAME', getenv('DB_OF_THE_WEB'));",
            &[],
            "line 3: DB_NAME depends on getenv('DB_OF_THE_WEB')",
            "run kickout inside it",
        ),
        (
            "define('DB_NAME', $_SERVER['HTTP_HOST'] === 'a.test' ? '{name}' : 'another');",
            &[],
            "line 3: the host of a request selects the settings: DB_NAME depends on",
            "Pass --url=",
        ),
        (
            "$dbs = json_decode('{\"a.test\": \"{name}\"}', true);
             define('DB_NAME', $dbs[$_SERVER['HTTP_HOST']]);",
            &[],
            "line 4: the host of a request selects the settings",
            "Pass --url=",
        ),
        (
            "foreach (['DB_NAME' => 'database_name_here'] as $k => $v) { define($k, $v); }",
            &[],
            "still holds sample values (database_name_here): refusing",
            "the environment of the web container is needed",
        ),
    ];
    for (code, words, said, fix) in rows {
        let site = site(code);
        let run = destroy(&site, &[&["admin", "--all"], words].concat());
        let run = run.code(1).stdout("").stderr_has(said).stderr_has(fix);
        run.never_says(&site.database().password);
        let doctor = kickout(&site, &[&["doctor"], words].concat()).code(1);
        doctor.stdout_has("FAIL").stdout_has(said);
    }
}

/// A host that is named settles what hangs on it, by text or by PHP.
#[test]
fn a_host_that_is_named() {
    needs!(WordPress, Root);
    let rows = [
        (
            "define('DB_NAME', $_SERVER['HTTP_HOST'] === 's1.test' ? '{name}' : 'another');",
            "native: ",
        ),
        (
            "$dbs = json_decode('{\"s1.test\": \"{name}\"}', true);
             define('DB_NAME', $dbs[$_SERVER['HTTP_HOST']]);",
            "evaluated with php",
        ),
    ];
    for (code, said) in rows {
        let site = site(code);
        let cookie = site.login("admin", "A", "::1");
        let run = destroy(&site, &[&ALL[..], &["--url=http://s1.test/x"]].concat());
        run.code(0).stderr_has(said);
        assert!(!site.cookie_is_valid(&cookie));
        let other = destroy(&site, &[&ALL[..], &["--url=other.test"]].concat());
        other.code(1).stdout("");
    }
}

/// What it says for itself is no proof, and what it starts does not stay.
#[test]
fn configurations_that_work_against_it() {
    needs!(WordPress, Root);
    let forged = "$told = ['ok' => ['values' => ['DB_NAME' => 'another', 'DB_USER' => 'u', 'DB_PASSWORD' => 'p',
            'DB_HOST' => 'localhost', '$table_prefix' => 'wp_'], 'odd' => [], 'files' => []]];";
    let answers = "if (class_exists('Kickout_Worker', false)) {
        $answer = new ReflectionMethod('Kickout_Worker', 'answer');
        $answer->setAccessible(true);
        $answer->invoke(null, $told);
    }";
    let rows: [(&str, String); 4] = [
        ("answers for us", format!("{forged}\n{answers}\n{LOOP}")),
        (
            "writes into the channel",
            format!(
                "foreach (range(3, 30) as $fd) {{
                    $end = @fopen('php://fd/' . $fd, 'wb');
                    if ($end) {{ @fwrite($end, str_repeat('a:1:{{s:2:\"ok\";b:1;}}', 9)); }}
                }}\n{LOOP}"
            ),
        ),
        ("kills its parent", format!("if (!isset($_SERVER['HTTP_HOST'])) posix_kill(posix_getppid(), 9);\n{LOOP}")),
        ("another face", "define('DB_NAME', php_sapi_name() === 'cli' && !isset($_SERVER['HTTP_HOST']) ? 'mysql' : '{name}');".to_owned()),
    ];
    for (what, code) in rows {
        let site = site(&code);
        let cookie = site.login("admin", "A", "::1");
        for words in [&["admin", "--all"][..], &["--all-users", "--yes"]] {
            let run = destroy(&site, words);
            let taken = site.cookie_is_valid(&cookie);
            let told = run.to_snapshot();
            assert!(!(taken && run.code == Some(0)), "{what}: {told}");
            assert!(taken || run.code != Some(1), "{what}: {told}");
        }
    }
}
