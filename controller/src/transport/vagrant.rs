//! A vagrant machine: `vagrant ssh-config` says how, the ssh transport does the rest.

use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::ssh::args::escaped;
use super::{Around, Placed, Start, ssh};
use crate::connection::Connection;
use crate::target::{Container, Host, KeyPath, Port, Ssh, TargetError, User, Vagrant};
use kickout_shared::token::sha256_hex;

/// Vagrant is slow to start, and never prints much.
const DEADLINE: Duration = Duration::from_secs(60);

/// The largest output that is read, in bytes.
const MAX_OUTPUT: u64 = 64 * 1024;

/// The most that is shown of a complaint, in characters.
const MAX_COMPLAINT: usize = 300;

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
        /// What it complained of.
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
    /// There are several machines, and which one is meant was not said.
    #[error("this Vagrantfile has several machines: {}", names.join(", "))]
    Several {
        /// Their names; at least two.
        names: Vec<String>,
    },
    /// It is reached through a command.
    #[error("vagrant reaches {name} through a ProxyCommand, which is not taken from it")]
    ProxyCommand {
        /// The machine.
        name: String,
    },
    /// It printed a value that is none.
    #[error("`{command}`: {flaw}")]
    Value {
        /// As one would type it.
        command: String,
        /// What is wrong with the value.
        flaw: TargetError,
    },
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
            Self::Several { names } => {
                let name = names.first().map_or("<machine>", String::as_str);
                format!("Name one: --ssh=vagrant:{name}.")
            }
            Self::ProxyCommand { name } => format!(
                "Take it over yourself: `vagrant ssh-config {name} >> ~/.ssh/config`, then \
                 --ssh={name}."
            ),
            Self::Value { flaw, .. } => flaw.fix(),
            Self::Ssh(error) => error.fix(),
        }
    }
}

/// Starts an agent on a machine of the Vagrantfile here.
pub async fn open(
    machine: &Vagrant,
    args: &[String],
    start: &Start<'_>,
) -> Result<Connection, VagrantError> {
    let way = Way::to(machine, args, start).await?;
    let connection = ssh::open(&way.host, &way.args, &way.start(start)).await?;
    // A Vagrantfile forwards the ports of its machine to this one.
    Ok(Connection {
        tunnel: None,
        ..connection
    })
}

/// Names the agents that lie on a machine, or removes them.
pub async fn tidy(
    machine: &Vagrant,
    args: &[String],
    start: &Start<'_>,
    remove: bool,
) -> Result<Vec<Placed>, VagrantError> {
    let way = Way::to(machine, args, start).await?;
    Ok(ssh::tidy(&way.host, &way.args, &way.start(start), remove).await?)
}

/// A machine as an ssh host.
struct Way {
    host: Ssh,
    /// The operator's words for the connection, and ours.
    args: Vec<String>,
    /// Whether its key is taken on first contact.
    accept: bool,
}

impl Way {
    async fn to(
        machine: &Vagrant,
        args: &[String],
        start: &Start<'_>,
    ) -> Result<Self, VagrantError> {
        let name = machine.machine.as_ref().map(|name| name.as_str());
        let text = ssh_config(name, start.around).await?;
        let missing = |missing| VagrantError::Incomplete {
            command: command(name),
            missing,
        };
        let bad = |flaw| VagrantError::Value {
            command: command(name),
            flaw,
        };
        let mut all = Machine::all(&text);
        if all.len() > 1 {
            let names = all.iter().map(|it| it.name.to_owned()).collect();
            return Err(VagrantError::Several { names });
        }
        let found = all.pop().ok_or_else(|| missing("Host"))?;
        let known = Container::new(found.name).map_err(bad)?;
        if found.proxy {
            let name = found.name.to_owned();
            return Err(VagrantError::ProxyCommand { name });
        }
        let host = found.host_name.ok_or_else(|| missing("HostName"))?;
        let host = Host::new(host).map_err(bad)?;
        let user = found.user.map(User::new).transpose().map_err(bad)?;
        let port = found.port.map(Port::new).transpose().map_err(bad)?;
        let mut args = args.to_vec();
        args.push("-oIdentitiesOnly=yes".to_owned());
        for key in found.keys {
            let key = KeyPath::new(key).map_err(bad)?;
            args.push(format!("-i{}", escaped(key.as_str())));
        }
        let loopback = host
            .as_str()
            .parse()
            .is_ok_and(|it: IpAddr| it.is_loopback());
        // Every box on a loopback port has the same name and another key: each is remembered as
        // itself.
        // Where the keys of machines are remembered.
        let state = start.around.state().filter(|_| loopback);
        let state = state.map(|it| it.join("vagrant_known_hosts"));
        if let Some(file) = state.as_deref().and_then(|it| it.to_str()) {
            let file = escaped(&escaped(file));
            args.push(format!("-oUserKnownHostsFile={file}"));
            let id = machine_id(start.around, known.as_str());
            args.push(format!("-oHostKeyAlias=vagrant-{id}"));
        }
        let host = Ssh {
            host,
            user: machine.user.clone().or(user),
            port,
            path: machine.path.clone(),
            jump: None,
            key: None,
            config: None,
            sudo: None,
        };
        Ok(Self {
            host,
            args,
            accept: state.is_some(),
        })
    }

    fn start<'a>(&self, start: &Start<'a>) -> Start<'a> {
        Start {
            accept_new_host_keys: start.accept_new_host_keys || self.accept,
            ..*start
        }
    }
}

fn command(machine: Option<&str>) -> String {
    match machine {
        Some(name) => format!("vagrant ssh-config {name}"),
        None => "vagrant ssh-config".to_owned(),
    }
}

/// Vagrant, and what it has started: a launcher, and Ruby behind it. They end with the value.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may have ended by itself.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

async fn ssh_config(machine: Option<&str>, around: &Around) -> Result<String, VagrantError> {
    let program = around.program("vagrant").ok_or(VagrantError::Missing)?;
    let failed = |why: String| VagrantError::Failed {
        command: command(machine),
        why,
    };
    let child = Command::new(program)
        .arg("ssh-config")
        .args(machine)
        .current_dir(&around.cwd)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let mut child = child.map_err(|why| failed(why.to_string()))?;
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let mut group = Group(id.and_then(Pid::from_raw));
    let (output, complaint) = (child.stdout.take(), child.stderr.take());
    let running = async {
        let said = tokio::try_join!(all(output), all(complaint))?;
        let status = child.wait().await.map_err(|why| why.to_string())?;
        Ok::<_, String>((said, status))
    };
    let ended = tokio::time::timeout(DEADLINE, running).await;
    let late = || failed(format!("no answer in {} seconds", DEADLINE.as_secs()));
    let ((output, complaint), status) = ended.map_err(|_| late())?.map_err(failed)?;
    group.0 = None;
    if !status.success() {
        // Vagrant wraps what it says; the rest is an advice, or a trace.
        let lines = complaint.trim().lines();
        let words = lines.take_while(|line| !line.trim().is_empty());
        let words: Vec<&str> = words.flat_map(str::split_whitespace).collect();
        let why = match words.is_empty() {
            true => "it said nothing".to_owned(),
            false => words.join(" ").chars().take(MAX_COMPLAINT).collect(),
        };
        return Err(failed(why));
    }
    Ok(output)
}

/// All that comes through a pipe, unless it is too much.
async fn all(pipe: Option<impl AsyncRead + Unpin>) -> Result<String, String> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let mut pipe = pipe.take(MAX_OUTPUT + 1);
        let read = pipe.read_to_end(&mut bytes).await;
        read.map_err(|why| why.to_string())?;
    }
    match bytes.len() as u64 > MAX_OUTPUT {
        true => Err("it prints without end".to_owned()),
        false => Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// What vagrant says of a machine.
#[derive(Debug, Default, PartialEq, Eq)]
struct Machine<'a> {
    name: &'a str,
    host_name: Option<&'a str>,
    user: Option<&'a str>,
    port: Option<&'a str>,
    keys: Vec<&'a str>,
    proxy: bool,
}

impl<'a> Machine<'a> {
    fn all(text: &'a str) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for line in text.lines() {
            let Some((keyword, value)) = line.trim().split_once(char::is_whitespace) else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            if keyword == "Host" {
                all.push(Self {
                    name: value,
                    ..Self::default()
                });
            }
            let Some(machine) = all.last_mut() else {
                continue;
            };
            match keyword {
                "HostName" => _ = machine.host_name.get_or_insert(value),
                "User" => _ = machine.user.get_or_insert(value),
                "Port" => _ = machine.port.get_or_insert(value),
                "IdentityFile" => machine.keys.push(value),
                "ProxyCommand" => machine.proxy = true,
                _ => {}
            }
        }
        all
    }
}

/// Names a box: a machine of this Vagrantfile, and the id that vagrant gives each box in its place.
/// Its key file would not do: many boxes have the one that vagrant brings along.
fn machine_id(around: &Around, name: &str) -> String {
    let here = around
        .cwd
        .join(around.var("VAGRANT_CWD").unwrap_or_default());
    let dot = around.var("VAGRANT_DOTFILE_PATH").unwrap_or(".vagrant");
    let mut folders = here
        .ancestors()
        .map(|it| it.join(dot).join("machines").join(name));
    let folder = folders.find(|it| it.is_dir()).unwrap_or(here.join(name));
    let providers = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut ids: Vec<PathBuf> = providers.map(|it| it.path().join("id")).collect();
    ids.sort();
    let mut known = folder.as_os_str().as_bytes().to_vec();
    for id in ids {
        // A provider that has no box here has no id.
        known.extend(std::fs::read(id).unwrap_or_default());
    }
    sha256_hex(&known).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::Machine;

    #[test]
    fn machines_are_read_as_vagrant_prints_them() {
        let text = "Host default\n  HostName 127.0.0.1\n  User vagrant\n  Port 2222\n  \
                    UserKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  \
                    IdentityFile \"/w p/.vagrant/machines/default/virtualbox/private_key\"\n  \
                    IdentityFile /second\n\nHost other\n  HostName 10.0.0.1\n  ProxyCommand x\n";
        let default = Machine {
            name: "default",
            host_name: Some("127.0.0.1"),
            user: Some("vagrant"),
            port: Some("2222"),
            keys: vec![
                "/w p/.vagrant/machines/default/virtualbox/private_key",
                "/second",
            ],
            proxy: false,
        };
        let other = Machine {
            name: "other",
            host_name: Some("10.0.0.1"),
            proxy: true,
            ..Machine::default()
        };
        assert_eq!(Machine::all(text), [default, other]);
        assert_eq!(Machine::all("no configuration"), []);
    }
}
