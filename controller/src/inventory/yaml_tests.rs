//! Scalars as typed, broken files with their line, and files that mean harm.

use std::path::Path;

use super::{Node, parse};

#[test]
fn scalars_stay_as_typed() {
    let text = "\u{feff}a: 0755\r\nb: off # c\r\nc: 1.10\nd: 'it''s'\ne: \"x\\ty\"\n@f: é\n\
                g: &x 007\nh: *x\ni: 99999999999999999999999\nj: .inf\nk: !!int 12\nl: 0x1F\n";
    let entries = parse(Path::new("f"), text).unwrap();
    let texts: Vec<_> = entries
        .iter()
        .map(|e| (e.key.as_str(), &e.value.node))
        .collect();
    for ((key, node), (name, expect)) in texts.iter().zip([
        ("a", "0755"),
        ("b", "off"),
        ("c", "1.10"),
        ("d", "it's"),
        ("e", "x\ty"),
        ("@f", "é"),
        ("g", "007"),
        ("h", "007"),
        ("i", "99999999999999999999999"),
        ("j", ".inf"),
        ("k", "12"),
        ("l", "0x1F"),
    ]) {
        assert_eq!((*key, *node), (name, &Node::Text(expect.to_owned())));
    }
    assert_eq!(
        entries.iter().map(|e| e.line).collect::<Vec<_>>(),
        (1..=12).collect::<Vec<_>>()
    );
}

#[test]
fn empty_files_are_empty_maps() {
    for text in ["", "\n\n", "# only a comment\n", "---\n", "~\n", "{}"] {
        assert_eq!(parse(Path::new("f"), text).unwrap(), [], "{text:?}");
    }
}

#[test]
fn broken_files_name_file_and_line() {
    let bomb = format!(
        "a: &a [x,x,x,x,x,x,x,x,x]\n{}",
        ('b'..='l')
            .zip('a'..)
            .map(|(n, p)| { format!("{n}: &{n} [*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p}]\n") })
            .collect::<String>()
    );
    let deep = "[".repeat(10_000);
    let deep_maps = (0..10_000).fold(String::new(), |text, n| {
        text + &" ".repeat(n % 500) + "a:\n"
    });
    for (text, line) in [
        ("a: 1\na: 2\n", 2),
        ("a: 1\n@b: 2\nc: 3\n@b: 4\n", 4),
        ("a: 1\nb: [1\n", 2),
        ("a: b: c", 1),
        ("a: 1\n---\nb: 2\n", 3),
        ("x:\n\t- y: z\n\t -q", 2),
        ("- 1", 1),
        ("text", 1),
        ("a: *nope", 1),
        (&bomb, 0),
        (&deep, 0),
        (&deep_maps, 0),
    ] {
        let shown = parse(Path::new("/etc/f.yml"), text)
            .unwrap_err()
            .to_string();
        assert!(shown.starts_with("/etc/f.yml:"), "{shown}");
        assert!(
            line == 0 || shown.starts_with(&format!("/etc/f.yml:{line}: ")),
            "{shown}"
        );
        assert!(!shown.contains("DuplicateKeyPolicy"), "{shown}");
    }
}

#[test]
fn a_large_inventory_is_read() {
    let text: String = (0..33_000)
        .map(|n| format!("@s{n}:\n  ssh: u@h{n}\n  path: /srv/{n}\n"))
        .collect();
    assert_eq!(parse(Path::new("f"), &text).unwrap().len(), 33_000);
}
