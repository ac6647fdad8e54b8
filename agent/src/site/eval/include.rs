//! Files and code that the configuration pulls in: `require`, `include`, `eval`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::state::{Eval, Evaluator, Flow, Val, lossy};
use crate::site::literal::Literal;
use crate::site::php::{self, Expr, Magic, Stmt};
use crate::site::read;

/// Files inside files, and files in all.
const MAX_DEPTH: u32 = 16;
const MAX_FILES: usize = 200;

impl Evaluator<'_> {
    /// Evaluates one file in the current scope; its `return` value.
    pub(crate) fn run_file(&mut self, path: &Path, text: &[u8]) -> Eval<Val> {
        let file = std::mem::replace(&mut self.file, path.to_owned());
        let result = self.run_text(text, false);
        self.file = file;
        result
    }

    /// The first path that the statements of a file `require` and that can be computed.
    pub(crate) fn required_path(&mut self, path: &Path, text: &[u8]) -> Option<Vec<u8>> {
        let real = fs::canonicalize(path).ok()?;
        self.file = real;
        for (_, stmt) in php::parse(&php::tokens(text, false)).body {
            if let Stmt::Expr(Expr::Include(_, _, path)) = stmt
                && let Ok(Ok(Literal::Text(path))) = self.value(&path)
            {
                return Some(path);
            }
        }
        None
    }

    fn run_text(&mut self, text: &[u8], in_php: bool) -> Eval<Val> {
        self.spend(text.len() / 64)?;
        let script = php::parse(&php::tokens(text, in_php));
        self.declarable.extend(script.functions);
        let line = self.line;
        let namespace = std::mem::take(&mut self.namespace);
        let imports = std::mem::take(&mut self.imports);
        let returned = self.returned.take();
        let doubt = self.doubt.clone();
        self.depth += 1;
        let result = self.run(&script.body);
        self.depth -= 1;
        let early = std::mem::replace(&mut self.returned, returned);
        self.doubt = doubt.or_else(|| self.ended.clone());
        self.imports = imports;
        self.namespace = namespace;
        self.line = line;
        let value = match result {
            Ok(()) => Ok(Literal::Int(1)),
            Err(Flow::Return(value)) => value,
            Err(other) => return Err(other),
        };
        Ok(early.map_or(value, Err))
    }

    pub(super) fn place(&self, magic: Magic) -> Val {
        let path = match magic {
            Magic::Dir => self.file.parent().unwrap_or(&self.file),
            Magic::File => &self.file,
            Magic::Line => return Ok(Literal::Int(i64::from(self.line))),
        };
        Ok(Literal::Text(path.as_os_str().as_bytes().to_vec()))
    }

    pub(super) fn eval(&mut self, code: &Expr) -> Eval<Val> {
        match self.value(code)? {
            Ok(Literal::Text(text)) if self.depth < MAX_DEPTH => {
                let value = self.run_text(&text, true)?;
                Ok(value)
            }
            Err(why) => {
                self.taint(format!("eval() of text that depends on {}", why.what));
                Ok(Err(why))
            }
            Ok(_) => {
                self.taint("eval()");
                Ok(self.unknown("eval()"))
            }
        }
    }

    pub(super) fn include(&mut self, required: bool, once: bool, path: &Expr) -> Eval<Val> {
        let value = self.value(path)?;
        let known = value.as_ref().ok().and_then(Literal::to_bytes);
        let tail = known.as_deref().or_else(|| last_text(path));
        if tail.is_some_and(|tail| tail.ends_with(b"wp-settings.php")) {
            return Err(Flow::Stop);
        }
        let path = match (known, value) {
            (Some(path), _) => path,
            (None, Err(why)) => {
                return self.lost_include(format!("a file that depends on {}", why.what));
            }
            (None, Ok(_)) => return self.lost_include("a file with an odd name".to_owned()),
        };
        if self.is_bedrock_autoload(&path) {
            return Ok(Ok(Literal::Bool(true)));
        }
        let shown = lossy(&path);
        let path = PathBuf::from(OsStr::from_bytes(&path));
        if !path.is_absolute() || shown.contains('\0') {
            return self.lost_include(format!("the file {shown}, looked up in PHP's include_path"));
        }
        let real = match fs::canonicalize(&path) {
            Ok(real) => real,
            Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Ok(Literal::Bool(false)));
            }
            Err(_) => return self.lost_include(format!("the file {shown}, which cannot be found")),
        };
        if once && self.included.contains(&real) {
            return Ok(Ok(Literal::Bool(true)));
        }
        if self.depth >= MAX_DEPTH || self.included.len() >= MAX_FILES {
            return self.lost_include(format!("the file {shown}, included too deeply"));
        }
        let text = match read::file(&real, read::MAX_CONFIG_BYTES) {
            Ok(text) => text,
            Err(error) => return self.lost_include(format!("the file {shown}: {error}")),
        };
        if once && self.doubt.is_some() {
            // Whether it will be skipped the next time is open, and running it twice in doubt
            // leaves everything it touches in doubt: no need to remember it.
        } else {
            self.included.insert(real.clone());
        }
        self.run_file(&real, &text)
    }

    fn lost_include(&mut self, what: String) -> Eval<Val> {
        self.taint(what.clone());
        Ok(self.unknown(what))
    }
}

/// The constant end of a concatenation.
fn last_text(path: &Expr) -> Option<&[u8]> {
    match path {
        Expr::Lit(Literal::Text(text)) => Some(text),
        Expr::Silence(inner) => last_text(inner),
        Expr::Chain(_, rest) => last_text(&rest.last()?.1),
        _ => None,
    }
}
