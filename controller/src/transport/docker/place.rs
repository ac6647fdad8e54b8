//! Puts the agent into a container and starts it there.
//!
//! With a shell in the image, one exec does it all: a constant script finds the agent by its
//! SHA-256 in a private directory, or takes it from stdin, hashes the open file and becomes it. It
//! works where the root cannot be written and a tmpfs can, which the engine's archive interface
//! does not see. Without a shell the archive interface puts the agent below `/` (nobody but root
//! may rename there), anew each time: nothing in such an image could tell whether it still is what
//! it was, and the upload is quicker than reading it back.

use std::time::Duration;

use bollard::Docker;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::DockerError;
use super::archive;
use super::container::{Container, meanwhile};
use super::error::bounded;
use super::exec::{self, Running};
use crate::connection::Connection;
use crate::deliver::sha256;

/// Its own header says what it does.
const SCRIPT: &str = include_str!("place.sh");

/// The directories that are tried, before those of the container's own tmpfs mounts.
const FIRST: [&str; 3] = ["/tmp", "/var/tmp", "/run"];

/// And behind them: the one seldom lets programs run, the other is somebody's root.
const LAST: [&str; 2] = ["/dev/shm", "/"];

/// So many mounts of a container are tried.
const MAX_MOUNTS: usize = 16;

/// How much a login shell may print before the script speaks.
const MAX_NOISE: usize = 64 * 1024;

/// How long the script, or the upload, may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts the agent in a container.
pub(super) async fn start(
    docker: &Docker,
    container: &Container,
    user: Option<&str>,
    agent: &[u8],
    nonce: &str,
) -> Result<Connection, DockerError> {
    let started = begin(docker, container, user, agent, nonce);
    match tokio::time::timeout(PATIENCE, started).await {
        Ok(Err(error @ (DockerError::Start { .. } | DockerError::Engine { .. }))) => {
            // Paused or removed half-way: that says more than the engine's text.
            Err(meanwhile(docker, container).await.unwrap_or(error))
        }
        Ok(started) => started,
        Err(_) => Err(meanwhile(docker, container).await.unwrap_or_else(|| {
            let why = format!("it took longer than {} seconds", PATIENCE.as_secs());
            start_error(container, why)
        })),
    }
}

async fn begin(
    docker: &Docker,
    container: &Container,
    user: Option<&str>,
    agent: &[u8],
    nonce: &str,
) -> Result<Connection, DockerError> {
    let hash = sha256(agent);
    let mut places = places(container);
    let mut refused = Vec::new();
    let why = loop {
        let mut command = vec!["/bin/sh".to_owned(), "-c".to_owned(), SCRIPT.to_owned()];
        command.extend(["kickout", &hash, nonce].map(str::to_owned));
        command.push(agent.len().to_string());
        command.extend(places.iter().cloned());
        match by_shell(docker, container, user, command, agent, nonce).await? {
            Tried::Started(connection) => return Ok(connection),
            Tried::NoShell => break "it has no shell".to_owned(),
            Tried::NoPlace => break "its user may write nowhere".to_owned(),
            Tried::Failed(place) => {
                // A full or `noexec` file system: the next one.
                places.retain(|other| *other != place);
                refused.push(place);
            }
        }
    };
    if !container.read_only {
        let running = archive::start(docker, container, user, agent, &hash, nonce).await?;
        return Ok(connection(running));
    }
    let mut why = format!("its root is read-only, and {why}");
    if !refused.is_empty() {
        why = format!("{why} but in {}, where no program runs", refused.join(", "));
    }
    Err(DockerError::Place {
        container: container.name.clone(),
        why,
    })
}

pub(super) fn places(container: &Container) -> Vec<String> {
    let mut places: Vec<String> = FIRST.map(str::to_owned).to_vec();
    let usable = |path: &&String| path.starts_with('/') && !path.contains(['\n', '\r']);
    let mounts = container.tmpfs.iter().filter(usable).take(MAX_MOUNTS);
    places.extend(mounts.cloned());
    places.extend(LAST.map(str::to_owned));
    let mut seen = std::collections::BTreeSet::new();
    places.retain(|place| seen.insert(place.clone()));
    places
}

fn connection(running: Running) -> Connection {
    Connection {
        from_agent: Box::new(running.output),
        to_agent: Box::new(running.input),
        peer: Box::new(running.program),
    }
}

/// What one run of the script came to.
enum Tried {
    Started(Connection),
    NoShell,
    NoPlace,
    /// Not in this directory, which is one of those that we named.
    Failed(String),
}

async fn by_shell(
    docker: &Docker,
    container: &Container,
    user: Option<&str>,
    command: Vec<String>,
    agent: &[u8],
    nonce: &str,
) -> Result<Tried, DockerError> {
    let places = command[7..].to_vec();
    let mut running = match exec::start(docker, container, user, command).await {
        Ok(running) => running,
        Err(DockerError::Start { why, .. }) => return refused(container, user, &why),
        Err(error) => return Err(error),
    };
    let said = match answer(&mut running.output, nonce).await {
        Ok(said) => said,
        Err(noise) => return silent(container, user, running, &noise).await,
    };
    let Some(place) = said.strip_prefix("need ") else {
        return match said.as_str() {
            "have" => Ok(Tried::Started(connection(running))),
            "none" => Ok(Tried::NoPlace),
            other => Err(start_error(container, bounded(other))),
        };
    };
    let Some(place) = places.into_iter().find(|known| known == place) else {
        return Err(start_error(
            container,
            "it named a place of its own".to_owned(),
        ));
    };
    let wrote = running.input.write_all(agent).await;
    if wrote.is_err() || running.input.flush().await.is_err() {
        return Ok(Tried::Failed(place));
    }
    // The next line is the agent's hello, or the script's regret; only the latter is ours.
    let mut seen = [0; 1];
    let mut line = Vec::new();
    loop {
        match running.output.read(&mut seen).await {
            Ok(1) if line.len() < MAX_NOISE => line.push(seen[0]),
            Ok(0) => return silent(container, user, running, &line).await,
            Ok(_) | Err(_) => return Err(start_error(container, "it prints without end".into())),
        }
        if seen[0] == b'\n' {
            break;
        }
    }
    if line == format!("KICKOUT-PLACE {nonce} fail\n").as_bytes() {
        return Ok(Tried::Failed(place));
    }
    Ok(Tried::Started(connection(unread(running, line))))
}

/// Gives back what was read too far.
fn unread(running: Running, line: Vec<u8>) -> Running {
    let (mut sink, source) = tokio::io::duplex(MAX_NOISE + 1);
    let mut output = running.output;
    tokio::spawn(async move {
        if sink.write_all(&line).await.is_ok() {
            // Ends when either side does.
            let _ = tokio::io::copy(&mut output, &mut sink).await;
        }
    });
    Running {
        output: source,
        ..running
    }
}

/// The script's first word to us, past whatever is printed before it; else what was printed.
async fn answer(output: &mut DuplexStream, nonce: &str) -> Result<String, Vec<u8>> {
    let mark = format!("KICKOUT-PLACE {nonce} ");
    let mut read = Vec::new();
    let mut begin = 0;
    let mut byte = [0; 1];
    while read.len() < MAX_NOISE {
        match output.read(&mut byte).await {
            Ok(1) => {}
            Ok(_) | Err(_) => return Err(read),
        }
        if byte[0] != b'\n' {
            read.push(byte[0]);
            continue;
        }
        let line = String::from_utf8_lossy(&read[begin..]).into_owned();
        if let Some(said) = line.strip_prefix(&mark) {
            return Ok(said.trim_end().to_owned());
        }
        read.push(b'\n');
        begin = read.len();
    }
    Err(read)
}

/// What it means that the script ended without a word.
async fn silent(
    container: &Container,
    user: Option<&str>,
    mut running: Running,
    noise: &[u8],
) -> Result<Tried, DockerError> {
    let code = running.program.exit_code().await;
    if let Some(error) = running.program.container_error().await {
        return Err(error);
    }
    let mut why = running.program.words();
    if why.is_empty() {
        why = bounded(&String::from_utf8_lossy(noise));
    }
    match code {
        // The engine's own codes for a program that is not there, or is none.
        Some(126 | 127) => refused(container, user, &why),
        code => {
            let code = code.map_or_else(String::new, |code| format!(" (exit code {code})"));
            Err(start_error(container, format!("{why}{code}")))
        }
    }
}

/// What it means that the engine would not start the shell.
fn refused(container: &Container, user: Option<&str>, why: &str) -> Result<Tried, DockerError> {
    let says = |word: &str| why.contains(word);
    if says("unable to find user") || says("no matching entries in passwd") {
        return Err(no_user(container, user));
    }
    if says("no such file") || says("not found") || says("ermission denied") || why.is_empty() {
        return Ok(Tried::NoShell);
    }
    Err(start_error(container, why.to_owned()))
}

pub(super) fn no_user(container: &Container, user: Option<&str>) -> DockerError {
    DockerError::User {
        container: container.name.clone(),
        user: user.unwrap_or(&container.user).to_owned(),
    }
}

pub(super) fn start_error(container: &Container, why: String) -> DockerError {
    DockerError::Start {
        container: container.name.clone(),
        why,
    }
}
