//! A real proxy on loopback: Debian's tinyproxy, unpacked, with names that only it knows.

use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use crate::cache::debian_package;
use crate::mariadb::free_port;
use crate::scratch::text;
use crate::{Guarded, Scratch};

/// A running proxy; it ends with the value.
#[derive(Debug)]
pub struct TinyProxy {
    _process: Guarded,
    port: u16,
}

impl TinyProxy {
    /// One for which this name is this machine, and that connects to this port alone.
    pub fn knows(name: &str, allowed: u16) -> Self {
        let (unpacked, _) = debian_package("tinyproxy-bin");
        let (scratch, port) = (Scratch::new("proxy"), free_port());
        let config = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nLogFile \"{0}/log\"\nPidFile \"{0}/pid\"\n\
             DefaultErrorFile \"/dev/null\"\nStatFile \"/dev/null\"\nConnectPort {allowed}\n",
            text(scratch.path())
        );
        let config = scratch.write("tinyproxy.conf", config);
        let hosts = scratch.write("hosts", format!("127.0.0.1 localhost {name}\n"));
        let mut server = Command::new("unshare");
        // The names are those of its own mount namespace.
        server
            .args(["--mount", "sh", "-ec"])
            .arg("mount --bind \"$1\" /etc/hosts; shift; exec \"$@\"")
            .arg("sh")
            .arg(hosts)
            .arg(unpacked.join("usr/bin/tinyproxy"))
            .args(["-d", "-c"])
            .arg(config);
        let mut process = Guarded::spawn(server, scratch);
        process.until("the proxy answers", Duration::from_secs(30), "log", |_| {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            _process: process,
            port,
        }
    }

    /// `127.0.0.1:<port>`
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}
