//! A cursor over tokens, and the parse of a whole file. Never fails and never recurses deeper than
//! `MAX_DEPTH`: what it does not know becomes `Stmt::Opaque`, and the tree ends there.

use std::collections::HashSet;

use super::ast::Stmt;
use super::lexer::{Tok, Token};

/// Nesting beyond this is no configuration; the bound keeps the stack small on hostile files.
pub(super) const MAX_DEPTH: u32 = 60;

pub(super) type Line = (u32, Stmt);

/// A parsed file.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) body: Vec<Line>,
    /// Names after `function`, in lower case, wherever they stand.
    pub(crate) functions: HashSet<Vec<u8>>,
}

/// The reason for giving up on the rest of a file.
pub(super) type Unknown = &'static str;

pub(crate) fn parse(tokens: &[Token]) -> Script {
    let mut functions = HashSet::new();
    for pair in tokens.windows(2) {
        if let (Tok::Ident(word), Tok::Ident(name)) = (&pair[0].tok, &pair[1].tok)
            && word.eq_ignore_ascii_case(b"function")
        {
            functions.insert(name.to_ascii_lowercase());
        }
    }
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
    };
    let mut body = Vec::new();
    while *parser.tok() != Tok::End {
        if let Err(reason) = parser.statement(&mut body) {
            body.push((parser.line(), Stmt::Opaque(reason)));
            break;
        }
    }
    Script { body, functions }
}

pub(super) struct Parser<'a> {
    tokens: &'a [Token],
    pub(super) at: usize,
    pub(super) depth: u32,
}

impl<'a> Parser<'a> {
    pub(super) fn tok(&self) -> &'a Tok {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, count: usize) -> &'a Tok {
        self.tokens
            .get(self.at + count)
            .map_or(&Tok::End, |token| &token.tok)
    }

    pub(super) fn line(&self) -> u32 {
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or(0, |token| token.line)
    }

    pub(super) fn next(&mut self) {
        self.at += 1;
    }

    pub(super) fn is(&self, op: &str) -> bool {
        matches!(self.tok(), Tok::Op(seen) if *seen == op)
    }

    pub(super) fn eat(&mut self, op: &str) -> bool {
        let found = self.is(op);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, op: &str) -> Result<(), Unknown> {
        if self.eat(op) {
            Ok(())
        } else {
            Err(self.unreadable())
        }
    }

    /// Why the current token is a surprise.
    pub(super) fn unreadable(&self) -> Unknown {
        match self.tok() {
            Tok::Bad(reason) => reason,
            Tok::End => "code that ends too early",
            _ => "code this reader does not understand",
        }
    }

    pub(super) fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.ahead(ahead), Tok::Ident(name) if name.eq_ignore_ascii_case(word.as_bytes()))
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        self.at += usize::from(found);
        found
    }

    pub(super) fn name(&mut self) -> Result<Vec<u8>, Unknown> {
        let Tok::Ident(name) = self.tok() else {
            return Err(self.unreadable());
        };
        self.next();
        Ok(name.clone())
    }

    /// Steps over a bracketed group that starts here.
    pub(super) fn skip_group(&mut self) -> Result<(), Unknown> {
        let mut depth = 0u32;
        loop {
            match self.tok() {
                Tok::Op("(" | "[" | "{" | "#[") => depth += 1,
                Tok::Op(")" | "]" | "}") => depth = depth.saturating_sub(1),
                Tok::Bad(_) | Tok::End => return Err(self.unreadable()),
                _ => {}
            }
            self.next();
            if depth == 0 {
                return Ok(());
            }
        }
    }

    pub(super) fn deeper(&mut self) -> Result<(), Unknown> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err("code nested too deeply")
        } else {
            Ok(())
        }
    }
}
