//! Kickout while it runs: its agent, its signals, its end.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kickout_tests::{Binaries, Scratch, Site, Space, until, wait_for_exit};
use rustix::process::{Pid, Signal, kill_process};

/// Where the operator's programs are.
const PATH: &str = "/usr/bin:/bin";

/// A run in the site's root that a test looks at from outside.
pub(crate) struct Running {
    child: Child,
    scratch: Scratch,
    /// Its home, when it has one of its own.
    home: Option<Scratch>,
}

/// How it ended.
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Running {
    pub(crate) fn start(site: &Site, args: &[&str], stdin: &str) -> Self {
        let home = Scratch::new("home");
        let mut running = Self::start_at(home.path(), site.root(), args, stdin);
        running.home = Some(home);
        running
    }

    /// The same with this home, in this directory.
    pub(crate) fn start_at(home: &Path, cwd: &Path, args: &[&str], stdin: &str) -> Self {
        let kickout = Command::new(&Binaries::dev().kickout);
        Self::spawn(kickout, [home, cwd], PATH, args, stdin)
    }

    /// The same in a network of the test's own.
    pub(crate) fn start_within(space: &Space, home: &Path, args: &[&str]) -> Self {
        let kickout = space.command(&Binaries::dev().kickout);
        Self::spawn(kickout, [home, home], PATH, args, "")
    }

    /// The same with programs of the test's own.
    pub(crate) fn start_on(path: &str, home: &Path, cwd: &Path, args: &[&str]) -> Self {
        let kickout = Command::new(&Binaries::dev().kickout);
        Self::spawn(kickout, [home, cwd], path, args, "")
    }

    fn spawn(
        mut command: Command,
        [home, cwd]: [&Path; 2],
        path: &str,
        args: &[&str],
        stdin: &str,
    ) -> Self {
        let scratch = Scratch::new("running");
        let to = |name: &str| File::create(scratch.join(name)).unwrap();
        let mut child = command
            .args(args)
            .current_dir(cwd)
            .env_clear()
            .env("HOME", home)
            .env("TMPDIR", home)
            .env("PATH", path)
            .stdin(Stdio::piped())
            .stdout(to("stdout"))
            .stderr(to("stderr"))
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(stdin.as_bytes())
            .unwrap();
        Self {
            child,
            scratch,
            home: None,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// What it has printed so far.
    pub(crate) fn stdout(&self) -> String {
        std::fs::read_to_string(self.scratch.join("stdout")).unwrap()
    }

    /// The process id of its agent, as soon as there is one.
    pub(crate) fn agent(&self) -> u32 {
        let parent = self.child.id().to_string();
        until("an agent runs", Duration::from_secs(30), || {
            let processes = std::fs::read_dir("/proc").unwrap().flatten();
            let mut ids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
            ids.find(|id| stat(*id).is_some_and(|stat| stat[1] == parent))
        })
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> End {
        let status = wait_for_exit(&mut self.child, Duration::from_secs(60));
        let status = status.expect("kickout did not end");
        let read = |name: &str| std::fs::read_to_string(self.scratch.join(name)).unwrap();
        End {
            code: status.code(),
            signal: status.signal(),
            stdout: read("stdout"),
            stderr: read("stderr"),
        }
    }
}

/// State, parent and so on, of a process that is there.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, facts) = stat.rsplit_once(')')?;
    Some(facts.split_whitespace().map(str::to_owned).collect())
}

/// Until a process has ended; one that nobody has reaped yet has.
pub(crate) fn gone(pid: u32) {
    until("the process ends", Duration::from_secs(60), || {
        stat(pid).is_none_or(|stat| stat[0] == "Z").then_some(())
    });
}
