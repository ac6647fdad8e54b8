//! The connection strings of WP-CLI, case by case: what its grammar sees, and what Kickout makes
//! of it.

use kickout::target::{Scheme, Target, parse_connection};
use serde_json::{Map, Value};

/// Cases whose typed answer is not WP-CLI's: id, number of the difference (design §5), why.
const DIFFERENCES: [(&str, u8, &str); 13] = [
    (
        "ssh-parse-012",
        8,
        "a host that begins with a hyphen is refused while parsing",
    ),
    ("ssh-parse-x012", 8, "port 0 is refused instead of dropped"),
    ("ssh-parse-x013", 8, "a host with an @ is refused"),
    ("ssh-parse-x015", 8, "an IPv6 address in brackets parses"),
    ("ssh-parse-x021", 8, "a port above 65535 is refused"),
    ("ssh-parse-x022", 8, "ssh://user@host/path parses as a URL"),
    ("ssh-parse-x023", 8, "https is no host"),
    ("ssh-parse-x027", 8, "a host with an @ is refused"),
    ("ssh-parse-x028", 8, "a host with an @ is refused"),
    ("ssh-parse-x038", 8, "a line break is refused"),
    (
        "ssh-parse-x040",
        8,
        "an internationalised host must be in its xn-- form",
    ),
    (
        "ssh-parse-x046",
        8,
        "a host that begins with a hyphen is refused while parsing",
    ),
    (
        "ssh-parse-x049",
        8,
        "a host with a question mark is refused",
    ),
];

/// The cases of this group: id, connection string, expected pieces.
fn cases() -> Vec<(String, String, Map<String, Value>)> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/wpcli-cases.json");
    let text = std::fs::read_to_string(file).expect("the cases are there");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("the cases are JSON");
    let ours = cases
        .into_iter()
        .filter(|case| case["group"] == "ssh-parse")
        .map(|case| {
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let pieces = case["expect"].as_object().expect("a map of pieces").clone();
            (
                text(&case["id"]),
                text(&case["input"]["connection"]),
                pieces,
            )
        });
    ours.collect()
}

fn pieces(found: [(&str, Option<String>); 5]) -> Map<String, Value> {
    let present = found
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    present
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}

#[test]
fn the_grammar_is_wp_clis() {
    let cases = cases();
    assert!(cases.len() >= 55, "only {} cases", cases.len());
    for (id, connection, expect) in cases {
        let found = parse_connection(&connection);
        let text = |piece: Option<&str>| piece.map(str::to_owned);
        let found = pieces([
            ("scheme", text(found.scheme.map(Scheme::as_str))),
            ("user", text(found.user)),
            ("host", text(found.host)),
            ("port", text(found.port)),
            ("path", text(found.path)),
        ]);
        assert_eq!(found, expect, "{id}: {connection:?}");
    }
}

#[test]
fn every_connection_string_is_matched_or_a_named_difference() {
    let cases = cases();
    for (id, number, _) in DIFFERENCES {
        assert!(
            cases.iter().any(|case| case.0 == id) && (1..=12).contains(&number),
            "{id}"
        );
    }
    for (id, connection, mut expect) in cases {
        let typed = Target::parse(&connection);
        // What typed targets do not keep: that the scheme was written, and a container's port.
        let scheme = expect
            .get("scheme")
            .and_then(Value::as_str)
            .unwrap_or("ssh")
            .to_owned();
        if !expect.is_empty() {
            expect.insert("scheme".to_owned(), scheme.clone().into());
        }
        if scheme != "ssh" {
            expect.remove("port");
        }
        let found = typed.as_ref().map(typed_pieces).unwrap_or_default();
        let named = DIFFERENCES.iter().find(|difference| difference.0 == id);
        match named {
            None => assert_eq!(found, expect, "{id}: {connection:?} became {typed:?}"),
            Some((_, number, why)) => assert_ne!(
                found, expect,
                "{id} matches WP-CLI: take it off the list ({number}: {why})"
            ),
        }
    }
}

fn typed_pieces(target: &Target) -> Map<String, Value> {
    let (scheme, host, port) = match target {
        Target::Ssh(ssh) => (
            "ssh",
            ssh.host.to_string(),
            ssh.port.map(|port| port.to_string()),
        ),
        Target::Docker(inside) => ("docker", inside.name.to_string(), None),
        Target::DockerCompose(inside) => ("docker-compose", inside.name.to_string(), None),
        Target::DockerComposeRun(inside) => ("docker-compose-run", inside.name.to_string(), None),
        Target::Vagrant(vagrant) => (
            "vagrant",
            vagrant
                .machine
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            None,
        ),
        Target::Local | Target::Http(_) => return Map::new(),
    };
    pieces([
        ("scheme", Some(scheme.to_owned())),
        ("user", target.user().map(ToString::to_string)),
        ("host", Some(host)),
        ("port", port),
        ("path", target.path().map(ToString::to_string)),
    ])
}
