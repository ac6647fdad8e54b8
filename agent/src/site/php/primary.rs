//! Operands: literals, names, calls, arrays, and the keywords that are expressions.

use super::ast::{Expr, Magic};
use super::expr::TERNARY;
use super::lexer::Tok;
use super::parser::{Parser, Unknown};
use crate::site::literal::Literal;

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Result<Expr, Unknown> {
        let tok = self.tok();
        let expr = match tok {
            Tok::Var(name) => Expr::Var(name.clone()),
            Tok::Lit(value) => Expr::Lit(value.clone()),
            Tok::Template(parts) => Expr::Template(parts.clone()),
            Tok::Op("(") => {
                self.next();
                let expr = self.expr()?;
                self.expect(")")?;
                // Parentheses end a chain: `('a' . 1) + 2` is no mixture of operators.
                return Ok(Expr::Silence(Box::new(expr)));
            }
            Tok::Op("[") => {
                self.next();
                return self.array("]");
            }
            Tok::Op("$") => return Err("a variable variable"),
            Tok::Ident(name) => {
                let line = self.line();
                self.next();
                return self.word(name, line);
            }
            Tok::Op(_) | Tok::Cast(_) | Tok::Bad(_) | Tok::End => return Err(self.unreadable()),
        };
        self.next();
        Ok(expr)
    }

    fn word(&mut self, name: &[u8], line: u32) -> Result<Expr, Unknown> {
        let call = self.is("(");
        Ok(match name.to_ascii_lowercase().as_slice() {
            b"true" if !call => Expr::Lit(Literal::Bool(true)),
            b"false" if !call => Expr::Lit(Literal::Bool(false)),
            b"null" if !call => Expr::Lit(Literal::Null),
            b"__dir__" => Expr::Magic(Magic::Dir, line),
            b"__file__" => Expr::Magic(Magic::File, line),
            b"__line__" => Expr::Magic(Magic::Line, line),
            b"array" if self.eat("(") => self.array(")")?,
            b"isset" if self.eat("(") => Expr::Isset(self.list_until(")")?),
            b"empty" => Expr::Empty(Box::new(self.unary()?)),
            b"eval" => Expr::Eval(Box::new(self.unary()?)),
            b"exit" | b"die" => {
                let value = if self.eat("(") {
                    self.list_until(")")?
                } else {
                    Vec::new()
                };
                Expr::Exit(value.into_iter().next().map(Box::new))
            }
            b"throw" => Expr::Exit(Some(Box::new(self.level(TERNARY)?))),
            b"print" => Expr::Silence(Box::new(self.level(TERNARY)?)),
            b"include" => Expr::Include(false, false, Box::new(self.level(0)?)),
            b"include_once" => Expr::Include(false, true, Box::new(self.level(0)?)),
            b"require" => Expr::Include(true, false, Box::new(self.level(0)?)),
            b"require_once" => Expr::Include(true, true, Box::new(self.level(0)?)),
            b"static" if self.is_word(0, "function") || self.is_word(0, "fn") => {
                let name = self.name()?;
                return self.word(&name, line);
            }
            b"static" if matches!(self.tok(), Tok::Var(_)) => {
                // `static $x = 1` may keep a value of an earlier run of the same code.
                let targets = self.list()?;
                Expr::Opaque("a static variable", targets)
            }
            b"function" => {
                self.skip_function()?;
                Expr::Closure
            }
            b"fn" if call => {
                self.skip_group()?;
                while !self.eat("=>") {
                    if matches!(self.tok(), Tok::Bad(_) | Tok::End) {
                        return Err(self.unreadable());
                    }
                    self.next();
                }
                self.level(TERNARY)?;
                Expr::Closure
            }
            b"match" if call => {
                self.skip_group()?;
                self.skip_group()?;
                Expr::Opaque("a match expression", Vec::new())
            }
            b"list" if call => return Err("list() assignment"),
            b"new" => {
                while matches!(self.tok(), Tok::Ident(_) | Tok::Var(_) | Tok::Op("::")) {
                    self.next();
                }
                let arguments = if self.eat("(") {
                    self.arguments()?.0
                } else {
                    Vec::new()
                };
                Expr::Opaque("an object created here", arguments)
            }
            b"clone" | b"yield" => return Err("code this reader does not evaluate"),
            _ if self.eat("(") => {
                let (arguments, plain) = self.arguments()?;
                if plain {
                    Expr::Call(name.to_vec(), arguments, line)
                } else {
                    Expr::Opaque("a call with named or unpacked arguments", arguments)
                }
            }
            _ if self.eat("::") => return self.class_member(name),
            _ => Expr::Const(name.to_vec()),
        })
    }

    fn class_member(&mut self, class: &[u8]) -> Result<Expr, Unknown> {
        let (Tok::Ident(member) | Tok::Var(member)) = self.tok() else {
            return Err(self.unreadable());
        };
        let property = matches!(self.tok(), Tok::Var(_));
        self.next();
        if !property && self.eat("(") {
            let (arguments, plain) = self.arguments()?;
            return Ok(if plain {
                Expr::Static(class.to_vec(), member.to_ascii_lowercase(), arguments)
            } else {
                Expr::Opaque("a call with named or unpacked arguments", arguments)
            });
        }
        Ok(Expr::ClassMember(class.to_vec(), member.clone()))
    }

    /// Arguments after the opening parenthesis; false when some are named or unpacked.
    pub(super) fn arguments(&mut self) -> Result<(Vec<Expr>, bool), Unknown> {
        let (mut list, mut plain) = (Vec::new(), true);
        while !self.eat(")") {
            if self.eat("...") {
                plain = false;
                if self.is(")") {
                    continue;
                }
            } else if matches!(self.tok(), Tok::Ident(_)) && *self.ahead(1) == Tok::Op(":") {
                plain = false;
                self.next();
                self.next();
            }
            list.push(self.expr()?);
            if !self.eat(",") && !self.is(")") {
                return Err(self.unreadable());
            }
        }
        Ok((list, plain))
    }

    fn array(&mut self, end: &str) -> Result<Expr, Unknown> {
        let mut items = Vec::new();
        while !self.eat(end) {
            if self.is("...") || self.is(",") {
                return Err("an array with unpacked or empty elements");
            }
            let first = self.expr()?;
            let item = if self.eat("=>") {
                (Some(first), self.expr()?)
            } else {
                (None, first)
            };
            items.push(item);
            if !self.eat(",") && !self.is(end) {
                return Err(self.unreadable());
            }
        }
        Ok(Expr::Array(items))
    }
}
