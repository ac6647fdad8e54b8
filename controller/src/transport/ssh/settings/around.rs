//! What surrounds the program: whose home it is, who runs it, where programs and files are. Read
//! once, so that everything else here is a function of it.

use std::ffi::OsString;
use std::path::PathBuf;

/// `/etc/passwd` of the largest machines takes a few megabytes; it is read to one line.
const MAX_PASSWD: u64 = 8 * 1024 * 1024;

/// The value of a variable of the environment.
pub type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The surroundings.
pub struct Around {
    /// The operator's home: `HOME`, else the one of the account.
    pub home: PathBuf,
    /// The home that OpenSSH uses, when it could be found out.
    pub account_home: Option<PathBuf>,
    /// The operator's account on this machine.
    pub user: Option<String>,
    /// Its number.
    pub uid: u32,
    /// What this machine calls itself.
    pub local_host: Option<String>,
    /// `PATH`.
    pub path: OsString,
    /// The configuration for everybody.
    pub system_config: PathBuf,
    /// The variables of the environment.
    pub var: Box<Variables>,
}

impl Around {
    /// What surrounds this process.
    #[must_use]
    pub fn here() -> Self {
        let uid = rustix::process::getuid().as_raw();
        let account = account(uid);
        let text = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        let account_home = account.as_ref().map(|(_, home)| PathBuf::from(home));
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        Self {
            home: home
                .map(PathBuf::from)
                .or_else(|| account_home.clone())
                .unwrap_or_else(|| PathBuf::from("/")),
            account_home,
            // As OpenSSH: the account's own name before what a variable claims.
            user: account
                .map(|(name, _)| name)
                .or_else(|| text("LOGNAME"))
                .or_else(|| text("USER")),
            uid,
            local_host: host.map(|host| host.trim().to_owned()),
            path: std::env::var_os("PATH").unwrap_or_default(),
            system_config: PathBuf::from("/etc/ssh/ssh_config"),
            var: Box::new(|name| std::env::var(name).ok()),
        }
    }
}

/// The name and the home of an account, from the local table of accounts.
fn account(uid: u32) -> Option<(String, String)> {
    use std::io::{BufRead as _, BufReader, Read as _};
    let table = std::fs::File::open("/etc/passwd").ok()?;
    let lines = BufReader::new(table.take(MAX_PASSWD)).split(b'\n');
    lines.map_while(Result::ok).find_map(|line| {
        let line = String::from_utf8(line).ok()?;
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        let home = fields.nth(2)?;
        (number.parse() == Ok(uid)).then(|| (name.to_owned(), home.to_owned()))
    })
}
