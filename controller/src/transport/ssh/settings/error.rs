//! Why the settings of a host cannot be used, and what mends that.

use std::path::PathBuf;

use crate::target::TargetError;

/// The settings of a host cannot be told, or not be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// OpenSSH did not say the settings.
    #[error("{} -G {host} failed: {why}", program.display())]
    OpenSsh {
        /// The program.
        program: PathBuf,
        /// The host asked for.
        host: String,
        /// Its first line of complaint, or what happened to it.
        why: String,
    },
    /// A configuration cannot be read.
    #[error("the ssh configuration {} cannot be read: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
    /// Without OpenSSH, a keyword of the configuration is not understood.
    #[error("{}:{line}: '{keyword}' is not understood without the ssh program", file.display())]
    Keyword {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The keyword.
        keyword: String,
    },
    /// A line of the configuration is no setting.
    #[error("{}:{line}: the ssh setting is damaged", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A value is not what its keyword takes.
    #[error("the ssh setting {key} takes {expected}, not {value:?}")]
    Value {
        /// The keyword.
        key: String,
        /// The value.
        value: String,
        /// What would fit.
        expected: &'static str,
    },
    /// A name in the settings is not safe to use.
    #[error("the ssh setting {key}: {source}")]
    Target {
        /// The keyword.
        key: String,
        /// What is wrong with it.
        source: TargetError,
    },
    /// A part of a value has no meaning here.
    #[error("the ssh setting {key}: {part:?} in {value:?} has no value here")]
    Expand {
        /// The keyword.
        key: String,
        /// The part.
        part: String,
        /// The whole value.
        value: String,
    },
    /// A setting that must not be passed over.
    #[error("the ssh setting {key} {value:?} is not supported")]
    Unsupported {
        /// The keyword.
        key: &'static str,
        /// Its value.
        value: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// Nobody says as whom to log in.
    #[error("no account to log in with at {host}")]
    NoUser {
        /// The host asked for.
        host: String,
    },
}

impl SettingsError {
    /// What mends it.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            Self::OpenSsh { program, host, .. } => {
                format!("Run it to see more: {} -G {host}", program.display())
            }
            Self::Unreadable { file, .. } => {
                format!("Make it readable: chmod u+r {}", file.display())
            }
            Self::Keyword { .. } => "Install OpenSSH's client (apt-get install openssh-client), \
                                     or name a simpler file with --ssh-args='-F <file>'."
                .to_owned(),
            Self::Damaged { file, line } => format!("Mend line {line} of {}.", file.display()),
            Self::Value { key, .. } | Self::Expand { key, .. } => {
                format!("Change {key} in your ssh configuration, or set it with --ssh-args.")
            }
            Self::Target { source, .. } => source.fix(),
            Self::Unsupported { instead, .. } => (*instead).to_owned(),
            Self::NoUser { host } => format!("Name it: --ssh=<user>@{host}"),
        }
    }
}
