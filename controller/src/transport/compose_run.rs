//! A new container of a compose service, for this one run: the compose command line starts it with
//! the agent, mounted from a file of ours, in place of its program, and removes it.

use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;

use super::docker::{DockerError, Engine, architecture, connect, find, project};
use super::last_words::LastWords;
use super::{Around, Start, kept};
use crate::connection::{Connection, Peer};
use crate::target::Contained;

/// Where the agent is in the container.
const INSIDE: &str = "/kickout-agent";

/// How long compose may take to end and to remove the container.
const END: Duration = Duration::from_secs(15);

/// Starts a container of the service with the agent in it. `args` are compose's own words, such as
/// `-f`.
pub async fn open_run(
    inside: &Contained,
    args: &[String],
    start: &Start<'_>,
    around: &Around,
) -> Result<Connection, DockerError> {
    if project::Wanted::read(args)?.index.is_some() {
        let why = "a new container has no --index".to_owned();
        return Err(DockerError::Arguments(why));
    }
    let engine = match find(around) {
        Ok(engine @ Engine::Unix(_)) => engine,
        Ok(engine @ (Engine::Tcp { .. } | Engine::Ssh(_))) => {
            return Err(DockerError::Remote(engine.to_string()));
        }
        Err(DockerError::Address(address)) => return Err(DockerError::Remote(address)),
        Err(error) => return Err(error),
    };
    let docker = connect(&engine).await?;
    let offered = start.agents.offered(&architecture(&docker).await?);
    let (offer, agent) = offered.map_err(|error| DockerError::Deliver {
        place: format!("the service `{}`", inside.name.as_str()),
        error,
    })?;
    let file = kept::file(agent, &offer.hash, start.nonce, around).map_err(DockerError::Write)?;
    let mut compose = program(around).await;
    compose.args(args);
    compose.args(["run", "--rm", "-T", "--entrypoint", INSIDE]);
    compose.arg("--volume");
    compose.arg(format!("{}:{INSIDE}:ro", file.display()));
    if let Some(user) = &inside.user {
        compose.args(["--user", user.as_str()]);
    }
    compose.args([inside.name.as_str(), start.nonce]);
    compose
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C is for the controller; compose goes on until the container is removed.
        .process_group(0);
    let name = compose
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let failed = |why: io::Error| DockerError::Compose {
        program: name.clone(),
        why,
    };
    let mut child = compose.spawn().map_err(failed)?;
    let piped = || failed(io::Error::other("it has no pipes"));
    let from_agent = child.stdout.take().ok_or_else(piped)?;
    let to_agent = child.stdin.take().ok_or_else(piped)?;
    let stderr = child.stderr.take().ok_or_else(piped)?;
    let words = Arc::new(LastWords::default());
    let listener = tokio::spawn(listen(stderr, Arc::clone(&words)));
    Ok(Connection {
        from_agent: Box::new(from_agent),
        to_agent: Box::new(to_agent),
        peer: Box::new(Run {
            child,
            listener,
            words,
        }),
        tunnel: None,
    })
}

/// How compose is called here: `docker compose` or `docker-compose`.
pub async fn called(around: &Around) -> String {
    let program = program(around).await;
    let program = program.as_std();
    let words = std::iter::once(program.get_program()).chain(program.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// `docker compose`, else `docker-compose`, in the operator's directory and environment.
async fn program(around: &Around) -> Command {
    let command = |name: &str| {
        let mut command = Command::new(name);
        command
            .env_clear()
            .envs(&around.vars)
            .current_dir(&around.cwd);
        command
    };
    let mut probe = command("docker");
    probe
        .args(["compose", "version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if probe.status().await.is_ok_and(|status| status.success()) {
        let mut docker = command("docker");
        docker.arg("compose");
        return docker;
    }
    command("docker-compose")
}

/// Keeps compose's last words, so that it never waits for a reader.
async fn listen(mut stderr: ChildStderr, words: Arc<LastWords>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        words.add(&buffer[..count]);
    }
}

struct Run {
    child: Child,
    listener: JoinHandle<()>,
    words: Arc<LastWords>,
}

impl Peer for Run {
    fn epitaph(&mut self) -> Pin<Box<dyn Future<Output = String> + '_>> {
        Box::pin(async {
            let status = match tokio::time::timeout(END, self.child.wait()).await {
                Ok(Ok(status)) => status.to_string(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it is still running".to_owned(),
            };
            if !self.listener.is_finished() {
                // A daemon of compose's may hold the pipe for ever.
                let _ = tokio::time::timeout(END / 10, &mut self.listener).await;
            }
            match self.words.text().trim() {
                "" => format!("compose ended without an answer ({status})"),
                words => format!("{words} ({status})"),
            }
        })
    }
}
