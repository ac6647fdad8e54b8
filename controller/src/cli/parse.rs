//! From words to a task: the command is found, its options checked against its definition, and
//! what was typed is read into what is meant.

use clap::{CommandFactory as _, FromArgMatches as _};
use kickout_shared::request::Request;

use super::args::{self, Cli, Command, FLAG, GLOBAL_HEADING};
use super::globals::Globals;
use super::list::Shape;
use super::usage::UsageError;
use super::words::{Typed, Words};
use super::{Bridge, Meaning, bridge, completions, destroy, help, list, users, verify};

/// What is to be done.
#[derive(Debug)]
pub enum Task {
    /// Ask a site, and show its answer.
    Ask(Request, Answer),
    /// Name the agents that lie on hosts.
    Tidy {
        /// And remove them.
        remove: bool,
    },
    /// Install a bridge on hosts, look at it, or remove it.
    Bridge(Bridge),
    /// Print this text.
    Print(String),
    /// Show the settings, with their origin or without.
    ShowSettings {
        /// `--origin`
        origin: bool,
    },
}

/// How the answer is shown, and what has to be asked before.
#[derive(Debug)]
pub enum Answer {
    /// A listing of sessions.
    Sessions(Shape),
    /// A listing of users.
    Users(Shape),
    /// Lines only.
    Lines {
        /// Whether the operator has to agree.
        consent: Consent,
        /// The token is on standard input.
        token_from_stdin: bool,
    },
    /// Findings, one a line.
    Findings,
}

/// Whether the operator has to agree before users are logged out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// The users were named.
    NotNeeded,
    /// `--yes`
    Given,
    /// Always ask.
    Ask,
    /// Ask when there are many.
    AskAbove,
}

/// A command line, understood.
#[derive(Debug)]
pub struct Parsed {
    /// What is to be done.
    pub task: Task,
    /// With what.
    pub globals: Globals,
    /// `@name` as the first word.
    pub alias: Option<String>,
}

/// The command's words, found in the positionals: `["user", "session", "list"]`. The rest are its
/// arguments.
pub fn command_words(words: &Words) -> Vec<String> {
    let root = Cli::command();
    let mut at = &root;
    let mut found = Vec::new();
    for word in &words.positionals {
        match at.find_subcommand(word) {
            Some(below) => at = below,
            None => break,
        }
        found.push(word.clone());
    }
    found
}

/// Reads the words. `defaults` are what wp-cli.yml says for this command; what was typed wins.
pub fn parse(
    words: &Words,
    defaults: &[(String, Option<String>)],
    meaning: Meaning,
) -> Result<Parsed, UsageError> {
    let command = command_words(words);
    let asks = |name: &str| words.options.iter().any(|option| option.name == name);
    if asks("version") {
        return Ok(printing(format!(
            "kickout {}\n",
            kickout_shared::version::RELEASE
        )));
    }
    let definition = definition(words, &command, asks("help"))?;
    if asks("help") || command.is_empty() {
        return Ok(printing(help::page(&command)));
    }
    let mut warnings = Vec::new();
    let typed = with_defaults(&words.options, defaults);
    let argv = arguments(
        &definition,
        &command,
        &typed,
        &words.positionals[command.len()..],
    )?;
    let matches = Cli::command().try_get_matches_from(argv);
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    // Everything was checked against the same definition; what is left is a disagreement of ours.
    let cli = cli.map_err(|error| UsageError::Combination(error.to_string()))?;
    let (mut task, globals) = read(cli.command, meaning, &mut warnings)?;
    let mut globals = Globals::read(globals, meaning)?;
    verify::fits(&globals.verify, &mut task)?;
    globals.warnings.append(&mut warnings);
    Ok(Parsed {
        task,
        globals,
        alias: words.alias.clone(),
    })
}

fn printing(text: String) -> Parsed {
    Parsed {
        task: Task::Print(text),
        globals: Globals::default(),
        alias: None,
    }
}

fn read(
    command: Command,
    meaning: Meaning,
    warnings: &mut Vec<String>,
) -> Result<(Task, args::Globals), UsageError> {
    Ok(match command {
        Command::User(args::User::List(mut typed)) => {
            let globals = std::mem::take(&mut typed.globals);
            (users::read(typed, warnings)?, globals)
        }
        Command::User(args::User::Session(args::Session::List(mut typed))) => {
            let globals = std::mem::take(&mut typed.globals);
            (list::read(typed, meaning, warnings)?, globals)
        }
        Command::User(args::User::Session(args::Session::Destroy(mut typed))) => {
            let globals = std::mem::take(&mut typed.globals);
            (destroy::read(typed, meaning, warnings)?, globals)
        }
        Command::Doctor(typed) => (Task::Ask(Request::Doctor, Answer::Findings), typed.globals),
        Command::Agent(args::Agent::Where(typed)) => (Task::Tidy { remove: false }, typed.globals),
        Command::Agent(args::Agent::Remove(typed)) => (Task::Tidy { remove: true }, typed.globals),
        Command::Bridge(args::Bridge::Install(typed)) => {
            (Task::Bridge(bridge::install(&typed)?), typed.bare.globals)
        }
        Command::Bridge(args::Bridge::Status(typed)) => {
            (Task::Bridge(bridge::status(&typed)?), typed.globals)
        }
        Command::Bridge(args::Bridge::Upgrade(typed)) => {
            (Task::Bridge(bridge::upgrade(&typed)?), typed.globals)
        }
        Command::Bridge(args::Bridge::Remove(typed)) => {
            (Task::Bridge(bridge::remove(&typed)?), typed.bare.globals)
        }
        Command::Config(args::Config::Show(typed)) => {
            let origin = super::flags::flag("origin", typed.origin.as_deref())?;
            (Task::ShowSettings { origin }, typed.globals)
        }
        Command::Completions(typed) => (
            Task::Print(completions::script(&typed.shell)?),
            typed.globals,
        ),
        Command::Help(typed) => {
            let words = Words {
                positionals: typed.words.clone(),
                ..Words::default()
            };
            let command = command_words(&words);
            if command.len() < typed.words.len() {
                return Err(UsageError::UnknownCommand(typed.words.join(" ")));
            }
            (Task::Print(help::page(&command)), typed.globals)
        }
    })
}

/// The definition of the command that was typed; a group alone is not one.
fn definition(words: &Words, command: &[String], help: bool) -> Result<clap::Command, UsageError> {
    let mut root = Cli::command();
    root.build();
    let mut at = &root;
    for word in command {
        at = at.find_subcommand(word).unwrap_or(at);
    }
    if at.has_subcommands() && !help {
        let next = words.positionals.get(command.len());
        return match (next, command) {
            (Some(_), _) => Err(UsageError::UnknownCommand(words.positionals.join(" "))),
            (None, []) => Ok(at.clone()),
            (None, command) => Err(UsageError::Incomplete {
                what: format!("'{}' needs one more word.", command.join(" ")),
                command: command.to_vec(),
            }),
        };
    }
    Ok(at.clone())
}

/// Defaults first, so that what was typed wins; a default that was overridden is left out whole.
fn with_defaults(typed: &[Typed], defaults: &[(String, Option<String>)]) -> Vec<Typed> {
    let missing = |name: &String| !typed.iter().any(|option| option.name == *name);
    let default = |(name, value): &(String, Option<String>)| Typed {
        name: name.clone(),
        value: value.clone(),
        negated: false,
    };
    let defaults = defaults
        .iter()
        .filter(|(name, _)| missing(name))
        .map(default);
    defaults.chain(typed.iter().cloned()).collect()
}

/// The words in the order clap wants them: command, options, `--`, positionals.
fn arguments(
    definition: &clap::Command,
    command: &[String],
    options: &[Typed],
    positionals: &[String],
) -> Result<Vec<String>, UsageError> {
    let mut argv = vec!["kickout".to_owned()];
    argv.extend(command.iter().cloned());
    let mut unknown = Vec::new();
    for Typed {
        name,
        value,
        negated,
    } in options
    {
        let known = |arg: &&clap::Arg| arg.get_long() == Some(name);
        let Some(arg) = definition.get_arguments().find(known) else {
            let shown = if *negated {
                format!("no-{name}")
            } else {
                name.clone()
            };
            unknown.push((shown, near(definition, name)));
            continue;
        };
        let is_flag = arg.get_value_names().is_some_and(|names| names[0] == *FLAG);
        argv.push(match (negated, value) {
            (true, _) if is_flag => format!("--{name}=false"),
            (true, _) => return Err(UsageError::Negated(name.clone())),
            (false, Some(value)) => format!("--{name}={value}"),
            (false, None) => format!("--{name}"),
        });
    }
    if !unknown.is_empty() {
        return Err(UsageError::UnknownOptions(unknown));
    }
    argv.push("--".to_owned());
    argv.extend(positionals.iter().cloned());
    Ok(argv)
}

/// The nearest option a person may have meant; the command's own before the global ones.
fn near(definition: &clap::Command, typed: &str) -> Option<String> {
    let visible = definition.get_arguments().filter(|arg| !arg.is_hide_set());
    let (global, own): (Vec<&clap::Arg>, Vec<&clap::Arg>) =
        visible.partition(|arg| arg.get_help_heading() == Some(GLOBAL_HEADING));
    let names = own
        .into_iter()
        .chain(global)
        .filter_map(|arg| arg.get_long());
    crate::similar::nearest(typed, names).map(str::to_owned)
}
