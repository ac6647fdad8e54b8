//! What a test needs from the machine. A need that is not met is written down and shown at the end
//! of `tests/run`: a test is never skipped silently.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cache::{debian_version, target_dir};
use crate::docker::docker_host;

/// Something a machine has or has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// To be root: other accounts, chown, network namespaces.
    Root,
    /// A real WordPress on MariaDB: the server, PHP, and the code from Debian's package.
    WordPress,
    /// A real Redis, and PHP's extension for it.
    Redis,
    /// A real memcached, and PHP's extension for it.
    Memcached,
    /// PHP's extension for APCu.
    Apcu,
    /// The programs of PHP-FPM and nginx, out of Debian's packages.
    Fpm,
    /// A newer WordPress on SQLite, too: the driver, and its code from an npm package.
    WordPressSqlite,
    /// A real ssh server with accounts of its own: OpenSSH, and to be root.
    Sshd,
    /// `sudo`, and to be root.
    Sudo,
    /// Network namespaces with cables and lossy filters, and to be root.
    Spaces,
    /// A host of the test's own with a real systemd: systemd, namespaces, and to be root.
    Machine,
    /// A Docker engine that answers.
    Docker,
    /// Podman, and to be root.
    Podman,
    /// To build and run a program of aarch64: `debootstrap`, to be root, and `qemu-user`.
    Aarch64,
    /// `docker-compose`, whichever generation.
    Compose,
    /// Asked for with `tests/run --all`: slow, or far away.
    SlowAndFar,
}

impl Need {
    /// Why this machine cannot, or `None`.
    pub fn missing(self) -> Option<&'static str> {
        let (met, why) = match self {
            Self::Root => (
                rustix::process::getuid().is_root(),
                "the tests do not run as root",
            ),
            Self::WordPress => return wordpress(),
            Self::Redis => (
                loads("redis") && ["redis-server", "redis-cli"].into_iter().all(has),
                "redis-server or php-redis is not installed",
            ),
            Self::Memcached => (
                has("memcached") && loads("memcached"),
                "memcached or php-memcached is not installed",
            ),
            Self::Apcu => (loads("apcu"), "php-apcu is not installed"),
            Self::Fpm => (
                debian_version("nginx").is_some(),
                "apt knows no package `nginx`",
            ),
            Self::WordPressSqlite => (
                loads("pdo_sqlite") && ["sqlite3", "npm", "unzip"].into_iter().all(has),
                "php-sqlite3, sqlite3, npm or unzip is not installed",
            ),
            Self::Docker => return docker(),
            Self::Sshd => (
                rustix::process::getuid().is_root()
                    && [
                        "sshd",
                        "ssh",
                        "ssh-keygen",
                        "useradd",
                        "busybox",
                        "tcsh",
                        "fish",
                        "zsh",
                    ]
                    .into_iter()
                    .all(has),
                "the tests do not run as root, or OpenSSH or a login shell is not installed \
                 (apt-get install openssh-server openssh-client busybox-static tcsh fish zsh)",
            ),
            Self::Sudo => (
                rustix::process::getuid().is_root() && has("sudo"),
                "the tests do not run as root, or sudo is not installed",
            ),
            Self::Spaces => (
                rustix::process::getuid().is_root()
                    && works("unshare", &["--net", "--", "sh", "-c", SPACE]),
                "the tests do not run as root, or network namespaces, iptables or its match \
                 `statistic` do not work here (apt-get install iproute2 iptables)",
            ),
            Self::Machine => (
                rustix::process::getuid().is_root()
                    && is_file(Path::new("/usr/lib/systemd/systemd"))
                    && ["systemctl", "unshare", "nsenter"].into_iter().all(has)
                    && ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup"]
                        .iter()
                        .any(|it| is_file(&Path::new(it).join("cgroup.procs"))),
                "the tests do not run as root, or systemd or cgroups are not there (apt-get install \
                 systemd)",
            ),
            Self::Podman => (
                rustix::process::getuid().is_root() && has("podman"),
                "the tests do not run as root, or podman is not installed (apt-get install podman)",
            ),
            Self::Aarch64 => (
                rustix::process::getuid().is_root()
                    && ["debootstrap", "apt-get", "qemu-aarch64"]
                        .into_iter()
                        .all(has),
                "the tests do not run as root, or debootstrap or qemu-user is not installed",
            ),
            Self::Compose => (
                has("docker-compose"),
                "docker-compose is not installed (apt-get install docker-compose)",
            ),
            Self::SlowAndFar => (
                std::env::var_os("KICKOUT_TESTS_ALL").is_some(),
                "slow and far tests run with tests/run --all",
            ),
        };
        (!met).then_some(why)
    }
}

/// What a namespace must be able to do.
const SPACE: &str = "ip link add eth1 type veth peer name eth2 && \
     iptables -A INPUT -m statistic --mode nth --every 4 --packet 0 -j DROP";

/// Whether all needs are met; what is missing is written down under the test's name.
pub fn all(test: &str, needs: &[Need]) -> bool {
    let missing = needs
        .iter()
        .filter_map(|need| Some((*need, need.missing()?)));
    let mut missing: Vec<_> = missing.collect();
    // Of what nobody asked for nothing else is to be said.
    if missing.iter().any(|(need, _)| *need == Need::SlowAndFar) {
        missing.retain(|(need, _)| *need == Need::SlowAndFar);
    }
    for (need, why) in &missing {
        // Left out on purpose is not the same as not possible: `--strict` lets it pass.
        let word = if *need == Need::SlowAndFar {
            "NOT ASKED FOR"
        } else {
            "NOT RUN"
        };
        let line = format!("{word} {test}: {why}\n");
        eprint!("{line}");
        let path = target_dir().join("not-run.txt");
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        // One write: other test processes append to the same file.
        file.write_all(line.as_bytes()).unwrap();
    }
    missing.is_empty()
}

/// Ends the calling test here, loudly, when this machine lacks something: `needs!(Root, WordPress);`.
#[macro_export]
macro_rules! needs {
    ($($need:ident),+ $(,)?) => {{
        fn here() {}
        let name = std::any::type_name_of_val(&here).trim_end_matches("::here");
        let name = name.split_once("::").map_or(name, |(_, test)| test);
        if !$crate::needs_met(name, &[$($crate::Need::$need),+]) {
            return;
        }
    }};
}

fn docker() -> Option<&'static str> {
    let mut version = Command::new("docker");
    if let Some(host) = docker_host() {
        version.env("DOCKER_HOST", host);
    }
    let answers = version.arg("version").stdin(Stdio::null()).output();
    if !answers.is_ok_and(|said| said.status.success()) {
        Some("no Docker engine answers (tests/run starts one as root)")
    } else if !is_file(Path::new("/bin/busybox")) {
        Some("a static busybox is not installed (apt-get install busybox-static)")
    } else {
        None
    }
}

fn wordpress() -> Option<&'static str> {
    if !["mariadbd", "mariadb-install-db", "mariadb"]
        .into_iter()
        .all(has)
    {
        Some("MariaDB is not installed (apt-get install mariadb-server mariadb-client)")
    } else if !loads("mysqli") {
        Some("php with mysqli is not installed (apt-get install php-cli php-mysql)")
    } else if debian_version("wordpress").is_none() {
        Some("apt knows no package `wordpress` (not Debian, or apt-get update never ran)")
    } else {
        None
    }
}

/// Whether PHP has an extension.
fn loads(extension: &str) -> bool {
    let script = format!("exit(extension_loaded('{extension}') ? 0 : 1);");
    works("php", &["-r", &script])
}

fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(Into::into))
        .any(|dir| is_file(&dir.join(program)))
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file())
}

fn works(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
