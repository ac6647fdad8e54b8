//! Sites that keep sessions elsewhere: through their own manager, and never believed.

use kickout_tests::{Site, WordPress, needs};

use crate::php::kickout;

/// A manager in PHP: what reads all sessions of a user, what writes them, and what destroys all.
pub(crate) fn manager(read: &str, write: &str, destroy: &str) -> String {
    format!(
        "<?php
class Own_Sessions extends WP_Session_Tokens {{
    private function all() {{ {read} }}
    private function put($all) {{ {write} }}
    protected function get_sessions() {{
        return array_filter($this->all(), [$this, 'is_still_valid']);
    }}
    protected function get_session($verifier) {{
        return $this->get_sessions()[$verifier] ?? null;
    }}
    protected function update_session($verifier, $session = null) {{
        $all = $this->get_sessions();
        if ($session) {{ $all[$verifier] = $session; }} else {{ unset($all[$verifier]); }}
        $this->put($all);
    }}
    protected function destroy_other_sessions($verifier) {{
        $this->put(array_intersect_key($this->get_sessions(), [$verifier => 1]));
    }}
    protected function destroy_all_sessions() {{ {destroy} }}
    // A deliberate no-op, as a large network has it.
    public static function drop_sessions() {{}}
}}
add_filter('session_token_manager', function () {{ return 'Own_Sessions'; }});
"
    )
}

pub(crate) const TABLE: (&str, &str) = (
    "global $wpdb;
     $wpdb->query('CREATE TABLE IF NOT EXISTS wp_own (user_id INT, verifier CHAR(64), data TEXT)');
     $rows = $wpdb->get_results(\"SELECT verifier, data FROM wp_own WHERE user_id = {$this->user_id}\");
     return array_map('unserialize', array_column($rows, 'data', 'verifier'));",
    "global $wpdb;
     $wpdb->delete('wp_own', ['user_id' => $this->user_id]);
     foreach ($all as $verifier => $data) {
         $wpdb->insert('wp_own', ['user_id' => $this->user_id, 'verifier' => $verifier,
             'data' => serialize($data)]);
     }",
);

const META: (&str, &str) = (
    "$all = [];
     foreach (get_user_meta($this->user_id, 'own_session') as $one) { $all += $one; }
     return $all;",
    "delete_user_meta($this->user_id, 'own_session');
     foreach ($all as $verifier => $data) {
         add_user_meta($this->user_id, 'own_session', [$verifier => $data]);
     }",
);

const CACHE: (&str, &str) = (
    "return wp_cache_get($this->user_id, 'own_sessions') ?: [];",
    "wp_cache_set($this->user_id, $all, 'own_sessions');",
);

/// A persistent cache of one group, in a file: what a shared one is to WordPress.
const DROP_IN: &str = r"<?php
require_once ABSPATH . WPINC . '/class-wp-object-cache.php';
class File_Cache extends WP_Object_Cache {
    private function file() { return WP_CONTENT_DIR . '/cache.bin'; }
    private function kept() { return unserialize(file_get_contents($this->file())) ?: []; }
    public function get($key, $group = 'default', $force = false, &$found = null) {
        if ($group !== 'own_sessions') { return parent::get($key, $group, $force, $found); }
        return $this->kept()[$key] ?? false;
    }
    public function set($key, $data, $group = 'default', $expire = 0) {
        if ($group !== 'own_sessions') { return parent::set($key, $data, $group, $expire); }
        return (bool) file_put_contents($this->file(), serialize([$key => $data] + $this->kept()));
    }
}
function cache() { static $cache; return $cache = $cache ?: new File_Cache; }
function wp_cache_init() { $GLOBALS['wp_object_cache'] = cache(); }
function wp_cache_add($k, $d, $g = '', $e = 0) { return cache()->add($k, $d, $g ?: 'default', $e); }
function wp_cache_set($k, $d, $g = '', $e = 0) { return cache()->set($k, $d, $g ?: 'default', $e); }
function wp_cache_replace($k, $d, $g = '', $e = 0) { return cache()->replace($k, $d, $g ?: 'default', $e); }
function wp_cache_get($k, $g = '', $f = false, &$found = null) { return cache()->get($k, $g ?: 'default', $f, $found); }
function wp_cache_delete($k, $g = '') { return cache()->delete($k, $g ?: 'default'); }
function wp_cache_incr($k, $o = 1, $g = '') { return cache()->incr($k, $o, $g ?: 'default'); }
function wp_cache_decr($k, $o = 1, $g = '') { return cache()->decr($k, $o, $g ?: 'default'); }
function wp_cache_flush() { return cache()->flush(); }
function wp_cache_close() { return true; }
function wp_cache_add_global_groups($groups) { cache()->add_global_groups($groups); }
function wp_cache_add_non_persistent_groups($groups) {}
function wp_cache_switch_to_blog($blog) { cache()->switch_to_blog($blog); }
";

fn site(read: &str, write: &str, destroy: &str) -> Site {
    let site = WordPress::new().install();
    site.write(
        "wp-content/mu-plugins/own.php",
        manager(read, write, destroy),
    );
    site
}

/// Three real shapes: listed, ended one by one, for a user and for everybody, by their own manager.
#[test]
fn real_shapes() {
    needs!(WordPress);
    let rows = [
        ("own table", TABLE, 0),
        ("one row per session", META, 0),
        // The cache of this process is not proved to be the web server's.
        ("cache only", CACHE, 5),
    ];
    for (what, (read, write), code) in rows {
        let site = site(read, write, "$this->put([]);");
        if code != 0 {
            site.write("wp-content/cache.bin", "a:0:{}");
            site.write("wp-content/object-cache.php", DROP_IN);
        }
        let anna = site.add_user("anna", "editor");
        let logins = [
            ("admin", "A", "::1"),
            ("admin", "B", "::1"),
            ("admin", "C", "::1"),
            ("anna", "D", "::1"),
        ];
        let cookies = site.logins(&logins);
        let list = [
            "user",
            "session",
            "list",
            "admin",
            "--fields=ua",
            "--format=csv",
        ];
        kickout(&site, &list).code(0).stdout("ua\nA\nB\nC\n");
        let native = kickout(&site, &[&list[..], &["--engine=native"]].concat());
        native.code(1).stdout("");
        let destroy = |args: &[&str]| {
            let words = ["user", "session", "destroy"];
            kickout(&site, &[&words[..], args].concat()).code(code)
        };
        destroy(&["admin", &cookies[1].verifier])
            .stdout("Success: Destroyed session. 2 sessions remaining.\n");
        assert_eq!(
            site.valid_cookies(&cookies),
            [true, false, true, true],
            "{what}"
        );
        destroy(&["admin", "--all"]).stdout("Success: Destroyed all sessions.\n");
        assert_eq!(
            site.valid_cookies(&cookies),
            [false, false, false, true],
            "{what}"
        );
        let again = site.login("admin", "E", "::1");
        destroy(&["--all-users", "--yes"]).stdout("Success: Destroyed 2 sessions of 2 users.\n");
        assert_eq!(
            site.valid_cookies(&[again, cookies[3].clone()]),
            [false, false],
            "{what}"
        );
        assert_eq!(site.raw_rows(anna.id), [], "{what}");
        if code == 0 {
            destroy(&["anna", "--all"]).stdout("Success: Destroyed all sessions.\n");
        }
    }
}

/// Managers whose word is not worth much: told, with exit code 5, and never a success.
#[test]
pub(crate) fn managers_that_lie() {
    needs!(WordPress);
    let (read, write) = TABLE;
    let forgets = format!("if (!empty(self::$gone)) {{ return []; }} {read}");
    let rows = [
        ("does nothing", read, "", "the session manager Own_Sessions"),
        (
            "only in this process",
            forgets.as_str(),
            "self::$gone = true; } private static $gone; private function no() {",
            "still answers for 1 destroyed session(s) of user 1",
        ),
    ];
    for (what, read, destroy, said) in rows {
        let site = site(read, write, destroy);
        let cookie = site.login("admin", "A", "::1");
        let run = kickout(&site, &["user", "session", "destroy", "admin", "--all"]);
        run.code(5).stdout("").stderr_has(said);
        assert!(site.cookie_is_valid(&cookie), "{what}");
        let everybody = kickout(
            &site,
            &["user", "session", "destroy", "--all-users", "--yes"],
        );
        everybody.code(5).stdout("").stderr_has("still answers for");
    }
}

/// Why, and what was left out.
#[test]
fn the_reason_is_printed() {
    needs!(WordPress);
    let (read, write) = TABLE;
    let site = site(read, write, "$this->put([]);");
    let place = "own.php:";
    kickout(&site, &["doctor"])
        .code(0)
        .stdout_has("php")
        .stdout_has(place);
    let list = [
        "user",
        "session",
        "list",
        "admin",
        "--format=count",
        "--debug",
    ];
    kickout(&site, &list)
        .code(0)
        .stderr_has(place)
        .stderr_has("replaces the session store")
        .stderr_has("sessions kept by Own_Sessions");
    // A manager that a plugin brings is not there when plugins are skipped, but it is for the web.
    let plugin = site.root().join("wp-content/mu-plugins/own.php");
    let text = std::fs::read_to_string(&plugin).unwrap();
    std::fs::remove_file(plugin).unwrap();
    site.write("wp-content/plugins/own.php", text);
    site.php("update_option('active_plugins', ['own.php']);");
    let cookie = site.login("admin", "A", "::1");
    let skipped = [
        "user",
        "session",
        "destroy",
        "admin",
        "--all",
        "--skip-plugins",
    ];
    kickout(&site, &skipped).stderr_has("was left out");
    assert!(site.cookie_is_valid(&cookie));
    kickout(&site, &skipped[..5]).code(0);
    assert!(!site.cookie_is_valid(&cookie));
}
