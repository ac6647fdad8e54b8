//! The line in real shells, with a script in the agent's place.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{
    PLACE, PLACES, Placed, SHARED_PLACES, Said, TIDY, line, place_words, placed, said, tidy_words,
};
use crate::deliver::Agents;

const NONCE: &str = "0123456789abcdef";
const AGENT: &str = "#!/bin/sh\necho \"agent $1\"\n";

fn agents() -> Agents {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(AGENT.as_bytes()).unwrap();
    Agents::new(Some(file.path())).unwrap()
}

/// Runs the line below a login shell, with this on stdin; gives stdout.
fn run(shell: &[&str], home: &Path, places: &[&str], input: &str) -> String {
    let words = place_words(agents().offers(), NONCE, 0, places);
    run_line(shell, home, &line(&PLACE, &words), input)
}

fn run_line(shell: &[&str], home: &Path, line: &str, input: &str) -> String {
    let mut child = Command::new(shell[0])
        .args(&shell[1..])
        .arg(line)
        .env_clear()
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may end without reading.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_shell_hands_it_on_unchanged() {
    for script in [&*PLACE, &*TIDY] {
        assert!(!script.contains(['\'', '\\', '!', '\n']), "{script}");
    }
}

#[test]
fn the_agent_lands_once_and_starts() {
    for shell in [&["dash", "-c"][..], &["bash", "-c"], &["sh", "-c"]] {
        let home = tempfile::tempdir().unwrap();
        let said = run(shell, home.path(), &PLACES, AGENT);
        assert!(
            said.starts_with(&format!("KICKOUT-NEED {NONCE} ")),
            "{said}"
        );
        assert!(said.ends_with(&format!("\nagent {NONCE}\n")), "{said}");
        let place = home.path().join(".cache/kickout");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&place), 0o700);
        let files: Vec<_> = place
            .read_dir()
            .unwrap()
            .map(|it| it.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(mode(&files[0]), 0o500);
        assert_eq!(
            run(shell, home.path(), &PLACES, ""),
            format!("agent {NONCE}\n")
        );
        // One that was changed is replaced, never run.
        for damage in ["#!/bin/sh\necho evil\n", ""] {
            std::fs::set_permissions(&files[0], PermissionsExt::from_mode(0o700)).unwrap();
            std::fs::write(&files[0], damage).unwrap();
            let said = run(shell, home.path(), &PLACES, AGENT);
            assert!(!said.contains("evil"), "{said}");
            assert!(said.ends_with(&format!("\nagent {NONCE}\n")), "{said}");
        }
    }
}

#[test]
fn what_arrives_damaged_or_cut_is_never_run() {
    for (input, why) in [
        (&AGENT[..20], "it arrived damaged"),
        (&AGENT.replace("agent", "evil!")[..], "it arrived damaged"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let out = run(&["sh", "-c"], home.path(), &PLACES, input);
        let last = out.lines().last().unwrap();
        let Said::Failed(1, text) = said(last.as_bytes(), NONCE) else {
            panic!("{out}");
        };
        assert!(text.ends_with(why), "{text}");
        let left = home.path().join(".cache/kickout").read_dir().unwrap();
        assert_eq!(left.count(), 0);
    }
}

#[test]
fn a_place_of_somebody_else_is_not_used() {
    let uid = rustix::process::getuid().as_raw();
    let check = |prepare: &dyn Fn(&Path)| {
        let home = tempfile::tempdir().unwrap();
        prepare(home.path());
        let out = run(&["sh", "-c"], home.path(), &PLACES, "");
        // The next place: nothing was read there, so it ends with a failure that names it.
        assert!(out.contains(&format!(".kickout-{uid}: ")), "{out}");
        assert!(!home.path().join("elsewhere/agent").exists());
    };
    let open = |path: &Path, mode: u32| {
        std::fs::create_dir_all(path).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    check(&|home| open(home, 0o777));
    check(&|home| open(&home.join(".cache"), 0o777));
    check(&|home| open(&home.join(".cache/kickout"), 0o755));
    check(&|home| {
        open(&home.join("elsewhere"), 0o700);
        open(&home.join(".cache"), 0o700);
        symlink(home.join("elsewhere"), home.join(".cache/kickout")).unwrap();
    });
    check(&|home| {
        open(&home.join(".cache"), 0o700);
        std::fs::write(home.join(".cache/kickout"), "").unwrap();
    });
    let home = tempfile::tempdir().unwrap();
    let out = run(&["sh", "-c"], home.path(), SHARED_PLACES, "");
    assert!(out.contains(&format!(".kickout-{uid}: ")), "{out}");
    let out = run(&["sh", "-c"], home.path(), &[], "");
    assert_eq!(
        said(out.trim().as_bytes(), NONCE),
        Said::NoPlace(String::new())
    );
}

#[test]
fn only_a_line_with_the_nonce_is_ours() {
    for (text, expect) in [
        (
            "KICKOUT-NEED 0123456789abcdef x86_64",
            Said::Needs("x86_64".into()),
        ),
        ("KICKOUT-NEED 0123456789abcdee x86_64", Said::Other),
        (
            "KICKOUT-ARCH 0123456789abcdef mips",
            Said::Architecture("mips".into()),
        ),
        (
            "KICKOUT-NOPLACE 0123456789abcdef /: full;",
            Said::NoPlace("/: full".into()),
        ),
        (
            "KICKOUT-FAIL 0123456789abcdef 2 /tmp: full",
            Said::Failed(2, "/tmp: full".into()),
        ),
        ("KICKOUT-FAIL 0123456789abcdef x /tmp: full", Said::Other),
        ("KICKOUT 0123456789abcdef {}", Said::Other),
        ("Welcome", Said::Other),
    ] {
        assert_eq!(said(text.as_bytes(), NONCE), expect, "{text}");
    }
}

#[test]
fn what_lies_on_a_host_is_named_and_removed() {
    let home = tempfile::tempdir().unwrap();
    run(&["sh", "-c"], home.path(), &PLACES, AGENT);
    let tidied = |remove| {
        let line = line(&TIDY, &tidy_words(NONCE, remove, &PLACES));
        let out = run_line(&["sh", "-c"], home.path(), &line, "");
        let lines = out
            .lines()
            .map(|line| placed(line.as_bytes(), NONCE).unwrap());
        let mut lines: Vec<Option<Placed>> = lines.collect();
        assert_eq!(lines.pop(), Some(None));
        let here = home.path().to_str().unwrap();
        let placed = lines.into_iter().flatten();
        // This account may have others, in the shared places.
        placed
            .filter(|it| it.path.starts_with(here))
            .collect::<Vec<_>>()
    };
    let named = tidied(false);
    std::fs::write(home.path().join(".cache/kickout/code-0123"), "").unwrap();
    assert_eq!(named.len(), 1);
    assert_eq!(named[0].size, AGENT.len() as u64);
    assert_eq!(tidied(true), named);
    assert!(!home.path().join(".cache/kickout").exists());
    assert_eq!(tidied(false), []);
    for text in [
        "KICKOUT-HAS other 1 /x",
        "KICKOUT-HAS 0123456789abcdef x /x",
        "noise",
    ] {
        assert_eq!(placed(text.as_bytes(), NONCE), None, "{text}");
    }
}
