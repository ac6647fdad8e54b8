//! Tests of the strictness: every field of every kind of request, twice, unknown, and too deep.

use kickout_shared::request::{
    CanaryFor, Doomed, Selector, SessionDestroy, SessionList, UserList, Who,
};
use kickout_shared::site::{EngineChoice, Load, Skip};
use kickout_shared::token::SessionRef;
use kickout_shared::user::UserRef;
use kickout_shared::value::Key;
use serde_json::{Value, json};

use super::*;

const OPERATION: &str = r#"{"operation":"a","issued":1,"site":"shop"}"#;

/// One of each kind, with everything in it that can be said.
fn requests() -> Vec<Request> {
    let user = || UserRef::parse("anna");
    let selected = Who::Selected(Selector {
        roles: vec!["editor".to_owned()],
        except: vec![user()],
    });
    let destroy = |what| {
        Request::SessionDestroy(SessionDestroy {
            what,
            dry_run: true,
            cutoff: Some(1),
            settle_ms: Some(1),
            canary: Some(Key::Text(kickout_shared::bytes::Bytes(vec![0xff]))),
            blind: true,
        })
    };
    let session = SessionRef::Key("abcdef".to_owned());
    vec![
        Request::SessionList(SessionList {
            who: Who::Named(vec![user()]),
        }),
        destroy(Doomed::All(selected)),
        destroy(Doomed::One {
            user: user(),
            session,
        }),
        destroy(Doomed::Conflict {
            user: user(),
            token: user(),
        }),
        Request::UserList(UserList::default()),
        Request::Canary(CanaryFor { user: Some(user()) }),
        Request::Doctor,
    ]
}

fn run(request: &Request) -> Value {
    let site = kickout_shared::site::Site {
        act_as: Some(UserRef::parse("anna")),
        load: Box::new(Load {
            engine: EngineChoice::Php,
            skip_plugins: Skip::Named(vec!["x".to_owned()]),
            skip_themes: Skip::All,
            require: vec!["a.php".to_owned()],
            php_user: Some("www".to_owned()),
            unconfirmed_ok: true,
        }),
        ..Default::default()
    };
    json!({"type": "run", "id": 1, "site": site, "request": request})
}

fn said(operation: &str, run: &str) -> Result<(), String> {
    let parsed = parse(format!("{operation}\n{run}\n").as_bytes());
    parsed.map(drop)
}

/// The text with `more` put in behind the opening of each object, one at a time; with the object.
fn into_each_object(text: &str, more: impl Fn(&str) -> String) -> Vec<String> {
    let opened = text.match_indices('{').map(|(at, _)| at + 1);
    opened
        .map(|at| format!("{}{}{}", &text[..at], more(&text[at..]), &text[at..]))
        .collect()
}

#[test]
fn what_is_known_is_read() {
    for request in requests() {
        let (operation, read) =
            parse(format!("{OPERATION}\n{}\n", run(&request)).as_bytes()).unwrap();
        assert_eq!(read.request, request);
        assert_eq!(operation.site.as_deref(), Some("shop"));
        assert_eq!(read.site.load.php_user.as_deref(), Some("www"));
    }
}

/// In each object there is, on every level: a field that nobody knows.
#[test]
fn no_unknown_field() {
    let field = |_: &str| "\"only_if\":{\"x\":[1]},".to_owned();
    let mut tried = 0;
    for request in requests() {
        for text in into_each_object(&run(&request).to_string(), field) {
            // An object that chooses one of several holds one key, and says so.
            let why = said(OPERATION, &text).unwrap_err();
            assert!(
                why.contains("only_if") || why.contains("b64"),
                "{text}\n{why}"
            );
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
    let request = run(&requests()[0]).to_string();
    for text in into_each_object(OPERATION, field) {
        let why = said(&text, &request).unwrap_err();
        assert_eq!(why, "the operation: this bridge knows no field `only_if`");
    }
    let mut selector = run(&requests()[1]);
    selector["request"]["session_destroy"]["what"]["all"]["selected"]["since"] = json!(1);
    let why = said(OPERATION, &selector.to_string()).unwrap_err();
    assert!(
        why.ends_with("what.all.selected.since`") || why.contains("since`"),
        "{why}"
    );
}

/// In each object there is: its first field once more.
#[test]
fn no_field_twice() {
    let first = |rest: &str| -> String {
        let Some(("", after)) = rest.split_once('"') else {
            return String::new();
        };
        let (name, after) = after.split_once("\":").unwrap();
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
        format!("\"{name}\":{},", values.next().unwrap().unwrap())
    };
    for request in requests() {
        let text = run(&request).to_string();
        for twice in into_each_object(&text, first) {
            if twice != text {
                assert!(said(OPERATION, &twice).is_err(), "{twice}");
            }
        }
    }
    let run = run(&requests()[0]).to_string();
    for (twice, field) in [
        (
            r#"{"operation":"a","operation":"b","issued":1}"#,
            "operation",
        ),
        (r#"{"operation":"a","issued":1,"issued":1}"#, "issued"),
        (
            r#"{"operation":"a","issued":1,"site":"x","site":"y"}"#,
            "site",
        ),
    ] {
        let why = said(twice, &run).unwrap_err();
        assert!(why.contains(&format!("duplicate field `{field}`")), "{why}");
    }
}

#[test]
fn no_deeper_than_it_needs() {
    let with = |depth: usize| {
        let inner = "[".repeat(depth - 2) + &"]".repeat(depth - 2);
        format!(r#"{{"type":"run","id":1,"site":{{"x":{inner}}},"request":"doctor"}}"#)
    };
    let field = "this bridge knows no field `site.x`";
    for (depth, why) in [
        (32, field),
        (33, "nested deeper than 32"),
        (10_000, "nested deeper than 32"),
        (500_000, "nested deeper than 32"),
    ] {
        let said = said(OPERATION, &with(depth)).unwrap_err();
        assert!(said.contains(why), "{depth}: {said}");
    }
    // Brackets in a string are none, whatever is escaped there.
    for text in ["[[", r#"\"[["#, r"\\"] {
        let text = format!("\"{}{text}\"", "[".repeat(40));
        assert_eq!(depth(text.as_bytes()), 0, "{text}");
    }
    assert_eq!(depth(br#"["\\",[]]"#), 2);
    assert_eq!(depth(b"]]]][["), 2);
}

/// What says nothing, something else, or what is the bridge's to say.
#[test]
fn what_is_refused_otherwise() {
    let doctor =
        |site: &str| format!(r#"{{"type":"run","id":1,"site":{site},"request":"doctor"}}"#);
    let good = doctor("{}");
    assert_eq!(said(OPERATION, &good), Ok(()));
    let rows = [
        (
            OPERATION.to_owned(),
            doctor(r#"{"path":"/x"}"#),
            "`site.path`",
        ),
        (
            OPERATION.to_owned(),
            doctor(r#"{"start":"/x"}"#),
            "`site.start`",
        ),
        (OPERATION.to_owned(), doctor(r#"{"url":"x"}"#), "`site.url`"),
        (
            OPERATION.to_owned(),
            doctor(r#"{"bounds":{"max_users":1}}"#),
            "`site.bounds`",
        ),
        (
            OPERATION.to_owned(),
            r#"{"type":"ping"}"#.to_owned(),
            "unknown variant `ping`",
        ),
        (
            OPERATION.to_owned(),
            good.replace("doctor", "reboot"),
            "unknown variant `reboot`",
        ),
        (
            OPERATION.to_owned(),
            format!("{good}{{}}"),
            "trailing characters",
        ),
        (
            OPERATION.to_owned(),
            format!("{good}\n{good}"),
            "more than two lines",
        ),
        (
            OPERATION.to_owned(),
            good.replace("\"id\":1,", ""),
            "missing field `id`",
        ),
        (OPERATION.to_owned(), String::new(), "the run: EOF"),
        ("{}".to_owned(), good.clone(), "missing field `operation`"),
        (
            OPERATION.replace(":1", ":1.5"),
            good.clone(),
            "expected i64",
        ),
        (
            OPERATION.replace(":1", ":1e400"),
            good.clone(),
            "out of range",
        ),
        (
            OPERATION.replace(":1", ":NaN"),
            good.clone(),
            "expected value",
        ),
        (
            OPERATION.replace("\"a\"", "\"\\ud800\""),
            good.clone(),
            "the operation: ",
        ),
        (
            format!("\u{feff}{OPERATION}"),
            good.clone(),
            "expected value",
        ),
        (
            format!("// x\n{OPERATION}"),
            good.clone(),
            "more than two lines",
        ),
    ];
    for (operation, run, why) in rows {
        let said = said(&operation, &run).unwrap_err();
        assert!(said.contains(why), "{operation}\n{run}\n{said}");
    }
    let long = doctor(&format!("{{\"{}\":1}}", "x".repeat(100_000)));
    assert_eq!(
        said(OPERATION, &long).unwrap_err().chars().count(),
        MAX_SAID
    );
    assert!(parse(b"").is_err() && parse(b"\n\n").is_err() && parse(OPERATION.as_bytes()).is_err());
}
