//! Hosts that are only reached through other hosts: real networks, in which there is no other way.

use kickout_tests::{Client, Output, Site, Space, Sshd, needs};

use crate::ssh::{COUNT, no_agent_remains, site_of};

/// An operator's machine, two jump hosts behind one another, and a target: each is joined to the
/// next one only.
struct Chain {
    operator: Space,
    gate: Sshd,
    inner: Sshd,
    target: Sshd,
    site: Site,
    _spaces: [Space; 3],
}

const GATE: &str = "10.77.1.2";
const INNER: &str = "10.77.2.2";
const TARGET: &str = "10.77.3.2";

impl Chain {
    fn new(gate: &[&str]) -> Self {
        let operator = Space::new();
        let spaces = [Space::new(), Space::new(), Space::new()];
        operator.link(&spaces[0], 1);
        spaces[0].link(&spaces[1], 2);
        spaces[1].link(&spaces[2], 3);
        let lines = gate.iter().fold(Sshd::new(), |it, line| it.line(line));
        let gate = lines.within(&spaces[0], GATE).start();
        let inner = Sshd::new().within(&spaces[1], INNER).start();
        let target = Sshd::new().within(&spaces[2], TARGET).start();
        // One key is let in everywhere.
        for sshd in [&gate, &inner] {
            let file = "authorized";
            std::fs::copy(target.dir().join(file), sshd.dir().join(file)).unwrap();
        }
        let site = site_of(&target.root());
        site.login("admin", "A", "::1");
        Self {
            operator,
            gate,
            inner,
            target,
            site,
            _spaces: spaces,
        }
    }

    /// One who knows them all.
    fn client(&self) -> Client {
        Client::of(&self.target).knows(&self.gate).knows(&self.inner)
    }

    /// Asks with these words before the plain listing.
    fn ask(&self, client: &Client, words: &[&str]) -> Output {
        let run = client.kickout().within(&self.operator);
        run.args(words).args(COUNT).run()
    }

    /// How often somebody was let in.
    fn logins(&self) -> [usize; 3] {
        [&self.gate, &self.inner, &self.target].map(Sshd::logins)
    }

    /// `--ssh=` the site behind this host.
    fn at(&self, host: &str) -> String {
        format!("--ssh={host}{}", self.site.root().display())
    }
}

/// Every way to say it leads over the same hosts, in the same order, once each.
#[test]
fn every_way_to_name_a_jump_host() {
    needs!(Spaces, Sshd, WordPress);
    let chain = Chain::new(&[]);
    let root = chain.site.root().display();
    let gates = format!("root@{GATE},root@{INNER}");
    let config = format!(
        "Host gate\n  HostName {GATE}\n  User root\n\
         Host inner\n  HostName {INNER}\n  User root\n  ProxyJump gate\n\
         Host behind\n  HostName {TARGET}\n  User root\n  ProxyJump inner\n\
         Host both\n  HostName {TARGET}\n  User root\n  ProxyJump {gates}\n\
         Host direct\n  HostName {TARGET}\n  User root\n"
    );
    let client = chain.client().config(&config);
    let yaml = format!(
        "@listed:\n  ssh: root@{TARGET}{root}\n  proxyjump: {gates}\n\
         @named:\n  ssh: direct{root}\n  proxyjump: inner\n\
         @args:\n  ssh: direct{root}\n  ssh-args:\n    - -J {gates}\n\
         @file:\n  ssh: there{root}\n  ssh_config: ~/jump.conf\n\
         @wins:\n  ssh: both{root}\n  proxyjump: gate\n"
    );
    std::fs::write(client.home().join("wp-cli.yml"), yaml).unwrap();
    let file = format!("Host there\n  HostName {TARGET}\n  User root\n  ProxyJump {gates}\n");
    let path = client.home().join("jump.conf");
    std::fs::write(path, file).unwrap();

    let rows: [(&str, Vec<String>); 8] = [
        ("a chain of Host blocks", vec![chain.at("behind")]),
        ("a list in a Host block", vec![chain.at("both")]),
        (
            "--ssh-args",
            vec![chain.at("direct"), format!("--ssh-args=-J {gates}")],
        ),
        (
            "-o",
            vec![chain.at("direct"), format!("--ssh-args=-oProxyJump={gates}")],
        ),
        ("an alias with a list", vec!["@listed".to_owned()]),
        ("an alias with a name", vec!["@named".to_owned()]),
        ("an alias with ssh-args", vec!["@args".to_owned()]),
        ("an alias with a file", vec!["@file".to_owned()]),
    ];
    for (count, (what, words)) in rows.iter().enumerate() {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let run = chain.ask(&client, &words);
        let met = run.code == Some(0) && run.stdout == "1\n";
        run.check(met, what);
        assert_eq!(chain.logins(), [count + 1; 3], "{what}");
    }
    // There is no other way, and an alias takes precedence over the configuration.
    let before = chain.logins();
    let direct = chain.ask(&client, &[&chain.at("direct")]).code(4);
    direct.stderr_has(&format!("cannot connect to {TARGET}:22"));
    assert_eq!(chain.logins(), before);
    let wins = chain.ask(&client, &["@wins"]).code(4);
    wins.stderr_has(&format!("{GATE}:22 does not pass on"));
    assert_eq!(chain.logins(), [before[0] + 1, before[1], before[2]]);
    for sshd in [&chain.gate, &chain.inner, &chain.target] {
        no_agent_remains(&sshd.root());
    }
    // The agent is on the target alone.
    let delivered = [&chain.gate, &chain.inner, &chain.target].map(|it| it.root().delivered().len());
    assert_eq!(delivered, [0, 0, 1]);
}
