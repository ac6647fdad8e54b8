//! The words for how sites ended: a line for each, and one for all. Pure.

use kickout_shared::event::{Missing, Outcome, Verdict};

use crate::exit::Exit;

/// Names in a recap before it only counts.
const NAMES: usize = 10;

/// How one site ended.
#[derive(Debug)]
pub(super) struct Finished {
    /// What is known.
    pub(super) verdict: Verdict,
    /// What it means for the program.
    pub(super) exit: Exit,
    /// What was counted, when the agent said so.
    pub(super) outcome: Option<Outcome>,
    /// What the site lacks where it was asked.
    pub(super) missing: Option<Missing>,
}

impl Finished {
    /// A site that says nothing of its own.
    pub(super) fn of(verdict: Verdict) -> Self {
        Self {
            verdict,
            exit: verdict.into(),
            outcome: None,
            missing: None,
        }
    }
}

/// The order of a recap, and whether the sites are worth naming.
const WORDS: [(Verdict, &str, bool); 10] = [
    (Verdict::Proved, "proved", false),
    (Verdict::Gone, "gone", false),
    (Verdict::Answered, "answered", false),
    (Verdict::Skipped, "skipped", false),
    (Verdict::Unconfirmed, "unconfirmed", true),
    (Verdict::Alive, "alive", true),
    (Verdict::Failed, "failed", true),
    (Verdict::Unreachable, "unreachable", true),
    (Verdict::Unknown, "unknown", true),
    (Verdict::Cancelled, "cancelled", true),
];

fn word(verdict: Verdict) -> &'static str {
    let known = WORDS.iter().find(|(known, ..)| *known == verdict);
    known.map_or("unknown", |(_, word, _)| word)
}

/// `@web1: gone, 2 sessions of 1 user`
pub(super) fn line(name: &str, finished: &Finished) -> String {
    let mut text = format!("@{name}: {}", word(finished.verdict));
    if let Some(Outcome {
        users, sessions, ..
    }) = finished.outcome
        && sessions > 0
    {
        let (sessions, users) = (counted(sessions, "session"), counted(users, "user"));
        text.push_str(&format!(", {sessions} of {users}"));
    }
    text
}

/// `3 sites: 2 gone, 1 unreachable (@web3).`
pub(super) fn recap(sites: &[(&str, Finished)]) -> String {
    let mut parts = Vec::new();
    for (verdict, word, named) in WORDS {
        let those = sites.iter().filter(|(_, it)| it.verdict == verdict);
        let names: Vec<String> = those.map(|(name, _)| format!("@{name}")).collect();
        if names.is_empty() {
            continue;
        }
        let mut part = format!("{} {word}", names.len());
        if named {
            let shown = names[..names.len().min(NAMES)].join(", ");
            part.push_str(&match names.len().saturating_sub(NAMES) {
                0 => format!(" ({shown})"),
                more => format!(" ({shown} and {more} more)"),
            });
        }
        parts.push(part);
    }
    format!(
        "{}: {}.",
        counted(sites.len() as u64, "site"),
        parts.join(", ")
    )
}

/// `1 session`, `2 sessions`
pub(super) fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_recaps() {
        let gone = |users, sessions| Finished {
            outcome: Some(Outcome {
                verdict: Verdict::Gone,
                users,
                sessions,
                missing: None,
            }),
            ..Finished::of(Verdict::Gone)
        };
        let lost = || Finished::of(Verdict::Unreachable);
        assert_eq!(
            line("web1", &gone(1, 2)),
            "@web1: gone, 2 sessions of 1 user"
        );
        assert_eq!(line("web3", &lost()), "@web3: unreachable");
        let three = [("web1", gone(1, 2)), ("web3", lost()), ("web2", gone(2, 3))];
        assert_eq!(recap(&three), "3 sites: 2 gone, 1 unreachable (@web3).");
        assert_eq!(recap(&three[..1]), "1 site: 1 gone.");
        let many: Vec<_> = (0..12).map(|_| ("x", lost())).collect();
        assert!(
            recap(&many).ends_with("@x and 2 more)."),
            "{}",
            recap(&many)
        );
    }
}
