//! What is worth keeping between runs, under `target/test-cache`: unpacked packages and prepared
//! data directories. Every entry is made once, under a lock, and is complete or absent.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scratch::{run, shell, text};

/// The root of the workspace.
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Cargo's target directory: the folder above this program that carries cargo's mark.
pub fn target_dir() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program
        .ancestors()
        .find(|dir| dir.join("CACHEDIR.TAG").is_file())
        .unwrap_or_else(|| panic!("{} does not lie in a target directory", program.display()))
        .to_path_buf()
}

/// A directory that `make` fills the first time; its name must say all it depends on.
pub fn cached(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let cache = target_dir().join("test-cache");
    let (entry, unfinished) = (cache.join(name), cache.join(format!("{name}.unfinished")));
    if entry.exists() {
        return entry;
    }
    fs::create_dir_all(&cache).unwrap();
    let lock = File::create(cache.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    if !entry.exists() {
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).unwrap();
        }
        fs::create_dir(&unfinished).unwrap();
        make(&unfinished);
        fs::rename(&unfinished, &entry).unwrap();
    }
    entry
}

/// A Debian package of this machine's own release, unpacked but not installed, and its version.
pub fn debian_package(package: &str) -> (PathBuf, String) {
    let version = debian_version(package)
        .unwrap_or_else(|| panic!("apt knows no package `{package}`: run apt-get update"));
    let dir = cached(&format!("debian-{package}-{version}"), |dir| {
        run(Command::new("apt-get")
            .args(["download", "-q", package])
            .current_dir(dir));
        unpack(dir);
    });
    (dir, version)
}

/// Replaces the `.deb`s in a directory, which holds nothing else, by what is in them.
pub(crate) fn unpack(dir: &Path) {
    let debs: Vec<_> = fs::read_dir(dir).unwrap().collect();
    for deb in debs {
        let deb = deb.unwrap().path();
        shell("dpkg", &["-x", &text(&deb), &text(dir)]);
        fs::remove_file(deb).unwrap();
    }
}

/// The version of a package that apt would install, fit for a file's name; `None` without apt.
pub(crate) fn debian_version(package: &str) -> Option<String> {
    // Apt takes most of a second to answer, and with nextest every test is a process: remember
    // the answer until apt's lists change.
    let lists = fs::metadata("/var/lib/apt/lists")
        .and_then(|lists| lists.modified())
        .ok()?;
    let note = target_dir()
        .join("test-cache")
        .join(format!("debian-{package}.version"));
    if fs::metadata(&note)
        .and_then(|note| note.modified())
        .is_ok_and(|noted| noted > lists)
    {
        return fs::read_to_string(note).ok();
    }
    let shown = Command::new("apt-cache")
        .args(["show", "--no-all-versions", package])
        .output();
    let shown = String::from_utf8(shown.ok()?.stdout).ok()?;
    let version = shown
        .lines()
        .find_map(|line| line.strip_prefix("Version: "))?
        .replace(':', "_");
    fs::create_dir_all(note.parent().unwrap()).unwrap();
    let fresh = tempfile::NamedTempFile::new_in(note.parent().unwrap()).unwrap();
    fs::write(fresh.path(), &version).unwrap();
    fresh.persist(note).unwrap();
    Some(version)
}

/// Some files of a pinned npm package, unpacked but not installed.
pub fn npm_package(package: &str, version: &str, files: &[&str]) -> PathBuf {
    let name = package.trim_start_matches('@').replace('/', "-");
    cached(&format!("npm-{name}-{version}"), |dir| {
        let wanted = format!("{package}@{version}");
        run(Command::new("npm")
            .args(["pack", "--silent", &wanted])
            .current_dir(dir));
        let tarball = only_file(dir);
        let inside = files.iter().map(|file| format!("package/{file}"));
        let mut tar = Command::new("tar");
        tar.arg("-xzf")
            .arg(&tarball)
            .arg("-C")
            .arg(dir)
            .arg("--strip-components=1")
            .args(inside);
        run(&mut tar);
        fs::remove_file(tarball).unwrap();
    })
}

/// Copies a tree as it is, owners too; shares blocks where the file system can.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    shell(
        "cp",
        &[
            "-a",
            "--reflink=auto",
            "--sparse=auto",
            &text(from),
            &text(to),
        ],
    );
}

/// Copies a tree of files that are never written, as hard links when that is possible.
pub(crate) fn link_tree(from: &Path, to: &Path) {
    let linked = Command::new("cp")
        .arg("-al")
        .arg(from)
        .arg(to)
        .output()
        .unwrap();
    if !linked.status.success() {
        // Another file system, or a kernel that protects foreign hard links.
        let _ = fs::remove_dir_all(to);
        copy_tree(from, to);
    }
}

fn only_file(dir: &Path) -> PathBuf {
    let mut entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let file = entries.next().expect("the download left no file");
    assert!(
        entries.next().is_none(),
        "{} holds more than one file",
        dir.display()
    );
    file
}
