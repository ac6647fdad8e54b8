//! One value from a file and where it stands; what the value means is known to its reader.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The file, or the name of the environment variable that holds the text.
    pub file: PathBuf,
    /// The line in it, from 1.
    pub line: u64,
}

impl Origin {
    /// The directory that relative paths in this file start from.
    pub(crate) fn directory(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// A value as it would be typed after the `=` of its flag: `0755` stays `0755`, `off` stays `off`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The text, without YAML's quotes; the entries of a list are joined by commas.
    pub text: String,
    /// Where it was written.
    pub origin: Origin,
}

impl Setting {
    /// The text as YAML understands a flag; `None` when it is neither yes nor no.
    #[must_use]
    pub fn as_flag(&self) -> Option<bool> {
        match self.text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" => Some(true),
            "false" | "no" | "off" | "n" | "0" => Some(false),
            _ => None,
        }
    }
}
