//! The process of the php engine: what it is given, whose it is, how many there are, and its end.

use std::collections::BTreeSet;
use std::os::unix::fs::chown;
use std::path::Path;
use std::time::Duration;

use kickout_tests::{Binaries, Kickout, Site, WordPress, needs, until};
use rustix::process::Signal;

use crate::managers::{TABLE, manager};
use crate::php::{ALONE, kickout};
use crate::running::{Running, gone};

const LIST: [&str; 6] = [
    "user",
    "session",
    "list",
    "admin",
    "--format=count",
    "--engine=php",
];

/// Writes what PHP was given before the first line of the configuration.
const WITNESS: &str = r"file_put_contents(__DIR__ . '/wp-content/given.json', json_encode([
    'ids' => [posix_getuid(), posix_geteuid(), posix_getgid(), posix_getegid()],
    'groups' => array_values(array_unique(posix_getgroups())),
    'environment' => getenv(),
    'arguments' => file_get_contents('/proc/self/cmdline'),
    'descriptors' => array_values(array_filter(array_map('readlink', glob('/proc/self/fd/*')))),
    'leads' => posix_getpgid(0) === getmypid(),
    'prepended' => (string) ini_get('auto_prepend_file'),
    'shown' => (string) ini_get('display_errors'),
]));
";

fn planted(site: &Site, code: &str) {
    let config = std::fs::read_to_string(site.root().join("wp-config.php")).unwrap();
    let config = config.replacen("<?php", &format!("<?php\n{code}\n"), 1);
    site.write("wp-config.php", config);
    site.write("wp-content/given.json", "");
}

fn given(site: &Site) -> serde_json::Value {
    let text = std::fs::read_to_string(site.root().join("wp-content/given.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Nothing but what it needs: no variable, descriptor or group of ours, no secret in its arguments.
#[test]
fn what_it_is_given() {
    needs!(WordPress, Root);
    let site = WordPress::new().install();
    planted(&site, WITNESS);
    // A shell that has files open, as an operator's may.
    let open = "exec 7</etc/passwd 99</etc/passwd; exec \"$0\" \"$@\"";
    let run = Kickout::program(Path::new("/usr/bin/unshare"))
        .args(ALONE)
        .args(["/bin/bash", "-c", open])
        .arg(&Binaries::dev().kickout)
        .cwd(site.root())
        .args(LIST)
        .env("KICKOUT_WITNESS", "s3cret");
    run.run().success().stdout("0\n");
    let given = given(&site);
    let owner = site.owner();
    let ids = [owner.uid, owner.uid, owner.gid, owner.gid];
    assert_eq!(given["ids"], serde_json::json!(ids));
    assert_eq!(given["groups"], serde_json::json!([]));
    for name in ["KICKOUT_WITNESS", "HOME"] {
        assert_eq!(given["environment"][name], serde_json::Value::Null);
    }
    let arguments = given["arguments"].as_str().unwrap();
    assert!(!arguments.contains(&site.database().password), "{given}");
    assert!(arguments.starts_with("/usr/"), "{given}");
    let links = given["descriptors"].as_array().unwrap();
    let links: BTreeSet<&str> = links.iter().map(|link| link.as_str().unwrap()).collect();
    // No connection of the agent's, nothing it waits with, not the agent itself, nor the shell's.
    let foreign = [
        "socket:",
        "anon_inode:",
        "/memfd:kickout-agent",
        "/etc/passwd",
    ];
    let foreign = |link: &&str| foreign.iter().any(|kind| link.starts_with(kind));
    assert_eq!(links.iter().find(|link| foreign(link)), None, "{links:?}");
    assert_eq!(given["leads"], true);
    assert_eq!(
        (&given["prepended"], &given["shown"]),
        (&"".into(), &"0".into())
    );
}

/// Never root: the owner of the configuration, else whom the operator names.
#[test]
fn whose_it_is() {
    needs!(WordPress);
    if !rustix::process::getuid().is_root() {
        return;
    }
    let site = WordPress::new().install();
    planted(&site, WITNESS);
    chown(site.root().join("wp-config.php"), Some(0), Some(0)).unwrap();
    for account in ["root", "nosuchaccount"] {
        let php_user = format!("--php-user={account}");
        let run = kickout(&site, &[&LIST[..], &[&php_user]].concat());
        run.code(1)
            .stdout("")
            .stderr_has(account)
            .stderr_has("--php-user=<account>");
    }
    let www = kickout(&site, &[&LIST[..], &["--php-user=www-data"]].concat());
    www.success().stdout("0\n");
    assert_eq!(given(&site)["ids"][1], site.owner().uid);
}

/// One load however many users, and a second process where only PHP can look again.
#[test]
fn how_many_there_are() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let (read, write) = TABLE;
    // The one at the very end of a long run is not believed either.
    let read = format!("if ($this->user_id === 1 && !empty(self::$gone)) {{ return []; }} {read}");
    let destroy = "if ($this->user_id === 1) { self::$gone = true; return; } $this->put([]);";
    let code = manager(&read, write, destroy).replace(
        "private function all",
        "private static $gone; private function all",
    );
    site.write("wp-content/mu-plugins/own.php", code);
    site.write("wp-content/loads", "");
    site.write(
        "wp-content/mu-plugins/count.php",
        "<?php file_put_contents(WP_CONTENT_DIR . '/loads', '.', FILE_APPEND);",
    );
    let cookie = site.login("admin", "A", "::1");
    site.sql(
        "INSERT INTO wp_users (ID, user_login, user_email)
         SELECT 1000 + seq, CONCAT('u', seq), CONCAT('u', seq, '@example.com') FROM seq_1_to_1100;
         INSERT INTO wp_own SELECT 1000 + seq, wp_own.verifier, wp_own.data
         FROM seq_1_to_1100, wp_own WHERE user_id = 1;",
    );
    std::fs::write(site.root().join("wp-content/loads"), "").unwrap();
    let words = ["user", "session", "destroy", "--all-users", "--yes"];
    let run = kickout(&site, &words).code(5);
    run.stderr_has("still answers for 1 destroyed session(s) of user 1");
    assert!(site.cookie_is_valid(&cookie));
    let left = site.sql("SELECT COUNT(*) FROM wp_own WHERE user_id > 1");
    assert_eq!(left, [["0"]]);
    std::fs::remove_file(site.root().join("wp-content/mu-plugins/count.php")).unwrap();
    let loads = std::fs::read(site.root().join("wp-content/loads")).unwrap();
    assert!((2..=4).contains(&loads.len()), "{} loads", loads.len());
}

/// Takes the agent's place: whatever of it the same account may open is written to.
const FORGE: &str = r#"<?php $agent = posix_getppid();
preg_match('/^PPid:\s*(\d+)/m', file_get_contents("/proc/$agent/status"), $parent);
$open = [];
foreach ([$agent, (int) $parent[1]] as $process) {
    $open[] = (string) @file_get_contents("/proc/$process/environ");
    $open[] = @fopen("/proc/$process/mem", 'r+b') ? 'memory' : '';
    foreach (range(0, 20) as $fd) {
        $end = @fopen("/proc/$process/fd/$fd", 'wb');
        if (!$end) { continue; }
        $open[] = "descriptor $fd";
        fwrite($end, '{"type":"begun","id":1,"cutoff":1700000000}
{"type":"event","id":1,"seq":1,"event":{"line":{"level":"success","text":"Destroyed all sessions."}}}
{"type":"done","id":1,"seq":1,"outcome":{"verdict":"gone","users":1,"sessions":1}}
');
    }
}
file_put_contents(WP_CONTENT_DIR . '/given.json', json_encode(array_values(array_filter($open))));
exit(0);
"#;

/// The site's code has the agent's own account, and must not speak for it all the same.
#[test]
fn it_is_not_the_agent() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let cookie = site.login("admin", "A", "::1");
    site.write("wp-content/given.json", "");
    let code = site.write("wp-content/mu-plugins/forge.php", FORGE);
    let destroy = [
        "user",
        "session",
        "destroy",
        "admin",
        "--all",
        "--engine=php",
    ];
    let as_root = Kickout::at(&site);
    let ids = [site.owner().uid, site.owner().gid];
    let [user, group] = [format!("--reuid={}", ids[0]), format!("--regid={}", ids[1])];
    let as_the_owner = Kickout::program(Path::new("/usr/bin/setpriv"))
        .args([user, group])
        .args(["--clear-groups", "--"])
        .arg(&Binaries::dev().kickout)
        .cwd(site.root());
    for run in [as_root, as_the_owner] {
        let run = run.args(destroy).env("KICKOUT_WITNESS", "s3cret").run();
        let run = run.code(1).stdout("").stderr_has("WordPress did not load");
        let given = given(&site);
        assert_eq!(given, serde_json::json!([]), "{}", run.to_snapshot());
    }
    std::fs::remove_file(code).unwrap();
    assert!(site.cookie_is_valid(&cookie));
}

/// Kickout is killed while WordPress loads: nothing of it stays.
#[test]
fn its_end() {
    needs!(WordPress);
    for signal in [Signal::KILL, Signal::TERM, Signal::INT] {
        let site = WordPress::new().install();
        planted(
            &site,
            "file_put_contents(__DIR__ . '/wp-content/pid', getmypid()); exec('sleep 1000');",
        );
        site.write("wp-content/pid", "");
        let running = Running::start(&site, &LIST, "");
        let pid = until("WordPress loads", Duration::from_secs(30), || {
            let pid = std::fs::read_to_string(site.root().join("wp-content/pid")).unwrap();
            pid.parse::<u32>().ok()
        });
        running.send(signal);
        let end = running.end();
        assert_ne!(end.code, Some(0), "{}", end.stderr);
        gone(pid);
    }
}
