//! Machines of a Vagrantfile: what `vagrant ssh-config` prints is used, doubted or refused. The ssh
//! server behind it is a real one; vagrant is a stub, since its machines need a hypervisor.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use kickout_tests::{Client, Kickout, Output, Scratch, Sshd, needs, until};
use rustix::process::Signal;

use crate::running::{Running, gone};
use crate::ssh::{COUNT, no_agent_remains, site_of};
use crate::ssh_faults::SOON;

/// What vagrant says of a machine that is not running, as it wraps it.
const NOT_READY: &str = "\
The provider for this Vagrant-managed machine is reporting that it
is not yet ready for SSH. Depending on your provider this can carry
different meanings. Make sure your machine is created and running and
try again. Additionally, check the output of `vagrant status` to verify
that the machine is in the state that you expect. If you continue to
get this error message, please view the documentation for the provider
you're using.
";

/// Prints what lies beside it for the machine that is named, complains, and ends.
const STUB: &str = r#"#!/bin/sh
[ "$1" = ssh-config ] || exit 64
cd "$(dirname "$0")" || exit 64
[ -e hang ] && { sleep 600 & echo $! >hang; wait; }
[ -e endless ] && exec yes "$(cat endless)"
cat complaint >&2
cat "says-${2-}"
exit "$(cat status)"
"#;

/// A folder with a Vagrantfile, a `vagrant` that knows its machines, and an operator.
struct Project {
    scratch: Scratch,
    client: Client,
}

impl Project {
    fn new() -> Self {
        let project = Self {
            scratch: Scratch::new("vagrant"),
            client: Client::new(),
        };
        let stub = project.scratch.write("bin/vagrant", STUB);
        fs::set_permissions(&stub, Permissions::from_mode(0o755)).unwrap();
        project.scratch.write("my project/Vagrantfile", "");
        project.ends("", 0);
        project
    }

    /// How `vagrant ssh-config` ends, and what it complains of.
    fn ends(&self, complaint: &str, status: i32) {
        self.scratch.write("bin/complaint", complaint);
        self.scratch.write("bin/status", status.to_string());
    }

    /// What is said of a machine; of all of them, when it has no name.
    fn says(&self, machine: &str, text: impl AsRef<[u8]>) {
        self.scratch.write(format!("bin/says-{machine}"), text);
    }

    fn folder(&self) -> PathBuf {
        self.scratch.join("my project")
    }

    /// A file that vagrant keeps of a machine.
    fn keeps(&self, machine: &str, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = format!("my project/.vagrant/machines/{machine}/virtualbox/{name}");
        self.scratch.write(file, content)
    }

    /// A machine that is up, as vagrant describes it; its key lies where vagrant puts it.
    fn machine(&self, name: &str, sshd: &Sshd) -> String {
        self.keeps(name, "id", format!("the id of {name}"));
        let key = fs::read(sshd.operator_key()).unwrap();
        let key = self.keeps(name, "private_key", key);
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        described(name, sshd, &[key])
    }

    fn run(&self, ssh: &str) -> Kickout {
        let path = format!("{}:/usr/bin:/bin", self.scratch.join("bin").display());
        let run = self.client.kickout().env("PATH", path).cwd(self.folder());
        run.arg(format!("--ssh={ssh}"))
    }

    fn ask(&self, ssh: &str) -> Output {
        self.run(ssh).args(COUNT).run()
    }

    /// Where the keys of machines are remembered.
    fn remembered(&self) -> PathBuf {
        let file = ".local/state/kickout/vagrant_known_hosts";
        self.client.home().join(file)
    }
}

/// The words of `vagrant ssh-config`.
fn described(name: &str, sshd: &Sshd, keys: &[PathBuf]) -> String {
    let keys = keys
        .iter()
        .map(|it| format!("  IdentityFile \"{}\"\n", it.display()));
    format!(
        "Host {name}\n  HostName 127.0.0.1\n  User root\n  Port {}\n  \
         UserKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  PasswordAuthentication no\n\
         {}  IdentitiesOnly yes\n  LogLevel FATAL\n  PubkeyAcceptedKeyTypes +ssh-rsa\n\n",
        sshd.port(),
        keys.collect::<String>()
    )
}

/// Machines are found by name or as the only one; each has a key of its own, that is remembered.
#[test]
fn machines_and_their_keys() {
    needs!(Sshd, WordPress);
    let project = Project::new();
    let (web, db) = (Sshd::start(), Sshd::start());
    let site = site_of(&web.root());
    site.login("admin", "A", "::1");
    let root = site.root().display();
    // Both have the key that vagrant brings along, as with `config.ssh.insert_key = false`.
    fs::copy(web.dir().join("authorized"), db.dir().join("authorized")).unwrap();
    project.machine("db", &web);
    let web_says = project.machine("web", &web);
    let shared = project
        .folder()
        .join(".vagrant/machines/web/virtualbox/private_key");
    let db_says = described("db", &db, &[db.operator_key(), shared]);
    project.says("", &web_says);
    project.says("web", &web_says);
    project.says("db", &db_says);
    let rows = [
        format!("vagrant{root}"),
        format!("vagrant:web{root}"),
        format!("vagrant:db{root}"),
        format!("vagrant:root@web{root}"),
    ];
    for at in &rows {
        project.ask(at).success().stdout("1\n");
    }
    // Below the Vagrantfile it is the same machine.
    let below = project.folder().join("below");
    fs::create_dir(&below).unwrap();
    let run = project.run(&rows[1]).cwd(below).args(COUNT);
    run.run().success().stdout("1\n");
    let remembered = project.remembered();
    let known = fs::read_to_string(&remembered).unwrap();
    assert_eq!(known.lines().count(), 2, "{known}");
    assert_eq!(fs::metadata(&remembered).unwrap().mode() & 0o777, 0o600);
    assert_eq!(project.client.known_hosts(), "");
    // What the operator adds is heard, and what means nothing is an error.
    let jump = project.run(&rows[1]).arg("--ssh-args=-J127.0.0.1:1");
    jump.args(COUNT).run().code(4).stderr_has("127.0.0.1:1");
    let vain = project.run(&rows[1]).arg("--ssh-args=-Z");
    vain.args(COUNT).run().code(2).stderr_has("-Z");

    // The same box with another key: somebody may be in between.
    let port = web.port();
    drop(web);
    let other = Sshd::new().port(port).start();
    fs::copy(db.dir().join("authorized"), other.dir().join("authorized")).unwrap();
    let run = project.ask(&rows[1]).code(8).stdout("");
    let run = run.stderr_has("has CHANGED");
    let forget = format!("-f '{}'`", remembered.display());
    let run = run.stderr_has(&forget);
    assert!(!other.was_asked_for_a_login(), "{}", run.stderr);
    // Another box in its place: vagrant has given it another id.
    project.keeps("web", "id", "another id");
    project.ask(&rows[1]).success().stdout("1\n");
    let known = fs::read_to_string(&remembered).unwrap();
    assert_eq!(known.lines().count(), 3, "{known}");
    no_agent_remains(&other.root());
}

/// Everything else says what was seen, and what to do.
#[test]
fn what_is_no_machine() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let row = |complaint: &str, status, says: &str, said: &[&str]| {
        let project = Project::new();
        project.ends(complaint, status);
        project.says("", says.replace("PORT", &sshd.port().to_string()));
        let run = project.ask("vagrant/srv").code(4).stdout("");
        let run = said.iter().fold(run, |run, said| run.stderr_has(said));
        assert!(!run.stderr.contains(['\x1b', '\u{fffd}']), "{}", run.stderr);
    };
    let ready = "is reporting that it is not yet ready for SSH.";
    row(NOT_READY, 1, "", &[ready, "`vagrant status`"]);
    row("", 1, "", &["it said nothing"]);
    row("A\x1b[2Jb\n", 1, "", &["`vagrant ssh-config` failed: A"]);
    row("", 0, "", &["named no Host"]);
    row("", 0, "no configuration at all\n", &["named no Host"]);
    row("", 0, "Host a\n  User root\n", &["named no HostName"]);
    let two = "Host web\n  HostName 127.0.0.1\n\nHost db\n  HostName 127.0.0.1\n";
    row("", 0, two, &["web, db", "--ssh=vagrant:web"]);
    let values = [
        ("HostName -oProxyCommand=id", "hyphen"),
        ("HostName a;b", "host"),
        ("HostName 127.0.0.1\n  Port 99999", "port"),
        ("HostName 127.0.0.1\n  User a$USER", "user"),
        ("HostName 127.0.0.1\n  ProxyCommand id", "ProxyCommand"),
    ];
    for (value, said) in values {
        row("", 0, &format!("Host a\n  {value}\n"), &[said]);
    }
    // Nothing listens there.
    let dead = "Host a\n  HostName 127.0.0.1\n  Port 1\n  User root\n";
    row("", 0, dead, &["cannot connect to 127.0.0.1:1"]);

    let project = Project::new();
    project.scratch.write("bin/endless", "Host a");
    let run = project.run("vagrant").args(COUNT).deadline(SOON);
    run.run().code(4).stderr_has("prints without end");
    fs::remove_file(project.scratch.join("bin/vagrant")).unwrap();
    let run = project.ask("vagrant").code(4);
    run.stderr_has("vagrant is not installed");
}

/// A vagrant that hangs is not waited for, and does not stay: nor does what it has started.
#[test]
fn a_vagrant_that_hangs() {
    needs!(Sshd);
    let project = Project::new();
    let hang = project.scratch.write("bin/hang", "");
    let path = format!("{}:/usr/bin:/bin", project.scratch.join("bin").display());
    let args: Vec<_> = ["--ssh=vagrant"].into_iter().chain(COUNT).collect();
    let running = Running::start_on(&path, project.client.home(), &project.folder(), &args);
    let child = until("vagrant hangs", SOON, || {
        fs::read_to_string(&hang).unwrap().trim().parse().ok()
    });
    running.send(Signal::INT);
    let end = running.end();
    assert_eq!(end.code, Some(130), "{}", end.stderr);
    gone(child);
}
