//! `--prompt`: which questions are asked, and where the answers go. Asking is somebody else's work.
//!
//! The texts, the numbers and the meaning of an empty answer are WP-CLI's
//! (`Subcommand::prompt_args`); end of input aborts instead of running with what there is.

use super::args::BARE;
use super::parse::command_words;
use super::words::{Typed, Words, in_quotes};

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The whole text, with its number and a final `: `.
    pub text: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Positional,
    Value(&'static str),
    Flag(&'static str),
}

/// What WP-CLI's synopsis of a command lists: token, description, kind, default.
type Item = (&'static str, &'static str, Kind, &'static str);

const USER: Item = (
    "<user>",
    "User ID, user email, or user login.",
    Kind::Positional,
    "",
);

fn synopsis(command: &str) -> &'static [Item] {
    const FIELDS: Item = (
        "[--fields=<fields>]",
        "Limit the output to specific fields.",
        Kind::Value("fields"),
        "",
    );
    const FORMAT: Item = (
        "[--format=<format>]",
        "Render output in a particular format.",
        Kind::Value("format"),
        "table",
    );
    const TOKEN: Item = (
        "[<token>]",
        "The token of the session to destroy. Defaults to the most recently created session.",
        Kind::Positional,
        "",
    );
    const ALL: Item = (
        "[--all]",
        "Destroy all of the user's sessions.",
        Kind::Flag("all"),
        "",
    );
    match command {
        "user session destroy" => &[USER, TOKEN, ALL],
        "user session list" => &[USER, FIELDS, FORMAT],
        "user list" => &[FIELDS, FORMAT],
        _ => &[],
    }
}

/// The words, and the questions that complete them.
#[derive(Debug)]
pub struct Answers {
    words: Words,
    command: Vec<String>,
}

impl Answers {
    /// Whether these words ask for questions: `--prompt`, and a command that has any.
    pub fn wanted(words: &Words) -> Option<Self> {
        let prompt = words
            .options
            .iter()
            .any(|option| option.name == "prompt" && !option.negated);
        let command = command_words(words);
        let known = !synopsis(&command.join(" ")).is_empty();
        (prompt && known).then(|| Self {
            words: words.clone(),
            command,
        })
    }

    /// The questions to be asked, in order.
    pub fn questions(&self) -> Vec<Question> {
        let given = self.words.positionals.len() - self.command.len();
        let has = |name: &str| self.words.options.iter().any(|option| option.name == name);
        let mut positionals = 0;
        let open = synopsis(&self.command.join(" "))
            .iter()
            .filter(|(_, _, kind, _)| match kind {
                Kind::Positional => {
                    positionals += 1;
                    positionals > given
                }
                Kind::Value(name) | Kind::Flag(name) => !has(name),
            });
        let open: Vec<&Item> = open.collect();
        let only = self.only();
        let asked = open
            .iter()
            .enumerate()
            .filter(|(_, (_, _, kind, _))| match (&only, kind) {
                (None, _) => true,
                (Some(only), Kind::Value(name)) => only.iter().any(|wanted| wanted == name),
                (Some(_), Kind::Positional | Kind::Flag(_)) => false,
            });
        asked
            .map(|(index, (token, description, kind, default))| {
                let number = index + 1;
                let mut text = format!("{number}/{} {token} ({description})", open.len());
                if matches!(kind, Kind::Flag(_)) {
                    text.push_str(" (Y/n)");
                }
                if !default.is_empty() {
                    text.push_str(&format!(" [{default}]"));
                }
                text.push_str(": ");
                Question { text, kind: *kind }
            })
            .collect()
    }

    /// The names in `--prompt=a,b`; `None` when everything is asked.
    fn only(&self) -> Option<Vec<String>> {
        let prompt = self
            .words
            .options
            .iter()
            .rev()
            .find(|option| option.name == "prompt")?;
        match prompt.value.as_deref() {
            None | Some(BARE | "true" | "") => None,
            Some(names) => Some(names.split(',').map(str::to_owned).collect()),
        }
    }

    /// Takes an answer. Nothing typed is no answer; a flag is set by `y` alone.
    pub fn answer(&mut self, question: &Question, typed: &str) {
        if typed.is_empty() {
            return;
        }
        let option = |name: &str, value| Typed {
            name: name.to_owned(),
            value,
            negated: false,
        };
        match question.kind {
            Kind::Positional => self.words.positionals.push(typed.to_owned()),
            Kind::Value(name) => self
                .words
                .options
                .push(option(name, Some(typed.to_owned()))),
            Kind::Flag(name) if typed.eq_ignore_ascii_case("y") => {
                self.words.options.push(option(name, None));
            }
            Kind::Flag(_) => {}
        }
    }

    /// The command line that the answers make, for running it again.
    pub fn rerun(&self) -> String {
        let positionals = &self.words.positionals[self.command.len()..];
        let positionals: Vec<String> = positionals.iter().map(|text| in_quotes(text)).collect();
        let known = synopsis(&self.command.join(" "));
        let own = |option: &&Typed| {
            known.iter().any(|(_, _, kind, _)| match kind {
                Kind::Value(name) | Kind::Flag(name) => option.name == *name,
                Kind::Positional => false,
            })
        };
        let options: Vec<String> = self
            .words
            .options
            .iter()
            .filter(own)
            .map(|option| match &option.value {
                Some(value) => format!("--{}={}", option.name, in_quotes(value)),
                None if option.negated => format!("--no-{}", option.name),
                None => format!("--{}", option.name),
            })
            .collect();
        let command = self.command.join(" ");
        format!(
            "kickout {command} {} {}",
            positionals.join(" "),
            options.join(" ")
        )
    }

    /// The words with their answers.
    pub fn into_words(self) -> Words {
        let mut words = self.words;
        words.options.retain(|option| option.name != "prompt");
        words
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::split;
    use super::*;

    fn asked(line: &str) -> Vec<String> {
        let words = split(line.split_whitespace().map(str::to_owned));
        let answers = Answers::wanted(&words).expect("a prompt");
        answers
            .questions()
            .into_iter()
            .map(|question| question.text)
            .collect()
    }

    #[test]
    fn everything_not_given_is_asked() {
        let texts = [
            "1/3 <user> (User ID, user email, or user login.): ",
            "2/3 [<token>] (The token of the session to destroy. Defaults to the most recently \
             created session.): ",
            "3/3 [--all] (Destroy all of the user's sessions.) (Y/n): ",
        ];
        assert_eq!(asked("user session destroy --prompt"), texts);
        assert_eq!(asked("user session destroy admin --all --prompt").len(), 1);
        assert_eq!(
            asked("user session list admin --prompt=format"),
            ["2/2 [--format=<format>] (Render output in a particular format.) [table]: "]
        );
        assert!(asked("user session list --prompt=user").is_empty());
    }

    #[test]
    fn answers_make_a_command_line() {
        let words = split(
            "user session destroy --prompt"
                .split(' ')
                .map(str::to_owned),
        );
        let mut answers = Answers::wanted(&words).unwrap();
        let questions = answers.questions();
        answers.answer(&questions[0], "o'neil");
        answers.answer(&questions[1], "");
        answers.answer(&questions[2], "Y");
        assert_eq!(
            answers.rerun(),
            r"kickout user session destroy 'o'\''neil' --all"
        );
        let words = answers.into_words();
        assert_eq!(words.positionals, ["user", "session", "destroy", "o'neil"]);
        assert_eq!(words.options.len(), 1);
    }
}
