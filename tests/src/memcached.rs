//! A real memcached on a port of its own, asked in its own words.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use crate::mariadb::free_port;
use crate::{Guarded, Owner, Scratch};

/// A running server; it ends with the value.
#[derive(Debug)]
pub struct Memcached {
    process: Guarded,
    port: u16,
}

impl Memcached {
    /// On a port of loopback.
    pub fn start() -> Self {
        let scratch = Scratch::new("memcached");
        let (owner, port) = (Owner::web(), free_port());
        owner.give(scratch.path());
        let mut server = owner.command("memcached");
        server
            .args(["-l", "127.0.0.1", "-p", &port.to_string(), "-m", "64", "-P"])
            .arg(scratch.join("pid"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(scratch.join("log")).unwrap());
        let mut process = Guarded::spawn(server, scratch);
        process.until("memcached answers", Duration::from_secs(30), "log", |_| {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self { process, port }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Says one line; gives the lines of the answer up to its last, which is left out.
    fn ask(&self, line: &str) -> Vec<String> {
        let mut server = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        server.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        let mut answers = BufReader::new(server);
        let mut lines = Vec::new();
        loop {
            // A value is whatever PHP has put there.
            let mut answer = Vec::new();
            answers.read_until(b'\n', &mut answer).unwrap();
            match String::from_utf8_lossy(&answer).trim_end() {
                "END" | "OK" => return lines,
                "" => panic!("memcached hung up in an answer to {line}"),
                line => lines.push(line.to_owned()),
            }
        }
    }

    /// The first line of what it keeps under a key.
    pub fn get(&self, key: &str) -> Option<String> {
        self.ask(&format!("get {key}")).into_iter().nth(1)
    }

    /// Forgets everything.
    pub fn flush(&self) {
        self.ask("flush_all");
    }

    /// Ends the server in good order.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// The line of `wp-config.php` that reaches it.
    pub fn settings(&self) -> String {
        self.settings_for(&self.port.to_string())
    }

    /// The same for the port that this PHP gives.
    pub fn settings_for(&self, port: &str) -> String {
        format!("$memcached_servers = array( 'default' => array( '127.0.0.1:' . ( {port} ) ) );\n")
    }
}
