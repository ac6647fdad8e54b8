//! Completion scripts for bash, zsh and fish.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Cli;
use super::usage::UsageError;

/// The script for a shell. Static: nothing is asked while somebody types.
pub(super) fn script(typed: &[String]) -> Result<String, UsageError> {
    let incomplete = |what: String| UsageError::Incomplete {
        what,
        command: vec!["completions".to_owned()],
    };
    let shell = match typed {
        [] => return Err(incomplete("Which shell? bash, zsh or fish.".to_owned())),
        [one] => match one.as_str() {
            "bash" => Shell::Bash,
            "zsh" => Shell::Zsh,
            "fish" => Shell::Fish,
            other => {
                return Err(incomplete(format!(
                    "No completions for '{other}': bash, zsh or fish."
                )));
            }
        },
        [_, rest @ ..] => return Err(UsageError::TooMany(rest.to_vec())),
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "kickout", &mut script);
    Ok(String::from_utf8_lossy(&script).into_owned())
}
