//! Sites whose code works against the php engine: nothing they do is taken for success, and nothing
//! they start outlives the run.

use std::time::Duration;

use kickout_tests::{Site, WordPress, needs, until};

use crate::php::kickout;

const ALL: [&str; 5] = ["user", "session", "destroy", "admin", "--all"];

/// Where the code stands.
enum Place {
    /// At the top of wp-config.php.
    Config,
    /// In a must-use plugin.
    Plugin,
    /// The same, where nobody else can read the database.
    Routed,
}

fn plant(site: &Site, place: &Place, code: &str) {
    match place {
        Place::Plugin | Place::Routed => {
            site.write("wp-content/mu-plugins/evil.php", format!("<?php\n{code}\n"));
            if let Place::Routed = place {
                site.write("wp-content/db.php", "<?php // Routes.");
            }
        }
        Place::Config => {
            let config = std::fs::read_to_string(site.root().join("wp-config.php")).unwrap();
            site.write(
                "wp-config.php",
                config.replacen("<?php", &format!("<?php\n{code}\n"), 1),
            );
        }
    }
}

/// Drops every statement that deletes.
pub(crate) const DEAF: &str = "add_filter('query', function ($sql) {
    return stripos($sql, 'DELETE') === 0 ? 'SELECT 1' : $sql;
});";

/// Every row: the code, and whether the run may succeed. What it says must be what is so.
#[test]
fn nothing_is_taken_for_success() {
    needs!(WordPress);
    let channel = "foreach (range(3, 30) as $fd) {
        $end = @fopen('php://fd/' . $fd, 'wb');
        if ($end) { @fwrite($end, str_repeat('a:1:{s:2:\"ok\";b:1;}', 9)); }
    }";
    let forge = "$open = new ReflectionProperty('Kickout_Worker', 'nonce');
        $open->setAccessible(true);
        $answer = new ReflectionMethod('Kickout_Worker', 'answer');
        $answer->setAccessible(true);
        $answer->invoke(null, ['ok' => []]);";
    let rows: [(&str, Place, &str, bool); 12] = [
        (
            "prints answers",
            Place::Config,
            "echo 'KICKOUT a:1:{s:2:\"ok\";b:1;}', PHP_EOL;",
            true,
        ),
        ("writes into the channel", Place::Config, channel, false),
        ("answers for us", Place::Plugin, forge, false),
        ("drops every DELETE", Place::Plugin, DEAF, false),
        (
            "drops them where only it can read",
            Place::Routed,
            DEAF,
            false,
        ),
        ("exits", Place::Plugin, "exit(0);", false),
        ("sleeps", Place::Config, "exec('sleep 1000');", false),
        (
            "stops itself",
            Place::Config,
            "posix_kill(getmypid(), 19);",
            false,
        ),
        (
            "kills its parent",
            Place::Config,
            "posix_kill(posix_getppid(), 9);",
            false,
        ),
        (
            "eats memory",
            Place::Config,
            "ini_set('memory_limit', -1); $x = str_repeat('x', 1 << 33);",
            false,
        ),
        (
            "leaves a process",
            Place::Config,
            "exec('sleep 1000 >/dev/null 2>&1 & echo $!', $o); \
             file_put_contents(__DIR__ . '/wp-content/pid', $o[0]);",
            true,
        ),
        (
            "leaves one in a session of its own",
            Place::Config,
            "exec(\"setsid sh -c 'sleep 1000 >/dev/null 2>&1 & echo \\$!'\", $o); \
             file_put_contents(__DIR__ . '/wp-content/pid', $o[0]);",
            true,
        ),
    ];
    for (what, place, code, succeeds) in rows {
        let site = WordPress::new().install();
        let cookie = site.login("admin", "A", "::1");
        let pid = site.write("wp-content/pid", "");
        let clean = std::fs::read(site.root().join("wp-config.php")).unwrap();
        plant(&site, &place, code);
        let run = kickout(&site, &[&ALL[..], &["--engine=php"]].concat());
        assert_eq!(
            run.stdout.contains("Success"),
            succeeds,
            "{what}: {}",
            run.to_snapshot()
        );
        // Code of the configuration leaves it in doubt what the web server's is.
        assert!(
            succeeds || run.code != Some(0),
            "{what}: {}",
            run.to_snapshot()
        );
        let pid = std::fs::read_to_string(pid).unwrap();
        if !pid.is_empty() {
            until("what it started is gone", Duration::from_secs(30), || {
                (!alive(pid.trim())).then_some(())
            });
        }
        let _ = std::fs::remove_file(site.root().join("wp-content/mu-plugins/evil.php"));
        site.write("wp-config.php", clean);
        assert_eq!(site.cookie_is_valid(&cookie), !succeeds, "{what}");
    }
}

fn alive(pid: &str) -> bool {
    // A zombie is dead: in a container nobody may ever reap it.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z"))
}
