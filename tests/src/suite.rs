//! Packages of another Debian suite, from the mirror that this machine's apt already uses: unpacked
//! into the cache, never installed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::cache::{cached, target_dir, unpack};
use crate::scratch::{run, shell, text};

/// How long a suite's lists count as fresh: its mirrors keep what they replace for longer.
const FRESH: Duration = Duration::from_secs(12 * 60 * 60);

/// The same package of another Debian suite, such as `sid`.
pub fn debian_package_of(suite: &str, package: &str) -> (PathBuf, String) {
    let suite = Suite::fresh(suite);
    let version = suite.version(package);
    let dir = cached(&format!("debian-{package}-{version}"), |dir| {
        suite.download(&[package.to_owned()], dir);
        unpack(dir);
    });
    (dir, version)
}

/// The version of a package there, fit for a file's name.
pub(crate) fn debian_version_of(suite: &str, package: &str) -> String {
    Suite::fresh(suite).version(package)
}

/// Packages in one tree with every shared library they need, the C library and its loader among
/// them; the version is that of the first.
pub(crate) fn debian_tree_of(suite: &str, packages: &[&str]) -> (PathBuf, String) {
    let suite = Suite::fresh(suite);
    let version = suite.version(packages[0]);
    let dir = cached(&format!("debian-{}-{version}-tree", packages[0]), |dir| {
        let packages: Vec<_> = packages.iter().map(|&name| name.to_owned()).collect();
        let libraries = suite.libraries(&packages);
        suite.download(&[packages, libraries].concat(), dir);
        unpack(dir);
    });
    (dir, version)
}

/// Apt's view of a suite, apart from this machine's own.
struct Suite {
    name: String,
    own: PathBuf,
}

impl Suite {
    /// With lists that were fetched today; tests in other processes wait for them.
    fn fresh(name: &str) -> Self {
        let cache = target_dir().join("test-cache");
        let own = cache.join(format!("apt-{name}"));
        let suite = Self {
            name: name.to_owned(),
            own,
        };
        // Apt tidies its lists: nothing else may lie there.
        fs::create_dir_all(suite.own.join("lists/partial")).unwrap();
        let lock = File::create(cache.join(format!("apt-{name}.lock"))).unwrap();
        lock.lock().unwrap();
        let age = |path: &Path| fs::metadata(path).ok()?.modified().ok()?.elapsed().ok();
        if age(&suite.updated()).is_none_or(|age| age > FRESH) {
            fs::write(suite.own.join("sources.list"), suite.source()).unwrap();
            run(suite.apt("apt-get").args(["-q", "update"]));
            fs::write(suite.updated(), "").unwrap();
        }
        suite
    }

    /// Its mark is as old as its lists.
    fn updated(&self) -> PathBuf {
        self.own.join("updated")
    }

    /// The line for apt: this machine's own mirror.
    fn source(&self) -> String {
        let format = "$(REPO_URI)\t$(COMPONENT)\t$(SIGNED_BY)";
        let known = shell(
            "apt-get",
            &["indextargets", "--format", format, "Created-By: Packages"],
        );
        let fields = known
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .find(|fields| fields[1] == "main" && !fields[0].contains("security"))
            .expect("apt has no lists: run apt-get update");
        // A path to a keyring; keys written into the source itself, or none, come back otherwise.
        let keys = if fields[2].starts_with('/') {
            format!("[signed-by={}] ", fields[2])
        } else {
            String::new()
        };
        format!("deb {keys}{} {} main\n", fields[0], self.name)
    }

    fn apt(&self, program: &str) -> Command {
        let mut apt = Command::new(program);
        let list = self.own.join("sources.list");
        apt.arg(format!("-oDir::Etc::SourceList={}", text(&list)))
            .args([
                "-oDir::Etc::SourceParts=/dev/null",
                "-oAcquire::Languages=none",
            ])
            .arg(format!(
                "-oDir::State::Lists={}",
                text(&self.own.join("lists"))
            ))
            .arg(format!("-oDir::Cache={}", text(&self.own)))
            // The target directory may be closed to apt's own account.
            .arg("-oAPT::Sandbox::User=root");
        apt
    }

    /// The version of a package, fit for a file's name; asked once, as apt takes a second.
    fn version(&self, package: &str) -> String {
        let note = self.own.join(format!("{package}.version"));
        let written = |path: &Path| fs::metadata(path).and_then(|it| it.modified()).ok();
        let listed = written(&self.updated()).unwrap_or_else(SystemTime::now);
        if written(&note).is_some_and(|noted| noted >= listed) {
            return fs::read_to_string(note).unwrap();
        }
        let mut ask = self.apt("apt-cache");
        let shown = run(ask.args(["show", "--no-all-versions", package]));
        let version = shown
            .lines()
            .find_map(|line| line.strip_prefix("Version: "))
            .unwrap_or_else(|| panic!("no `{package}` in {}", self.name))
            .replace(':', "_");
        let fresh = tempfile::NamedTempFile::new_in(&self.own).unwrap();
        fs::write(fresh.path(), &version).unwrap();
        fresh.persist(note).unwrap();
        version
    }

    /// The libraries that packages depend on, and theirs; what is not a library does not matter to a
    /// program that is only started.
    fn libraries(&self, packages: &[String]) -> Vec<String> {
        let depends = |options: &[&str], packages: &[String]| {
            let kinds = [
                "suggests",
                "recommends",
                "conflicts",
                "breaks",
                "replaces",
                "enhances",
            ];
            let mut ask = self.apt("apt-cache");
            ask.arg("depends")
                .args(kinds.map(|kind| format!("--no-{kind}")));
            run(ask.args(options).args(packages))
        };
        let direct = depends(&[], packages);
        let direct: Vec<_> = direct
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Depends: "))
            .filter(|name| name.starts_with("lib"))
            .map(str::to_owned)
            .collect();
        let all = depends(&["--recurse"], &direct);
        // A line of its own for each; what it needs stands indented below.
        let names = all.lines().filter(|line| line.starts_with("lib"));
        names.map(str::to_owned).collect()
    }

    fn download(&self, packages: &[String], dir: &Path) {
        let mut get = self.apt("apt-get");
        run(get.args(["-q", "download"]).args(packages).current_dir(dir));
    }
}
