//! A server process that dies with the test, also when the test is killed.
//!
//! Two things end it: `Drop`, and a watchdog that waits at the end of a pipe this process holds.
//! The kernel closes the pipe however we end; then the watchdog kills the server and removes its
//! directory. (A parent-death signal would not do: it is bound to the thread that forked, and a
//! test's thread ends before a server shared by the whole process.)

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{Scratch, until, wait_for_exit};

/// Kills the group of `$1` if its command line still names our directory `$2`, and removes that
/// directory: a process id alone may meanwhile belong to somebody else.
const WATCHDOG: &str = r#"
read -r word && exit 0
if grep -qaF "$2" "/proc/$1/cmdline" 2>/dev/null; then kill -KILL "-$1"; fi
while [ -d "/proc/$1" ] && grep -qaF "$2" "/proc/$1/cmdline" 2>/dev/null; do :; done
rm -rf "$2"
"#;

/// A running server and its directory.
#[derive(Debug)]
pub struct Guarded {
    child: Child,
    watchdog: Child,
    scratch: Scratch,
}

impl Guarded {
    /// Starts a server whose command line names its scratch directory.
    pub fn spawn(mut server: Command, scratch: Scratch) -> Self {
        let child = server
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("failed to start {server:?}: {error}"));
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "watchdog", &child.id().to_string()])
            .arg(scratch.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt at the keyboard reaches the whole foreground group, but not this one.
            .process_group(0)
            .spawn()
            .unwrap();
        Self {
            child,
            watchdog,
            scratch,
        }
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.scratch.path()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(&mut self, deadline: Duration) -> std::process::ExitStatus {
        let ended = wait_for_exit(&mut self.child, deadline);
        ended.expect("the server has not ended")
    }

    /// Asks it to do what it does for this signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Asks it to end in good order and waits; its directory stays until the value goes.
    pub fn stop(&mut self) {
        self.signal(rustix::process::Signal::TERM);
        let ended = wait_for_exit(&mut self.child, Duration::from_secs(60));
        assert!(ended.is_some(), "the server did not stop");
    }

    /// Waits until it answers; what it wrote to this file of its directory tells why it ended instead.
    pub(crate) fn until(
        &mut self,
        what: &str,
        deadline: Duration,
        log: &str,
        mut answers: impl FnMut(&Path) -> bool,
    ) {
        until(what, deadline, || {
            if self.has_ended() {
                let log = std::fs::read_to_string(self.dir().join(log)).unwrap_or_default();
                panic!("{what}: it ended at once:\n{log}");
            }
            answers(self.dir()).then_some(())
        });
    }

    /// Ends it without a word, and its children: those of PHP-FPM would outlive it.
    pub fn kill(&mut self) {
        if !self.has_ended() {
            let group = rustix::process::Pid::from_child(&self.child);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.kill();
        // The server is reaped, its number is free: the watchdog must not use it any more.
        if let Some(mut pipe) = self.watchdog.stdin.take() {
            let _ = pipe.write_all(b"done\n");
        }
        let _ = self.watchdog.wait();
    }
}
