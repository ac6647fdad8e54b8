//! Where the search for a site begins: `~` and `~user` become directories of this host, and what is
//! relative becomes absolute. Accounts are read from `/etc/passwd` as text: asking the system would
//! load code of the host into a static program.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::locate::LocateError;
use super::read;

/// The accounts of this host.
const PASSWD: &str = "/etc/passwd";

/// The most that is read of them.
const MAX_PASSWD_BYTES: u64 = 4 * 1024 * 1024;

/// What stands for a home directory.
pub struct Homes {
    /// `HOME`
    home: Option<PathBuf>,
    /// Who we are.
    uid: u32,
    passwd: String,
}

impl Homes {
    /// Those of this process and this host. Accounts that cannot be read are unknown.
    pub fn here() -> Self {
        let passwd = read::file(Path::new(PASSWD), MAX_PASSWD_BYTES).unwrap_or_default();
        Self {
            home: std::env::var_os("HOME").map(PathBuf::from),
            uid: rustix::process::geteuid().as_raw(),
            passwd: String::from_utf8_lossy(&passwd).into_owned(),
        }
    }

    /// A path with its `~` or `~user` replaced.
    pub fn expand(&self, text: &str) -> Result<PathBuf, LocateError> {
        let Some(rest) = text.strip_prefix('~') else {
            return Ok(PathBuf::from(text));
        };
        let (account, below) = rest.split_once('/').unwrap_or((rest, ""));
        let home = match account {
            "" => self
                .home
                .clone()
                .filter(|home| home.is_absolute())
                .or_else(|| self.of(|_, uid| uid.parse() == Ok(self.uid))),
            account => self.of(|name, _| name == account),
        };
        let home = home.ok_or_else(|| LocateError::NoHome {
            account: match account {
                "" => format!("uid {}", self.uid),
                account => account.to_owned(),
            },
        })?;
        Ok(match below.trim_start_matches('/') {
            "" => home,
            below => home.join(below),
        })
    }

    /// The user and group id of an account.
    pub fn account(&self, account: &str) -> Option<(u32, u32)> {
        self.ids(|name, _| name == account)
    }

    /// The group of the account with this user id.
    pub fn group_of(&self, user: u32) -> Option<u32> {
        Some(self.ids(|_, uid| uid.parse() == Ok(user))?.1)
    }

    fn ids(&self, wanted: impl Fn(&str, &str) -> bool) -> Option<(u32, u32)> {
        self.passwd.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            match fields[..] {
                [name, _, uid, gid, ..] if wanted(name, uid) => {
                    Some((uid.parse().ok()?, gid.parse().ok()?))
                }
                _ => None,
            }
        })
    }

    /// The home of the first account of which this holds: name and uid.
    fn of(&self, wanted: impl Fn(&str, &str) -> bool) -> Option<PathBuf> {
        self.passwd.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            match fields[..] {
                [name, _, uid, _, _, home, ..] if wanted(name, uid) && home.starts_with('/') => {
                    Some(PathBuf::from(home))
                }
                _ => None,
            }
        })
    }
}

/// Where a search begins: what was named, which must be there, or else this process's directory.
pub fn directory(start: Option<&str>, homes: &Homes) -> Result<PathBuf, LocateError> {
    let here = std::env::current_dir().unwrap_or_default();
    let Some(start) = start else {
        return Ok(here);
    };
    let path = here.join(homes.expand(start)?);
    match fs::metadata(&path) {
        Ok(meta) if meta.is_dir() => Ok(path),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(read::failure(&path, error).into())
        }
        Ok(_) | Err(_) => Err(LocateError::NoDirectory { path }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn homes(home: Option<&str>) -> Homes {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\nnobody:x:65534:65534::nowhere:/x\n\
                      bob:x:1000:1000:Bob,,,:/home/bob:/bin/sh\nme:x:42:42::/srv/me:\n";
        Homes {
            home: home.map(PathBuf::from),
            uid: 42,
            passwd: passwd.to_owned(),
        }
    }

    #[test]
    fn homes_are_found_as_text() {
        let rows = [
            (Some("/h"), "~", Some("/h")),
            (Some("/h"), "~/", Some("/h")),
            (Some("/h"), "~/www/a~b", Some("/h/www/a~b")),
            (Some("/h"), "~bob", Some("/home/bob")),
            (Some("/h"), "~bob//www", Some("/home/bob/www")),
            (Some("/h"), "/x/~", Some("/x/~")),
            (Some("/h"), "www", Some("www")),
            (None, "~/www", Some("/srv/me/www")),
            (Some("relative"), "~", Some("/srv/me")),
            (Some(""), "~", Some("/srv/me")),
            (Some("/h"), "~alice/www", None),
            (Some("/h"), "~nobody", None),
        ];
        for (home, text, expected) in rows {
            let found = homes(home).expand(text).ok();
            assert_eq!(found.as_deref(), expected.map(Path::new), "{text}");
        }
        let error = homes(None).expand("~alice").unwrap_err();
        assert!(error.to_string().contains("alice"), "{error}");
    }

    #[test]
    fn a_start_must_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        let homes = homes(Some(path));
        assert_eq!(directory(Some("~"), &homes).unwrap(), dir.path());
        assert_eq!(directory(Some(path), &homes).unwrap(), dir.path());
        assert!(directory(None, &homes).is_ok());
        let error = directory(Some("~/nope"), &homes).unwrap_err();
        let expected = format!("The directory {path}/nope does not exist on this host.");
        assert_eq!(error.to_string(), expected);
        assert!(!error.fix().is_empty());
    }
}
