//! The bridge put on a host, looked at, brought up to date and taken away: over a real ssh server, on
//! a machine with a real systemd, for a real WordPress.

use std::path::Path;
use std::time::Duration;

use kickout_tests::{
    Binaries, Client, Kickout, Machine, MariaDb, Output, Owner, Scratch, Site, Sshd, WordPress,
    needs, operation, quoted, until,
};
use serde_json::json;

const CONFIG: &str = "/etc/kickout/kickout-bridge.toml";

/// A machine, a site on it, and an operator who is root there.
struct Host {
    machine: Machine,
    _sshd: Sshd,
    client: Client,
    site: Site,
}

impl Host {
    fn new() -> Self {
        let server = MariaDb::start();
        let site = WordPress::new().owner(Owner::web()).install_on(&server);
        let socket = server.socket();
        Self::of(site, socket.parent())
    }

    /// With a site, and a folder that it needs.
    fn of(site: Site, needed: Option<&Path>) -> Self {
        // The harness gives away what is in it.
        let Owner { uid, gid } = Owner::web();
        std::os::unix::fs::chown(site.root(), Some(uid), Some(gid)).unwrap();
        let shared: Vec<&Path> = needed.into_iter().chain([site.around().path()]).collect();
        let machine = Machine::start(&shared);
        let sshd = Sshd::new().on(&machine).start();
        let client = Client::of(&sshd);
        Self {
            machine,
            _sshd: sshd,
            client,
            site,
        }
    }

    /// `kickout --ssh=root@… bridge …` with the programs that were just built.
    fn bridge(&self, words: &[&str]) -> Kickout {
        let built = Binaries::dev();
        self.client
            .kickout()
            .within(self.machine.space())
            .args(["--ssh=root@127.0.0.1", "bridge"])
            .args(words)
            .arg(format!("--bridge={}", built.bridge.display()))
            .arg(format!("--agent={}", built.agent.display()))
            .deadline(Duration::from_secs(180))
    }

    fn install(&self, more: &[&str]) -> Output {
        let site = format!("--site={}", self.site.root().display());
        let words = [&["install", &site, "--url=http://shop.test"], more].concat();
        self.bridge(&words).run()
    }

    /// Asks the bridge with `curl`, as somebody who has nothing but this token.
    fn asks(&self, token: &str, name: &str, request: &serde_json::Value) -> String {
        let files = Scratch::new("curl");
        let head = files.write("token", format!("Authorization: Bearer {token}\n"));
        let run = json!({"type": "run", "id": 1, "site": {}, "request": request});
        let site = operation(name, Some("shop.test"));
        let body = files.write("body", format!("{site}\n{run}\n"));
        let script = format!(
            "curl -sS -H @{} -H 'Content-Type: application/json' --data-binary @{} \
             http://127.0.0.1:8440/v1/run",
            quoted(head.to_str().unwrap()),
            quoted(body.to_str().unwrap())
        );
        let shell = Kickout::program(Path::new("/bin/sh")).within(self.machine.space());
        shell.args(["-c", &script]).run().success().stdout
    }

    /// What docs/bridge.md says of a database, and a site, in /tmp.
    fn sees_tmp(&self) {
        let drop_in = "/etc/systemd/system/kickout-bridge.service.d";
        self.machine.says(&format!(
            "mkdir {drop_in} && printf '[Service]\\nPrivateTmp=no\\n' >{drop_in}/tmp.conf"
        ));
    }

    /// Waits until the bridge answers: systemd says only that it was started.
    fn answers(&self) {
        until("the bridge answers", Duration::from_secs(30), || {
            let asks = "curl -sS http://127.0.0.1:8440/v1/health 2>&1 || true";
            let said = self.machine.says(asks);
            said.contains("protocol").then_some(())
        });
    }

    fn mode(&self, path: &str) -> String {
        self.machine.says(&format!("stat -c '%a %U' {path}"))
    }
}

/// The token among the lines of an installation.
pub(crate) fn token(said: &Output) -> Option<String> {
    let mut lines = said.stdout.lines().filter(|line| line.starts_with("kob_"));
    let token = lines.next().map(str::to_owned);
    assert_eq!(lines.next(), None, "{}", said.stdout);
    token
}

fn destroy(user: &str) -> serde_json::Value {
    json!({"session_destroy": {"what": {"all": {"named": [{"text": user, "by": "any"}]}}}})
}

#[test]
fn installed_used_upgraded_and_removed() {
    needs!(Sshd, WordPress, Spaces, Machine);
    let host = Host::new();
    let machine = &host.machine;
    let none = host.bridge(&["status"]).run().code(1);
    none.stdout_has("FAIL  bridge")
        .stdout_has("none is installed");
    host.bridge(&["upgrade"])
        .run()
        .code(1)
        .stderr_has("no bridge is installed");

    host.sees_tmp();
    let said = host.install(&[]).success();
    let secret = token(&said).expect("a token");
    said.stdout_has("Made the account kickout-bridge.")
        .stdout_has("It runs, and answers on 127.0.0.1:8440.")
        .stdout_has("proxy_pass http://127.0.0.1:8440;")
        .stdout_has("ProxyPass /.well-known/kickout http://127.0.0.1:8440/.well-known/kickout")
        .stdout_has("kickout --http=http://shop.test doctor")
        .stdout_has("Success: The bridge is installed.\n");
    for (path, mode) in [
        ("/usr/lib/kickout", "755 root"),
        ("/usr/lib/kickout/kickout-bridge", "755 root"),
        ("/usr/lib/kickout/kickout-agent", "755 root"),
        ("/etc/systemd/system/kickout-bridge.service", "644 root"),
        (CONFIG, "600 root"),
        ("/var/lib/kickout-bridge", "700 root"),
        ("/var/lib/kickout-bridge/tokens.json", "600 root"),
    ] {
        assert_eq!(host.mode(path), mode, "{path}");
    }
    let config = machine.reads(CONFIG);
    assert!(config.contains("owner = \"www-data\""), "{config}");

    // Somebody without a shell there logs somebody out.
    let cookie = host.site.login("admin", "A", "::1");
    let done = host.asks(&secret, "out-1", &destroy("admin"));
    assert!(done.contains("\"gone\""), "{done}\n{}", machine.journal());
    assert!(!host.site.cookie_is_valid(&cookie));

    // The same again changes nothing, and shows no token.
    let pid = "systemctl show --property=MainPID --value kickout-bridge";
    let before = machine.says(pid);
    let again = host.install(&[]).success();
    assert_eq!(token(&again), None, "{}", again.stdout);
    again
        .stdout_has("shop.test has the token")
        .stdout_has("kickout-agent is this release already.");
    assert_eq!(
        (machine.says(pid), machine.reads(CONFIG)),
        (before, config.clone())
    );

    let status = host.bridge(&["status"]).run().success();
    status
        .stdout_has("ok    service        it runs, and starts with the host")
        .stdout_has("ok    listens        127.0.0.1:8440, plain HTTP")
        .stdout_has("ok    site           shop.test: http://shop.test in ")
        .stdout_has("installed for shop.test: 29 days left")
        .never_says(&secret[17..]);

    // Another agent lies there: that is seen, and mended. What the operator wrote stays.
    let agent = "/usr/lib/kickout/kickout-agent";
    machine.says(&format!("rm {agent} && echo other >{agent}"));
    machine.says(&format!("echo '# Mine.' >>{CONFIG}"));
    let status = host.bridge(&["status"]).run().success();
    status.stdout_has("warn  agent          /usr/lib/kickout/kickout-agent is another");
    let upgraded = host.bridge(&["upgrade"]).run().success();
    upgraded
        .stdout_has("Placed /usr/lib/kickout/kickout-agent")
        .stdout_has("kickout-bridge is this release already.");
    assert_eq!(machine.reads(CONFIG), config + "\n# Mine.");
    let cookie = host.site.login("admin", "B", "::1");
    let done = host.asks(&secret, "out-2", &destroy("admin"));
    assert!(
        done.contains("\"gone\"") && !host.site.cookie_is_valid(&cookie),
        "{done}"
    );

    // A configuration that it would not start with: the old one goes on.
    machine.says(&format!(
        "cp {CONFIG} /root/kept && echo nonsense >>{CONFIG}"
    ));
    let refused = host.bridge(&["upgrade"]).run().code(1);
    refused.stderr_has(CONFIG).stderr_has("docs/bridge.md");
    assert_eq!(machine.says("systemctl is-active kickout-bridge"), "active");
    machine.says(&format!("mv /root/kept {CONFIG}"));

    // Nobody agreed.
    let asked = host.bridge(&["remove"]).run().code(7);
    asked.stderr_has("This removes the bridge of ssh:root@127.0.0.1.");
    assert_eq!(machine.says("systemctl is-active kickout-bridge"), "active");
    let removed = host.bridge(&["remove", "--yes"]).run().success();
    removed.stdout_has(&format!("Kept {CONFIG}."));
    let left = "ls -d /usr/lib/kickout /etc/systemd/system/kickout-bridge.service || true";
    assert_eq!(machine.says(left), "");
    let asks = "curl -sS http://127.0.0.1:8440/v1/health 2>&1 || true";
    assert!(
        machine.says(asks).contains("Failed to connect"),
        "{}",
        machine.says(asks)
    );

    // With what was kept it is all there again, and then nothing is.
    let back = host.install(&[]).success();
    assert_eq!(token(&back), None, "{}", back.stdout);
    let cookie = host.site.login("admin", "C", "::1");
    let done = host.asks(&secret, "out-3", &destroy("admin"));
    assert!(
        done.contains("\"gone\"") && !host.site.cookie_is_valid(&cookie),
        "{done}"
    );
    host.bridge(&["remove", "--purge", "--yes"]).run().success();
    let left =
        format!("ls -d {CONFIG} /etc/kickout /var/lib/kickout-bridge /usr/lib/kickout || true");
    assert_eq!(machine.says(&left), "");
    assert_eq!(
        machine.says("grep -c kickout-bridge: /etc/passwd || true"),
        "0"
    );
    until("nothing of it runs", Duration::from_secs(30), || {
        let running =
            machine.says("ls -l /proc/*/exe 2>/dev/null | grep -c kickout-bridge || true");
        (running == "0").then_some(())
    });
}

/// Its agents write to the folders of sites, where a database may be a file, and to no others.
#[test]
fn a_database_in_a_file() {
    needs!(Sshd, WordPressSqlite, Spaces, Machine);
    let host = Host::of(WordPress::new().owner(Owner::web()).install_sqlite(), None);
    host.sees_tmp();
    let said = host.install(&[]).success();
    let secret = token(&said).expect("a token");
    let sites = "/etc/systemd/system/kickout-bridge.service.d/sites.conf";
    let named = format!("ReadWritePaths=\"-{}\"\n", host.site.root().display());
    assert!(host.machine.reads(sites).contains(named.trim_end()));
    // Without that line nothing is written, and nobody says that it was.
    let restart = "systemctl daemon-reload && systemctl restart kickout-bridge";
    host.machine
        .says(&format!("mv {sites} /root/sites.conf && {restart}"));
    let cookie = host.site.login("admin", "A", "::1");
    host.answers();
    let done = host.asks(&secret, "out-1", &destroy("admin"));
    assert!(done.contains("\"failed\""), "{done}");
    assert!(host.site.cookie_is_valid(&cookie));
    host.machine
        .says(&format!("mv /root/sites.conf {sites} && {restart}"));
    host.answers();
    let done = host.asks(&secret, "out-2", &destroy("admin"));
    assert!(done.contains("\"gone\""), "{done}");
    assert!(!host.site.cookie_is_valid(&cookie));
}

/// What is not to be done says why, and does nothing.
#[test]
fn what_is_refused() {
    needs!(Sshd, WordPress, Spaces, Machine);
    let host = Host::new();
    let root = format!("--site={}", host.site.root().display());
    let rows: [(&[&str], &str, &str); 6] = [
        (
            &["--site=/nowhere", "--url=http://a.test"],
            "no folder /nowhere",
            "--site=",
        ),
        (
            &["--site=/usr", "--url=http://a.test"],
            "belongs to the account 0",
            "--owner=",
        ),
        (
            &["--site=/usr", "--url=http://a.test", "--owner=root"],
            "'root' is root",
            "owner",
        ),
        (
            &["--site=/usr", "--url=http://a.test", "--owner=ghost"],
            "no account 'ghost'",
            "owner",
        ),
        (
            &[&root, "--url=http://a.test", "--scope=all"],
            "no such scope",
            "docs/bridge.md",
        ),
        (
            &[&root, "--url=http://a.test", "--name=A B"],
            "lower-case letters",
            "docs/bridge.md",
        ),
    ];
    for (words, why, fix) in rows {
        let words = [&["install"], words].concat();
        let said = host.bridge(&words).run().code(1);
        said.stderr_has(why).stderr_has(fix);
    }
    let made = "ls -d /etc/kickout /usr/lib/kickout /var/lib/kickout-bridge || true";
    assert_eq!(host.machine.says(made), "");
    // Nobody but root; before anything is touched on this very machine.
    let built = Binaries::dev();
    let kickout = format!(
        "HOME=/nonexistent setpriv --reuid=65534 --regid=65534 --clear-groups {} bridge remove --yes \
         --bridge={}",
        built.kickout.display(),
        built.bridge.display()
    );
    let said = Kickout::program(Path::new("/bin/sh"))
        .args(["-c", &kickout])
        .run()
        .code(1);
    said.stderr_has("installed by root")
        .stderr_has("--sudo=root");
    let words = [
        "--http=https://shop.test",
        "bridge",
        "install",
        &root,
        "--url=http://a.test",
    ];
    Kickout::new()
        .args(words)
        .run()
        .code(2)
        .stderr_has("installs nothing");
}

/// The unit is one that systemd understands, and no more open than it has to be.
#[test]
fn the_unit_is_sound() {
    needs!(Machine);
    let machine = Machine::start(&[]);
    let unit = kickout_tests::workspace_root().join("packaging/systemd/kickout-bridge.service");
    let analyze = |words: &str| {
        machine.says(&format!(
            "mkdir -p /usr/lib/kickout && ln -sf /bin/true /usr/lib/kickout/kickout-bridge && \
             systemd-analyze {words} {} 2>&1",
            unit.display()
        ))
    };
    assert_eq!(analyze("verify"), "");
    let said = analyze("security --offline=true --threshold=30 --no-pager");
    assert!(said.contains("Overall exposure level"), "{said}");
}
