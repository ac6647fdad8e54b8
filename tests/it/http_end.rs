//! `--http` to its end: proved by request, or stopped in the middle, with what was done until then.

use kickout_tests::{Bridge, Kickout, MariaDb, Scratch, Web, WordPress, needs};
use rustix::process::Signal;

use crate::bridge::site;
use crate::connect::waiting;
use crate::interrupt::{SWEEP, a_moment, locked, stopped_after_its_step};
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
    let mut held = locked(&site);
    let http = format!("--http=http://{}", bridge.address());
    let words = [&SWEEP[..], &[http.as_str()]].concat();
    let running = Running::start_at(home.path(), home.path(), &words, "");
    waiting(&site);
    running.send(Signal::INT);
    a_moment();
    held.say("ROLLBACK;");
    stopped_after_its_step(&site, &before, &running.end());
}
