//! Names the agents that lie in a container, and removes them: through its shell, where it has one.

use super::container::Container;
use super::error::bounded;
use super::{DockerError, exec, place};
use crate::transport::noise::Noise;
use crate::transport::placing;
use crate::transport::shell::{self, Placed};

/// What lies in a container.
pub(super) async fn tidy(
    docker: &bollard::Docker,
    container: &Container,
    user: Option<&str>,
    nonce: &str,
    remove: bool,
) -> Result<Vec<Placed>, DockerError> {
    let places = place::places(container);
    let words = shell::tidy_words(nonce, remove, &places);
    let command = place::by_shell(&shell::TIDY, words);
    let mut running = exec::start(docker, container, user, command).await?;
    let listed = placing::listed(&mut running.output, &mut Noise::default(), nonce).await;
    let why = match listed {
        Ok(Some(found)) => return Ok(found),
        Ok(None) => match running.program.words() {
            words if words.is_empty() => "it has no shell to look with".to_owned(),
            words => words,
        },
        Err(why) => why,
    };
    Err(place::start_error(container, bounded(&why)))
}
