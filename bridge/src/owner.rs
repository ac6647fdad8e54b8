//! The accounts that sites belong to, and the front's own, as `/etc/passwd` names them.

/// Whose rights a process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// User id; never 0.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Why there is no account to start an agent as.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// The table of accounts cannot be read.
    #[error("cannot read /etc/passwd: {0}")]
    Table(std::io::Error),
    /// There is none of this name.
    #[error("this host has no account '{0}'")]
    Unknown(String),
    /// It is root under another name.
    #[error("the account '{0}' is root")]
    Root(String),
    /// We are neither root nor that account.
    #[error("the bridge is not root, and cannot become '{0}'")]
    Other(String),
    /// The front would have somebody's rights.
    #[error("the front cannot be confined to the account '{name}': {why}")]
    Front {
        /// The account.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
}

impl OwnerError {
    /// The setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Table(_) => "Look at /etc/passwd.".to_owned(),
            Self::Unknown(_) | Self::Root(_) => {
                "Set owner to the account that wp-config.php belongs to.".to_owned()
            }
            Self::Other(name) => format!("Start the bridge as root, or as {name}."),
            Self::Front { .. } => {
                "useradd --system --no-create-home --shell /usr/sbin/nologin kickout-bridge, or \
                 name another in account."
                    .to_owned()
            }
        }
    }
}

/// Whose rights an agent of this account's sites is to have; none is our own.
pub fn of(name: &str) -> Result<Option<Owner>, OwnerError> {
    let table = std::fs::read_to_string("/etc/passwd").map_err(OwnerError::Table)?;
    let owner = account(&table, name).ok_or_else(|| OwnerError::Unknown(name.to_owned()))?;
    let own = rustix::process::geteuid().as_raw();
    match owner.uid {
        0 => Err(OwnerError::Root(name.to_owned())),
        uid if uid == own => Ok(None),
        _ if own == 0 => Ok(Some(owner)),
        _ => Err(OwnerError::Other(name.to_owned())),
    }
}

/// Whose rights the front is to have, beside agents with those of `owners`; none is our own, when we
/// cannot give it others.
pub fn front(name: &str, owners: &[Option<Owner>]) -> Result<Option<Owner>, OwnerError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let table = std::fs::read_to_string("/etc/passwd").map_err(OwnerError::Table)?;
    let why = match account(&table, name) {
        None => "this host has none of this name",
        Some(front) if front.uid == 0 => "it is root",
        Some(front) if owners.iter().flatten().any(|it| it.uid == front.uid) => {
            "a site belongs to it"
        }
        Some(front) => return Ok(Some(front)),
    };
    let name = name.to_owned();
    Err(OwnerError::Front { name, why })
}

/// The account of this number.
pub(crate) fn named(uid: u32) -> Result<Option<String>, OwnerError> {
    let table = std::fs::read_to_string("/etc/passwd").map_err(OwnerError::Table)?;
    Ok(table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, own) = (fields.next()?, fields.nth(1)?);
        (own.parse() == Ok(uid)).then(|| name.to_owned())
    }))
}

fn account(table: &str, name: &str) -> Option<Owner> {
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (own, uid, gid) = (fields.next()?, fields.nth(1)?, fields.next()?);
        (own == name).then_some(())?;
        Some(Owner {
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_by_their_names() {
        let table = "root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:33:34:www:/var/www:/bin/false\n";
        assert_eq!(account(table, "web"), Some(Owner { uid: 33, gid: 34 }));
        assert_eq!(account(table, "we"), None);
        assert_eq!(account(table, "broken"), None);
        assert!(matches!(of("root"), Err(OwnerError::Root(_))));
        assert!(matches!(of("no:body"), Err(OwnerError::Unknown(_))));
    }
}
