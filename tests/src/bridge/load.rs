//! What a bridge is loaded with: raw bytes from many addresses, many tokens; and what it holds then.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Bridge, Start};
use crate::scratch::run;
use crate::{Binaries, Scratch, Site};

impl Bridge {
    /// For a folder in which no WordPress is, called `shop`: its agent is real, and says so.
    pub fn of_no_site() -> Self {
        Self::at(
            &[("shop", Path::new("/usr/share"))],
            "plaintext = true\n",
            Start::default(),
        )
    }

    /// The same over TLS, with certificates it made itself, and their folder: `ca.pem`, and `anna.pem`,
    /// which it takes for a client; what it said when it made them is `said`.
    pub fn of_no_site_over_tls() -> (Self, Scratch) {
        let start = Start::default();
        let (settings, folder) = certificates(&start);
        (
            Self::at(&[("shop", Path::new("/usr/share"))], &settings, start),
            folder,
        )
    }

    /// One to be measured, for this site as `shop`; over TLS with the folder of its certificates.
    pub fn measured(site: &Site, tls: bool) -> (Self, Option<Scratch>) {
        let Binaries { agent, bridge, .. } = Binaries::release();
        let start = Start {
            program: bridge.clone(),
            agent: agent.clone(),
            ..Start::default()
        };
        let (settings, folder) = match tls {
            false => ("plaintext = true\n".to_owned(), None),
            true => {
                let (settings, folder) = certificates(&start);
                (settings, Some(folder))
            }
        };
        (Self::with(&[("shop", site)], &settings, start), folder)
    }

    /// So many tokens with this scope for the site `shop`, made in one go.
    pub fn tokens(&self, count: usize, scope: &str) -> Vec<String> {
        let token = |number: usize| -> (Value, String) {
            let (id, secret) = (format!("{number:012x}"), format!("{number:043x}"));
            let sha256 = Sha256::digest(&secret);
            let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
            let stored = json!({"id": id, "sha256": sha256, "label": "one of many",
                "created": 0, "expires": i64::MAX, "grant": {"scopes": [scope], "sites": ["shop"]}});
            (stored, format!("kob_{id}_{secret}"))
        };
        let (stored, shown): (Vec<_>, Vec<_>) = (0..count).map(token).unzip();
        let file = self
            .state
            .write("tokens.json", json!({"tokens": stored}).to_string());
        run(Command::new("chmod").arg("600").arg(file));
        shown
    }

    /// Everything that comes back for these bytes, as it came, up to the end of the connection.
    pub fn says_to(&self, bytes: &[u8]) -> Vec<u8> {
        self.says_to_from(Ipv4Addr::LOCALHOST, bytes)
    }

    /// The same to a client of another address of loopback.
    pub fn says_to_from(&self, peer: Ipv4Addr, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect_from(peer);
        let limit = Some(Duration::from_secs(30));
        stream.set_read_timeout(limit).unwrap();
        // It may answer before it has read everything.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// A connection from this address of loopback.
    pub fn connect_from(&self, peer: Ipv4Addr) -> TcpStream {
        connected(peer, self.port)
    }

    /// The processor time that it and all that it started have taken.
    pub fn worked(&self) -> Duration {
        let ticks = tree(self.pid()).into_iter().filter_map(|pid| {
            let stat = stat(pid)?;
            let ticks = stat.split(' ').skip(11).take(2);
            Some(ticks.filter_map(|it| it.parse::<u64>().ok()).sum::<u64>())
        });
        // A hundred in a second, on every Linux.
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// What it and all that it started hold of memory, in kibibytes, and how many descriptors.
    pub fn holds(&self) -> (u64, usize) {
        let tree = tree(self.pid());
        let memory = tree.iter().filter_map(|pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        });
        let open = tree
            .iter()
            .filter_map(|pid| std::fs::read_dir(format!("/proc/{pid}/fd")).ok());
        (memory.sum(), open.map(Iterator::count).sum())
    }
}

/// What the program makes and says is to be put into its configuration.
fn certificates(start: &Start) -> (String, Scratch) {
    let folder = Scratch::new("cert");
    let cert = |words: &[&str]| {
        let mut command = Command::new(&start.program);
        run(command
            .arg("cert")
            .args(words)
            .arg("--to")
            .arg(folder.path()))
    };
    let server = cert(&["server", "127.0.0.1", "bridge.test"]);
    let client = cert(&["client", "anna"]);
    // Each has its lines of the same table.
    let shown = |said: &str| -> String {
        let table = said.split("[tls]\n").nth(1).unwrap();
        table.split("\n\n").next().unwrap().to_owned() + "\n"
    };
    let settings = format!("[tls]\n{}{}", shown(&server), shown(&client));
    folder.write("said", server + &client);
    (settings, folder)
}

/// A connection to a port of loopback from one of its addresses.
pub(crate) fn connected(peer: Ipv4Addr, port: u16) -> TcpStream {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &SocketAddrV4::new(peer, 0)).unwrap();
    connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).unwrap();
    TcpStream::from(socket)
}

/// A process and its descendants.
fn tree(pid: u32) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> { stat(pid)?.split(' ').nth(1)?.parse().ok() };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let all: Vec<(u32, u32)> = all.filter_map(|it| Some((it, parent(it)?))).collect();
    let mut tree = vec![pid];
    let mut next = 0;
    while let Some(one) = tree.get(next).copied() {
        tree.extend(all.iter().filter(|it| it.1 == one).map(|it| it.0));
        next += 1;
    }
    tree
}

/// The kernel's line on a process from its state on: what stands before may hold anything.
fn stat(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.to_owned())
}
