//! `--ssh=docker:…` on a real engine: containers of every kind, and those that do not work.

use kickout_tests::{
    Container, Image, Kickout, Output, Podman, Scratch, Site, WordPress, docker_host, needs, until,
};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::held::Held;

/// A run that finds the engine of the tests.
pub(crate) fn kickout() -> Kickout {
    let run = Kickout::new();
    match docker_host() {
        Some(host) => run.env("DOCKER_HOST", host),
        None => run,
    }
}

/// The options that show a container the site and its database's socket where they are.
pub(crate) fn mounts(site: &Site) -> Vec<String> {
    let socket = site.database().server.socket();
    [site.around().path(), socket.parent().unwrap()]
        .map(|dir| format!("--volume={0}:{0}", dir.display()))
        .to_vec()
}

fn start(image: Image, site: &Site, more: &[&str]) -> Container {
    let mounts = mounts(site);
    let mut options: Vec<_> = mounts.iter().map(String::as_str).collect();
    options.extend(more);
    Container::start(image, &options)
}

fn session(container: &str, site: &Site, user: &str, words: &[&str]) -> Output {
    kickout()
        .arg(format!("--ssh=docker:{user}{container}"))
        .arg(format!("--path={}", site.root().display()))
        .args(["user", "session"])
        .args(words)
        .run()
}

#[test]
fn every_kind_of_container() {
    needs!(Root, WordPress, Docker);
    let site = WordPress::new().install();
    let anna = site.add_user("anna", "editor");
    let rows: [(&str, Image, &[&str], &str); 8] = [
        ("busybox only", Image::Busybox, &[], ""),
        ("Debian's tools", Image::Debian, &[], ""),
        ("no shell, no /tmp", Image::Bare, &[], ""),
        (
            "read-only beside a tmpfs",
            Image::Busybox,
            &["--read-only", "--tmpfs=/scratch:exec"],
            "",
        ),
        (
            "a first place that runs nothing",
            Image::Busybox,
            &["--tmpfs=/tmp:noexec"],
            "",
        ),
        (
            "a first place that is full",
            Image::Busybox,
            &["--tmpfs=/tmp:exec,size=64k"],
            "",
        ),
        ("another user", Image::Busybox, &[], "web@"),
        ("another user, no shell", Image::Bare, &["--user=33"], ""),
    ];
    for (what, image, options, user) in rows {
        let container = start(image, &site, options);
        site.clear_raw(anna.id);
        site.logins(&[("anna", "Firefox", "192.0.2.1"), ("anna", "curl", "::1")]);
        let list = || {
            session(
                container.name(),
                &site,
                user,
                &["list", "anna", "--format=count"],
            )
        };
        let said = list();
        assert_eq!(said.stdout, "2\n", "{what}: {}", said.stderr);
        // The second time it is there already.
        let said = session(container.name(), &site, user, &["destroy", "anna", "--all"]);
        assert_eq!(said.code, Some(0), "{what}: {}", said.stderr);
        assert_eq!(site.raw_rows(anna.id), [], "{what}");
    }
}

/// Podman is found where docker is not, and does the same.
#[test]
fn podman_instead_of_docker() {
    needs!(Root, WordPress, Podman);
    let site = WordPress::new().install();
    let podman = Podman::start(&mounts(&site));
    site.logins(&[("admin", "Firefox", "192.0.2.1"), ("admin", "curl", "::1")]);
    // Docker's own socket comes first where there is one.
    let run = || match Path::new("/var/run/docker.sock").exists() {
        true => Kickout::new().env(
            "DOCKER_HOST",
            format!(
                "unix://{}/podman/podman.sock",
                podman.runtime_dir().display()
            ),
        ),
        false => Kickout::new().env("XDG_RUNTIME_DIR", podman.runtime_dir()),
    };
    let place = format!("--ssh=docker:{}", Podman::CONTAINER);
    let run = |words: &[&str]| {
        let path = format!("--path={}", site.root().display());
        run().arg(&place).arg(path).args(words).run()
    };
    run(&["user", "session", "list", "admin", "--format=count"]).stdout("2\n");
    run(&["user", "session", "destroy", "admin", "--all"]).success();
    assert_eq!(site.raw_rows(1), []);
    run(&["agent", "where"])
        .success()
        .stdout_has("/tmp/.kickout-0/");
    let nobody = run(&["--ssh=docker:nobody", "user", "session", "list", "admin"]);
    nobody.code(4).stderr_has("nobody");
}

#[test]
fn a_place_that_somebody_else_prepared_is_not_used() {
    needs!(Root, WordPress, Docker);
    let site = WordPress::new().install();
    let container = start(Image::Busybox, &site, &[]);
    container.docker_exec_as(
        "33",
        "mkdir -m 700 /tmp/.kickout-0; touch /tmp/.kickout-0/x",
    );
    session(
        container.name(),
        &site,
        "",
        &["list", "admin", "--format=count"],
    )
    .code(0)
    .stdout("0\n");
    assert_eq!(container.exec(&["ls", "/tmp/.kickout-0"]), "x\n");
}

#[test]
fn a_container_that_cannot_is_a_clear_error() {
    needs!(Root, WordPress, Docker);
    let site = WordPress::new().install();
    type Row<'a> = (
        &'a str,
        Image,
        &'a [&'a str],
        Option<&'a [&'a str]>,
        [&'a str; 2],
    );
    let rows: [Row<'_>; 5] = [
        (
            "paused",
            Image::Busybox,
            &[],
            Some(&["pause"]),
            ["is paused", "docker unpause "],
        ),
        (
            "stopped",
            Image::Busybox,
            &[],
            Some(&["kill"]),
            ["does not run (exited", "docker start "],
        ),
        (
            "removed",
            Image::Busybox,
            &[],
            Some(&["rm", "-f"]),
            ["there is no container", "docker ps"],
        ),
        (
            "nowhere",
            Image::Bare,
            &["--read-only"],
            None,
            ["read-only, and it has no shell", "--tmpfs"],
        ),
        (
            "nowhere to write",
            Image::Busybox,
            &["--read-only", "--ipc=none"],
            None,
            ["read-only", "--tmpfs"],
        ),
    ];
    for (what, image, options, then, parts) in rows {
        let container = start(image, &site, options);
        if let Some(words) = then {
            container.docker(words);
        }
        let said = session(container.name(), &site, "", &["list", "admin"]);
        assert_eq!(said.code, Some(4), "{what}: {}", said.stderr);
        for part in parts {
            assert!(said.stderr.contains(part), "{what}: {}", said.stderr);
        }
        if what == "paused" {
            container.docker(&["unpause"]);
        }
    }
    let failing = ["--restart=always", "--entrypoint=/bin/false"];
    let container = start(Image::Busybox, &site, &failing);
    until(
        "it rests between two starts",
        Duration::from_secs(30),
        || {
            // The engine waits longer each time: from the fifth on, long enough to be met.
            let state =
                container.docker(&["inspect", "--format={{.RestartCount}} {{.State.Status}}"]);
            let (count, state) = state.trim().split_once(' ')?;
            (count.parse::<u32>().ok()? >= 5 && state == "restarting").then_some(())
        },
    );
    session(container.name(), &site, "", &["list", "admin"])
        .code(4)
        .stderr_has("is restarting")
        .stderr_has("docker logs --tail 20");
    let container = start(Image::Busybox, &site, &[]);
    let near = container.name().replacen('t', "", 1);
    session(&near, &site, "", &["list", "admin"])
        .code(4)
        .stderr_has(container.name());
    session(container.name(), &site, "nobody@", &["list", "admin"])
        .code(4)
        .stderr_has("knows no user `nobody`");
    let empty = Scratch::new("engine");
    Kickout::new()
        .env(
            "DOCKER_HOST",
            format!("unix://{}", empty.join("sock").display()),
        )
        .args(["--ssh=docker:x", "user", "session", "list", "admin"])
        .run()
        .code(4)
        .stderr_has("no container engine answers")
        .stderr_has("systemctl start docker");
}

/// A run that waits in the middle, its agent started: the database holds the rows.
fn held(site: &Site, container: &Container) -> std::process::Child {
    let place = format!("--ssh=docker:{}", container.name());
    let path = format!("--path={}", site.root().display());
    let mut run = Command::new(&kickout_tests::Binaries::dev().kickout);
    if let Some(host) = docker_host() {
        run.env("DOCKER_HOST", host);
    }
    run.args([place, path])
        .args(["user", "session", "destroy", "--all-users"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn no_agent_outlives_its_controller() {
    needs!(Root, WordPress, Docker);
    let site = WordPress::new().install();
    site.login("admin", "Firefox", "192.0.2.1");
    let container = start(Image::Busybox, &site, &[]);
    // Somebody holds the table, so that the agent is in the middle for as long as it takes.
    let lock = format!("LOCK TABLES {} WRITE;", site.usermeta_table());
    let _holder = Held::on_server(site.database(), &lock);
    let agents = || {
        container
            .docker(&["top"])
            .matches("/proc/self/fd/3")
            .count()
    };
    let mut child = held(&site, &container);
    until("an agent runs", Duration::from_secs(30), || {
        (agents() > 0).then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    until("no agent runs", Duration::from_secs(50), || {
        (agents() == 0).then_some(())
    });
}

#[test]
fn a_container_removed_half_way_is_named() {
    needs!(Root, WordPress, Docker);
    let site = WordPress::new().install();
    site.login("admin", "Firefox", "192.0.2.1");
    let container = start(Image::Busybox, &site, &[]);
    let lock = format!("LOCK TABLES {} WRITE;", site.usermeta_table());
    let _holder = Held::on_server(site.database(), &lock);
    let child = held(&site, &container);
    until("an agent runs", Duration::from_secs(30), || {
        container
            .docker(&["top"])
            .contains("/proc/self/fd/3")
            .then_some(())
    });
    container.docker(&["rm", "--force"]);
    let said = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&said.stderr);
    assert!(matches!(said.status.code(), Some(4 | 5)), "{stderr}");
    assert!(stderr.contains("was removed meanwhile"), "{stderr}");
}
