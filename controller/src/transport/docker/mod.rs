//! A running container: through the engine's own interface, never through its command line.
//!
//! Border: how the client of the engine was made is `engine`'s; everything else here works with
//! any client, so that one over another socket can be passed in.

use bollard::Docker;

use super::{Around, Placed, Start, WARNING};
use crate::connection::Connection;
use crate::target::Contained;

mod archive;
mod compose;
mod container;
mod declared;
mod engine;
mod error;
mod exec;
mod place;
pub mod project;
mod sight;
mod tar;
mod tidy;

pub(crate) use container::engine_arch as architecture;
pub use engine::{Engine, connect, find};
pub use error::DockerError;
pub use sight::{Place, Service, Sight, look};

/// An agent in the named container, started.
pub async fn open(
    docker: &Docker,
    inside: &Contained,
    start: &Start<'_>,
) -> Result<Connection, DockerError> {
    enter(docker, inside.name.as_str(), inside, start).await
}

/// An agent in a running container of a service of the current directory's compose project. What the
/// operator should know about the choice is told.
pub async fn open_service(
    docker: &Docker,
    inside: &Contained,
    args: &[String],
    start: &Start<'_>,
) -> Result<Connection, DockerError> {
    let wanted = project::Wanted::read(args)?;
    let project = project::Project::find(&wanted, start.around)?;
    let service = inside.name.as_str();
    let (container, remarks) = compose::choose(docker, &project, service, wanted.index).await?;
    for remark in remarks {
        (start.tell)(WARNING, remark);
    }
    enter(docker, &container, inside, start).await
}

/// Names the agents that lie in a container, or removes them.
pub async fn tidy(
    docker: &Docker,
    inside: &Contained,
    start: &Start<'_>,
    remove: bool,
) -> Result<Vec<Placed>, DockerError> {
    let container = container::running(docker, inside.name.as_str()).await?;
    let user = inside.user.as_ref().map(crate::target::User::as_str);
    tidy::tidy(docker, &container, user, start.nonce, remove).await
}

/// The same in a container of a compose service.
pub async fn tidy_service(
    docker: &Docker,
    inside: &Contained,
    args: &[String],
    start: &Start<'_>,
    remove: bool,
) -> Result<Vec<Placed>, DockerError> {
    let wanted = project::Wanted::read(args)?;
    let project = project::Project::find(&wanted, start.around)?;
    let service = inside.name.as_str();
    let (name, _) = compose::choose(docker, &project, service, wanted.index).await?;
    let container = container::running(docker, &name).await?;
    let user = inside.user.as_ref().map(crate::target::User::as_str);
    tidy::tidy(docker, &container, user, start.nonce, remove).await
}

async fn enter(
    docker: &Docker,
    container: &str,
    inside: &Contained,
    start: &Start<'_>,
) -> Result<Connection, DockerError> {
    let container = container::running(docker, container).await?;
    let inside = place::Inside {
        docker,
        container: &container,
        user: inside.user.as_ref().map(crate::target::User::as_str),
    };
    place::open(inside, start).await
}
