//! Accounts one can log in to, made for a test and removed with it, and what runs and lies there.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::scratch::{shell, text};
use crate::{Owner, Scratch};

/// How the names of these accounts begin; the process id of the test follows.
const PREFIX: &str = "kickout-t";

/// An account of this machine.
#[derive(Debug)]
pub struct Account {
    name: String,
    owner: Owner,
    home: PathBuf,
    /// The home of an account that was made for the test.
    made: Option<Scratch>,
}

impl Account {
    /// A new account with this login shell; its home is empty. `busybox sh` is a link by the name
    /// of `sh`, which is how a busybox system has it.
    pub fn new(shell_program: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{count}", std::process::id());
        let scratch = Scratch::new("account");
        let home = scratch.join("home");
        fs::create_dir(&home).unwrap();
        let login = match shell_program.strip_prefix("busybox ") {
            Some(applet) => {
                symlink("/usr/bin/busybox", scratch.join(applet)).unwrap();
                text(&scratch.join(applet))
            }
            None => shell_program.to_owned(),
        };
        let lock = lock();
        remove_stale();
        // `*` is no password and no lock either: sshd lets nobody into a locked account.
        shell(
            "useradd",
            &[
                "-M",
                "-d",
                &text(&home),
                "-s",
                &login,
                "-p",
                "*",
                "-U",
                &name,
            ],
        );
        drop(lock);
        let (uid, gid) = ids(&name).expect("useradd has made it");
        let owner = Owner { uid, gid };
        owner.give(&home);
        Self {
            name,
            owner,
            home,
            made: Some(scratch),
        }
    }

    pub(crate) fn root(home: PathBuf) -> Self {
        Self {
            name: "root".to_owned(),
            owner: Owner { uid: 0, gid: 0 },
            home,
            made: None,
        }
    }

    /// The login.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its ids.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Its home directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Writes a file of its own into its home.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home.join(name);
        let folder = path.parent().unwrap();
        fs::create_dir_all(folder).unwrap();
        fs::write(&path, content).unwrap();
        self.owner.give(&path);
        if folder != self.home {
            self.owner.give(folder);
        }
        path
    }

    /// The process ids of agents that run as this account.
    pub fn agents(&self) -> Vec<u32> {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let ids = processes.filter_map(|it| it.file_name().to_str()?.parse().ok());
        ids.filter(|id| self.is_agent(*id)).collect()
    }

    fn is_agent(&self, id: u32) -> bool {
        let folder = PathBuf::from(format!("/proc/{id}"));
        // A zombie has no program any more.
        let Ok(program) = fs::read_link(folder.join("exe")) else {
            return false;
        };
        let owner = fs::metadata(&folder).map(|facts| facts.uid());
        let named = program.to_string_lossy().contains("/agent-");
        // Root has many homes here, one a server; others have their own number.
        let ours = self.made.is_some() || program.starts_with(&self.home);
        named && ours && owner.is_ok_and(|uid| uid == self.owner.uid)
    }

    /// What lies in the places of the agent, in all of them.
    pub fn delivered(&self) -> Vec<PathBuf> {
        let shared = ["/tmp", "/var/tmp", "/dev/shm", "/run"];
        let uid = self.owner.uid;
        let mut places = vec![self.home.join(".cache/kickout")];
        if self.made.is_some() {
            places.extend(shared.map(|it| PathBuf::from(format!("{it}/.kickout-{uid}"))));
        }
        let files = places.iter().filter_map(|place| fs::read_dir(place).ok());
        files.flatten().flatten().map(|it| it.path()).collect()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if self.made.is_some() {
            let _lock = lock();
            remove(&self.name, self.owner.uid);
        }
    }
}

/// Permission bits and the time of the last change, of a file that is there.
pub fn mode_and_mtime(file: &Path) -> (u32, i64) {
    let facts = fs::metadata(file).unwrap();
    (facts.permissions().mode() & 0o7777, facts.mtime())
}

fn remove(name: &str, uid: u32) {
    for place in ["/tmp", "/var/tmp", "/dev/shm", "/run"] {
        let _ = fs::remove_dir_all(format!("{place}/.kickout-{uid}"));
    }
    // A process of the account that is just ending is no reason to keep it.
    let _ = std::process::Command::new("userdel")
        .args(["-f", name])
        .stderr(std::process::Stdio::null())
        .status();
}

/// Removes the accounts of tests that were killed.
fn remove_stale() {
    for line in accounts().lines() {
        let fields: Vec<_> = line.split(':').collect();
        let Some(rest) = fields[0].strip_prefix(PREFIX) else {
            continue;
        };
        let pid = rest.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(pid).exists() {
            remove(fields[0], fields[2].parse().unwrap());
        }
    }
}

fn ids(name: &str) -> Option<(u32, u32)> {
    let accounts = accounts();
    let line = accounts
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let fields: Vec<_> = line.split(':').collect();
    Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
}

fn accounts() -> String {
    fs::read_to_string("/etc/passwd").unwrap()
}

/// One test at a time changes the table of accounts: useradd gives up when it cannot at once.
fn lock() -> fs::File {
    let file = fs::File::create(std::env::temp_dir().join("kickout-accounts.lock")).unwrap();
    file.lock().unwrap();
    file
}
