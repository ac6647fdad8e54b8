//! Statements, in order.

use super::state::{Eval, Evaluator, Flow};
use crate::site::literal::Literal;
use crate::site::php::{Arm, Block, Expr, Stmt};

impl Evaluator<'_> {
    pub(super) fn run(&mut self, body: &[(u32, Stmt)]) -> Eval<()> {
        for (line, stmt) in body {
            self.spend(1)?;
            self.line = *line;
            self.statement(stmt)?;
        }
        Ok(())
    }

    fn statement(&mut self, stmt: &Stmt) -> Eval<()> {
        match stmt {
            Stmt::Expr(expr) => self.effect(expr)?,
            Stmt::Echo(list) => {
                for expr in list {
                    self.effect(expr)?;
                }
            }
            Stmt::If(arms, otherwise) => self.choose(arms, otherwise)?,
            Stmt::Block(body) => self.run(body)?,
            Stmt::Perhaps {
                what,
                heads,
                targets,
                bodies,
            } => {
                self.perhaps(what, heads, targets, bodies)?;
            }
            Stmt::Function(name, code) => self.declare(name, code.as_ref()),
            // At the top it names what is already there; inside a function it makes references.
            Stmt::Global if self.calls > 0 => self.taint("a function with global variables"),
            Stmt::Global => {}
            Stmt::Const(list) => {
                for (name, expr) in list {
                    let value = self.value(expr)?;
                    let mut full = self.namespace.clone();
                    if !full.is_empty() {
                        full.push(b'\\');
                    }
                    full.extend_from_slice(name);
                    self.define(&full, value, self.here());
                }
            }
            Stmt::Return(value) => {
                let value = match value {
                    Some(expr) => self.value(expr)?,
                    None => Ok(Literal::Null),
                };
                return Err(Flow::Return(value));
            }
            Stmt::Unset(targets) => {
                for target in targets {
                    match target {
                        Expr::Var(name) => self.unset(name),
                        other => self.forget(other)?,
                    }
                }
            }
            Stmt::Namespace(name) => self.namespace.clone_from(name),
            Stmt::Use(kind, list) => {
                for (alias, full) in list {
                    self.imports.insert((kind, alias.clone()), full.clone());
                }
            }
            Stmt::Nothing => {}
            Stmt::Opaque(reason) => self.taint(*reason),
        }
        Ok(())
    }

    fn choose(&mut self, arms: &[Arm], otherwise: &[(u32, Stmt)]) -> Eval<()> {
        for (number, (line, condition, body)) in arms.iter().enumerate() {
            self.line = *line;
            match self.value(condition)? {
                Ok(value) if value.truthy() => return self.run(body),
                Ok(_) => {}
                Err(why) => {
                    let doubt =
                        self.doubt("is set under a condition that depends on", why.what.clone());
                    self.doubtful(&doubt, |this| this.run(body))?;
                    for (_, condition, body) in &arms[number + 1..] {
                        self.doubtful(&doubt, |this| this.value(condition))?;
                        self.doubtful(&doubt, |this| this.run(body))?;
                    }
                    self.doubtful(&doubt, |this| this.run(otherwise))?;
                    return Ok(());
                }
            }
        }
        self.run(otherwise)
    }

    /// Twice: after the first pass every variable assigned inside is unknown, so the second one
    /// sees what any later iteration could do.
    fn perhaps(
        &mut self,
        what: &str,
        heads: &[Expr],
        targets: &[Expr],
        bodies: &[Block],
    ) -> Eval<()> {
        let doubt = self.doubt("is set inside", what);
        for _ in 0..2 {
            for head in heads {
                self.doubtful(&doubt, |this| this.value(head))?;
            }
            for target in targets {
                self.doubtful(&doubt, |this| this.forget(target))?;
            }
            for body in bodies {
                self.doubtful(&doubt, |this| this.run(body))?;
            }
        }
        Ok(())
    }
}
