//! Puts the agent into a container and starts it there.
//!
//! With a shell in the image, one exec does it all: a constant script finds the agent by its
//! SHA-256 in a private directory, or takes it from stdin, hashes the open file and becomes it. It
//! works where the root cannot be written and a tmpfs can, which the engine's archive interface
//! does not see. Without a shell the archive interface puts the agent below `/` (nobody but root
//! may rename there), anew each time: nothing in such an image could tell whether it still is what
//! it was, and the upload is quicker than reading it back.

use bollard::Docker;

use super::archive;
use super::container::{Container, meanwhile};
use super::error::bounded;
use super::exec::{self, Running};
use super::{DockerError, Start};
use crate::connection::Connection;
use crate::deliver::Offer;
use crate::transport::noise::Noise;
use crate::transport::placing::{self, Came};
use crate::transport::shell;

/// The directories that are tried, before those of the container's own tmpfs mounts.
const FIRST: [&str; 3] = ["/tmp", "/var/tmp", "/run"];

/// And behind them: the one seldom lets programs run, the other is somebody's root.
const LAST: [&str; 2] = ["/dev/shm", "/"];

/// So many mounts of a container are tried.
const MAX_MOUNTS: usize = 16;

/// Where an agent is to run.
#[derive(Clone, Copy)]
pub(super) struct Inside<'a> {
    pub(super) docker: &'a Docker,
    pub(super) container: &'a Container,
    /// The account; the container's own when none was named.
    pub(super) user: Option<&'a str>,
}

/// Starts the agent in a container.
pub(super) async fn open(inside: Inside<'_>, start: &Start<'_>) -> Result<Connection, DockerError> {
    match by_any_way(inside, start).await {
        Err(error @ (DockerError::Start { .. } | DockerError::Engine { .. })) => {
            // Paused or removed half-way: that says more than the engine's text.
            let state = meanwhile(inside.docker, inside.container).await;
            Err(state.unwrap_or(error))
        }
        opened => opened,
    }
}

async fn by_any_way(inside: Inside<'_>, start: &Start<'_>) -> Result<Connection, DockerError> {
    let container = inside.container;
    let missing = |error| DockerError::Deliver {
        place: format!("the container `{}`", container.name),
        error,
    };
    // The image decides, not what `uname` says of the machine below it.
    let (offer, agent) = start.agents.offered(&container.arch).map_err(missing)?;
    let offer = Offer {
        arch: "any",
        ..offer.clone()
    };
    let places = places(container);
    let mut from = 0;
    let mut failed = String::new();
    let why = loop {
        let words = shell::place_words([&offer], start.nonce, from, &places);
        let command = by_shell(&shell::PLACE, words);
        let mut running = match exec::start(inside.docker, container, inside.user, command).await {
            Ok(running) => running,
            Err(DockerError::Start { why, .. }) => break no_shell(inside, &why)?,
            Err(error) => return Err(error),
        };
        let mut noise = Noise::default();
        let (output, input) = (&mut running.output, &mut running.input);
        match placing::place(output, input, &mut noise, start, |_| Ok(agent)).await {
            Came::Running { unread, sent } => {
                (start.tell)("delivery", placing::delivered(sent));
                return Ok(Connection {
                    from_agent: placing::unread(unread, running.output),
                    to_agent: Box::new(running.input),
                    peer: Box::new(running.program),
                    tunnel: None,
                });
            }
            // A full or `noexec` file system: the next one.
            Came::NextPlace(place, why) if place > from => {
                from = place;
                failed.push_str(&format!(" {why};"));
            }
            Came::NoPlace(why) => break bounded(&format!("{failed}{why}")),
            Came::Ended => break silent(inside, running, &noise).await?,
            Came::Missing(error) => return Err(missing(error)),
            Came::Late => {
                let why = format!("it took longer than {} seconds", placing::UPLOAD.as_secs());
                return Err(start_error(container, why));
            }
            Came::Odd(why) | Came::NextPlace(_, why) => {
                return Err(start_error(container, bounded(&why)));
            }
        }
    };
    if container.read_only {
        return Err(DockerError::Place {
            container: container.name.clone(),
            why: format!("its root is read-only, and {why}"),
        });
    }
    let running = archive::start(inside, agent, &offer.hash, start.nonce).await?;
    (start.tell)("delivery", placing::delivered(Some(agent.len())));
    Ok(Connection {
        from_agent: Box::new(running.output),
        to_agent: Box::new(running.input),
        peer: Box::new(running.program),
        tunnel: None,
    })
}

/// A script as the words of an exec.
pub(super) fn by_shell(script: &str, words: Vec<String>) -> Vec<String> {
    let mut command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    command.extend(words);
    command
}

pub(super) fn places(container: &Container) -> Vec<&str> {
    let usable = |path: &&str| path.starts_with('/') && !path.contains(['\n', '\r']);
    let mounts = container.tmpfs.iter().map(String::as_str);
    let mounts = mounts.filter(usable).take(MAX_MOUNTS);
    let mut places: Vec<&str> = FIRST.into_iter().chain(mounts).chain(LAST).collect();
    let mut seen = std::collections::BTreeSet::new();
    places.retain(|place| seen.insert(*place));
    places
}

/// What it means that the script ended without a word: an error, or why there is no shell.
async fn silent(
    inside: Inside<'_>,
    mut running: Running,
    noise: &Noise,
) -> Result<String, DockerError> {
    let code = running.program.exit_code().await;
    if let Some(error) = running.program.container_error().await {
        return Err(error);
    }
    let mut why = running.program.words();
    if why.is_empty() {
        why = bounded(&noise.shown());
    }
    match code {
        // The engine's own codes for a program that is not there, or is none.
        Some(126 | 127) => no_shell(inside, &why),
        code => {
            let code = code.map_or_else(String::new, |code| format!(" (exit code {code})"));
            Err(start_error(inside.container, format!("{why}{code}")))
        }
    }
}

/// What it means that the engine would not start the shell.
fn no_shell(inside: Inside<'_>, why: &str) -> Result<String, DockerError> {
    let says = |word: &str| why.contains(word);
    if says("unable to find user") || says("no matching entries in passwd") {
        return Err(no_user(inside));
    }
    if says("no such file") || says("not found") || says("ermission denied") || why.is_empty() {
        return Ok("it has no shell".to_owned());
    }
    Err(start_error(inside.container, why.to_owned()))
}

pub(super) fn no_user(inside: Inside<'_>) -> DockerError {
    DockerError::User {
        container: inside.container.name.clone(),
        user: inside.user.unwrap_or(&inside.container.user).to_owned(),
    }
}

pub(super) fn start_error(container: &Container, why: String) -> DockerError {
    DockerError::Start {
        container: container.name.clone(),
        why,
    }
}
