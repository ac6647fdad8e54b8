//! The target itself: one closed set of places a request can go to, and its canonical text.

use std::fmt;

use super::field::{Container, Host, Jump, KeyPath, Port, RemotePath, User};
use super::grammar::Scheme;
use super::http::HttpUrl;

/// A validated place that requests are sent to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// This machine.
    Local,
    /// A host over ssh.
    Ssh(Ssh),
    /// A running container.
    Docker(Contained),
    /// A running service of a compose project.
    DockerCompose(Contained),
    /// A new container of a service of a compose project.
    DockerComposeRun(Contained),
    /// A vagrant machine.
    Vagrant(Vagrant),
    /// A bridge.
    Http(HttpUrl),
}

/// How to reach a host over ssh.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ssh {
    /// The host.
    pub host: Host,
    /// The account; ssh decides when none was named.
    pub user: Option<User>,
    /// The port; ssh decides when none was named.
    pub port: Option<Port>,
    /// The directory to start in.
    pub path: Option<RemotePath>,
    /// The hosts on the way.
    pub jump: Option<Jump>,
    /// The private key to offer.
    pub key: Option<KeyPath>,
    /// The OpenSSH configuration to read instead of the operator's.
    pub config: Option<KeyPath>,
    /// The account to become on the host.
    pub sudo: Option<User>,
}

/// How to reach a container. A port in the connection string is ignored, as in WP-CLI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Contained {
    /// The container or service.
    pub name: Container,
    /// The account in it; the image decides when none was named.
    pub user: Option<User>,
    /// The directory to start in.
    pub path: Option<RemotePath>,
}

/// How to reach a vagrant machine; its address and key come from `vagrant ssh-config`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Vagrant {
    /// The machine; the only one of the project when none was named.
    pub machine: Option<Container>,
    /// The account, when not the one that vagrant names.
    pub user: Option<User>,
    /// The directory to start in.
    pub path: Option<RemotePath>,
}

impl Target {
    /// The directory the connection string names: a site is searched from here upward.
    #[must_use]
    pub fn path(&self) -> Option<&RemotePath> {
        match self {
            Self::Local | Self::Http(_) => None,
            Self::Ssh(ssh) => ssh.path.as_ref(),
            Self::Docker(inside) | Self::DockerCompose(inside) | Self::DockerComposeRun(inside) => {
                inside.path.as_ref()
            }
            Self::Vagrant(vagrant) => vagrant.path.as_ref(),
        }
    }

    /// The same place without the directory: two sites there share a connection.
    #[must_use]
    pub fn without_path(&self) -> Self {
        let mut place = self.clone();
        match &mut place {
            Self::Local | Self::Http(_) => {}
            Self::Ssh(ssh) => ssh.path = None,
            Self::Docker(inside) | Self::DockerCompose(inside) | Self::DockerComposeRun(inside) => {
                inside.path = None;
            }
            Self::Vagrant(vagrant) => vagrant.path = None,
        }
        place
    }

    /// The account the connection string names on the other side.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::Local | Self::Http(_) => None,
            Self::Ssh(ssh) => ssh.user.as_ref(),
            Self::Docker(inside) | Self::DockerCompose(inside) | Self::DockerComposeRun(inside) => {
                inside.user.as_ref()
            }
            Self::Vagrant(vagrant) => vagrant.user.as_ref(),
        }
    }

    /// What the connection string and the display begin with.
    fn scheme(&self) -> Option<Scheme> {
        match self {
            Self::Local | Self::Http(_) => None,
            Self::Ssh(_) => Some(Scheme::Ssh),
            Self::Docker(_) => Some(Scheme::Docker),
            Self::DockerCompose(_) => Some(Scheme::DockerCompose),
            Self::DockerComposeRun(_) => Some(Scheme::DockerComposeRun),
            Self::Vagrant(_) => Some(Scheme::Vagrant),
        }
    }
}

impl fmt::Display for Target {
    /// The canonical connection string, which parses to the same target again; how ssh gets there
    /// (jump, key, configuration, sudo) is not part of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.scheme() {
            write!(f, "{}:", scheme.as_str())?;
        }
        if let Some(user) = self.user() {
            write!(f, "{user}@")?;
        }
        match self {
            Self::Local => f.write_str("local")?,
            Self::Http(url) => url.fmt(f)?,
            Self::Ssh(ssh) => {
                f.write_str(&ssh.host.bracketed())?;
                if let Some(port) = ssh.port {
                    write!(f, ":{port}")?;
                }
            }
            Self::Docker(inside) | Self::DockerCompose(inside) | Self::DockerComposeRun(inside) => {
                inside.name.fmt(f)?;
            }
            Self::Vagrant(vagrant) => {
                if let Some(machine) = &vagrant.machine {
                    machine.fmt(f)?;
                }
            }
        }
        let Some(path) = self.path() else {
            return Ok(());
        };
        // The colon keeps an `@` in the path from making the host before it a user.
        let ported = matches!(self, Self::Ssh(Ssh { port: Some(_), .. }));
        let nameless = matches!(self, Self::Vagrant(Vagrant { machine: None, .. }));
        let colon = if ported || nameless { "" } else { ":" };
        write!(f, "{colon}{path}")
    }
}
