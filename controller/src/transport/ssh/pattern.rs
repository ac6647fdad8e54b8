//! OpenSSH's patterns, `*` and `?`, alone and in lists with `!`. Pure; shared by host keys and
//! configurations.

/// What a list of patterns says about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A pattern matches, and no negated one does.
    Yes,
    /// Nothing matches.
    No,
    /// A negated pattern matches: whatever else the list says, it is no.
    Never,
}

/// Whether the whole of `text` is what `pattern` describes. Steps back to the last star only, so
/// its cost is bounded by the product of both lengths.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((star_at, star_read)) = star else {
                    return false;
                };
                star = Some((star_at, star_read + 1));
                at = star_at + 1;
                read = star_read + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Judges a name by several patterns, any of which may be negated by a leading `!`.
pub(super) fn judge<'a>(patterns: impl IntoIterator<Item = &'a str>, name: &str) -> Verdict {
    let mut verdict = Verdict::No;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern, name) => return Verdict::Never,
            None if matches(pattern, name) => verdict = Verdict::Yes,
            _ => {}
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        let table = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "abc", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "example.com", false),
            ("192.168.?.?", "192.168.1.2", true),
            ("192.168.?.?", "192.168.10.2", false),
            ("?", "", false),
            ("**a**", "bab", true),
            ("[*]:22", "[h]:22", true),
            ("[abc]", "a", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        // The classic that takes exponential time in a naive matcher.
        let pattern = "a*".repeat(200) + "b";
        assert!(!matches(&pattern, &"a".repeat(4000)));
    }

    #[test]
    fn a_negated_pattern_wins_wherever_it_stands() {
        let table = [
            ("a,b", "b", Verdict::Yes),
            ("!a,*", "a", Verdict::Never),
            ("*,!a", "a", Verdict::Never),
            ("!a", "b", Verdict::No),
            ("*,!a", "b", Verdict::Yes),
        ];
        for (list, name, expected) in table {
            assert_eq!(judge(list.split(','), name), expected, "{list} {name}");
        }
    }
}
