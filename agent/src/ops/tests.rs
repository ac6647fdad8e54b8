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

mod bounds;
mod everybody;
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
    ask_within(Bounds::default(), memory, request)
}

fn ask_within(bounds: Bounds, memory: &mut Memory, request: Request) -> Heard {
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
                bounds,
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
        blind: false,
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
        blind: false,
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
            bounds: Bounds::default(),
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
