//! A container engine and containers in it, which go with the test. `tests/run` starts the engine
//! and names it in `KICKOUT_TESTS_DOCKER`; images are made here, none is fetched.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::Scratch;
use crate::cache::copy_tree;
use crate::scratch::{run, text};
use crate::tree::tree;

/// Where the engine is: what `tests/run` started, else the operator's.
pub fn docker_host() -> Option<String> {
    let named = |name| std::env::var(name).ok().filter(|host| !host.is_empty());
    named("KICKOUT_TESTS_DOCKER").or_else(|| named("DOCKER_HOST"))
}

/// What an image holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// A static busybox, an `/etc/passwd` that knows `web` (33), and `/tmp`.
    Busybox,
    /// The same without `/tmp` and without any shell: one program, `/sleep`.
    Bare,
    /// Debian's own tools, with OpenSSL as in most images of servers.
    Debian,
    /// The busybox again, labelled as made for this architecture, as Docker calls it: `arm64`.
    Labelled(&'static str),
}

/// The packages of [`Image::Debian`].
const DEBIAN: [&str; 4] = ["coreutils", "dash", "findutils", "openssl"];

/// A running container; removed with the value.
#[derive(Debug)]
pub struct Container {
    name: String,
}

/// `docker …` on the engine of the tests.
pub(crate) fn docker() -> Command {
    let mut docker = Command::new("docker");
    if let Some(host) = docker_host() {
        docker.env("DOCKER_HOST", host);
    }
    docker.stdin(Stdio::null());
    docker
}

/// Whether the engine has an image.
pub(crate) fn knows_image(name: &str) -> bool {
    let mut inspect = docker();
    inspect
        .args(["image", "inspect", name])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    inspect.status().unwrap().success()
}

impl Container {
    /// Starts a container that does nothing, with further options of `docker run`, and no network.
    pub fn start(image: Image, options: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kickout-test-{}-{number}", std::process::id());
        let command = match image {
            Image::Busybox | Image::Labelled(_) => &["/bin/busybox", "sleep", "3600"][..],
            Image::Debian => &["sleep", "3600"],
            Image::Bare => &["/sleep", "3600"],
        };
        let mut start = docker();
        start
            .args(["run", "--detach", "--network=none", "--name", &name])
            .args(options)
            .arg(image.make())
            .args(command);
        run(&mut start);
        Self { name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `docker <words> <name>`, such as `pause`; gives what it prints.
    pub fn docker(&self, words: &[&str]) -> String {
        run(docker().args(words).arg(&self.name))
    }

    /// A line of shell in it, as another account.
    pub fn docker_exec_as(&self, user: &str, line: &str) -> String {
        run(docker().args(["exec", "--user", user, &self.name, "sh", "-c", line]))
    }

    /// A program in it.
    pub fn exec(&self, words: &[&str]) -> String {
        run(docker().arg("exec").arg(&self.name).args(words))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = docker()
            .args(["rm", "--force", "--volumes", &self.name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

impl Image {
    /// Makes the image, once for the engine; gives its name.
    pub fn make(self) -> String {
        let name = match self {
            Self::Busybox => "kickout-test-busybox:1".to_owned(),
            Self::Bare => "kickout-test-bare:1".to_owned(),
            Self::Debian => "kickout-test-debian:1".to_owned(),
            Self::Labelled(arch) => format!("kickout-test-busybox:{arch}"),
        };
        if !knows_image(&name) {
            let scratch = Scratch::new("image");
            let tar = self.layer(&scratch);
            // Two tests that make the same image at once make the same image.
            match self {
                Self::Labelled(arch) => load(&scratch, &tar, &name, arch),
                Self::Busybox | Self::Bare | Self::Debian => {
                    run(docker().arg("import").arg(&tar).arg(&name));
                }
            }
        }
        name
    }

    /// Its only layer, as an archive in this folder.
    pub(crate) fn layer(self, scratch: &Scratch) -> PathBuf {
        let (root, tar) = (scratch.join("root.image"), scratch.join("image.tar"));
        self.lay(&root);
        run(Command::new("tar")
            .args(["-C", text(&root).as_str(), "-cf"])
            .arg(&tar)
            .arg("."));
        tar
    }

    fn lay(self, root: &Path) {
        let busybox = Path::new("/bin/busybox");
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
        let accounts = "root:x:0:0:root:/:/bin/sh\nweb:x:33:33:web:/:/bin/sh\n";
        fs::write(root.join("etc/passwd"), accounts).unwrap();
        fs::write(root.join("etc/group"), "root:x:0:\nweb:x:33:\n").unwrap();
        match self {
            Self::Busybox | Self::Labelled(_) => {
                for dir in ["bin", "tmp"] {
                    fs::create_dir(root.join(dir)).unwrap();
                }
                let open = fs::Permissions::from_mode(0o1777);
                fs::set_permissions(root.join("tmp"), open).unwrap();
                fs::copy(busybox, root.join("bin/busybox")).unwrap();
                let applets = run(Command::new(busybox).arg("--list"));
                for applet in applets.lines().filter(|applet| *applet != "busybox") {
                    symlink("busybox", root.join("bin").join(applet)).unwrap();
                }
            }
            // Busybox does what the name says that it is called by.
            Self::Bare => {
                fs::copy(busybox, root.join("sleep")).unwrap();
            }
            Self::Debian => copy_tree(&tree("debian-1", &DEBIAN, |_| {}).join("."), root),
        }
    }
}

/// Loads a layer as an image of this architecture: an import is always of the engine's own.
fn load(scratch: &Scratch, layer: &Path, name: &str, arch: &str) {
    let hash = Sha256::digest(fs::read(layer).unwrap());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let config = json!({
        "architecture": arch,
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{hash}")]},
    });
    let manifest = json!([{
        "Config": "config.json",
        "RepoTags": [name],
        "Layers": [layer.file_name().unwrap().to_str().unwrap()],
    }]);
    scratch.write("config.json", config.to_string());
    scratch.write("manifest.json", manifest.to_string());
    let whole = scratch.join("whole.tar");
    run(Command::new("tar")
        .args(["-C", text(scratch.path()).as_str(), "-cf"])
        .arg(&whole)
        .args(["manifest.json", "config.json"])
        .arg(layer.file_name().unwrap()));
    run(docker().arg("load").arg("--input").arg(&whole));
}
