//! The services that compose files declare, as far as anybody is told of them.
//!
//! Border: files are read, nothing of them is obeyed, and engines are not known here.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::DockerError;
use super::project::{Project, read};

/// So many services of a project are looked at.
const MAX_SERVICES: usize = 200;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    services: Option<BTreeMap<String, Option<Service>>>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    image: Option<String>,
}

/// The services of a project's files, each with its image as written; empty for one that is built.
pub(super) fn services(project: &Project) -> Result<BTreeMap<String, String>, DockerError> {
    let mut services = BTreeMap::new();
    for file in &project.files {
        for (name, service) in declared(file)? {
            let image: &mut String = services.entry(name).or_default();
            if let Some(written) = service.and_then(|service| service.image) {
                *image = written;
            }
        }
    }
    Ok(services)
}

fn declared(path: &Path) -> Result<Vec<(String, Option<Service>)>, DockerError> {
    let broken = |why: String| DockerError::File {
        path: path.to_owned(),
        why,
    };
    let text = read(path).map_err(|why| broken(why.to_string()))?;
    let file: File = serde_saphyr::from_str(&text).map_err(|why| broken(first_line(&why)))?;
    let services = file.services.unwrap_or_default();
    Ok(services.into_iter().take(MAX_SERVICES).collect())
}

/// The sentence of a parser that also draws.
fn first_line(why: &serde_saphyr::Error) -> String {
    why.to_string()
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_those_of_all_files() {
        let dir = tempfile::tempdir().unwrap();
        type Expected<'a> = Result<&'a [(&'a str, &'a str)], &'a str>;
        let rows: [(&[&str], Expected<'_>); 6] = [
            (
                &[
                    "services:\n  db:\n    image: mariadb:lts\n  web: {build: ., ports: ['80:80']}\n",
                ],
                Ok(&[("db", "mariadb:lts"), ("web", "")]),
            ),
            (
                &[
                    "services:\n  web: {image: a}\n  db:\n",
                    "services:\n  web: {image: b}\n  more: {image: c}\n",
                ],
                Ok(&[("db", ""), ("more", "c"), ("web", "b")]),
            ),
            (
                &[
                    "x-all: &all\n  image: wordpress:6\nservices:\n  web:\n    <<: *all\n    ports: []\n",
                ],
                Ok(&[("web", "wordpress:6")]),
            ),
            (&["name: x\n"], Ok(&[])),
            (&["services: [\n"], Err("0.yaml: ")),
            (&["services: 7\n"], Err("0.yaml: ")),
        ];
        for (texts, expected) in rows {
            let files = texts.iter().enumerate().map(|(index, text)| {
                let path = dir.path().join(format!("{index}.yaml"));
                std::fs::write(&path, text).unwrap();
                path
            });
            let project = Project {
                name: "x".to_owned(),
                directory: None,
                files: files.collect(),
            };
            match (services(&project), expected) {
                (Ok(found), Ok(expected)) => {
                    let found: Vec<_> = found.iter().map(|(n, i)| (&**n, &**i)).collect();
                    assert_eq!(found, expected, "{texts:?}");
                }
                (Err(error), Err(part)) => {
                    let text = error.to_string();
                    assert!(text.contains(part) && !text.contains('\n'), "{text}");
                }
                (found, expected) => panic!("{texts:?}: {found:?}, not {expected:?}"),
            }
        }
    }
}
