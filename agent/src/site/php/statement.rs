//! Statements: tokens to syntax tree.

use std::rc::Rc;

use super::ast::{Function, Stmt};
use super::lexer::Tok;
use super::parser::{Line, Parser, Unknown};

impl Parser<'_> {
    pub(super) fn end(&mut self) -> Result<(), Unknown> {
        // The end of the file closes a statement as `?>` does; PHP accepts it only after `?>`.
        if *self.tok() == Tok::End {
            Ok(())
        } else {
            self.expect(";")
        }
    }

    pub(super) fn statement(&mut self, out: &mut Vec<Line>) -> Result<(), Unknown> {
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

    pub(super) fn block(&mut self) -> Result<Vec<Line>, Unknown> {
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

    pub(super) fn until(&mut self, ends: &[&str]) -> Result<Vec<Line>, Unknown> {
        let mut body = Vec::new();
        while !ends.iter().any(|end| self.is_word(0, end)) {
            if *self.tok() == Tok::End {
                return Err(self.unreadable());
            }
            self.statement(&mut body)?;
        }
        Ok(body)
    }

    pub(super) fn body(&mut self) -> Result<Vec<Line>, Unknown> {
        let mut body = Vec::new();
        self.statement(&mut body)?;
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
        self.skip_function()?;
        Ok(Stmt::Function(name, None))
    }

    /// Skips a function from its parameters to the end of its body.
    pub(super) fn skip_function(&mut self) -> Result<(), Unknown> {
        self.skip_group()?;
        while !self.is("{") {
            if matches!(self.tok(), Tok::Bad(_) | Tok::End) {
                return Err(self.unreadable());
            }
            self.next();
        }
        self.skip_group()?;
        Ok(())
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
