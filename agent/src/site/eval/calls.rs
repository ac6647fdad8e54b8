//! Function calls: PHP's own functions that configurations use, and doubt for all others.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::state::{Eval, Evaluator, Val, lossy};
use crate::site::literal::{Literal, Source};
use crate::site::php::{self, Expr};
use crate::site::read;

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
            _ => pure_call(word, &known),
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

fn pure_call(name: &str, arguments: &[Literal]) -> Option<Literal> {
    use Literal::{Bool, Int, Text};
    Some(match (name, arguments) {
        ("dirname", [Text(path)]) => Text(dirname(path, 1)?),
        ("dirname", [Text(path), Int(levels)]) => Text(dirname(path, *levels)?),
        ("basename", [Text(path)]) => {
            let path = path.strip_suffix(b"/").unwrap_or(path);
            Text(path.rsplit(|byte| *byte == b'/').next()?.to_vec())
        }
        ("file_exists", [Text(path)]) => Bool(facts(path)?.is_some()),
        ("is_file", [Text(path)]) => Bool(facts(path)?.is_some_and(|facts| facts.is_file())),
        ("is_dir", [Text(path)]) => Bool(facts(path)?.is_some_and(|facts| facts.is_dir())),
        ("is_readable", [Text(path)]) => Bool(readable(path)?),
        ("trim", [Text(text)]) => Text(blanks(blanks(text, true), false).to_vec()),
        ("ltrim", [Text(text)]) => Text(blanks(text, true).to_vec()),
        ("rtrim", [Text(text)]) => Text(blanks(text, false).to_vec()),
        ("rtrim", [Text(text), Text(set)]) if !set.windows(2).any(|pair| pair == b"..") => {
            let end = text
                .iter()
                .rposition(|byte| !set.contains(byte))
                .map_or(0, |at| at + 1);
            Text(text[..end].to_vec())
        }
        // PHP 8 maps ASCII only; older versions follow the locale.
        ("strtolower", [Text(text)]) if text.is_ascii() => Text(text.to_ascii_lowercase()),
        ("strtoupper", [Text(text)]) if text.is_ascii() => Text(text.to_ascii_uppercase()),
        ("intval", [value]) => php::cast("int", value)?,
        ("strval", [value]) => php::cast("string", value)?,
        ("boolval", [value]) => Bool(value.truthy()),
        ("in_array", [needle, Literal::Array(items)]) => {
            let mut found = false;
            for (_, item) in items {
                found |= php::binary("==", needle, item)?.truthy();
            }
            Bool(found)
        }
        // Past the end PHP 7 gives false and PHP 8 an empty string.
        ("substr", [Text(text), Int(from)]) => Text(
            text.get(usize::try_from(*from).ok()?..)
                .filter(|rest| !rest.is_empty())?
                .to_vec(),
        ),
        ("parse_url", [Text(url)]) => parse_url(url)?,
        ("file_get_contents", [Text(path)]) => Text(contents(path)?),
        _ => return None,
    })
}

/// PHP's `dirname` for absolute paths without doubled slashes.
fn dirname(path: &[u8], levels: i64) -> Option<Vec<u8>> {
    if !path.starts_with(b"/") || path.windows(2).any(|pair| pair == b"//") || levels < 1 {
        return None;
    }
    let mut path = path;
    for _ in 0..levels.min(4096) {
        path = path.strip_suffix(b"/").unwrap_or(path);
        let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        path = &path[..slash];
    }
    Some(if path.is_empty() {
        b"/".to_vec()
    } else {
        path.to_vec()
    })
}

/// `Some(None)`: certainly no such file. None: not ours to say.
fn facts(path: &[u8]) -> Option<Option<fs::Metadata>> {
    let path = Path::new(OsStr::from_bytes(path));
    if !path.is_absolute() {
        return None;
    }
    match fs::metadata(path) {
        Ok(facts) => Some(Some(facts)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(None),
        Err(_) => None,
    }
}

/// What we can read, PHP may not; so only world-readable files and absent ones are decided.
fn readable(path: &[u8]) -> Option<bool> {
    use std::os::unix::fs::MetadataExt;
    match facts(path)? {
        None => Some(false),
        Some(facts) if facts.is_file() && facts.mode() & 0o004 != 0 => {
            read::file(Path::new(OsStr::from_bytes(path)), u64::MAX >> 1)
                .is_ok()
                .then_some(true)
        }
        Some(_) => None,
    }
}

/// Files of the site and secrets; not what the kernel makes up for each process.
fn contents(path: &[u8]) -> Option<Vec<u8>> {
    let path = Path::new(OsStr::from_bytes(path));
    if !path.is_absolute() {
        return None;
    }
    let path = path.canonicalize().ok()?;
    let made_up = ["/proc", "/sys", "/dev"]
        .iter()
        .any(|folder| path.starts_with(folder));
    if made_up {
        None
    } else {
        read::file(&path, read::MAX_CONFIG_BYTES).ok()
    }
}

fn blanks(text: &[u8], start: bool) -> &[u8] {
    let kept = |byte: &u8| !b" \t\n\r\0\x0b".contains(byte);
    if start {
        &text[text.iter().position(kept).unwrap_or(text.len())..]
    } else {
        &text[..text.iter().rposition(kept).map_or(0, |at| at + 1)]
    }
}

/// `scheme://user:password@host:port/path` in plain characters; anything else is not decided.
fn parse_url(url: &[u8]) -> Option<Literal> {
    let url = std::str::from_utf8(url).ok()?;
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_once('/')?;
    let (login, place) = authority.split_once('@')?;
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    };
    let (host, port) = match place.split_once(':') {
        Some((host, port)) => (
            host,
            Some(port.parse::<u16>().ok().filter(|port| *port > 0)?),
        ),
        None => (place, None),
    };
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"/?#@:[]".contains(&byte))
    };
    let parts = [Some(scheme), Some(user), password, Some(host), Some(path)];
    if !parts.into_iter().flatten().all(plain) {
        return None;
    }
    let text = |text: &str| Literal::Text(text.as_bytes().to_vec());
    let mut out = vec![(text("scheme"), text(scheme)), (text("host"), text(host))];
    out.extend(port.map(|port| (text("port"), Literal::Int(i64::from(port)))));
    out.push((text("user"), text(user)));
    out.extend(password.map(|password| (text("pass"), text(password))));
    out.push((text("path"), text(&format!("/{path}"))));
    Some(Literal::Array(out))
}
