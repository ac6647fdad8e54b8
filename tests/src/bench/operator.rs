//! One who measures: the same home, key and known hosts for kickout and for OpenSSH's own client,
//! and a site that the account on the host may read.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use kickout_tests::{Account, Binaries, Client, MariaDb, Site, Sshd, WordPress};

/// Addresses of one server, which are as many hosts to a client.
const ADDRESSES: usize = 16;

/// Everything below is the same for every contender.
pub(crate) struct Operator {
    client: Client,
    account: Account,
    servers: Vec<Sshd>,
    /// Address and port, one for each host.
    hosts: Vec<(String, u16)>,
}

impl Operator {
    /// Who may log in on so many hosts: loopback addresses, with a line of known_hosts each.
    pub(crate) fn of(hosts: usize) -> Self {
        let account = Account::new("/bin/bash");
        let (mut servers, mut places) = (Vec::<Sshd>::new(), Vec::new());
        let mut client = Client::new();
        while places.len() < hosts {
            let count = ADDRESSES.min(hosts - places.len());
            // Nobody reads more of its log, and each line costs time.
            let mut server = Sshd::new().line("LogLevel INFO").line("MaxStartups 1000");
            let port = free_port();
            for last in 2..=count {
                server = server.line(&format!("ListenAddress 127.0.0.{last}:{port}"));
            }
            let server = server.port(port).start();
            for last in 1..=count {
                let address = format!("127.0.0.{last}");
                client = client.known(&format!("[{address}]:{port} {}", server.key()));
                places.push((address, port));
            }
            servers.push(server);
        }
        client = client.with_key(&servers[0]);
        let key = fs::read(client.file("id_ed25519.pub")).unwrap();
        account.write(".ssh/authorized_keys", key);
        let mut config = format!(
            "BatchMode yes\nUser {}\nIdentityFile {}\nUserKnownHostsFile {}\n",
            account.name(),
            client.file("id_ed25519").display(),
            client.file("known_hosts").display(),
        );
        for (number, (address, port)) in places.iter().enumerate() {
            writeln!(config, "Host h{number}\nHostName {address}\nPort {port}").unwrap();
        }
        // Not `config`: kickout is told by its aliases, and needs none.
        fs::write(client.file("bench"), config).unwrap();
        Self {
            client,
            account,
            servers,
            hosts: places,
        }
    }

    /// A site whose configuration the account may read.
    pub(crate) fn site(&self, server: &MariaDb) -> Site {
        let owner = self.account.owner();
        WordPress::new().owner(owner).install_on(server)
    }

    /// The way to a host, to be followed by a path.
    pub(crate) fn at(&self, host: usize) -> String {
        let (address, port) = &self.hosts[host];
        format!("{}@{address}:{port}", self.account.name())
    }

    pub(crate) fn home(&self) -> &Path {
        self.client.home()
    }

    /// The configuration for OpenSSH's client, which names the hosts `h0`, `h1`, ….
    pub(crate) fn config(&self) -> PathBuf {
        self.client.file("bench")
    }

    /// What the measured servers let in.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// Removes what earlier runs left on the hosts: the next contact is the first.
    pub(crate) fn forget(&self) {
        for file in self.account.delivered() {
            fs::remove_file(file).unwrap();
        }
    }

    /// Logs `admin` out there: `@all`, or `--ssh=…`.
    pub(crate) fn kickout(&self, there: &str) -> Command {
        let mut kickout = self.program(&Binaries::release().kickout);
        kickout.args([there, "user", "session", "destroy", "admin", "--all"]);
        kickout
    }

    /// OpenSSH's client, with a program for the first host.
    pub(crate) fn ssh(&self, line: &str) -> Command {
        let mut ssh = self.program(Path::new("ssh"));
        ssh.arg("-F").arg(self.config()).args(["h0", line]);
        ssh
    }

    /// In the same environment as all others: no agent with keys, no settings of the caller's.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.home())
            .env("HOME", self.home())
            .env_remove("SSH_AUTH_SOCK");
        command
    }

    /// How often somebody was let in, by all servers.
    pub(crate) fn logins(&self) -> usize {
        self.servers.iter().map(Sshd::logins).sum()
    }
}

/// A port nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
