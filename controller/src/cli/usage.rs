//! Wrong words: what WP-CLI says of them, exit code 2, and the usage beneath.

use clap::CommandFactory as _;

use super::args::Cli;
use crate::target::TargetError;

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
    /// A number that is none, or too small or large.
    #[error("The --{name} parameter takes a number from {least} to {most}, not '{value}'.")]
    Range {
        /// The option.
        name: &'static str,
        /// What it was given.
        value: String,
        /// The smallest.
        least: usize,
        /// The largest.
        most: usize,
    },
    /// `--engine` with something that is none.
    #[error("The --engine parameter takes auto, native or php, not '{0}'.")]
    Engine(String),
    /// `--verify` with something that is none.
    #[error("The --verify parameter takes none, store or web, not '{0}'.")]
    Verify(String),
    /// `--verify-url` with something that is no site's address.
    #[error("The --verify-url parameter takes the http or https address of a site, not '{0}'.")]
    VerifyUrl(String),
    /// `--head` with something that is no address.
    #[error("The --head parameter takes an IP address, with or without a port, not '{0}'.")]
    Head(String),
    /// A part of a connection string is not allowed.
    #[error(transparent)]
    Target(TargetError),
    /// `--via` with something that is no ssh host.
    #[error("--via goes over ssh, and {0} does not.")]
    Via(String),
    /// `--http-token-file` with the token itself.
    #[error(
        "The --http-token-file parameter takes a file, not a token: others can see what is typed."
    )]
    TokenTyped,
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
            Self::Range {
                name, least, most, ..
            } => format!("Write --{name}=<{least}-{most}>."),
            Self::Engine(_) => "Leave --engine out to take what is right for the site.".to_owned(),
            Self::Verify(_) => "Leave --verify out to have read again what can be.".to_owned(),
            Self::VerifyUrl(_) => {
                "Write --verify-url=https://<host>[:<port>][/<path>], without user and query."
                    .to_owned()
            }
            Self::Head(_) => {
                "Write --head=<ip>, --head=<ip>:<port> or --head=[<ip>]:<port>.".to_owned()
            }
            Self::Target(flaw) => flaw.fix(),
            Self::Via(_) => "Write --via=[<user>@]<host>[:<port>].".to_owned(),
            Self::TokenTyped => {
                "Revoke that token (kickout-bridge token revoke) and keep a new one in a file of mode \
                 0600."
                    .to_owned()
            }
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
        let line = |form: &&str| format!("kickout {words} {form}").trim_end().to_owned();
        lines.extend(forms(words).iter().map(line));
    }
}

/// The forms of a command, without the global parameters. A definition knows one list of
/// positionals; people know that `destroy` does three things.
fn forms(words: &str) -> &'static [&'static str] {
    match words {
        "user session destroy" => &[
            "<user> [<token>] [--settle=<seconds>] [--dry-run]",
            "<user>... --all [--settle=<seconds>] [--dry-run]",
            "--all-users|--role=<role> [--except=<user>] [--settle=<seconds>] [--dry-run] [--yes]",
        ],
        "user session list" => &[
            "<user>... [--fields=<fields>] [--field=<field>] [--format=<format>]",
            "--all-users|--role=<role> [--except=<user>] [--fields=<fields>] [--field=<field>] \
             [--format=<format>]",
        ],
        "user list" => {
            &["[--role=<role>] [--fields=<fields>] [--field=<field>] [--format=<format>]"]
        }
        "bridge install" => &[
            "--site=<path> --url=<url> [--name=<name>] [--owner=<account>] [--scope=<scope>] \
             [--bridge=<file>]",
            "--site=<path>=<url>... [--owner=<account>] [--scope=<scope>] [--bridge=<file>]",
        ],
        "bridge status" | "bridge upgrade" => &["[--bridge=<file>]"],
        "bridge remove" => &["[--purge] [--yes] [--bridge=<file>]"],
        "config show" => &["[--origin]"],
        "completions" => &["bash|zsh|fish"],
        "help" => &["[<command>...]"],
        _ => &[""],
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command with its words.
    fn leaves(command: &clap::Command, words: &str, found: &mut Vec<(String, clap::Command)>) {
        if !command.has_subcommands() {
            found.push((words.to_owned(), command.clone()));
        }
        for below in command.get_subcommands() {
            leaves(below, format!("{words} {}", below.get_name()).trim(), found);
        }
    }

    #[test]
    fn forms_name_every_option_and_no_other() {
        let mut found = Vec::new();
        leaves(&Cli::command(), "", &mut found);
        assert!(found.len() > 5);
        for (words, command) in found {
            let text = forms(&words).join(" ");
            let mut known = Vec::new();
            for arg in own_options(&command).filter(|arg| !arg.is_hide_set()) {
                let long = format!("--{}", arg.get_long().unwrap());
                assert!(text.contains(&long), "{words}: {long} is in no form");
                known.push(long);
            }
            let named = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
            for option in named.filter(|word| word.starts_with("--")) {
                // A site without its address is none.
                let address = words == "bridge install" && option == "--url";
                assert!(
                    address || known.iter().any(|long| long == option),
                    "{words}: {option} is unknown"
                );
            }
        }
    }
}
