//! What counts as hanging on more than files.

use std::fs;

use super::*;

fn seen(code: &str, environment: &Environment) -> Seen {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("wp-config.php");
    fs::write(&file, format!("<?php\n{code}")).unwrap();
    fs::write(dir.path().join("unread.php"), "<?php").unwrap();
    look(&[file], dir.path(), environment)
}

#[test]
fn what_hangs_on_the_process_is_found() {
    let unknown = Environment::unknown();
    let asked = Environment::unknown().asked_at(Some("a.test"));
    let web = Environment::of_process([]);
    let rows: [(&str, &Environment, Option<&str>); 35] = [
        (
            "foreach (['DB_NAME' => 'x'] as $k => $v) define($k, $v);",
            &unknown,
            None,
        ),
        (
            "$c = json_decode(file_get_contents(__DIR__ . '/c.json'), true);",
            &unknown,
            None,
        ),
        (
            "function own($x) { return trim($x); } define('DB_NAME', own('x'));",
            &unknown,
            None,
        ),
        (
            "class Own { static function get() { return 1; } } Own::get(); new Own();",
            &unknown,
            None,
        ),
        (
            "(function () { define('DB_NAME', 'x'); })();",
            &unknown,
            None,
        ),
        (
            "// getenv('X')\n/* PHP_SAPI */ $x = \"PHP_SAPI\";",
            &unknown,
            None,
        ),
        (
            "if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');",
            &unknown,
            None,
        ),
        (
            "if ($_SERVER['HTTP_X_FORWARDED_PROTO'] == 'https') $_SERVER['HTTPS'] = 'on';",
            &unknown,
            None,
        ),
        ("getenv('X');", &unknown, Some("getenv('X')")),
        ("\\GetEnv('X');", &unknown, Some("getenv('X')")),
        ("getenv('X');", &web, None),
        ("$_ENV['X'];", &web, None),
        ("$_ENV['X'];", &unknown, Some("$_ENV['X']")),
        (
            "$_SERVER['HTTP_HOST'];",
            &unknown,
            Some("$_SERVER['HTTP_HOST']"),
        ),
        ("$_SERVER['HTTP_HOST'];", &asked, None),
        (
            "$x = \"{$_SERVER['HTTP_HOST']}\";",
            &unknown,
            Some("$_SERVER['HTTP_HOST']"),
        ),
        (
            "$_SERVER['SERVER_NAME'];",
            &asked,
            Some("$_SERVER['SERVER_NAME']"),
        ),
        ("foreach ($_SERVER as $k => $v);", &web, Some("$_SERVER")),
        ("$_COOKIE['x'];", &web, Some("$_COOKIE['x']")),
        ("$GLOBALS['_SERVER'];", &web, Some("$GLOBALS['_SERVER']")),
        ("if (PHP_SAPI === 'cli') {}", &web, Some("PHP_SAPI")),
        ("if (defined('STDIN')) {}", &web, Some("STDIN")),
        ("php_sapi_name();", &web, Some("php_sapi_name()")),
        ("constant('PHP_SAPI');", &web, Some("constant()")),
        (
            "$f = 'get' . 'env'; $f('X');",
            &web,
            Some("$f, a name made at run time"),
        ),
        (
            "['get' . 'env'][0]('X');",
            &web,
            Some("a call by a name made at run time"),
        ),
        ("array_map('getenv', ['X']);", &web, Some("array_map()")),
        ("eval($x);", &web, Some("eval()")),
        ("new PDO('x');", &web, Some("the class PDO")),
        (
            "file_get_contents('/proc/self/environ');",
            &web,
            Some("/proc/self/environ"),
        ),
        (
            "require __DIR__ . '/none.php'; require_once ABSPATH . 'wp-settings.php';",
            &unknown,
            None,
        ),
        (
            "include_once dirname(__DIR__) . '/wp-config.php';",
            &unknown,
            None,
        ),
        (
            "foreach (glob('c/*') as $f) { include $f; }",
            &unknown,
            Some("a file whose path is made at run time"),
        ),
        (
            "require(__DIR__ . '/unread.php');",
            &unknown,
            Some("unread.php, which was not read"),
        ),
        ("`env`;", &web, Some("a shell command in backticks")),
    ];
    for (code, environment, expected) in rows {
        let found = seen(code, environment).outside.map(|outside| outside.what);
        assert_eq!(found.as_deref(), expected, "{code}");
    }
}

#[test]
fn abspath_for_more_than_finding_wordpress() {
    let rows = [
        (
            "if (!defined('ABSPATH')) { define('ABSPATH', __DIR__ . '/'); }\nrequire_once ABSPATH . 'wp-settings.php';",
            false,
        ),
        ("require_once(ABSPATH.'/wp-settings.php');", false),
        ("define('WP_CONTENT_DIR', ABSPATH . 'content');", true),
        (
            "define('WP_CONTENT_DIR', dirname(ABSPATH) . '/content');",
            true,
        ),
        ("constant('ABSPATH');", true),
        ("$name = 'ABSPATH';", true),
        ("eval($x);", true),
    ];
    for (code, absolute) in rows {
        assert_eq!(
            seen(code, &Environment::unknown()).absolute,
            absolute,
            "{code}"
        );
    }
}
