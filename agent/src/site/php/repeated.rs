//! Loops, `switch` and `try`: code that runs any number of times.

use super::ast::{Expr, Stmt};
use super::parser::{Line, Parser, Unknown};

impl Parser<'_> {
    pub(super) fn perhaps(&mut self, word: &[u8]) -> Result<Stmt, Unknown> {
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
}
