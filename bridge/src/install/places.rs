//! Files and folders of an installed bridge: written whole or not at all, and nobody's but root's.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::InstallError;
use crate::private;
use crate::serve::EMPTY;

/// Where the programs lie.
pub(super) const FOLDER: &str = "/usr/lib/kickout";
pub(super) const BRIDGE: &str = "/usr/lib/kickout/kickout-bridge";
pub(super) const AGENT: &str = "/usr/lib/kickout/kickout-agent";

/// What a bridge keeps in its state folder, by how the names begin.
const KEPT: [&str; 3] = ["tokens.", "audit.", "operations."];

/// Writes a file of root's, unless it is this already; whether it did. Whoever reads it meanwhile sees
/// the old or the new one.
pub(super) fn put(path: &Path, bytes: &[u8], mode: u32) -> Result<bool, InstallError> {
    let failed = |why| InstallError::io("write", path, why);
    if is(path, bytes, mode) {
        return Ok(false);
    }
    private::replace(path, bytes, mode).map_err(failed)?;
    Ok(true)
}

fn is(path: &Path, bytes: &[u8], mode: u32) -> bool {
    let Ok(facts) = fs::symlink_metadata(path) else {
        return false;
    };
    let fits = facts.is_file() && facts.uid() == 0 && facts.mode() & 0o7777 == mode;
    fits && facts.len() == bytes.len() as u64 && fs::read(path).is_ok_and(|is| is == bytes)
}

/// The permissions that a file has, or is to have.
pub(super) fn mode(path: &str, new: u32) -> u32 {
    fs::symlink_metadata(path).map_or(new, |facts| facts.mode() & 0o777)
}

/// Makes a folder of root's, or finds that it is one; whether it was made.
pub(super) fn folder(path: &Path, mode: u32) -> Result<bool, InstallError> {
    let failed = |why| InstallError::io("make the folder", path, why);
    match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_dir() && facts.uid() == 0 && facts.mode() & 0o022 == 0 => Ok(false),
        Ok(_) => Err(InstallError::Unsafe(path.to_owned())),
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            if let Some(above) = path.parent()
                && !above.exists()
            {
                folder(above, 0o755)?;
            }
            DirBuilder::new().mode(mode).create(path).map_err(failed)?;
            // Whatever the umask takes away.
            let permissions = Permissions::from_mode(mode);
            fs::set_permissions(path, permissions).map_err(failed)?;
            Ok(true)
        }
        Err(why) => Err(failed(why)),
    }
}

/// Removes a file; whether there was one.
pub(super) fn removed(path: &Path) -> Result<bool, InstallError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(why) => Err(InstallError::io("remove", path, why)),
    }
}

/// Removes what a bridge keeps, and its folder when nothing else is in it: a setting may name any.
pub(super) fn remove_state(folder: &Path) -> Result<(), InstallError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(why) => return Err(InstallError::io("read", folder, why)),
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if KEPT.iter().any(|kept| name.starts_with(kept)) {
            removed(&entry.path())?;
        }
    }
    // Where the front has its root.
    let _ = fs::remove_dir(folder.join(EMPTY));
    let _ = fs::remove_dir(folder);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("p");
        assert!(put(&file, b"one", 0o755).unwrap());
        assert!(!put(&file, b"one", 0o755).unwrap());
        assert!(put(&file, b"one", 0o600).unwrap(), "other permissions");
        assert!(put(&file, b"two", 0o600).unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"two");
        // A link is replaced, not followed.
        fs::rename(&file, dir.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", &file).unwrap();
        assert!(put(&file, b"three", 0o600).unwrap());
        assert_eq!(fs::read(dir.path().join("elsewhere")).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_folder_that_others_may_write_is_none() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        assert!(folder(&path, 0o700).unwrap());
        assert!(!folder(&path, 0o700).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        assert!(folder(&path, 0o700).is_err());
        // What is not a bridge's stays.
        fs::write(path.join("tokens.json"), "").unwrap();
        fs::write(path.join("letters"), "").unwrap();
        remove_state(&path).unwrap();
        let left: Vec<_> = fs::read_dir(&path).unwrap().flatten().collect();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].file_name(), "letters");
    }
}
