//! A real bridge on a loopback port, and a client that sends it exactly what a test wants.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::mariadb::free_port;
use crate::scratch::{run, text};
use crate::{Binaries, Certificate, Guarded, Owner, Scratch, Site};

mod load;

pub(crate) use load::connected;

/// A running bridge; it ends with the value.
#[derive(Debug)]
pub struct Bridge {
    process: Guarded,
    config: String,
    state: Scratch,
    start: Start,
    port: u16,
}

/// How a bridge is started.
#[derive(Clone, Debug)]
pub struct Start {
    /// As whom.
    pub account: Owner,
    /// Which one.
    pub program: PathBuf,
    /// With which agent.
    pub agent: PathBuf,
    /// What a shell does before, in a mount namespace of the bridge's own; `$1` is the state folder.
    pub mounts: Option<&'static str>,
}

impl Default for Start {
    fn default() -> Self {
        Self {
            account: Owner::me(),
            program: Binaries::dev().bridge.clone(),
            agent: Binaries::dev().agent.clone(),
            mounts: None,
        }
    }
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
        Self::with(sites, "plaintext = true\n", Start::default())
    }

    /// The same over TLS, which knows the clients of these authorities.
    pub fn over_tls(sites: &[(&str, &Site)], own: &Certificate, clients: &Certificate) -> Self {
        // The server's key is ours, and nobody else's.
        let key = own.key().with_extension("ours");
        run(Command::new("install")
            .args(["-m", "600"])
            .args([&own.key(), &key]));
        let settings = format!(
            "tls = {{ certificate = \"{}\", key = \"{}\", client_authorities = \"{}\" }}\n",
            text(&own.certificate()),
            text(&key),
            text(&clients.authority())
        );
        Self::with(sites, &settings, Start::default())
    }

    /// The same, started like this.
    pub fn with(sites: &[(&str, &Site)], settings: &str, start: Start) -> Self {
        let roots = sites.iter().map(|(name, site)| (*name, site.root()));
        Self::at(&roots.collect::<Vec<_>>(), settings, start)
    }

    fn at(sites: &[(&str, &Path)], settings: &str, start: Start) -> Self {
        let (state, port) = (Scratch::new("state"), free_port());
        run(Command::new("chmod").arg("700").arg(state.path()));
        start.account.give(state.path());
        let mut config = format!(
            "listen = \"127.0.0.1:{port}\"\nstate = \"{}\"\n\
             trusted_proxies = [\"127.0.0.1\"]\naccount = \"daemon\"\n{settings}",
            text(state.path())
        );
        for (name, site) in sites {
            config += &format!(
                "[[site]]\nname = \"{name}\"\npath = \"{}\"\nurl = \"http://{name}.test\"\nowner = \
                 \"www-data\"\n",
                site.display()
            );
        }
        let mut bridge = Self {
            process: start.process(&config, state.path()),
            config,
            state,
            start,
            port,
        };
        bridge.answers();
        bridge
    }

    fn answers(&mut self) {
        self.process.until(
            "the bridge answers",
            Duration::from_secs(30),
            "log",
            |dir| {
                let said = std::fs::read_to_string(dir.join("said"));
                said.is_ok_and(|said| said.starts_with("Listening on "))
            },
        );
    }

    /// Ends it without a word, and starts it anew.
    pub fn kill_and_start(&mut self) {
        self.process.kill();
        self.process = self.start.process(&self.config, self.state.path());
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

    /// Ends it without a word, and waits until it has refused to start anew. What it complains of.
    pub fn refuses_to_start(&mut self) -> String {
        self.process.kill();
        self.process = self.start.process(&self.config, self.state.path());
        let (success, said) = self.ended();
        assert!(!success, "{said}");
        said
    }

    /// The keeper's process id.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The front's process id.
    pub fn front(&self) -> u32 {
        self.children("kickout-front")[0]
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        self.process.signal(signal);
    }

    /// Waits until it has ended by itself. Whether that was a success, and what it complained of.
    pub fn ended(&mut self) -> (bool, String) {
        let status = self.process.ended(Duration::from_secs(100));
        (status.success(), self.log())
    }

    /// What it has complained of so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.process.dir().join("log")).unwrap()
    }

    /// `127.0.0.1:<port>`
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it keeps tokens, audit and operations.
    pub fn state(&self) -> PathBuf {
        match self.start.mounts {
            None => self.state.path().to_owned(),
            // As it is for the bridge.
            Some(_) => {
                let root = format!("/proc/{}/root{}", self.pid(), text(self.state.path()));
                PathBuf::from(root)
            }
        }
    }

    /// Its program with these words.
    pub fn command(&self, words: &[&str]) -> Command {
        let own = self.start.command(self.process.dir(), words);
        if self.start.mounts.is_none() {
            return own;
        }
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.pid()));
        command
            .arg("--")
            .arg(own.get_program())
            .args(own.get_args());
        command
    }

    /// Processes that it has started and that are called this.
    pub fn children(&self, name: &str) -> Vec<u32> {
        let keeper = self.pid().to_string();
        let named = |status: &str, field: &str, value: &str| {
            let mut lines = status.lines().filter_map(|line| line.strip_prefix(field));
            lines.any(|it| it.trim() == value)
        };
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let children = processes.filter_map(|process| {
            let pid = process.file_name().to_str()?.parse().ok()?;
            let status = std::fs::read_to_string(process.path().join("status")).ok()?;
            (named(&status, "Name:", name) && named(&status, "PPid:", &keeper)).then_some(pid)
        });
        children.collect()
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
        Self::rest(self.opens(bytes))
    }

    /// A connection on which these bytes were sent.
    pub fn opens(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let limit = Some(Duration::from_secs(60));
        stream.set_read_timeout(limit).unwrap();
        // It may answer before it has read everything.
        let _ = stream.write_all(bytes);
        stream
    }

    /// Everything that still comes back.
    pub fn rest(mut stream: impl std::io::Read) -> Reply {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        reply(&answer)
    }

    /// A request for a run, with these further lines of its head.
    pub fn asks(&self, token: &str, head: &str, operation: &Value, request: &Value) -> Reply {
        self.sends(self.asking(token, head, operation, request).as_bytes())
    }

    /// The same as it is sent.
    pub fn asking(&self, token: &str, head: &str, operation: &Value, request: &Value) -> String {
        let run = json!({"type": "run", "id": 1, "site": {}, "request": request});
        self.post(token, head, &format!("{operation}\n{run}\n"))
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
        lines.next().unwrap_or_else(|| {
            let end = &self.lines[self.lines.len().saturating_sub(9)..];
            panic!("{}: no {kind}: {end:?}", self.status)
        })
    }
}

impl Start {
    fn command(&self, dir: &Path, words: &[&str]) -> Command {
        let mut command = self.account.command(&self.program);
        command.arg("--config").arg(dir.join("bridge.toml"));
        command.args(words);
        command
    }

    fn process(&self, config: &str, state: &Path) -> Guarded {
        let scratch = Scratch::new("bridge");
        scratch.write("bridge.toml", config);
        let [said, log] =
            ["said", "log"].map(|it| std::fs::File::create(scratch.join(it)).unwrap());
        let mut server = self.command(scratch.path(), &["serve", "--agent"]);
        server.arg(&self.agent);
        if let Some(mounts) = self.mounts {
            let mut unshare = Command::new("unshare");
            let script = format!("set -e\n{mounts}\nshift\nexec \"$@\"");
            unshare.args(["--mount", "sh", "-c", &script, "sh"]);
            unshare.arg(state).arg(server.get_program());
            unshare.args(server.get_args());
            server = unshare;
        }
        server.stdout(said).stderr(log);
        Guarded::spawn(server, scratch)
    }
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
