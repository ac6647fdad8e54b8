//! A real OpenSSH server on a loopback port, or in a network of the test's own, with a host key
//! of its own. Who may log in is said in
//! `account.rs`, and what an operator knows of it in `client.rs`.

use std::fmt::Write as _;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::scratch::{shell, text};
use crate::{Account, Guarded, Machine, Scratch, Space, until};

const PROGRAM: &str = "/usr/sbin/sshd";

/// What every server of the tests has. A line of the test's own comes before it, and the first
/// value of a setting is the one that counts.
const BASE: &str = "\
LogLevel DEBUG1
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
UseDNS no
Subsystem sftp internal-sftp
";

/// A server to be: `Sshd::new().line("MaxSessions 1").start()`.
#[derive(Debug)]
#[must_use]
pub struct SshdBuilder {
    lines: String,
    /// `Match` blocks, which reach to the end of the file.
    blocks: String,
    authority: Option<Authority>,
    port: Option<u16>,
    /// Where it runs, and its address there.
    space: Option<(Command, String)>,
}

impl SshdBuilder {
    /// A line of `sshd_config`.
    pub fn line(mut self, line: &str) -> Self {
        writeln!(self.lines, "{line}").unwrap();
        self
    }

    /// Lines for one account only.
    pub fn for_user(mut self, account: &Account, lines: &str) -> Self {
        write!(self.blocks, "Match User {}\n{lines}\n", account.name()).unwrap();
        self
    }

    /// The server shows a certificate of this authority.
    pub fn certified(mut self, authority: Authority) -> Self {
        self.authority = Some(authority);
        self
    }

    /// On a port that is known before: a host that comes back with another key.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// In a network of its own, on this address of it, port 22.
    pub fn within(mut self, space: &Space, address: &str) -> Self {
        self.space = Some((space.command(PROGRAM), address.to_owned()));
        self.port(22)
    }

    /// On a machine of the test's own, port 22 of its loopback.
    pub fn on(mut self, machine: &Machine) -> Self {
        self.space = Some((machine.command(PROGRAM), "127.0.0.1".to_owned()));
        self.port(22)
    }

    /// Starts it and waits until it listens.
    pub fn start(self) -> Sshd {
        // It is where an unprivileged child of the server sits; only a service manager makes it.
        fs::create_dir_all("/run/sshd").unwrap();
        let scratch = Scratch::new("sshd");
        new_key(&scratch.join("host"));
        let operator = scratch.join("operator");
        new_key(&operator);
        fs::copy(operator.with_extension("pub"), scratch.join("authorized")).unwrap();
        let root = scratch.join("root");
        fs::create_dir(&root).unwrap();
        let mut lines = self.lines;
        if let Some(authority) = &self.authority {
            let certificate = authority.sign(&scratch.join("host.pub"));
            writeln!(lines, "HostCertificate {}", certificate.display()).unwrap();
        }
        // Of this one the last value counts.
        if !lines.contains("MaxStartups") {
            lines += "MaxStartups 100\n";
        }
        let dir = text(scratch.path());
        let port = self.port.unwrap_or_else(free_port);
        let here = || (Command::new(PROGRAM), "127.0.0.1".to_owned());
        let (mut command, address) = self.space.unwrap_or_else(here);
        // The real root's home is not a test's: sshd tells the shell of another one.
        let config = format!(
            "{lines}{BASE}ListenAddress {address}:{port}\nHostKey {dir}/host\n\
             AuthorizedKeysFile {dir}/authorized .ssh/authorized_keys\n{}\
             Match User root\nSetEnv HOME={dir}/root\n",
            self.blocks
        );
        let config = scratch.write("sshd_config", config);
        let log = fs::File::create(scratch.join("log")).unwrap();
        command
            .args(["-D", "-e", "-f"])
            .arg(config)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .stdout(Stdio::null())
            .stderr(log);
        let mut process = Guarded::spawn(command, scratch);
        let log = process.dir().join("log");
        until("sshd listens", Duration::from_secs(30), || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            assert!(!process.has_ended(), "sshd did not start:\n{said}");
            said.contains("Server listening on").then_some(())
        });
        Sshd {
            process,
            address,
            port,
        }
    }
}

/// A running server; it dies with the value.
#[derive(Debug)]
pub struct Sshd {
    process: Guarded,
    address: String,
    port: u16,
}

impl Sshd {
    /// A server to be.
    #[expect(clippy::new_ret_no_self)]
    pub fn new() -> SshdBuilder {
        SshdBuilder {
            lines: String::new(),
            blocks: String::new(),
            authority: None,
            port: None,
            space: None,
        }
    }

    /// An ordinary one.
    pub fn start() -> Self {
        Self::new().start()
    }

    /// Ends it; what it wrote stays until the value goes.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `[127.0.0.1]:<port>`, as known_hosts names it.
    pub fn name(&self) -> String {
        match self.port {
            22 => self.address.clone(),
            port => format!("[{}]:{port}", self.address),
        }
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.process.dir()
    }

    /// Everything it has said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir().join("log")).unwrap()
    }

    /// How often somebody was let in.
    pub fn logins(&self) -> usize {
        self.log().matches("Accepted publickey for").count()
    }

    /// Waits until every connection so far has ended, and says whether anybody tried to log in.
    pub fn was_asked_for_a_login(&self) -> bool {
        let log = until("sshd sees the end", Duration::from_secs(30), || {
            let log = self.log();
            let came = log.matches("Connection from").count();
            let gone = [
                "Connection closed by",
                "Connection reset by",
                "Received disconnect",
            ]
            .map(|word| log.matches(word).count());
            (came > 0 && gone.iter().sum::<usize>() >= came).then_some(log)
        });
        log.contains("userauth-request")
    }

    /// The public host key as `ssh-ed25519 AAAA…`.
    pub fn key(&self) -> String {
        public(&self.dir().join("host.pub"))
    }

    /// The key's fingerprint, `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        let file = text(&self.dir().join("host.pub"));
        let said = shell("ssh-keygen", &["-l", "-f", &file]);
        said.split_whitespace().nth(1).unwrap().to_owned()
    }

    /// The private key it lets in.
    pub fn operator_key(&self) -> PathBuf {
        self.dir().join("operator")
    }

    /// The account of root, whose home is a directory of this server's.
    pub fn root(&self) -> Account {
        Account::root(self.dir().join("root"))
    }

    /// `<account>@127.0.0.1:<port>`, to be followed by a path.
    pub fn at(&self, account: &Account) -> String {
        format!("{}@{}:{}", account.name(), self.address, self.port)
    }
}

/// Whoever signs host keys.
#[derive(Debug)]
pub struct Authority {
    scratch: Scratch,
    names: String,
    validity: String,
}

impl Authority {
    /// One that signs for these names: `127.0.0.1`.
    pub fn for_names(names: &str) -> Self {
        let scratch = Scratch::new("authority");
        new_key(&scratch.join("ca"));
        Self {
            scratch,
            names: names.to_owned(),
            validity: "-1h:+1d".to_owned(),
        }
    }

    /// What it signs is good for this time only, as `ssh-keygen -V` takes it.
    #[must_use]
    pub fn valid(mut self, validity: &str) -> Self {
        validity.clone_into(&mut self.validity);
        self
    }

    /// Its public key.
    pub fn key(&self) -> String {
        public(&self.scratch.join("ca.pub"))
    }

    /// Signs a host's public key; gives the certificate's file, which lies beside it.
    fn sign(&self, key: &Path) -> PathBuf {
        let authority = text(&self.scratch.join("ca"));
        let (names, validity) = (self.names.as_str(), self.validity.as_str());
        let file = text(key);
        let args = [
            "-q", "-s", &authority, "-I", "host", "-h", "-n", names, "-V", validity, &file,
        ];
        shell("ssh-keygen", &args);
        PathBuf::from(file.replace(".pub", "-cert.pub"))
    }
}

/// Makes a key pair without a passphrase.
pub(crate) fn new_key(file: &Path) {
    let file = text(file);
    shell(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", &file],
    );
}

/// A public key's kind and value, without its comment.
fn public(file: &Path) -> String {
    let line = fs::read_to_string(file).unwrap();
    let words: Vec<_> = line.split_whitespace().take(2).collect();
    words.join(" ")
}

/// A port nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Whether somebody listens on a port of 127.0.0.1.
pub fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
