//! A program on a terminal: what it draws, what is typed, how it ends.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::{Output, Scratch, until, wait_for_exit};

/// A program that runs on a terminal.
#[derive(Debug)]
pub struct Tty {
    child: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    seen: Vec<u8>,
    /// How much of `seen` earlier expectations have used up.
    used: usize,
    end: Instant,
    command: String,
    cwd: PathBuf,
    _home: Scratch,
}

impl Tty {
    pub(crate) fn spawn(
        mut program: Command,
        columns: u16,
        deadline: Duration,
        command: String,
        cwd: PathBuf,
        home: Scratch,
    ) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize {
            ws_row: 50,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        // Not ours: a test run from a terminal keeps its own.
        let noctty = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(noctty)
            .open(name);
        let slave = slave.unwrap();
        tcsetwinsize(&slave, size).unwrap();
        let child = program
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave)
            .spawn()
            .unwrap_or_else(|error| panic!("failed to start {program:?}: {error}"));
        // The command holds our copies of the terminal; with them open it would never hang up.
        drop(program);
        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().unwrap();
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The last program to leave hangs the terminal up, which reads as an error.
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let end = Instant::now() + deadline;
        Self {
            child,
            keyboard,
            screen,
            seen: Vec::new(),
            used: 0,
            end,
            command,
            cwd,
            _home: home,
        }
    }

    /// Waits until this text has appeared after what earlier calls waited for.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        loop {
            let fresh = String::from_utf8_lossy(&self.seen[self.used..]).into_owned();
            if let Some(at) = fresh.find(text) {
                // Counted in what has been seen as text; only the tests' own words are sought.
                self.used = (self.used + at + text.len()).min(self.seen.len());
                return self;
            }
            let left = self.end.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.seen.extend(bytes),
                Err(why) => panic!("{text:?} never appeared ({why}):\n{}", self.screen_text()),
            }
        }
    }

    /// Types something; a line ends in `\r` or `\n`, end of input is `\x04`, interrupt `\x03`.
    pub fn send(&mut self, keys: &str) -> &mut Self {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Types something as soon as the terminal shows it no more: a password.
    pub fn send_unseen(&mut self, keys: &str) -> &mut Self {
        until("the terminal hides what is typed", self.left(), || {
            let modes = tcgetattr(&self.keyboard).unwrap().local_modes;
            (!modes.contains(LocalModes::ECHO)).then_some(())
        });
        self.send(keys)
    }

    fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Everything that has been on the screen so far.
    pub fn screen_text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Waits for the end; both streams are one here, on stdout, with the terminal's line ends.
    #[must_use]
    pub fn finish(mut self) -> Output {
        let left = self.end.saturating_duration_since(Instant::now());
        let status = wait_for_exit(&mut self.child, left);
        while let Ok(bytes) = self.screen.recv_timeout(Duration::from_secs(10)) {
            self.seen.extend(bytes);
        }
        Output {
            command: std::mem::take(&mut self.command),
            cwd: std::mem::take(&mut self.cwd),
            code: status.and_then(|status| status.code()),
            ended: status.map_or("killed at the deadline".to_owned(), |it| it.to_string()),
            stdout: self.screen_text(),
            stderr: String::new(),
            stdout_bytes: self.seen.clone(),
        }
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
