//! A small Debian of this machine's release: some packages and all they need, unpacked but not
//! configured, for images.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cache::cached;
use crate::scratch::{run, shell, text};

/// What no program reads.
const LEFT_OUT: [&str; 5] = [
    "./usr/share/doc",
    "./usr/share/man",
    "./usr/share/locale",
    "./usr/share/perl",
    "./usr/lib/*/perl*",
];

/// The accounts that programs of these packages run as.
const ACCOUNTS: &str = "root:x:0:0:root:/root:/bin/sh\n\
                        www-data:x:33:33:www-data:/var/www:/bin/sh\n\
                        mysql:x:999:999:mysql:/var/lib/mysql:/bin/sh\n\
                        nobody:x:65534:65534:nobody:/:/bin/sh\n";

/// The tree of these packages, made once; `name` says which they are, and `finish` what else belongs
/// in it.
pub(crate) fn tree(name: &str, packages: &[&str], finish: impl FnOnce(&Path)) -> PathBuf {
    cached(name, |dir| {
        let debs = dir.join("debs");
        fs::create_dir(&debs).unwrap();
        // As if nothing were installed yet, so that everything needed is fetched.
        let nothing = dir.join("status");
        fs::write(&nothing, "").unwrap();
        run(Command::new("apt-get")
            .arg(format!("-oDir::State::status={}", text(&nothing)))
            .arg(format!("-oDir::Cache::archives={}", text(&debs)))
            // The target directory may be closed to apt's own account.
            .arg("-oAPT::Sandbox::User=root")
            .args(["-q", "-y", "--download-only", "--no-install-recommends"])
            .arg("install")
            .args(packages));
        for deb in fs::read_dir(&debs).unwrap() {
            let deb = deb.unwrap().path();
            if deb.extension().is_some_and(|it| it == "deb") {
                unpack(&deb, dir);
            }
        }
        fs::remove_dir_all(&debs).unwrap();
        fs::remove_file(&nothing).unwrap();
        let _ = std::os::unix::fs::symlink("dash", dir.join("bin/sh"));
        for folder in ["tmp", "run", "root", "proc", "sys", "dev"] {
            fs::create_dir_all(dir.join(folder)).unwrap();
        }
        shell("chmod", &["1777", &text(&dir.join("tmp"))]);
        fs::write(dir.join("etc/passwd"), ACCOUNTS).unwrap();
        let groups = [
            "root:x:0:",
            "www-data:x:33:",
            "mysql:x:999:",
            "nogroup:x:65534:",
        ];
        fs::write(dir.join("etc/group"), groups.join("\n") + "\n").unwrap();
        finish(dir);
    })
}

fn unpack(deb: &Path, dir: &Path) {
    let content = dir.join("content.tar");
    let file = fs::File::create(&content).unwrap();
    let made = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(deb)
        .stdout(file)
        .status()
        .unwrap();
    assert!(made.success(), "{}: {made}", deb.display());
    let left_out = LEFT_OUT.map(|path| format!("--exclude={path}"));
    run(Command::new("tar")
        .args(["-x", "-C", &text(dir), "-f", &text(&content)])
        .args(left_out));
    fs::remove_file(content).unwrap();
}
