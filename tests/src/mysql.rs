//! A real MySQL of Debian sid: unpacked, never installed, and started by the loader of the C library
//! it was built for. It is there for its own ways to log in, which MariaDB has not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::cache::{cached, copy_tree, link_tree};
use crate::mariadb::free_port;
use crate::scratch::{run, shell, text};
use crate::suite::debian_tree_of;
use crate::{Guarded, MariaDb, Owner, Scratch, wordpress};

/// Small, forgetful and quick: nothing here outlives the test.
const OPTIONS: [&str; 13] = [
    "--skip-name-resolve",
    "--mysqlx=OFF",
    "--secure-file-priv=NULL",
    "--skip-log-bin",
    "--performance-schema=OFF",
    "--max-allowed-packet=64M",
    "--innodb-buffer-pool-size=16M",
    "--innodb-redo-log-capacity=32M",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-doublewrite=0",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-load-at-startup=0",
    "--innodb-buffer-pool-dump-at-shutdown=0",
];

/// A server to be: `MySql::new().option("--tls-version=").start()`.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct MySql {
    options: Vec<String>,
    apart: Option<String>,
}

impl MySql {
    /// On its socket and a port of loopback, offering TLS with a certificate it made itself.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more option, such as `--tls-version=` for none at all.
    pub fn option(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// In a network of its own, which ends with it, at this address besides loopback; the socket
    /// is where it would be. Needs root; `nsenter --net --target <pid>` leads there.
    pub fn apart(mut self, address: &str) -> Self {
        self.apart = Some(address.to_owned());
        self
    }

    /// Starts it, with a fresh WordPress in its database `template`. It is asked as a MariaDB is.
    pub fn start(self) -> MariaDb {
        let scratch = Scratch::new("mysql");
        copy_tree(&template(), &scratch.join("data"));
        self.serve(scratch)
    }

    /// Serves the data directory that lies prepared in `scratch`.
    fn serve(self, scratch: Scratch) -> MariaDb {
        let owner = Owner::database();
        owner.give(scratch.path());
        owner.give(&scratch.join("data"));
        let port = free_port();
        let mut server = program(&scratch);
        let addresses = match &self.apart {
            Some(address) => format!("127.0.0.1,{address}"),
            None => "127.0.0.1".to_owned(),
        };
        server
            .arg(format!("--socket={}", text(&scratch.join("socket"))))
            .arg(format!("--pid-file={}", text(&scratch.join("pid"))))
            .arg(format!("--log-error={}", text(&scratch.join("error.log"))))
            .arg(format!("--tmpdir={}", text(scratch.path())))
            .arg(format!("--bind-address={addresses}"))
            .arg(format!("--port={port}"))
            .args(&self.options);
        if let Some(address) = &self.apart {
            server = alone(&server, address);
        }
        server.stdout(Stdio::null()).stderr(Stdio::null());
        MariaDb::greeted(Guarded::spawn(server, scratch), port)
    }
}

/// The same command in a network with nothing but loopback, and one more address on it.
fn alone(server: &Command, address: &str) -> Command {
    // Each of them becomes the next: the process that is started is the server.
    let script = r#"ip link set lo up && ip address add "$1" dev lo && shift && exec "$@""#;
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--", "sh", "-c", script, "sh", address])
        .arg(server.get_program())
        .args(server.get_args());
    command
}

/// The server, as the database server's account, with the data directory in `scratch`.
fn program(scratch: &Scratch) -> Command {
    let (package, _) = debian_tree_of("sid", &["mysql-server-core"]);
    let home = scratch.join("usr");
    if !home.exists() {
        // Where the server's account may read it, whoever owns the target directory.
        for part in ["lib", "sbin", "share/mysql"] {
            fs::create_dir_all(home.join(part).parent().unwrap()).unwrap();
            link_tree(&package.join("usr").join(part), &home.join(part));
        }
    }
    let loader = loader(&home.join("lib"));
    let mut server = Owner::database().command(&loader);
    server
        .arg("--library-path")
        .arg(loader.parent().unwrap())
        .arg(home.join("sbin/mysqld"))
        .arg("--no-defaults")
        .arg(format!("--basedir={}", text(&home)))
        .arg(format!("--datadir={}", text(&scratch.join("data"))))
        .args(OPTIONS);
    server
}

/// The dynamic loader; its folder, which holds all the libraries, is named after the architecture.
pub(crate) fn loader(libraries: &Path) -> PathBuf {
    let found = shell(
        "find",
        &[&text(libraries), "-name", "ld-linux*.so.*", "-type", "f"],
    );
    PathBuf::from(found.lines().next().expect("libc6 has a loader"))
}

/// A data directory that holds a freshly installed WordPress in the database `template`.
fn template() -> PathBuf {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    TEMPLATE
        .get_or_init(|| {
            let (_, version) = debian_tree_of("sid", &["mysql-server-core"]);
            let wordpress = wordpress::template_name();
            cached(
                &format!("template-mysql-{version}-{wordpress}"),
                make_template,
            )
        })
        .clone()
}

fn make_template(dir: &Path) {
    let scratch = Scratch::new("mysql");
    Owner::database().give(scratch.path());
    run(program(&scratch).arg("--initialize-insecure"));
    let server = MySql::new().serve(scratch);
    wordpress::install_template(&server);
    server.stop_into(dir);
}
