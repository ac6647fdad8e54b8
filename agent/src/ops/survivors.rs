//! What a logout does not cut for the users it meant: one line, when there is anything. Nothing is
//! changed here, and no verdict depends on it.

use kickout_shared::age::age;
use kickout_shared::bytes::Bytes;
use kickout_shared::event::{Level, Line};

use crate::engine::{Engine, Survivor, WayIn};
use crate::ops::existed::Moment;
use crate::ops::selection::Selection;
use crate::ops::{Desk, Stop, counted};

/// Users looked at, for each way in.
const MOST: usize = 1_000;

/// Users called by name.
const NAMED: usize = 3;

/// How long WordPress honours a key (`password_reset_expiration`), in seconds.
const RESET_LIVES: i64 = 86_400;

/// Whose sessions were destroyed.
pub(super) enum Whose<'a> {
    /// These users'.
    Users(&'a [u64]),
    /// Those of everybody who is chosen.
    Chosen(&'a Selection),
}

/// Says what still lets these users in.
pub(super) async fn say<E: Engine>(
    desk: &mut Desk<'_, E>,
    whose: Whose<'_>,
    begun: Moment<'_>,
) -> Result<(), Stop> {
    if begun.dry_run {
        return Ok(());
    }
    let named = match whose {
        Whose::Users(ids) => Some(ids).filter(|ids| ids.len() <= MOST),
        Whose::Chosen(_) => None,
    };
    let mut found = match desk.engine.survivors(named, MOST).await {
        Ok(found) => found,
        // The sessions are gone all the same.
        Err(error) => {
            let text = format!("What a logout does not cut could not be looked up: {error}.");
            desk.out.warning(text).await?;
            return Ok(());
        }
    };
    let resets = |survivor: &&Survivor| matches!(survivor.way, WayIn::Reset { .. });
    let resets = found.iter().filter(resets).count();
    let more = resets.max(found.len() - resets) >= MOST;
    match whose {
        Whose::Users(ids) => found.retain(|survivor| ids.contains(&survivor.user)),
        Whose::Chosen(selection) => {
            let users = found.iter().map(|survivor| survivor.user).collect();
            let chosen = selection.users(desk, users).await?;
            found.retain(|survivor| chosen.contains(&survivor.user));
        }
    }
    if let Some(line) = line(&found, more, begun.now) {
        desk.out.line(line).await?;
    }
    Ok(())
}

/// The line, or nothing; `more` when not everything was looked at.
fn line(found: &[Survivor], more: bool, now: i64) -> Option<Line> {
    let (mut held, mut keys, mut at_least, mut used) = (Vec::new(), Vec::new(), more, None);
    let mut passwords = 0;
    for Survivor { login, way, .. } in found {
        match way {
            WayIn::Passwords { count, last_used } => {
                passwords += count.unwrap_or(1);
                at_least |= count.is_none();
                used = used.max(*last_used);
                held.push(login);
            }
            WayIn::Reset { since } if since.is_none_or(|since| since > now - RESET_LIVES) => {
                keys.push(login);
            }
            WayIn::Reset { .. } => {}
        }
    }
    let least = if at_least { "at least " } else { "" };
    let mut ways = Vec::new();
    if !held.is_empty() {
        let used = match used {
            Some(used) => format!("last used {} ago", age(used.min(now), now)),
            None => "never used".to_owned(),
        };
        let passwords = counted(passwords, "application password");
        ways.push(format!("{least}{passwords} of {} ({used})", names(&held)));
    }
    if !keys.is_empty() {
        let resets = counted(keys.len() as u64, "pending password reset");
        let least = if more { "at least " } else { "" };
        ways.push(format!("{least}{resets} of {}", names(&keys)));
    }
    (!ways.is_empty()).then(|| Line {
        level: Level::Warning,
        text: format!("A logout does not cut {}.", ways.join(", nor ")),
        fix: Some(
            "Revoke application passwords (wp user application-password delete <user> --all); a \
             new password (wp user reset-password <user>) ends a pending reset."
                .to_owned(),
        ),
    })
}

/// `anna`, `anna, bob and 4 others`
fn names(logins: &[&Bytes]) -> String {
    let named: Vec<_> = logins.iter().take(NAMED).map(|it| it.lossy()).collect();
    let named = named.join(", ");
    match logins.len().saturating_sub(NAMED) {
        0 => named,
        1 => format!("{named} and 1 other"),
        others => format!("{named} and {others} others"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn passwords(login: &str, count: Option<u64>, last_used: Option<i64>) -> Survivor {
        let way = WayIn::Passwords { count, last_used };
        of(login, way)
    }

    fn reset(login: &str, since: Option<i64>) -> Survivor {
        of(login, WayIn::Reset { since })
    }

    fn of(login: &str, way: WayIn) -> Survivor {
        Survivor {
            user: 1,
            login: login.into(),
            way,
        }
    }

    #[test]
    fn one_line_or_none() {
        let ago = |seconds: i64| Some(NOW - seconds);
        let crowd: Vec<_> = ["a", "b", "c", "d", "e"]
            .map(|login| passwords(login, Some(1), None))
            .into();
        let rows = [
            (vec![], false, None),
            (vec![reset("anna", ago(RESET_LIVES))], false, None),
            (
                vec![reset("anna", ago(RESET_LIVES - 1))],
                false,
                Some("1 pending password reset of anna."),
            ),
            (
                vec![reset("anna", None), reset("bob", ago(5))],
                true,
                Some("at least 2 pending password resets of anna, bob."),
            ),
            (
                vec![passwords("anna", Some(1), None)],
                false,
                Some("1 application password of anna (never used)."),
            ),
            (
                vec![
                    passwords("anna", Some(2), ago(7_200)),
                    passwords("bob", Some(1), ago(90)),
                    reset("anna", ago(1)),
                ],
                false,
                Some(
                    "3 application passwords of anna, bob (last used 1 minute ago), nor 1 pending \
                     password reset of anna.",
                ),
            ),
            (
                vec![passwords("anna", None, None)],
                false,
                Some("at least 1 application password of anna (never used)."),
            ),
            (
                crowd,
                false,
                Some("5 application passwords of a, b, c and 2 others (never used)."),
            ),
        ];
        for (found, more, said) in rows {
            let text = line(&found, more, NOW).map(|line| line.text);
            let said = said.map(|said| format!("A logout does not cut {said}"));
            assert_eq!(text, said, "{found:?}");
        }
    }
}
