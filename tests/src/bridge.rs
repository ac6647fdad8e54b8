//! A real bridge on a loopback port, and a client that sends it exactly what a test wants.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::mariadb::free_port;
use crate::scratch::{run, text};
use crate::{Binaries, Certificate, Guarded, Scratch, Site};

/// A running bridge; it ends with the value.
#[derive(Debug)]
pub struct Bridge {
    process: Guarded,
    config: String,
    state: Scratch,
    port: u16,
}

/// What it answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status; 0 when there was none.
    pub status: u16,
    /// The head, in lower case.
    pub head: String,
    /// The lines of the body.
    pub lines: Vec<Value>,
}

impl Bridge {
    /// For these sites by their names, over plain HTTP.
    pub fn of(sites: &[(&str, &Site)]) -> Self {
        Self::new(sites, |_| "plaintext = true\n".to_owned())
    }

    /// The same over TLS, which knows the clients of these authorities.
    pub fn over_tls(sites: &[(&str, &Site)], own: &Certificate, clients: &Certificate) -> Self {
        Self::new(sites, |state| {
            // The server's key is ours, and nobody else's.
            let key = state.write("server.key", std::fs::read(own.key()).unwrap());
            run(Command::new("chmod").arg("600").arg(&key));
            format!(
                "tls = {{ certificate = \"{}\", key = \"{}\", client_authorities = \"{}\" }}\n",
                text(&own.certificate()),
                text(&key),
                text(&clients.authority())
            )
        })
    }

    fn new(sites: &[(&str, &Site)], door: impl Fn(&Scratch) -> String) -> Self {
        let (state, port) = (Scratch::new("state"), free_port());
        run(Command::new("chmod").arg("700").arg(state.path()));
        let mut config = format!(
            "listen = \"127.0.0.1:{port}\"\nstate = \"{}\"\ntrusted_proxies = \
             [\"127.0.0.1\"]\n{}",
            text(state.path()),
            door(&state)
        );
        for (name, site) in sites {
            config += &format!(
                "[[site]]\nname = \"{name}\"\npath = \"{}\"\nurl = \"http://{name}.test\"\nowner = \
                 \"www-data\"\n",
                site.root().display()
            );
        }
        let mut bridge = Self {
            process: started(&config),
            config,
            state,
            port,
        };
        bridge.answers();
        bridge
    }

    fn answers(&mut self) {
        let port = self.port;
        self.process
            .until("the bridge answers", Duration::from_secs(30), "log", |_| {
                TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
    }

    /// Ends it without a word, and starts it anew.
    pub fn kill_and_start(&mut self) {
        self.process.kill();
        self.process = started(&self.config);
        self.answers();
    }

    /// Starts it anew with this name that it answers to, beside its own.
    pub fn answers_to(&mut self, host: &str) {
        let lines = self.config.lines().filter(|it| !it.starts_with("hosts"));
        let others: String = lines.map(|line| format!("{line}\n")).collect();
        self.config = format!("hosts = [\"{host}\"]\n{others}");
        self.kill_and_start();
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:<port>`
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it keeps tokens, audit and operations.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// Its program with these words.
    pub fn command(&self, words: &[&str]) -> Command {
        command(self.process.dir(), words)
    }

    /// What its program says, without the end of the line.
    pub fn says(&self, words: &[&str]) -> String {
        run(&mut self.command(words)).trim_end().to_owned()
    }

    /// A token with these options.
    pub fn token(&self, options: &[&str]) -> String {
        self.says(&[&["token", "add", "test"], options].concat())
    }

    /// Everything that comes back for these bytes.
    pub fn sends(&self, bytes: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let limit = Some(Duration::from_secs(30));
        stream.set_read_timeout(limit).unwrap();
        // It may answer before it has read everything.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        reply(&answer)
    }

    /// A request for a run, with these further lines of its head.
    pub fn asks(&self, token: &str, head: &str, operation: &Value, request: &Value) -> Reply {
        let run = json!({"type": "run", "id": 1, "site": {}, "request": request});
        let body = format!("{operation}\n{run}\n");
        self.sends(self.post(token, head, &body).as_bytes())
    }

    /// A well-formed request with this body.
    pub fn post(&self, token: &str, head: &str, body: &str) -> String {
        format!(
            "POST /v1/run HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Type: \
             application/json\r\nConnection: close\r\nContent-Length: {}\r\n{head}\r\n{body}",
            self.address(),
            body.len()
        )
    }
}

/// An operation that is issued now.
pub fn operation(name: &str, site: Option<&str>) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut operation = json!({"operation": name, "issued": now.as_secs()});
    if let Some(site) = site {
        operation["site"] = json!(site);
    }
    operation
}

impl Reply {
    /// The first line of this type.
    pub fn line(&self, kind: &str) -> &Value {
        let mut lines = self.lines.iter().filter(|line| line["type"] == kind);
        lines
            .next()
            .unwrap_or_else(|| panic!("no {kind}: {self:?}"))
    }
}

fn command(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(&Binaries::dev().bridge);
    command
        .arg("--config")
        .arg(dir.join("bridge.toml"))
        .args(words);
    command
}

fn started(config: &str) -> Guarded {
    let scratch = Scratch::new("bridge");
    scratch.write("bridge.toml", config);
    let log = std::fs::File::create(scratch.join("log")).unwrap();
    let mut server = command(scratch.path(), &["serve", "--agent"]);
    server
        .arg(&Binaries::dev().agent)
        .stdout(Stdio::null())
        .stderr(log);
    Guarded::spawn(server, scratch)
}

fn reply(answer: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    // Lengths of chunks are no JSON of ours.
    let lines = body
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    Reply {
        status: status.unwrap_or(0),
        head: head.to_lowercase(),
        lines: lines.filter(Value::is_object).collect(),
    }
}
