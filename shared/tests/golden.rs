//! The frames of every released protocol version keep decoding, and mean what they meant.
//!
//! `data/v1` holds one line for everything that may travel. A new variant does not compile here
//! until it has a name below, and does not pass until a line in `data` carries it. Lines are added,
//! never changed: a change is a new version and a new folder.

use std::collections::BTreeSet;
use std::fmt::Debug;

use kickout_shared::event::{Event, Level, Missing, State, Verdict};
use kickout_shared::message::{FromAgent, Hello, ToAgent};
use kickout_shared::request::{Doomed, Request, Who};
use kickout_shared::site::{EngineChoice, Skip};
use kickout_shared::token::SessionRef;
use kickout_shared::user::{UserKey, UserRef};
use kickout_shared::value::{Key, Value};
use kickout_shared::version;
use serde::Serialize;
use serde::de::DeserializeOwned;

const TO_AGENT: &str = include_str!("../data/v1/to_agent.jsonl");
const FROM_AGENT: &str = include_str!("../data/v1/from_agent.jsonl");
const HELLO: &str = include_str!("../data/v1/hello.jsonl");

/// What has been seen on the way through the lines.
type Seen = BTreeSet<&'static str>;

/// Names every variant of an enum; a variant without a name does not compile.
macro_rules! every {
    ($name:ident($type:ty): $($pattern:pat => $variant:literal),+ $(,)?) => {
        mod $name {
            use super::*;

            const ALL: &[&str] = &[$(concat!(stringify!($type), "::", $variant)),+];

            pub(super) fn see(value: &$type, seen: &mut Seen) {
                seen.insert(match value {
                    $($pattern => concat!(stringify!($type), "::", $variant)),+
                });
            }

            pub(super) fn missing(seen: &Seen) -> Vec<&'static str> {
                ALL.iter().copied().filter(|name| !seen.contains(name)).collect()
            }
        }
    };
}

every!(to_agent(ToAgent):
    ToAgent::Run { .. } => "Run", ToAgent::Cancel { .. } => "Cancel",
    ToAgent::Ack { .. } => "Ack", ToAgent::Ping => "Ping");
every!(from_agent(FromAgent):
    FromAgent::Begun { .. } => "Begun", FromAgent::Event { .. } => "Event",
    FromAgent::Done { .. } => "Done", FromAgent::Pong => "Pong");
every!(request(Request):
    Request::SessionList(_) => "SessionList", Request::SessionDestroy(_) => "SessionDestroy",
    Request::UserList(_) => "UserList", Request::Doctor => "Doctor",
    Request::Canary(_) => "Canary");
every!(who(Who): Who::Named(_) => "Named", Who::Selected(_) => "Selected");
every!(doomed(Doomed):
    Doomed::One { .. } => "One", Doomed::Conflict { .. } => "Conflict", Doomed::All(_) => "All");
every!(session(SessionRef):
    SessionRef::Latest => "Latest", SessionRef::Key(_) => "Key", SessionRef::Prefix(_) => "Prefix");
every!(engine(EngineChoice):
    EngineChoice::Auto => "Auto", EngineChoice::Native => "Native", EngineChoice::Php => "Php");
every!(skip(Skip): Skip::Nothing => "Nothing", Skip::All => "All", Skip::Named(_) => "Named");
every!(user_key(UserKey):
    UserKey::Any => "Any", UserKey::Id => "Id", UserKey::Login => "Login",
    UserKey::Email => "Email");
every!(event(Event):
    Event::Session(_) => "Session", Event::Ended(_) => "Ended", Event::EndedRow(_) => "EndedRow",
    Event::Part(_) => "Part", Event::User(_) => "User", Event::Line(_) => "Line",
    Event::Finding(_) => "Finding", Event::Progress(_) => "Progress", Event::Canary(_) => "Canary");
every!(level(Level):
    Level::Success => "Success", Level::Warning => "Warning", Level::Error => "Error",
    Level::Info => "Info", Level::Debug(_) => "Debug");
every!(state(State): State::Ok => "Ok", State::Warn => "Warn", State::Fail => "Fail");
every!(verdict(Verdict):
    Verdict::Answered => "Answered", Verdict::Proved => "Proved", Verdict::Gone => "Gone",
    Verdict::Unconfirmed => "Unconfirmed", Verdict::Alive => "Alive", Verdict::Failed => "Failed",
    Verdict::Unreachable => "Unreachable", Verdict::Unknown => "Unknown",
    Verdict::Skipped => "Skipped", Verdict::Cancelled => "Cancelled");
every!(lacking(Missing):
    Missing::Site => "Site", Missing::Environment => "Environment", Missing::Host(_) => "Host");
every!(key(Key): Key::Int(_) => "Int", Key::Text(_) => "Text");
every!(value(Value):
    Value::Null => "Null", Value::Bool(_) => "Bool", Value::Int(_) => "Int",
    Value::Float(_) => "Float", Value::Text(_) => "Text", Value::Array(_) => "Array",
    Value::Opaque(_) => "Opaque", Value::Large(_) => "Large");

/// Decodes every line, and checks that it is written again as it stands there.
fn decoded<T: DeserializeOwned + Serialize + Debug>(lines: &str) -> Vec<T> {
    let decode = |line: &str| {
        let frame: T = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
        let [again, golden]: [serde_json::Value; 2] = [
            serde_json::to_value(&frame).expect("a frame is JSON"),
            serde_json::from_str(line).expect("a line is JSON"),
        ];
        assert_eq!(again, golden, "{frame:?}");
        frame
    };
    lines.lines().map(decode).collect()
}

#[test]
fn what_goes_to_the_agent() {
    let mut seen = Seen::new();
    for frame in decoded::<ToAgent>(TO_AGENT) {
        to_agent::see(&frame, &mut seen);
        let ToAgent::Run { site, request, .. } = frame else {
            continue;
        };
        request::see(&request, &mut seen);
        engine::see(&site.load.engine, &mut seen);
        skip::see(&site.load.skip_plugins, &mut seen);
        skip::see(&site.load.skip_themes, &mut seen);
        let mut users: Vec<UserRef> = site.act_as.into_iter().collect();
        let mut choose = |who: Who, seen: &mut Seen| {
            who::see(&who, seen);
            match who {
                Who::Named(named) => users.extend(named),
                Who::Selected(selector) => users.extend(selector.except),
            }
        };
        match *request {
            Request::SessionList(list) => choose(list.who, &mut seen),
            Request::SessionDestroy(destroy) => {
                doomed::see(&destroy.what, &mut seen);
                match destroy.what {
                    Doomed::One { session, .. } => session::see(&session, &mut seen),
                    Doomed::Conflict { .. } => {}
                    Doomed::All(who) => choose(who, &mut seen),
                }
            }
            Request::Canary(canary) => users.extend(canary.user),
            Request::UserList(_) | Request::Doctor => {}
        }
        for user in users {
            user_key::see(&user.by, &mut seen);
        }
    }
    let missing = [
        to_agent::missing(&seen),
        request::missing(&seen),
        engine::missing(&seen),
        skip::missing(&seen),
        who::missing(&seen),
        doomed::missing(&seen),
        session::missing(&seen),
        user_key::missing(&seen),
    ];
    assert_eq!(
        missing.concat(),
        [""; 0],
        "no line in data/v1/to_agent.jsonl"
    );
}

#[test]
fn what_comes_from_the_agent() {
    let mut seen = Seen::new();
    for frame in decoded::<FromAgent>(FROM_AGENT) {
        from_agent::see(&frame, &mut seen);
        match frame {
            FromAgent::Done { outcome, .. } => {
                verdict::see(&outcome.verdict, &mut seen);
                if let Some(missing) = &outcome.missing {
                    lacking::see(missing, &mut seen);
                }
            }
            FromAgent::Event { event, .. } => {
                event::see(&event, &mut seen);
                match event {
                    Event::Session(session) => {
                        key::see(&session.token, &mut seen);
                        for (_, field) in &session.fields {
                            value::see(field, &mut seen);
                        }
                    }
                    Event::Line(line) => level::see(&line.level, &mut seen),
                    Event::Finding(finding) => state::see(&finding.state, &mut seen),
                    Event::Ended(_)
                    | Event::EndedRow(_)
                    | Event::Part(_)
                    | Event::User(_)
                    | Event::Progress(_)
                    | Event::Canary(_) => {}
                }
            }
            FromAgent::Begun { .. } | FromAgent::Pong => {}
        }
    }
    let missing = [
        from_agent::missing(&seen),
        event::missing(&seen),
        level::missing(&seen),
        state::missing(&seen),
        verdict::missing(&seen),
        lacking::missing(&seen),
        key::missing(&seen),
        value::missing(&seen),
    ];
    assert_eq!(
        missing.concat(),
        [""; 0],
        "no line in data/v1/from_agent.jsonl"
    );
}

#[test]
fn the_first_line() {
    let hellos = decoded::<Hello>(HELLO);
    assert!(
        hellos
            .iter()
            .any(|hello| hello.protocol == version::PROTOCOL)
    );
    for hello in hellos {
        let line = hello.line("0123456789abcdef").unwrap();
        let read = Hello::read(line.as_bytes(), "0123456789abcdef");
        assert_eq!(read.unwrap().unwrap(), hello);
        assert!(Hello::read(line.as_bytes(), "another0nonce").is_none());
    }
}

/// A newer peer may say more: what is unknown beside what is known is ignored, an unknown variant
/// is an error that names it.
#[test]
fn what_a_newer_peer_adds() {
    let more = r#"{"type":"ack","id":1,"seq":2,"color":"blue"}"#;
    assert!(serde_json::from_str::<ToAgent>(more).is_ok());
    let new = serde_json::from_str::<ToAgent>(r#"{"type":"dance","id":1}"#).unwrap_err();
    assert!(new.to_string().contains("dance"), "{new}");
    // What an older peer leaves out has its old meaning.
    let older = r#"{"type":"run","id":1,"site":{},"request":{"session_destroy":{"what":
        {"one":{"user":{"text":"admin","by":"any"},"session":"latest"}}}}}"#;
    let ToAgent::Run { request, .. } = serde_json::from_str(older).unwrap() else {
        panic!("a run");
    };
    let Request::SessionDestroy(destroy) = *request else {
        panic!("a destroy");
    };
    assert!(!destroy.dry_run && destroy.cutoff.is_none() && destroy.canary.is_none());
}
