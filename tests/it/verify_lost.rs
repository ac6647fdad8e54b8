//! The link to the site's host is lost while something is being proved: nothing is proved then that
//! was not seen, nothing is a success that nobody heard of, and the session of ours ends.

use std::fs::File;
use std::time::Duration;

use kickout_tests::{Chaos, Client, Site, Sshd, Web, needs, until};
use rustix::process::{Pid, Signal, kill_process};

use crate::connect::waiting;
use crate::held::Held;
use crate::running::{End, Running};
use crate::verify::no_canary;
use crate::verify_canary::{PROVING, alone, asked, started};

/// Where it is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    /// The session is there, and nobody has heard of it.
    Made,
    /// The web side is asked before.
    First,
    /// Sessions are being destroyed.
    Destroy,
    /// The session of ours is being destroyed.
    Removal,
    /// The web side is asked afterwards.
    Second,
}

const SUCCESS: &str = "Success: Destroyed all sessions.\n";

const EXPIRES: &str = "It expires by itself within 120 seconds.";

/// Where, how it ends, what is said of what was asked for, and what of the proof.
const ROWS: [(At, i32, &str, &[&str]); 5] = [
    (At::Made, 4, "", &[EXPIRES, "Run the command again"]),
    (At::First, 4, "", &[EXPIRES, "Run the command again"]),
    (
        At::Destroy,
        5,
        "",
        &[EXPIRES, "Whether sessions were destroyed is not known"],
    ),
    (At::Removal, 5, SUCCESS, &[EXPIRES, "Not proved: "]),
    (
        At::Second,
        5,
        SUCCESS,
        &["Not proved: after it was destroyed"],
    ),
];

/// Holds the session of ours back where it is made, while somebody has the lock.
const GATE: &str = "<?php
add_action('added_user_meta', function ($row, $user, $key) {
    if ($key === 'session_tokens' && ($gate = @fopen(WP_CONTENT_DIR . '/gate', 'r'))) {
        flock($gate, LOCK_SH);
    }
}, 10, 3);";

struct Case<'a> {
    site: &'a Site,
    sue: u64,
    start: &'a dyn Fn(&Web) -> Running,
    cut: &'a dyn Fn(&Running),
}

impl Case<'_> {
    fn lock(&self, user: u64) -> Held {
        let row = self.site.raw_rows(user)[0].id;
        let lock =
            format!("BEGIN; SELECT umeta_id FROM wp_usermeta WHERE umeta_id = {row} FOR UPDATE;");
        Held::on_server(self.site.database(), &lock)
    }

    /// Runs up to there, loses the link, and lets go of what was held.
    fn lose(&self, at: At) -> End {
        let web = match at {
            At::Made | At::Destroy => Web::of(self.site),
            At::First | At::Removal => Web::silent_after(self.site, 0),
            At::Second => Web::silent_after(self.site, 1),
        };
        let gate = (at == At::Made).then(|| {
            let gate = File::create(self.site.write("wp-content/gate", "")).unwrap();
            gate.lock().unwrap();
            gate
        });
        let mut held = (at == At::Destroy).then(|| self.lock(1));
        let running = (self.start)(&web);
        match at {
            At::Made => until("it is made", Duration::from_secs(30), || {
                (!self.site.raw_rows(self.sue).is_empty()).then_some(())
            }),
            At::Destroy => waiting(self.site),
            At::First => asked(&web, 1),
            At::Removal => {
                asked(&web, 1);
                held = Some(self.lock(self.sue));
                web.release();
                waiting(self.site);
            }
            At::Second => asked(&web, 2),
        }
        (self.cut)(&running);
        if let Some(held) = &mut held {
            held.say("ROLLBACK;");
        }
        drop(gate);
        if matches!(at, At::First | At::Second) {
            web.release();
        }
        running.end()
    }

    fn check(&self, (at, code, stdout, said): (At, i32, &str, &[&str])) {
        self.site.clear_raw(self.sue);
        let cookie = self.site.login("admin", "A", "::1");
        let end = self.lose(at);
        let all = format!("{at:?}: {}{}", end.stdout, end.stderr);
        assert_eq!(end.code, Some(code), "{all}");
        assert_eq!(end.stdout, stdout, "{all}");
        for said in said {
            assert!(end.stderr.contains(said), "{all}");
        }
        assert_eq!(end.stderr.contains("Proved on"), code == 0, "{all}");
        if at != At::Destroy {
            assert_eq!(
                self.site.cookie_is_valid(&cookie),
                stdout.is_empty(),
                "{all}"
            );
        }
        match said.contains(&EXPIRES) {
            // It may be there, and then not for long.
            true => {
                for (_, session) in self.site.sessions("sue") {
                    let time = |name: &str| session[name].as_i64().unwrap();
                    assert_eq!(time("expiration") - time("login"), 120, "{all}");
                }
            }
            false => no_canary(self.site),
        }
    }
}

#[test]
fn over_ssh() {
    needs!(WordPress, Sshd);
    let site = alone();
    site.write("wp-content/mu-plugins/gate.php", GATE);
    let sshd = Sshd::start();
    let proxy = Chaos::new().start(sshd.port());
    let port = proxy.port();
    let client = Client::new()
        .with_key(&sshd)
        .known(&format!("[127.0.0.1]:{port} {}", sshd.key()));
    let ssh = format!("--ssh=root@127.0.0.1:{port}{}", site.root().display());
    // The web side is asked over the same connection.
    let start = |web: &Web| {
        let url = format!("--verify-url={}", web.url());
        let args = [&[ssh.as_str(), &url], &PROVING[..]].concat();
        Running::start_at(client.home(), client.home(), &args, "")
    };
    let case = Case {
        site: &site,
        sue: sue(&site),
        start: &start,
        cut: &|_| proxy.cut(),
    };
    ROWS.into_iter().for_each(|row| case.check(row));
}

/// The agent is killed, and the web side is asked from here: what is seen there is still true.
#[test]
fn on_this_host() {
    needs!(WordPress);
    let site = alone();
    site.write("wp-content/mu-plugins/gate.php", GATE);
    let kill = |running: &Running| {
        let agent = i32::try_from(running.agent()).unwrap();
        kill_process(Pid::from_raw(agent).unwrap(), Signal::KILL).unwrap();
    };
    let case = Case {
        site: &site,
        sue: sue(&site),
        start: &|web| started(&site, web),
        cut: &kill,
    };
    for row in ROWS {
        case.check(match row {
            (At::Second, ..) => (At::Second, 0, SUCCESS, &["Proved on "]),
            row => row,
        });
    }
}

fn sue(site: &Site) -> u64 {
    let id = site.php("return get_user_by('login', 'sue')->ID;");
    id.as_u64().unwrap()
}
