//! A web server in front of a bridge, as docs/bridge.md says: what is printed there is what runs here.
//! Debian's nginx and Apache, unpacked, never installed.

use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::bridge::connected;
use crate::cache::{copy_tree, debian_package, workspace_root};
use crate::fpm::{nginx, started};
use crate::mariadb::free_port;
use crate::scratch::text;
use crate::{Bridge, Guarded, Owner, Scratch};

/// A running web server that passes one path on; it ends with the value.
#[derive(Debug)]
pub struct InFront {
    process: Guarded,
    port: u16,
}

impl InFront {
    /// nginx with the lines for it.
    pub fn nginx(bridge: &Bridge) -> Self {
        let port = free_port();
        let process = nginx(Owner::web(), port, &printed("nginx", bridge));
        Self { process, port }
    }

    /// Apache with the lines for it, and its libraries.
    pub fn apache(bridge: &Bridge) -> Self {
        let (port, scratch) = (free_port(), Scratch::new("apache"));
        let lib = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
        for (package, path, to) in [
            ("apache2-bin", "usr/sbin/apache2", "httpd"),
            ("apache2-bin", "usr/lib/apache2/modules", "modules"),
            ("libapr1", &lib, "apr"),
            ("libaprutil1", &lib, "aprutil"),
        ] {
            let (unpacked, _) = debian_package(package);
            copy_tree(&unpacked.join(path), &scratch.join(to));
        }
        let dir = text(scratch.path());
        let modules = ["mpm_event", "authz_core", "env", "proxy", "proxy_http"];
        let modules =
            modules.map(|it| format!("LoadModule {it}_module {dir}/modules/mod_{it}.so\n"));
        let config = scratch.write(
            "apache.conf",
            format!(
                "{}ServerRoot {dir}\nServerName s1.test\nPidFile {dir}/pid\nErrorLog {dir}/log\n\
                 DefaultRuntimeDir {dir}\nListen 127.0.0.1:{port}\n{}",
                modules.concat(),
                printed("apache", bridge)
            ),
        );
        Owner::web().give(scratch.path());
        let library = format!("{dir}/apr:{dir}/aprutil");
        let mut server = Owner::web().command(scratch.join("httpd"));
        server
            .env("LD_LIBRARY_PATH", library)
            .args(["-DFOREGROUND", "-f"])
            .arg(config);
        let mut process = started(server, scratch);
        process.until("Apache answers", Duration::from_secs(30), "log", |_| {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
        Self { process, port }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A connection to it from this address of loopback.
    pub fn connect_from(&self, peer: Ipv4Addr) -> TcpStream {
        let stream = connected(peer, self.port);
        let limit = Some(Duration::from_secs(60));
        stream.set_read_timeout(limit).unwrap();
        stream
    }

    /// What it complains of.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.process.dir().join("log")).unwrap_or_default()
    }
}

/// The lines of the page for this server, with the address of a bridge.
fn printed(server: &str, bridge: &Bridge) -> String {
    let page = std::fs::read_to_string(workspace_root().join("docs/bridge.md")).unwrap();
    let lines = page.split(&format!("```{server}\n")).nth(1);
    let lines = lines.and_then(|rest| rest.split("```").next());
    let lines = lines.unwrap_or_else(|| panic!("docs/bridge.md has no lines for {server}"));
    assert!(lines.contains("127.0.0.1:8440"), "{lines}");
    lines.replace("127.0.0.1:8440", &bridge.address())
}
