//! One user of one site in a container, beside the engine's own client.

use std::process::Command;

use kickout_tests::{Binaries, Container, Image, Scratch, WordPress, docker_host};

use crate::clock::{Table, timed};
use crate::jobs::sessions;

/// A row for each kind of tools that the agent is checked with.
pub(crate) fn measure(table: &mut Table, samples: usize) {
    for (image, job) in [
        (
            Image::Debian,
            "destroy all sessions of one user in a container",
        ),
        (Image::Busybox, "the same with busybox alone"),
    ] {
        measure_in(image, job, table, samples);
    }
}

/// The container sees the site's files and its database's socket.
fn measure_in(image: Image, job: &'static str, table: &mut Table, samples: usize) {
    let _ = Binaries::release();
    let site = WordPress::new().install();
    let socket = site.database().server.socket();
    let mounts = [site.around().path(), socket.parent().unwrap()]
        .map(|dir| format!("--volume={0}:{0}", dir.display()));
    let container = Container::start(image, &mounts.each_ref().map(String::as_str));
    let three = sessions(3);
    let home = Scratch::new("home");
    let program = |name: &str| {
        let mut command = Command::new(name);
        command.current_dir(home.path()).env("HOME", home.path());
        if let Some(host) = docker_host() {
            command.env("DOCKER_HOST", host);
        }
        command
    };
    let destroy = || {
        let mut kickout = program(Binaries::release().kickout.to_str().unwrap());
        kickout
            .arg(format!("--ssh=docker:{}", container.name()))
            .arg(format!("--path={}", site.root().display()))
            .args(["user", "session", "destroy", "admin", "--all"]);
        site.set_raw(1, &three);
        let took = timed(&mut kickout);
        assert!(site.raw_rows(1).is_empty(), "{kickout:?} ended nothing");
        took
    };
    let exec = || timed(program("docker").args(["exec", container.name(), "true"]));
    // The agent is there.
    destroy();
    table.compare(
        job,
        samples,
        vec![
            ("kickout", Box::new(destroy)),
            ("`docker exec … true`", Box::new(exec)),
        ],
    );
}
