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
    /// Some targets failed, some did not.
    Mixed = 3,
    /// The target is unreachable, or refused the login.
    Unreachable = 4,
    /// Sessions are, or may still be, alive.
    Alive = 5,
    /// The operator did not agree.
    NotConfirmed = 7,
    /// The target is not who it should be (host key, TLS).
    Identity = 8,
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

impl Exit {
    /// What says most about several targets, first.
    const LOUDEST: [Self; 4] = [
        Self::Interrupted,
        Self::NotConfirmed,
        Self::Identity,
        Self::Alive,
    ];

    /// How a run over several targets ends: one of the loudest if any target ended so, else what
    /// all have in common, else "mixed". Nobody is done.
    pub fn fold(exits: &[Self]) -> Self {
        let loudest = Self::LOUDEST.into_iter().find(|loud| exits.contains(loud));
        let common = || match exits {
            [] => Self::Done,
            [first, rest @ ..] if rest.iter().all(|exit| exit == first) => *first,
            _ => Self::Mixed,
        };
        loudest.unwrap_or_else(common)
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::Exit::{self, *};

    #[test]
    fn several_targets_end_as_one() {
        let rows: [(&[Exit], Exit); 14] = [
            (&[], Done),
            (&[Done], Done),
            (&[Done, Done], Done),
            (&[Failed, Failed], Failed),
            (&[Unreachable, Unreachable], Unreachable),
            (&[Usage], Usage),
            (&[Done, Failed], Mixed),
            (&[Done, Unreachable, Done], Mixed),
            (&[Failed, Unreachable], Mixed),
            (&[Done, Failed, Alive], Alive),
            (&[Alive, Identity, Done], Identity),
            (&[Identity, NotConfirmed], NotConfirmed),
            (&[NotConfirmed, Interrupted, Alive], Interrupted),
            (&[Mixed, Done], Mixed),
        ];
        for (exits, expected) in rows {
            assert_eq!(Exit::fold(exits), expected, "{exits:?}");
        }
    }
}
