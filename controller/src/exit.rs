//! The exit codes: one table, stable, documented in `docs/exit-codes.md`.

use kickout_shared::event::Verdict;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, and proved as far as was asked; "nothing to do" is 0.
    Done = 0,
    /// The site said Error (as in WP-CLI), or a bug of ours.
    Failed = 1,
    /// Wrong usage or configuration; nothing was contacted.
    Usage = 2,
    /// The target is unreachable, or refused the login.
    Unreachable = 4,
    /// Sessions are, or may still be, alive.
    Alive = 5,
    /// The operator did not agree.
    NotConfirmed = 7,
    /// Stopped by the operator.
    Interrupted = 130,
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Answered | Verdict::Proved | Verdict::Gone | Verdict::Skipped => Self::Done,
            Verdict::Failed => Self::Failed,
            Verdict::Unreachable => Self::Unreachable,
            Verdict::Unconfirmed | Verdict::Alive | Verdict::Unknown => Self::Alive,
            Verdict::Cancelled => Self::Interrupted,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
