//! Looks in a site's PHP files for code that replaces the session store or the cookie check.
//! Walks folders within bounds; executes nothing. What counts in one file is `hits`'s.

use std::collections::HashSet;
use std::fs;
use std::num::NonZero;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::read::{self, ReadError};
use super::settings::Folders;

mod hits;
mod known;
mod sieve;

pub use known::{Known, recall};
use known::{Stamp, Stamps};

/// Bounds of one search; a tree of 1,000 files has about 15 MB.
const MAX_FILE: u64 = 4 * 1024 * 1024;
const MAX_FILES: usize = 50_000;
const MAX_BYTES: u64 = 512 * 1024 * 1024;
const MAX_DEPTH: u32 = 40;

/// Threads that read, and the fewest files that are worth one.
const MAX_THREADS: usize = 4;
const MIN_SHARE: usize = 500;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// The filter `session_token_manager` is mentioned.
    ManagerFilter,
    /// A class extends (or imports) one of core's session classes.
    ManagerClass,
    /// A pluggable authentication function is declared.
    PluggableAuth,
    /// The filter `get_user_metadata`: it may answer for sessions that no row holds.
    MetadataAnswer,
    /// One of the filters `add_`, `update_`, `delete_user_metadata`.
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

/// Everything suspicious below the given files and folders, sorted by file; from what is `known` of
/// the last search, where that was of the same files. Else it is kept for the next one, under the
/// site's content folder.
pub fn search(content: &Path, roots: &[PathBuf], known: Option<Known>) -> Vec<Finding> {
    match known {
        Some(known) if known.roots == roots => known.findings,
        _ => {
            let began = SystemTime::now();
            let (findings, stamps) = read_through(roots);
            if let Some(stamps) = stamps.before(began) {
                known::keep(content, roots, &findings, &stamps);
            }
            findings
        }
    }
}

fn read_through(roots: &[PathBuf]) -> (Vec<Finding>, Stamps) {
    let mut walk = Walk::default();
    for root in roots {
        walk.place(root, 0, true);
    }
    let Walk {
        files,
        mut findings,
        mut stamps,
        ..
    } = walk;
    let bytes = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = files.len().div_ceil(threads.min(MAX_THREADS));
    let mut parts = files.chunks(share.max(MIN_SHARE));
    let first = parts.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let others: Vec<_> = parts
            .map(|part| (part, scope.spawn(|| read_all(part, &bytes))))
            .collect();
        let mut join = |(found, seen): (Vec<Finding>, Vec<(usize, Stamp)>)| {
            findings.extend(found);
            seen.into_iter()
                .for_each(|(at, stamp)| stamps.saw(at, stamp));
        };
        join(read_all(first, &bytes));
        for (part, thread) in others {
            let lost = |_| {
                let all = part.iter().map(|(_, path)| unsearched(path)).collect();
                (all, Vec::new())
            };
            join(thread.join().unwrap_or_else(lost));
        }
    });
    findings.sort_by(|a, b| (&a.file, a.line, a.kind).cmp(&(&b.file, b.line, b.kind)));
    findings.dedup();
    (findings, stamps)
}

/// What is to be read.
#[derive(Default)]
struct Walk {
    /// Each with its place among the stamps.
    files: Vec<(usize, PathBuf)>,
    findings: Vec<Finding>,
    /// Device and inode of every folder seen: symlink loops end here.
    seen: HashSet<(u64, u64)>,
    stamps: Stamps,
}

impl Walk {
    fn place(&mut self, path: &Path, depth: u32, named: bool) {
        let facts = fs::metadata(path);
        if let Ok(facts) = &facts
            && facts.is_file()
            && (named || is_php(path))
        {
            return self.file(path.to_owned());
        }
        let at = self.stamps.expect(path);
        self.stamps.saw(at, Stamp::of(facts.as_ref().ok()));
        match facts {
            Ok(facts) if facts.is_dir() && self.seen.insert((facts.dev(), facts.ino())) => {
                self.folder(path, depth);
            }
            Ok(_) => {}
            // A dangling symlink holds no code.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => self.findings.push(unsearched(path)),
        }
    }

    fn folder(&mut self, path: &Path, depth: u32) {
        let entries = match fs::read_dir(path) {
            Ok(entries) if depth < MAX_DEPTH => entries,
            _ => return self.findings.push(unsearched(path)),
        };
        for entry in entries {
            let Ok(entry) = entry else {
                self.stamps.lost();
                return self.findings.push(unsearched(path));
            };
            // Most entries are plain files: no system call for those.
            let plain = entry.file_type().is_ok_and(|kind| kind.is_file());
            let entry = entry.path();
            if !plain {
                self.place(&entry, depth + 1, false);
            } else if is_php(&entry) {
                self.file(entry);
            }
        }
    }

    fn file(&mut self, path: PathBuf) {
        if self.files.len() < MAX_FILES {
            self.files.push((self.stamps.expect(&path), path));
        } else {
            self.stamps.lost();
            self.findings.push(unsearched(&path));
        }
    }
}

fn read_all(files: &[(usize, PathBuf)], bytes: &AtomicU64) -> (Vec<Finding>, Vec<(usize, Stamp)>) {
    let mut findings = Vec::new();
    let mut stamps = Vec::with_capacity(files.len());
    let mut buffer = Vec::new();
    for (at, path) in files {
        let read = read::snapshot(path, MAX_FILE, &mut buffer);
        let stamp = match &read {
            Ok((_, facts)) => Stamp::of(Some(facts)),
            Err(_) => Stamp::of(fs::metadata(path).ok().as_ref()),
        };
        stamps.push((*at, stamp));
        let text = match read {
            Ok((text, _)) => text,
            // It went while we looked: WordPress cannot load it either.
            Err(ReadError::Missing { .. }) => continue,
            Err(_) => {
                findings.push(unsearched(path));
                continue;
            }
        };
        if bytes.fetch_add(text.len() as u64, Ordering::Relaxed) > MAX_BYTES {
            findings.push(unsearched(path));
            continue;
        }
        findings.extend(hits::of(text).into_iter().map(|(kind, line)| Finding {
            kind,
            file: path.clone(),
            line,
        }));
    }
    (findings, stamps)
}

fn unsearched(path: &Path) -> Finding {
    Finding {
        kind: FindingKind::Unsearched,
        file: path.to_owned(),
        line: 0,
    }
}

fn is_php(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let known = ["php", "inc", "phtml", "php5", "php7", "php8", "phar"];
    extension.is_some_and(|e| known.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_end_and_limits_are_findings() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        std::os::unix::fs::symlink(dir.path(), deep.join("up")).unwrap();
        std::os::unix::fs::symlink("nowhere", deep.join("dangling.php")).unwrap();
        fs::write(deep.join("c.PHP"), "<?php f('session_token_manager');").unwrap();
        fs::write(deep.join("c.txt"), "session_token_manager").unwrap();
        let big = fs::File::create(deep.join("big.php")).unwrap();
        big.set_len(MAX_FILE + 1).unwrap();
        let (found, _) = read_through(&[dir.path().to_owned()]);
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
