//! Running a piece of PHP and reading what it returns. PHP may print, warn and exit with 0 after a
//! fatal error: only a value behind our own mark counts as an answer.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::Owner;

const MARK: &str = "\n=== the harness's answer: ";

/// A script that ended without an answer, with everything it said.
#[derive(Debug)]
pub struct PhpFailure(pub String);

/// Runs a script without any WordPress; it must `return` a value JSON can hold. `$args` is `args`.
pub fn php(script: &str, args: &Value) -> Value {
    php_as(Owner::me(), Path::new("/"), "", script, args)
        .unwrap_or_else(|failure| panic!("{failure}"))
}

/// The same as an account, in a directory, after a prologue that runs in PHP's global scope, where
/// WordPress must be loaded.
pub fn php_as(
    owner: Owner,
    cwd: &Path,
    prologue: &str,
    script: &str,
    args: &Value,
) -> Result<Value, PhpFailure> {
    let source = format!(
        "<?php\n{prologue}\n$answer = (static function (array $args) {{\n{script}\n}})\
         (json_decode(hex2bin('{}'), true) ?? []);\n\
         echo {}, json_encode($answer, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION);",
        hex(args.to_string().as_bytes()),
        literal(MARK),
    );
    let mut php = owner
        .command("php")
        // No mail leaves a test, and a large site must not hit the default limit.
        .args(["-d", "sendmail_path=/bin/true", "-d", "memory_limit=1G"])
        .args([
            "-d",
            "display_errors=stderr",
            "-d",
            "error_reporting=E_ALL & ~E_DEPRECATED",
        ])
        .current_dir(cwd)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = php.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(source.as_bytes()));
        php.wait_with_output().unwrap()
    });
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let answer = said
        .rsplit_once(MARK)
        .map(|(_, json)| serde_json::from_str(json));
    match answer {
        Some(Ok(value)) => Ok(value),
        _ => Err(PhpFailure(format!(
            "php gave no answer ({}) to\n{script}\nstdout: {said}\nstderr: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ))),
    }
}

/// A single-quoted PHP string.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

impl std::fmt::Display for PhpFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
