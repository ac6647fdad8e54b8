//! A vagrant machine: `vagrant ssh-config` says how, the ssh transport does the rest.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::{Around, Placed, Start, ssh};
use crate::connection::Connection;
use crate::deliver::sha256;
use crate::target::{Host, KeyPath, Port, Ssh, TargetError, User, Vagrant};

/// Vagrant is slow to start, and never prints much.
const DEADLINE: Duration = Duration::from_secs(60);

/// The largest output that is read, in bytes.
const MAX_OUTPUT: usize = 64 * 1024;

/// Why a vagrant machine was not reached.
#[derive(Debug, thiserror::Error)]
pub enum VagrantError {
    /// There is no such program.
    #[error("vagrant is not installed: no `vagrant` on the PATH")]
    Missing,
    /// It failed.
    #[error("`{command}` failed: {why}")]
    Failed {
        /// As one would type it.
        command: String,
        /// The last it said.
        why: String,
    },
    /// It printed something that is no configuration.
    #[error("`{command}` named no {missing}")]
    Incomplete {
        /// As one would type it.
        command: String,
        /// The keyword.
        missing: &'static str,
    },
    /// It printed a value that is none.
    #[error(transparent)]
    Value(#[from] TargetError),
    /// Reaching it over ssh failed.
    #[error(transparent)]
    Ssh(#[from] ssh::SshError),
}

impl VagrantError {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Missing => "Install vagrant, or use --ssh=<user>@<host> directly.".to_owned(),
            Self::Failed { .. } | Self::Incomplete { .. } => {
                "Run kickout in the folder of the Vagrantfile, with the machine up: `vagrant status`."
                    .to_owned()
            }
            Self::Value(error) => error.fix(),
            Self::Ssh(error) => error.fix(),
        }
    }
}

/// Starts an agent on a machine of the Vagrantfile here.
pub async fn open(machine: &Vagrant, start: &Start<'_>) -> Result<Connection, VagrantError> {
    let (host, args, accept) = host(machine, start).await?;
    let start = Start {
        accept_new_host_keys: start.accept_new_host_keys || accept,
        ..*start
    };
    Ok(ssh::open(&host, &args, &start).await?)
}

/// Names the agents that lie on a machine, or removes them.
pub async fn tidy(
    machine: &Vagrant,
    start: &Start<'_>,
    remove: bool,
) -> Result<Vec<Placed>, VagrantError> {
    let (host, args, accept) = host(machine, start).await?;
    let start = Start {
        accept_new_host_keys: start.accept_new_host_keys || accept,
        ..*start
    };
    Ok(ssh::tidy(&host, &args, &start, remove).await?)
}

/// The ssh host that a machine is, words for its connection, and whether its key is taken on first
/// contact.
async fn host(
    machine: &Vagrant,
    start: &Start<'_>,
) -> Result<(Ssh, Vec<String>, bool), VagrantError> {
    let name = machine.machine.as_ref().map(|name| name.as_str());
    let text = ssh_config(name, start.around).await?;
    let found = Found::read(&text);
    let missing = |missing| VagrantError::Incomplete {
        command: command(name),
        missing,
    };
    let host = Host::new(found.host_name.ok_or_else(|| missing("HostName"))?)?;
    let user = found.user.map(User::new).transpose()?;
    let port = found.port.map(Port::new).transpose()?;
    let key = found.key.map(KeyPath::new).transpose()?;
    let loopback = host
        .as_str()
        .parse()
        .is_ok_and(|it: IpAddr| it.is_loopback());
    let mut args = vec!["-oIdentitiesOnly=yes".to_owned()];
    // Every box on a loopback port has the same name and another key: each is remembered as itself.
    if let (true, Some(key), Some(state)) = (loopback, &key, state(start.around)) {
        args.push(format!("-oUserKnownHostsFile={}", state.display()));
        args.push(format!(
            "-oHostKeyAlias=vagrant-{}",
            machine_id(key.as_str())
        ));
    }
    let target = Ssh {
        host,
        user: machine.user.clone().or(user),
        port,
        path: machine.path.clone(),
        jump: None,
        key,
        config: None,
        sudo: None,
    };
    Ok((target, args, loopback))
}

fn command(machine: Option<&str>) -> String {
    match machine {
        Some(name) => format!("vagrant ssh-config {name}"),
        None => "vagrant ssh-config".to_owned(),
    }
}

async fn ssh_config(machine: Option<&str>, around: &Around) -> Result<String, VagrantError> {
    let program = around.program("vagrant").ok_or(VagrantError::Missing)?;
    let failed = |why: String| VagrantError::Failed {
        command: command(machine),
        why,
    };
    let running = Command::new(program)
        .arg("ssh-config")
        .args(machine)
        .current_dir(&around.cwd)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(DEADLINE, running).await {
        Ok(output) => output.map_err(|why| failed(why.to_string()))?,
        Err(_) => {
            return Err(failed(format!(
                "no answer in {} seconds",
                DEADLINE.as_secs()
            )));
        }
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rfind(|line| !line.trim().is_empty());
        let why = last
            .unwrap_or("it said nothing")
            .chars()
            .take(300)
            .collect();
        return Err(failed(why));
    }
    if output.stdout.len() > MAX_OUTPUT {
        return Err(failed("it prints without end".to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What vagrant says of the first machine it names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found<'a> {
    host_name: Option<&'a str>,
    user: Option<&'a str>,
    port: Option<&'a str>,
    key: Option<&'a str>,
}

impl<'a> Found<'a> {
    fn read(text: &'a str) -> Self {
        let mut found = Self::default();
        let mut hosts = 0;
        for line in text.lines() {
            let Some((keyword, value)) = line.trim().split_once(char::is_whitespace) else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            let place = match keyword {
                "Host" => {
                    hosts += 1;
                    continue;
                }
                "HostName" => &mut found.host_name,
                "User" => &mut found.user,
                "Port" => &mut found.port,
                "IdentityFile" => &mut found.key,
                _ => continue,
            };
            if hosts == 1 && place.is_none() {
                *place = Some(value);
            }
        }
        found
    }
}

/// Where the keys of machines are remembered.
fn state(around: &Around) -> Option<PathBuf> {
    let base = match around.var("XDG_STATE_HOME") {
        Some(state) if state.starts_with('/') => PathBuf::from(state),
        _ => around.home()?.join(".local/state"),
    };
    Some(base.join("kickout/vagrant_known_hosts"))
}

/// Another box has another name: vagrant keeps its id beside its key.
fn machine_id(key: &str) -> String {
    let id = Path::new(key).with_file_name("id");
    let id = std::fs::read(id).unwrap_or_default();
    let hash = sha256(&[key.as_bytes(), &id].concat());
    hash.chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::Found;

    #[test]
    fn the_first_machine_counts() {
        let text = "Host default\n  HostName 127.0.0.1\n  User vagrant\n  Port 2222\n  \
                    UserKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  \
                    IdentityFile \"/w p/.vagrant/machines/default/virtualbox/private_key\"\n  \
                    IdentityFile /second\n\nHost other\n  HostName 10.0.0.1\n";
        assert_eq!(
            Found::read(text),
            Found {
                host_name: Some("127.0.0.1"),
                user: Some("vagrant"),
                port: Some("2222"),
                key: Some("/w p/.vagrant/machines/default/virtualbox/private_key"),
            }
        );
        assert_eq!(Found::read("no configuration"), Found::default());
    }
}
