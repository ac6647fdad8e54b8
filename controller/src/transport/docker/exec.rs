//! One program in a container with its three streams: never a terminal, which would mix them and
//! rewrite line ends.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::models::ExecInspectResponse;
use futures_util::StreamExt as _;
use tokio::io::{AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::task::JoinHandle;

use super::DockerError;
use super::container::{Container, meanwhile};
use super::error::{bounded, said};
use crate::connection::Peer;
use crate::transport::last_words::LastWords;

/// How much of what the program says may wait to be read.
const WAITING: usize = 64 * 1024;

/// How long a program that has closed its output may take to end.
const END: Duration = Duration::from_secs(2);

/// A started program.
pub(super) struct Running {
    /// What it says.
    pub(super) output: DuplexStream,
    /// What it is told; dropped, with [`Self::program`], it reads the end.
    pub(super) input: Pin<Box<dyn AsyncWrite + Send>>,
    /// The program itself.
    pub(super) program: Program,
}

/// A program that was started in a container.
pub(super) struct Program {
    docker: Docker,
    container: Container,
    id: String,
    words: Arc<LastWords>,
    reader: JoinHandle<()>,
}

/// Starts a program. That it is not there shows itself only at its end with some engines.
pub(super) async fn start(
    docker: &Docker,
    container: &Container,
    user: Option<&str>,
    command: Vec<String>,
) -> Result<Running, DockerError> {
    let options = CreateExecOptions {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        cmd: Some(command),
        user: user.map(str::to_owned),
        ..CreateExecOptions::default()
    };
    let created = docker.create_exec(&container.id, options).await;
    let id = match created {
        Ok(created) => created.id,
        Err(error) => return Err(failed(docker, container, &error).await),
    };
    let started = docker.start_exec(&id, None::<StartExecOptions>).await;
    let (mut output, input) = match started {
        Ok(StartExecResults::Attached { output, input }) => (output, input),
        Ok(StartExecResults::Detached) => {
            return Err(DockerError::Start {
                container: container.name.clone(),
                why: "the engine did not attach".to_owned(),
            });
        }
        Err(error) => return Err(failed(docker, container, &error).await),
    };
    let (mut sink, source) = tokio::io::duplex(WAITING);
    let words = Arc::new(LastWords::default());
    let kept = Arc::clone(&words);
    // In a task of its own: the engine stops reading from us while nobody reads from it.
    let reader = tokio::spawn(async move {
        while let Some(Ok(piece)) = output.next().await {
            match piece {
                LogOutput::StdErr { message } => kept.add(&message),
                LogOutput::StdOut { message } | LogOutput::Console { message } => {
                    if sink.write_all(&message).await.is_err() {
                        break;
                    }
                }
                LogOutput::StdIn { .. } => {}
            }
        }
    });
    Ok(Running {
        output: source,
        input,
        program: Program {
            docker: docker.clone(),
            container: container.clone(),
            id,
            words,
            reader,
        },
    })
}

/// Why an exec was refused: the container's state says it better than the engine's text.
async fn failed(
    docker: &Docker,
    container: &Container,
    error: &bollard::errors::Error,
) -> DockerError {
    if let Some(error) = meanwhile(docker, container).await {
        return error;
    }
    DockerError::Start {
        container: container.name.clone(),
        why: said(error),
    }
}

impl Program {
    /// What it said on stderr, so far.
    pub(super) fn words(&self) -> String {
        bounded(&self.words.text())
    }

    /// Its exit code, once it has ended.
    pub(super) async fn exit_code(&mut self) -> Option<i64> {
        // The last of its stderr may still be on the way.
        if !self.reader.is_finished() {
            let _ = tokio::time::timeout(END, &mut self.reader).await;
        }
        let ended = async {
            loop {
                match self.docker.inspect_exec(&self.id).await {
                    Ok(ExecInspectResponse {
                        running: Some(true),
                        ..
                    }) => tokio::time::sleep(END / 20).await,
                    Ok(inspected) => return inspected.exit_code,
                    Err(_) => return None,
                }
            }
        };
        tokio::time::timeout(END, ended).await.ok().flatten()
    }

    /// Why the container itself keeps it from working, if so.
    pub(super) async fn container_error(&self) -> Option<DockerError> {
        meanwhile(&self.docker, &self.container).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The reading half of the engine's stream goes with its task, and with both halves the
        // program's stdin.
        self.reader.abort();
    }
}

impl Peer for Program {
    fn epitaph(&mut self) -> Pin<Box<dyn Future<Output = String> + '_>> {
        Box::pin(async {
            let code = self.exit_code().await;
            if let Some(error) = self.container_error().await {
                return error.to_string();
            }
            let status = match code {
                Some(code) => format!("exit code {code}"),
                None => "it is still running".to_owned(),
            };
            match self.words().as_str() {
                "" => format!("it ended without an answer ({status})"),
                words => format!("{words} ({status})"),
            }
        })
    }
}
