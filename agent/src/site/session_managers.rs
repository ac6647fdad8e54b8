//! Looks in a site's PHP files for code that replaces the session store or the cookie check.
//! Searches bytes; understands and executes nothing. A hit in a comment is a hit: the price is
//! only a slower engine.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::read;
use super::settings::Folders;

/// Bounds of one search; a tree of 1,000 files has about 15 MB.
const MAX_FILE: u64 = 4 * 1024 * 1024;
const MAX_FILES: usize = 50_000;
const MAX_BYTES: u64 = 512 * 1024 * 1024;
const MAX_DEPTH: u32 = 40;

/// Pluggable functions of core that decide who is logged in.
const PLUGGABLE: [&[u8]; 11] = [
    b"auth_redirect",
    b"wp_clear_auth_cookie",
    b"wp_generate_auth_cookie",
    b"wp_get_current_user",
    b"wp_hash",
    b"wp_logout",
    b"wp_parse_auth_cookie",
    b"wp_salt",
    b"wp_set_auth_cookie",
    b"wp_set_current_user",
    b"wp_validate_auth_cookie",
];

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// The filter `session_token_manager` is mentioned.
    ManagerFilter,
    /// A class extends (or imports) one of core's session classes.
    ManagerClass,
    /// A pluggable authentication function is declared.
    PluggableAuth,
    /// One of the filters `get_`, `add_`, `update_`, `delete_user_metadata`.
    MetadataFilter,
    /// Not searched: unreadable, too large, or beyond the bounds.
    Unsearched,
}

/// One hit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What was found.
    pub kind: FindingKind,
    /// The file, or the folder that was not searched.
    pub file: PathBuf,
    /// Line, counted from 1; 0 for `Unsearched`.
    pub line: u32,
}

/// The files and folders whose code is active: active plugins (as `active_plugins` and
/// `active_sitewide_plugins` name them), all mu-plugins, the themes, the drop-ins. Names that
/// lead out of their folder are left out, as core does. What does not exist is left out.
pub fn active_roots(folders: &Folders, plugins: &[String], themes: &[String]) -> Vec<PathBuf> {
    let inside = |name: &&String| {
        !name.is_empty()
            && Path::new(name)
                .components()
                .all(|c| matches!(c, Component::Normal(_)))
    };
    let mut roots = Vec::new();
    for plugin in plugins.iter().filter(inside) {
        let first = Path::new(plugin).components().next();
        roots.extend(first.map(|first| folders.plugins.join(first)));
    }
    roots.push(folders.mu_plugins.clone());
    for theme in themes.iter().filter(inside) {
        roots.push(folders.content.join("themes").join(theme));
    }
    for drop_in in [
        "advanced-cache.php",
        "db.php",
        "object-cache.php",
        "sunrise.php",
    ] {
        roots.push(folders.content.join(drop_in));
    }
    roots.retain(|root| fs::symlink_metadata(root).is_ok());
    roots.sort();
    roots.dedup();
    roots
}

/// Everything suspicious below the given files and folders, sorted by file.
pub fn search(roots: &[PathBuf]) -> Vec<Finding> {
    let mut search = Search::default();
    for root in roots {
        search.place(root, 0, true);
    }
    search
        .findings
        .sort_by(|a, b| (&a.file, a.line, a.kind).cmp(&(&b.file, b.line, b.kind)));
    search.findings
}

#[derive(Default)]
struct Search {
    findings: Vec<Finding>,
    /// Device and inode of every file and folder seen: symlink loops end here.
    seen: HashSet<(u64, u64)>,
    files: usize,
    bytes: u64,
}

impl Search {
    fn place(&mut self, path: &Path, depth: u32, named: bool) {
        let facts = match fs::metadata(path) {
            Ok(facts) => facts,
            // A dangling symlink holds no code.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(_) => return self.unsearched(path),
        };
        if facts.is_dir() {
            if self.seen.insert((facts.dev(), facts.ino())) {
                self.folder(path, depth);
            }
        } else if facts.is_file()
            && (named || is_php(path))
            && self.seen.insert((facts.dev(), facts.ino()))
        {
            self.file(path, facts.len());
        }
    }

    fn folder(&mut self, path: &Path, depth: u32) {
        let entries = match fs::read_dir(path) {
            Ok(entries) if depth < MAX_DEPTH => entries,
            _ => return self.unsearched(path),
        };
        for entry in entries {
            let Ok(entry) = entry else {
                return self.unsearched(path);
            };
            // Most entries are images and scripts: no system call for those.
            let plain = entry.file_type().is_ok_and(|kind| kind.is_file());
            let entry = entry.path();
            if !plain || is_php(&entry) {
                self.place(&entry, depth + 1, false);
            }
        }
    }

    fn file(&mut self, path: &Path, size: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(size);
        let text = match read::file(path, MAX_FILE) {
            Ok(text) if self.files <= MAX_FILES && self.bytes <= MAX_BYTES => text,
            _ => return self.unsearched(path),
        };
        let mut hits = Vec::new();
        find_all(&text, b"session_token", |at| {
            hits.extend(manager(&text, at));
        });
        find_all(&text, b"user_metadata", |at| {
            hits.extend(metadata(&text, at));
        });
        find_all(&text, b"function", |at| hits.extend(pluggable(&text, at)));
        for (kind, at) in hits {
            let lines = text[..at].iter().filter(|byte| **byte == b'\n').count();
            let line = u32::try_from(lines + 1).unwrap_or(u32::MAX);
            self.findings.push(Finding {
                kind,
                file: path.to_owned(),
                line,
            });
        }
    }

    fn unsearched(&mut self, path: &Path) {
        let file = path.to_owned();
        self.findings.push(Finding {
            kind: FindingKind::Unsearched,
            file,
            line: 0,
        });
    }
}

fn is_php(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let known = ["php", "inc", "phtml", "php5", "php7", "php8", "phar"];
    extension.is_some_and(|e| known.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

fn manager(text: &[u8], at: usize) -> Option<(FindingKind, usize)> {
    let after = &text[at + b"session_token".len()..];
    if starts_with(after, b"_manager") {
        return Some((FindingKind::ManagerFilter, at));
    }
    let before = without_end(&text[..at], b"wp_user_meta_").or(without_end(&text[..at], b"wp_"))?;
    let before = before
        .strip_suffix(b"\\")
        .unwrap_or(before)
        .trim_ascii_end();
    let class = starts_with(after, b"s")
        && (without_end(before, b"extends").is_some() || without_end(before, b"use").is_some());
    class.then_some((FindingKind::ManagerClass, at))
}

fn metadata(text: &[u8], at: usize) -> Option<(FindingKind, usize)> {
    let quote = text
        .get(at + b"user_metadata".len())
        .filter(|byte| b"'\"".contains(byte))?;
    let verbs: [&[u8]; 4] = [b"get_", b"add_", b"update_", b"delete_"];
    let before = verbs
        .iter()
        .find_map(|verb| text[..at].strip_suffix(*verb))?;
    (before.last() == Some(quote)).then_some((FindingKind::MetadataFilter, at))
}

fn pluggable(text: &[u8], at: usize) -> Option<(FindingKind, usize)> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    if text[..at].last().is_some_and(is_name) {
        return None;
    }
    let after = text[at + b"function".len()..].trim_ascii_start();
    let after = after.strip_prefix(b"&").unwrap_or(after).trim_ascii_start();
    let length = after.iter().take_while(|byte| is_name(byte)).count();
    let name = &after[..length];
    let known = PLUGGABLE
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name));
    known.then_some((FindingKind::PluggableAuth, at))
}

fn starts_with(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn without_end<'a>(text: &'a [u8], suffix: &[u8]) -> Option<&'a [u8]> {
    let (start, end) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(start)
}

/// Calls `hit` with every position of a lower-case needle, whatever the case of the text
/// (Boyer-Moore-Horspool: most bytes are never looked at).
fn find_all(text: &[u8], needle: &[u8], mut hit: impl FnMut(usize)) {
    let last = needle.len() - 1;
    let mut skips = [needle.len(); 256];
    for (at, byte) in needle[..last].iter().enumerate() {
        skips[usize::from(*byte)] = last - at;
        skips[usize::from(byte.to_ascii_uppercase())] = last - at;
    }
    let mut at = 0;
    while let Some(window) = text.get(at..at + needle.len()) {
        if window.eq_ignore_ascii_case(needle) {
            hit(at);
        }
        at += skips[usize::from(window[last])];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_a_finding() {
        use FindingKind::*;
        let rows: [(&str, Option<FindingKind>); 15] = [
            (
                "add_filter('session_token_manager', 'f');",
                Some(ManagerFilter),
            ),
            ("class A extends WP_Session_Tokens {}", Some(ManagerClass)),
            ("class A extends \\WP_Session_Tokens {}", Some(ManagerClass)),
            (
                "class A EXTENDS\n  wp_user_meta_session_tokens {}",
                Some(ManagerClass),
            ),
            ("use WP_Session_Tokens as Base;", Some(ManagerClass)),
            (
                "function wp_validate_auth_cookie( $a ) {}",
                Some(PluggableAuth),
            ),
            ("function &WP_Salt() {}", Some(PluggableAuth)),
            (
                "add_filter(\"get_user_metadata\", 'f');",
                Some(MetadataFilter),
            ),
            (
                "add_filter('delete_user_metadata', 'f');",
                Some(MetadataFilter),
            ),
            ("WP_Session_Tokens::get_instance(1);", None),
            ("$m = get_user_metadata();", None),
            ("function my_wp_salt() {}", None),
            ("myfunction wp_salt()", None),
            ("wp_salt();", None),
            ("// nothing", None),
        ];
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.php");
        for (code, want) in rows {
            fs::write(&file, format!("<?php\n\n{code}")).unwrap();
            let found = search(&[dir.path().to_owned()]);
            assert_eq!(found.first().map(|f| f.kind), want, "{code}");
            assert!(
                found.iter().all(|f| f.line >= 3 && f.file == file),
                "{found:?}"
            );
        }
    }

    #[test]
    fn loops_end_and_limits_are_findings() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        std::os::unix::fs::symlink(dir.path(), deep.join("up")).unwrap();
        std::os::unix::fs::symlink("nowhere", deep.join("dangling.php")).unwrap();
        fs::write(deep.join("c.PHP"), "session_token_manager").unwrap();
        fs::write(deep.join("c.txt"), "session_token_manager").unwrap();
        let big = fs::File::create(deep.join("big.php")).unwrap();
        big.set_len(MAX_FILE + 1).unwrap();
        let found = search(&[dir.path().to_owned()]);
        let kinds: Vec<_> = found.iter().map(|f| f.kind).collect();
        assert_eq!(kinds, [FindingKind::Unsearched, FindingKind::ManagerFilter]);
    }

    #[test]
    fn active_code_only() {
        let dir = tempfile::tempdir().unwrap();
        let content = dir.path().to_owned();
        for folder in [
            "plugins/on",
            "plugins/off",
            "mu-plugins",
            "themes/child",
            "themes/other",
        ] {
            fs::create_dir_all(content.join(folder)).unwrap();
        }
        fs::write(content.join("plugins/hello.php"), "").unwrap();
        fs::write(content.join("db.php"), "").unwrap();
        let folders = Folders {
            plugins: content.join("plugins"),
            mu_plugins: content.join("mu-plugins"),
            content: content.clone(),
        };
        let plugins = [
            "on/on.php",
            "hello.php",
            "../off/x.php",
            "/etc/passwd",
            "gone/gone.php",
        ];
        let roots = active_roots(&folders, &plugins.map(String::from), &["child".to_owned()]);
        let want = [
            "db.php",
            "mu-plugins",
            "plugins/hello.php",
            "plugins/on",
            "themes/child",
        ];
        assert_eq!(roots, want.map(|path| content.join(path)));
    }
}
