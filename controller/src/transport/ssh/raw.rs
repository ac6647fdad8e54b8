//! What was said about a host, in words: the one vocabulary that arguments, the plain reader and
//! `ssh -G` share. Pure. The first value of a keyword wins, but for files, which add up.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::target::{Host, Jump, KeyPath, Port, TargetError, User};

/// What an argument `-o` may set.
pub(super) const KEYS: [&str; 19] = [
    "AddressFamily",
    "BatchMode",
    "CertificateFile",
    "ConnectTimeout",
    "GlobalKnownHostsFile",
    "HostKeyAlias",
    "HostName",
    "IdentitiesOnly",
    "IdentityAgent",
    "IdentityFile",
    "Port",
    "PreferredAuthentications",
    "ProxyCommand",
    "ProxyJump",
    "ServerAliveCountMax",
    "ServerAliveInterval",
    "StrictHostKeyChecking",
    "User",
    "UserKnownHostsFile",
];

/// Longer lists of files or keys are a mistake, or meant to cost us time.
const MAX_FILES: usize = 100;

/// The words, by lower-case keyword.
#[derive(Debug, Default)]
pub(super) struct Raw {
    values: BTreeMap<String, Vec<String>>,
}

/// A value that its keyword does not take.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flawed {
    /// Not what the keyword expects, which is this.
    Value(&'static str),
    /// A name or a file that would not be safe to use.
    Target(TargetError),
}

impl From<TargetError> for Flawed {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl Raw {
    /// Takes a value, unless the keyword has one.
    pub(super) fn put(&mut self, key: &str, words: Vec<String>) {
        let key = key.to_ascii_lowercase();
        // Whichever of the two is said first decides how the host is reached; as in OpenSSH, a
        // `ProxyCommand none` also ends the search for a ProxyJump, but not the other way round.
        let decided = match key.as_str() {
            "proxyjump" => self.values.contains_key("proxycommand"),
            "proxycommand" => self.one("proxyjump").is_some_and(|jump| jump != "none"),
            _ => false,
        };
        if decided {
            return;
        }
        let adds_up = matches!(key.as_str(), "identityfile" | "certificatefile");
        let values = self.values.entry(key).or_default();
        if values.is_empty() {
            *values = words;
        } else if adds_up && values.len() < MAX_FILES {
            let new: Vec<_> = words
                .into_iter()
                .filter(|word| !values.contains(word))
                .collect();
            values.extend(new);
        }
    }

    /// Replaces words of a keyword, where there is something to replace.
    pub(super) fn change(&mut self, key: &str, with: impl Fn(&str) -> Option<String>) {
        for word in self.values.get_mut(key).into_iter().flatten() {
            if let Some(new) = with(word) {
                *word = new;
            }
        }
    }

    /// The only word of a keyword.
    pub(super) fn one(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.first().map(String::as_str)
    }

    /// All words of a keyword.
    pub(super) fn all(&self, key: &str) -> Option<&[String]> {
        self.values.get(key).map(Vec::as_slice)
    }

    /// A switch, which is off unless it was set.
    pub(super) fn is_on(&self, key: &str) -> bool {
        self.one(key).and_then(switch) == Some(true)
    }

    /// A switch that is on unless it was set.
    pub(super) fn is_off(&self, key: &str) -> bool {
        self.one(key).and_then(switch) == Some(false)
    }

    /// A time; `none` and 0 are no time at all.
    pub(super) fn time(&self, key: &str) -> Option<Duration> {
        let time = self.one(key).and_then(seconds)?;
        (time > 0).then(|| Duration::from_secs(time))
    }

    /// Whether every value is one that its keyword takes.
    pub(super) fn check(&self) -> Result<(), (String, String, Flawed)> {
        for (key, words) in &self.values {
            check(key, words).map_err(|flaw| (key.clone(), words.join(" "), flaw))?;
        }
        Ok(())
    }
}

/// OpenSSH's words for on and off.
fn switch(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// OpenSSH's times: seconds, or numbers with `s m h d w`; `none` is 0.
fn seconds(word: &str) -> Option<u64> {
    if word == "none" {
        return Some(0);
    }
    let (mut total, mut number) = (0_u64, None::<u64>);
    for byte in word.bytes() {
        if byte.is_ascii_digit() {
            let digits = number.unwrap_or_default().checked_mul(10)?;
            number = Some(digits.checked_add(u64::from(byte - b'0'))?);
            continue;
        }
        let unit = match byte.to_ascii_lowercase() {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    let total = total.checked_add(number.unwrap_or_default())?;
    (!word.is_empty() && total <= u64::from(u32::MAX)).then_some(total)
}

/// Whether these are words that the keyword takes. What comes after an expansion is checked again
/// when it has its type.
pub(super) fn check(key: &str, words: &[String]) -> Result<(), Flawed> {
    let [word, more @ ..] = words else {
        return Err(Flawed::Value("a value"));
    };
    let lists = [
        "userknownhostsfile",
        "globalknownhostsfile",
        "identityfile",
        "certificatefile",
    ];
    if !more.is_empty() && !lists.contains(&key) {
        return Err(Flawed::Value("one word"));
    }
    if words.len() > MAX_FILES {
        return Err(Flawed::Value("at most 100 files"));
    }
    let fits = |good: bool, what| {
        if good {
            Ok(())
        } else {
            Err(Flawed::Value(what))
        }
    };
    match key {
        "hostname" if !word.contains('%') => Ok(Host::new(word).map(drop)?),
        "user" => Ok(User::new(word).map(drop)?),
        "port" => Ok(Port::new(word).map(drop)?),
        "proxyjump" if word != "none" => Ok(Jump::new(word).map(drop)?),
        "identityfile"
        | "certificatefile"
        | "identityagent"
        | "userknownhostsfile"
        | "globalknownhostsfile" => {
            for word in words {
                KeyPath::new(word)?;
            }
            Ok(())
        }
        "hostkeyalias" => {
            // What it would be read as in a file of known hosts must be a name.
            let plain = |c: char| c.is_ascii_graphic() && !",*?!|#@".contains(c);
            let good = word.chars().all(plain) && !word.starts_with('-') && word.len() <= 255;
            fits(good && !word.is_empty(), "a name without , * ? ! | # @")
        }
        "proxycommand" => fits(
            !word.chars().any(char::is_control) && word.len() <= 4096,
            "one line of at most 4096 bytes",
        ),
        "identitiesonly" | "batchmode" | "proxyusefdpass" => {
            fits(switch(word).is_some(), "yes or no")
        }
        "stricthostkeychecking" => fits(
            switch(word).is_some() || matches!(word.as_str(), "ask" | "off" | "accept-new"),
            "yes, no, ask or accept-new",
        ),
        "connecttimeout" | "serveraliveinterval" => {
            fits(seconds(word).is_some(), "a time such as 10 or 1m")
        }
        "serveralivecountmax" => fits(word.parse::<u32>().is_ok(), "a number"),
        "addressfamily" => fits(
            matches!(word.as_str(), "any" | "inet" | "inet6"),
            "any, inet or inet6",
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_openssh_reads_them() {
        let table = [
            ("10", Some(10)),
            ("0", Some(0)),
            ("none", Some(0)),
            ("1m30s", Some(90)),
            ("1m30", Some(90)),
            ("2H", Some(7200)),
            ("", None),
            ("m", None),
            ("-1", None),
            ("1x", None),
            ("99999999999999999999", None),
        ];
        for (word, expected) in table {
            assert_eq!(seconds(word), expected, "{word}");
        }
    }
}
