//! Quotes the `@name` tokens of a configuration file: YAML reserves a leading `@`, yet every
//! wp-cli.yml in the world writes `@site:` without quotes.
//!
//! Border: text in, text with the same lines out. It is only used on a text that YAML refuses, so
//! it can make nothing worse.

use std::borrow::Cow;

/// Where the reader is between two characters.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// A value or key may begin here.
    Start,
    /// Inside a plain text.
    Plain,
    /// Inside a quoted text that ends with this character.
    Quoted(char),
}

/// The text with each token that begins with `@` in single quotes.
pub(super) fn quote(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut reader = Reader {
        state: State::Start,
        depth: 0,
        block: None,
    };
    for line in text.split_inclusive('\n') {
        reader.line(line, &mut out);
    }
    Cow::Owned(out)
}

struct Reader {
    state: State,
    /// How many `[` and `{` are open.
    depth: usize,
    /// The indentation that a line of the current block text (`|` or `>`) must exceed.
    block: Option<usize>,
}

impl Reader {
    fn line(&mut self, line: &str, out: &mut String) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if let Some(block) = self.block {
            if line.trim().is_empty() || indent > block {
                out.push_str(line);
                return;
            }
            self.block = None;
        }
        if self.state == State::Plain {
            self.state = State::Start;
        }
        // The column of the first key or of the last `-` on this line: block texts hang below it.
        let mut column = indent;
        let mut first = true;
        let mut at = 0;
        while let Some(c) = line[at..].chars().next() {
            let next = at + c.len_utf8();
            let after = line[next..].chars().next();
            let at_gap = after.is_none_or(char::is_whitespace);
            let token = self.state == State::Start && !c.is_whitespace();
            if token && first && !(matches!(c, '-' | '?') && at_gap) && !matches!(c, '|' | '>') {
                column = at;
                first = false;
            }
            let before_gap = line[..at]
                .chars()
                .next_back()
                .is_none_or(char::is_whitespace);
            match (self.state, c) {
                (State::Quoted(end), _) => {
                    if c == '\\' && end == '"' {
                        // The escaped character is no end of anything.
                        let skip = next + after.map_or(0, char::len_utf8);
                        out.push_str(&line[at..skip]);
                        at = skip;
                        continue;
                    }
                    if c == end {
                        self.state = State::Plain;
                    }
                }
                (_, '#') if before_gap => {
                    out.push_str(&line[at..]);
                    return;
                }
                (_, '[' | '{') if self.state == State::Start => self.depth += 1,
                (_, ']' | '}') if self.depth > 0 => {
                    self.depth -= 1;
                    self.state = State::Plain;
                }
                (_, ',') if self.depth > 0 => self.state = State::Start,
                (_, ':') if at_gap => self.state = State::Start,
                (State::Plain, _) => {}
                (State::Start, '-' | '?') if at_gap => column = at,
                (State::Start, '"' | '\'') => self.state = State::Quoted(c),
                (State::Start, '|' | '>') if self.depth == 0 => {
                    self.block = Some(column);
                    out.push_str(&line[at..]);
                    return;
                }
                (State::Start, '@') => {
                    let end = at + self.token(&line[at..]);
                    out.push('\'');
                    out.push_str(&line[at..end].replace('\'', "''"));
                    out.push('\'');
                    at = end;
                    self.state = State::Plain;
                    continue;
                }
                (State::Start, _) if c.is_whitespace() => {}
                (State::Start, _) => self.state = State::Plain,
            }
            out.push(c);
            at = next;
        }
    }

    /// The length of the plain token that begins here.
    fn token(&self, text: &str) -> usize {
        let mut end = 0;
        let mut previous = ' ';
        let mut rest = text.chars().peekable();
        let mut length = 0;
        while let Some(c) = rest.next() {
            let gap = rest.peek().is_none_or(|c| c.is_whitespace());
            let ends = (c == ':' && gap)
                || (c == '#' && previous.is_whitespace())
                || (self.depth > 0 && matches!(c, ',' | '[' | ']' | '{' | '}'));
            if ends {
                break;
            }
            length += c.len_utf8();
            if !c.is_whitespace() {
                end = length;
            }
            previous = c;
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn only_tokens_that_begin_with_an_at_sign_are_quoted() {
        for (text, expect) in [
            ("a: 1\n", "a: 1\n"),
            ("@s1:\n  path: x\r\n", "'@s1':\n  path: x\r\n"),
            ("@a.b-c_d: {path: x}", "'@a.b-c_d': {path: x}"),
            ("@x y: 1 # @z\n", "'@x y': 1 # @z\n"),
            ("@o'brien: 1", "'@o''brien': 1"),
            (
                "g:\n  - @a\n  -   @b # c\n",
                "g:\n  - '@a'\n  -   '@b' # c\n",
            ),
            ("g: [@a, b@c, @d]", "g: ['@a', b@c, '@d']"),
            ("g: {@a: [@b], c: @d}", "g: {'@a': ['@b'], c: '@d'}"),
            ("ssh: u@h:22/p\nuser: @bob", "ssh: u@h:22/p\nuser: '@bob'"),
            (
                "a: \"x\n @y \\\" @z\"\n@b: 1",
                "a: \"x\n @y \\\" @z\"\n'@b': 1",
            ),
            ("a: 'x\n  @y'\n@b: 1", "a: 'x\n  @y'\n'@b': 1"),
            ("a: |\n  @x\n\n  @y\n@b: 1", "a: |\n  @x\n\n  @y\n'@b': 1"),
            ("- a: |\n    @x\n  b: @y", "- a: |\n    @x\n  b: '@y'"),
            ("- |\n @x\n- @y", "- |\n @x\n- '@y'"),
        ] {
            assert_eq!(quote(text), expect, "{text}");
        }
    }
}
