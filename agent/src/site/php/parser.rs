//! Statements: tokens to syntax tree. Never fails and never recurses deeper than `MAX_DEPTH`:
//! what it does not know becomes `Stmt::Opaque`, and the tree ends there.

use std::collections::HashSet;
use std::rc::Rc;

use super::ast::{Expr, Function, Stmt};
use super::lexer::{Tok, Token};

/// Nesting beyond this is no configuration; the bound keeps the stack small on hostile files.
pub(super) const MAX_DEPTH: u32 = 60;

type Line = (u32, Stmt);

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
    at: usize,
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

    fn end(&mut self) -> Result<(), Unknown> {
        // The end of the file closes a statement as `?>` does; PHP accepts it only after `?>`.
        if *self.tok() == Tok::End {
            Ok(())
        } else {
            self.expect(";")
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

    fn statement(&mut self, out: &mut Vec<Line>) -> Result<(), Unknown> {
        let depth = self.depth;
        self.deeper()?;
        let line = self.line();
        let stmt = match self.tok() {
            Tok::Op(";") => {
                self.next();
                Stmt::Nothing
            }
            Tok::Op("{") => Stmt::Block(self.block()?),
            Tok::Ident(word) => match self.keyword(&word.to_ascii_lowercase())? {
                Some(stmt) => stmt,
                None => self.expression_statement()?,
            },
            _ => self.expression_statement()?,
        };
        self.depth = depth;
        out.push((line, stmt));
        Ok(())
    }

    fn expression_statement(&mut self) -> Result<Stmt, Unknown> {
        let expr = self.expr()?;
        self.end()?;
        Ok(Stmt::Expr(expr))
    }

    fn block(&mut self) -> Result<Vec<Line>, Unknown> {
        self.expect("{")?;
        let mut body = Vec::new();
        while !self.eat("}") {
            self.statement(&mut body)?;
        }
        Ok(body)
    }

    fn keyword(&mut self, word: &[u8]) -> Result<Option<Stmt>, Unknown> {
        let second = self.ahead(1);
        let stmt = match word {
            b"if" => self.if_statement()?,
            b"while" | b"for" | b"foreach" | b"switch" | b"do" | b"try" => self.perhaps(word)?,
            b"function" if matches!(second, Tok::Ident(_)) => self.function()?,
            b"class" | b"interface" | b"trait" | b"abstract" | b"final" => self.class()?,
            b"enum" | b"readonly" if matches!(second, Tok::Ident(_)) => self.class()?,
            b"const" => {
                self.next();
                let mut list = Vec::new();
                loop {
                    let name = self.name()?;
                    self.expect("=")?;
                    list.push((name, self.expr()?));
                    if !self.eat(",") {
                        break;
                    }
                }
                self.end()?;
                Stmt::Const(list)
            }
            b"return" => {
                self.next();
                let nothing = self.is(";") || *self.tok() == Tok::End;
                let value = if nothing { None } else { Some(self.expr()?) };
                self.end()?;
                Stmt::Return(value)
            }
            b"echo" => {
                self.next();
                let list = self.list()?;
                self.end()?;
                Stmt::Echo(list)
            }
            b"unset" if *second == Tok::Op("(") => {
                self.next();
                self.next();
                let targets = self.list_until(")")?;
                self.end()?;
                Stmt::Unset(targets)
            }
            b"break" | b"continue" => {
                self.next();
                if matches!(self.tok(), Tok::Lit(_)) {
                    self.next();
                }
                self.end()?;
                Stmt::Nothing
            }
            b"global" => {
                self.next();
                self.list()?;
                self.end()?;
                Stmt::Global
            }
            b"declare" if *second == Tok::Op("(") => {
                self.next();
                self.skip_group()?;
                self.end()?;
                Stmt::Nothing
            }
            b"namespace" => {
                self.next();
                let name = if self.is("{") {
                    Vec::new()
                } else {
                    self.name()?
                };
                // The braced form is a block whose scope ends; rare enough to leave alone.
                self.end()?;
                Stmt::Namespace(name.to_ascii_lowercase())
            }
            b"use" => self.import()?,
            b"goto" => return Err("`goto`"),
            _ if *second == Tok::Op(":") => return Err("a label for `goto`"),
            _ => return Ok(None),
        };
        Ok(Some(stmt))
    }

    /// `use A\B;`, `use A\B as C, D;`, `use function A\b;`
    fn import(&mut self) -> Result<Stmt, Unknown> {
        self.next();
        let kind = if self.is_word(0, "function") {
            "function"
        } else if self.is_word(0, "const") {
            "const"
        } else {
            "class"
        };
        self.at += usize::from(kind != "class");
        let mut list = Vec::new();
        loop {
            let full = self.name()?.to_ascii_lowercase();
            let full = full.strip_prefix(b"\\").unwrap_or(&full).to_vec();
            let last = full
                .rsplit(|byte| *byte == b'\\')
                .next()
                .unwrap_or(&full)
                .to_vec();
            let alias = if self.eat_word("as") {
                self.name()?.to_ascii_lowercase()
            } else {
                last
            };
            list.push((alias, full));
            if !self.eat(",") {
                break;
            }
        }
        self.end()?;
        Ok(Stmt::Use(kind, list))
    }

    fn if_statement(&mut self) -> Result<Stmt, Unknown> {
        let mut arms = Vec::new();
        let mut otherwise = Vec::new();
        let mut old_style = false;
        loop {
            let line = self.line();
            self.next();
            self.expect("(")?;
            let condition = self.expr()?;
            self.expect(")")?;
            if arms.is_empty() {
                old_style = self.is(":");
            }
            arms.push((line, condition, self.arm(old_style)?));
            if self.is_word(0, "elseif") {
                continue;
            }
            // `else if` is one more arm, not one more level.
            if !old_style && self.is_word(0, "else") && self.is_word(1, "if") {
                self.next();
                continue;
            }
            break;
        }
        if self.eat_word("else") {
            otherwise = self.arm(old_style)?;
        }
        if old_style {
            if !self.eat_word("endif") {
                return Err(self.unreadable());
            }
            self.end()?;
        }
        Ok(Stmt::If(arms, otherwise))
    }

    fn arm(&mut self, old_style: bool) -> Result<Vec<Line>, Unknown> {
        if !old_style {
            return self.body();
        }
        self.expect(":")?;
        self.until(&["elseif", "else", "endif"])
    }

    fn until(&mut self, ends: &[&str]) -> Result<Vec<Line>, Unknown> {
        let mut body = Vec::new();
        while !ends.iter().any(|end| self.is_word(0, end)) {
            if *self.tok() == Tok::End {
                return Err(self.unreadable());
            }
            self.statement(&mut body)?;
        }
        Ok(body)
    }

    fn body(&mut self) -> Result<Vec<Line>, Unknown> {
        let mut body = Vec::new();
        self.statement(&mut body)?;
        Ok(body)
    }

    fn perhaps(&mut self, word: &[u8]) -> Result<Stmt, Unknown> {
        self.next();
        let (mut heads, mut targets, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        let what = match word {
            b"while" => {
                heads.push(self.condition()?);
                bodies.push(self.loop_body("endwhile")?);
                "a loop"
            }
            b"do" => {
                bodies.push(self.body()?);
                if !self.eat_word("while") {
                    return Err(self.unreadable());
                }
                heads.push(self.condition()?);
                self.end()?;
                "a loop"
            }
            b"for" => {
                self.expect("(")?;
                for end in [";", ";", ")"] {
                    heads.extend(self.list_until(end)?);
                }
                bodies.push(self.loop_body("endfor")?);
                "a loop"
            }
            b"foreach" => {
                self.expect("(")?;
                heads.push(self.expr()?);
                if !self.eat_word("as") {
                    return Err(self.unreadable());
                }
                targets.push(self.expr()?);
                if self.eat("=>") {
                    targets.push(self.expr()?);
                }
                self.expect(")")?;
                bodies.push(self.loop_body("endforeach")?);
                "a loop"
            }
            b"switch" => {
                heads.push(self.condition()?);
                bodies.push(self.cases(&mut heads)?);
                "a switch"
            }
            _ => {
                bodies.push(self.block()?);
                while self.is_word(0, "catch") || self.is_word(0, "finally") {
                    self.next();
                    if self.is("(") {
                        self.skip_group()?;
                    }
                    bodies.push(self.block()?);
                }
                "a try block"
            }
        };
        Ok(Stmt::Perhaps {
            what,
            heads,
            targets,
            bodies,
        })
    }

    fn condition(&mut self) -> Result<Expr, Unknown> {
        self.expect("(")?;
        let condition = self.expr()?;
        self.expect(")")?;
        Ok(condition)
    }

    fn loop_body(&mut self, end: &str) -> Result<Vec<Line>, Unknown> {
        if !self.eat(":") {
            return self.body();
        }
        let body = self.until(&[end])?;
        self.next();
        self.end()?;
        Ok(body)
    }

    fn cases(&mut self, heads: &mut Vec<Expr>) -> Result<Vec<Line>, Unknown> {
        self.expect("{")?;
        let mut body = Vec::new();
        while !self.eat("}") {
            if self.eat_word("case") {
                heads.push(self.expr()?);
            } else if !self.eat_word("default") {
                self.statement(&mut body)?;
                continue;
            }
            if !self.eat(":") {
                self.expect(";")?;
            }
        }
        Ok(body)
    }

    fn function(&mut self) -> Result<Stmt, Unknown> {
        self.next();
        let name = self.name()?.to_ascii_lowercase();
        let (start, depth) = (self.at, self.depth);
        if let Ok(function) = self.plain_function() {
            return Ok(Stmt::Function(name, Some(Rc::new(function))));
        }
        // Code that is only declared may have any shape.
        (self.at, self.depth) = (start, depth);
        self.skip_group()?;
        while !self.is("{") {
            if matches!(self.tok(), Tok::Bad(_) | Tok::End) {
                return Err(self.unreadable());
            }
            self.next();
        }
        self.skip_group()?;
        Ok(Stmt::Function(name, None))
    }

    fn plain_function(&mut self) -> Result<Function, Unknown> {
        self.expect("(")?;
        let mut parameters = Vec::new();
        while !self.eat(")") {
            let Tok::Var(name) = self.tok() else {
                return Err(self.unreadable());
            };
            self.next();
            let default = if self.eat("=") {
                Some(self.expr()?)
            } else {
                None
            };
            parameters.push((name.clone(), default));
            if !self.eat(",") && !self.is(")") {
                return Err(self.unreadable());
            }
        }
        Ok(Function {
            parameters,
            body: self.block()?,
        })
    }

    fn class(&mut self) -> Result<Stmt, Unknown> {
        while !self.is("{") {
            if matches!(self.tok(), Tok::Bad(_) | Tok::End | Tok::Op(";")) {
                return Err(self.unreadable());
            }
            self.next();
        }
        self.skip_group()?;
        Ok(Stmt::Nothing)
    }
}
