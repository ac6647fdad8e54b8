//! The rules of the house, read off the source tree: who may know whom, how files begin and how
//! long they are, what has a fix, and where the terminal is written to.

use std::path::{Path, PathBuf};

use kickout_tests::workspace_root;

/// About 350 lines is where a second room begins; here it must have.
const LONGEST: usize = 400;

/// Files that are longer, each with the reason.
const LONG: [(&str, &str); 2] = [
    (
        "agent/src/ops/tests.rs",
        "one table of rules beside the other",
    ),
    (
        "tests/it/conformance/differences.rs",
        "one table, a case a row",
    ),
];

/// Error types whose words are their own fix, each with the reason.
const NO_FIX: [(&str, &str); 5] = [
    ("Cancelled", "no error of an operator"),
    (
        "ServeError",
        "the last words of an agent whose controller is gone",
    ),
    ("FrameError", "wrapped by LinkError, which has the fix"),
    ("TokenError", "says itself what to give instead"),
    ("InvalidFormat", "wrapped by UsageError, which has the fix"),
];

/// Every Rust file of the workspace: its path from the root, and its text.
fn sources() -> Vec<(String, String)> {
    let root = workspace_root();
    let mut files = Vec::new();
    for member in [
        "shared",
        "agent",
        "bridge",
        "controller",
        "tests",
        "examples",
    ] {
        walk(&root.join(member), &mut files);
    }
    let named = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        (name, text)
    };
    let mut files: Vec<_> = files.into_iter().map(named).collect();
    files.sort();
    assert!(files.len() > 100, "the walk found {} files", files.len());
    files
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != "data" {
            walk(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
}

/// The lines of a file that are code: comments and the tests at its end are not.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let tests = text.find("#[cfg(test)]\nmod tests {");
    let lines = text[..tests.unwrap_or(text.len())].lines().enumerate();
    lines
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn is_test(name: &str) -> bool {
    name.starts_with("tests/") || name.ends_with("tests.rs") || name.contains("/tests/")
}

/// Places where code of these files says one of these words.
fn mentions(of: impl Fn(&str) -> bool, words: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for (name, text) in sources().iter().filter(|(name, _)| of(name)) {
        for (number, line) in code(text) {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                places.push(format!("{name}:{number} says `{word}`: {}", line.trim()));
            }
        }
    }
    places
}

const NONE: [&str; 0] = [];

#[test]
fn nobody_knows_whom_he_should_not() {
    let uses = |member: &str, other: &str| {
        let path = workspace_root().join(member).join("Cargo.toml");
        std::fs::read_to_string(path)
            .unwrap()
            .lines()
            .any(|line| line.starts_with(other))
    };
    for (member, other) in [
        ("shared", "kickout-agent"),
        ("shared", "kickout "),
        ("shared", "tokio"),
        ("agent", "kickout "),
        ("controller", "kickout-agent"),
        ("bridge", "kickout-agent"),
        ("bridge", "kickout "),
    ] {
        assert!(!uses(member, other), "{member} depends on {other}");
    }
    assert!(uses("agent", "kickout-shared") && uses("controller", "kickout-shared"));
    let rules: [(&str, &[&str]); 9] = [
        (
            "shared/src/",
            &[
                "std::fs",
                "std::net",
                "std::process",
                "SystemTime",
                "Instant::",
                "async ",
            ],
        ),
        (
            "agent/src/ops/",
            &["native", "sqlx", "rustix", "crate::site", "crate::serve"],
        ),
        ("agent/src/site/", &["crate::engine", "crate::ops", "sqlx"]),
        (
            "agent/src/engine/",
            &["crate::ops", "crate::out", "crate::serve"],
        ),
        (
            "bridge/src/front",
            &[
                "std::fs",
                "crate::token",
                "crate::audit",
                "crate::agent",
                "crate::config",
                "crate::keeper",
                "crate::operations",
                "crate::serve",
            ],
        ),
        ("bridge/src/keeper", &["hyper", "tokio::net"]),
        ("bridge/src/serve", &["hyper"]),
        (
            "controller/src/render/",
            &["transport", "tokio", "crate::exchange", "crate::inventory"],
        ),
        (
            "controller/src/transport/",
            &[
                "kickout_shared::user",
                "kickout_shared::session",
                "crate::cli",
                "crate::render",
            ],
        ),
    ];
    for (folder, words) in rules {
        let found = mentions(|name| name.starts_with(folder) && !is_test(name), words);
        assert_eq!(found, NONE, "{folder}");
    }
    // Only `main` exits, only `render` writes to the terminal (and the agent to its pipe).
    let said = [
        "println!(",
        "print!(",
        "process::exit",
        "stdout()",
        "stderr()",
    ];
    let may = [
        "agent/src/main.rs",
        "agent/src/stdio.rs",
        // Has them only to hand its sockets over.
        "bridge/src/front/process.rs",
        "bridge/src/main.rs",
        "controller/src/main.rs",
        "controller/src/app.rs",
        "controller/src/report.rs",
        "controller/build.rs",
    ];
    let found = mentions(
        |name| {
            let writes = may.contains(&name) || name.starts_with("controller/src/render/");
            !writes && !is_test(name) && !name.starts_with("examples/")
        },
        &said,
    );
    assert_eq!(found, NONE);
}

#[test]
fn files_open_with_their_border_and_stay_small() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        if !text.starts_with("//! ") {
            wrong.push(format!("{name} does not open with a `//!` line"));
        }
        let lines = text.lines().count();
        let excused = LONG.iter().any(|(long, _)| *long == name);
        if lines > LONGEST && !excused {
            wrong.push(format!("{name} has {lines} lines"));
        }
        if lines <= LONGEST && excused {
            wrong.push(format!(
                "{name} has {lines} lines and needs no excuse any more"
            ));
        }
    }
    assert_eq!(wrong, NONE);
}

#[test]
fn a_verb_has_the_same_file_everywhere() {
    for verb in ["destroy", "list", "users"] {
        for folder in ["controller/src/cli", "agent/src/ops", "tests/it"] {
            let path = workspace_root()
                .join(folder)
                .join(verb)
                .with_extension("rs");
            assert!(path.exists(), "{} is missing", path.display());
        }
    }
}

/// Every error of the programs carries what mends it, in a match that names each variant.
#[test]
fn every_error_has_a_fix() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    let mut excused = std::collections::BTreeSet::new();
    for (name, text) in sources().iter().filter(|(name, _)| !is_test(name)) {
        for (at, _) in text.match_indices("thiserror::Error") {
            let Some(kind) = text[at..].lines().find_map(|line| {
                let line = line
                    .trim_start_matches("pub ")
                    .trim_start_matches("pub(crate) ");
                let line = line.trim_start_matches("pub(super) ");
                line.strip_prefix("enum ")
                    .or_else(|| line.strip_prefix("struct "))
            }) else {
                continue;
            };
            let kind = kind
                .split(|char: char| !char.is_alphanumeric())
                .next()
                .unwrap();
            if NO_FIX.iter().any(|(known, _)| *known == kind) {
                excused.insert(kind.to_owned());
                continue;
            }
            seen += 1;
            let Some(own) = text.split(&format!("\nimpl {kind} {{")).nth(1) else {
                wrong.push(format!("{name}: {kind} has no fix()"));
                continue;
            };
            let own = own.split("\n}").next().unwrap();
            match own.split("fn fix(").nth(1) {
                None => wrong.push(format!("{name}: {kind} has no fix()")),
                Some(fix) if fix.contains("        _ =>") => {
                    wrong.push(format!("{name}: {kind}::fix() is not exhaustive"));
                }
                Some(_) => {}
            }
        }
    }
    for (known, why) in NO_FIX {
        assert!(excused.contains(known), "no error {known} ({why})");
    }
    assert!(seen > 10, "only {seen} errors were found");
    assert_eq!(wrong, NONE);
}

#[test]
fn lints_are_kept() {
    let unsafe_word = ["un", "safe "].concat();
    let allow = ["#[al", "low("].concat();
    let found = mentions(
        |_| true,
        &[&unsafe_word, &allow, &allow.replace("#[", "#![")],
    );
    assert_eq!(found, NONE, "use #[expect(…)]");
    // Waiting is done by `until` and by the operating system: nothing here hopes for the best.
    let sleep = ["sle", "ep("].concat();
    let found = mentions(|name| name.starts_with("tests/it/"), &[&sleep]);
    assert_eq!(found, NONE);
}

#[test]
fn documents_are_there_and_their_links_lead_somewhere() {
    let root = workspace_root();
    let changes = std::fs::read_to_string(root.join("CHANGELOG.md")).expect("CHANGELOG.md");
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        changes.contains(version),
        "CHANGELOG.md does not know {version}"
    );
    let mut pages: Vec<PathBuf> = Vec::new();
    for folder in [root.to_path_buf(), root.join("docs")] {
        let entries = std::fs::read_dir(folder)
            .unwrap()
            .flatten()
            .map(|entry| entry.path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|it| it == "md")));
    }
    let mut wrong = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            let file = target.split('#').next().unwrap();
            let elsewhere = file.is_empty() || file.contains("://") || file.starts_with("mailto:");
            if !elsewhere && !page.parent().unwrap().join(file).exists() {
                wrong.push(format!("{}: {target} is not there", page.display()));
            }
        }
    }
    assert_eq!(wrong, NONE);
}
