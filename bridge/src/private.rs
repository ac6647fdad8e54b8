//! Whether a file or a folder is ours alone: secrets in another are none any more.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What others could read or change. Each error that has it says what mends it there.
#[derive(Debug)]
pub struct NotPrivate {
    /// Where it is.
    pub path: PathBuf,
    /// Its owner.
    pub uid: u32,
    /// Its permissions.
    pub mode: u32,
}

impl fmt::Display for NotPrivate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, uid, mode } = self;
        let path = path.display();
        write!(f, "{path} is not private: owner {uid}, mode {mode:04o}")
    }
}

impl NotPrivate {
    /// Says so of what has these facts.
    pub(crate) fn of(path: &Path, facts: &Metadata) -> Self {
        Self {
            path: path.to_owned(),
            uid: facts.uid(),
            mode: facts.mode() & 0o7777,
        }
    }
}

/// Whether it is our own.
pub(crate) fn is_own(facts: &Metadata) -> bool {
    facts.uid() == rustix::process::geteuid().as_raw()
}

/// Whether nobody but its owner may read or change it, and that is us or root.
pub(crate) fn is_private(facts: &Metadata) -> bool {
    facts.mode() & 0o077 == 0 && (is_own(facts) || facts.uid() == 0)
}
