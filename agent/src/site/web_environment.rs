//! Whose environment the web server's PHP has. Known in a container, where the first process and
//! everything beside it were started with the same variables; unknown elsewhere.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use super::environment::Environment;

/// Files that container engines leave in every container (Docker, Podman).
const MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// The web server's environment, as far as it is known from here.
pub fn web_environment() -> Environment {
    if !MARKS.iter().any(|mark| Path::new(mark).exists()) {
        return Environment::unknown();
    }
    match std::fs::read("/proc/1/environ") {
        Ok(block) => Environment::of_process(variables(&block)),
        // Another user's: ours was made from the same image and settings.
        Err(_) => Environment::of_process(std::env::vars_os()),
    }
}

/// `NAME=value` pieces, each ended by NUL.
fn variables(block: &[u8]) -> Vec<(OsString, OsString)> {
    let piece = |piece: &[u8]| {
        let equals = piece.iter().position(|&byte| byte == b'=')?;
        let (name, value) = (piece[..equals].to_vec(), piece[equals + 1..].to_vec());
        Some((OsString::from_vec(name), OsString::from_vec(value)))
    };
    block.split(|&byte| byte == 0).filter_map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_taken_apart_at_nul() {
        let block = b"A=1\0EMPTY=\0EQ=a=b\0broken\0";
        let expected = [("A", "1"), ("EMPTY", ""), ("EQ", "a=b")];
        let expected = expected.map(|(name, value)| (name.into(), value.into()));
        assert_eq!(variables(block), expected);
    }
}
