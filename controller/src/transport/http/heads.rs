//! The last head of a bridge's audit that its answers carried, kept on the operator's side: with it
//! `kickout-bridge audit verify --head=…` sees what was cut off since.

use std::io::Write as _;
use std::path::Path;

/// Keeps it in a file of its own, whole or not at all.
pub(super) fn keep(file: Option<&Path>, head: &str) -> Result<(), String> {
    let Some((file, folder)) = file.and_then(|file| Some((file, file.parent()?))) else {
        return Ok(());
    };
    let is_hash = head.len() == 64 && head.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash {
        return Err("the bridge's audit has a head that is none".to_owned());
    }
    let kept = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let beside = folder.join(format!(".{}", std::process::id()));
        let mut new = std::fs::File::create(&beside)?;
        writeln!(new, "{head}")?;
        std::fs::rename(&beside, file)
    };
    kept().map_err(|why| format!("cannot keep the audit's head in {}: {why}", file.display()))
}
