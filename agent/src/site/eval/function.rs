//! Functions that the configuration declares itself, such as the Docker image's `getenv_docker`:
//! their code is evaluated like the rest, with variables of its own.

use std::rc::Rc;

use super::state::{Doubt, Eval, Evaluator, Flow, Val, lossy};
use crate::site::literal::Literal;
use crate::site::php::{Expr, Function};

/// Calls inside calls.
const MAX_CALLS: u32 = 8;

impl Evaluator<'_> {
    pub(super) fn declare(&mut self, name: &[u8], code: Option<&Rc<Function>>) {
        // Under a doubtful condition another function may have this name; names in namespaced
        // code would have to be looked up there.
        let plain = self.doubt.is_none() && self.namespace.is_empty() && self.imports.is_empty();
        let known = code
            .filter(|_| plain)
            .map(|code| (code.clone(), self.file.clone()));
        self.functions.entry(name.to_vec()).or_insert(known);
    }

    /// Calls a declared function; None when its effect is unknown.
    pub(super) fn own_call(&mut self, name: &[u8], arguments: &[Expr]) -> Eval<Option<Val>> {
        let Some(Some((code, file))) = self.functions.get(name).cloned() else {
            return Ok(None);
        };
        if self.calls >= MAX_CALLS || arguments.len() > code.parameters.len() {
            return Ok(None);
        }
        let values = self.values(arguments)?;
        let line = self.line;
        let mut outer = std::mem::take(&mut self.variables);
        let file = std::mem::replace(&mut self.file, file);
        let returned = self.returned.take();
        let doubt = self.doubt.clone();
        self.calls += 1;
        let result = self.body(&code, values);
        self.calls -= 1;
        let early = std::mem::replace(&mut self.returned, returned);
        self.doubt = doubt.or_else(|| self.ended.clone());
        self.file = file;
        self.line = line;
        std::mem::swap(&mut self.variables, &mut outer);
        Ok(match (result, early) {
            (Err(Flow::Return(_)) | Ok(Some(())), Some(why)) => Some(Err(why)),
            (Err(Flow::Return(value)), None) => Some(value),
            (Ok(Some(())), None) => Some(Ok(Literal::Null)),
            (Ok(None), _) => None,
            (Err(other), _) => return Err(other),
        })
    }

    fn body(&mut self, code: &Function, values: Vec<Val>) -> Eval<Option<()>> {
        let mut values = values.into_iter();
        for (name, default) in &code.parameters {
            let value = match (values.next(), default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.value(default)?,
                (None, None) => return Ok(None),
            };
            self.variables.insert(name.clone(), (value, self.here()));
        }
        self.run(&code.body)?;
        Ok(Some(()))
    }

    /// A variable of the web process; None when it is certainly not set.
    pub(super) fn variable_of_web(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Rc<Doubt>> {
        match self.environment.get(name) {
            Some(Some(value)) => Ok(Some(value.to_vec())),
            Some(None) => self.dotenv_value(name),
            None => self.unknown(format!(
                "getenv('{}'), which is not known outside the web server's process",
                lossy(name)
            )),
        }
    }
}
