//! What a container is and whether it runs.

use std::collections::BTreeSet;

use bollard::Docker;
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum as State};
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder};

use super::DockerError;
use super::error::{bounded, said, status};
use crate::similar::nearest;

/// How long a container may take from the death of its programs to its removal.
const SETTLE: std::time::Duration = std::time::Duration::from_secs(1);

/// So many names are suggested for one that is not there.
const MAX_NEAR: usize = 3;

/// A running container.
#[derive(Debug, Clone)]
pub(super) struct Container {
    /// Its id, which nobody can give to another one.
    pub(super) id: String,
    /// Its name, for error texts.
    pub(super) name: String,
    /// The account its programs run as; the image's or `docker run --user`'s.
    pub(super) user: String,
    /// The architecture, as in `uname -m`.
    pub(super) arch: String,
    /// Whether its root cannot be written.
    pub(super) read_only: bool,
    /// Where file systems in memory are mounted.
    pub(super) tmpfs: BTreeSet<String>,
}

/// Finds a container by name or id; an error when it does not run.
pub(super) async fn running(docker: &Docker, name: &str) -> Result<Container, DockerError> {
    let inspected = inspect(docker, name).await;
    let found = match inspected {
        Ok(found) => found,
        Err(error) if status(&error) == Some(404) => {
            return Err(DockerError::Unknown {
                name: name.to_owned(),
                near: near(docker, name).await,
            });
        }
        Err(error) => {
            return Err(DockerError::Engine {
                what: "inspect the container",
                why: said(&error),
            });
        }
    };
    let shown = found
        .name
        .as_deref()
        .unwrap_or(name)
        .trim_start_matches('/');
    let shown = bounded(shown);
    if let Some(error) = state_error(&found, &shown) {
        return Err(error);
    }
    let arch = arch(docker, found.image.as_deref()).await?;
    let host = found.host_config.as_ref();
    let mut tmpfs: BTreeSet<String> = BTreeSet::new();
    let options = host.and_then(|host| host.tmpfs.as_ref());
    tmpfs.extend(options.into_iter().flat_map(|map| map.keys().cloned()));
    for mount in found.mounts.iter().flatten() {
        if mount.typ.as_deref() == Some("tmpfs") {
            tmpfs.extend(mount.destination.clone());
        }
    }
    Ok(Container {
        id: found.id.clone().unwrap_or_else(|| name.to_owned()),
        name: shown,
        user: found
            .config
            .and_then(|config| config.user)
            .unwrap_or_default(),
        arch,
        read_only: host.and_then(|host| host.readonly_rootfs).unwrap_or(false),
        tmpfs,
    })
}

async fn inspect(
    docker: &Docker,
    name: &str,
) -> Result<ContainerInspectResponse, bollard::errors::Error> {
    docker
        .inspect_container(name, None::<InspectContainerOptions>)
        .await
}

/// Why a container that was there a moment ago does not do what it should, if its state says it.
///
/// Its programs die before the engine calls it stopped, and it is stopped before it is removed: a
/// state that may be one of these moments is looked at until it has settled.
pub(super) async fn meanwhile(docker: &Docker, container: &Container) -> Option<DockerError> {
    let settled = tokio::time::Instant::now() + SETTLE;
    loop {
        let found = match inspect(docker, &container.id).await {
            Ok(found) => state_error(&found, &container.name),
            Err(error) if status(&error) == Some(404) => {
                return Some(DockerError::Removed(container.name.clone()));
            }
            Err(_) => return None,
        };
        let passing = matches!(found, None | Some(DockerError::Stopped { .. }));
        if !passing || tokio::time::Instant::now() >= settled {
            return found;
        }
        tokio::time::sleep(SETTLE / 20).await;
    }
}

fn state_error(found: &ContainerInspectResponse, name: &str) -> Option<DockerError> {
    let state = found.state.as_ref()?;
    let name = name.to_owned();
    let is = |flag: Option<bool>| flag == Some(true);
    match state.status {
        Some(State::PAUSED) => Some(DockerError::Paused(name)),
        Some(State::RESTARTING) => Some(DockerError::Restarting(name)),
        Some(State::REMOVING) => Some(DockerError::Removed(name)),
        // Podman calls the moments around a health check by names of its own.
        _ if is(state.paused) => Some(DockerError::Paused(name)),
        _ if is(state.restarting) => Some(DockerError::Restarting(name)),
        _ if is(state.running) => None,
        status => {
            let mut text = status.map(|status| status.to_string()).unwrap_or_default();
            if is(state.oom_killed) {
                text = format!("{text}, killed for want of memory");
            }
            if let Some(code) = state.exit_code.filter(|code| *code != 0) {
                text = format!("{text}, exit code {code}");
            }
            Some(DockerError::Stopped { name, state: text })
        }
    }
}

/// The architecture of an image, as `uname -m` names it; the engine's, when the image is gone.
async fn arch(docker: &Docker, image: Option<&str>) -> Result<String, DockerError> {
    let of_image = match image {
        Some(image) => docker.inspect_image(image).await.ok(),
        None => None,
    };
    let named = of_image.and_then(|image| image.architecture);
    match named.filter(|arch| !arch.is_empty()) {
        Some(arch) => Ok(uname(&arch)),
        None => engine_arch(docker).await,
    }
}

/// The architecture of the engine's machine.
pub(crate) async fn engine_arch(docker: &Docker) -> Result<String, DockerError> {
    let info = docker.info().await.map_err(|why| DockerError::Engine {
        what: "tell its architecture",
        why: said(&why),
    })?;
    Ok(uname(&info.architecture.unwrap_or_default()))
}

fn uname(arch: &str) -> String {
    match arch {
        "amd64" => "x86_64".to_owned(),
        "arm64" => "aarch64".to_owned(),
        other => bounded(other),
    }
}

/// The names that a wrong one may have meant.
async fn near(docker: &Docker, name: &str) -> Vec<String> {
    let options = ListContainersOptionsBuilder::new().all(false).build();
    let Ok(listed) = docker.list_containers(Some(options)).await else {
        return Vec::new();
    };
    let names: Vec<String> = listed
        .into_iter()
        .flat_map(|container| container.names.unwrap_or_default())
        .map(|name| bounded(name.trim_start_matches('/')))
        .collect();
    let holding = |other: &&String| other.contains(name) || name.contains(other.as_str());
    let nearest = nearest(name, names.iter().map(String::as_str));
    let mut near: Vec<String> = nearest.map(str::to_owned).into_iter().collect();
    near.extend(names.iter().filter(holding).cloned());
    near.dedup();
    near.truncate(MAX_NEAR);
    near
}
