//! The agent as a file of this host, for containers that mount it: in a private directory of ours,
//! under its SHA-256, kept for the next run.
//!
//! The directories are those of other hosts (`shell`), the name ends otherwise: whoever a
//! container's user is must be able to run it, and nobody else comes to it.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{StatVfsMountFlags, statvfs};

use super::Around;
use super::shell::Placed;

/// Agents that were not used for so long are removed when another one arrives.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A file that nobody finished for so long is nobody's.
const UNFINISHED: Duration = Duration::from_secs(24 * 60 * 60);

/// Where they are tried, after the home directory.
const SHARED: [&str; 2] = ["/tmp", "/var/tmp"];

/// The path of a file that holds the agent, whose SHA-256 in hex is `hash`; else why each directory
/// would not do.
pub(super) fn file(
    agent: &[u8],
    hash: &str,
    nonce: &str,
    around: &Around,
) -> Result<PathBuf, String> {
    let name = format!("agent-{hash}-mounted");
    let mut refused = String::new();
    for folder in folders(around) {
        match within(&folder, &name, agent, nonce) {
            Ok(path) => return Ok(path),
            Err(why) => refused.push_str(&format!(" {}: {why};", folder.display())),
        }
    }
    Err(refused.trim_end_matches(';').to_owned())
}

/// Names every agent that is kept, and removes them when asked to.
pub(super) fn tidy(around: &Around, remove: bool) -> Vec<Placed> {
    let mut found = Vec::new();
    for folder in folders(around) {
        if private(&folder).is_err() {
            continue;
        }
        for (path, facts) in own(&folder) {
            if remove && fs::remove_file(&path).is_err() {
                continue;
            }
            found.push(Placed {
                path: path.display().to_string(),
                size: facts.len(),
            });
        }
        if remove {
            // Something else may lie in it.
            let _ = fs::remove_dir(&folder);
        }
    }
    found
}

fn folders(around: &Around) -> Vec<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let shared = SHARED.map(|place| Path::new(place).join(format!(".kickout-{uid}")));
    let home = around.home().map(|home| home.join(".cache/kickout"));
    home.into_iter().chain(shared).collect()
}

fn within(folder: &Path, name: &str, agent: &[u8], nonce: &str) -> io::Result<PathBuf> {
    if let Some(above) = folder.parent()
        && above.ends_with(".cache")
        && !above.exists()
    {
        fs::DirBuilder::new().mode(0o700).create(above)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => private(folder)?,
    }
    if statvfs(folder)?.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        return Err(io::Error::other("programs do not run there (noexec)"));
    }
    let path = folder.join(name);
    if holds(&path, agent) {
        // Its age is that of its last use.
        fs::File::open(&path)?.set_modified(SystemTime::now())?;
        return Ok(path);
    }
    remove_old(folder);
    let unfinished = folder.join(format!(".new-{nonce}"));
    let written = write(&unfinished, agent).and_then(|()| fs::rename(&unfinished, &path));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written.map(|()| path)
}

fn write(path: &Path, agent: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o500)
        .open(path)?;
    file.write_all(agent)?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o555))
}

/// Whether a directory is ours alone, and stays what it is.
fn private(folder: &Path) -> io::Result<()> {
    let facts = fs::symlink_metadata(folder)?;
    let uid = rustix::process::geteuid().as_raw();
    let above = fs::metadata(folder.parent().unwrap_or(folder))?;
    let replaceable = above.mode() & 0o1000 == 0 && above.mode() & 0o022 != 0;
    let foreign = above.uid() != uid && above.uid() != 0;
    let closed = facts.is_dir() && facts.uid() == uid && facts.mode() & 0o077 == 0;
    match closed && !replaceable && !foreign {
        true => Ok(()),
        false => Err(io::Error::other("it is not ours alone")),
    }
}

/// Whether a file is the agent, unchanged; then it is nobody else's.
fn holds(path: &Path, agent: &[u8]) -> bool {
    let uid = rustix::process::geteuid().as_raw();
    let ours = fs::symlink_metadata(path).is_ok_and(|it| {
        it.is_file()
            && it.uid() == uid
            && it.mode() & 0o777 == 0o555
            && it.len() == agent.len() as u64
    });
    let read = || {
        let mut bytes = Vec::with_capacity(agent.len());
        let file = fs::File::open(path)?;
        file.take(agent.len() as u64).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    ours && read().is_ok_and(|bytes| bytes == agent)
}

/// What of a directory is an agent, or was to become one.
fn own(folder: &Path) -> Vec<(PathBuf, fs::Metadata)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let own = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let name = name.to_str()?;
        let ours = name.starts_with("agent-") || name.starts_with(".new-");
        let facts = entry.metadata().ok()?;
        (ours && facts.is_file()).then(|| (entry.path(), facts))
    });
    own.collect()
}

fn remove_old(folder: &Path) {
    for (path, facts) in own(folder) {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let kept = if name.starts_with(b"agent-") {
            KEPT
        } else {
            UNFINISHED
        };
        let age = facts.modified().ok().and_then(|it| it.elapsed().ok());
        if age.is_some_and(|age| age > kept) {
            // Another run may have been quicker.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use kickout_shared::token::sha256_hex;

    use super::*;

    fn file(agent: &[u8], nonce: &str, around: &Around) -> Result<PathBuf, String> {
        super::file(agent, &sha256_hex(agent), nonce, around)
    }

    fn around(home: &Path) -> Around {
        Around {
            cwd: home.to_owned(),
            vars: [("HOME".into(), home.into())].into(),
        }
    }

    #[test]
    fn it_is_kept_and_found_again() {
        let home = tempfile::tempdir().unwrap();
        let around = around(home.path());
        let first = file(b"agent", "1", &around).unwrap();
        assert!(first.starts_with(home.path().join(".cache/kickout")));
        let facts = |path: &Path| fs::metadata(path).unwrap();
        assert_eq!(facts(&first).mode() & 0o777, 0o555);
        assert_eq!(facts(first.parent().unwrap()).mode() & 0o777, 0o700);
        let inode = facts(&first).ino();
        assert_eq!(file(b"agent", "2", &around).unwrap(), first);
        assert_eq!(facts(&first).ino(), inode);
        // Whatever else lies there under its name is replaced.
        for spoil in ["bytes", "mode", "link"] {
            fs::remove_file(&first).unwrap();
            let mode = fs::Permissions::from_mode(if spoil == "mode" { 0o777 } else { 0o555 });
            match spoil {
                "link" => symlink("/bin/true", &first).unwrap(),
                spoil => {
                    let bytes = if spoil == "mode" { "agent" } else { "tnega" };
                    fs::write(&first, bytes).unwrap();
                    fs::set_permissions(&first, mode).unwrap();
                }
            }
            assert_eq!(file(b"agent", "3", &around).unwrap(), first);
            assert!(holds(&first, b"agent"), "{spoil}");
        }
        let found = tidy(&around, false);
        assert!(
            found
                .iter()
                .any(|it| Path::new(&it.path) == first && it.size == 5)
        );
        tidy(&around, true);
        assert!(!first.exists());
    }

    #[test]
    fn a_place_that_is_not_ours_alone_is_not_used() {
        let home = tempfile::tempdir().unwrap();
        let around = around(home.path());
        let folder = home.path().join(".cache/kickout");
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let path = file(b"another agent", "1", &around).unwrap();
        assert!(!path.starts_with(home.path()), "{}", path.display());
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn old_ones_go_when_another_arrives() {
        let home = tempfile::tempdir().unwrap();
        let around = around(home.path());
        let aged = |path: &Path, days: u64| {
            let then = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60 + 60);
            fs::File::open(path).unwrap().set_modified(then).unwrap();
        };
        let old = file(b"old", "1", &around).unwrap();
        let young = file(b"young", "2", &around).unwrap();
        let broken = old.with_file_name(".new-3");
        fs::write(&broken, "ag").unwrap();
        for (path, days) in [(&old, 30), (&young, 29), (&broken, 1)] {
            aged(path, days);
        }
        file(b"new", "4", &around).unwrap();
        assert!(!old.exists() && young.exists() && !broken.exists());
    }
}
