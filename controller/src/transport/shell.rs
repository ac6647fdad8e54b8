//! The shell scripts that put the agent in place and tidy up: constants, and the words behind them.
//! They know no transport: stdin and stdout are all they have.
//!
//! One exec does it all, because a login shell that reads its rc file costs more than the work:
//! where the agent lies already, it starts at once; where it does not, the script asks for it on
//! stdout and reads it from stdin.

use std::sync::LazyLock;

use crate::deliver::Offer;

/// What the line says when it cannot start the agent yet, or at all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing of ours: noise, or the agent's hello.
    Other,
    /// It waits for the agent of this architecture.
    Needs(String),
    /// The host's architecture has no agent.
    Architecture(String),
    /// No directory will do; why each would not.
    NoPlace(String),
    /// The place with this number failed while it was written to.
    Failed(u32, String),
}

/// The places that are tried on a host, by their names in `place.sh`. Home comes first.
pub(crate) const PLACES: [&str; 5] = ["home", "/tmp", "/var/tmp", "/dev/shm", "/run"];

/// Those that do not depend on a home directory: with `sudo`, home may be a web root.
pub(crate) const SHARED_PLACES: &[&str] = PLACES.split_at(1).1;

/// The script that puts the agent in place and becomes it; its header says how.
pub(crate) static PLACE: LazyLock<String> = LazyLock::new(|| joined(include_str!("place.sh")));

/// The script that names the agents in their places, or removes them.
pub(crate) static TIDY: LazyLock<String> = LazyLock::new(|| joined(include_str!("tidy.sh")));

/// A script without its comments, as one line.
fn joined(script: &str) -> String {
    let lines = script.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.collect::<Vec<_>>().join(" ")
}

/// What stands behind [`PLACE`]: the agents that could be sent, and where the search begins.
pub(crate) fn place_words<'a>(
    offers: impl IntoIterator<Item = &'a Offer>,
    nonce: &str,
    from: u32,
    places: &[&str],
) -> Vec<String> {
    let mut words = vec!["kickout".to_owned(), nonce.to_owned(), from.to_string()];
    let offers = offers.into_iter();
    words.extend(offers.map(|Offer { arch, hash, size }| format!("{arch}:{hash}:{size}")));
    words.push("--".to_owned());
    words.extend(places.iter().map(|&place| place.to_owned()));
    words
}

/// What stands behind [`TIDY`].
pub(crate) fn tidy_words(nonce: &str, remove: bool, places: &[&str]) -> Vec<String> {
    let what = if remove { "remove" } else { "where" };
    let words = ["kickout", nonce, what];
    words
        .iter()
        .chain(places)
        .map(|&it| it.to_owned())
        .collect()
}

/// One line for any login shell. The words are constants, digits and hashes: they need no quotes.
pub(crate) fn line(script: &str, words: &[String]) -> String {
    format!("/bin/sh -c '{script}' {}", words.join(" "))
}

/// An agent that lies on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Where; the host's own text.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What a line of [`TIDY`] says; `Some(None)` is the end of the list.
pub(crate) fn placed(line: &[u8], nonce: &str) -> Option<Option<Placed>> {
    let line = std::str::from_utf8(line).ok()?;
    if line.strip_prefix("KICKOUT-END ") == Some(nonce) {
        return Some(None);
    }
    let rest = line.strip_prefix("KICKOUT-HAS ")?.strip_prefix(nonce)?;
    let (size, path) = rest.trim_start().split_once(' ')?;
    Some(Some(Placed {
        path: path.to_owned(),
        size: size.parse().ok()?,
    }))
}

/// What a line of the host's output means.
pub(crate) fn said(line: &[u8], nonce: &str) -> Said {
    let read = || {
        let rest = std::str::from_utf8(line).ok()?.strip_prefix("KICKOUT-")?;
        let (kind, rest) = rest.split_once(' ')?;
        let rest = rest.trim_end().strip_prefix(nonce)?.trim_start();
        let bounded = |text: &str| text.chars().take(MOST).collect::<String>();
        Some(match kind {
            "NEED" => Said::Needs(bounded(rest)),
            "ARCH" => Said::Architecture(bounded(rest)),
            "NOPLACE" => Said::NoPlace(bounded(rest.trim_end_matches(';'))),
            "FAIL" => {
                let (place, why) = rest.split_once(' ')?;
                Said::Failed(place.parse().ok()?, bounded(why))
            }
            _ => return None,
        })
    };
    read().unwrap_or(Said::Other)
}

/// How much of a reason is worth showing.
const MOST: usize = 400;

#[cfg(test)]
#[path = "shell_tests.rs"]
mod tests;
