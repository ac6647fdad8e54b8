//! Wrong words: what WP-CLI says of them, exit code 2, and the usage beneath.

use clap::CommandFactory as _;

use super::args::Cli;

/// Why the words mean nothing. Nothing was contacted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// No such command.
    #[error(
        "'{0}' is not a registered kickout command. See 'kickout help' for available commands."
    )]
    UnknownCommand(String),
    /// A command group without its verb, or a verb without its user.
    #[error("{what}")]
    Incomplete {
        /// What is missing.
        what: String,
        /// The command's words.
        command: Vec<String>,
    },
    /// Options the command does not know.
    #[error("Parameter errors:{}", unknown_lines(.0))]
    UnknownOptions(Vec<(String, Option<String>)>),
    /// More positionals than the command takes.
    #[error("Too many positional arguments: {}", .0.join(" "))]
    TooMany(Vec<String>),
    /// A value that is none of the option's.
    #[error("Parameter errors:\n Invalid value specified for '{name}' ({hint})")]
    Value {
        /// The option.
        name: String,
        /// What it is for.
        hint: String,
    },
    /// `--format=csv,json`
    #[error("Invalid format: {0}")]
    SeveralFormats(String),
    /// An option that needs a value, without one.
    #[error("The --{0} parameter needs a value.")]
    NoValue(String),
    /// `--path`, without a value.
    #[error("The --path parameter cannot be empty when provided.")]
    EmptyPath,
    /// A flag with something that is neither yes nor no.
    #[error("The --{name} flag takes true or false, not '{value}'.")]
    Flag {
        /// The flag.
        name: String,
        /// What it was given.
        value: String,
    },
    /// `--no-x` of an option that is no flag.
    #[error("--no-{0} means nothing: --{0} is not a flag.")]
    Negated(String),
    /// Options that exclude each other, or lack each other.
    #[error("{0}")]
    Combination(String),
    /// An argument that is not text.
    #[error("The argument '{0}' is not valid UTF-8.")]
    NotText(String),
}

fn unknown_lines(options: &[(String, Option<String>)]) -> String {
    let line = |(name, near): &(String, Option<String>)| match near {
        Some(near) => format!("\n unknown --{name} parameter\nDid you mean '--{near}'?"),
        None => format!("\n unknown --{name} parameter"),
    };
    options.iter().map(line).collect()
}

impl UsageError {
    /// What to type instead.
    pub fn fix(&self) -> String {
        match self {
            Self::UnknownCommand(_) => "See: kickout help".to_owned(),
            Self::Incomplete { command, .. } => see(command),
            Self::UnknownOptions(_) => "See the command's options with --help.".to_owned(),
            Self::TooMany(_) => "To name several users, add --all.".to_owned(),
            Self::Value { .. } | Self::SeveralFormats(_) => {
                "One of: table, csv, json, yaml, count, ids, jsonl.".to_owned()
            }
            Self::NoValue(name) => format!("Write --{name}=<{name}>."),
            Self::EmptyPath => "Write --path=<path to WordPress>.".to_owned(),
            Self::Flag { name, .. } => format!("Write --{name} or --no-{name}."),
            Self::Negated(name) => format!("Leave --{name} out."),
            Self::Combination(_) => "See the command's options with --help.".to_owned(),
            Self::NotText(_) => "Name users by id when their login is not UTF-8.".to_owned(),
        }
    }
}

fn see(command: &[String]) -> String {
    format!("See: kickout help {}", command.join(" "))
}

/// The usage lines of a command, or of every command below it, in WP-CLI's form.
pub fn usage(command: &[String]) -> String {
    let mut lines = Vec::new();
    let root = Cli::command();
    let mut at = &root;
    for word in command {
        match at.find_subcommand(word) {
            Some(below) => at = below,
            None => break,
        }
    }
    collect(at, &command.join(" "), &mut lines);
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        text.push_str(if index == 0 { "usage: " } else { "   or: " });
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn collect(command: &clap::Command, words: &str, lines: &mut Vec<String>) {
    if command.has_subcommands() {
        for below in command.get_subcommands() {
            collect(below, format!("{words} {}", below.get_name()).trim(), lines);
        }
    } else {
        lines.push(format!("kickout {words}{}", synopsis(words, command)));
    }
}

/// The parameters of a command without the global ones.
fn synopsis(words: &str, command: &clap::Command) -> String {
    let mut text = String::new();
    // Two forms of one command; clap knows one list of positionals.
    text.push_str(match words {
        "user session destroy" => " <user> [<token>] | <user>... --all",
        "user session list" => " <user>...",
        "completions" => " <shell>",
        "help" => " [<command>...]",
        _ => "",
    });
    for arg in own_options(command).filter(|arg| !arg.is_hide_set()) {
        let Some(long) = arg.get_long().filter(|long| *long != "all") else {
            continue;
        };
        text.push_str(&match value_name(arg) {
            Some(value) => format!(" [--{long}=<{value}>]"),
            None => format!(" [--{long}]"),
        });
    }
    text
}

/// The options that are a command's own.
pub(super) fn own_options(command: &clap::Command) -> impl Iterator<Item = &clap::Arg> {
    command.get_arguments().filter(|arg| {
        arg.get_long().is_some() && arg.get_help_heading() != Some(super::args::GLOBAL_HEADING)
    })
}

/// The name of an option's value; `None` for a flag.
pub(super) fn value_name(arg: &clap::Arg) -> Option<&str> {
    let name = arg.get_value_names()?.first()?.as_str();
    (name != super::args::FLAG).then_some(name)
}
