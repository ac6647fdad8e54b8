//! Two hundred hostile strings against every field: refused, or accepted as exactly that text.

use super::{Container, Host, Jump, KeyPath, Port, RemotePath, User};
use crate::target::{HttpUrl, Target};

/// Pieces that shells, parsers and terminals stumble over.
const NASTY: [&str; 25] = [
    ";",
    "|",
    "&",
    "`id`",
    "$(id)",
    "$USER",
    "${IFS}",
    "'",
    "\"",
    "\\",
    " ",
    "\t",
    "\n",
    "\r",
    "\0",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{85}",
    "%00",
    "*",
    "?",
    "<",
    "#",
    "!",
    "ö",
];

/// The pieces in eight places make two hundred.
fn hostile() -> Vec<String> {
    let mut all = Vec::new();
    for nasty in NASTY {
        all.extend([
            nasty.to_owned(),
            format!("{nasty}a"),
            format!("a{nasty}"),
            format!("a{nasty}b"),
            format!("-{nasty}"),
            format!("-oProxyCommand={nasty}"),
            format!("../{nasty}"),
            format!("{}{nasty}", "a".repeat(5000)),
        ]);
    }
    assert_eq!(all.len(), 200);
    all.extend(
        [
            "",
            "-",
            "--",
            "-it",
            "--privileged",
            "-oProxyCommand=id",
            "xn--",
            "a@",
            ".",
            "..",
        ]
        .map(str::to_owned),
    );
    all
}

#[test]
fn a_hostile_string_is_refused_or_kept_exactly() {
    for text in hostile() {
        let text = text.as_str();
        let names = "._-";
        let check = |accepted: Option<String>, alphabet: Option<&str>| {
            let Some(accepted) = accepted else { return };
            assert_eq!(accepted, text);
            assert!(!text.is_empty() && !text.contains(['\0', '\n']), "{text:?}");
            if let Some(more) = alphabet {
                assert!(!text.starts_with('-'), "{text:?}");
                assert!(
                    text.chars()
                        .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
                );
            }
        };
        check(Host::new(text).ok().map(|v| v.to_string()), Some("._:-"));
        check(User::new(text).ok().map(|v| v.to_string()), Some("._@+-"));
        check(
            Container::new(text).ok().map(|v| v.to_string()),
            Some(names),
        );
        check(
            Jump::new(text).ok().map(|v| v.to_string()),
            Some("._@+-:,[]"),
        );
        check(Port::new(text).ok().map(|v| v.to_string()), Some(""));
        check(RemotePath::new(text).ok().map(|v| v.to_string()), None);
        let key = KeyPath::new(text).ok().map(|v| v.to_string());
        assert!(key.is_none() || !text.starts_with('-'), "{text:?}");
        check(key, None);
        check(HttpUrl::new(text).ok().map(|v| v.to_string()), None);
        // In a connection string no field may come out other than it went in.
        for around in [
            format!("u@{text}:22/p"),
            format!("{text}@h"),
            format!("docker:{text}"),
            format!("docker-compose:{text}/p"),
            format!("docker-compose-run:{text}@web"),
            // What `--via` takes is a connection string that must be an ssh host.
            text.to_owned(),
        ] {
            let Ok(target) = Target::parse(&around) else {
                continue;
            };
            let canonical = target.to_string();
            assert_eq!(Target::parse(&canonical).unwrap(), target, "{around:?}");
            // Nothing but the colon before a path is added.
            let kept = canonical.replace(':', "").contains(&text.replace(':', ""));
            assert!(kept, "{around:?} became {canonical:?}");
        }
    }
}

#[test]
fn a_refusal_never_repeats_raw_control_characters() {
    for text in hostile() {
        let Err(error) = Target::parse(&format!("u@{text}")) else {
            continue;
        };
        let shown = format!("{error} {}", error.fix());
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        assert!(!shown.contains('\u{202e}'), "{shown:?}");
    }
}

#[test]
fn plain_values_are_accepted() {
    for host in [
        "h",
        "foo.com",
        "a_b-c.d",
        "10.0.0.1",
        "::1",
        "fe80::1",
        "xn--h-1ga.example",
        "0",
    ] {
        assert_eq!(Host::new(host).unwrap().as_str(), host);
    }
    for host in [
        "a:b",
        "1:2",
        "::g",
        "[::1]",
        "hö",
        "h\u{202e}",
        &"a".repeat(300),
    ] {
        assert!(Host::new(host).is_err(), "{host:?}");
    }
    for user in ["u", "a.b@c+d-e_f", "0", "www-data"] {
        assert_eq!(User::new(user).unwrap().as_str(), user);
    }
    for (text, port) in [("1", 1), ("22", 22), ("65535", 65535), ("0022", 22)] {
        assert_eq!(Port::new(text).unwrap().get(), port);
    }
    for port in [
        "",
        "0",
        "00",
        "65536",
        "+22",
        "-1",
        "22x",
        " 22",
        "99999999999999999999",
    ] {
        assert!(Port::new(port).is_err(), "{port:?}");
    }
    for path in ["-p", "/a'b\"c$(d)", "~bob", " ", "\r", &"x".repeat(4096)] {
        assert_eq!(RemotePath::new(path).unwrap().as_str(), path);
    }
    assert!(RemotePath::new(&"x".repeat(4097)).is_err());
    for jump in ["j", "u@j:22", "a,b@c:2,[::1]:3", "a@b@c"] {
        assert_eq!(Jump::new(jump).unwrap().to_string(), jump);
    }
    for jump in [
        "", ",", "a,", "-oX", "a,-b", "u@-h", "a:0", "[::1", "a b", "ssh://h",
    ] {
        assert!(Jump::new(jump).is_err(), "{jump:?}");
    }
    for container in ["c", "0a", "a_b.c-d"] {
        assert_eq!(Container::new(container).unwrap().as_str(), container);
    }
    for container in ["", "_a", ".a", "-it", "--privileged", "a/b", "a:b"] {
        assert!(Container::new(container).is_err(), "{container:?}");
    }
}
