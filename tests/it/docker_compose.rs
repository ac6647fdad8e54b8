//! `--ssh=docker-compose:…` and `--ssh=docker-compose-run:…` on a real engine.

use kickout::transport::Around;
use kickout::transport::docker::look;
use kickout_tests::{Container, Image, Output, Scratch, WordPress, docker_host, needs};

use crate::docker::{kickout, mounts};

fn label(name: &str, value: &str) -> String {
    format!("--label=com.docker.compose.{name}={value}")
}

/// A container with the labels that compose gives.
fn replica(project: &str, service: &str, number: &str, more: &[String]) -> Container {
    let mut options = vec![
        label("project", project),
        label("service", service),
        label("container-number", number),
        label("oneoff", "False"),
    ];
    options.extend(more.iter().cloned());
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    Container::start(Image::Busybox, &options)
}

#[test]
fn a_service_is_found_by_its_labels() {
    needs!(Root, WordPress, Docker);
    let site = WordPress::new().install();
    let folder = Scratch::new("project");
    folder.write("compose.yaml", "services: {}\n");
    let project = format!("kickout-{}", std::process::id());
    let mounts = mounts(&site);
    let run = |ssh: &str, more: &[&str]| -> Output {
        kickout()
            .cwd(folder.path())
            .env("COMPOSE_PROJECT_NAME", &project)
            .arg(format!("--ssh={ssh}"))
            .arg(format!("--path={}", site.root().display()))
            .args(more)
            .args(["user", "session", "list", "admin", "--format=count"])
            .run()
    };
    run("docker-compose:web", &[])
        .code(4)
        .stderr_has("none of its services does")
        .stderr_has("docker compose up -d web");
    let _two = replica(&project, "web", "2", &mounts);
    let one = replica(&project, "web", "1", &mounts);
    run("docker-compose:web", &[])
        .code(0)
        .stdout("0\n")
        .stderr_has("Found 2 replicas of web; using number 1.");
    run("docker-compose:wbe", &[])
        .code(4)
        .stderr_has("running: web")
        .stderr_has("Try --ssh=docker-compose:web");
    one.docker(&["pause"]);
    run("docker-compose:web", &[])
        .code(4)
        .stderr_has("is paused");
    run("docker-compose:web", &["--ssh-args=--index=2"])
        .code(0)
        .stdout("0\n")
        .stderr("");
    run("docker-compose:web", &["--ssh-args=--index=7"])
        .code(4)
        .stderr_has("no running replica 7 (running: 1, 2)");
    run("docker-compose:shop", &[])
        .code(4)
        .stderr_has("running: web");
    one.docker(&["unpause"]);
    run("docker-compose:web", &["--ssh-args=-p", "--ssh-args=other"])
        .code(4)
        .stderr_has("project `other`");
}

#[test]
fn wordpress_is_found_in_a_project() {
    needs!(Docker);
    let folder = Scratch::new("project");
    folder.write("compose.yaml", "services: {}\n");
    let site = Scratch::new("html");
    site.write("wp-load.php", "<?php\n");
    let html = [format!("--volume={}:/var/www/html", site.path().display())];
    let project = format!("kickout-find-{}", std::process::id());
    let _containers = [
        replica(&project, "site", "1", &html),
        replica(&project, "site", "2", &html),
        replica(&project, "db", "1", &[]),
    ];
    let mut around = Around {
        cwd: folder.path().to_path_buf(),
        ..Around::default()
    };
    around
        .vars
        .insert("COMPOSE_PROJECT_NAME".into(), project.into());
    if let Some(host) = docker_host() {
        around.vars.insert("DOCKER_HOST".into(), host.into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let found = runtime.block_on(look(&around)).unwrap().unwrap();
    let sites: Vec<_> = found
        .services
        .iter()
        .map(|it| (it.connection(), it.running))
        .collect();
    // A busybox starts in `/`, so the search must be sent to the site.
    let connection = "docker-compose:site/var/www/html".to_owned();
    assert_eq!(sites, [(connection, 2)]);
    assert_eq!(found.names, ["db", "site"]);
}

#[test]
fn a_new_container_of_a_service_is_removed() {
    needs!(Root, WordPress, Docker);
    let site = WordPress::new().install();
    let folder = Scratch::new("project");
    let image = Image::Busybox.make();
    let volumes: Vec<_> = mounts(&site)
        .iter()
        .map(|mount| mount.trim_start_matches("--volume=").to_owned())
        .collect();
    let file = format!(
        "version: '3'\nservices:\n  web:\n    image: {image}\n    network_mode: none\n    \
         command: sleep 1\n    volumes: {volumes:?}\n"
    );
    folder.write("compose.yaml", &file);
    folder.write("docker-compose.yml", &file);
    let run = |ssh: &str| {
        kickout()
            .cwd(folder.path())
            .arg(format!("--ssh={ssh}"))
            .arg(format!("--path={}", site.root().display()))
            .args(["user", "session", "list", "admin", "--format=count"])
    };
    run("docker-compose-run:web").run().code(0).stdout("0\n");
    run("docker-compose-run:nobody@web").run().code(4);
    run("docker-compose-run:shop")
        .run()
        .code(4)
        .stderr_has("shop");
    run("docker-compose-run:web")
        .env("DOCKER_HOST", "tcp://192.0.2.1:2375")
        .run()
        .code(2)
        .stderr_has("is on another machine");
}
