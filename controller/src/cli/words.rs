//! What was typed, taken apart: command words, options, positionals. Knows no command's meaning.
//!
//! WP-CLI's rules: options may stand anywhere before `--`, a value needs `=`, `--no-x` is
//! `--x=false`, and a single dash makes no option (`-dash` is somebody's login).

/// An option as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// Without dashes, without `no-`.
    pub name: String,
    /// After `=`; `None` when there is no `=`.
    pub value: Option<String>,
    /// Whether it was written `--no-…`.
    pub negated: bool,
}

/// A command line, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// `@name` as the first word.
    pub alias: Option<String>,
    /// Options in the order typed.
    pub options: Vec<Typed>,
    /// Everything else in the order typed; how many of them are command words is not known here.
    pub positionals: Vec<String>,
}

/// Takes the arguments apart. The program's name is not among them.
pub fn split(arguments: impl IntoIterator<Item = String>) -> Words {
    let mut words = Words::default();
    let mut only_positionals = false;
    for (index, word) in arguments.into_iter().enumerate() {
        let option = word.strip_prefix("--").filter(|_| !only_positionals);
        match option {
            Some("") => only_positionals = true,
            Some(option) => words.options.push(read(option)),
            None if index == 0 && is_alias(&word) => words.alias = Some(word[1..].to_owned()),
            None => words.positionals.push(word),
        }
    }
    words
}

/// A word for a POSIX shell, in quotes when it needs them.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => in_quotes(word),
    }
}

/// A word for a POSIX shell, in quotes.
pub(super) fn in_quotes(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn read(option: &str) -> Typed {
    let (name, value) = match option.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (option, None),
    };
    match name.strip_prefix("no-") {
        Some(name) if value.is_none() => Typed {
            name: name.to_owned(),
            value,
            negated: true,
        },
        _ => Typed {
            name: name.to_owned(),
            value,
            negated: false,
        },
    }
}

fn is_alias(word: &str) -> bool {
    word.strip_prefix('@').is_some_and(|name| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_taken_apart_as_wp_cli_does() {
        let typed = [
            "@s1",
            "--quiet",
            "user",
            "--all",
            "list",
            "-dash",
            "--no-color",
            "--x=a=b",
            "--",
            "--y",
            "@z",
        ];
        let words = split(typed.map(str::to_owned));
        assert_eq!(words.alias.as_deref(), Some("s1"));
        assert_eq!(words.positionals, ["user", "list", "-dash", "--y", "@z"]);
        let option = |name: &str, value: Option<&str>, negated| Typed {
            name: name.into(),
            value: value.map(Into::into),
            negated,
        };
        let expected = [
            option("quiet", None, false),
            option("all", None, false),
            option("color", None, true),
            option("x", Some("a=b"), false),
        ];
        assert_eq!(words.options, expected);
    }

    #[test]
    fn an_alias_is_one_only_as_the_first_word() {
        let words = split(["--quiet", "@s1", "user"].map(str::to_owned));
        assert_eq!(words.alias, None);
        assert_eq!(words.positionals, ["@s1", "user"]);
    }
}
