//! What the compose project of a folder has of WordPress: which services, whether they run, and
//! where the site is in them. Nothing is started or changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bollard::Docker;
use bollard::query_parameters::{ContainerArchiveInfoOptionsBuilder, InspectContainerOptions};

use super::compose::{Replica, containers};
use super::error::bounded;
use super::project::{Project, Wanted};
use super::{Around, DockerError, connect, declared, find};
use crate::target::Container;

/// What every WordPress has in its root.
const MARK: &str = "wp-load.php";

/// Where images keep the site, beside the directory they start in.
const ROOTS: [&str; 2] = ["/var/www/html", "/opt/bitnami/wordpress"];

/// So many services are searched for a site.
const MAX_SEARCHED: usize = 30;

/// A path in a container has fewer directories than this.
const MAX_DEPTH: usize = 20;

/// A compose project as far as WordPress goes.
#[derive(Debug)]
pub struct Sight {
    /// Its name.
    pub project: String,
    /// The services that look like WordPress, those that run before the others.
    pub services: Vec<Service>,
    /// The names of all services.
    pub names: Vec<String>,
    /// Whether some services say nothing of what they are until an engine does.
    pub built: bool,
    /// Why the engine did not say more.
    pub silent: Option<DockerError>,
}

/// A service that looks like WordPress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name in the compose file.
    pub name: Container,
    /// The image of its first container, else the one that is written; empty for one to be built.
    pub image: String,
    /// How many containers of it run.
    pub running: usize,
    /// What the engine calls the state of its first container; empty without a container.
    pub state: String,
    /// Where its site is; `None` when it was not found, or nothing could be searched.
    pub site: Option<Place>,
}

/// A directory in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its path.
    pub path: String,
    /// Whether a search from the container's own directory upward comes to it.
    pub at_hand: bool,
}

impl Service {
    /// The connection string that leads to its site.
    #[must_use]
    pub fn connection(&self) -> String {
        let far = self.site.as_ref().filter(|site| !site.at_hand);
        let path = far.map_or("", |site| site.path.as_str());
        format!("docker-compose:{}{path}", self.name)
    }
}

/// Looks at the compose project of the current directory; `None` where there is no compose file.
pub async fn look(around: &Around) -> Result<Option<Sight>, DockerError> {
    let project = match Project::find(&Wanted::default(), around) {
        Err(DockerError::NoProject(_)) => return Ok(None),
        Ok(project) if project.files.is_empty() => return Ok(None),
        found => found?,
    };
    let declared = declared::services(&project)?;
    let asked = async {
        let docker = connect(&find(around)?).await?;
        let containers = containers(&docker, &project, true).await?;
        Ok((docker, containers))
    };
    let (docker, containers, silent) = match asked.await {
        Ok((docker, containers)) => (Some(docker), containers, None),
        Err(error) => (None, Vec::new(), Some(error)),
    };
    let mut all: BTreeMap<String, (String, Vec<Replica>)> = BTreeMap::new();
    let built = declared.values().any(String::is_empty);
    for (name, image) in declared {
        all.insert(bounded(&name), (bounded(&image), Vec::new()));
    }
    for replica in containers {
        let (_, own) = all.entry(replica.service.clone()).or_default();
        own.push(replica);
    }
    let names = all.keys().cloned().collect();
    let mut services: Vec<_> = all.into_iter().filter_map(service).collect();
    // What is called so needs no search; it is searched only for where the site is.
    let named: BTreeSet<_> = services
        .iter()
        .filter(|(service, _)| is_wordpress(&service.image))
        .map(|(service, _)| service.name.clone())
        .collect();
    services.retain(|(service, _)| named.is_empty() || named.contains(&service.name));
    services.truncate(MAX_SEARCHED);
    for (service, container) in &mut services {
        if let (Some(docker), Some(container)) = (&docker, container) {
            service.site = site(docker, container).await;
        }
    }
    let mut services: Vec<_> = services.into_iter().map(|(service, _)| service).collect();
    services.retain(|service| service.site.is_some() || named.contains(&service.name));
    services.sort_by_key(|service| service.running == 0);
    Ok(Some(Sight {
        project: project.name,
        services,
        names,
        built,
        silent,
    }))
}

/// A service, and the container of it that is looked into: one that runs, when there is one. `None`
/// for a name that no connection string can hold.
fn service(
    (name, (written, replicas)): (String, (String, Vec<Replica>)),
) -> Option<(Service, Option<String>)> {
    let name = Container::new(&name).ok()?;
    let running = replicas.iter().filter(|it| it.state == RUNNING);
    let (running, first) = (running.clone().count(), running.clone().next());
    let first = first.or(replicas.first());
    let service = Service {
        name,
        image: first.map_or(written, |it| it.image.clone()),
        running,
        state: first.map(|it| it.state.clone()).unwrap_or_default(),
        site: None,
    };
    Some((service, first.map(|it| it.id.clone())))
}

/// The engine's word for a container whose programs run.
const RUNNING: &str = "running";

/// Whether an image is one that serves WordPress, by its name: WP-CLI's is called so, too.
fn is_wordpress(image: &str) -> bool {
    let image = image.to_lowercase();
    let tag = image.rsplit('/').next().and_then(|it| it.split_once(':'));
    image.contains("wordpress") && !tag.is_some_and(|(_, tag)| tag.starts_with("cli"))
}

async fn site(docker: &Docker, container: &str) -> Option<Place> {
    let options = None::<InspectContainerOptions>;
    let inspected = docker.inspect_container(container, options).await.ok()?;
    let own = inspected.config.and_then(|config| config.working_dir);
    let own = own.filter(|path| path.starts_with('/'));
    let own = own.unwrap_or_else(|| "/".to_owned());
    for folder in Path::new(&own).ancestors().take(MAX_DEPTH) {
        if let Some(path) = holds(docker, container, folder).await {
            let at_hand = true;
            return Some(Place { path, at_hand });
        }
    }
    for root in ROOTS {
        if let Some(path) = holds(docker, container, Path::new(root)).await {
            let at_hand = false;
            return Some(Place { path, at_hand });
        }
    }
    None
}

/// The path of a folder, when it is the root of a site.
async fn holds(docker: &Docker, container: &str, folder: &Path) -> Option<String> {
    let mark = folder.join(MARK);
    let options = ContainerArchiveInfoOptionsBuilder::new()
        .path(mark.to_str()?)
        .build();
    let found = docker.get_container_archive_info(container, Some(options));
    found.await.ok()?;
    folder.to_str().map(bounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_their_names() {
        for (image, serves) in [
            ("wordpress", true),
            ("wordpress:6-apache", true),
            ("library/WordPress:6", true),
            ("bitnami/wordpress-nginx:latest", true),
            ("localhost:5000/wordpress", true),
            ("shop_wordpress", true),
            ("${WP_IMAGE:-wordpress:6}", true),
            ("wordpress:cli", false),
            ("wordpress:cli-2-php8.3", false),
            ("localhost:5000/wordpress:cli", false),
            ("mariadb:lts", false),
            ("", false),
        ] {
            assert_eq!(is_wordpress(image), serves, "{image}");
        }
    }

    #[test]
    fn a_site_elsewhere_is_named_in_the_connection() {
        let mut service = Service {
            name: Container::new("web").unwrap(),
            image: String::new(),
            running: 1,
            state: RUNNING.to_owned(),
            site: None,
        };
        assert_eq!(service.connection(), "docker-compose:web");
        for (at_hand, connection) in [
            (true, "docker-compose:web"),
            (false, "docker-compose:web/srv/wp"),
        ] {
            let path = "/srv/wp".to_owned();
            service.site = Some(Place { path, at_hand });
            assert_eq!(service.connection(), connection);
        }
    }
}
