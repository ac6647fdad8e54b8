//! Finding the program, and what it is given, with a recorder in its place.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::target::{Host, Port, User};
use crate::transport::ssh::args::SshArgs;

fn program(folder: &Path, mode: u32, text: &str) -> PathBuf {
    let file = folder.join("ssh");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    file
}

#[test]
fn only_kept_places_are_searched() {
    let table = [
        (0o755, 0o755, true),
        (0o755, 0o644, false),
        (0o755, 0o757, false),
        (0o777, 0o755, false),
        (0o1777, 0o755, true),
    ];
    for (folder_mode, file_mode, expected) in table {
        let folder = tempfile::tempdir().unwrap();
        let file = program(folder.path(), file_mode, "");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(folder_mode)).unwrap();
        let path = std::env::join_paths([Path::new("."), Path::new(""), folder.path()]).unwrap();
        assert_eq!(
            find(&path) == Some(file),
            expected,
            "{folder_mode:o} {file_mode:o}"
        );
    }
    assert_eq!(find(OsStr::new(".:bin::")), None);
}

/// Asks a program in the place of ssh.
async fn asked(text: &str) -> (Result<Raw, SettingsError>, String) {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\n{text}\n",
        record.display()
    );
    let ssh = program(folder.path(), 0o755, &script);
    let args = SshArgs::parse(&["-o BatchMode=yes -o 'ProxyCommand=a \"b\" $c'".to_owned()]);
    let asked = Asked {
        host: &Host::new("web").unwrap(),
        user: Some(&User::new("bob").unwrap()),
        port: Some(Port::new("22").unwrap()),
        config: None,
        args: &args.unwrap(),
    };
    let raw = ask(&ssh, &asked, Some(Path::new("/c d"))).await;
    (raw, fs::read_to_string(record).unwrap_or_default())
}

#[tokio::test]
async fn every_value_is_one_argument() {
    let (raw, record) = asked("echo port 7; echo 'identityfile ~/a b'; echo useless").await;
    let raw = raw.unwrap();
    assert_eq!(raw.one("port"), Some("7"));
    assert_eq!(raw.one("identityfile"), Some("~/a b"));
    assert_eq!(raw.one("useless"), None);
    let expected = "-G\n-F\n/c d\n-p\n22\n-l\nbob\n-o\nbatchmode=\"yes\"\n\
                    -o\nproxycommand=a \"b\" $c\n--\nweb\n";
    assert_eq!(record, expected);
}

#[tokio::test]
async fn a_program_that_misbehaves_is_an_error() {
    let table = [
        ("echo 'bad thing' >&2; exit 3", "bad thing"),
        ("exit 3", "exit status: 3"),
        ("kill -9 $$", "signal: 9"),
        ("yes x", "more than"),
        ("printf 'user \\377\\n'", "UTF-8"),
    ];
    for (text, expected) in table {
        let (raw, _) = asked(text).await;
        let error = raw.err().unwrap();
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
}

#[test]
fn lists_of_files() {
    let table: [(&str, &[&str]); 4] = [
        ("/a /b", &["/a", "/b"]),
        ("/a b /c d e", &["/a b", "/c d e"]),
        ("~/a %d/b none", &["~/a", "%d/b", "none"]),
        ("a b", &["a b"]),
    ];
    for (value, expected) in table {
        assert_eq!(files(value), expected, "{value}");
    }
}
