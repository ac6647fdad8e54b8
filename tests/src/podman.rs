//! Podman's system service over a store of its own, with one container in it; both go with the
//! test. It answers as Docker's engine does.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::scratch::{run, text};
use crate::{Guarded, Image, Scratch, until};

/// The service and its container.
#[derive(Debug)]
pub struct Podman {
    service: Guarded,
}

impl Podman {
    /// The name of its only container.
    pub const CONTAINER: &str = "site";

    /// Starts the service, and a container of busybox without a network that sees these folders
    /// where they are.
    pub fn start(volumes: &[String]) -> Self {
        let scratch = Scratch::new("podman");
        let tar = Image::Busybox.layer(&scratch);
        std::fs::create_dir(scratch.join("podman")).unwrap();
        let socket = scratch.join("podman/podman.sock");
        let log = File::create(scratch.join("log")).unwrap();
        let mut serve = podman(scratch.path());
        serve
            .args(["system", "service", "--time=0"])
            .arg(format!("unix://{}", socket.display()))
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let service = Guarded::spawn(serve, scratch);
        until("podman listens", Duration::from_secs(30), || {
            std::os::unix::net::UnixStream::connect(&socket).ok()
        });
        let own = Self { service };
        let image = "kickout-test-busybox:1";
        run(own.podman().arg("import").arg(&tar).arg(image));
        // Podman asks for more than a container in a machine of the cloud may have.
        let limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
        run(own
            .podman()
            .args([
                "run",
                "--detach",
                "--network=none",
                "--name",
                Self::CONTAINER,
            ])
            .args(limits)
            .args(volumes)
            .args([image, "/bin/busybox", "sleep", "3600"]));
        own
    }

    /// What `XDG_RUNTIME_DIR` is to be, so that the service is found.
    pub fn runtime_dir(&self) -> PathBuf {
        self.service.dir().to_owned()
    }

    fn podman(&self) -> Command {
        podman(self.service.dir())
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // The service goes with its value; what it started does not.
        let _ = self
            .podman()
            .args(["rm", "--force", "--time=0", "--all"])
            .output();
    }
}

/// A podman that keeps everything in this folder, and needs neither systemd nor a file system of
/// layers.
fn podman(dir: &std::path::Path) -> Command {
    let mut podman = Command::new("podman");
    for (option, folder) in [("root", "root"), ("runroot", "run"), ("tmpdir", "tmp")] {
        podman.arg(format!("--{option}={}", text(&dir.join(folder))));
    }
    podman.args([
        "--cgroup-manager=cgroupfs",
        "--events-backend=file",
        "--storage-driver=vfs",
    ]);
    podman
}
