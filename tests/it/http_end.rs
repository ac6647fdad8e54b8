//! `--http` to its end: proved by request, or stopped in the middle, with what was done until then.

use kickout_tests::{Bridge, Kickout, MariaDb, Scratch, Web, WordPress, needs};
use rustix::process::Signal;

use crate::bridge::site;
use crate::connect::waiting;
use crate::held::Held;
use crate::interrupt::a_moment;
use crate::running::Running;
use crate::stored::{all_rows, crowd};
use crate::verify::{Proved as _, no_canary};

const SCOPES: [&str; 4] = [
    "--scope=sessions.destroy.user",
    "--scope=sessions.destroy.any",
    "--scope=sessions.prove",
    "--site=shop",
];

/// The canary is made and removed by the bridge, and asked for from here.
#[test]
fn proved() {
    needs!(WordPress, Root);
    let site = site();
    let web = Web::of(&site);
    let bridge = Bridge::of(&[("shop", &site)]);
    let all = bridge.token(&SCOPES);
    let unproved = bridge.token(&[SCOPES[0], SCOPES[3]]);
    let destroy = |token: &str, url: &str| {
        Kickout::new()
            .env("KICKOUT_TOKEN", token)
            .arg(format!("--http=http://{}", bridge.address()))
            .args([
                "user",
                "session",
                "destroy",
                "admin",
                "--all",
                "--verify=web",
            ])
            .arg(format!("--verify-url={url}"))
            .run()
    };
    let cookie = site.login("admin", "A", "::1");
    destroy(&unproved, &web.url())
        .code(1)
        .stdout("")
        .stderr_has("needs the scope sessions.prove");
    assert!(site.cookie_is_valid(&cookie));
    destroy(&all, &web.url())
        .proved()
        .stdout("Success: Destroyed all sessions.\n");
    assert!(!site.cookie_is_valid(&cookie));
    no_canary(&site);
    // The cookies of the canary are nowhere on the bridge's disk.
    for file in ["audit.jsonl", "operations.db", "operations.db-wal"] {
        let text = std::fs::read(bridge.state().join(file)).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&text).contains("wordpress_logged_in"),
            "{file}"
        );
    }
}

/// Stopped between two steps, and what was done until then is known, each session by its name.
#[test]
fn stopped() {
    needs!(WordPress, Root);
    let site = WordPress::new().install_on(&MariaDb::start());
    crowd(&site, 10_001, 9_000, "subscriber");
    let before = all_rows(&site);
    let bridge = Bridge::of(&[("shop", &site)]);
    let token = bridge.token(&SCOPES);
    let home = Scratch::new("home");
    let kept = home.write(
        format!(".config/kickout/tokens/{}", bridge.address()),
        token,
    );
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(kept, private).unwrap();
    // It goes from the highest row down, and waits in its second window for somebody's lock.
    let row = &before[before.len() - 1_500][0];
    let lock =
        format!("BEGIN; SELECT umeta_id FROM wp_usermeta WHERE umeta_id = {row} FOR UPDATE;");
    let mut held = Held::on_server(site.database(), &lock);
    let http = format!("--http=http://{}", bridge.address());
    let words = [
        "user",
        "session",
        "destroy",
        "--all-users",
        "--yes",
        "--debug=ended",
        &http,
    ];
    let running = Running::start_at(home.path(), home.path(), &words, "");
    waiting(&site);
    running.send(Signal::INT);
    a_moment();
    held.say("ROLLBACK;");
    let end = running.end();
    assert_eq!(end.code, Some(130), "{}", end.stderr);
    assert_eq!(end.stdout, "");
    let said = "Interrupted: 2000 sessions destroyed until then.";
    assert!(end.stderr.contains(said), "{}", end.stderr);
    assert_eq!(end.stderr.matches("Debug: ").count(), 2_000);
    assert!(all_rows(&site) == before[..before.len() - 2_000]);
}
