//! Finds the WordPress root and its configuration file on disk. Evaluates nothing but
//! `wp-includes/version.php` and the path in an `index.php`, as text.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::eval::Evaluator;
use super::literal::Setting;
use super::read::{self, ReadError};

/// A WordPress installation on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The directory with `wp-load.php`, as it was given or found.
    pub path: PathBuf,
    /// `$wp_version` of `wp-includes/version.php`; None when it cannot be read as text.
    pub version: Option<String>,
}

/// Why there is no installation or no configuration.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// WP-CLI's own words, for the path that was used.
    #[error(
        "This does not seem to be a WordPress installation.\nThe used path is: {}/\nPass --path=`path/to/wordpress` or run `wp core download`.",
        path.display().to_string().trim_end_matches('/')
    )]
    NotWordPress {
        /// The path given, or the directory where the search started.
        path: PathBuf,
    },
    /// Where the search was to begin.
    #[error("The directory {} does not exist on this host.", path.display())]
    NoDirectory {
        /// What was named.
        path: PathBuf,
    },
    /// `~user` of an account without a home directory.
    #[error("The account {account} has no home directory on this host.")]
    NoHome {
        /// Its name, or its uid.
        account: String,
    },
    /// No `wp-config.php` in the root or above it.
    #[error("'wp-config.php' not found in {} or in the directory above it", root.display())]
    NoConfig {
        /// The root.
        root: PathBuf,
    },
    /// The one above belongs to the installation above.
    #[error(
        "'wp-config.php' not found in {}; {} belongs to another WordPress",
        root.display(), other.display()
    )]
    OtherConfig {
        /// The root.
        root: PathBuf,
        /// The configuration that is not ours.
        other: PathBuf,
    },
    /// A file on the way may not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl LocateError {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::NotWordPress { .. } => "Pass --path=<WordPress root>.".to_owned(),
            Self::NoDirectory { .. } | Self::NoHome { .. } => {
                "Correct the path in --ssh, or pass --path=<WordPress root>.".to_owned()
            }
            Self::NoConfig { root } | Self::OtherConfig { root, .. } => format!(
                "Run `wp config create --path={}` or pass --path=<WordPress root>.",
                root.display()
            ),
            Self::Read(error) => error.fix(),
        }
    }
}

/// The installation at `path`.
pub fn at(path: &Path) -> Result<Root, LocateError> {
    root(path, path)
}

/// The installation at or above `from`, as WP-CLI searches: the first directory upward with a
/// `wp-load.php`, or with an `index.php` that requires `wp-blog-header.php` somewhere else.
pub fn upward(from: &Path) -> Result<Root, LocateError> {
    for place in from.ancestors() {
        if exists(&place.join("wp-load.php"))? {
            return root(place, from);
        }
        if let Some(path) = blog_header(&place.join("index.php")) {
            return root(&path, from);
        }
    }
    Err(LocateError::NotWordPress {
        path: from.to_owned(),
    })
}

fn root(path: &Path, used: &Path) -> Result<Root, LocateError> {
    if !exists(&path.join("wp-load.php"))? || !exists(&path.join("wp-includes/version.php"))? {
        // The message adds the slash itself.
        let path = used.components().as_path().to_owned();
        let path = if path == Path::new("/") {
            PathBuf::new()
        } else {
            path
        };
        return Err(LocateError::NotWordPress { path });
    }
    Ok(Root {
        path: path.to_owned(),
        version: version(path),
    })
}

fn version(root: &Path) -> Option<String> {
    let path = root.join("wp-includes/version.php");
    let text = read::file(&path, read::MAX_CONFIG_BYTES).ok()?;
    let environment = Environment::unknown();
    let mut evaluator = Evaluator::new(root, &environment);
    evaluator.run_file(&path, &text).ok()?.ok()?;
    match evaluator.variable(b"wp_version") {
        Setting::Value { value, .. } => String::from_utf8(value.to_bytes()?).ok(),
        Setting::Unset | Setting::Unresolved { .. } => None,
    }
}

/// The directory whose `wp-blog-header.php` an `index.php` requires.
fn blog_header(index: &Path) -> Option<PathBuf> {
    let text = read::file(index, read::MAX_CONFIG_BYTES).ok()?;
    let environment = Environment::unknown();
    let folder = index.parent()?;
    let path = Evaluator::new(folder, &environment).required_path(index, &text)?;
    let path = path.strip_suffix(b"/wp-blog-header.php")?;
    Some(folder.join(std::ffi::OsStr::from_bytes(path)))
}

/// The configuration WordPress would load: the root's, else the parent's when the parent is not
/// an installation itself. The path is as found, symlinks not resolved.
pub fn config_file(root: &Root) -> Result<PathBuf, LocateError> {
    let own = root.path.join("wp-config.php");
    if exists(&own)? {
        return Ok(own);
    }
    let home = absolute(root)?;
    let above = home.parent().unwrap_or(&home);
    let other = above.join("wp-config.php");
    if !exists(&other)? {
        return Err(LocateError::NoConfig {
            root: root.path.clone(),
        });
    }
    if exists(&above.join("wp-settings.php"))? {
        return Err(LocateError::OtherConfig {
            root: root.path.clone(),
            other,
        });
    }
    Ok(other)
}

/// ABSPATH without its slash: the directory of `wp-load.php` behind all symlinks.
pub(crate) fn absolute(root: &Root) -> Result<PathBuf, ReadError> {
    let load = root.path.join("wp-load.php");
    let real = fs::canonicalize(&load).map_err(|source| read::failure(&load, source))?;
    Ok(real.parent().unwrap_or(&real).to_owned())
}

/// PHP's `file_exists`, except that a directory we may not enter is an error, not an absence.
fn exists(path: &Path) -> Result<bool, ReadError> {
    match fs::metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(read::failure(path, error))
        }
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wordpress(at: &Path) {
        fs::create_dir_all(at.join("wp-includes")).unwrap();
        fs::write(at.join("wp-load.php"), "<?php").unwrap();
        let version = "<?php\n/** @global string */\n$wp_version = '6.4.2';\n$wp_db_version = 1;\n";
        fs::write(at.join("wp-includes/version.php"), version).unwrap();
    }

    #[test]
    fn a_root_has_a_version() {
        let dir = tempfile::tempdir().unwrap();
        wordpress(dir.path());
        let root = at(dir.path()).unwrap();
        assert_eq!(root.version.as_deref(), Some("6.4.2"));
        let deep = dir.path().join("wp-content/plugins/a");
        fs::create_dir_all(&deep).unwrap();
        assert_eq!(upward(&deep).unwrap().path, dir.path());
    }

    #[test]
    fn the_words_are_wp_cli_s() {
        let dir = tempfile::tempdir().unwrap();
        let want = format!(
            "This does not seem to be a WordPress installation.\nThe used path is: {}/\n\
             Pass --path=`path/to/wordpress` or run `wp core download`.",
            dir.path().display()
        );
        assert_eq!(at(dir.path()).unwrap_err().to_string(), want);
        assert_eq!(at(&dir.path().join("")).unwrap_err().to_string(), want);
        assert_eq!(upward(dir.path()).unwrap_err().to_string(), want);
        let path = PathBuf::from("/");
        let top = LocateError::NotWordPress { path }.to_string();
        assert!(top.contains("The used path is: /\n"), "{top}");
    }

    #[test]
    fn an_index_that_points_elsewhere_is_followed() {
        let rows = [
            "require __DIR__ . '/wp/wp-blog-header.php';",
            "require( dirname( __FILE__ ) . '/wp/wp-blog-header.php' );",
            "require_once './wp/wp-blog-header.php';",
        ];
        for row in rows {
            let dir = tempfile::tempdir().unwrap();
            let dir = dir.path().canonicalize().unwrap();
            wordpress(&dir.join("wp"));
            let index = format!("<?php\ndefine('WP_USE_THEMES', true);\n{row}\n");
            fs::write(dir.join("index.php"), index).unwrap();
            let found = upward(&dir).unwrap().path.canonicalize().unwrap();
            assert_eq!(found, dir.join("wp"), "{row}");
        }
    }

    #[test]
    fn the_parent_s_configuration_counts_unless_it_is_another_site_s() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let site = dir.join("site");
        wordpress(&site);
        let root = at(&site).unwrap();
        assert!(matches!(
            config_file(&root),
            Err(LocateError::NoConfig { .. })
        ));
        fs::write(dir.join("wp-config.php"), "<?php").unwrap();
        assert_eq!(config_file(&root).unwrap(), dir.join("wp-config.php"));
        fs::write(dir.join("wp-settings.php"), "<?php").unwrap();
        let error = config_file(&root).unwrap_err();
        assert!(error.to_string().contains("belongs to another"), "{error}");
        fs::write(site.join("wp-config.php"), "<?php").unwrap();
        assert_eq!(config_file(&root).unwrap(), site.join("wp-config.php"));
    }
}
