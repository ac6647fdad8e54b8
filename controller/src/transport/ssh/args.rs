//! The words of `--ssh-args`: from arguments of OpenSSH to what they mean here. Pure; what has no
//! meaning here is an error, never a guess.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::target::{KeyPath, TargetError};

use super::raw::{self, Flawed, KEYS, Raw};

/// More arguments than anybody types.
const MAX_WORDS: usize = 256;

/// Options of OpenSSH that change nothing here: there is no terminal, no forwarding, no log.
const SILENT: &str = "CqvtTaxn";

/// What the arguments set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SshArgs {
    /// Keyword and words, in the order given.
    set: Vec<(String, Vec<String>)>,
    config: Option<PathBuf>,
}

/// An argument that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SshArgsError {
    /// It has no meaning here.
    #[error("--ssh-args: {word:?} has no meaning here")]
    Unknown {
        /// The argument.
        word: String,
    },
    /// The keyword of an `-o` has no meaning here.
    #[error("--ssh-args: the option {key:?} has no meaning here")]
    Keyword {
        /// The keyword.
        key: String,
    },
    /// A value is missing.
    #[error("--ssh-args: {option} needs a value")]
    Missing {
        /// The option.
        option: String,
    },
    /// The value does not fit.
    #[error("--ssh-args: {key} takes {expected}, not {value:?}")]
    Value {
        /// The keyword.
        key: String,
        /// The value.
        value: String,
        /// What would fit.
        expected: &'static str,
    },
    /// The value is not safe to use.
    #[error("--ssh-args: {0}")]
    Target(TargetError),
    /// A quote is not closed, or the character asks for a shell.
    #[error("--ssh-args: no shell reads this, and {what} needs one: {text:?}")]
    Shell {
        /// What asks for it.
        what: String,
        /// The whole value.
        text: String,
    },
    /// There are too many.
    #[error("--ssh-args: more than {MAX_WORDS} words")]
    Many,
}

impl SshArgsError {
    /// What mends it.
    #[must_use]
    pub fn fix(&self) -> String {
        let options = "-p <port>, -l <user>, -i <key>, -J <hops>, -F <file>, -4, -6 and -o";
        match self {
            Self::Unknown { .. } | Self::Missing { .. } => {
                format!("These have a meaning: {options} <keyword>=<value>.")
            }
            Self::Keyword { .. } => format!("These have a meaning: {}.", KEYS.join(", ")),
            Self::Value { key, expected, .. } => format!("Give -o {key}=<{expected}>."),
            Self::Target(error) => error.fix(),
            Self::Shell { .. } => {
                "Put the value in single quotes, or into your ssh configuration.".to_owned()
            }
            Self::Many => "Put them into a file and give -F <file>.".to_owned(),
        }
    }
}

impl SshArgs {
    /// Reads the values of `--ssh-args`; each may hold several words, quoted as for a shell.
    pub fn parse(values: &[String]) -> Result<Self, SshArgsError> {
        let mut words = Vec::new();
        for value in values {
            split(value, &mut words)?;
            if words.len() > MAX_WORDS {
                return Err(SshArgsError::Many);
            }
        }
        let mut args = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            args.option(&word, &mut words)?;
        }
        Ok(args)
    }

    /// The configuration to read instead of the operator's (`-F`).
    #[must_use]
    pub fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Puts what was set where it comes first.
    pub(super) fn apply(&self, raw: &mut Raw) {
        for (key, words) in &self.set {
            raw.put(key, words.clone());
        }
    }

    /// The values for `-o`, as OpenSSH reads them again.
    pub(super) fn options(&self) -> impl Iterator<Item = String> {
        self.set.iter().map(|(key, words)| {
            let mut text = format!("{key}=");
            for (index, word) in words.iter().enumerate() {
                let space = if index > 0 { " " } else { "" };
                // These two take the rest of the line as it is, quotes and all.
                let quote = if key.starts_with("proxy") { "" } else { "\"" };
                let _ = write!(text, "{space}{quote}{word}{quote}");
            }
            text
        })
    }

    /// One word, which may hold several options as for getopt, and the words behind it.
    fn option(
        &mut self,
        word: &str,
        more: &mut impl Iterator<Item = String>,
    ) -> Result<(), SshArgsError> {
        let unknown = || SshArgsError::Unknown {
            word: word.to_owned(),
        };
        let options = word.strip_prefix('-').filter(|rest| !rest.is_empty());
        let options = options.ok_or_else(unknown)?;
        for (at, option) in options.char_indices() {
            if SILENT.contains(option) {
                continue;
            }
            let key = match option {
                '4' => {
                    self.put("addressfamily", vec!["inet".to_owned()])?;
                    continue;
                }
                '6' => {
                    self.put("addressfamily", vec!["inet6".to_owned()])?;
                    continue;
                }
                'p' => "port",
                'l' => "user",
                'i' => "identityfile",
                'J' => "proxyjump",
                'F' | 'o' => "",
                _ => return Err(unknown()),
            };
            let rest = &options[at + option.len_utf8()..];
            let value = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
            let value = value
                .or_else(|| more.next())
                .ok_or_else(|| SshArgsError::Missing {
                    option: format!("-{option}"),
                })?;
            return match option {
                'F' => {
                    let path = KeyPath::named(crate::target::Field::SshConfig, &value)
                        .map_err(SshArgsError::Target)?;
                    self.config.get_or_insert(PathBuf::from(path.as_str()));
                    Ok(())
                }
                'o' => self.keyword(&value),
                _ => self.put(key, vec![value]),
            };
        }
        Ok(())
    }

    /// The value of an `-o`: `Key=value` or `Key value`.
    fn keyword(&mut self, text: &str) -> Result<(), SshArgsError> {
        let text = text.trim();
        let end = text
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(text.len());
        let (key, rest) = text.split_at(end);
        let key = key.to_ascii_lowercase();
        if !KEYS.iter().any(|known| known.eq_ignore_ascii_case(&key)) {
            return Err(SshArgsError::Keyword { key });
        }
        let rest = rest.trim_start();
        let rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
        let words = if key == "proxycommand" {
            vec![rest.to_owned()]
        } else {
            let mut words = Vec::new();
            split(rest, &mut words)?;
            words
        };
        if rest.is_empty() {
            return Err(SshArgsError::Missing {
                option: format!("-o {key}"),
            });
        }
        self.put(&key, words)
    }

    fn put(&mut self, key: &str, words: Vec<String>) -> Result<(), SshArgsError> {
        // OpenSSH reads the value again, in quotes; not every version knows an escape in them.
        let quotes =
            |word: &String| word.contains(['"', '\\']) || word.chars().any(char::is_control);
        if key != "proxycommand" && words.iter().any(quotes) {
            return Err(SshArgsError::Value {
                key: key.to_owned(),
                value: words.join(" "),
                expected: "text without quotes and backslashes",
            });
        }
        if words.len() > 1 && !key.ends_with("knownhostsfile") {
            return Err(SshArgsError::Value {
                key: key.to_owned(),
                value: words.join(" "),
                expected: "one word",
            });
        }
        raw::check(key, &words).map_err(|flaw| match flaw {
            Flawed::Target(error) => SshArgsError::Target(error),
            Flawed::Value(expected) => SshArgsError::Value {
                key: key.to_owned(),
                value: words.join(" "),
                expected,
            },
        })?;
        self.set.push((key.to_owned(), words));
        Ok(())
    }
}

/// A text that splits into one word again.
#[must_use]
pub fn escaped(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if !plain(char) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

/// Splits text into words as a shell would, without being one.
fn split(text: &str, words: &mut Vec<String>) -> Result<(), SshArgsError> {
    let shell = |what: &str| SshArgsError::Shell {
        what: what.to_owned(),
        text: text.to_owned(),
    };
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None | Some('"'), '$' | '`') => return Err(shell(&format!("{char:?}"))),
            (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '\n') => {
                return Err(shell(&format!("{char:?}")));
            }
            (None | Some('"'), '\\') => {
                let next = chars.next().ok_or_else(|| shell("a last backslash"))?;
                word.get_or_insert_default().push(next);
            }
            (None, space) if space.is_whitespace() => words.extend(word.take()),
            (_, other) => word.get_or_insert_default().push(other),
        }
    }
    if quote.is_some() {
        return Err(shell("an open quote"));
    }
    words.extend(word);
    Ok(())
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
