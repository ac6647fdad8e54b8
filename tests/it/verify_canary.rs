//! The session that is made for `--verify=web` goes, whatever stops the run in between.

use std::time::Duration;

use kickout_tests::{MariaDb, Site, Web, WordPress, needs, until};
use rustix::process::Signal;

use crate::connect::waiting;
use crate::destroy::destroy;
use crate::held::Held;
use crate::interrupt::a_moment;
use crate::running::{Running, gone};
use crate::verify::{ALL, no_canary, proving};

pub(crate) fn alone() -> Site {
    let site = WordPress::new().install_on(&MariaDb::start());
    site.add_user("sue", "subscriber");
    site
}

pub(crate) const PROVING: [&str; 6] = [
    "user",
    "session",
    "destroy",
    "admin",
    "--all",
    "--verify=web",
];

pub(crate) fn started(site: &Site, web: &Web) -> Running {
    let url = format!("--verify-url={}", web.url());
    Running::start(site, &[&PROVING[..], &[&url]].concat(), "")
}

pub(crate) fn asked(web: &Web, times: usize) {
    until("the web side is asked", Duration::from_secs(30), || {
        (web.requests().len() >= times).then_some(())
    });
}

/// Whether somebody holds a canary now: the rows say so.
fn canary_is_there(site: &Site) {
    assert_eq!(site.sessions("sue").len(), 1);
}

/// Stopped while the web side is asked, before anything is destroyed.
#[test]
fn stopped_before() {
    needs!(WordPress);
    let site = alone();
    let web = Web::silent_after(&site, 0);
    let cookie = site.login("admin", "A", "::1");
    let running = started(&site, &web);
    asked(&web, 1);
    canary_is_there(&site);
    let agent = running.agent();
    running.send(Signal::INT);
    let end = running.end();
    assert_eq!(end.code, Some(130), "{}", end.stderr);
    assert_eq!(end.stdout, "");
    no_canary(&site);
    assert!(site.cookie_is_valid(&cookie));
    gone(agent);
}

/// Stopped while sessions are being destroyed.
#[test]
fn stopped_within() {
    needs!(WordPress);
    let site = alone();
    let web = Web::of(&site);
    for signal in [Signal::INT, Signal::TERM] {
        site.login("admin", "A", "::1");
        let row = site.raw_rows(1)[0].id;
        let lock =
            format!("BEGIN; SELECT umeta_id FROM wp_usermeta WHERE umeta_id = {row} FOR UPDATE;");
        let mut held = Held::on_server(site.database(), &lock);
        let running = started(&site, &web);
        waiting(&site);
        canary_is_there(&site);
        let agent = running.agent();
        running.send(signal);
        a_moment();
        held.say("ROLLBACK;");
        let end = running.end();
        assert_eq!(end.code, Some(130), "{}", end.stderr);
        no_canary(&site);
        gone(agent);
    }
}

/// Stopped while the web side is asked again: everything is destroyed by then.
#[test]
fn stopped_after() {
    needs!(WordPress);
    let site = alone();
    let web = Web::silent_after(&site, 1);
    let cookie = site.login("admin", "A", "::1");
    let running = started(&site, &web);
    asked(&web, 2);
    no_canary(&site);
    running.send(Signal::INT);
    let end = running.end();
    assert_eq!(end.code, Some(130), "{}", end.stderr);
    assert!(
        end.stderr.contains("Interrupted: 1 session destroyed"),
        "{}",
        end.stderr
    );
    assert!(!end.stderr.contains("Proved"), "{}", end.stderr);
    assert!(!site.cookie_is_valid(&cookie));
}

/// The site says no to what was asked for.
#[test]
fn a_destroy_that_fails() {
    needs!(WordPress);
    let site = alone();
    let web = Web::of(&site);
    let run = proving(&site, &["nobody", "--all"], &web.url());
    run.code(1)
        .stdout("")
        .stderr("Error: Invalid user ID, email or login: 'nobody'\n");
    assert_eq!(web.requests().len(), 1);
    no_canary(&site);
}

/// Kickout is gone without a word: the session ends by itself, soon.
#[test]
fn nobody_is_left() {
    needs!(WordPress);
    let site = alone();
    let web = Web::silent_after(&site, 0);
    let running = started(&site, &web);
    asked(&web, 1);
    let agent = running.agent();
    running.send(Signal::KILL);
    assert_eq!(running.end().signal, Some(9));
    gone(agent);
    let sessions = site.sessions("sue");
    let [(_, session)] = &sessions[..] else {
        panic!("{sessions:?}");
    };
    let time = |name: &str| session[name].as_i64().unwrap();
    assert_eq!(time("expiration") - time("login"), 120);
    assert_eq!(session["ua"], "Kickout canary");
    // And anybody can end it before.
    destroy(&site, &["sue", "--all"]).success();
    destroy(&site, &ALL).success();
}
