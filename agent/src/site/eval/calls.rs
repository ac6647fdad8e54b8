//! Function calls: PHP's own functions that configurations use, and doubt for all others.

use super::pure;
use super::state::{Eval, Evaluator, Val, lossy};
use crate::site::literal::{Literal, Source};
use crate::site::php::Expr;

/// Functions that define nothing and write to no argument; their value is not computed here.
const HARMLESS: [&str; 74] = [
    "array_key_exists",
    "array_keys",
    "array_merge",
    "array_values",
    "array_search",
    "base64_decode",
    "base64_encode",
    "bin2hex",
    "count",
    "crc32",
    "ctype_digit",
    "date",
    "date_default_timezone_get",
    "date_default_timezone_set",
    "error_log",
    "error_reporting",
    "explode",
    "extension_loaded",
    "filemtime",
    "filter_var",
    "floatval",
    "gc_enable",
    "gethostname",
    "getmypid",
    "hash",
    "hash_hmac",
    "header",
    "header_remove",
    "headers_sent",
    "http_response_code",
    "ignore_user_abort",
    "implode",
    "ini_get",
    "ini_set",
    "is_array",
    "is_int",
    "is_null",
    "is_numeric",
    "is_string",
    "join",
    "json_decode",
    "json_encode",
    "mb_internal_encoding",
    "md5",
    "memory_get_usage",
    "microtime",
    "mt_rand",
    "number_format",
    "parse_ini_file",
    "php_sapi_name",
    "php_uname",
    "phpversion",
    "preg_quote",
    "preg_split",
    "rand",
    "rawurlencode",
    "realpath",
    "set_time_limit",
    "setlocale",
    "sha1",
    "sprintf",
    "str_contains",
    "str_ends_with",
    "str_repeat",
    "str_starts_with",
    "stripos",
    "strlen",
    "strpos",
    "strstr",
    "time",
    "ucfirst",
    "umask",
    "urlencode",
    "version_compare",
];

/// Functions whose later arguments are written to; otherwise harmless.
const WRITING: [&str; 3] = ["preg_match", "preg_match_all", "str_replace"];

impl Evaluator<'_> {
    pub(super) fn call(&mut self, written: &[u8], arguments: &[Expr]) -> Eval<Val> {
        let mut name = written.to_ascii_lowercase();
        let rooted = name.strip_prefix(b"\\").map(<[u8]>::to_vec);
        if rooted.is_none()
            && let Some(full) = self.imports.get(&("function", name.clone()))
        {
            name.clone_from(full);
        } else if rooted.is_none() && !self.namespace.is_empty() && self.declarable.contains(&name)
        {
            return self.unknown_call(written, arguments);
        }
        let name = rooted.unwrap_or(name);
        if self.functions.contains_key(&name) {
            return match self.own_call(&name, arguments)? {
                Some(value) => Ok(value),
                None => self.unknown_call(written, arguments),
            };
        }
        if name == b"env\\env" && self.bedrock.active {
            let values = self.values(arguments)?;
            return Ok(self.bedrock_env(&values));
        }
        self.builtin(&name, written, arguments)
    }

    pub(super) fn values(&mut self, arguments: &[Expr]) -> Eval<Vec<Val>> {
        arguments
            .iter()
            .map(|argument| self.value(argument))
            .collect()
    }

    pub(super) fn unknown_call(&mut self, name: &[u8], arguments: &[Expr]) -> Eval<Val> {
        self.values(arguments)?;
        let what = format!("{}(), whose effect is unknown", lossy(name));
        self.taint(what.clone());
        Ok(self.unknown(what))
    }

    fn builtin(&mut self, name: &[u8], written: &[u8], arguments: &[Expr]) -> Eval<Val> {
        let shown = lossy(written);
        let word = std::str::from_utf8(name).unwrap_or_default();
        if word == "define" {
            return self.define_call(arguments);
        }
        if WRITING.contains(&word) {
            self.values(arguments)?;
            for target in arguments.iter().skip(2) {
                if matches!(target, Expr::Var(_) | Expr::Index(..) | Expr::Prop(..)) {
                    self.forget(target)?;
                }
            }
            return Ok(self.unknown(format!("{shown}()")));
        }
        if HARMLESS.contains(&word) {
            let values = self.values(arguments)?;
            let why = values.into_iter().find_map(Result::err);
            return Ok(why.map_or_else(|| self.unknown(format!("{shown}()")), Err));
        }
        let pure = matches!(
            word,
            "defined"
                | "constant"
                | "getenv"
                | "dirname"
                | "basename"
                | "file_exists"
                | "is_file"
                | "is_dir"
                | "is_readable"
                | "trim"
                | "rtrim"
                | "ltrim"
                | "strtolower"
                | "strtoupper"
                | "intval"
                | "strval"
                | "boolval"
                | "function_exists"
                | "class_exists"
                | "in_array"
                | "substr"
                | "parse_url"
                | "preg_replace"
                | "file_get_contents"
        );
        if !pure {
            return self.unknown_call(written, arguments);
        }
        let values = self.values(arguments)?;
        let known: Result<Vec<Literal>, _> = values.into_iter().collect();
        let known = match known {
            Ok(known) => known,
            Err(why) => return Ok(Err(why)),
        };
        let value = match (word, known.as_slice()) {
            ("defined", [Literal::Text(name)]) => {
                let bare = name.strip_prefix(b"\\").unwrap_or(name);
                return Ok(self.is_defined(bare).map(Literal::Bool));
            }
            ("constant", [Literal::Text(name)]) => return Ok(self.constant_value(name)),
            ("getenv", [Literal::Text(name)] | [Literal::Text(name), _]) => {
                let value = self.variable_of_web(name);
                return Ok(value.map(|value| value.map_or(Literal::Bool(false), Literal::Text)));
            }
            ("function_exists", [Literal::Text(name)]) => {
                return Ok(self.function_exists(&name.to_ascii_lowercase()));
            }
            _ => pure::call(word, &known),
        };
        Ok(value.map_or_else(|| self.unknown(format!("{shown}()")), Ok))
    }

    /// Whether PHP or an extension has a function is not known here; the Docker image's helper is
    /// the one name that nobody else uses.
    fn function_exists(&self, name: &[u8]) -> Val {
        if self.functions.contains_key(name) {
            return Ok(Literal::Bool(true));
        }
        if name == b"getenv_docker" && self.declarable.contains(name) {
            return Ok(Literal::Bool(false));
        }
        self.unknown(format!("whether the function {} exists", lossy(name)))
    }

    fn define_call(&mut self, arguments: &[Expr]) -> Eval<Val> {
        let source = Source {
            file: self.file.clone(),
            line: self.line,
        };
        let values = self.values(arguments)?;
        match values.as_slice() {
            [Ok(Literal::Text(name)), value] if !name.contains(&b'\\') => {
                self.define(name, value.clone(), source);
            }
            // PHP 7 takes a third argument: names that ignore case.
            _ => self.taint_constants("define() of a name that is known only at run time"),
        }
        Ok(self.unknown("define()"))
    }
}
