//! Stopped in the middle of a long sweep: what is done is said, what is not is untouched, and
//! nothing goes on behind anybody's back.

use std::time::{Duration, Instant};

use kickout_tests::{MariaDb, Site, WordPress, needs, until};
use rustix::process::Signal;

use crate::connect::waiting;
use crate::held::Held;
use crate::running::{End, Running, gone};
use crate::stored::{all_rows, crowd};

pub(crate) const SWEEP: [&str; 6] = [
    "user",
    "session",
    "destroy",
    "--all-users",
    "--yes",
    "--debug=ended",
];

/// Somebody's lock in the second window of a thousand rows.
pub(crate) fn locked(site: &Site) -> Held {
    let rows = all_rows(site);
    // It goes from the highest row down.
    let row = &rows[rows.len() - 1_500][0];
    let lock =
        format!("BEGIN; SELECT umeta_id FROM wp_usermeta WHERE umeta_id = {row} FOR UPDATE;");
    Held::on_server(site.database(), &lock)
}

/// A sweep that waits for it.
fn halted(site: &Site) -> (Running, Held) {
    let held = locked(site);
    let running = Running::start(site, &SWEEP, "");
    waiting(site);
    (running, held)
}

/// Lets the word get around that the run is to end.
pub(crate) fn a_moment() {
    let since = Instant::now();
    until("half a second passes", Duration::from_secs(5), || {
        (since.elapsed() > Duration::from_millis(500)).then_some(())
    });
}

/// The step that was under way was finished, and the next one never began.
pub(crate) fn stopped_after_its_step(site: &Site, before: &[Vec<String>], end: &End) {
    assert_eq!(end.code, Some(130), "{}", end.stderr);
    assert_eq!(end.stdout, "");
    let said = "Interrupted: 2000 sessions destroyed until then.";
    assert!(end.stderr.contains(said), "{}", end.stderr);
    // Each of them has been named: nothing is gone without its evidence.
    assert_eq!(end.stderr.matches("Debug: ").count(), 2_000);
    assert!(all_rows(site) == before[..before.len() - 2_000]);
}

#[test]
fn in_the_middle_of_a_sweep() {
    needs!(WordPress);
    let site = WordPress::new().install_on(&MariaDb::start());
    crowd(&site, 10_001, 9_000, "subscriber");
    let before = all_rows(&site);

    for signal in [Signal::INT, Signal::TERM] {
        let before = all_rows(&site);
        let (running, mut held) = halted(&site);
        let agent = running.agent();
        running.send(signal);
        a_moment();
        held.say("ROLLBACK;");
        stopped_after_its_step(&site, &before, &running.end());
        gone(agent);
    }

    // Kickout is gone without a word: the agent ends by itself.
    let (running, mut held) = halted(&site);
    let agent = running.agent();
    running.send(Signal::KILL);
    assert_eq!(running.end().signal, Some(9));
    a_moment();
    held.say("ROLLBACK;");
    gone(agent);
    assert!(all_rows(&site) == before[..3_000]);

    // The agent is gone without a word: that is no success, and no failure either.
    let (running, held) = halted(&site);
    let agent = i32::try_from(running.agent()).unwrap();
    let agent = rustix::process::Pid::from_raw(agent).unwrap();
    rustix::process::kill_process(agent, Signal::KILL).unwrap();
    let end = running.end();
    assert_eq!(end.code, Some(5), "{}", end.stderr);
    assert_eq!(end.stdout, "");
    for said in [
        "Error: the link to the agent broke",
        "destroyed is not known",
        "signal: 9",
    ] {
        assert!(end.stderr.contains(said), "{}", end.stderr);
    }
    drop(held);
}

/// Twice means now: kickout leaves, and the agent still stops where it can.
#[test]
fn twice_means_now() {
    needs!(WordPress);
    let site = WordPress::new().install_on(&MariaDb::start());
    crowd(&site, 10_001, 4_000, "subscriber");
    let before = all_rows(&site);
    let (running, mut held) = halted(&site);
    let agent = running.agent();
    running.send(Signal::INT);
    a_moment();
    running.send(Signal::INT);
    let end = running.end();
    assert_eq!(end.code, Some(130), "{}", end.stderr);
    assert!(
        end.stderr.contains("destroyed is not known"),
        "{}",
        end.stderr
    );
    held.say("ROLLBACK;");
    gone(agent);
    assert!(all_rows(&site) == before[..2_000]);
}
