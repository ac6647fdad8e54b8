//! What an edit keeps, drops, renumbers and refuses. Compared with PHP itself in the integration
//! tests.

use proptest::prelude::*;

use super::super::tokens::{Content, read};
use super::*;

const NOW: i64 = 1_000;

/// The edit that removes one key, as text.
fn without(key: &str, value: &str) -> String {
    let drop = |entry: &Entry| entry.key.to_bytes() == key.as_bytes();
    match remove(value.as_bytes(), NOW, &drop) {
        Ok(Edit::Rewrite(edited)) => String::from_utf8(edited).unwrap(),
        Ok(Edit::Empty) => "empty".into(),
        Ok(Edit::Unchanged) => "unchanged".into(),
        Err(refusal) => refusal.to_string(),
    }
}

/// A live session under `key` with one more field.
fn session(key: &str, extra: &str) -> String {
    let length = key.len();
    format!("s:{length}:\"{key}\";a:2:{{s:10:\"expiration\";i:2000;s:1:\"x\";{extra}}}")
}

fn list(entries: &[String]) -> String {
    format!("a:{}:{{{}}}", entries.len(), entries.concat())
}

#[test]
fn one_goes_and_the_others_stay_byte_for_byte() {
    let odd = session("b", "d:1.50E+00;").replace("i:2000;", "i:+02000;");
    let value = list(&[session("a", "N;"), odd.clone(), session("c", "i:007;")]);
    let wanted = list(&[odd, session("c", "i:007;")]);
    assert_eq!(without("a", &value), wanted);
    assert_eq!(
        without("a", &format!(" \0{value}\n")),
        wanted,
        "white space goes"
    );
    assert_eq!(without("z", &value), "unchanged");
    assert_eq!(without("a", &list(&[session("a", "N;")])), "empty");
}

#[test]
fn expired_and_ignored_entries_go_too_and_bare_integers_become_arrays() {
    let rest = "i:1;i:999;i:2;N;i:3;i:1000;i:4;s:1:\"x\";";
    let value = format!("a:5:{{{}{rest}}}", session("a", "N;"));
    let wanted = "a:2:{i:3;a:1:{s:10:\"expiration\";i:1000;}i:4;s:1:\"x\";}";
    assert_eq!(without("a", &value), wanted);
    assert_eq!(without("z", &value), "unchanged");
    assert_eq!(
        without("1", &value).matches("i:2000").count(),
        1,
        "an expired one was chosen"
    );
    assert_eq!(
        without(
            "a",
            &format!("a:3:{{{}i:1;i:999;i:2;N;}}", session("a", "N;"))
        ),
        "empty"
    );
}

#[test]
fn references_are_renumbered() {
    let object = "O:1:\"o\":1:{s:1:\"p\";i:1;}";
    // Slots: root 1, a 2-4, b 5 (6 expiration, 7 object, 8 its property), c 9-11.
    let shared = |slot: u32| session("c", &format!("r:{slot};"));
    let value = list(&[session("a", "N;"), session("b", object), shared(7)]);
    assert_eq!(
        without("a", &value),
        list(&[session("b", object), shared(4)])
    );
    let value = list(&[session("b", object), session("a", "R:3;"), shared(4)]);
    assert_eq!(
        without("a", &value),
        list(&[session("b", object), shared(4)])
    );
    // A bare integer before the target takes one slot more, an expired one takes none.
    let before = |entries: &str| format!("a:5:{{{entries}{}{}}}", session("b", object), shared(9));
    let value = before(&format!("i:1;i:1000;i:2;i:999;{}", session("a", "N;")));
    let wrapped = "i:1;a:1:{s:10:\"expiration\";i:1000;}";
    let wanted = format!("a:3:{{{wrapped}{}{}}}", session("b", object), shared(6));
    assert_eq!(without("a", &value), wanted);
}

#[test]
fn a_reference_into_what_changes_is_refused() {
    let refused =
        |slot: u32| format!("the session `c` refers to slot {slot}, which does not stay as it is");
    let object = session("a", "O:1:\"o\":0:{}");
    let shared = session("c", "r:4;");
    assert_eq!(without("a", &list(&[object, shared])), refused(4));
    let to_whole = list(&[session("a", "N;"), session("c", "R:1;")]);
    assert_eq!(without("a", &to_whole), refused(1));
    let bare = [
        "i:5;i:2000;".to_owned(),
        session("a", "N;"),
        session("c", "R:2;"),
    ];
    assert_eq!(without("a", &list(&bare)), refused(2));
    assert_eq!(
        without("c", &list(&bare)).matches("expiration").count(),
        2,
        "c itself may go"
    );
}

#[test]
fn what_cannot_be_followed_is_refused_with_advice() {
    let twice = list(&[session("a", "N;"), session("a", "i:1;")]);
    assert_eq!(
        without("a", &twice),
        "the key `a` stands twice in the value"
    );
    let custom = list(&[session("a", "N;"), session("b", "C:1:\"x\":0:{}")]);
    assert!(without("a", &custom).contains("which only PHP can read"));
    let refusal = remove(b"a:1:{", NOW, &|_| true).unwrap_err();
    assert!(refusal.fix().contains("needs no parsing"), "{refusal}");
}

#[test]
fn forty_thousand_sessions_are_no_trouble() {
    let ua = format!("s:180:\"{}\";", "u".repeat(180));
    let entries: Vec<String> = (0..40_000)
        .map(|n| session(&format!("{n:064}"), &ua))
        .collect();
    let value = list(&entries);
    assert_eq!(
        without(&format!("{:064}", 20_000), &value).len(),
        value.len() - entries[0].len()
    );
}

proptest! {
    #[test]
    fn what_is_kept_is_what_was_alive_and_not_chosen(
        sessions in proptest::collection::btree_map(
            "[a-z0-9]{1,3}",
            (0..8_u8, 900..1100_i64, any::<bool>()),
            1..9,
        ),
    ) {
        let entry = |(key, (form, at, _)): (&String, &(u8, i64, bool))| {
            let value = match form {
                0 => format!("i:{at};"),
                1 => "N;".to_owned(),
                2 => format!("s:4:\"{at:04}\";"),
                _ => format!("a:2:{{s:1:\"x\";R:1;s:10:\"expiration\";i:{at};}}"),
            };
            format!("s:{}:\"{key}\";{}", key.len(), value.replace("R:1;", "d:-INF;"))
        };
        let value = list(&sessions.iter().map(entry).collect::<Vec<_>>());
        let is_chosen = |key: &str| sessions.get(key).is_some_and(|session| session.2);
        let chosen = |entry: &Entry| is_chosen(&entry.key.to_string());
        let keys = |value: &[u8]| match read(value, NOW) {
            Content::Sessions(entries) => {
                entries.iter().filter(|e| e.is_live()).map(|e| e.key.to_string()).collect()
            }
            Content::Corrupt(corruption) => vec![corruption.to_string()],
        };
        let mut wanted = keys(value.as_bytes());
        wanted.retain(|key| !is_chosen(key));
        match remove(value.as_bytes(), NOW, &chosen) {
            Ok(Edit::Rewrite(edited)) => prop_assert_eq!(keys(&edited), wanted),
            Ok(Edit::Empty) => prop_assert!(wanted.is_empty()),
            Ok(Edit::Unchanged) => prop_assert!(sessions.values().all(|session| !session.2)),
            Err(refusal) => prop_assert!(false, "{refusal}"),
        }
    }

    #[test]
    fn no_bytes_upset_it(bytes: Vec<u8>, cut in 0_usize..200, byte: u8, now: i64) {
        let mut near = list(&[session("a", "O:1:\"o\":0:{}"), session("b", "r:4;")]).into_bytes();
        let cut = cut % near.len();
        near[cut] = byte;
        for value in [&bytes, &near] {
            let _ = remove(value, now, &|entry| entry.raw.start % 2 == 0);
        }
    }
}
