//! The settings themselves: typed, checked, with every path expanded.

use std::path::PathBuf;
use std::time::Duration;

use crate::target::{Host, Jump, Port, User};

/// What is to be resolved: a host as it was asked for, and what was said beside it. A user and a
/// port named here come before anything in a file.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The host as typed; a configuration may give it another name.
    pub host: &'a Host,
    /// The account, when it was named.
    pub user: Option<&'a User>,
    /// The port, when it was named.
    pub port: Option<Port>,
    /// The configuration to read instead of the operator's; `none` is none at all.
    pub config: Option<&'a std::path::Path>,
    /// What `--ssh-args` set.
    pub args: &'a crate::transport::ssh::args::SshArgs,
}

/// Where keys wait for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityAgent {
    /// Nowhere.
    None,
    /// In the agent of the session (`SSH_AUTH_SOCK`); nothing is wrong when it is gone.
    Default(PathBuf),
    /// In the agent that the configuration names.
    Path(PathBuf),
}

/// What happens with a host nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strict {
    /// It is refused.
    Yes,
    /// Its key is made known at the first contact; another key is refused.
    AcceptNew,
    /// The configuration would take any key: that is ignored, and the host is refused.
    NoIgnored,
}

/// The addresses to connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// All of them.
    Any,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// A command of the operator's configuration that carries the connection, with every token
/// expanded from checked values. It is for `$SHELL -c 'exec …'`, as in OpenSSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyCommand(pub(super) String);

impl ProxyCommand {
    /// The command line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `publickey`.
    PublicKey,
    /// `keyboard-interactive`.
    KeyboardInteractive,
    /// `password`.
    Password,
}

/// Everything that is set for one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where to connect; lower case.
    pub host_name: Host,
    /// The port there.
    pub port: Port,
    /// The account there.
    pub user: User,
    /// The name under which the host's key is known, instead of its own.
    pub host_key_alias: Option<String>,
    /// The files of known hosts: the operator's, then the machine's. Any may be missing.
    pub known_hosts: Vec<PathBuf>,
    /// How many of `known_hosts` are the operator's; new keys go into the first, if there is one.
    pub own_known_hosts: usize,
    /// The private keys to offer, there or not.
    pub identity_files: Vec<PathBuf>,
    /// Certificates beside those next to the keys.
    pub certificate_files: Vec<PathBuf>,
    /// Where keys wait for us.
    pub identity_agent: IdentityAgent,
    /// Offer the keys named above only, even when the agent has more.
    pub identities_only: bool,
    /// The hosts on the way.
    pub proxy_jump: Option<Jump>,
    /// The command that carries the connection; never beside `proxy_jump`.
    pub proxy_command: Option<ProxyCommand>,
    /// What happens with a host nobody knows.
    pub strict: Strict,
    /// The addresses to connect to.
    pub family: Family,
    /// How to log in, in this order.
    pub methods: Vec<Method>,
    /// Never ask the operator for anything.
    pub batch: bool,
    /// How long connecting may take.
    pub connect_timeout: Option<Duration>,
    /// After how much silence to ask whether the host is there.
    pub alive_interval: Option<Duration>,
    /// How many unanswered questions end the connection.
    pub alive_count: Option<u32>,
    /// What the operator should hear once.
    pub warnings: Vec<String>,
}
