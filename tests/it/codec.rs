//! The serialized codec against PHP itself: one real `php` process says what it reads and what it
//! would store, for tens of thousands of values. No server, no site.

mod random;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kickout_agent::engine::native::serialize::{ParseError, Scanner};
use kickout_agent::engine::native::splice::{self, Edit, Refusal};
use kickout_agent::engine::native::tokens::{self, Content, EntryState};
use kickout_shared::value::Key;

use random::Random;

const NOW: i64 = 1_795_325_032;
const SEED: u64 = 20_261_121;
const VALUES: usize = 25_000;

#[test]
fn removal_stores_what_php_would_store() {
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for line in made_values(SEED, VALUES).lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| case[name].as_str().unwrap();
        let keys = |name: &str| -> Vec<&str> {
            case[name]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| key.as_str().unwrap())
                .collect()
        };
        let value = unhex(text("value"));
        let shown = String::from_utf8_lossy(&value);

        let Content::Sessions(entries) = tokens::read(&value, NOW) else {
            panic!("{shown}")
        };
        let live: Vec<String> = entries
            .iter()
            .filter(|entry| entry.is_live())
            .map(|entry| named(&entry.key))
            .collect();
        assert_eq!(live, keys("live"), "live sessions of {shown}");

        let drop = keys("drop");
        let edit = splice::remove(&value, NOW, &|entry| {
            drop.contains(&named(&entry.key).as_str())
        });
        let outcome = match &edit {
            Ok(Edit::Rewrite(edited)) => {
                let wanted = unhex(text("edited"));
                let (ours, php) = (
                    String::from_utf8_lossy(edited),
                    String::from_utf8_lossy(&wanted),
                );
                assert!(
                    *edited == wanted,
                    "{shown}\nwithout {drop:?}\nours {ours}\nphp  {php}"
                );
                match ours.contains("r:") || ours.contains("R:") {
                    true => "rewrite with references",
                    false => "rewrite",
                }
            }
            Ok(Edit::Empty) => "empty",
            Ok(Edit::Unchanged) => "unchanged",
            Err(Refusal::ReferenceIntoRemoved { .. }) => "refused",
            Err(refusal) => panic!("{refusal} for {shown} without {drop:?}"),
        };
        let wanted = if case["shared"] == true {
            "refused"
        } else {
            text("outcome")
        };
        assert!(
            outcome.starts_with(wanted),
            "{outcome}, not {wanted}: {shown} without {drop:?}"
        );
        *outcomes.entry(outcome).or_default() += 1;
    }
    println!("{outcomes:?}");
    assert_eq!(outcomes.values().sum::<usize>(), VALUES);
    for outcome in [
        "rewrite",
        "rewrite with references",
        "empty",
        "unchanged",
        "refused",
    ] {
        assert!(
            outcomes.get(outcome) > Some(&500),
            "too few to mean anything: {outcomes:?}"
        );
    }
}

#[test]
fn the_parser_accepts_what_php_accepts() {
    let mut random = Random(SEED);
    let made = made_values(SEED + 1, 4000);
    let made: Vec<Vec<u8>> = made
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|case| unhex(case["value"].as_str().unwrap()))
        .filter(|value| value.len() < 1500)
        .collect();
    let rows = std::fs::read_to_string(data("rows.txt")).unwrap();
    let mut values: Vec<Vec<u8>> = UNPRINTABLE.map(<[u8]>::to_vec).to_vec();
    values.extend(rows.lines().map(|row| row.as_bytes().to_vec()));
    values.extend((0..VALUES).map(|n| match n % 3 {
        0 => random.value(0),
        1 => {
            let value = random.value(0);
            random.mutated(value)
        }
        _ => {
            let value = random.one(&made).clone();
            random.mutated(value)
        }
    }));
    let parsed: Vec<Option<ParseError>> = values
        .iter()
        .map(|value| Scanner::new(value).find_map(Result::err))
        .collect();
    // What stands before bytes too many must be accepted: ask about that too.
    let before = |(value, error): (&Vec<u8>, &Option<ParseError>)| match error {
        Some(ParseError::Trailing { at }) => value[..*at].to_vec(),
        _ => b"i:0;".to_vec(),
    };
    let asked: Vec<Vec<u8>> = std::iter::zip(&values, &parsed)
        .flat_map(|pair| [pair.0.clone(), before(pair)])
        .collect();
    let verdicts = verdicts(&asked);
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    for ((value, error), verdict) in values.iter().zip(&parsed).zip(verdicts.chunks(2)) {
        let accepted = verdict[0] != "-";
        let class = match error {
            None if accepted => same_sessions(value, &verdict[0]),
            None if contains(value, b"E:") => "enum that PHP does not know",
            Some(ParseError::Trailing { .. }) if verdict[1] != "-" => "bytes after the end",
            Some(ParseError::NeedsPhp { .. }) => "C: or S:",
            Some(ParseError::TooDeep { .. }) => "too deep",
            Some(ParseError::Ambiguous { .. }) => "references and duplicate keys",
            Some(_) if !accepted => "rejected by both",
            _ => panic!(
                "{:?}: php {verdict:?}, ours {error:?}",
                String::from_utf8_lossy(value)
            ),
        };
        *classes.entry(class).or_default() += 1;
    }
    println!("{classes:?}");
    let of = |class: &str| classes.get(class).copied().unwrap_or_default();
    assert!(
        of("sessions") > 2000 && of("rejected by both") > 5000,
        "{classes:?}"
    );
    let stricter = values.len() - of("sessions") - of("no sessions") - of("rejected by both");
    assert!(
        stricter < values.len() / 5,
        "too much is left unsaid: {classes:?}"
    );
}

/// Checks keys, order and liveness of an accepted value against PHP's verdict.
fn same_sessions(value: &[u8], verdict: &str) -> &'static str {
    let shown = String::from_utf8_lossy(value);
    let entries = match tokens::read(value, NOW) {
        Content::Sessions(entries) => entries,
        Content::Corrupt(reason) => {
            assert_eq!(verdict, "+", "{reason}: {shown}");
            return "no sessions";
        }
    };
    let states: Vec<&str> = verdict.split(' ').skip(1).collect();
    assert_eq!(entries.len(), states.len(), "{verdict}: {shown}");
    for (entry, state) in entries.iter().zip(states) {
        let (key, state) = state.split_once('=').unwrap();
        assert_eq!(named(&entry.key), key, "{verdict}: {shown}");
        match entry.state {
            EntryState::Live => assert_eq!(state, "live", "{key} in {shown}"),
            EntryState::Expired | EntryState::Ignored(_) => {
                assert_eq!(state, "dead", "{key} in {shown}");
            }
            EntryState::Odd(_) => {}
        }
    }
    "sessions"
}

/// Rows that chance would not find, beside those in `data/codec/rows.txt`.
const UNPRINTABLE: [&[u8]; 7] = [
    b"",
    b" ",
    b"O:1:\"\0\":0:{}",
    b"O:1:\"\x7f\":0:{}",
    b"O:1:\"\x80\":0:{}",
    b"\0\t\n\r\x0b a:1:{i:0;i:1;} \0\x0b\n",
    b"\x0ca:1:{i:0;i:1;}",
];

/// What `data/codec/sessions.php` prints.
fn made_values(seed: u64, count: usize) -> String {
    php(
        "sessions.php",
        &[seed.to_string(), count.to_string(), NOW.to_string()],
        String::new(),
    )
}

/// What `data/codec/verdicts.php` says of each value.
fn verdicts(values: &[Vec<u8>]) -> Vec<String> {
    let lines: String = values.iter().map(|value| hex(value) + "\n").collect();
    let said = php("verdicts.php", &[NOW.to_string()], lines);
    let verdicts: Vec<String> = said.lines().map(str::to_owned).collect();
    assert_eq!(verdicts.len(), values.len());
    verdicts
}

fn php(script: &str, args: &[String], stdin: String) -> String {
    let mut child = Command::new("php")
        .args([
            "-n",
            "-d",
            "memory_limit=512M",
            "-d",
            "display_errors=stderr",
        ])
        .arg(data(script))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("these tests need php-cli, 8.1 or newer");
    let mut to_php = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || to_php.write_all(stdin.as_bytes()).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{script}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data/codec")
        .join(name)
}

/// A key as the scripts name it.
fn named(key: &Key) -> String {
    match key {
        Key::Int(number) => format!("i:{number}"),
        Key::Text(text) => format!("s:{}", hex(&text.0)),
    }
}

fn contains(value: &[u8], needle: &[u8]) -> bool {
    value.windows(needle.len()).any(|window| window == needle)
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
    text.as_bytes()
        .chunks(2)
        .map(|pair| value(pair[0]) << 4 | value(pair[1]))
        .collect()
}
