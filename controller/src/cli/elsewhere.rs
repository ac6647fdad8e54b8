//! The same command for another place: the words that were typed, fit to be copied into a shell.

use kickout_shared::token::{self, SessionRef, Typed};

use super::words::{self, Words};

/// The words of the command for which the second argument is a session token.
const DESTROY: [&str; 3] = ["user", "session", "destroy"];

/// The command line that does the same at a connection string. With `found`, the search there finds
/// the site, and a path that was named for this host is left out. `None` when a word cannot stand in
/// one line of text.
#[must_use]
pub fn elsewhere(typed: &Words, ssh: &str, found: bool) -> Option<String> {
    let mut options = vec![format!("--ssh={}", words::quoted(ssh))];
    for option in &typed.options {
        let left_out = match option.name.as_str() {
            "ssh" => true,
            "path" => found,
            _ => false,
        };
        if !left_out {
            let dashes = if option.negated { "--no-" } else { "--" };
            let value = option.value.as_deref();
            let value = value.map(|value| format!("={}", words::quoted(value)));
            let name = words::quoted(&option.name);
            options.push(format!("{dashes}{name}{}", value.unwrap_or_default()));
        }
    }
    let destroys = typed.positionals.iter().take(DESTROY.len()).eq(DESTROY);
    let words = typed.positionals.iter().enumerate();
    let mut positionals: Vec<String> = words
        .map(|(index, word)| match index {
            // A user may be called anything; where a token stands, it may be one.
            4 if destroys => secretless(word),
            _ => words::quoted(word),
        })
        .collect();
    let mut line = vec!["kickout".to_owned()];
    if typed.positionals.iter().any(|word| word.starts_with("--")) {
        line.append(&mut options);
        line.push("--".to_owned());
        line.append(&mut positionals);
    } else {
        line.push(options.remove(0));
        line.append(&mut positionals);
        line.append(&mut options);
    }
    let line = line.join(" ");
    (!line.chars().any(char::is_control)).then_some(line)
}

/// A token of a cookie as what is stored of it, which logs nobody in.
fn secretless(word: &str) -> String {
    match token::parse(word) {
        Ok(Typed::Raw(SessionRef::Key(verifier))) => verifier,
        _ => words::quoted(word),
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::split;
    use super::*;

    #[test]
    fn the_same_words_go_elsewhere() {
        let raw = format!("destroyed{}", "Zz".repeat(17));
        let hashed = format!(
            "kickout --ssh=docker-compose:web user session destroy admin {}",
            token::verifier(&raw)
        );
        let rows: [(&[&str], bool, Option<&str>); 9] = [
            (
                &["user", "session", "list", "admin", "--format=csv"],
                true,
                Some("kickout --ssh=docker-compose:web user session list admin --format=csv"),
            ),
            (
                &["--no-color", "user", "list", "--path=/x", "--quiet"],
                true,
                Some("kickout --ssh=docker-compose:web user list --no-color --quiet"),
            ),
            (
                &["user", "list", "--path=/x y"],
                false,
                Some("kickout --ssh=docker-compose:web user list --path='/x y'"),
            ),
            (
                &[
                    "user", "session", "list", "o'neil", "$(id)", "`id`", "*", "a;b", "",
                ],
                true,
                Some(
                    r"kickout --ssh=docker-compose:web user session list 'o'\''neil' '$(id)' '`id`' '*' 'a;b' ''",
                ),
            ),
            (
                &["user", "session", "list", "--", "--all", "@x"],
                true,
                Some("kickout --ssh=docker-compose:web -- user session list --all @x"),
            ),
            (
                &["user", "session", "destroy", "admin", &raw],
                true,
                Some(&hashed),
            ),
            (&["user", "session", "list", "a\nb"], true, None),
            (&["user", "session", "list", "a\u{9b}b"], true, None),
            (
                &["doctor", "--debug"],
                true,
                Some("kickout --ssh=docker-compose:web doctor --debug"),
            ),
        ];
        for (typed, found, expected) in rows {
            let typed = split(typed.iter().map(|word| (*word).to_owned()));
            let line = elsewhere(&typed, "docker-compose:web", found);
            assert_eq!(line.as_deref(), expected, "{typed:?}");
        }
        let at = elsewhere(&split(["doctor".to_owned()]), "docker-compose:w/a b", true);
        assert_eq!(
            at.as_deref(),
            Some("kickout --ssh='docker-compose:w/a b' doctor")
        );
    }
}
