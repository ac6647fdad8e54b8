//! The verbs over an engine in memory: meaning, wording, races. No server, no pipe.

use std::cell::Cell;
use std::rc::Rc;

use kickout_shared::event::Event;
use kickout_shared::frame;
use kickout_shared::message::{FromAgent, RunId};
use kickout_shared::request::{Selector, SessionList, Who};
use kickout_shared::token::SessionRef;
use kickout_shared::user::{User, UserRef};
use kickout_shared::value::Key;
use tokio::sync::mpsc;

use super::*;
use crate::engine::memory::Memory;
use crate::out::Control;

mod races;

const NOW: i64 = 1_700_000_000;
const FAR: i64 = 4_102_444_800;

/// A verifier of one repeated digit.
fn verifier(digit: char) -> String {
    digit.to_string().repeat(64)
}

/// A stored value: verifier digit, expiration, login.
fn value(sessions: &[(char, i64, i64)]) -> Vec<u8> {
    let entry = |(digit, expiration, login): &(char, i64, i64)| {
        format!(
            "s:64:\"{}\";a:2:{{s:10:\"expiration\";i:{expiration};s:5:\"login\";i:{login};}}",
            verifier(*digit)
        )
    };
    let entries: String = sessions.iter().map(entry).collect();
    format!("a:{}:{{{entries}}}", sessions.len()).into_bytes()
}

fn live(digits: &str) -> Vec<u8> {
    value(
        &digits
            .chars()
            .map(|digit| (digit, FAR, NOW - 100))
            .collect::<Vec<_>>(),
    )
}

fn user(id: u64, login: &str, role: &str) -> User {
    let empty = || "".into();
    User {
        id,
        login: login.into(),
        display_name: empty(),
        email: format!("{login}@example.com").into(),
        registered: empty(),
        roles: vec![role.into()],
    }
}

fn site() -> Memory {
    let mut memory = Memory::default();
    memory.add_user(user(1, "admin", "administrator"));
    memory.add_user(user(2, "bob", "subscriber"));
    memory.add_user(user(3, "carol", "subscriber"));
    memory
}

/// What a run said and how it ended.
struct Heard {
    lines: Vec<String>,
    ended: Vec<String>,
    listed: Vec<String>,
    begun: bool,
    outcome: Outcome,
    /// Seconds of the clock.
    lasted: i64,
}

impl Heard {
    #[track_caller]
    fn says(&self, lines: &[&str]) -> &Self {
        assert_eq!(self.lines, lines);
        self
    }

    #[track_caller]
    fn is(&self, verdict: Verdict) -> &Self {
        assert_eq!(self.outcome.verdict, verdict, "{:?}", self.lines);
        self
    }
}

thread_local! {
    /// When the clock of a run stood at `NOW`.
    static BEGAN: Cell<Option<tokio::time::Instant>> = const { Cell::new(None) };
}

/// A clock that goes on only while everybody waits.
fn clock() -> i64 {
    let began = BEGAN.get().map_or(0, |began| began.elapsed().as_secs());
    NOW + i64::try_from(began).unwrap()
}

fn ask(memory: &mut Memory, request: Request) -> Heard {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        BEGAN.set(Some(tokio::time::Instant::now()));
        let (frames, mut queue) = mpsc::channel(16);
        let control = Rc::new(Control::new());
        let sent = Rc::new(Cell::new(0));
        let mut out = Out::new(RunId(1), control.clone(), sent.clone(), frames);
        let asking = async {
            let desk = Desk {
                engine: memory,
                cache: None,
                out: &mut out,
                clock,
            };
            let ended = run(desk, &Site::default(), request).await;
            out.done(ended).await;
        };
        let hearing = async {
            let mut heard = Heard {
                lines: Vec::new(),
                ended: Vec::new(),
                listed: Vec::new(),
                begun: false,
                outcome: Outcome::of(Verdict::Unknown),
                lasted: 0,
            };
            while let Some(frame) = queue.recv().await {
                if let Some(flushed) = frame.flushed {
                    flushed.send(()).unwrap();
                }
                match frame::decode::<FromAgent>(&frame.line).unwrap() {
                    FromAgent::Begun { .. } => heard.begun = true,
                    FromAgent::Pong => {}
                    FromAgent::Done { outcome, .. } => heard.outcome = outcome,
                    FromAgent::Event { seq, event, .. } => {
                        control.ack(seq, sent.get().max(seq));
                        take(&mut heard, event);
                    }
                }
            }
            heard.lasted = clock() - NOW;
            heard
        };
        let ((), heard) = tokio::join!(asking, hearing);
        heard
    })
}

fn take(heard: &mut Heard, event: Event) {
    let short = |key: &Key| key.to_string().chars().next().unwrap_or('-').to_string();
    match event {
        Event::Line(line) => {
            let level = match line.level {
                Level::Success => "Success",
                Level::Warning => "Warning",
                Level::Error => "Error",
                Level::Info => "Info",
                Level::Debug(_) => return,
            };
            heard.lines.push(format!("{level}: {}", line.text));
        }
        Event::Session(session) => {
            heard.listed.push(format!(
                "{} {}",
                session.user_login.lossy(),
                short(&session.token)
            ));
        }
        Event::Ended(ended) => {
            assert!(heard.begun, "nothing may end before begun");
            assert!(ended.entry.is_some(), "small entries travel inline");
            heard.ended.push(short(&ended.session.token));
        }
        Event::EndedRow(row) => heard.ended.push(format!("row of {}", row.user_id)),
        Event::User(user) => heard.listed.push(user.login.lossy().into_owned()),
        Event::Part(_) | Event::Progress(_) | Event::Finding(_) | Event::Canary(_) => {}
    }
}

fn destroy(what: Doomed) -> Request {
    Request::SessionDestroy(kickout_shared::request::SessionDestroy {
        what,
        dry_run: false,
        cutoff: None,
        settle_ms: None,
        canary: None,
    })
}

fn one(user: &str, session: SessionRef) -> Request {
    destroy(Doomed::One {
        user: UserRef::parse(user),
        session,
    })
}

fn all(users: &[&str]) -> Request {
    let users = users.iter().map(|user| UserRef::parse(user)).collect();
    destroy(Doomed::All(Who::Named(users)))
}

fn everybody(roles: &[&str], except: &[&str], dry_run: bool) -> Request {
    let selector = Selector {
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        except: except.iter().map(|user| UserRef::parse(user)).collect(),
    };
    Request::SessionDestroy(kickout_shared::request::SessionDestroy {
        what: Doomed::All(Who::Selected(selector)),
        dry_run,
        cutoff: None,
        settle_ms: None,
        canary: None,
    })
}

fn key(text: &str) -> SessionRef {
    SessionRef::Key(text.to_owned())
}

#[test]
fn the_latest_is_the_last_stored() {
    let mut memory = site();
    let row = memory.add_row(
        1,
        true,
        &value(&[('c', FAR, NOW), ('a', FAR, 5), ('b', FAR, 7)]),
    );
    let heard = ask(&mut memory, one("admin", SessionRef::Latest));
    heard
        .says(&["Success: Destroyed session. 2 sessions remaining."])
        .is(Verdict::Gone);
    assert_eq!(heard.ended, ["b"]);
    assert_eq!(
        memory.value(row).unwrap(),
        value(&[('c', FAR, NOW), ('a', FAR, 5)])
    );
}

#[test]
fn one_remaining_is_singular_and_none_deletes_the_row() {
    let mut memory = site();
    let row = memory.add_row(1, true, &live("ab"));
    ask(&mut memory, one("admin", SessionRef::Latest))
        .says(&["Success: Destroyed session. 1 session remaining."]);
    ask(&mut memory, one("admin", SessionRef::Latest))
        .says(&["Success: Destroyed session. 0 sessions remaining."]);
    assert_eq!(memory.value(row), None);
    ask(&mut memory, one("admin", SessionRef::Latest))
        .says(&["Success: No sessions to destroy."])
        .is(Verdict::Skipped);
}

#[test]
fn a_session_is_named_by_verifier_or_unique_prefix() {
    let mut memory = site();
    memory.add_row(1, true, &live("abc"));
    let gone = "Success: Destroyed session. 2 sessions remaining.";
    ask(&mut memory, one("admin", key(&verifier('b')))).says(&[gone]);
    ask(&mut memory, one("admin", key("aaaaaa")))
        .says(&["Success: Destroyed session. 1 session remaining."]);
    for missing in ["aaaaaa", "CCCCCC", "ccccc", "cccccd"] {
        ask(&mut memory, one("admin", key(missing)))
            .says(&["Error: Session not found."])
            .is(Verdict::Failed);
    }
}

#[test]
fn an_ambiguous_prefix_destroys_nothing() {
    let mut memory = site();
    let entry = |token: &str| format!("s:9:\"{token}\";a:1:{{s:10:\"expiration\";i:{FAR};}}");
    let stored = format!("a:2:{{{}{}}}", entry("abcdef123"), entry("abcdef456"));
    let row = memory.add_row(1, true, stored.as_bytes());
    ask(&mut memory, one("admin", key("abcdef"))).is(Verdict::Failed);
    assert_eq!(memory.value(row).unwrap(), stored.as_bytes());
}

#[test]
fn all_of_several_users_prints_one_line_each() {
    let mut memory = site();
    memory.add_row(1, true, &live("ab"));
    memory.add_row(2, true, &live("c"));
    let line = "Success: Destroyed all sessions.";
    let heard = ask(&mut memory, all(&["admin", "2", "carol"]));
    heard.says(&[line, line, line]).is(Verdict::Gone);
    assert_eq!((heard.outcome.users, heard.outcome.sessions), (3, 3));
}

#[test]
fn one_unknown_user_spares_all() {
    let mut memory = site();
    let row = memory.add_row(1, true, &live("ab"));
    let errors = [
        "Error: Invalid user ID, email or login: 'nobody'",
        "Error: Invalid user ID, email or login: '99'",
    ];
    ask(&mut memory, all(&["admin", "nobody", "99"]))
        .says(&errors)
        .is(Verdict::Failed);
    assert!(memory.value(row).is_some());
}

#[test]
fn a_token_beside_all_is_refused_unless_it_is_a_user() {
    let conflict = |token: &str| {
        destroy(Doomed::Conflict {
            user: UserRef::parse("admin"),
            token: UserRef::parse(token),
        })
    };
    let mut memory = site();
    memory.add_user(user(4, "facade", "subscriber"));
    memory.add_row(1, true, &live("a"));
    memory.add_row(4, true, &live("b"));
    ask(&mut memory, conflict(&verifier('a')))
        .says(&["Error: The --all flag cannot be specified along with a session token."]);
    let line = "Success: Destroyed all sessions.";
    ask(&mut memory, conflict("facade")).says(&[line, line]);
}

#[test]
fn what_cannot_be_read_is_named_and_only_all_removes_it() {
    let mut memory = site();
    let row = memory.add_row(1, true, b"a:1:{truncated");
    let heard = ask(&mut memory, one("admin", SessionRef::Latest));
    assert!(heard.lines[0].contains("corrupt"), "{:?}", heard.lines);
    assert_eq!(heard.lines[1], "Success: No sessions to destroy.");
    assert!(memory.value(row).is_some());
    let heard = ask(&mut memory, all(&["admin"]));
    assert_eq!(heard.ended, ["row of 1"]);
    assert_eq!(memory.value(row), None);
}

#[test]
fn a_second_row_never_comes_to_life() {
    let mut memory = site();
    let first = memory.add_row(1, true, &live("a"));
    let second = memory.add_row(1, true, &live("xa"));
    let other_case = memory.add_row(1, false, &live("y"));
    ask(&mut memory, one("admin", SessionRef::Latest))
        .says(&["Success: Destroyed session. 0 sessions remaining."]);
    for row in [first, second, other_case] {
        assert_eq!(memory.value(row), None, "row {row}");
    }
}

#[test]
fn one_session_leaves_every_row_that_holds_it() {
    let mut memory = site();
    let first = memory.add_row(1, true, &live("ab"));
    let second = memory.add_row(1, true, &live("bx"));
    ask(&mut memory, one("admin", SessionRef::Latest))
        .says(&["Success: Destroyed session. 1 session remaining."]);
    assert_eq!(memory.value(first).unwrap(), live("a"));
    assert_eq!(memory.value(second).unwrap(), live("x"));
}

#[test]
fn a_login_between_read_and_write_is_kept() {
    let mut memory = site();
    let row = memory.add_row(1, true, &live("ab"));
    memory.meddle(Box::new(move |write, rows| {
        if write == 1 {
            rows.get_mut(&row).unwrap().value = Some(live("abc"));
        }
    }));
    let heard = ask(&mut memory, one("admin", SessionRef::Latest));
    // The session that was the last one when we looked, not the one that came since.
    assert_eq!(heard.ended, ["b"], "{:?}", heard.lines);
    assert_eq!(memory.value(row).unwrap(), live("ac"));
}

#[test]
fn a_login_made_after_the_cutoff_survives_all() {
    let mut memory = site();
    let cutoff = NOW - 50;
    let row = memory.add_row(
        1,
        true,
        &value(&[('a', FAR, NOW - 100), ('b', FAR, NOW - 10)]),
    );
    let mut request = all(&["admin"]);
    if let Request::SessionDestroy(destroy) = &mut request {
        destroy.cutoff = Some(cutoff);
    }
    ask(&mut memory, request)
        .says(&["Success: Destroyed all sessions."])
        .is(Verdict::Gone);
    assert_eq!(memory.value(row).unwrap(), value(&[('b', FAR, NOW - 10)]));
}

#[test]
fn a_login_dated_in_the_future_is_no_excuse() {
    let mut memory = site();
    let row = memory.add_row(
        1,
        true,
        &value(&[('a', FAR, NOW + 60), ('b', FAR, NOW + 999_999)]),
    );
    ask(&mut memory, all(&["admin"])).is(Verdict::Gone);
    assert_eq!(memory.value(row), None);
}

#[test]
fn what_comes_back_every_time_is_not_called_gone() {
    let mut memory = site();
    let row = memory.add_row(1, true, &live("a"));
    let mut number = 0;
    memory.meddle(Box::new(move |_, rows| {
        number += 1;
        let old = rows.get(&row).cloned();
        if let Some(mut row) = old {
            row.value = Some(value(&[('a', FAR, NOW - number)]));
            rows.insert(row.id, row);
        }
    }));
    for request in [all(&["admin"]), everybody(&[], &[], false)] {
        let heard = ask(&mut memory, request);
        heard.is(Verdict::Failed);
        assert!(
            heard.lines[0].contains("kept changing"),
            "{:?}",
            heard.lines
        );
    }
}

#[test]
fn everybody_is_counted_as_wordpress_sees_them() {
    let mut memory = site();
    memory.add_row(1, true, &live("ab"));
    memory.add_row(1, true, &live("x"));
    memory.add_row(2, true, &value(&[('c', FAR, 1), ('d', 1, 1)]));
    memory.add_row(3, true, b"garbage");
    memory.add_row(77, true, &live("e"));
    let heard = ask(&mut memory, everybody(&[], &[], true));
    heard
        .says(&["Success: Would destroy 4 sessions of 4 users."])
        .is(Verdict::Answered);
    assert!(!heard.begun, "a dry run begins nothing");
    let heard = ask(&mut memory, everybody(&[], &[], false));
    heard
        .says(&["Success: Destroyed 4 sessions of 4 users."])
        .is(Verdict::Gone);
    assert_eq!(
        heard.ended.len(),
        6,
        "four, the shadow's, and the row: {:?}",
        heard.ended
    );
    ask(&mut memory, everybody(&[], &[], false))
        .says(&["Success: No sessions to destroy."])
        .is(Verdict::Skipped);
}

#[test]
fn an_interrupted_sweep_leaves_no_second_row_alive() {
    // More rows than a page: the effective row of admin is the lowest, the shadow the highest.
    let mut memory = site();
    let effective = memory.add_row(1, true, &live("a"));
    for user in 100..100 + 2 * PAGE as u64 {
        memory.add_row(user, true, &live("b"));
    }
    let shadow = memory.add_row(1, true, &live("x"));
    let order = Rc::new(Cell::new(0));
    let seen = order.clone();
    memory.meddle(Box::new(move |_, rows| {
        let both = (rows.contains_key(&effective), rows.contains_key(&shadow));
        assert_ne!(both, (false, true), "the shadow has come to life");
        seen.set(seen.get() + 1);
    }));
    ask(&mut memory, everybody(&[], &[], false)).is(Verdict::Gone);
    assert!(order.get() >= 3, "several windows");
}

#[test]
fn a_sweep_outlasts_somebody_who_logs_in_all_the_time() {
    let mut memory = site();
    let row = memory.add_row(1, true, &live("a"));
    // Six writes in a row find it changed: more than there are passes, less than they try.
    memory.meddle(Box::new(move |write, rows| {
        if write % 7 != 0
            && let Some(row) = rows.get_mut(&row)
        {
            row.value = Some(value(&[('a', FAR, NOW - 100 - i64::from(write))]));
        }
    }));
    ask(&mut memory, everybody(&[], &[], false)).is(Verdict::Gone);
    assert_eq!(memory.value(row), None);
}

#[test]
fn logins_in_the_second_of_the_cutoff_end_with_it() {
    for request in [everybody(&[], &[], false), all(&["admin"])] {
        let mut memory = site();
        memory.add_row(1, true, &live("a"));
        // After each write somebody logs in, where this look does not come any more.
        memory.meddle(Box::new(move |_, rows| {
            let mut row = rows.values().next_back().unwrap().clone();
            row.id += 1;
            row.value = Some(value(&[('b', FAR, clock())]));
            rows.insert(row.id, row);
        }));
        ask(&mut memory, request).is(Verdict::Gone);
    }
}

#[test]
fn roles_and_exceptions_choose() {
    let mut memory = site();
    let rows = [(1, "a"), (2, "b"), (3, "c")]
        .map(|(user, digits)| memory.add_row(user, true, &live(digits)));
    let left = |memory: &Memory| rows.map(|row| memory.value(row).is_some());
    ask(&mut memory, everybody(&["editor"], &[], false))
        .says(&["Success: No sessions to destroy."]);
    assert_eq!(
        left(&memory),
        [true, true, true],
        "nobody is never everybody"
    );
    ask(&mut memory, everybody(&["subscriber"], &["carol"], false));
    assert_eq!(left(&memory), [true, false, true]);
    ask(&mut memory, everybody(&[], &["nobody"], false)).is(Verdict::Failed);
    assert_eq!(
        left(&memory),
        [true, false, true],
        "an unknown exception spares all"
    );
    ask(&mut memory, everybody(&[], &["admin"], false));
    assert_eq!(left(&memory), [true, false, false]);
}

#[test]
fn listing_shows_what_is_live_in_stored_order() {
    let mut memory = site();
    memory.add_row(
        1,
        true,
        &value(&[('c', FAR, 1), ('e', 5, 1), ('a', FAR, 2)]),
    );
    memory.add_row(2, true, &live("b"));
    memory.add_row(1, true, &live("x"));
    let list = |who| Request::SessionList(SessionList { who });
    let named = Who::Named(vec![UserRef::parse("admin"), UserRef::parse("bob")]);
    let heard = ask(&mut memory, list(named));
    assert_eq!(heard.listed, ["admin c", "admin a", "bob b"]);
    assert!(
        heard.lines[0].contains("second row with 1 session"),
        "{:?}",
        heard.lines
    );
    let heard = ask(&mut memory, list(Who::Selected(Selector::default())));
    assert_eq!(heard.listed, ["admin c", "admin a", "bob b"]);
    heard.is(Verdict::Answered);
}

#[test]
fn acting_as_nobody_is_refused_before_anything() {
    let mut memory = site();
    memory.add_row(1, true, &live("a"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let ended = runtime.block_on(async {
        let (frames, _queue) = mpsc::channel(16);
        let sent = Rc::new(Cell::new(0));
        let mut out = Out::new(RunId(1), Rc::new(Control::new()), sent, frames);
        let desk = Desk {
            engine: &mut memory,
            cache: None,
            out: &mut out,
            clock: || NOW,
        };
        let site = Site {
            act_as: Some(UserRef::parse("ghost")),
            ..Site::default()
        };
        run(desk, &site, all(&["admin"])).await
    });
    assert_eq!(
        ended.unwrap_err().text,
        "Invalid user ID, email or login: 'ghost'"
    );
}

/// A session of ours is passed over in silence: never the latest, not counted, not told.
#[test]
fn the_canary_is_nobodys() {
    let ours = |request| match request {
        Request::SessionDestroy(destroy) => {
            Request::SessionDestroy(kickout_shared::request::SessionDestroy {
                canary: Some(Key::Text(verifier('c').as_str().into())),
                ..destroy
            })
        }
        other => other,
    };
    let rows: [(Request, &str, &[&str], u64); 5] = [
        (
            one("admin", SessionRef::Latest),
            "Success: Destroyed session. 1 session remaining.",
            &["b"],
            1,
        ),
        (
            all(&["admin"]),
            "Success: Destroyed all sessions.",
            &["a", "b"],
            2,
        ),
        (
            everybody(&[], &[], false),
            "Success: Destroyed 2 sessions of 1 user.",
            &["a", "b"],
            2,
        ),
        (all(&["bob"]), "Success: Destroyed all sessions.", &[], 0),
        (
            one("bob", SessionRef::Latest),
            "Success: No sessions to destroy.",
            &[],
            0,
        ),
    ];
    for (request, said, ended, sessions) in rows {
        let mut memory = site();
        memory.add_row(1, true, &live("abc"));
        memory.add_row(2, true, &live("c"));
        let heard = ask(&mut memory, ours(request.clone()));
        heard.says(&[said]);
        assert_eq!(heard.ended, ended, "{request:?}");
        assert_eq!(heard.outcome.sessions, sessions, "{request:?}");
    }
}
