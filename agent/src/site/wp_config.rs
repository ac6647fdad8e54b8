//! The configuration of one site: every name is a value, unset, or unresolved with the reason.
//! What the names mean is `settings`' business.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use kickout_shared::event::Missing;

use super::environment::Environment;
use super::eval::{Evaluator, Flow};
use super::evaluated::Evaluated;
use super::literal::{Setting, Source};
use super::locate::{self, LocateError, Root};
use super::outside::{HTTP_HOST, Outside};
use super::read::{self, ReadError};

/// A configuration, evaluated up to the point where it loads WordPress.
pub struct Config<'a> {
    /// ABSPATH without its slash, symlinks resolved.
    pub root: PathBuf,
    /// The configuration file as WordPress finds it, symlinks not resolved.
    pub file: PathBuf,
    /// The same behind all symlinks.
    real: PathBuf,
    evaluator: Evaluator<'a>,
    evaluated: Option<Evaluated>,
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
    /// Which settings count is chosen by the host of a request, and none was named, or one without.
    #[error("{source_line}: the host of a request selects the settings: {reason}")]
    NoHost {
        /// The place.
        source_line: Source,
        /// What hangs on it, a sentence.
        reason: String,
        /// Hosts that Debian's layout has settings for.
        hosts: Vec<String>,
    },
    /// PHP was asked what text does not settle, and gave no settings either.
    #[error("{unresolved}; php did not settle it: {why}")]
    NotEvaluated {
        /// What text does not settle.
        unresolved: Box<Self>,
        /// What PHP did instead, or why it was not asked.
        why: String,
        /// The command that lets it be asked.
        fix: Option<String>,
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
                "Text does not settle it: install php-cli and leave --engine=native out, so that \
                 PHP evaluates wp-config.php, or define {name} with a plain value above that line."
            ),
            Self::NoHost { hosts, .. } if hosts.is_empty() => {
                "Pass --url=<the site's address>.".to_owned()
            }
            Self::NoHost { hosts, .. } => {
                format!("Pass --url=<host>: there are settings for {}.", hosts.join(", "))
            }
            Self::NotEvaluated { fix: Some(fix), unresolved, .. } if unresolved.missing().is_none() => {
                fix.clone()
            }
            Self::NotEvaluated { unresolved, .. } => unresolved.fix(),
            Self::Sample { .. } => {
                "Fill in wp-config.php. If the site lives in a container, the environment of the \
                 web container is needed: run kickout inside it."
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
            Self::NotEvaluated { unresolved, .. } => unresolved.missing(),
            Self::NoHost { .. }
            | Self::Locate(_)
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
            Err(Flow::Exit(source_line)) => {
                let hosts = debian_hosts(&text);
                return Err(match environment.host() {
                    Some(host) if !hosts.is_empty() => ConfigError::NoHost {
                        source_line,
                        reason: format!("none for {}", String::from_utf8_lossy(host)),
                        hosts,
                    },
                    _ => ConfigError::Exits { source_line },
                });
            }
        }
        Ok(Self {
            root,
            file,
            real,
            evaluator,
            evaluated: None,
        })
    }

    /// What is known of a constant.
    pub fn get(&self, name: &str) -> Setting {
        self.known(name, self.evaluator.constant(name.as_bytes()))
    }

    /// What is known of `$table_prefix`, as written.
    pub fn table_prefix(&self) -> Setting {
        self.known("$table_prefix", self.evaluator.variable(b"table_prefix"))
    }

    /// What is known of `$redis_server`, which the drop-in WP Redis reads.
    pub fn redis_server(&self) -> Setting {
        self.known("$redis_server", self.evaluator.variable(b"redis_server"))
    }

    fn known(&self, name: &str, read: Setting) -> Setting {
        match &self.evaluated {
            Some(evaluated) => evaluated.settle(name, read),
            None => read,
        }
    }

    /// What PHP said of it, if PHP was asked.
    pub fn evaluated(&self) -> Option<&Evaluated> {
        self.evaluated.as_ref()
    }

    /// Takes what PHP said for what text does not settle.
    pub fn take(&mut self, evaluated: Evaluated) {
        self.evaluated = Some(evaluated);
    }

    /// The files of the configuration that the text reader followed, its own first.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let own = std::iter::once(self.real.clone());
        own.chain(self.evaluator.included.iter().cloned()).collect()
    }

    /// The refusal of settings that hang on a host nobody named: `unresolved` by itself, or what was
    /// found `outside` the files.
    pub(crate) fn without_host(
        &self,
        unresolved: &ConfigError,
        outside: Option<&Outside>,
    ) -> Option<ConfigError> {
        let ConfigError::Unresolved {
            source_line,
            reason,
            ..
        } = unresolved
        else {
            return None;
        };
        let outside = outside.filter(|outside| outside.is_host());
        let place = match outside {
            Some(outside) => &outside.source,
            None if reason.contains(HTTP_HOST) => source_line,
            None => return None,
        };
        let text = read::file(&self.real, read::MAX_CONFIG_BYTES).unwrap_or_default();
        let unnamed = self.evaluator.environment.host().is_none();
        unnamed.then(|| ConfigError::NoHost {
            source_line: place.clone(),
            reason: reason.clone(),
            hosts: debian_hosts(&text),
        })
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

/// The hosts that Debian's `wp-config.php` would find settings for; none of another file's.
fn debian_hosts(text: &[u8]) -> Vec<String> {
    let mark = b"/etc/wordpress/config-";
    if !text.windows(mark.len()).any(|window| window == mark) {
        return Vec::new();
    }
    let entries = fs::read_dir("/etc/wordpress")
        .into_iter()
        .flatten()
        .flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let host = |name: String| {
        Some(
            name.strip_prefix("config-")?
                .strip_suffix(".php")?
                .to_owned(),
        )
    };
    let mut hosts: Vec<String> = names.filter_map(host).take(MAX_HOSTS).collect();
    hosts.sort();
    hosts
}

/// Hosts that one message names.
const MAX_HOSTS: usize = 20;

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
