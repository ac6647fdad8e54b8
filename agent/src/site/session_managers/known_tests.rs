//! Tests of what is known of a site's code: that it holds exactly as long as nothing changed.

use std::fs::{File, FileTimes, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::super::read_through;
use super::*;

/// A site with enough code, two links, and what a later change could bring to life.
struct Code {
    dir: tempfile::TempDir,
    roots: [PathBuf; 2],
}

impl Code {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let content = dir.path().join("content");
        for folder in 0..6 {
            let folder = content.join(format!("plugins/one/{folder}"));
            fs::create_dir_all(&folder).unwrap();
            for file in 0..100 {
                fs::write(folder.join(format!("{file}.php")), "<?php\n").unwrap();
            }
        }
        fs::write(content.join("plugins/one/0/read.me"), "").unwrap();
        symlink("../../../far", content.join("plugins/one/far")).unwrap();
        symlink("nowhere", content.join("plugins/one/later.php")).unwrap();
        symlink("../one", content.join("plugins/one/loop")).unwrap();
        fs::write(content.join("db.php"), "<?php f('session_token_manager');").unwrap();
        fs::create_dir(dir.path().join("far")).unwrap();
        let roots = ["db.php", "plugins/one"].map(|root| content.join(root));
        Self { dir, roots }
    }

    fn content(&self) -> PathBuf {
        self.dir.path().join("content")
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("kept")
    }

    /// Looks and keeps it, as if everything were old.
    fn keep(&self) -> Vec<Finding> {
        let (findings, stamps) = read_through(&self.roots);
        let later = SystemTime::now() + SETTLED * 2;
        let stamps = stamps.before(later).expect("enough paths");
        let bytes = encode(&self.roots, &findings, &stamps);
        keep_in(&self.folder(), &self.content(), &bytes).unwrap();
        findings
    }

    fn recall(&self) -> Option<Vec<Finding>> {
        let known = recall_from(&self.folder(), &self.content())?;
        assert_eq!(known.roots, self.roots);
        Some(known.findings)
    }
}

#[test]
fn it_holds_until_something_changes() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 12] = [
        ("a file written in place, its time set back", |content| {
            let file = content.join("plugins/one/3/7.php");
            let before = fs::metadata(&file).unwrap().modified().unwrap();
            let open = OpenOptions::new().write(true).open(&file).unwrap();
            (&open).write_all(b"<?hph\n").unwrap();
            open.set_times(FileTimes::new().set_modified(before))
                .unwrap();
        }),
        ("a file more", |content| {
            fs::write(content.join("plugins/one/3/new.php"), "").unwrap();
        }),
        ("a file less", |content| {
            fs::remove_file(content.join("plugins/one/3/7.php")).unwrap();
        }),
        ("a file exchanged", |content| {
            fs::write(content.join("plugins/one/3/x"), "<?php\n").unwrap();
            let file = content.join("plugins/one/3/7.php");
            fs::rename(content.join("plugins/one/3/x"), file).unwrap();
        }),
        ("another file has become code", |content| {
            let folder = content.join("plugins/one/0");
            fs::rename(folder.join("read.me"), folder.join("read.php")).unwrap();
        }),
        ("a folder deep inside", |content| {
            fs::create_dir(content.join("plugins/one/5/new")).unwrap();
        }),
        ("a file that cannot be read any more", |content| {
            let file = content.join("plugins/one/3/7.php");
            fs::set_permissions(file, Permissions::from_mode(0o000)).unwrap();
        }),
        ("a link leads somewhere now", |content| {
            fs::write(content.join("plugins/one/nowhere"), "").unwrap();
        }),
        ("a file behind a link to a folder", |content| {
            fs::write(content.join("../far/new.php"), "").unwrap();
        }),
        ("another folder behind a link", |content| {
            fs::rename(content.join("../far"), content.join("../was")).unwrap();
            fs::create_dir(content.join("../far")).unwrap();
        }),
        ("a drop-in", |content| {
            fs::write(content.join("db.php"), "<?php\n").unwrap();
        }),
        ("a root that went", |content| {
            fs::remove_file(content.join("db.php")).unwrap();
        }),
    ];
    for (what, change) in changes {
        let code = Code::new();
        assert!(code.recall().is_none(), "{what}: nothing was kept");
        let findings = code.keep();
        assert_eq!(code.recall().as_ref(), Some(&findings), "{what}");
        change(&code.content());
        assert!(code.recall().is_none(), "{what}");
        code.keep();
        assert!(code.recall().is_some(), "{what}: kept again");
    }
}

#[test]
fn what_says_nothing_of_later_is_not_kept() {
    let code = Code::new();
    let stamps = || read_through(&code.roots).1;
    assert!(stamps().before(SystemTime::now()).is_none(), "just written");
    let later = SystemTime::now() + SETTLED * 2;
    assert!(stamps().before(later).is_some());
    let mut part = stamps();
    part.lost();
    assert!(part.before(later).is_none(), "not all of it");
    let file = code.content().join("plugins/one/3/7.php");
    let open = OpenOptions::new().write(true).open(file).unwrap();
    let ahead = FileTimes::new().set_modified(later + SETTLED);
    open.set_times(ahead).unwrap();
    assert!(stamps().before(later).is_none(), "of the future");
    let few = read_through(&[code.content().join("plugins/one/0")]).1;
    assert!(few.before(later).is_none(), "few files");
}

#[test]
fn only_what_is_ours_is_believed() {
    let code = Code::new();
    code.keep();
    let (folder, content) = (code.folder(), code.content());
    let file = folder.join(name(&content));
    let bytes = fs::read(&file).unwrap();

    for end in (0..bytes.len()).step_by(211) {
        fs::write(&file, &bytes[..end]).unwrap();
        assert!(code.recall().is_none(), "cut behind {end}");
    }
    for at in (0..bytes.len()).step_by(97) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        fs::write(&file, &bytes).unwrap();
        assert!(code.recall().is_none(), "another byte {at}");
    }
    fs::write(&file, &bytes).unwrap();
    assert!(code.recall().is_some());

    fs::set_permissions(&file, Permissions::from_mode(0o620)).unwrap();
    assert!(code.recall().is_none(), "others write the file");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o770)).unwrap();
    assert!(code.recall().is_none(), "others enter the folder");
    assert!(keep_in(&folder, &content, &bytes).is_err());
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    assert!(code.recall().is_some());

    let moved = code.dir.path().join("moved");
    fs::rename(&folder, &moved).unwrap();
    symlink(&moved, &folder).unwrap();
    assert!(code.recall().is_none(), "a link to a folder");
    fs::remove_file(&folder).unwrap();
    fs::rename(&moved, &folder).unwrap();
    fs::rename(&file, folder.join("there")).unwrap();
    symlink("there", &file).unwrap();
    assert!(code.recall().is_none(), "a link to a file");
    fs::remove_file(&file).unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &file, fifo, 0o600.into(), 0).unwrap();
    assert!(code.recall().is_none(), "a pipe");
}

#[test]
fn what_nobody_uses_goes() {
    let code = Code::new();
    code.keep();
    let old = code.folder().join("code-0000000000000000");
    let open = File::create(&old).unwrap();
    let past = SystemTime::now() - MAX_AGE * 2;
    open.set_times(FileTimes::new().set_modified(past)).unwrap();
    let agent = code.folder().join("agent-x");
    File::create(&agent)
        .unwrap()
        .set_times(FileTimes::new().set_modified(past))
        .unwrap();
    code.keep();
    assert!(!old.exists() && agent.exists() && code.recall().is_some());
}
