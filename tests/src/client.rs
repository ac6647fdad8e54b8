//! What an operator has at home for ssh: a key, the hosts that are known, a configuration.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::scratch::{shell, text};
use crate::{Kickout, Scratch, Sshd};

/// An operator's home directory, which several runs may share.
#[derive(Debug)]
pub struct Client {
    home: Scratch,
}

impl Client {
    /// One who knows nobody and has no key.
    #[expect(clippy::new_without_default)]
    pub fn new() -> Self {
        let home = Scratch::new("operator");
        let ssh = home.join(".ssh");
        fs::create_dir(&ssh).unwrap();
        fs::set_permissions(&ssh, Permissions::from_mode(0o700)).unwrap();
        Self { home }
    }

    /// One with the key of a server and its host key: all is well.
    pub fn of(sshd: &Sshd) -> Self {
        Self::new().with_key(sshd).knows(sshd)
    }

    /// Has the key that this server lets in.
    #[must_use]
    pub fn with_key(self, sshd: &Sshd) -> Self {
        let file = self.file("id_ed25519");
        fs::copy(sshd.operator_key(), &file).unwrap();
        fs::copy(
            sshd.operator_key().with_extension("pub"),
            self.file("id_ed25519.pub"),
        )
        .unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
        self
    }

    /// Knows this server's host key.
    #[must_use]
    pub fn knows(self, sshd: &Sshd) -> Self {
        self.known(&format!("{} {}", sshd.name(), sshd.key()))
    }

    /// One more line of known_hosts.
    #[must_use]
    pub fn known(self, line: &str) -> Self {
        self.append("known_hosts", line)
    }

    /// More lines of the ssh configuration.
    #[must_use]
    pub fn config(self, lines: &str) -> Self {
        self.append("config", lines)
    }

    /// Hashes all names in known_hosts, as `HashKnownHosts` does.
    #[must_use]
    pub fn hashed(self) -> Self {
        shell(
            "ssh-keygen",
            &["-q", "-H", "-f", &text(&self.file("known_hosts"))],
        );
        self
    }

    /// A file of `~/.ssh`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.join(".ssh").join(name)
    }

    /// The text of known_hosts.
    pub fn known_hosts(&self) -> String {
        fs::read_to_string(self.file("known_hosts")).unwrap_or_default()
    }

    /// Its home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A run of kickout from here.
    pub fn kickout(&self) -> Kickout {
        Kickout::new().env("HOME", self.home()).cwd(self.home())
    }

    /// A run over ssh: `--ssh=<to>`.
    pub fn over(&self, to: impl AsRef<str>) -> Kickout {
        self.kickout().arg(format!("--ssh={}", to.as_ref()))
    }

    fn append(self, name: &str, lines: &str) -> Self {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.file(name))
            .unwrap();
        writeln!(file, "{lines}").unwrap();
        self
    }
}
