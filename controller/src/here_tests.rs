//! What is said of a project, line by line.

use super::*;
use crate::target::Container;
use crate::transport::docker::{DockerError, Place};

fn service(name: &str, running: usize, state: &str, site: Option<(&str, bool)>) -> Service {
    Service {
        name: Container::new(name).unwrap(),
        image: "wordpress:6".to_owned(),
        running,
        state: state.to_owned(),
        site: site.map(|(path, at_hand)| Place {
            path: path.to_owned(),
            at_hand,
        }),
    }
}

fn sight(services: Vec<Service>) -> Sight {
    Sight {
        project: "shop".to_owned(),
        services,
        names: vec!["db".to_owned(), "web".to_owned()],
        built: false,
        silent: None,
    }
}

#[test]
fn two_lines_and_three_commands() {
    let html = Some(("/var/www/html", true));
    let doctor = "kickout --ssh=docker-compose:web doctor";
    let list = "kickout --ssh=docker-compose:web user session list admin";
    let rows = [
        (
            vec![service("web", 1, "running", html)],
            "has WordPress in its service web (running, image wordpress:6).",
            "The site of web is in /var/www/html there.",
            [
                doctor,
                list,
                "kickout --ssh=docker-compose:web user session destroy admin",
            ],
        ),
        (
            vec![
                service("web", 2, "running", html),
                service("blog", 0, "", None),
            ],
            "in its services web (running, 2 containers, image wordpress:6); blog (no container yet, image wordpress:6).",
            "The site of web is in /var/www/html there.",
            [
                doctor,
                list,
                "kickout --ssh=docker-compose:web user session destroy admin",
            ],
        ),
        (
            vec![service("web", 0, "exited", html)],
            "web (exited, image wordpress:6).",
            "/var/www/html",
            ["docker compose up -d", doctor, list],
        ),
        (
            vec![service("web", 0, "paused", html)],
            "web (paused, image wordpress:6).",
            "/var/www/html",
            ["docker compose unpause web", doctor, list],
        ),
        (
            vec![service("web", 0, "", None)],
            "web (no container yet, image wordpress:6).",
            "its containers will tell",
            ["docker compose up -d", doctor, list],
        ),
        (
            vec![service("web", 1, "running", Some(("/srv/a b", false)))],
            "web (running, image wordpress:6).",
            "/srv/a b",
            [
                "kickout --ssh='docker-compose:web/srv/a b' doctor",
                "kickout --ssh='docker-compose:web/srv/a b' user session list admin",
                "kickout --ssh='docker-compose:web/srv/a b' user session destroy admin",
            ],
        ),
        (
            vec![service("web", 1, "running", None)],
            "web (running, image wordpress:6).",
            "docker-compose:web/path/to/wordpress",
            [
                doctor,
                list,
                "kickout --ssh=docker-compose:web user session destroy admin",
            ],
        ),
    ];
    for (services, first, second, commands) in rows {
        let found = next(&services[0], "docker compose");
        let lines = seen(&sight(services));
        assert_eq!(lines.len(), 2);
        assert!(
            lines[0].starts_with("The compose project shop has"),
            "{lines:?}"
        );
        assert!(lines[0].ends_with(first), "{lines:?}");
        assert!(lines[1].contains(second), "{lines:?}");
        assert_eq!(found, commands);
    }
}

#[test]
fn an_error_ends_with_the_way() {
    let words = cli::split(["user", "list"].map(str::to_owned));
    let running = || sight(vec![service("web", 1, "running", Some(("/x", true)))]);
    let stopped = || sight(vec![service("web", 0, "exited", None)]);
    let silent = Sight {
        silent: Some(DockerError::Tls("x".to_owned())),
        ..stopped()
    };
    let line = "\nkickout --ssh=docker-compose:web user list";
    let host = |name: &str| Missing::Host(name.to_owned());
    let rows = [
        (
            running(),
            Missing::Site,
            Some("has WordPress in its service web."),
        ),
        (
            running(),
            Missing::Environment,
            Some("has WordPress in its service web."),
        ),
        (
            running(),
            host("db"),
            Some("db is a service of the compose project shop"),
        ),
        (running(), host("db.example.com"), None),
        (
            stopped(),
            Missing::Site,
            Some("It does not run: `docker-compose up -d` first."),
        ),
        (
            silent,
            Missing::Site,
            Some("has WordPress in its service web."),
        ),
        (sight(Vec::new()), Missing::Site, None),
    ];
    for (sight, missing, expected) in rows {
        let text = way(&sight, &missing, &words, "docker-compose");
        match (text, expected) {
            (Some(text), Some(part)) => {
                assert!(text.contains(part) && text.ends_with(line), "{text}");
            }
            (None, None) => {}
            (text, expected) => panic!("{missing:?}: {text:?}, not {expected:?}"),
        }
    }
}
