//! Reading and writing through variables, elements and properties.

use std::rc::Rc;

use super::state::{Doubt, Eval, Evaluator, Val, lossy};
use super::value::size;
use crate::site::literal::{Literal, Setting};
use crate::site::php::{self, Expr};
use crate::site::server_names;

const HTTP_HOST: &[u8] = b"HTTP_HOST";

impl Evaluator<'_> {
    pub(super) fn path(&self, name: &[u8], keys: &[Vec<u8>]) -> Val {
        if let Some(key) = keys.first()
            && name.starts_with(b"_")
        {
            return self.superglobal(name, key, keys.len() == 1);
        }
        let mut value = self.variable_value(name);
        for key in keys {
            value = self.element(value, &Literal::Text(key.clone()), "an array element");
        }
        value
    }

    pub(super) fn element(&self, base: Val, key: &Literal, what: &str) -> Val {
        match base?.element(key) {
            Some(value) => Ok(value.clone()),
            None => self.unknown(format!("{what} that is not set here")),
        }
    }

    pub(super) fn index(&mut self, base: &Expr, index: Option<&Expr>) -> Eval<Val> {
        let Some(index) = index else {
            return Ok(self.unknown("an array element"));
        };
        let key = self.value(index)?;
        if let (Expr::Var(name), Ok(key)) = (base, &key)
            && name.starts_with(b"_")
        {
            return Ok(self.superglobal(name, &key.to_bytes().unwrap_or_default(), true));
        }
        let base = self.value(base)?;
        Ok(match key {
            Ok(key) => self.element(base, &key, "an array element"),
            Err(why) => Err(why),
        })
    }

    /// `$_ENV['X']`. Whether PHP fills `$_ENV` is a setting (`variables_order`), so an absent
    /// variable proves nothing, and `$_SERVER` differs between server modules altogether: only the
    /// host that is asked for is the same in all of them.
    fn superglobal(&self, name: &[u8], key: &[u8], whole: bool) -> Val {
        let shown = format!("${}['{}']", lossy(name), lossy(key));
        if name == b"_ENV"
            && whole
            && !self.bedrock.environment_changed
            && let Some(Some(value)) = self.environment.get(key)
        {
            return Ok(Literal::Text(value.to_vec()));
        }
        if let (true, Some(host)) = (whole && self.is_host(name, key), self.environment.host()) {
            return Ok(Literal::Text(host.to_vec()));
        }
        self.unknown(format!(
            "{shown}, which is not known outside the web server's process"
        ))
    }

    /// Whether this is `$_SERVER['HTTP_HOST']`, and nothing the configuration has made of it.
    fn is_host(&self, name: &[u8], key: &[u8]) -> bool {
        name == b"_SERVER" && key == HTTP_HOST && self.variable(name) == Setting::Unset
    }

    /// `isset(expr)`.
    pub(super) fn is_set(&mut self, expr: &Expr) -> Eval<Result<bool, Rc<Doubt>>> {
        if let Expr::Index(base, index) = expr
            && let Expr::Var(name) = &**base
            && name.starts_with(b"_")
        {
            let key = match index.as_deref() {
                Some(Expr::Lit(Literal::Text(key))) => key.as_slice(),
                _ => b"",
            };
            if self.environment.host().is_some() && self.is_host(name, key) {
                return Ok(Ok(true));
            }
            if name == b"_SERVER" && server_names::is_never_set(key, &self.root) {
                return Ok(Ok(false));
            }
            // Never decided by the environment: see `superglobal`.
            return Ok(match self.value(expr)? {
                Err(why) => Err(why),
                Ok(_) => self.unknown("whether PHP fills $_ENV, a setting of its own"),
            });
        }
        let (base, key) = match expr {
            Expr::Index(base, Some(index)) => (base, self.value(index)?),
            Expr::Prop(base, name) => (base, Ok(Literal::Text(name.clone()))),
            // WordPress has set nothing yet that a configuration would ask for by this name.
            Expr::Var(name) if name == b"table_prefix" && self.variable(name) == Setting::Unset => {
                return Ok(Ok(false));
            }
            _ => return Ok(self.value(expr)?.map(|value| value != Literal::Null)),
        };
        Ok(match (self.value(base)?, key) {
            (Ok(Literal::Null), _) => Ok(false),
            (Ok(base @ Literal::Array(_)), Ok(key)) => Ok(base
                .element(&key)
                .is_some_and(|value| *value != Literal::Null)),
            (Ok(_), Ok(_)) => self.unknown("an index into a string"),
            (Err(why), _) | (_, Err(why)) => Err(why),
        })
    }

    pub(super) fn assignment(&mut self, target: &Expr, op: &str, value: &Expr) -> Eval<Val> {
        let Expr::Var(name) = target else {
            let value = self.value(value)?;
            self.forget(target)?;
            return Ok(value);
        };
        let value = match op {
            "=" => self.value(value)?,
            "??=" => self.coalesce(target, value)?,
            "++" => self.unknown(format!("${}, which is counted", lossy(name))),
            _ => {
                let old = self.value(target)?;
                match (old, self.value(value)?) {
                    (Ok(old), Ok(new)) => match php::binary(op.trim_end_matches('='), &old, &new) {
                        Some(value) => Ok(value),
                        None => self.unknown(format!("an operation ({op}) not evaluated here")),
                    },
                    (Err(why), _) | (_, Err(why)) => Err(why),
                }
            }
        };
        if name == b"GLOBALS" {
            self.taint("an assignment to $GLOBALS");
        }
        self.spend(value.as_ref().map_or(0, size))?;
        self.assign(name, value.clone());
        Ok(value)
    }

    /// Something is written through this expression: what it may touch is unknown afterwards.
    pub(super) fn forget(&mut self, target: &Expr) -> Eval<()> {
        match target {
            Expr::Var(name) if name == b"GLOBALS" => self.taint("an assignment to $GLOBALS"),
            Expr::Var(name) => {
                self.bedrock.environment_changed |= name == b"_ENV";
                let unknown = self.unknown(format!("${}, which is changed in parts", lossy(name)));
                self.assign(name, unknown);
            }
            Expr::Index(base, index) => {
                if let Some(index) = index {
                    self.effect(index)?;
                }
                self.forget(base)?;
            }
            Expr::Prop(base, _) => self.forget(base)?,
            Expr::Array(items) => {
                for (key, item) in items {
                    if let Some(key) = key {
                        self.effect(key)?;
                    }
                    self.forget(item)?;
                }
            }
            Expr::ClassMember(class, member) if self.sets_env_options(class, member) => {}
            other => {
                self.effect(other)?;
                self.taint("an assignment this reader does not follow");
            }
        }
        Ok(())
    }
}
