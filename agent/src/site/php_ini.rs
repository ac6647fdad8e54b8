//! `mysqli.default_socket`, as the web server's php.ini has it. Reads the usual places as text.

use std::fs;
use std::path::{Path, PathBuf};

use super::read;

/// Where php.ini stands: the web server's before the command line's. `*` is any one folder.
const FILES: [&str; 7] = [
    "/etc/php/*/fpm/php.ini",
    "/etc/php/*/apache2/php.ini",
    "/etc/php/*/cgi/php.ini",
    "/etc/php/*/cli/php.ini",
    "/etc/php.ini",
    "/usr/local/etc/php/php.ini",
    "/usr/local/lib/php.ini",
];

/// The socket that php.ini names; `None` when none does, and PHP uses what it was built with.
pub fn php_default_socket() -> Option<PathBuf> {
    FILES
        .iter()
        .flat_map(|pattern| expand(pattern))
        .find_map(|file| socket_in(&file))
}

/// Newest version first, where there are several.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((folder, rest)) = pattern.split_once("/*/") else {
        return vec![PathBuf::from(pattern)];
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path().join(rest))
        .collect();
    files.sort();
    files.reverse();
    files
}

fn socket_in(file: &Path) -> Option<PathBuf> {
    let text = read::file(file, read::MAX_CONFIG_BYTES).ok()?;
    socket_of(&String::from_utf8_lossy(&text))
}

fn socket_of(text: &str) -> Option<PathBuf> {
    let value = text.lines().rev().find_map(|line| {
        let (name, value) = line.trim().split_once('=')?;
        (name.trim() == "mysqli.default_socket").then(|| value.trim().trim_matches('"'))
    })?;
    (!value.is_empty()).then(|| PathBuf::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_uncommented_line_counts() {
        let rows = [
            ("mysqli.default_socket = /run/a.sock\n", Some("/run/a.sock")),
            ("mysqli.default_socket =\n", None),
            (";mysqli.default_socket = /run/a.sock\n", None),
            (
                "mysqli.default_socket=\"/run/b.sock\"\r\n",
                Some("/run/b.sock"),
            ),
            (
                "mysqli.default_socket=/a\nmysqli.default_socket=/b\n",
                Some("/b"),
            ),
        ];
        for (text, socket) in rows {
            assert_eq!(socket_of(text), socket.map(PathBuf::from), "{text:?}");
        }
    }
}
