//! Shows what the web side has proved of a site, and what that makes of its verdict.

use kickout_shared::event::Verdict;

use super::canary::{Canary, Conclusion, Proof};
use super::members::Way;
use super::print::{Printer, patiently};
use super::wheel::{Stop, Wheel};
use crate::report::{named, with_fix};

impl Printer<'_> {
    /// Asks the web side, when there is something to ask for; the session of ours goes in any case.
    /// `worked`: something was destroyed, and nothing else went wrong.
    pub(super) async fn prove(
        &mut self,
        name: Option<&str>,
        canary: Canary,
        (verdict, worked): (Verdict, bool),
        wheel: &Wheel,
    ) -> Verdict {
        let to_prove = match verdict {
            Verdict::Gone | Verdict::Unconfirmed | Verdict::Alive | Verdict::Skipped => true,
            Verdict::Answered
            | Verdict::Proved
            | Verdict::Failed
            | Verdict::Unreachable
            | Verdict::Unknown
            | Verdict::Cancelled => false,
        };
        if !to_prove || wheel.how() > Stop::No {
            self.remove(name, &canary, wheel).await;
            return verdict;
        }
        let way = Way::default();
        let spin = self.several.then_some(&way);
        let Conclusion { proof, text, fix } = patiently(canary.conclude(wheel), name, spin).await;
        if wheel.how() > Stop::No && !matches!(proof, Proof::Alive) {
            return Verdict::Cancelled;
        }
        let text = with_fix(text, Some(fix).filter(|fix| !fix.is_empty()));
        let (verdict, line) = match (proof, verdict) {
            (Proof::Proved, verdict) => {
                let doubt = verdict == Verdict::Unconfirmed && worked;
                let proved = doubt || verdict == Verdict::Gone;
                let verdict = if proved { Verdict::Proved } else { verdict };
                (verdict, self.screen.lines.note(named(name, text)))
            }
            (Proof::Alive, _) => {
                let line = self.screen.lines.error(named(name, text));
                (Verdict::Alive, Some(line))
            }
            (Proof::Not, Verdict::Alive) => {
                (Verdict::Alive, self.screen.lines.warning(named(name, text)))
            }
            (Proof::Not, _) => {
                let line = self.screen.lines.warning(named(name, text));
                (Verdict::Unconfirmed, line)
            }
        };
        self.screen.line(line);
        verdict
    }

    pub(super) async fn remove(&mut self, name: Option<&str>, canary: &Canary, wheel: &Wheel) {
        if let Err(line) = canary.remove(wheel).await {
            let text = named(name, with_fix(line.text, line.fix));
            self.screen.line(self.screen.lines.warning(text));
        }
    }
}
