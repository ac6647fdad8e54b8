//! Expressions: their value where it is known, and their effects always.

use super::state::{Eval, Evaluator, Flow, Val, lossy};
use crate::site::literal::Literal;
use crate::site::php::{self, Expr, Magic, Part};

/// Arrays larger or deeper than this are not kept.
const MAX_ARRAY: usize = 1000;

impl Evaluator<'_> {
    pub(super) fn value(&mut self, expr: &Expr) -> Eval<Val> {
        self.spend(1)?;
        Ok(match expr {
            Expr::Lit(value) => {
                self.spend(size(value))?;
                Ok(value.clone())
            }
            Expr::Template(parts) => self.template(parts)?,
            Expr::Magic(Magic::Line, line) => Ok(Literal::Int(i64::from(*line))),
            Expr::Magic(magic, _) => self.place(*magic),
            Expr::Var(name) => {
                let value = self.variable_value(name);
                self.spend(value.as_ref().map_or(0, size))?;
                value
            }
            Expr::Const(name) => self.constant_named(name),
            Expr::Index(base, index) => self.index(base, index.as_deref())?,
            Expr::Prop(base, name) => {
                let base = self.value(base)?;
                self.element(base, &Literal::Text(name.clone()), "a property")
            }
            Expr::Call(name, arguments, line) => {
                self.line = *line;
                self.call(name, arguments)?
            }
            Expr::Static(class, method, arguments) => self.static_call(class, method, arguments)?,
            Expr::Method(object, method, arguments) => self.method(object, method, arguments)?,
            Expr::Not(operand) => self
                .value(operand)?
                .map(|value| Literal::Bool(!value.truthy())),
            Expr::Negate(operand) => match self.value(operand)? {
                Ok(Literal::Int(value)) if value != i64::MIN => Ok(Literal::Int(-value)),
                Ok(Literal::Float(value)) => Ok(Literal::Float(-value)),
                Ok(_) => self.unknown("a negation"),
                Err(why) => Err(why),
            },
            Expr::Silence(operand) => self.value(operand)?,
            Expr::Cast(kind, operand) => match self.value(operand)? {
                Ok(value) => match php::cast(kind, &value) {
                    Some(value) => Ok(value),
                    None => self.unknown("a conversion that depends on PHP's version"),
                },
                Err(why) => Err(why),
            },
            Expr::Chain(first, rest) => self.chain(first, rest)?,
            Expr::Assign(target, op, value) => self.assignment(target, op, value)?,
            Expr::Ternary(condition, yes, no) => self.ternary(condition, yes.as_deref(), no)?,
            Expr::Coalesce(first, second) => self.coalesce(first, second)?,
            Expr::Array(items) => self.array(items)?,
            Expr::Isset(list) => {
                let mut all = Ok(Literal::Bool(true));
                for item in list {
                    let seen = self.is_set(item)?;
                    all = all.and_then(|all| Ok(Literal::Bool(all.truthy() && seen?)));
                }
                all
            }
            Expr::Empty(operand) => match self.is_set(operand)? {
                Ok(false) => Ok(Literal::Bool(true)),
                Ok(true) => self
                    .value(operand)?
                    .map(|value| Literal::Bool(!value.truthy())),
                Err(why) => Err(why),
            },
            Expr::Include(required, once, path) => self.include(*required, *once, path)?,
            Expr::Eval(code) => self.eval(code)?,
            Expr::Exit(value) => {
                if let Some(value) = value {
                    self.effect(value)?;
                }
                return Err(Flow::Exit(self.here()));
            }
            Expr::Closure => self.unknown("a closure"),
            Expr::ClassMember(class, member) => {
                if member.eq_ignore_ascii_case(b"class") {
                    Ok(Literal::Text(self.class_name(class)))
                } else {
                    self.taint(format!("loading the class {}", lossy(class)));
                    self.unknown("a class member")
                }
            }
            Expr::Opaque(reason, parts) => {
                for part in parts {
                    self.effect(part)?;
                }
                self.taint(*reason);
                self.unknown(*reason)
            }
        })
    }

    /// For the effects only.
    pub(super) fn effect(&mut self, expr: &Expr) -> Eval<()> {
        self.value(expr).map(drop)
    }

    fn template(&mut self, parts: &[Part]) -> Eval<Val> {
        let mut text = Literal::Text(Vec::new());
        for part in parts {
            let piece = match part {
                Part::Text(bytes) => Ok(Literal::Text(bytes.clone())),
                Part::Var(name, keys) => self.path(name, keys),
                Part::Opaque => self.unknown("an expression inside a string"),
            };
            let piece = match piece {
                Ok(piece) => piece,
                Err(why) => return Ok(Err(why)),
            };
            self.spend(size(&text))?;
            text = match php::binary(".", &text, &piece) {
                Some(text) => text,
                None => return Ok(self.unknown("a string built from other types")),
            };
        }
        Ok(Ok(text))
    }

    fn constant_named(&self, name: &[u8]) -> Val {
        let bare = name.strip_prefix(b"\\").unwrap_or(name);
        if bare.contains(&b'\\')
            || self
                .imports
                .contains_key(&("const", bare.to_ascii_lowercase()))
        {
            return self.unknown(format!("the constant {}", lossy(name)));
        }
        if !self.namespace.is_empty() && bare.len() == name.len() {
            let full = [self.namespace.as_slice(), b"\\", name].concat();
            match self.is_defined(&full) {
                Ok(true) => return self.constant_value(&full),
                Ok(false) => {}
                Err(why) => return Err(why),
            }
        }
        self.constant_value(bare)
    }

    fn chain(&mut self, first: &Expr, rest: &[(&'static str, Expr)]) -> Eval<Val> {
        let mut left = self.value(first)?;
        let mut mixed = is_sum(first);
        for (op, right) in rest {
            let shortcut = match *op {
                "&&" | "and" => Some(false),
                "||" | "or" => Some(true),
                _ => None,
            };
            if let Some(absorbing) = shortcut {
                left = match left {
                    Ok(value) if value.truthy() == absorbing => Ok(Literal::Bool(absorbing)),
                    Ok(_) => self
                        .value(right)?
                        .map(|value| Literal::Bool(value.truthy())),
                    Err(why) => {
                        let doubt = self
                            .doubt("is set under a condition that depends on", why.what.clone());
                        self.doubtful(&doubt, |this| this.value(right))?;
                        Err(why)
                    }
                };
                continue;
            }
            let right_value = self.value(right)?;
            mixed |= is_sum(right);
            if let Ok(value) = &left {
                self.spend(size(value))?;
            }
            left = match (left, right_value) {
                (Ok(_), Ok(_)) if *op == "." && mixed => {
                    self.unknown("`.` beside `+`, which PHP 7 and 8 group differently")
                }
                (Ok(a), Ok(b)) => match php::binary(op, &a, &b) {
                    Some(value) => Ok(value),
                    None => self.unknown(format!("an operation ({op}) not evaluated here")),
                },
                (Err(why), _) | (_, Err(why)) => Err(why),
            };
        }
        Ok(left)
    }

    fn ternary(&mut self, condition: &Expr, yes: Option<&Expr>, no: &Expr) -> Eval<Val> {
        match self.value(condition)? {
            Ok(value) if value.truthy() => match yes {
                Some(yes) => self.value(yes),
                None => Ok(Ok(value)),
            },
            Ok(_) => self.value(no),
            Err(why) => {
                let doubt =
                    self.doubt("is set under a condition that depends on", why.what.clone());
                for branch in yes.into_iter().chain([no]) {
                    self.doubtful(&doubt, |this| this.value(branch))?;
                }
                Ok(Err(why))
            }
        }
    }

    pub(super) fn coalesce(&mut self, first: &Expr, second: &Expr) -> Eval<Val> {
        match self.is_set(first)? {
            Ok(true) => self.value(first),
            Ok(false) => self.value(second),
            Err(why) => {
                let doubt =
                    self.doubt("is set under a condition that depends on", why.what.clone());
                self.doubtful(&doubt, |this| this.value(second))?;
                Ok(Err(why))
            }
        }
    }

    fn array(&mut self, items: &[(Option<Expr>, Expr)]) -> Eval<Val> {
        let mut out: Vec<(Literal, Literal)> = Vec::new();
        let mut next = Some(0i64);
        let mut trouble = None;
        for (key, value) in items {
            let key = match key {
                Some(key) => self.value(key)?.map(Literal::into_key),
                None => Ok(next.map(Literal::Int)),
            };
            match (key, self.value(value)?) {
                (Ok(Some(key)), Ok(value)) if out.len() < MAX_ARRAY && size(&value) < MAX_ARRAY => {
                    if let Literal::Int(number) = key {
                        // Negative keys: what follows differs between PHP versions.
                        next = next
                            .filter(|_| number >= 0)
                            .map(|n| n.max(number.saturating_add(1)));
                    }
                    self.spend(out.len() / 16)?;
                    match out.iter_mut().find(|(seen, _)| *seen == key) {
                        Some(slot) => slot.1 = value,
                        None => out.push((key, value)),
                    }
                }
                (Err(why), _) | (_, Err(why)) => trouble = Some(why),
                _ => trouble = self.unknown::<()>("an array not evaluated here").err(),
            }
        }
        let array = Literal::Array(out);
        if depth(&array) > 16 || size(&array) > MAX_ARRAY {
            trouble = self.unknown::<()>("an array not evaluated here").err();
        }
        Ok(trouble.map_or(Ok(array), Err))
    }
}

/// Whether an operand of `.` is a sum without parentheres around it.
fn is_sum(expr: &Expr) -> bool {
    let Expr::Chain(_, rest) = expr else {
        return false;
    };
    rest.iter()
        .any(|(op, _)| matches!(*op, "+" | "-" | "<<" | ">>"))
}

/// Work of copying a value, in 64-byte pieces.
pub(super) fn size(value: &Literal) -> usize {
    match value {
        Literal::Text(bytes) => bytes.len() / 64,
        Literal::Array(items) => items.iter().map(|(k, v)| 1 + size(k) + size(v)).sum(),
        Literal::Null | Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) => 0,
    }
}

fn depth(value: &Literal) -> usize {
    match value {
        Literal::Array(items) => 1 + items.iter().map(|(_, v)| depth(v)).max().unwrap_or(0),
        _ => 0,
    }
}
