//! The operator's configuration where there is no OpenSSH to ask. Border: reads files, runs
//! nothing; whatever it does not know is an error that names the place, never a guess.

use std::io::Read as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use super::pattern::{Verdict, judge, matches};
use super::raw::Raw;
use super::settings::SettingsError;

/// 10,000 hosts with five lines each fit.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// OpenSSH's own bound for files that include files.
const MAX_DEPTH: usize = 16;

/// What is understood inside a `Host`.
const KNOWN: [&str; 5] = ["hostname", "user", "port", "identityfile", "proxyjump"];

/// What changes nothing here: logs, forwarding, sharing of connections, variables.
const SILENT: [&str; 15] = [
    "addkeystoagent",
    "compression",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "forwardagent",
    "forwardx11",
    "forwardx11trusted",
    "gssapiauthentication",
    "gssapidelegatecredentials",
    "hashknownhosts",
    "loglevel",
    "sendenv",
    "tcpkeepalive",
    "visualhostkey",
];

/// A line that says something: its number, its keyword in lower case, and the rest.
type Line<'a> = (usize, String, &'a str);

/// The lines of a configuration.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let line = line.trim_matches([' ', '\t', '\r', '\x0c']);
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
        let rest = line[end..].trim_start_matches([' ', '\t']);
        let rest = rest.strip_prefix('=').unwrap_or(rest);
        let rest = rest.trim_start_matches([' ', '\t']);
        Some((index + 1, line[..end].to_ascii_lowercase(), rest))
    })
}

/// The words behind a keyword: quotes hold one together, a backslash takes the next quote or
/// backslash (or, outside quotes, space) as it is, `#` begins a comment. `None` when a quote stays
/// open.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let next = chars.peek().copied();
        let escapes = match next {
            Some('\'' | '"' | '\\') => true,
            Some(' ') => quote.is_none(),
            _ => false,
        };
        match (quote, char) {
            (_, '\\') if escapes => word.get_or_insert_default().extend(chars.next()),
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '#') if word.is_none() => break,
            (_, other) => word.get_or_insert_default().push(other),
        }
    }
    if quote.is_some() {
        return None;
    }
    words.extend(word);
    Some(words)
}

/// The text of a file; `None` when it is not there.
fn text(file: &Path) -> Result<Option<String>, SettingsError> {
    let unreadable = |why: String| SettingsError::Unreadable {
        file: file.to_owned(),
        why,
    };
    let kind = match file.metadata() {
        Ok(kind) => kind,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    // `/dev/null` is how one says "no configuration".
    if !kind.is_file() && !kind.file_type().is_char_device() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    let mut text = String::new();
    let open = std::fs::File::open(file).map_err(|error| unreadable(error.to_string()))?;
    let read = open.take(MAX_FILE + 1).read_to_string(&mut text);
    read.map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > MAX_FILE {
        return Err(unreadable(format!("it is larger than {MAX_FILE} bytes")));
    }
    Ok(Some(text))
}

/// Whether a file is not there or says nothing that matters here, as on a machine whose
/// administrator changed nothing. In doubt it does matter.
pub(super) fn is_silent(file: &Path) -> bool {
    silent_at(file, 0)
}

fn silent_at(file: &Path, depth: usize) -> bool {
    let Ok(text) = text(file) else {
        return false;
    };
    let text = text.unwrap_or_default();
    depth < MAX_DEPTH
        && lines(&text).all(|(_, key, rest)| match key.as_str() {
            "host" => true,
            "include" => words(rest).is_some_and(|files| {
                files.iter().all(|pattern| {
                    included(pattern)
                        .is_some_and(|files| files.iter().all(|it| silent_at(it, depth + 1)))
                })
            }),
            key => SILENT.contains(&key),
        })
}

/// The files of an absolute pattern with wildcards in its last part only.
fn included(pattern: &str) -> Option<Vec<PathBuf>> {
    let (folder, name) = pattern.rsplit_once('/')?;
    if !folder.starts_with('/') || folder.contains(['*', '?', '[', '\\']) || name.contains('[') {
        return None;
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(Vec::new()),
        Err(_) => return None,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.ok()?;
        if matches(name, entry.file_name().to_str()?) {
            files.push(entry.path());
        }
    }
    Some(files)
}

/// Adds what a file says about this host. `must` is a file the operator named: it has to be there.
pub(super) fn read(
    file: &Path,
    must: bool,
    host: &str,
    raw: &mut Raw,
) -> Result<(), SettingsError> {
    let Some(text) = text(file)? else {
        if must {
            return Err(SettingsError::Unreadable {
                file: file.to_owned(),
                why: "it is not there".to_owned(),
            });
        }
        return Ok(());
    };
    if is_silent(file) {
        return Ok(());
    }
    let mut applies = true;
    for (line, key, rest) in lines(&text) {
        let place = |keyword: &str| SettingsError::Keyword {
            file: file.to_owned(),
            line,
            keyword: keyword.to_owned(),
        };
        let known = KNOWN.contains(&key.as_str());
        // What a Match would hold back cannot be told without running what it names.
        if key == "match" || (applies && key != "host" && !known) {
            return Err(place(&key));
        }
        let damaged = || SettingsError::Damaged {
            file: file.to_owned(),
            line,
        };
        let words = words(rest)
            .filter(|words| !words.is_empty())
            .ok_or_else(damaged)?;
        if key == "host" {
            applies = judge(words.iter().map(String::as_str), host) == Verdict::Yes;
        } else if applies {
            // OpenSSH takes the quotes of a ProxyJump for a part of the name.
            if words.len() > 1 || (key == "proxyjump" && rest.contains(['"', '\'', '\\'])) {
                return Err(damaged());
            }
            raw.put(&key, words);
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "plain_tests.rs"]
mod tests;
