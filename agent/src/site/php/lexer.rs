//! Bytes of a PHP file to tokens, as PHP 7.3 and later split them. Never fails: what it cannot
//! read becomes one `Bad` token with the reason, and the text ends there.

use super::{heredoc, number, operators, strings};
use crate::site::literal::Literal;

/// More tokens than this are no configuration; the bound keeps memory small on hostile files.
const MAX_TOKENS: usize = 200_000;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) tok: Tok,
    pub(crate) line: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tok {
    /// `$name`, without the dollar sign.
    Var(Vec<u8>),
    /// A word, possibly qualified by namespaces; keywords included.
    Ident(Vec<u8>),
    /// A constant number or string.
    Lit(Literal),
    /// A string with variables in it.
    Template(Vec<strings::Part>),
    /// Operator or punctuation. `?>` arrives as `;`.
    Op(&'static str),
    /// `(int)` and its like: the type in lower case.
    Cast(&'static str),
    /// What follows cannot be read; the reason.
    Bad(&'static str),
    /// End of the text.
    End,
}

pub(crate) fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

pub(crate) fn is_name(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit()
}

/// The tokens of a whole file (`in_php` false) or of a piece of code given to `eval` (true).
/// The last token is always `End`, so that a parser may look ahead without bounds.
pub(crate) fn tokens(text: &[u8], in_php: bool) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
        out: Vec::new(),
    };
    if in_php || lexer.html() {
        lexer.php();
    }
    lexer.push(Tok::End);
    lexer.out
}

pub(super) struct Lexer<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    line: u32,
    out: Vec<Token>,
}

impl<'a> Lexer<'a> {
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    pub(super) fn push(&mut self, tok: Tok) {
        self.out.push(Token {
            tok,
            line: self.line,
        });
    }

    /// Goes `count` bytes on, counting lines as PHP does: CRLF is one, a lone CR is one.
    pub(super) fn advance(&mut self, count: usize) {
        let end = (self.at + count).min(self.text.len());
        let mut lines = 0;
        for at in self.at..end {
            let lone_cr = self.text[at] == b'\r' && self.text.get(at + 1) != Some(&b'\n');
            lines += u32::from(self.text[at] == b'\n' || lone_cr);
        }
        self.line = self.line.saturating_add(lines);
        self.at = end;
    }

    /// Skips text outside PHP; true when an opening tag was passed.
    fn html(&mut self) -> bool {
        loop {
            let Some(offset) = find(self.rest(), b"<?") else {
                self.advance(usize::MAX - self.at);
                return false;
            };
            self.advance(offset);
            let tag = self.rest();
            if tag.get(2) == Some(&b'=') {
                self.advance(3);
                self.push(Tok::Ident(b"echo".to_vec()));
                return true;
            }
            let word = tag
                .get(2..5)
                .is_some_and(|word| word.eq_ignore_ascii_case(b"php"));
            if word && tag.get(5).is_none_or(u8::is_ascii_whitespace) {
                self.advance(5);
                return true;
            }
            if tag
                .get(2..5)
                .is_some_and(|word| word.eq_ignore_ascii_case(b"xml"))
            {
                self.advance(2);
                continue;
            }
            // `<?` alone opens PHP or not, depending on short_open_tag in php.ini.
            self.push(Tok::Bad("a `<?` tag, which depends on `short_open_tag`"));
            return false;
        }
    }

    fn php(&mut self) {
        while self.at < self.text.len() {
            if self.out.len() >= MAX_TOKENS {
                return self.push(Tok::Bad("more tokens than any configuration has"));
            }
            let byte = self.peek(0);
            let rest = self.rest();
            let go_on = match byte {
                b' ' | b'\t' | b'\n' | b'\r' => {
                    self.advance(1);
                    true
                }
                b'#' if self.peek(1) != b'[' => self.line_comment(),
                b'/' if self.peek(1) == b'/' => self.line_comment(),
                b'/' if self.peek(1) == b'*' => match find(&rest[2..], b"*/") {
                    Some(length) => {
                        self.advance(length + 4);
                        true
                    }
                    None => self.bad("a comment that never ends"),
                },
                b'?' if self.peek(1) == b'>' => self.close_tag(),
                b'\'' => self.single(1),
                b'"' => self.double(1),
                b'b' | b'B' if self.peek(1) == b'\'' => self.single(2),
                b'b' | b'B' if self.peek(1) == b'"' => self.double(2),
                b'b' | b'B' if rest[1..].starts_with(b"<<<") && self.heredoc(1) => true,
                b'<' if rest.starts_with(b"<<<") && self.heredoc(0) => true,
                b'$' if is_name_start(self.peek(1)) => {
                    let name = word(&rest[1..]);
                    self.push(Tok::Var(name.to_vec()));
                    self.advance(1 + name.len());
                    true
                }
                b'0'..=b'9' => self.number(),
                b'.' if self.peek(1).is_ascii_digit() => self.number(),
                b'\\' if is_name_start(self.peek(1)) => self.ident(),
                b'`' => self.bad("a shell command in backticks"),
                _ if is_name_start(byte) => self.ident(),
                _ => self.operator(),
            };
            if !go_on {
                return;
            }
        }
    }

    pub(super) fn bad(&mut self, reason: &'static str) -> bool {
        self.push(Tok::Bad(reason));
        false
    }

    fn line_comment(&mut self) -> bool {
        let rest = self.rest();
        let end = rest.iter().enumerate().find_map(|(at, byte)| {
            let close = *byte == b'?' && rest.get(at + 1) == Some(&b'>');
            (close || *byte == b'\n' || *byte == b'\r').then_some(at)
        });
        self.advance(end.unwrap_or(rest.len()));
        true
    }

    fn close_tag(&mut self) -> bool {
        self.push(Tok::Op(";"));
        self.advance(2);
        self.html()
    }

    fn single(&mut self, open: usize) -> bool {
        let Some(length) = strings::closing(&self.rest()[open..], b'\'') else {
            return self.bad("a string that never ends");
        };
        let body = &self.rest()[open..open + length];
        self.push(Tok::Lit(Literal::Text(strings::single(body))));
        self.advance(open + length + 1);
        true
    }

    fn double(&mut self, open: usize) -> bool {
        let Some(length) = strings::closing(&self.rest()[open..], b'"') else {
            return self.bad("a string that never ends");
        };
        let body = &self.rest()[open..open + length];
        let Some(tok) = strings::double(body, Some(b'"')) else {
            return self.bad("an invalid \\u{…} in a string");
        };
        // Quotes inside `{$a["k"]}` may belong to an expression: where the string ends is then
        // not ours to say.
        if matches!(&tok, Tok::Template(parts) if parts.iter().any(|p| matches!(p, strings::Part::Opaque)))
        {
            return self.bad("a string with an expression inside");
        }
        self.push(tok);
        self.advance(open + length + 1);
        true
    }

    /// False when `<<<` does not open a heredoc.
    fn heredoc(&mut self, prefix: usize) -> bool {
        let rest = &self.rest()[prefix + 3..];
        let Some(opening) = heredoc::opening(rest) else {
            return false;
        };
        match heredoc::body(opening, rest) {
            Ok((tok, length)) => {
                self.push(tok);
                self.advance(prefix + 3 + length);
            }
            Err(reason) => {
                self.push(Tok::Bad(reason));
                self.at = self.text.len();
            }
        }
        true
    }

    fn number(&mut self) -> bool {
        let Some((value, length)) = number::read(self.rest()) else {
            return self.bad("a malformed number");
        };
        self.push(Tok::Lit(value));
        self.advance(length);
        true
    }

    fn ident(&mut self) -> bool {
        let rest = self.rest();
        let mut length = 0;
        loop {
            let slash = usize::from(rest.get(length) == Some(&b'\\'));
            let part = word(rest.get(length + slash..).unwrap_or_default());
            if part.is_empty() || (length > 0 && slash == 0) {
                break;
            }
            length += slash + part.len();
        }
        let name = rest[..length].to_vec();
        let halt = name.eq_ignore_ascii_case(b"__halt_compiler");
        self.push(Tok::Ident(name));
        self.advance(length);
        !halt
    }

    fn operator(&mut self) -> bool {
        if let Some((kind, length)) = operators::cast(self.rest()) {
            self.push(Tok::Cast(kind));
            self.advance(length);
            return true;
        }
        let rest = self.rest();
        let Some(op) = operators::at(rest) else {
            return self.bad("a byte that is not PHP");
        };
        self.push(Tok::Op(op));
        self.advance(op.len());
        true
    }
}

/// The identifier at the start of `text`; empty when there is none.
pub(super) fn word(text: &[u8]) -> &[u8] {
    match text.first() {
        Some(byte) if is_name_start(*byte) => {
            let length = text.iter().take_while(|byte| is_name(**byte)).count();
            &text[..length]
        }
        _ => &[],
    }
}

/// First position of a two-byte needle.
pub(super) fn find(text: &[u8], needle: &[u8; 2]) -> Option<usize> {
    text.windows(2).position(|pair| pair == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<Tok> {
        tokens(source.as_bytes(), false)
            .into_iter()
            .map(|token| token.tok)
            .collect()
    }

    #[test]
    fn comments_tags_and_lines() {
        let source = "\u{feff}text\r\n<?php # one\r// two ?>mid\n<?= 3; /* \n */ 4 #[x]\n?>end";
        let tokens = tokens(source.as_bytes(), false);
        let seen: Vec<(Tok, u32)> = tokens.into_iter().map(|t| (t.tok, t.line)).collect();
        assert_eq!(
            seen,
            [
                (Tok::Op(";"), 3),
                (Tok::Ident(b"echo".to_vec()), 4),
                (Tok::Lit(Literal::Int(3)), 4),
                (Tok::Op(";"), 4),
                (Tok::Lit(Literal::Int(4)), 5),
                (Tok::Op("#["), 5),
                (Tok::Ident(b"x".to_vec()), 5),
                (Tok::Op("]"), 5),
                (Tok::Op(";"), 6),
                (Tok::End, 6),
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_ends_the_text() {
        let rows = [
            "'abc",
            "\"abc",
            "/* abc",
            "<<<X\nabc",
            "`ls`",
            "0xZ",
            "\u{1}",
            "\"\\u{zz}\"",
        ];
        for source in rows {
            let tokens = texts(&format!("<?php {source}"));
            assert!(
                tokens.iter().any(|tok| matches!(tok, Tok::Bad(_))),
                "{source}: {tokens:?}"
            );
        }
        assert!(matches!(texts("<? echo 1;")[0], Tok::Bad(_)));
        assert_eq!(texts("no tag at all"), [Tok::End]);
    }
}
