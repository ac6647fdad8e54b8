//! Temporary directories, and who owns what lies in them. Everything a test writes lies in one.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The account a server or a site belongs to. A test run by root gives it away, as real hosts do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

impl Owner {
    /// Who runs the tests.
    pub fn me() -> Self {
        Self {
            uid: rustix::process::getuid().as_raw(),
            gid: rustix::process::getgid().as_raw(),
        }
    }

    /// The web server's account (`www-data`), when the tests may act for it; else ourselves.
    pub fn web() -> Self {
        Self::named("www-data")
    }

    /// The database server's account, when the tests may act for it: MariaDB refuses root.
    pub fn database() -> Self {
        Self::named("nobody")
    }

    fn named(name: &str) -> Self {
        if !rustix::process::getuid().is_root() {
            return Self::me();
        }
        let accounts = fs::read_to_string("/etc/passwd").unwrap();
        accounts
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|fields| fields.first() == Some(&name))
            .and_then(|fields| {
                Some(Self {
                    uid: fields.get(2)?.parse().ok()?,
                    gid: fields.get(3)?.parse().ok()?,
                })
            })
            .unwrap_or_else(|| panic!("no account `{name}` on this machine"))
    }

    /// A command that will run as this account.
    pub fn command(self, program: impl AsRef<Path>) -> Command {
        let program = program.as_ref();
        if self == Self::me() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={}", self.uid))
            .arg(format!("--regid={}", self.gid))
            .args(["--clear-groups", "--"])
            .arg(program);
        command
    }

    /// Gives one path away.
    pub fn give(self, path: &Path) {
        if self != Self::me() {
            chown(path, Some(self.uid), Some(self.gid)).unwrap();
        }
    }

    /// Gives a whole tree away. Never a tree of hard links: it would take the cache along.
    pub fn give_tree(self, path: &Path) {
        if self != Self::me() {
            shell(
                "chown",
                &["-R", &format!("{}:{}", self.uid, self.gid), &text(path)],
            );
        }
    }
}

/// A directory of this test, removed with the value.
///
/// It lies in the system's temporary directory: a socket's path must be short, and other accounts
/// must be able to walk into it.
#[derive(Debug)]
pub struct Scratch {
    dir: tempfile::TempDir,
}

impl Scratch {
    /// An empty directory that every account may enter.
    pub fn new(name: &str) -> Self {
        let dir = tempfile::Builder::new()
            .prefix(&format!("kickout-{name}-"))
            .tempdir()
            .unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A path inside it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file in it, with the folders above, and gives its path.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }
}

/// Runs a small tool to its end; panics with what it said when it fails.
pub(crate) fn shell(program: &str, args: &[&str]) -> String {
    run(Command::new(program).args(args))
}

/// The same for a command that is already put together.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A path as text: the harness makes all its names itself.
pub(crate) fn text(path: &Path) -> String {
    path.to_str()
        .expect("the harness makes UTF-8 paths only")
        .to_owned()
}
