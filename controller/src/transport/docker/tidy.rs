//! Names the agents that lie in a container, and removes them: through its shell, where it has one.

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use super::container::Container;
use super::error::bounded;
use super::{DockerError, exec, place};
use crate::transport::shell::{self, Placed};

/// How much of the answer is read, in bytes.
const MAX_ANSWER: u64 = 256 * 1024;

/// What lies in a container.
pub(super) async fn tidy(
    docker: &bollard::Docker,
    container: &Container,
    user: Option<&str>,
    nonce: &str,
    remove: bool,
) -> Result<Vec<Placed>, DockerError> {
    let words = ["/bin/sh", "-c", shell::TIDY, "kickout", nonce];
    let mut command: Vec<String> = words.map(str::to_owned).to_vec();
    command.push(shell::tidy_word(remove).to_owned());
    command.extend(place::places(container));
    let mut running = exec::start(docker, container, user, command).await?;
    let mut lines = BufReader::new((&mut running.output).take(MAX_ANSWER)).split(b'\n');
    let mut found = Vec::new();
    while let Ok(Some(line)) = lines.next_segment().await {
        match shell::placed(&line, nonce) {
            Some(Some(placed)) => found.push(placed),
            Some(None) => return Ok(found),
            None => {}
        }
    }
    let why = match running.program.words() {
        words if words.is_empty() => "it has no shell to look with".to_owned(),
        words => words,
    };
    Err(place::start_error(container, bounded(&why)))
}
