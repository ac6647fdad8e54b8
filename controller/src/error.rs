//! Why nothing was done, and how the program then ends. What a site says is no error of ours.

use crate::cli::UsageError;
use crate::deliver::DeliverError;
use crate::exit::Exit;
use crate::inventory::InventoryError;
use crate::settings::SettingsError;
use crate::transport::OpenError;

/// Why kickout did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wrong words.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// A configuration that cannot be read, or names nothing.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// A setting of our own that means nothing.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The configuration forbids the command.
    #[error("The '{0}' command has been disabled from the config file.")]
    Disabled(String),
    /// No agent for the target.
    #[error(transparent)]
    Deliver(#[from] DeliverError),
    /// Nothing could be seen where it was looked for.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The operator said no.
    #[error("Nothing was changed.")]
    Declined,
    /// Nobody is there to say yes.
    #[error("{0} Nobody is there to agree, so nothing was changed.")]
    NobodyToAsk(String),
    /// `--prompt` ended early.
    #[error("The input ended before every question was answered; nothing was changed.")]
    PromptEnded,
    /// The token that was to come on standard input.
    #[error("No session token came on standard input.")]
    NoTokenOnStdin,
    /// Standard input or output failed.
    #[error("cannot {what}: {why}")]
    Stream {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        why: std::io::Error,
    },
}

impl Error {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::Inventory(_) | Self::Settings(_) => Exit::Usage,
            Self::Disabled(_) | Self::Stream { .. } => Exit::Failed,
            Self::Deliver(_) => Exit::Unreachable,
            Self::Open(error) => error.exit(),
            Self::Declined | Self::NobodyToAsk(_) | Self::PromptEnded | Self::NoTokenOnStdin => {
                Exit::NotConfirmed
            }
        }
    }

    /// The command or setting that mends it; empty when the text says it all.
    pub fn fix(&self) -> String {
        match self {
            Self::Usage(error) => error.fix(),
            Self::Inventory(error) => error.fix(),
            Self::Settings(error) => error.fix(),
            Self::Disabled(_) => "See disabled_commands in your wp-cli.yml.".to_owned(),
            Self::Deliver(error) => error.fix(),
            Self::Open(error) => error.fix(),
            Self::Declined => String::new(),
            Self::NobodyToAsk(_) => "Add --yes to agree beforehand.".to_owned(),
            Self::PromptEnded => "Leave --prompt out and give every value as an option.".to_owned(),
            Self::NoTokenOnStdin => {
                "Give it one line: kickout user session destroy <user> - < file".to_owned()
            }
            Self::Stream { .. } => "Check where the output goes.".to_owned(),
        }
    }
}
