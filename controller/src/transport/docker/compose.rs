//! The containers of a compose project, found by the labels that compose gives them.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptionsBuilder;

use super::DockerError;
use super::error::{bounded, said};
use super::project::Project;

const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const NUMBER: &str = "com.docker.compose.container-number";
const ONE_OFF: &str = "com.docker.compose.oneoff";
const DIRECTORY: &str = "com.docker.compose.project.working_dir";

/// A container of a service.
pub(super) struct Replica {
    /// The service.
    pub(super) service: String,
    number: u32,
    /// The container's id.
    pub(super) id: String,
    /// Its image, as it was named.
    pub(super) image: String,
    /// What the engine calls its state.
    pub(super) state: String,
    directory: Option<String>,
}

impl Replica {
    fn read(container: ContainerSummary) -> Option<Self> {
        let labels = container.labels?;
        let label = |name: &str| labels.get(name).cloned();
        // A container of `compose run` is nobody's replica.
        if label(ONE_OFF).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return None;
        }
        Some(Self {
            service: bounded(&label(SERVICE)?),
            number: label(NUMBER)
                .and_then(|number| number.parse().ok())
                .unwrap_or(1),
            id: container.id?,
            image: bounded(&container.image.unwrap_or_default()),
            state: container.state.map(|it| it.to_string()).unwrap_or_default(),
            directory: label(DIRECTORY),
        })
    }
}

/// The containers of a project, by service and number: those that run, or all there are.
pub(super) async fn containers(
    docker: &Docker,
    project: &Project,
    all: bool,
) -> Result<Vec<Replica>, DockerError> {
    let label = format!("{PROJECT}={}", project.name);
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListContainersOptionsBuilder::new()
        .filters(&filters)
        .all(all)
        .build();
    let listed = docker.list_containers(Some(options)).await;
    let listed = listed.map_err(|why| DockerError::Engine {
        what: "list the containers of the project",
        why: said(&why),
    })?;
    let mut replicas: Vec<_> = listed.into_iter().filter_map(Replica::read).collect();
    // Two checkouts of the same name are one project to compose; ours is meant when it is there.
    let here = project.directory.as_ref().and_then(|dir| dir.to_str());
    let ours =
        |replica: &Replica| replica.directory.is_some() && replica.directory.as_deref() == here;
    if replicas.iter().any(ours) {
        replicas.retain(ours);
    }
    replicas.sort_by(|a, b| (&a.service, a.number).cmp(&(&b.service, b.number)));
    Ok(replicas)
}

/// The id of the container to work in, and what to say about the choice.
pub(super) async fn choose(
    docker: &Docker,
    project: &Project,
    service: &str,
    index: Option<u32>,
) -> Result<(String, Vec<String>), DockerError> {
    let all = containers(docker, project, false).await?;
    let own: Vec<_> = all.iter().filter(|it| it.service == service).collect();
    let Some(first) = own.first() else {
        let mut others: Vec<_> = all.into_iter().map(|it| it.service).collect();
        others.dedup();
        return Err(DockerError::Service {
            service: service.to_owned(),
            project: project.name.clone(),
            others,
        });
    };
    let chosen = match index {
        None => first,
        Some(index) => {
            own.iter()
                .find(|it| it.number == index)
                .ok_or_else(|| DockerError::Replica {
                    service: service.to_owned(),
                    index,
                    running: own.iter().map(|it| it.number).collect(),
                })?
        }
    };
    let mut remarks = Vec::new();
    if index.is_none() && own.len() > 1 {
        let (count, number) = (own.len(), chosen.number);
        remarks.push(format!(
            "Found {count} replicas of {service}; using number {number}."
        ));
    }
    Ok((chosen.id.clone(), remarks))
}
