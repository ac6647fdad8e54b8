//! Why there is no agent in a container, and what mends it.

use std::path::PathBuf;

use crate::deliver::DeliverError;
use crate::similar::nearest;

/// Why there is no agent in a container.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    /// A docker context that cannot be used.
    #[error("cannot use the docker context `{name}`: {why}")]
    Context {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// An address of an engine that we do not speak.
    #[error("kickout does not reach a container engine over `{0}`")]
    Address(String),
    /// The engine of another host, where nobody has been asked to go.
    #[error("the container engine is on another host ({0})")]
    Elsewhere(String),
    /// No engine where one was looked for.
    #[error("no container engine answers at {engine}: {why}")]
    Unreachable {
        /// Where.
        engine: String,
        /// Why.
        why: String,
    },
    /// The socket is not ours to use.
    #[error("this user may not use the container engine's socket {0}")]
    Denied(PathBuf),
    /// The engine's certificate or ours.
    #[error("cannot speak TLS with the container engine: {0}")]
    Tls(String),
    /// The engine said no to something.
    #[error("the container engine could not {what}: {why}")]
    Engine {
        /// What was asked.
        what: &'static str,
        /// What it said.
        why: String,
    },
    /// No such container.
    #[error("there is no container `{name}`{}", or_near(.near))]
    Unknown {
        /// The name.
        name: String,
        /// What it may have meant.
        near: Vec<String>,
    },
    /// It is paused.
    #[error("the container `{0}` is paused")]
    Paused(String),
    /// It does not run.
    #[error("the container `{name}` does not run ({state})")]
    Stopped {
        /// The container.
        name: String,
        /// What the engine calls its state.
        state: String,
    },
    /// It restarts again and again.
    #[error("the container `{0}` is restarting")]
    Restarting(String),
    /// It went away while we worked.
    #[error("the container `{0}` was removed meanwhile")]
    Removed(String),
    /// No agent for it.
    #[error("{place}: {error}")]
    Deliver {
        /// The container or service.
        place: String,
        /// Why.
        error: DeliverError,
    },
    /// The account is not known there.
    #[error("the container `{container}` knows no user `{user}`")]
    User {
        /// The container.
        container: String,
        /// The account.
        user: String,
    },
    /// Nowhere to put the agent.
    #[error("there is no place for the agent in the container `{container}`: {why}")]
    Place {
        /// The container.
        container: String,
        /// Why not.
        why: String,
    },
    /// The agent did not start.
    #[error("cannot start the agent in the container `{container}`: {why}")]
    Start {
        /// The container.
        container: String,
        /// What the engine or the container said.
        why: String,
    },
    /// Words that the connection does not know.
    #[error("--ssh-args: {0}")]
    Arguments(String),
    /// No compose project here.
    #[error("there is no compose file in {0} or above")]
    NoProject(PathBuf),
    /// A compose file that cannot be read.
    #[error("cannot read the compose file {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No running container of the service.
    #[error("no container of the service `{service}` of the compose project `{project}` runs{}", or_others(.others))]
    Service {
        /// The service.
        service: String,
        /// The project.
        project: String,
        /// The services that do run.
        others: Vec<String>,
    },
    /// No replica of this number.
    #[error("the service `{service}` has no running replica {index} (running: {})", numbers(.running))]
    Replica {
        /// The service.
        service: String,
        /// What was asked for.
        index: u32,
        /// What there is.
        running: Vec<u32>,
    },
    /// An engine on another machine cannot mount a file of ours.
    #[error(
        "docker-compose-run mounts the agent from this machine's disk, and the engine at {0} is on \
         another machine"
    )]
    Remote(String),
    /// The compose command line.
    #[error("cannot start `{program}`: {why}")]
    Compose {
        /// Which program.
        program: String,
        /// What the system said.
        why: std::io::Error,
    },
    /// The agent's file for compose.
    #[error("there is no place on this host for the agent:{0}")]
    Write(String),
}

fn or_near(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!(" (there is {})", near.join(", ")),
    }
}

fn or_others(others: &[String]) -> String {
    match others {
        [] => "; none of its services does".to_owned(),
        others => format!("; running: {}", others.join(", ")),
    }
}

fn numbers(running: &[u32]) -> String {
    let numbers: Vec<_> = running.iter().map(u32::to_string).collect();
    numbers.join(", ")
}

impl DockerError {
    /// Whether the words or a configuration are wrong, and nothing was contacted.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Context { .. }
                | Self::Address(_)
                | Self::Arguments(_)
                | Self::NoProject(_)
                | Self::File { .. }
                | Self::Remote(_)
        )
    }

    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Context { .. } => {
                "See `docker context ls`, and choose one with DOCKER_CONTEXT or DOCKER_HOST."
                    .to_owned()
            }
            Self::Address(_) => {
                "Set DOCKER_HOST to unix:///path/to.sock, tcp://host:port or ssh://user@host."
                    .to_owned()
            }
            Self::Elsewhere(_) => {
                "Name the service to go there: kickout --ssh=docker-compose:<service> doctor"
                    .to_owned()
            }
            Self::Unreachable { .. } => {
                "Start it (sudo systemctl start docker), or set DOCKER_HOST or DOCKER_CONTEXT."
                    .to_owned()
            }
            Self::Denied(_) => {
                "Join its group (sudo usermod -aG docker $USER, then log in again), or run kickout \
                 with sudo."
                    .to_owned()
            }
            Self::Tls(_) => {
                "Check ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH or in the context."
                    .to_owned()
            }
            Self::Engine { .. } => "See the engine's log: journalctl -u docker.".to_owned(),
            Self::Unknown { near, .. } if near.is_empty() => {
                "See the running ones with `docker ps`.".to_owned()
            }
            Self::Unknown { near, .. } => format!("Try --ssh=docker:{}", near[0]),
            Self::Paused(name) => format!("Run `docker unpause {name}` first."),
            Self::Stopped { name, .. } => format!("Run `docker start {name}` first."),
            Self::Restarting(name) => format!("See why with `docker logs --tail 20 {name}`."),
            Self::Removed(_) => "See what runs now with `docker ps`, and run it again.".to_owned(),
            Self::Deliver { error, .. } => error.fix(),
            Self::User { container, .. } => {
                format!("Name one of its users, or a number: --ssh=docker:33@{container}")
            }
            Self::Place { .. } => {
                "Give the container a tmpfs that may hold programs (docker run --tmpfs \
                 /tmp:exec), use --ssh=docker-compose-run:<service>, or run kickout on the host."
                    .to_owned()
            }
            Self::Start { container, .. } => {
                format!("Check the container: docker inspect {container}")
            }
            Self::Arguments(_) => {
                "Known are -f <file>, -p <project>, --project-directory <dir>, --env-file <file> \
                 and --index <number>."
                    .to_owned()
            }
            Self::NoProject(_) => "Go to the project's directory, or name it: --ssh-args=-f \
                 --ssh-args=path/to/compose.yaml"
                .to_owned(),
            Self::File { .. } => {
                "Check it with `docker compose config`, or name the project: --ssh-args=-p \
                 --ssh-args=<name>"
                    .to_owned()
            }
            Self::Service {
                service, others, ..
            } => match nearest(service, others.iter().map(String::as_str)) {
                Some(near) => format!("Try --ssh=docker-compose:{near}"),
                None => format!("Run `docker compose up -d {service}` first."),
            },
            Self::Replica { .. } => "Leave --index out to use the first.".to_owned(),
            Self::Remote(_) => {
                "Start the service there and use --ssh=docker-compose:<service>.".to_owned()
            }
            Self::Compose { .. } => {
                "Install docker compose (the packages docker-compose-plugin or docker-compose)."
                    .to_owned()
            }
            Self::Write(_) => {
                "Make ~/.cache, /tmp or /var/tmp a place where you may write and run programs."
                    .to_owned()
            }
        }
    }
}

/// How much of an engine's words an error repeats.
const MAX_WORDS: usize = 500;

/// What the engine said, in bounds and on one line.
pub(super) fn said(error: &bollard::errors::Error) -> String {
    use bollard::errors::Error;
    let text = match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        other => {
            // The outermost text often says only that something failed.
            let mut text = other.to_string();
            let mut inner = std::error::Error::source(other);
            while let Some(cause) = inner {
                let more = cause.to_string();
                if !text.contains(&more) {
                    text = format!("{text}: {more}");
                }
                inner = cause.source();
            }
            text
        }
    };
    bounded(&text)
}

/// At most so much of a text, on one line.
pub(super) fn bounded(text: &str) -> String {
    let short: String = text.trim().chars().take(MAX_WORDS).collect();
    short.replace(['\n', '\r'], " ")
}

/// The status of an answer, when it was one.
pub(super) fn status(error: &bollard::errors::Error) -> Option<u16> {
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}
