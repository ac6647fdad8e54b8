//! A real Redis server in a directory of its own. Asked through `redis-cli`, which shares no code
//! with what is being tested.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::mariadb::free_port;
use crate::scratch::{run, text};
use crate::{DropIn, Guarded, Owner, Scratch};

/// A running server; it ends with the value.
#[derive(Debug)]
pub struct Redis {
    process: Guarded,
    port: u16,
    login: Vec<String>,
}

impl Redis {
    /// On a port and on a socket, without a password.
    pub fn start() -> Self {
        Self::with(&[], &[])
    }

    /// With further lines of configuration, such as `requirepass x`; `login` are the options of
    /// `redis-cli` that get in (`-a x`).
    pub fn with(lines: &[&str], login: &[&str]) -> Self {
        let scratch = Scratch::new("redis");
        let (owner, port) = (Owner::web(), free_port());
        owner.give(scratch.path());
        let mut config = format!(
            "bind 127.0.0.1\nport {port}\nunixsocket {}\nunixsocketperm 777\nsave \"\"\n\
             appendonly no\nset-proc-title no\ndir {}\nlogfile {}\n",
            text(&scratch.join("socket")),
            text(scratch.path()),
            text(&scratch.join("log")),
        );
        for line in lines {
            config += &format!("{}\n", line.replace("{port}", &port.to_string()));
        }
        fs::write(scratch.join("redis.conf"), config).unwrap();
        owner.give(&scratch.join("redis.conf"));
        let mut server = owner.command("redis-server");
        server
            .arg(scratch.join("redis.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut process = Guarded::spawn(server, scratch);
        process.until("redis answers", Duration::from_secs(30), "log", |dir| {
            std::os::unix::net::UnixStream::connect(dir.join("socket")).is_ok()
        });
        let login = login.iter().map(|&word| word.to_owned()).collect();
        Self {
            process,
            port,
            login,
        }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its unix socket.
    pub fn socket(&self) -> PathBuf {
        self.process.dir().join("socket")
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.process.dir()
    }

    /// Runs a command; gives what `redis-cli` prints.
    pub fn ask(&self, words: &[&str]) -> String {
        let mut client = Command::new("redis-cli");
        client
            .args(["--no-auth-warning", "-s"])
            .arg(self.socket())
            .args(&self.login)
            .args(words);
        run(&mut client).trim().to_owned()
    }

    /// The keys that match a pattern, sorted.
    pub fn keys(&self, pattern: &str) -> Vec<String> {
        let said = self.ask(&["--scan", "--pattern", pattern]);
        let mut keys: Vec<_> = said.lines().map(str::to_owned).collect();
        keys.sort();
        keys
    }

    /// Ends the server in good order.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// The lines of `wp-config.php` that reach it over TCP.
    pub fn settings(&self, drop_in: DropIn) -> String {
        let port = self.port;
        match drop_in {
            DropIn::RedisObjectCache | DropIn::ObjectCachePro => {
                format!("define( 'WP_REDIS_PORT', {port} );\n")
            }
            DropIn::WpRedis => {
                format!("$redis_server = array( 'host' => '127.0.0.1', 'port' => {port} );\n")
            }
            DropIn::Memcached | DropIn::Apcu => panic!("{drop_in:?} has no Redis"),
        }
    }
}
