//! The manual of a command: made of its definition, with examples.

use clap::CommandFactory as _;

use super::args::{Cli, GLOBAL_HEADING};
use super::examples::examples;
use super::usage::{own_options, usage, value_name};

/// Columns of a page, as WP-CLI's manuals have them.
const WIDTH: usize = 90;

/// The manual page of a command, a group, or of everything.
pub(super) fn page(command: &[String]) -> String {
    let root = Cli::command();
    let mut at = &root;
    for word in command {
        at = at.find_subcommand(word).unwrap_or(at);
    }
    let words = command.join(" ");
    let mut page = Page::default();
    page.heading("NAME");
    page.text(2, format!("kickout {words}").trim());
    page.heading("DESCRIPTION");
    page.text(2, &about(at));
    page.heading("SYNOPSIS");
    for line in usage(command).lines() {
        page.text(
            2,
            line.trim_start_matches("usage: ")
                .trim_start_matches("   or: "),
        );
    }
    if at.has_subcommands() {
        page.heading("SUBCOMMANDS");
        for below in at.get_subcommands() {
            page.term(below.get_name(), &about(below));
        }
    } else {
        page.heading("OPTIONS");
        for (term, text) in positionals(&words) {
            page.term(term, text);
        }
        options(&mut page, own_options(at));
        if !extra(&words).is_empty() {
            page.verbatim(extra(&words));
        }
    }
    if !examples(&words).is_empty() {
        page.heading("EXAMPLES");
        page.verbatim(examples(&words));
    }
    if !at.has_subcommands() {
        page.heading(GLOBAL_HEADING);
        let global = |arg: &&clap::Arg| arg.get_help_heading() == Some(GLOBAL_HEADING);
        options(&mut page, at.get_arguments().filter(global));
    }
    if command.is_empty() {
        page.heading("EXIT CODES");
        page.verbatim(EXIT_CODES);
    }
    page.0
}

fn about(command: &clap::Command) -> String {
    sentence(command.get_about())
}

/// A definition's text as a sentence: clap takes the full stop of a doc comment away.
fn sentence(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    if text.is_empty() || text.ends_with('.') {
        text
    } else {
        text + "."
    }
}

fn options<'a>(page: &mut Page, args: impl Iterator<Item = &'a clap::Arg>) {
    for arg in args.filter(|arg| !arg.is_hide_set()) {
        let long = arg.get_long().unwrap_or_default();
        let term = match (long, value_name(arg)) {
            ("color", _) => "--[no-]color".to_owned(),
            ("skip-plugins" | "skip-themes" | "debug" | "prompt" | "sudo", Some(value)) => {
                format!("--{long}[=<{value}>]")
            }
            (long, Some(value)) if value.starts_with('[') => format!("--{long}={value}"),
            (long, Some(value)) => format!("--{long}=<{value}>"),
            (long, None) => format!("--{long}"),
        };
        page.term(&term, &sentence(arg.get_help()));
    }
}

/// Text laid out in WP-CLI's way: headings at the margin, terms indented, their text below.
#[derive(Default)]
struct Page(String);

impl Page {
    fn heading(&mut self, heading: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(heading);
        self.0.push_str("\n\n");
    }

    fn term(&mut self, term: &str, text: &str) {
        self.text(2, term);
        self.text(4, text);
        self.0.push('\n');
    }

    fn text(&mut self, indent: usize, text: &str) {
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && indent + line.len() + 1 + word.len() > WIDTH {
                self.line(indent, &line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(indent, &line);
    }

    fn line(&mut self, indent: usize, line: &str) {
        self.0.push_str(&" ".repeat(indent));
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn verbatim(&mut self, text: &str) {
        for line in text.lines() {
            self.line(if line.is_empty() { 0 } else { 2 }, line);
        }
    }
}

fn positionals(words: &str) -> Vec<(&'static str, &'static str)> {
    let user = "User ID, user email, or user login. id:7, login:007 and email:x@y leave no doubt.";
    match words {
        "user session destroy" => vec![
            ("<user>", user),
            (
                "[<token>]",
                "The token of the session to destroy: its verifier as listed, at least six of its \
                 first characters, or the token from the cookie. - reads it from standard input. \
                 Defaults to the most recently created session.",
            ),
        ],
        "user session list" => vec![("<user>...", user)],
        "completions" => vec![("<shell>", "bash, zsh or fish.")],
        "help" => vec![("[<command>...]", "The words of a command.")],
        _ => Vec::new(),
    }
}

fn extra(words: &str) -> &'static str {
    match words {
        "user session list" => SESSION_FIELDS,
        "user list" => USER_FIELDS,
        _ => "",
    }
}

const SESSION_FIELDS: &str = "AVAILABLE FIELDS

  These fields will be displayed by default for each session:

  * token
  * login_time
  * expiration_time
  * ip
  * ua

  With more than one user, user_login comes first. These fields are optionally available:

  * login
  * expiration
  * user_id
  * user_login
  * browser
  * age

  and any other key stored in the session.
";

const USER_FIELDS: &str = "AVAILABLE FIELDS

  * ID
  * user_login
  * display_name
  * user_email
  * user_registered
  * roles
";

const EXIT_CODES: &str = "  0  done, and proved as far as was asked; \"nothing to do\" is 0
  1  the site said Error
  2  wrong usage or configuration; nothing was contacted
  3  several targets: some failed, some did not
  4  target unreachable, or login refused
  5  sessions are, or may still be, alive
  7  not confirmed
  8  identity refused (host key, TLS)
130  interrupted
";

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(words: &str) -> String {
        page(
            &words
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn the_manual_has_its_parts() {
        let page = page_of("user session destroy");
        for part in [
            "NAME",
            "DESCRIPTION",
            "SYNOPSIS",
            "OPTIONS",
            "EXAMPLES",
            "GLOBAL PARAMETERS",
        ] {
            assert!(
                page.contains(&format!("{part}\n\n")),
                "{part} is missing:\n{page}"
            );
        }
        assert!(page.contains("--[no-]color"), "{page}");
        assert!(
            !page.contains("--blog"),
            "hidden options stay hidden:\n{page}"
        );
        assert!(
            page.lines().all(|line| line.chars().count() <= WIDTH),
            "{page}"
        );
    }

    #[test]
    fn every_command_has_a_page() {
        for words in [
            "",
            "user",
            "user list",
            "user session",
            "user session list",
            "doctor",
            "agent where",
            "agent remove",
            "bridge install",
            "bridge status",
            "bridge upgrade",
            "bridge remove",
            "config show",
            "completions",
            "help",
        ] {
            assert!(page_of(words).starts_with("NAME\n\n  kickout"), "{words}");
        }
    }
}
