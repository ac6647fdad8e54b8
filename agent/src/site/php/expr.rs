//! Expressions: tokens to syntax tree, by precedence.

use super::ast::{Expr, Magic};
use super::lexer::Tok;
use super::parser::{Parser, Unknown};
use crate::site::literal::Literal;

/// Left-associative levels from loosest to tightest. `.` and `+` share one level before PHP 8:
/// the evaluator refuses mixtures without parentheses.
const LEVELS: [&[&str]; 14] = [
    &["or"],
    &["xor"],
    &["and"],
    &[], // assignment, ternary and `??` stand here
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!=", "===", "!==", "<>", "<=>"],
    &["<", "<=", ">", ">="],
    &["."],
    &["<<", ">>"],
    &["+", "-"],
];
const TERNARY: usize = 3;
const PRODUCT: [&str; 3] = ["*", "/", "%"];
const ASSIGNMENTS: [&str; 14] = [
    "=", ".=", "??=", "+=", "-=", "*=", "/=", "%=", "**=", "&=", "|=", "^=", "<<=", ">>=",
];

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Result<Expr, Unknown> {
        self.level(0)
    }

    /// Comma-separated expressions.
    pub(super) fn list(&mut self) -> Result<Vec<Expr>, Unknown> {
        let mut list = vec![self.expr()?];
        while self.eat(",") {
            list.push(self.expr()?);
        }
        Ok(list)
    }

    /// Comma-separated expressions, perhaps none, a trailing comma allowed, up to and with `end`.
    pub(super) fn list_until(&mut self, end: &str) -> Result<Vec<Expr>, Unknown> {
        let mut list = Vec::new();
        while !self.eat(end) {
            list.push(self.expr()?);
            if !self.eat(",") && !self.is(end) {
                return Err(self.unreadable());
            }
        }
        Ok(list)
    }

    fn level(&mut self, level: usize) -> Result<Expr, Unknown> {
        let depth = self.depth;
        self.deeper()?;
        let expr = self.climb(level);
        self.depth = depth;
        expr
    }

    fn climb(&mut self, level: usize) -> Result<Expr, Unknown> {
        if level == TERNARY {
            return self.ternary();
        }
        let Some(operators) = LEVELS.get(level) else {
            return self.product();
        };
        // Levels are walked without counting depth: only brackets and operands nest.
        let first = self.climb(level + 1)?;
        let mut rest = Vec::new();
        while let Some(op) = self.operator(operators) {
            self.next();
            rest.push((op, self.climb(level + 1)?));
        }
        Ok(chain(first, rest))
    }

    fn operator(&self, operators: &[&'static str]) -> Option<&'static str> {
        match self.tok() {
            Tok::Op(op) => operators.iter().find(|known| *known == op).copied(),
            Tok::Ident(_) => operators.iter().find(|word| self.is_word(0, word)).copied(),
            _ => None,
        }
    }

    fn ternary(&mut self) -> Result<Expr, Unknown> {
        let mut expr = self.coalesce()?;
        let mut seen = None;
        while self.eat("?") {
            let middle = if self.is(":") {
                None
            } else {
                Some(Box::new(self.level(TERNARY)?))
            };
            self.expect(":")?;
            let last = self.coalesce()?;
            // PHP 7 groups `a ? b : c ? d : e` to the left, PHP 8 refuses it.
            if seen.is_some_and(|short: bool| !short || middle.is_some()) {
                return Err("a nested ternary without parentheses");
            }
            seen = Some(middle.is_none());
            expr = Expr::Ternary(Box::new(expr), middle, Box::new(last));
            self.deeper()?;
        }
        Ok(expr)
    }

    fn coalesce(&mut self) -> Result<Expr, Unknown> {
        let first = self.climb(TERNARY + 1)?;
        if !self.eat("??") {
            return Ok(first);
        }
        self.deeper()?;
        let rest = self.coalesce()?;
        Ok(Expr::Coalesce(Box::new(first), Box::new(rest)))
    }

    fn product(&mut self) -> Result<Expr, Unknown> {
        let first = self.unary()?;
        let mut rest = Vec::new();
        while let Some(op) = self.operator(&PRODUCT) {
            self.next();
            rest.push((op, self.unary()?));
        }
        let expr = chain(first, rest);
        if self.is_word(0, "instanceof") || self.is("**") {
            return Err("an operator this reader does not evaluate");
        }
        Ok(expr)
    }

    fn unary(&mut self) -> Result<Expr, Unknown> {
        let depth = self.depth;
        self.deeper()?;
        let expr = self.prefixed();
        self.depth = depth;
        expr
    }

    fn prefixed(&mut self) -> Result<Expr, Unknown> {
        match self.tok() {
            Tok::Op(op @ ("!" | "-" | "+" | "@" | "~" | "&")) => {
                self.next();
                let operand = Box::new(self.unary()?);
                Ok(match *op {
                    "!" => Expr::Not(operand),
                    "-" => Expr::Negate(operand),
                    "@" => Expr::Silence(operand),
                    "&" => Expr::Opaque("a reference", vec![*operand]),
                    _ => Expr::Cast("number", operand),
                })
            }
            Tok::Op("++" | "--") => {
                self.next();
                let target = self.unary()?;
                Ok(Expr::Assign(
                    Box::new(target),
                    "++",
                    Box::new(Expr::Closure),
                ))
            }
            Tok::Cast(kind) => {
                self.next();
                Ok(Expr::Cast(kind, Box::new(self.unary()?)))
            }
            _ => {
                let primary = self.primary()?;
                self.postfix(primary)
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, Unknown> {
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
                self.skip_group()?;
                while !self.is("{") {
                    if matches!(self.tok(), Tok::Bad(_) | Tok::End) {
                        return Err(self.unreadable());
                    }
                    self.next();
                }
                self.skip_group()?;
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
        let member = match self.tok() {
            Tok::Ident(member) | Tok::Var(member) => member,
            _ => return Err(self.unreadable()),
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
    fn arguments(&mut self) -> Result<(Vec<Expr>, bool), Unknown> {
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

    fn postfix(&mut self, mut expr: Expr) -> Result<Expr, Unknown> {
        let depth = self.depth;
        loop {
            if self.eat("[") {
                let index = if self.is("]") {
                    None
                } else {
                    Some(Box::new(self.expr()?))
                };
                self.expect("]")?;
                expr = Expr::Index(Box::new(expr), index);
            } else if self.eat("->") || self.eat("?->") {
                let name = self.name().map_err(|_| "a property named at run time")?;
                expr = if self.eat("(") {
                    let (arguments, _) = self.arguments()?;
                    Expr::Method(Box::new(expr), name.to_ascii_lowercase(), arguments)
                } else {
                    Expr::Prop(Box::new(expr), name)
                };
            } else if self.eat("(") {
                let (mut parts, _) = self.arguments()?;
                parts.push(expr);
                expr = Expr::Opaque("a function named at run time", parts);
            } else if self.is("::") {
                return Err("a class named at run time");
            } else if self.eat("++") || self.eat("--") {
                expr = Expr::Assign(Box::new(expr), "++", Box::new(Expr::Closure));
            } else {
                break;
            }
            // Each step wraps the tree once more.
            self.deeper()?;
        }
        if let Some(op) = self.operator(&ASSIGNMENTS) {
            self.next();
            let value = self.level(TERNARY)?;
            expr = Expr::Assign(Box::new(expr), op, Box::new(value));
        }
        self.depth = depth;
        Ok(expr)
    }
}

fn chain(first: Expr, rest: Vec<(&'static str, Expr)>) -> Expr {
    if rest.is_empty() {
        first
    } else {
        Expr::Chain(Box::new(first), rest)
    }
}
