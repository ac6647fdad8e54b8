//! Over ssh: one connection a host, everything else is settings, identity, login and one exec.
//! russh stays behind this module; what the agent is asked is not known here.

mod agent;
mod answers;
pub mod args;
mod channel;
mod dial;
mod error;
mod expand;
mod gate;
mod identity;
mod keys;
pub mod known_hosts;
mod login;
mod openssh;
mod pattern;
mod plain;
mod raw;
pub mod settings;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::pin::Pin;
use std::time::Duration;

use russh::client::{Handle, Handler};
use tokio::process::Child;

use self::args::SshArgs;
pub(super) use self::channel::tunnel;
use self::dial::Stream;
pub use self::error::SshError;
use self::gate::{Gate, Pass};
use self::identity::Identity;
use self::keys::Keys;
use self::login::Login;
use self::settings::{Asked, Settings};
use super::shell::Placed;
use super::{Start, WARNING};
use crate::connection::Connection;
use crate::target::{Jump, Ssh};

/// What the operator brings to every host: home, configuration, keys, the hosts that are known.
pub struct Operator {
    around: settings::Around,
    keys: Keys,
    gate: Gate,
    known: known_hosts::Files,
}

impl Operator {
    /// As this process has it.
    #[must_use]
    pub fn here() -> Self {
        Self {
            around: settings::Around::here(),
            keys: Keys::default(),
            gate: Gate::default(),
            known: known_hosts::Files::default(),
        }
    }
}

/// Jump hosts behind one another; more is a loop.
const MAX_HOPS: usize = 8;

/// Times a host that hangs up before its key is asked.
const ATTEMPTS: u32 = 5;

/// The longest first pause between two attempts; each further one may be twice as long.
const PAUSE: Duration = Duration::from_millis(500);

/// How long to wait before asking again: any part of the pause, so that many do not come back at
/// the same moment.
fn pause(attempt: u32) -> Duration {
    let random = RandomState::new().hash_one(attempt);
    let longest = PAUSE * 2u32.pow(attempt - 1);
    longest.mul_f64(random as f64 / u64::MAX as f64)
}

/// A login on a host.
pub(super) struct Session {
    handle: Handle<Identity>,
    /// Host and port, for texts.
    place: String,
    /// The account.
    user: String,
    /// What the connection runs through: the login on the jump host, or the ProxyCommand.
    #[expect(dead_code, reason = "held, so that it lives as long")]
    through: Through,
}

impl Session {
    pub(super) fn handle(&self) -> &Handle<impl Handler + use<>> {
        &self.handle
    }

    /// Host and port, for texts.
    pub(super) fn place(&self) -> &str {
        &self.place
    }
}

enum Through {
    Network,
    #[expect(dead_code, reason = "held, so that it lives as long")]
    Host(Box<Session>),
    #[expect(dead_code, reason = "held, so that it lives as long")]
    Command(Child),
}

/// Starts an agent on a host.
pub async fn open(ssh: &Ssh, args: &[String], start: &Start<'_>) -> Result<Connection, SshError> {
    let session = connect(ssh, args, start).await?;
    let account = ssh.sudo.as_ref().map(crate::target::User::as_str);
    agent::start(session, account, start).await
}

/// Names the agents that lie on a host, or removes them.
pub async fn tidy(
    ssh: &Ssh,
    args: &[String],
    start: &Start<'_>,
    remove: bool,
) -> Result<Vec<Placed>, SshError> {
    let session = connect(ssh, args, start).await?;
    let account = ssh.sudo.as_ref().map(crate::target::User::as_str);
    agent::tidy(&session, account, start, remove).await
}

/// Logs in on a host.
pub(super) async fn connect(
    ssh: &Ssh,
    args: &[String],
    start: &Start<'_>,
) -> Result<Session, SshError> {
    // The key of an alias comes before those of the configuration, like `-i`.
    let key = ssh
        .key
        .as_ref()
        .map(|key| format!("-i{}", args::escaped(key.as_str())));
    let args: Vec<String> = key.into_iter().chain(args.iter().cloned()).collect();
    let args = SshArgs::parse(&args)?;
    let config = ssh
        .config
        .as_ref()
        .map(|file| start.around.expanded(file.as_str()));
    let asked = Asked {
        host: &ssh.host,
        user: ssh.user.as_ref(),
        port: ssh.port,
        config: config.as_deref(),
        args: &args,
    };
    let way = Way {
        jump: ssh.jump.clone(),
        files_first: ssh.key.is_some(),
        depth: 0,
    };
    reach(asked, way, start).await
}

/// What is asked of the way to a host beside its settings.
struct Way {
    /// The hosts on it; those of the settings when none were named.
    jump: Option<Jump>,
    /// Whether a key was named for this very host.
    files_first: bool,
    /// The hosts that are reached through it.
    depth: usize,
}

/// Settings, the way there, identity, login; for each jump host the same again.
fn reach<'a>(
    asked: Asked<'a>,
    way: Way,
    start: &'a Start<'_>,
) -> Pin<Box<dyn Future<Output = Result<Session, SshError>> + 'a>> {
    Box::pin(async move {
        let settings = settings::resolve(asked, &start.operator.around).await?;
        let place = dial::place(&settings);
        for warning in &settings.warnings {
            (start.tell)(WARNING, warning.clone());
        }
        (start.tell)("name", format!("{} is {place}", asked.host));
        if way.depth > MAX_HOPS {
            return Err(SshError::Connect {
                place,
                why: format!("more than {MAX_HOPS} jump hosts: a loop"),
            });
        }
        let jump = way.jump.or_else(|| settings.proxy_jump.clone());
        let mut attempts = 1;
        let (mut handle, said, through, pass) = loop {
            let (stream, through, pass) =
                stream(&settings, &asked, jump.as_ref(), start, way.depth).await?;
            (start.tell)("connect", format!("{place} answers"));
            let scan = scan(&settings, jump.as_ref());
            let known = &start.operator.known;
            let accept_new = start.accept_new_host_keys;
            match dial::handshake(&settings, stream, scan, known, accept_new).await {
                Ok((handle, said)) => break (handle, said, through, pass),
                // A server that is asked by many at once drops some: MaxStartups.
                Err(SshError::Dropped { .. }) if attempts < ATTEMPTS => {
                    drop(pass);
                    tokio::time::sleep(pause(attempts)).await;
                    attempts += 1;
                }
                Err(SshError::Dropped { place, .. }) => {
                    return Err(SshError::Dropped { place, attempts });
                }
                Err(error) => return Err(error),
            }
        };
        (start.tell)("host key", said.accepted());
        let login = Login {
            handle: &mut handle,
            settings: &settings,
            keys: &start.operator.keys,
            ask: start.ask.filter(|_| !settings.batch),
            place: place.clone(),
            files_first: way.files_first,
            hop: way.depth > 0,
        };
        let how = login.run().await;
        drop(pass);
        let how = how.map_err(|error| error.greeted(&said.banner()))?;
        (start.tell)("login", format!("as {} with {how}", settings.user));
        Ok(Session {
            handle,
            place,
            user: settings.user.to_string(),
            through,
        })
    })
}

/// The command that shows a host's keys: where it can be reached from, and none of its words needs
/// a quote.
fn scan(settings: &Settings, jump: Option<&Jump>) -> String {
    let host = settings.host_name.as_str();
    let scan = match settings.port.get() {
        22 => format!("ssh-keyscan {host}"),
        port => format!("ssh-keyscan -p {port} {host}"),
    };
    let Some((last, before)) = jump.and_then(|jump| jump.hops().split_last()) else {
        return scan;
    };
    match Jump::of(before) {
        Some(before) => format!("ssh -J {before} ssh://{last} {scan}"),
        None => format!("ssh ssh://{last} {scan}"),
    }
}

/// The bytes to a host: through the last of its jump hosts, a command, or the network.
async fn stream(
    settings: &Settings,
    asked: &Asked<'_>,
    jump: Option<&Jump>,
    start: &Start<'_>,
    depth: usize,
) -> Result<(Box<dyn Stream>, Through, Pass), SshError> {
    let place = dial::place(settings);
    let gate = &start.operator.gate;
    if let Some((last, before)) = jump.and_then(|jump| jump.hops().split_last()) {
        let none = SshArgs::default();
        let hop = Asked {
            host: &last.host,
            user: last.user.as_ref(),
            port: last.port,
            config: asked.config.or_else(|| asked.args.config()),
            args: &none,
        };
        let way = Way {
            jump: Jump::of(before),
            files_first: false,
            depth: depth + 1,
        };
        let session = reach(hop, way, start).await?;
        // Only now: whoever waits for one host must not hold back another.
        let pass = gate.pass(&place).await;
        let refused = |error: russh::Error| SshError::Connect {
            place: place.clone(),
            why: format!(
                "{} does not pass on: {}",
                session.place,
                dial::words(&error)
            ),
        };
        let (host, port) = (settings.host_name.as_str(), settings.port.get().into());
        let forwarding = session
            .handle
            .channel_open_direct_tcpip(host, port, "127.0.0.1", 0);
        let channel = match tokio::time::timeout(dial::CONNECT, forwarding).await {
            Ok(channel) => channel.map_err(refused)?,
            Err(_) => return Err(dial::late(place, "connecting", dial::CONNECT)),
        };
        return Ok((
            Box::new(channel.into_stream()),
            Through::Host(Box::new(session)),
            pass,
        ));
    }
    let pass = gate.pass(&place).await;
    if let Some(command) = &settings.proxy_command {
        let shell = start.around.var("SHELL").filter(|it| it.starts_with('/'));
        let shell = shell.unwrap_or("/bin/sh");
        let (stream, child) = dial::proxy(shell, command.as_str(), &place)?;
        return Ok((Box::new(stream), Through::Command(child), pass));
    }
    Ok((Box::new(dial::tcp(settings).await?), Through::Network, pass))
}
