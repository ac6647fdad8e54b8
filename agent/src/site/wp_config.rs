//! The configuration of one site: every name is a value, unset, or unresolved with the reason.
//! What the names mean is `settings`' business.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use kickout_shared::event::Missing;

use super::environment::Environment;
use super::eval::{Evaluator, Flow};
use super::literal::{Setting, Source};
use super::locate::{self, LocateError, Root};
use super::read::{self, ReadError};

/// A configuration, evaluated up to the point where it loads WordPress.
pub struct Config<'a> {
    /// ABSPATH without its slash, symlinks resolved.
    pub root: PathBuf,
    /// The configuration file as WordPress finds it, symlinks not resolved.
    pub file: PathBuf,
    evaluator: Evaluator<'a>,
}

/// Why a configuration gives no usable settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No installation or no configuration file.
    #[error(transparent)]
    Locate(#[from] LocateError),
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A symlink to a file that the link's owner could not read: following it with root's rights
    /// would use another site's credentials.
    #[error("{} is a symlink of uid {owner} to a private file of uid {target_owner}", file.display())]
    Foreign {
        /// The link.
        file: PathBuf,
        /// Who made the link.
        owner: u32,
        /// Whose file it leads to.
        target_owner: u32,
    },
    /// The configuration ends the process instead of loading WordPress.
    #[error("{source_line}: the configuration exits here")]
    Exits {
        /// The place of `exit` or `die`.
        source_line: Source,
    },
    /// A needed name is nowhere defined.
    #[error("{}: {name} is not defined", file.display())]
    Unset {
        /// The constant or `$table_prefix`.
        name: String,
        /// The configuration.
        file: PathBuf,
    },
    /// A needed name depends on what only the web server's PHP knows.
    #[error("{source_line}: {reason}")]
    Unresolved {
        /// The constant or `$table_prefix`.
        name: String,
        /// The place that makes it uncertain.
        source_line: Source,
        /// A sentence that begins with the name.
        reason: String,
    },
    /// The credentials are those of an example.
    #[error("{}: Configuration still holds sample values ({}): refusing", file.display(), samples.join(", "))]
    Sample {
        /// The configuration.
        file: PathBuf,
        /// The sample values, none of them secret.
        samples: Vec<&'static str>,
    },
    /// A value of the wrong type or form.
    #[error("{source_line}: {name} {problem}")]
    Malformed {
        /// The constant or `$table_prefix`.
        name: String,
        /// Where it is defined.
        source_line: Source,
        /// What is wrong with it, without the value.
        problem: &'static str,
    },
}

impl ConfigError {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Locate(error) => error.fix(),
            Self::Read(error) => error.fix(),
            Self::Foreign { file, .. } => {
                format!(
                    "Make {} a file or a link to a file of the same owner.",
                    file.display()
                )
            }
            Self::Exits { .. } => "Kickout reads wp-config.php without running it: define the database settings above that line, \
             or destroy these sessions with WP-CLI."
                .to_owned(),
            Self::Unset { name, .. } => format!("Define {name} in wp-config.php."),
            Self::Unresolved { reason, .. } if reason.contains("getenv(") => {
                "If the site lives in a container, run kickout inside it, where the variable is \
                 known."
                    .to_owned()
            }
            Self::Unresolved { name, .. } => format!(
                "Kickout reads wp-config.php without running it: define {name} with a plain value \
                 above that line, or destroy these sessions with WP-CLI."
            ),
            Self::Sample { .. } => {
                "Fill in wp-config.php. If the site lives in a container, run kickout inside it: its \
                 environment holds the values."
                    .to_owned()
            }
            Self::Malformed { name, .. } => format!("Correct {name} in wp-config.php."),
        }
    }
}

impl ConfigError {
    /// What another place may have, when it is wanting here.
    pub(crate) fn missing(&self) -> Option<Missing> {
        match self {
            Self::Locate(LocateError::NotWordPress { .. }) => Some(Missing::Site),
            Self::Unresolved { reason, .. } if reason.contains("getenv(") => {
                Some(Missing::Environment)
            }
            Self::Sample { .. } => Some(Missing::Environment),
            Self::Locate(_)
            | Self::Read(_)
            | Self::Foreign { .. }
            | Self::Exits { .. }
            | Self::Unset { .. }
            | Self::Unresolved { .. }
            | Self::Malformed { .. } => None,
        }
    }
}

impl<'a> Config<'a> {
    /// Reads and evaluates the configuration of `root`. Executes nothing.
    pub fn read(root: &Root, environment: &'a Environment) -> Result<Self, ConfigError> {
        let file = locate::config_file(root)?;
        let real = fs::canonicalize(&file).map_err(|source| read::failure(&file, source))?;
        refuse_foreign(&file, &real)?;
        let text = read::file(&real, read::MAX_CONFIG_BYTES)?;
        let root = locate::absolute(root)?;
        let mut evaluator = Evaluator::new(&root, environment);
        match evaluator.run_file(&real, &text) {
            Ok(_) | Err(Flow::Return(_) | Flow::Stop | Flow::Exhausted) => {}
            Err(Flow::Exit(source_line)) => return Err(ConfigError::Exits { source_line }),
        }
        Ok(Self {
            root,
            file,
            evaluator,
        })
    }

    /// What is known of a constant.
    pub fn get(&self, name: &str) -> Setting {
        self.evaluator.constant(name.as_bytes())
    }

    /// What is known of `$table_prefix`, as written.
    pub fn table_prefix(&self) -> Setting {
        self.evaluator.variable(b"table_prefix")
    }

    /// What is known of `$redis_server`, which the drop-in WP Redis reads.
    pub fn redis_server(&self) -> Setting {
        self.evaluator.variable(b"redis_server")
    }

    /// A variable of the web server's environment as `$_SERVER` has it: set, certainly not set, or
    /// unknown.
    pub fn web_variable(&self, name: &str) -> Option<Option<&[u8]>> {
        match self.evaluator.variable(b"_SERVER") {
            Setting::Unset => self.evaluator.environment.get(name.as_bytes()),
            // The configuration itself may have changed it.
            Setting::Value { .. } | Setting::Unresolved { .. } => None,
        }
    }
}

impl std::fmt::Debug for Config<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Config({})", self.file.display())
    }
}

/// Only root can read more than the link's owner could; for everyone else the kernel decides.
fn refuse_foreign(file: &Path, real: &Path) -> Result<(), ConfigError> {
    let (Ok(link), Ok(target)) = (fs::symlink_metadata(file), fs::metadata(real)) else {
        return Ok(());
    };
    let private = target.mode() & 0o004 == 0;
    let shared_group = target.mode() & 0o040 != 0 && target.gid() == link.gid();
    let foreign = link.is_symlink() && link.uid() != 0 && link.uid() != target.uid();
    let root = rustix::process::geteuid().is_root();
    if root && foreign && private && !shared_group {
        return Err(ConfigError::Foreign {
            file: file.to_owned(),
            owner: link.uid(),
            target_owner: target.uid(),
        });
    }
    Ok(())
}
