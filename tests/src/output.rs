//! What a run of a program left behind, and how a test says what it should have been.

use std::path::PathBuf;

use crate::scratch::text;

/// What a run left behind. The asserting methods explain a failure with all of it.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command as one would type it.
    pub command: String,
    /// Where it ran.
    pub cwd: PathBuf,
    /// The exit code; `None` when a signal or the deadline ended it.
    pub code: Option<i32>,
    /// Everything on stdout, as text.
    pub stdout: String,
    /// Everything on stderr, as text.
    pub stderr: String,
    /// Everything on stdout, as it came.
    pub stdout_bytes: Vec<u8>,
    pub(crate) ended: String,
}

impl Output {
    /// It ended with this code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        self.must(self.code == Some(code), &format!("exit code {code}"));
        self
    }

    /// It ended with 0 and said nothing on stderr.
    #[track_caller]
    pub fn success(self) -> Self {
        self.code(0).stderr("")
    }

    /// Its stdout is exactly this.
    #[track_caller]
    pub fn stdout(self, expected: &str) -> Self {
        self.must(self.stdout == expected, &format!("stdout {expected:?}"));
        self
    }

    /// Its stderr is exactly this.
    #[track_caller]
    pub fn stderr(self, expected: &str) -> Self {
        self.must(self.stderr == expected, &format!("stderr {expected:?}"));
        self
    }

    /// Its stderr contains this.
    #[track_caller]
    pub fn stderr_has(self, part: &str) -> Self {
        self.must(self.stderr.contains(part), &format!("{part:?} on stderr"));
        self
    }

    /// Its stdout contains this.
    #[track_caller]
    pub fn stdout_has(self, part: &str) -> Self {
        self.must(self.stdout.contains(part), &format!("{part:?} on stdout"));
        self
    }

    /// Neither stream contains this, such as a password.
    #[track_caller]
    pub fn never_says(self, secret: &str) -> Self {
        let said = self.stdout.contains(secret) || self.stderr.contains(secret);
        self.must(!said, &format!("no {secret:?} anywhere"));
        self
    }

    /// Fails with `expected` and the whole story unless `met`.
    #[track_caller]
    pub fn check(self, met: bool, expected: &str) -> Self {
        self.must(met, expected);
        self
    }

    #[track_caller]
    fn must(&self, met: bool, expected: &str) {
        assert!(met, "expected {expected}\n{}", self.to_snapshot());
    }

    /// The run as one text: command, place, exit, both streams.
    pub fn to_snapshot(&self) -> String {
        format!(
            "$ cd {}\n$ {}\n{}\n--- stdout ---\n{}\n--- stderr ---\n{}\n---",
            text(&self.cwd),
            self.command,
            self.ended,
            self.stdout,
            self.stderr
        )
    }
}
