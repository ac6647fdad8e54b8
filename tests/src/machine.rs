//! A host with a real systemd, for what is installed on hosts: this machine's files below a layer that
//! takes every change, in namespaces and a network of its own. Nothing of this machine's is touched,
//! and everything goes with the value.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::scratch::{run, text};
use crate::{Guarded, Scratch, Space, until};

/// Where groups of processes are, in either generation.
const GROUPS: [&str; 2] = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup"];

/// A running one.
#[derive(Debug)]
pub struct Machine {
    process: Guarded,
    space: Space,
    group: PathBuf,
}

impl Machine {
    /// One that shares these folders with the test.
    pub fn start(shared: &[&Path]) -> Self {
        let (scratch, space) = (Scratch::new("machine"), Space::new());
        let groups = GROUPS.map(Path::new);
        let groups = groups
            .into_iter()
            .find(|it| it.join("cgroup.procs").exists());
        let group = groups
            .expect("no hierarchy of cgroups")
            .join(format!("kickout-test-{}", std::process::id()));
        // Emptied by the end of another test whose number we have.
        let _ = fs::create_dir(&group);
        let boot = crate::workspace_root().join("tests/data/machine/boot.sh");
        let mut start = space.command("sh");
        start
            .arg("-c")
            .arg(
                "echo $$ >\"$1\" && shift && exec unshare --mount --pid --ipc --uts --cgroup \
                 --fork --kill-child --propagation private sh \"$@\"",
            )
            .arg("machine")
            .arg(group.join("cgroup.procs"))
            .arg(boot)
            .arg(scratch.path())
            .args(shared)
            .stdout(std::process::Stdio::null())
            .stderr(fs::File::create(scratch.join("log")).unwrap());
        let mut machine = Self {
            process: Guarded::spawn(start, scratch),
            space,
            group,
        };
        let log = machine.process.dir().join("log");
        until("systemd runs", Duration::from_secs(60), || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            assert!(!machine.process.has_ended(), "it did not start:\n{said}");
            machine.first()?;
            let asked = machine
                .command("systemctl")
                .arg("is-system-running")
                .output();
            let state = String::from_utf8_lossy(&asked.unwrap().stdout).into_owned();
            ["running\n", "degraded\n"]
                .contains(&state.as_str())
                .then_some(())
        });
        machine
    }

    /// Its first process, by the number that it has here.
    fn first(&self) -> Option<u32> {
        let pid = self.process.pid();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// Its network.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// A command that will run on it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let first = self.first().map_or_else(String::new, |pid| pid.to_string());
        let mut command = Command::new("nsenter");
        command
            .args([
                "--target", &first, "--mount", "--pid", "--cgroup", "--net", "--root", "--wd",
            ])
            .arg("--")
            .arg(program)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// What a line of shell prints there.
    pub fn says(&self, line: &str) -> String {
        run(self.command("sh").args(["-c", line]))
            .trim_end()
            .to_owned()
    }

    /// Its own view of a file.
    pub fn reads(&self, path: &str) -> String {
        self.says(&format!("cat {path}"))
    }

    /// What its systemd has written of a unit.
    pub fn journal(&self) -> String {
        let log = fs::read_to_string(self.process.dir().join("log"));
        format!("{}\n{}", text(self.process.dir()), log.unwrap_or_default())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.process.kill();
        // The kernel ends what is in it, and then it may go.
        until("the machine ends", Duration::from_secs(30), || {
            removed(&self.group).then_some(())
        });
    }
}

/// Removes a group and those below it.
fn removed(group: &Path) -> bool {
    let below = fs::read_dir(group).into_iter().flatten().flatten();
    for entry in below.filter(|entry| entry.path().is_dir()) {
        removed(&entry.path());
    }
    fs::remove_dir(group).is_ok() || !group.exists()
}
