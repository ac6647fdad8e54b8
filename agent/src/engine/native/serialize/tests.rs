//! The parser alone: slots, limits, and that no bytes can upset it. What PHP accepts is compared
//! with PHP itself in the integration tests.

use std::collections::BTreeMap;

use kickout_shared::bytes::Bytes;
use kickout_shared::value::Value;
use proptest::prelude::*;

use super::number::decimal_key;
use super::*;

fn error(value: impl AsRef<[u8]>) -> Option<ParseError> {
    Scanner::new(value.as_ref()).find_map(Result::err)
}

#[test]
fn every_value_takes_a_slot_and_keys_and_php_references_take_none() {
    let value = concat!(
        r#"a:6:{s:1:"a";i:5;i:7;a:1:{i:0;N;}s:1:"o";O:8:"stdClass":1:{s:1:"p";b:1;}"#,
        r#"s:1:"r";r:5;s:1:"R";R:2;s:1:"e";E:11:"Suit:Hearts";}"#,
    );
    let steps: Vec<_> = Scanner::new(value.as_bytes())
        .map(Result::unwrap)
        .map(|step| (step.depth, step.slots, &value[step.start..step.end]))
        .collect();
    let wanted = [
        (0, 1, "a:6:{"),
        (1, 2, r#"s:1:"a";i:5;"#),
        (1, 3, "i:7;a:1:{"),
        (2, 4, "i:0;N;"),
        (1, 4, "i:7;a:1:{i:0;N;}"),
        (1, 5, r#"s:1:"o";O:8:"stdClass":1:{"#),
        (2, 6, r#"s:1:"p";b:1;"#),
        (1, 6, r#"s:1:"o";O:8:"stdClass":1:{s:1:"p";b:1;}"#),
        (1, 7, r#"s:1:"r";r:5;"#),
        (1, 7, r#"s:1:"R";R:2;"#),
        (1, 8, r#"s:1:"e";E:11:"Suit:Hearts";"#),
        (0, 8, value),
    ];
    assert_eq!(steps, wanted);
}

#[test]
fn php_white_space_around_a_value_is_no_part_of_it() {
    let steps: Vec<_> = Scanner::new(b" \t\n\r\0\x0bi:5; \t\n\r\0\x0b").collect();
    assert!(
        matches!(
            &steps[..],
            [Ok(Step {
                item: Item::Int(5),
                start: 6,
                end: 10,
                ..
            })]
        ),
        "{steps:?}"
    );
    assert!(error(b"\x0ci:5;").is_some(), "a form feed is not trimmed");
}

#[test]
fn every_error_says_what_and_where() {
    let rows: [(&[u8], &str); 14] = [
        (b"", "the value is cut off after 0 bytes"),
        (b"a:1:{i:0;", "the value is cut off after 9 bytes"),
        (
            b"s:3:\"ab",
            "a string at byte 2 is declared 3 bytes long, more than there are",
        ),
        (
            b"s:1:\"ab\";",
            "expected \" after the declared number of bytes at byte 6",
        ),
        (b"s:-1:\"\";", "expected digits at byte 2"),
        (b"x:1;", "expected a type letter at byte 0"),
        (b"b:2;", "expected 0 or 1 at byte 2"),
        (b"i:9e9;", "expected ; after an integer at byte 3"),
        (b"a:1:{d:1;i:1;}", "expected an array key at byte 5"),
        (
            b"a:1:{i:0;i:1;i:1;i:2;}",
            "expected } after the declared number of entries at byte 13",
        ),
        (
            b"i:5;x",
            "there are more bytes after the end of the value, at byte 4",
        ),
        (
            b"a:1:{i:0;r:1;}",
            "the reference at byte 9 points to slot 1, where nothing can be referred to",
        ),
        (
            b"C:1:\"x\":0:{}",
            "the value at byte 0 is of type C:, which only PHP can read",
        ),
        (
            b" a:3:{i:0;O:1:\"x\":0:{}i:0;i:5;i:1;R:2;}",
            "there is a reference at byte 34 and an array that has a key twice",
        ),
    ];
    for (value, wanted) in rows {
        let error = error(value).unwrap();
        let shown = value.escape_ascii();
        assert_eq!(error.to_string(), wanted, "{shown}");
        assert!(error.fix().contains("--all"), "{shown}");
    }
}

#[test]
fn depth_and_declared_counts_cost_nothing() {
    let nested = |depth: usize| format!("{}N;{}", "a:1:{i:0;".repeat(depth), "}".repeat(depth));
    assert_eq!(error(nested(MAX_DEPTH)), None);
    let at = 9 * MAX_DEPTH;
    assert_eq!(
        error(nested(MAX_DEPTH + 1)),
        Some(ParseError::TooDeep { at })
    );
    assert_eq!(error(nested(1_000_000)), Some(ParseError::TooDeep { at }));
    assert_eq!(
        error("a:100000000:{}"),
        Some(ParseError::Unexpected {
            at: 13,
            wanted: "a type letter",
        })
    );
    assert!(error("s:99999999999999999999999:\"\";").is_some());
}

#[test]
fn decoding_names_what_it_does_not_follow() {
    let nested = format!("a:1:{{i:0;{}N;{}}}", "a:1:{i:0;".repeat(17), "}".repeat(17));
    let mut value = decode(nested.as_bytes()).unwrap();
    for _ in 0..=16 {
        let Value::Array(entries) = value else {
            panic!("{value:?}")
        };
        value = entries[0].1.clone();
    }
    assert_eq!(value, Value::Opaque("array nested too deeply".into()));

    let value = r#"a:4:{i:3;O:3:"A\B":1:{i:0;a:1:{i:0;i:0;}}i:1;r:2;i:3;i:9;i:0;E:3:"S:H";}"#;
    assert_eq!(
        decode(value.as_bytes()),
        None,
        "references beside duplicate keys"
    );
    let value = value.replace("r:2;", "N;");
    let entries = vec![
        (Key::Int(3), Value::Int(9)),
        (Key::Int(1), Value::Null),
        (Key::Int(0), Value::Opaque("enum S:H".into())),
    ];
    assert_eq!(decode(value.as_bytes()), Some(Value::Array(entries)));
    assert_eq!(
        decode(br#"a:2:{i:0;O:1:"x":0:{}i:1;r:2;}"#),
        Some(Value::Array(vec![
            (Key::Int(0), Value::Opaque("object of x".into())),
            (Key::Int(1), Value::Opaque("reference to slot 2".into())),
        ]))
    );
    assert_eq!(decode(b"a:1:{i:0;i:1;}}"), None);
}

fn print(value: &Value, out: &mut Vec<u8>) {
    let mut text = |letter: char, text: &[u8]| {
        out.extend_from_slice(format!("{letter}:{}:\"", text.len()).as_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"\";");
    };
    match value {
        Value::Null => out.extend_from_slice(b"N;"),
        Value::Bool(flag) => out.extend_from_slice(format!("b:{};", u8::from(*flag)).as_bytes()),
        Value::Int(number) => out.extend_from_slice(format!("i:{number};").as_bytes()),
        Value::Float(number) if number.is_infinite() => {
            let sign = if *number < 0.0 { "-" } else { "" };
            out.extend_from_slice(format!("d:{sign}INF;").as_bytes());
        }
        Value::Float(number) => out.extend_from_slice(format!("d:{number};").as_bytes()),
        Value::Text(bytes) => text('s', &bytes.0),
        Value::Array(entries) => {
            out.extend_from_slice(format!("a:{}:{{", entries.len()).as_bytes());
            for (key, value) in entries {
                match key {
                    Key::Int(number) => print(&Value::Int(*number), out),
                    Key::Text(bytes) => print(&Value::Text(bytes.clone()), out),
                }
                print(value, out);
            }
            out.push(b'}');
        }
        Value::Opaque(what) => panic!("{what}"),
        Value::Large(size) => panic!("{size}"),
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..12);
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>()
            .prop_filter("NAN is never equal", |number| !number.is_nan())
            .prop_map(Value::Float),
        bytes().prop_map(|bytes| Value::Text(Bytes(bytes))),
    ];
    let key = prop_oneof![
        any::<i64>().prop_map(Key::Int),
        bytes()
            .prop_filter("decimal keys are integers", |bytes| decimal_key(bytes)
                .is_none())
            .prop_map(|bytes| Key::Text(Bytes(bytes))),
    ];
    scalar.prop_recursive(5, 40, 6, move |inner| {
        proptest::collection::btree_map(key.clone(), inner, 0..6)
            .prop_map(|entries: BTreeMap<Key, Value>| Value::Array(entries.into_iter().collect()))
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(value in any_value()) {
        let mut printed = Vec::new();
        print(&value, &mut printed);
        prop_assert_eq!(decode(&printed), Some(value));
    }

    #[test]
    fn a_printed_value_that_lost_its_end_is_refused(value in any_value(), cut in 1_usize..20) {
        let mut printed = Vec::new();
        print(&value, &mut printed);
        printed.truncate(printed.len().saturating_sub(cut));
        prop_assert_eq!(decode(&printed), None);
    }

    #[test]
    fn no_bytes_upset_the_parser(bytes: Vec<u8>, words in words()) {
        let steps = Scanner::new(&bytes).chain(Scanner::new(&words)).chain(Scanner::part(&words));
        for step in steps.map_while(Result::ok) {
            prop_assert!(step.start <= step.value && step.value <= step.end);
        }
    }
}

/// Bytes that look much like serialized data.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "a:",
        "O:",
        "s:",
        "i:",
        "d:",
        "b:",
        "r:",
        "R:",
        "E:",
        "C:",
        "S:",
        "N;",
        "0",
        "1",
        "2",
        "9",
        "99999999999999999999",
        "-",
        "+",
        ".",
        ";",
        ":",
        "\"",
        "{",
        "}",
        "a:1:{",
        "a:2:{",
        "i:0;",
        "i:1;",
        "s:1:\"x\";",
        "O:1:\"x\":1:{",
        "r:2;",
        "R:1;",
        "NAN",
        "\\",
        " ",
        "\0",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..40)
        .prop_map(|words| words.concat().into_bytes())
}
