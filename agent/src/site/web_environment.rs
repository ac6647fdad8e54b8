//! Whose environment the web server's PHP has. Known in a container that runs the web server, where
//! everything was started with the same variables; unknown elsewhere.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::environment::Environment;

/// Files that container engines leave in every container (Docker, Podman).
const MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// Programs that run PHP for the web, by the beginning of their names.
const SERVERS: [&str; 6] = [
    "php-fpm",
    "apache2",
    "httpd",
    "frankenphp",
    "lsphp",
    "litespeed",
];

/// The one that writes its title over its environment: what the kernel shows has lost variables.
const OVERWRITES: &str = "php-fpm";

/// The web server's environment, as far as it is known from here. A container that only mounts a
/// site is not the one that serves it.
pub fn web_environment() -> Environment {
    if !MARKS.iter().any(|mark| Path::new(mark).exists()) {
        return Environment::unknown();
    }
    let Some((name, process)) = web_server() else {
        return match made_for_us() {
            // The image and settings are the web server's; only the program is another.
            true => Environment::of_process(std::env::vars_os()),
            false => Environment::unknown(),
        };
    };
    match fs::read(process.join("environ")) {
        Ok(block) if !name.starts_with(OVERWRITES) => Environment::of_process(variables(&block)),
        // Ours was made from the same image and settings.
        Ok(_) | Err(_) => Environment::of_process(std::env::vars_os()),
    }
}

/// The name of our program, as the kernel has it.
const OURS: &str = "kickout-agent";

/// Programs that start the only one of a container as their child (`init: true`).
const INITS: [&str; 3] = ["docker-init", "tini", "catatonit"];

/// Whether this container was started to run us in it.
fn made_for_us() -> bool {
    let first = fs::read_to_string("/proc/1/comm").unwrap_or_default();
    let first = first.trim_end();
    first == OURS || (INITS.contains(&first) && std::os::unix::process::parent_id() == 1)
}

/// The first process of a web server, and its folder in `/proc`.
fn web_server() -> Option<(String, PathBuf)> {
    let mut processes: Vec<u32> = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    processes.sort_unstable();
    processes.into_iter().find_map(|process| {
        let folder = Path::new("/proc").join(process.to_string());
        let name = fs::read_to_string(folder.join("comm")).ok()?;
        SERVERS
            .iter()
            .any(|server| name.starts_with(server))
            .then_some((name, folder))
    })
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
