//! A container seen from inside: how to know one, and what the kernel shows of a process's environment.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// Files that container engines leave in every container (Docker, Podman).
pub const MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// The variables of a block as in `/proc/<pid>/environ`.
pub fn variables(block: &[u8]) -> Vec<(OsString, OsString)> {
    let piece = |piece: &[u8]| {
        let equals = piece.iter().position(|&byte| byte == b'=')?;
        let (name, value) = (piece[..equals].to_vec(), piece[equals + 1..].to_vec());
        Some((OsString::from_vec(name), OsString::from_vec(value)))
    };
    block.split(|&byte| byte == 0).filter_map(piece).collect()
}
