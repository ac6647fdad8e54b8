//! Every row of `wordpress.md` §1.7, and what a listing sees of ordinary values.

use super::*;

const NOW: i64 = 1_795_325_032;

fn entries(value: impl AsRef<[u8]>) -> Vec<Entry> {
    match read(value.as_ref(), NOW) {
        Content::Sessions(entries) => entries,
        Content::Corrupt(corruption) => panic!("{corruption}"),
    }
}

/// The state of a value's only session.
fn state(session: &str) -> EntryState {
    entries(format!("a:1:{{i:1;{session}}}"))[0].state
}

#[test]
fn an_ordinary_session() {
    let ua = "Mozilla/5.0 (日本語; Ünïcødé 🦀) O'Reilly \"quoted\"";
    let verifier = "8bbafb".repeat(10) + "0000";
    let raw = format!(
        "s:64:\"{verifier}\";a:4:{{s:10:\"expiration\";i:1795325032;s:2:\"ip\";s:11:\"203.0.113.7\";\
         s:2:\"ua\";s:{}:\"{ua}\";s:5:\"login\";i:1795324032;}}",
        ua.len()
    );
    let value = format!(" \n\0a:1:{{{raw}}}\n");
    let entry = &entries(&value)[0];
    assert_eq!(entry.key, Key::Text(verifier.as_str().into()));
    assert_eq!(&value[entry.raw.clone()], raw);
    assert_eq!(entry.state, EntryState::Live);
    assert!(!entry.legacy);
    assert_eq!(login_of(entry), Some(1_795_324_032));
    let fields = vec![
        (Key::Text("expiration".into()), Value::Int(NOW)),
        (Key::Text("ip".into()), Value::Text("203.0.113.7".into())),
        (Key::Text("ua".into()), Value::Text(ua.into())),
        (Key::Text("login".into()), Value::Int(NOW - 1000)),
    ];
    assert_eq!(entry.fields(value.as_bytes()), fields);
}

#[test]
fn a_bare_integer_is_an_expiration() {
    let value = format!("a:2:{{i:-3;i:{NOW};s:1:\"b\";i:{};}}", NOW - 1);
    let entries = entries(&value);
    assert_eq!(entries[0].state, EntryState::Live);
    assert_eq!(entries[1].state, EntryState::Expired);
    assert_eq!(live_count(&entries), 1);
    assert!(entries[0].legacy && entries[1].legacy);
    assert_eq!(login_of(&entries[0]), None);
    let fields = vec![(Key::Text("expiration".into()), Value::Int(NOW))];
    assert_eq!(entries[0].fields(value.as_bytes()), fields);
}

#[test]
fn values_without_sessions_say_why() {
    let list = "a:1:{s:1:\"x\";a:1:{s:10:\"expiration\";i:1999999999;}}";
    let twice = format!("s:{}:\"{list}\";", list.len());
    let rows = [
        ("", "the value is empty"),
        (" \n\0", "the value is empty"),
        ("garbage", "the value is not serialized data"),
        ("{\"x\":1}", "the value is not serialized data"),
        ("i:5", "the value is not serialized data"),
        ("N;", "the value is null, not an array of sessions"),
        ("b:0;", "the value is a boolean, not an array of sessions"),
        ("i:5;", "the value is an integer, not an array of sessions"),
        ("d:5;", "the value is a float, not an array of sessions"),
        (
            "s:1:\"x\";",
            "the value is a string, not an array of sessions",
        ),
        (
            "O:8:\"stdClass\":0:{}",
            "the value is an object, not an array of sessions",
        ),
        (&twice, "the value has been serialized twice"),
        ("a:0:{}", "the value is an empty array"),
        (
            "a:",
            "the array of sessions is damaged: the value is cut off after 2 bytes",
        ),
        (
            &list[..36],
            "the array of sessions is damaged: the value is cut off after 36 bytes",
        ),
        (
            "a:1:{s:2:\"x\";i:1;}",
            "the array of sessions is damaged: expected \" after the declared number of bytes at \
             byte 12",
        ),
        (
            "a:1:{i:0;i:1;i:1;i:1;}",
            "the array of sessions is damaged: expected } after the declared number of entries at \
             byte 13",
        ),
        (
            "a:2:{i:0;i:1;}",
            "the array of sessions is damaged: expected a type letter at byte 13",
        ),
        (
            "a:1:{i:0;i:1;}}",
            "the array of sessions cannot be read without PHP: there are more bytes after the end \
             of the value, at byte 14",
        ),
        (
            "a:1:{i:0;C:11:\"ArrayObject\":1:{x}}",
            "the array of sessions cannot be read without PHP: the value at byte 9 is of type C:, \
             which only PHP can read",
        ),
    ];
    for (value, wanted) in rows {
        match read(value.as_bytes(), NOW) {
            Content::Corrupt(corruption) => {
                assert_eq!(corruption.to_string(), wanted, "{value}");
                assert!(
                    corruption.fix().to_lowercase().contains("destroy all"),
                    "{value}"
                );
            }
            Content::Sessions(entries) => panic!("{value}: {entries:?}"),
        }
    }
}

#[test]
fn states_are_what_wordpress_makes_of_an_entry() {
    use EntryState::{Expired, Ignored, Live, Odd};
    let with = |expiration: &str| format!("a:1:{{s:10:\"expiration\";{expiration}}}");
    let no_number = "has an expiration that is no number";
    let rows = [
        ("N;".into(), Ignored("is null")),
        ("b:0;".into(), Ignored("is a boolean")),
        ("b:1;".into(), Ignored("is a boolean")),
        ("d:1.9E+9;".into(), Ignored("is a float")),
        ("a:0:{}".into(), Ignored("has no expiration")),
        (
            "a:1:{s:2:\"ip\";s:1:\"x\";}".into(),
            Ignored("has no expiration"),
        ),
        (with("N;"), Ignored("has null for its expiration")),
        (with("b:0;"), Ignored("has false for its expiration")),
        (with("b:1;"), Live),
        (with("i:1795325032;"), Live),
        (with("i:1795325031;"), Expired),
        (with("d:1795325032.5;"), Live),
        (with("d:INF;"), Live),
        (with("d:NAN;"), Expired),
        (with("s:10:\"1795325032\";"), Live),
        (with("s:10:\"1795325031\";"), Expired),
        (with("s:12:\" 1.8E+9    \t\";"), Live),
        (with("s:5:\"never\";"), Odd(no_number)),
        (with("s:0:\"\";"), Odd(no_number)),
        (with("a:0:{}"), Odd(no_number)),
        (with("O:1:\"x\":0:{}"), Odd(no_number)),
        (
            "s:10:\"1999999999\";".into(),
            Odd("is a string, which breaks WordPress"),
        ),
        (
            "O:1:\"x\":1:{s:10:\"expiration\";i:1999999999;}".into(),
            Odd("is an object, which breaks WordPress"),
        ),
        (
            "E:3:\"S:H\";".into(),
            Odd("is an object, which breaks WordPress"),
        ),
        ("R:1;".into(), Odd("is a reference")),
        (with("R:1;"), Odd("has a reference for its expiration")),
    ];
    for (session, wanted) in rows {
        let session: String = session;
        assert_eq!(state(&session), wanted, "{session}");
    }
}

#[test]
fn the_last_duplicate_counts_at_the_place_of_the_first() {
    let value = "a:3:{s:1:\"5\";i:1;s:1:\"b\";i:1999999999;i:5;a:4:{s:10:\"expiration\";i:1;\
                 s:5:\"login\";i:7;s:10:\"expiration\";i:1999999998;s:5:\"login\";s:1:\"8\";}}";
    let entries = entries(value);
    let keys: Vec<_> = entries.iter().map(|entry| entry.key.to_string()).collect();
    assert_eq!(keys, ["5", "b"]);
    assert_eq!(entries[0].state, EntryState::Live);
    assert_eq!(
        login_of(&entries[0]),
        None,
        "a login that is no integer is no login"
    );
    let fields = vec![
        (Key::Text("expiration".into()), Value::Int(1_999_999_998)),
        (Key::Text("login".into()), Value::Text("8".into())),
    ];
    assert_eq!(entries[0].fields(value.as_bytes()), fields);
}

#[test]
fn nested_fields_do_not_pass_for_the_sessions_own() {
    let value = "a:1:{i:0;a:2:{s:1:\"x\";a:2:{s:10:\"expiration\";i:1999999999;s:5:\"login\";i:1;}\
                 s:10:\"Expiration\";i:1999999999;}}";
    let entries = entries(value);
    assert_eq!(entries[0].state, EntryState::Ignored("has no expiration"));
    assert_eq!(login_of(&entries[0]), None);
}
