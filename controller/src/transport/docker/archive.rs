//! The engine's archive interface: the way into a container that has no shell.

use bollard::Docker;
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use futures_util::StreamExt as _;

use super::DockerError;
use super::container::Container;
use super::error::said;
use super::exec::{self, Running};
use super::place::{Inside, no_user};
use super::tar::{self, Entry};

/// How much of `/etc/passwd` is read.
const MAX_PASSWD: usize = 1024 * 1024;

/// Puts the agent below `/`, where nobody but root may rename, and starts it.
pub(super) async fn start(
    inside: Inside<'_>,
    agent: &[u8],
    hash: &str,
    nonce: &str,
) -> Result<Running, DockerError> {
    let Inside {
        docker,
        container,
        user,
    } = inside;
    let uid = uid(inside).await?;
    let dir = format!(".kickout-{uid}");
    let file = format!("{dir}/agent-{hash}");
    let archive = tar::archive(&[
        Entry {
            path: &dir,
            uid,
            mode: 0o700,
            content: None,
        },
        Entry {
            path: &file,
            uid,
            mode: 0o500,
            content: Some(agent),
        },
    ]);
    let options = UploadToContainerOptionsBuilder::new().path("/").build();
    let body = bollard::body_full(archive.into());
    let uploaded = docker
        .upload_to_container(&container.id, Some(options), body)
        .await;
    uploaded.map_err(|why| DockerError::Engine {
        what: "put the agent into the container",
        why: said(&why),
    })?;
    let command = vec![format!("/{file}"), nonce.to_owned()];
    exec::start(docker, container, user, command).await
}

/// The number of the account that the agent will run as.
async fn uid(inside: Inside<'_>) -> Result<u32, DockerError> {
    // `user` or `user:group`, names or numbers.
    let named = inside.user.unwrap_or(&inside.container.user);
    let named = named.split(':').next().unwrap_or_default();
    if named.is_empty() || named == "root" {
        return Ok(0);
    }
    if let Ok(uid) = named.parse() {
        return Ok(uid);
    }
    let passwd = passwd(inside.docker, inside.container).await;
    let fields = passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    fields
        .filter(|fields| fields.first() == Some(&named))
        .find_map(|fields| fields.get(2)?.parse().ok())
        .ok_or_else(|| no_user(inside))
}

/// The container's list of accounts; empty when it has none.
async fn passwd(docker: &Docker, container: &Container) -> String {
    let options = DownloadFromContainerOptionsBuilder::new()
        .path("/etc/passwd")
        .build();
    let mut stream = std::pin::pin!(docker.download_from_container(&container.id, Some(options)));
    let mut archive = Vec::new();
    while let Some(Ok(piece)) = stream.next().await {
        archive.extend_from_slice(&piece);
        if archive.len() > MAX_PASSWD {
            break;
        }
    }
    let content = tar::first_file(&archive).unwrap_or_default();
    String::from_utf8_lossy(content).into_owned()
}
