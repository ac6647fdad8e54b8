//! Whether what PHP files compute hangs on more than files: on the process that runs them, its
//! environment or its request. Then the web server's PHP may compute something else than ours.
//! Only what is known to hang on nothing counts as harmless. Reads text; runs nothing.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::literal::{Literal, Source};
use super::php::{Part, Tok, Token, tokens};
use super::{read, server_names};

/// Files that one configuration may consist of; beyond it nothing is known to be harmless.
const MAX_FILES: usize = 200;

/// PHP's functions whose result follows from their arguments and the files on disk, and which call
/// nothing that is named by a string.
const HARMLESS: &str = " abs array_chunk array_column array_combine array_diff array_diff_key \
    array_fill array_fill_keys array_flip array_intersect array_intersect_key array_key_exists \
    array_key_first array_key_last array_keys array_merge array_merge_recursive array_pad array_pop \
    array_push array_replace array_replace_recursive array_reverse array_search array_shift \
    array_slice array_splice array_sum array_unique array_unshift array_values arsort asort \
    base64_decode base64_encode basename bin2hex boolval ceil chr compact count crc32 ctype_alnum \
    ctype_alpha ctype_digit ctype_lower ctype_upper ctype_xdigit current \
    date_default_timezone_set define dirname end error_log error_reporting explode \
    fclose feof fgets file file_exists file_get_contents fopen fread filter_var floatval floor fnmatch glob \
    hash hash_hmac header header_remove hex2bin hexdec html_entity_decode htmlspecialchars \
    http_response_code ignore_user_abort implode in_array ini_set intdiv intval is_array is_bool \
    is_dir is_file is_float is_int is_integer is_link is_null is_numeric is_object is_scalar \
    is_string join json_decode json_encode json_last_error json_last_error_msg key krsort ksort lcfirst ltrim max mb_internal_encoding \
    mb_strlen mb_strtolower mb_strtoupper mb_substr md5 min natsort next number_format ord \
    parse_ini_file parse_ini_string parse_str parse_url pathinfo preg_grep preg_match \
    preg_match_all preg_quote preg_replace preg_split range rawurldecode rawurlencode \
    realpath reset round rsort rtrim scandir set_time_limit setlocale sha1 simplexml_load_file \
    sort sprintf str_contains str_ends_with str_ireplace str_pad str_repeat str_replace \
    str_split str_starts_with strcasecmp strcmp stripos stripslashes strlen strncasecmp strncmp \
    strpos strrev strrpos strstr strtolower strtoupper strtr strval substr substr_count trim \
    trigger_error ucfirst ucwords umask urldecode urlencode utf8_encode var_export version_compare \
    vsprintf wordwrap yaml_parse yaml_parse_file ";

/// Words before a parenthesis that call nothing.
const KEYWORDS: &str = " and array as break case catch class clone const continue declare default do \
    echo else elseif empty enddeclare endfor endforeach endif endswitch endwhile exit die extends \
    final finally fn for foreach function global goto if implements include include_once \
    instanceof insteadof interface isset list match namespace new or print private protected \
    public readonly require require_once return self static parent switch throw trait try unset use \
    var while xor yield ";

const INCLUDES: &str = " include include_once require require_once ";

/// Names of `$_SERVER` that say how a page is fetched: what no database is chosen by.
const FETCHED: [&[u8]; 7] = [
    b"HTTPS",
    b"SERVER_PORT",
    b"REQUEST_SCHEME",
    b"HTTP_X_FORWARDED_PROTO",
    b"HTTP_X_FORWARDED_SSL",
    b"HTTP_CLOUDFRONT_FORWARDED_PROTO",
    b"HTTP_CF_VISITOR",
];

/// Constants of the process or of one entry point of WordPress, and folders of processes' own.
const PROCESS: [&[u8]; 18] = [
    b"PHP_SAPI",
    b"PHP_BINARY",
    b"PHP_OS",
    b"PHP_OS_FAMILY",
    b"PHP_VERSION",
    b"PHP_VERSION_ID",
    b"PHP_MAJOR_VERSION",
    b"PHP_MINOR_VERSION",
    b"DEFAULT_INCLUDE_PATH",
    b"STDIN",
    b"STDOUT",
    b"STDERR",
    b"WP_ADMIN",
    b"DOING_AJAX",
    b"DOING_CRON",
    b"XMLRPC_REQUEST",
    b"WP_CACHE",
    b"SHORTINIT",
];

/// What a configuration hangs on, beside files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// Where.
    pub source: Source,
    /// What, as it is written.
    pub what: String,
}

impl Outside {
    /// Whether it is the host of a request.
    pub(crate) fn is_host(&self) -> bool {
        self.what == HTTP_HOST
    }
}

/// As it is written.
pub(super) const HTTP_HOST: &str = "$_SERVER['HTTP_HOST']";

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} depends on {}", self.source, self.what)
    }
}

/// What is known of the files of one configuration.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The first dependence on more than files.
    pub(crate) outside: Option<Outside>,
    /// Whether ABSPATH is used for more than finding WordPress, or could be.
    pub(crate) absolute: bool,
}

/// Reads the files. `root` is the site's.
pub(crate) fn look(files: &[PathBuf], root: &Path, environment: &Environment) -> Seen {
    let mut seen = Seen::default();
    let mut read_files = Vec::new();
    for (number, file) in files.iter().enumerate() {
        match read::file(file, read::MAX_CONFIG_BYTES) {
            Ok(text) if number < MAX_FILES => read_files.push((file, tokens(&text, false))),
            _ => seen.found(file, 0, "a file that could not be read"),
        }
    }
    let declared = declared(read_files.iter().map(|(_, tokens)| tokens.as_slice()));
    for (file, tokens) in &read_files {
        let mut look = Look {
            files,
            file,
            tokens,
            declared: &declared,
            root,
            environment,
            seen: &mut seen,
        };
        for at in 0..tokens.len() {
            look.token(at);
        }
    }
    seen
}

impl Seen {
    fn found(&mut self, file: &Path, line: u32, what: impl Into<String>) {
        self.absolute |= line == 0;
        let what = what.into();
        self.outside.get_or_insert_with(|| Outside {
            source: Source {
                file: file.to_owned(),
                line,
            },
            what,
        });
    }
}

/// Functions and classes that the files declare, in lower case.
fn declared<'t>(files: impl Iterator<Item = &'t [Token]>) -> HashSet<Vec<u8>> {
    let mut names = HashSet::new();
    for pair in files.flat_map(|tokens| tokens.windows(3)) {
        let Tok::Ident(word) = &pair[0].tok else {
            continue;
        };
        let declares: [&[u8]; 5] = [b"function", b"class", b"trait", b"interface", b"enum"];
        if declares.iter().any(|it| word.eq_ignore_ascii_case(it))
            && let (Tok::Ident(name), _) | (Tok::Op("&"), Tok::Ident(name)) =
                (&pair[1].tok, &pair[2].tok)
        {
            names.insert(name.to_ascii_lowercase());
        }
    }
    names
}

struct Look<'a> {
    files: &'a [PathBuf],
    file: &'a Path,
    tokens: &'a [Token],
    declared: &'a HashSet<Vec<u8>>,
    root: &'a Path,
    environment: &'a Environment,
    seen: &'a mut Seen,
}

impl Look<'_> {
    fn at(&self, at: usize) -> Option<&Tok> {
        self.tokens.get(at).map(|token| &token.tok)
    }

    fn is(&self, at: usize, op: &'static str) -> bool {
        self.at(at) == Some(&Tok::Op(op))
    }

    fn before(&self, at: usize, ops: &[&'static str]) -> bool {
        at > 0 && ops.iter().any(|op| self.is(at - 1, op))
    }

    fn text(&self, at: usize) -> Option<&[u8]> {
        match self.at(at) {
            Some(Tok::Lit(Literal::Text(text))) => Some(text),
            _ => None,
        }
    }

    fn found(&mut self, at: usize, what: impl Into<String>) {
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        self.seen.found(self.file, line, what);
    }

    /// Code that is made at run time may do anything.
    fn lost(&mut self, at: usize, what: impl Into<String>) {
        self.seen.absolute = true;
        self.found(at, what);
    }

    fn token(&mut self, at: usize) {
        match self.at(at).cloned() {
            Some(Tok::Bad(reason)) => self.lost(at, reason),
            Some(Tok::Var(name)) => {
                let key = match (
                    self.is(at + 1, "["),
                    self.text(at + 2),
                    self.is(at + 3, "]"),
                ) {
                    (true, Some(key), true) => Some(key.to_vec()),
                    _ => None,
                };
                self.variable(at, &name, key.as_deref());
                if self.is(at + 1, "(") || self.before(at, &["$"]) {
                    self.lost(at, format!("${}, a name made at run time", shown(&name)));
                }
            }
            Some(Tok::Template(parts)) => {
                for part in parts {
                    match part {
                        Part::Var(name, keys) => {
                            self.variable(at, &name, keys.first().map(Vec::as_slice));
                        }
                        Part::Opaque => self.lost(at, "an expression inside a string"),
                        Part::Text(_) => {}
                    }
                }
            }
            Some(Tok::Op("]")) if self.is(at + 1, "(") => {
                self.lost(at, "a call by a name made at run time");
            }
            Some(Tok::Lit(Literal::Text(text))) => {
                let places: [&[u8]; 2] = [b"/proc/", b"php://"];
                let holds = |place: &&[u8]| text.windows(place.len()).any(|seen| seen == *place);
                if places.iter().any(holds) {
                    self.found(at, shown(&text));
                }
                if text == b"ABSPATH" && !self.is_asked_or_defined(at) {
                    self.seen.absolute = true;
                }
            }
            Some(Tok::Ident(name)) => self.word(at, &name),
            _ => {}
        }
    }

    fn variable(&mut self, at: usize, name: &[u8], key: Option<&[u8]>) {
        let known = match (name, key) {
            (b"_SERVER", Some(b"HTTP_HOST")) => self.environment.host().is_some(),
            (b"_SERVER", Some(key)) => {
                FETCHED.contains(&key) || server_names::is_never_set(key, self.root)
            }
            (b"_ENV", Some(_)) => self.environment.is_of_web(),
            (b"GLOBALS" | b"argv" | b"argc" | b"php_errormsg", _) => false,
            _ => !name.starts_with(b"_") || name.len() == 1 || name[1].is_ascii_lowercase(),
        };
        if !known {
            let key = key.map_or(String::new(), |key| format!("['{}']", shown(key)));
            self.found(at, format!("${}{key}", shown(name)));
        }
    }

    fn word(&mut self, at: usize, name: &[u8]) {
        if self.before(at, &["->", "?->"]) {
            return;
        }
        let bare = name.rsplit(|byte| *byte == b'\\').next().unwrap_or(name);
        let lower = bare.to_ascii_lowercase();
        let own = self.declared.contains(&lower);
        let keyword = among(KEYWORDS, &lower);
        if among(INCLUDES, &lower) {
            self.included(at);
        }
        if self.is(at + 1, "::") || self.after_word(at, b"new") {
            if !own && !keyword {
                self.lost(at, format!("the class {}", shown(bare)));
            }
        } else if self.before(at, &["::"]) || self.after_word(at, b"function") {
        } else if self.is(at + 1, "(") {
            self.call(at, &lower, own || keyword);
        } else if PROCESS.contains(&bare) {
            self.found(at, shown(bare));
        } else if bare == b"ABSPATH" {
            let settings = |text: &[u8]| text.trim_ascii_start().ends_with(b"wp-settings.php");
            let finds = self.is(at + 1, ".") && self.text(at + 2).is_some_and(settings);
            self.seen.absolute |= !finds;
        }
    }

    /// A file that nobody has read may hold anything, and may have kept its name from us.
    fn included(&mut self, at: usize) {
        let rest = self.tokens.iter().skip(at + 1).map(|token| &token.tok);
        let path = rest.take_while(|tok| !matches!(tok, Tok::Op(";" | "{" | "}") | Tok::End));
        let path: Vec<&Tok> = path.collect();
        let end = path.iter().rev().find_map(|tok| match tok {
            Tok::Lit(Literal::Text(text)) => Some(text.clone()),
            _ => None,
        });
        let made = path
            .iter()
            .any(|tok| matches!(tok, Tok::Var(_) | Tok::Template(_)));
        match end {
            Some(end) if end.ends_with(b"wp-settings.php") => {}
            Some(end) if !made => {
                let end = String::from_utf8_lossy(&end).into_owned();
                let end = end.trim_start_matches(['.', '/']);
                let mut folders = self.file.ancestors().skip(1).take(3);
                let there = self.files.iter().any(|file| file.ends_with(end));
                if !there && folders.any(|folder| folder.join(end).exists()) {
                    self.found(at, format!("{end}, which was not read"));
                }
            }
            Some(_) | None => self.found(at, "a file whose path is made at run time"),
        }
    }

    fn call(&mut self, at: usize, name: &[u8], harmless: bool) {
        let argument = self.text(at + 2).map(<[u8]>::to_vec);
        match (name, argument) {
            _ if harmless => {}
            (b"getenv", Some(_)) if self.environment.is_of_web() => {}
            (b"getenv", Some(variable)) => {
                self.found(at, format!("getenv('{}')", shown(&variable)));
            }
            (b"defined", Some(constant)) if PROCESS.contains(&constant.as_slice()) => {
                self.found(at, shown(&constant));
            }
            (b"defined", _) => {}
            (b"function_exists", Some(name))
                if self.declared.contains(&name.to_ascii_lowercase()) => {}
            _ if among(HARMLESS, name) => {}
            _ => self.lost(at, format!("{}()", shown(name))),
        }
    }

    fn is_asked_or_defined(&self, at: usize) -> bool {
        at > 1 && self.is(at - 1, "(") && {
            let word = |word: &[u8]| self.after_word(at - 1, word);
            word(b"defined") || word(b"define")
        }
    }

    fn after_word(&self, at: usize, word: &[u8]) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.at(before));
        matches!(before, Some(Tok::Ident(seen)) if seen.eq_ignore_ascii_case(word))
    }
}

fn among(words: &str, word: &[u8]) -> bool {
    std::str::from_utf8(word).is_ok_and(|word| words.split_whitespace().any(|seen| seen == word))
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..80).unwrap_or(bytes)).into_owned()
}

#[cfg(test)]
#[path = "outside_tests.rs"]
mod tests;
