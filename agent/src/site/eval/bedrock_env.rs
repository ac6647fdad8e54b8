//! `.env` files and `env()` of a Bedrock project.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

use super::dotenv;
use super::state::{Doubt, Evaluator, Val, lossy};
use crate::site::literal::Literal;
use crate::site::read;

impl Evaluator<'_> {
    pub(super) fn dotenv_files(&mut self, arguments: &[Val]) -> bool {
        let (directory, names, first_only) = match arguments {
            [Ok(Literal::Text(directory))] => (directory, None, true),
            [Ok(Literal::Text(directory)), Ok(Literal::Array(names))] => {
                (directory, Some(names), true)
            }
            [
                Ok(Literal::Text(directory)),
                Ok(Literal::Array(names)),
                Ok(Literal::Bool(first)),
            ] => (directory, Some(names), *first),
            _ => return false,
        };
        let directory = Path::new(OsStr::from_bytes(directory));
        let names: Vec<Vec<u8>> = match names {
            None => vec![b".env".to_vec()],
            Some(names) => names
                .iter()
                .filter_map(|(_, name)| name.to_bytes())
                .collect(),
        };
        let files = names
            .iter()
            .map(|name| directory.join(OsStr::from_bytes(name)));
        self.bedrock.files = files.collect();
        self.bedrock.first_only = first_only;
        directory.is_absolute()
    }

    pub(super) fn dotenv_load(&mut self) {
        for path in std::mem::take(&mut self.bedrock.files) {
            let text = match read::file(&path, read::MAX_CONFIG_BYTES) {
                Ok(text) => text,
                Err(read::ReadError::Missing { .. }) => continue,
                Err(error) => return self.taint(format!("a .env file: {error}")),
            };
            match dotenv::parse(&text) {
                // Later files override earlier ones; the process wins over all (`variable_of_web`).
                Ok(entries) if self.doubt.is_none() => self.bedrock.loaded.extend(entries),
                Ok(entries) => {
                    let names = entries.into_iter().map(|(name, _)| (name, None));
                    self.bedrock.loaded.extend(names);
                }
                Err(line) => {
                    return self.taint(format!("{}, malformed in line {line}", path.display()));
                }
            }
            if self.bedrock.first_only {
                break;
            }
        }
    }

    /// A variable that a `.env` file gave; None when there is none.
    pub(super) fn dotenv_value(&self, name: &[u8]) -> Result<Option<Vec<u8>>, Rc<Doubt>> {
        match self.bedrock.loaded.get(name) {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value.clone())),
            Some(None) => self.unknown(format!("{} in .env, which needs expansion", lossy(name))),
        }
    }

    /// `env('X')`: null when absent, and the conversions of `Env::$options`.
    pub(super) fn bedrock_env(&self, arguments: &[Val]) -> Val {
        let [Ok(Literal::Text(name))] = arguments else {
            return self.unknown("env()");
        };
        let Some(value) = self.variable_of_web(name)? else {
            return Ok(Literal::Null);
        };
        let lower = value.to_ascii_lowercase();
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        match lower.as_slice() {
            b"true" => Ok(Literal::Bool(true)),
            b"false" => Ok(Literal::Bool(false)),
            b"null" => Ok(Literal::Null),
            _ if digits => {
                let number = std::str::from_utf8(&value)
                    .ok()
                    .and_then(|text| text.parse().ok());
                match number.map(Literal::Int) {
                    Some(number) if number.to_bytes().as_ref() == Some(&value) => Ok(number),
                    _ => self.unknown(format!("{}, a number env() would rewrite", lossy(name))),
                }
            }
            _ if matches!(value.first(), Some(b'"' | b'\'' | b'-' | b'+')) => {
                self.unknown(format!("{}, a value env() might rewrite", lossy(name)))
            }
            _ => Ok(Literal::Text(value)),
        }
    }
}
