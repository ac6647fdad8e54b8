//! Expressions: tokens to syntax tree, by precedence.

use super::ast::Expr;
use super::lexer::Tok;
use super::parser::{Parser, Unknown};

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
pub(super) const TERNARY: usize = 3;
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

    pub(super) fn level(&mut self, level: usize) -> Result<Expr, Unknown> {
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

    pub(super) fn unary(&mut self) -> Result<Expr, Unknown> {
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
