//! Takes entries out of a `session_tokens` value, byte for byte. Refuses whenever the result could
//! mean anything else than the same value without them; writes nothing anywhere.

#[cfg(test)]
mod tests;

use std::ops::Range;

use kickout_shared::value::Key;

use super::serialize::{Item, Scanner, Step};
use super::tokens::{Corruption, Entry, EntryState, Survey, survey};

/// What to do with the rows that hold a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Write this instead.
    Rewrite(Vec<u8>),
    /// Delete the rows: no live entry remains, and core never writes an empty array.
    Empty,
    /// Nothing to drop.
    Unchanged,
}

/// Why a value is not edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The value is not a list of sessions, or not one that can be followed.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// Two sessions under one key: PHP would collapse them.
    #[error("the key `{key}` stands twice in the value")]
    DuplicateKey {
        /// The key.
        key: Key,
    },
    /// A session that stays shares data with something that is removed or rewritten.
    #[error("the session `{key}` refers to slot {target}, which does not stay as it is")]
    ReferenceIntoRemoved {
        /// The session that stays.
        key: Key,
        /// The slot it refers to, counted from 1.
        target: u64,
    },
    /// The new value does not read back as the sessions that stay. A bug.
    #[error("the edited value does not hold the {kept} sessions that were to stay")]
    SelfCheck {
        /// How many there should be.
        kept: usize,
    },
}

impl Refusal {
    /// What the operator can do.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Corrupt(corruption) => corruption.fix(),
            Self::DuplicateKey { .. } | Self::ReferenceIntoRemoved { .. } => {
                "Destroy all of the user's sessions instead (--all): that needs \
                 no parsing."
            }
            Self::SelfCheck { .. } => {
                "Destroy all of the user's sessions instead (--all): that needs no parsing. Please report \
                 this."
            }
        }
    }
}

/// The value without the entries that `drop` chooses, as `WP_User_Meta_Session_Tokens` would store
/// it at `now` (seconds since the epoch): entries that are expired or ignored go too, and bare
/// integers become arrays. Everything else stays byte for byte, but for the numbers of references.
/// When `drop` chooses nothing, nothing changes.
pub fn remove(value: &[u8], now: i64, drop: &dyn Fn(&Entry) -> bool) -> Result<Edit, Refusal> {
    let Survey { entries, duplicate } = survey(value, now)?;
    if let Some(key) = duplicate {
        return Err(Refusal::DuplicateKey { key });
    }
    let entries = entries.into_items();
    let chosen: Vec<bool> = entries.iter().map(drop).collect();
    if !chosen.contains(&true) {
        return Ok(Edit::Unchanged);
    }
    let plans = plan(&entries, &chosen);
    let kept: Vec<&Entry> = plans
        .iter()
        .filter(|plan| plan.fate != Fate::Drop)
        .map(|plan| plan.entry)
        .collect();
    if kept.is_empty() {
        return Ok(Edit::Empty);
    }
    let edited = write(value, &plans, kept.len())?;
    if holds(&edited, &kept) {
        Ok(Edit::Rewrite(edited))
    } else {
        Err(Refusal::SelfCheck { kept: kept.len() })
    }
}

/// Whether an edited value is whole, and has the keys of these entries in their order.
fn holds(edited: &[u8], kept: &[&Entry]) -> bool {
    let mut kept = kept.iter();
    for step in Scanner::new(edited) {
        let Ok(Step { key, depth, .. }) = step else {
            return false;
        };
        if let (1, Some(key)) = (depth, key)
            && kept.next().is_none_or(|entry| entry.key != key.to_key())
        {
            return false;
        }
    }
    kept.next().is_none()
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Drop,
    Keep,
    /// A bare integer becomes an array, which takes one slot more.
    Wrap,
}

struct Plan<'a> {
    entry: &'a Entry,
    fate: Fate,
    /// What is added to the numbers of its slots.
    shift: i64,
}

fn plan<'a>(entries: &'a [Entry], chosen: &[bool]) -> Vec<Plan<'a>> {
    let mut shift = 0;
    let mut next = |(entry, chosen): (&'a Entry, &bool)| {
        let fate = match entry.state {
            EntryState::Expired | EntryState::Ignored(_) => Fate::Drop,
            EntryState::Live | EntryState::Odd(_) if *chosen => Fate::Drop,
            EntryState::Live | EntryState::Odd(_) if entry.legacy => Fate::Wrap,
            EntryState::Live | EntryState::Odd(_) => Fate::Keep,
        };
        let plan = Plan { entry, fate, shift };
        shift += match fate {
            Fate::Drop => -width(&entry.slots),
            Fate::Keep => 0,
            Fate::Wrap => 1,
        };
        plan
    };
    entries.iter().zip(chosen).map(&mut next).collect()
}

fn width(slots: &Range<u64>) -> i64 {
    i64::try_from(slots.end - slots.start).unwrap_or(i64::MAX)
}

/// Copies what stays, and renumbers the references in it on the way.
fn write(value: &[u8], plans: &[Plan<'_>], kept: usize) -> Result<Vec<u8>, Refusal> {
    let mut edited = Vec::with_capacity(value.len());
    edited.extend_from_slice(format!("a:{kept}:{{").as_bytes());
    let mut references = Scanner::new(value)
        .map_while(Result::ok)
        .filter_map(reference)
        .peekable();
    for Plan { entry, fate, .. } in plans {
        let bytes = |range: Range<usize>| value.get(range).unwrap_or_default();
        let mut at = entry.raw.start;
        if *fate == Fate::Wrap {
            edited.extend_from_slice(bytes(at..entry.value));
            edited.extend_from_slice(b"a:1:{s:10:\"expiration\";");
            edited.extend_from_slice(bytes(entry.value..entry.raw.end));
            edited.push(b'}');
            continue;
        }
        while let Some((digits, target)) = references.next_if(|(at, _)| at.end < entry.raw.end) {
            if *fate == Fate::Keep {
                let key = || entry.key.clone();
                let moved = renumbered(target, plans)
                    .ok_or_else(|| Refusal::ReferenceIntoRemoved { key: key(), target })?;
                edited.extend_from_slice(bytes(at..digits.start));
                edited.extend_from_slice(moved.to_string().as_bytes());
                at = digits.end;
            }
        }
        if *fate == Fate::Keep {
            edited.extend_from_slice(bytes(at..entry.raw.end));
        }
    }
    edited.push(b'}');
    Ok(edited)
}

/// Where a reference has its number, and the slot it names.
fn reference(step: Step<'_>) -> Option<(Range<usize>, u64)> {
    match step.item {
        Item::Reference { digits, target, .. } => Some((digits, target)),
        _ => None,
    }
}

/// The new number of a slot; none when what it holds does not stay as it is. That goes for slot 1
/// too: the array of all sessions is what is being edited.
fn renumbered(target: u64, plans: &[Plan<'_>]) -> Option<u64> {
    let at = plans.partition_point(|plan| plan.entry.slots.end <= target);
    let plan = plans.get(at)?;
    let stays = plan.fate == Fate::Keep && plan.entry.slots.contains(&target);
    if stays {
        target.checked_add_signed(plan.shift)
    } else {
        None
    }
}
