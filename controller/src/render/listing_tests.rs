//! Whole listings, as observed on WP-CLI (where Kickout does not differ on purpose).

use kickout_shared::session::Session;
use kickout_shared::user::User;
use kickout_shared::value::Key;
use proptest::prelude::*;

use super::*;
use crate::render::escape::is_hidden;
use crate::render::fields_or_default;

const NOW: i64 = 1_700_000_000;
const PIPE: Terminal = Terminal {
    tty: false,
    boxed: false,
    width: 80,
    color: false,
};
const TTY: Terminal = Terminal {
    tty: true,
    boxed: true,
    width: 100,
    color: true,
};

fn session(letter: &str, fields: &[(&str, Value)]) -> Session {
    let mut all = vec![(Key::Text("expiration".into()), Value::Int(4_102_444_800))];
    all.extend(
        fields
            .iter()
            .map(|(key, value)| (Key::Text((*key).into()), value.clone())),
    );
    let token = Key::Text(letter.repeat(64).into());
    Session {
        user_id: 1,
        user_login: "admin".into(),
        token,
        fields: all,
    }
}

fn with_agent(user_agent: &[u8]) -> Session {
    let fields = [
        ("ip", Value::Text("10.0.0.1".into())),
        ("ua", Value::Text(user_agent.into())),
        ("login", Value::Int(NOW)),
    ];
    session("a", &fields)
}

fn three() -> Vec<Session> {
    let one = |letter, ip: &str, ua: &str, login| {
        let ip = ("ip", Value::Text(ip.into()));
        session(
            letter,
            &[
                ip,
                ("ua", Value::Text(ua.into())),
                ("login", Value::Int(login)),
            ],
        )
    };
    vec![
        one("c", "1.1.1.1", "first", 1_700_000_300),
        one("a", "2.2.2.2", "second", 1_700_000_100),
        one("b", "3.3.3.3", "third", 1_700_000_200),
    ]
}

fn write<R: Record>(listing: Listing, records: &[R]) -> (Vec<u8>, Vec<String>) {
    let (mut listing, mut out) = (listing, Vec::new());
    for record in records {
        listing.row(record, &mut out).unwrap();
    }
    let warnings = listing.finish(&mut out).unwrap();
    (out, warnings)
}

fn list(format: Format, fields: Option<&str>, terminal: Terminal, rows: &[Session]) -> String {
    let fields = fields_or_default::<Session>(fields, false);
    let (out, warnings) = write(Listing::new(format, fields, None, &terminal, NOW), rows);
    assert!(warnings.is_empty(), "{warnings:?}");
    String::from_utf8(out).unwrap()
}

#[test]
fn nothing_to_list() {
    let header = "token login_time expiration_time ip ua";
    let rows = [
        (Format::Table, header.replace(' ', "\t") + "\n"),
        (Format::Csv, header.replace(' ', ",") + "\n"),
        (Format::Json, "[]\n".to_owned()),
        (Format::JsonLines, String::new()),
        (Format::Yaml, "---\n".to_owned()),
        (Format::Count, "0\n".to_owned()),
        (Format::Ids, String::new()),
    ];
    for (format, expected) in rows {
        assert_eq!(list(format, None, PIPE, &[]), expected, "{format:?}");
    }
    assert_eq!(list(Format::Table, None, TTY, &[]).lines().count(), 3);
    // Without rows nothing is known about a field, so nothing is said.
    assert_eq!(list(Format::Csv, Some("bogus"), PIPE, &[]), "bogus\n");
}

#[test]
fn three_sessions() {
    let (a, b, c) = ("a".repeat(64), "b".repeat(64), "c".repeat(64));
    let fields = Some("token,login_time,ua");
    let rows = [
        (
            Format::Table,
            format!(
                "token\tlogin_time\tua\n{c}\t2023-11-14 22:18:20\tfirst\n\
                 {a}\t2023-11-14 22:15:00\tsecond\n{b}\t2023-11-14 22:16:40\tthird\n"
            ),
        ),
        (
            Format::Csv,
            format!(
                "token,login_time,ua\n{c},\"2023-11-14 22:18:20\",first\n\
                 {a},\"2023-11-14 22:15:00\",second\n{b},\"2023-11-14 22:16:40\",third\n"
            ),
        ),
        (Format::Count, "3\n".to_owned()),
        (Format::Ids, format!("{c} {a} {b}\n")),
    ];
    for (format, expected) in rows {
        assert_eq!(list(format, fields, PIPE, &three()), expected, "{format:?}");
    }
    let ip = |format| list(format, Some("ip"), PIPE, &three());
    assert_eq!(
        ip(Format::Json),
        "[{\"ip\":\"1.1.1.1\"},{\"ip\":\"2.2.2.2\"},{\"ip\":\"3.3.3.3\"}]\n"
    );
    assert_eq!(
        ip(Format::JsonLines).lines().nth(1),
        Some("{\"ip\":\"2.2.2.2\"}")
    );
    assert_eq!(
        ip(Format::Yaml),
        "---\n- \n  ip: 1.1.1.1\n- \n  ip: 2.2.2.2\n- \n  ip: 3.3.3.3\n"
    );
    let piped = Terminal {
        boxed: false,
        ..TTY
    };
    let expected = "ip\tua\n1.1.1.1\tfirst\n2.2.2.2\tsecond\n3.3.3.3\tthird\n";
    assert_eq!(
        list(Format::Table, Some("ip,ua"), piped, &three()),
        expected
    );
}

#[test]
fn a_box_on_a_terminal() {
    let expected = "\
+----------+--------+
| ip       | ua     |
+----------+--------+
| 10.0.0.1 | a    b |
|          | c      |
|          | d      |
+----------+--------+
";
    let row = [with_agent(b"a\tb\nc\r\nd")];
    assert_eq!(list(Format::Table, Some("ip,ua"), TTY, &row), expected);
}

#[test]
fn fields_that_no_row_has() {
    let run = |format, fields: &str, rows: &[Session]| {
        let fields = fields_or_default::<Session>(Some(fields), false);
        let (out, warnings) = write(Listing::new(format, fields, None, &PIPE, NOW), rows);
        (String::from_utf8(out).unwrap(), warnings.join(" "))
    };
    let lost = |name: &str| format!("Field not found in any item: {name}.");
    let one = &three()[..1];
    let json = "[{\"ip\":\"1.1.1.1\",\"bogus\":null}]\n".to_owned();
    assert_eq!(
        run(Format::Json, "ip,bogus,bogus", one),
        (json, lost("bogus"))
    );
    assert_eq!(run(Format::Csv, "", one), ("\n\n".to_owned(), lost("")));
    assert_eq!(
        run(Format::Count, "bogus", one),
        ("1\n".to_owned(), String::new())
    );
    let legacy = [session("a", &[])];
    let row = "token,login_time,ip\n".to_owned() + &"a".repeat(64) + ",,\n";
    assert_eq!(
        run(Format::Csv, "token,login_time,ip", &legacy),
        (row, lost("ip"))
    );
    let null = "[{\"login_time\":null,\"login\":null}]\n".to_owned();
    assert_eq!(
        run(Format::Json, "login_time,login", &legacy),
        (null, lost("login"))
    );
}

#[test]
fn a_doubled_field_is_a_whole_column_and_one_key() {
    let run = |format| list(format, Some("ip, ip"), PIPE, &three()[..1]);
    assert_eq!(run(Format::Csv), "ip,ip\n1.1.1.1,1.1.1.1\n");
    assert_eq!(run(Format::Table), "ip\tip\n1.1.1.1\t1.1.1.1\n");
    assert_eq!(run(Format::Json), "[{\"ip\":\"1.1.1.1\"}]\n");
}

#[test]
fn a_single_field_is_one_value_a_line() {
    let run = |format, rows: &[Session]| {
        let listing = Listing::new(format, Vec::new(), Some(" ua ".to_owned()), &PIPE, NOW);
        String::from_utf8(write(listing, rows).0).unwrap()
    };
    assert_eq!(run(Format::Table, &three()), "first\nsecond\nthird\n");
    assert_eq!(run(Format::Csv, &[with_agent(b"a\nb c")]), "a\\nb c\n");
    assert_eq!(
        run(Format::Json, &three()),
        "[\"first\",\"second\",\"third\"]\n"
    );
    assert_eq!(
        run(Format::JsonLines, &three()),
        "\"first\"\n\"second\"\n\"third\"\n"
    );
    assert_eq!(
        run(Format::Yaml, &three()),
        "---\n- first\n- second\n- third\n"
    );
    assert_eq!(run(Format::Json, &[]), "[]\n");
    assert_eq!(run(Format::Table, &[]), "");
}

#[test]
fn users_are_rows_too() {
    let user = |id, login: &str| User {
        id,
        login: login.into(),
        display_name: login.into(),
        email: "x@y".into(),
        registered: "2023-11-14 22:13:20".into(),
        roles: vec!["author".into(), "editor".into()],
    };
    let users = [user(1, "admin"), user(2, "josé")];
    let run = |format, fields| {
        let fields = fields_or_default::<User>(fields, true);
        let (out, warnings) = write(Listing::new(format, fields, None, &PIPE, NOW), &users);
        assert!(warnings.is_empty());
        String::from_utf8(out).unwrap()
    };
    assert_eq!(run(Format::Ids, None), "1 2\n");
    assert_eq!(
        run(Format::Json, Some("ID,user_login,roles"))
            .lines()
            .next(),
        Some(
            "[{\"ID\":1,\"user_login\":\"admin\",\"roles\":\"author,editor\"},\
             {\"ID\":2,\"user_login\":\"jos\\u00e9\",\"roles\":\"author,editor\"}]"
        )
    );
    let csv = run(Format::Csv, None);
    let second = "2,josé,josé,x@y,\"2023-11-14 22:13:20\",\"author,editor\"";
    assert_eq!(csv.lines().nth(2), Some(second));
}

proptest! {
    #[test]
    fn nothing_raw_reaches_a_terminal(agent: Vec<u8>, text: String) {
        for bytes in [&agent[..], text.as_bytes()] {
            for (name, format) in Format::ALL {
                for terminal in [TTY, Terminal { boxed: false, ..TTY }] {
                    let row = [with_agent(bytes)];
                    let shown = list(format, Some("ip,ua"), terminal, &row);
                    // The tab is the one that separates the cells of a table.
                    let hidden = |c| is_hidden(c) && !matches!(c, '\n' | '\t');
                    prop_assert!(!shown.contains(hidden), "{}: {:?}", name, shown);
                }
            }
        }
    }

    #[test]
    fn json_and_csv_hold_the_data(agents in proptest::collection::vec(any::<String>(), 0..4)) {
        let rows: Vec<Session> = agents.iter().map(|ua| with_agent(ua.as_bytes())).collect();
        let objects: Vec<_> =
            agents.iter().map(|ua| serde_json::json!({"ip": "10.0.0.1", "ua": ua})).collect();
        let run = |format| list(format, Some("ip,ua"), PIPE, &rows);
        let array: Vec<serde_json::Value> = serde_json::from_str(&run(Format::Json)).unwrap();
        prop_assert_eq!(&array, &objects);
        let lines = run(Format::JsonLines);
        let lines: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(&lines, &objects);
        let csv = run(Format::Csv);
        let mut reader = ::csv::Reader::from_reader(csv.as_bytes());
        let cells: Vec<String> = reader.records().map(|row| row.unwrap()[1].to_owned()).collect();
        for (cell, ua) in cells.iter().zip(&agents) {
            let guarded = ua.starts_with(['=', '+', '-', '@', '\t', '\r']);
            prop_assert_eq!(if guarded { &cell[1..] } else { cell }, ua);
        }
        prop_assert_eq!(cells.len(), agents.len());
    }
}
