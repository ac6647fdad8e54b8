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
        Client::of(&self.target)
            .knows(&self.gate)
            .knows(&self.inner)
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
            vec![
                chain.at("direct"),
                format!("--ssh-args=-oProxyJump={gates}"),
            ],
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
    let delivered =
        [&chain.gate, &chain.inner, &chain.target].map(|it| it.root().delivered().len());
    assert_eq!(delivered, [0, 0, 1]);
}

/// One row: the way, who goes it, how it ends, what is said, and who was let in on the way there.
struct Refusal {
    what: &'static str,
    jump: String,
    to: String,
    client: fn(&Chain) -> Client,
    code: i32,
    said: Vec<String>,
    logins: [usize; 3],
}

/// Each host on the way has to prove itself and to let us in, and whoever does not is named.
#[test]
fn a_host_on_the_way_that_stops_us_is_named() {
    needs!(Spaces, Sshd, WordPress);
    let mut chain = Chain::new(&["PermitOpen 10.77.2.2:22 10.77.2.2:2"]);
    let stranger = Sshd::start();
    let (gates, only) = (format!("root@{GATE},root@{INNER}"), format!("root@{GATE}"));
    let row = |what, jump: &str, to: &str, client, code, said: &[String], logins| Refusal {
        what,
        jump: jump.to_owned(),
        to: to.to_owned(),
        client,
        code,
        said: said.to_vec(),
        logins,
    };
    let unknown = |host: &str, scan: &str| {
        let key = format!("the host key of {host}:22 is not known");
        vec![
            key,
            format!("`{scan}ssh-keyscan {host} >> ~/.ssh/known_hosts`"),
        ]
    };
    let changed = |host: &str| vec![format!("the host key of {host}:22 has CHANGED")];
    let rows = [
        row(
            "the gate is not known",
            &gates,
            TARGET,
            |it| Client::of(&it.target).knows(&it.inner),
            8,
            &unknown(GATE, ""),
            [0; 3],
        ),
        row(
            "the second is not known",
            &gates,
            TARGET,
            |it| Client::of(&it.target).knows(&it.gate),
            8,
            &unknown(INNER, &format!("ssh ssh://root@{GATE} ")),
            [1, 0, 0],
        ),
        row(
            "the target is not known",
            &gates,
            TARGET,
            |it| {
                Client::new()
                    .with_key(&it.target)
                    .knows(&it.gate)
                    .knows(&it.inner)
            },
            8,
            &unknown(TARGET, &format!("ssh -J root@{GATE} ssh://root@{INNER} ")),
            [1, 1, 0],
        ),
        row(
            "the gate has another key",
            &gates,
            TARGET,
            |it| it.client_with_wrong(GATE),
            8,
            &changed(GATE),
            [0; 3],
        ),
        row(
            "the second has another key",
            &gates,
            TARGET,
            |it| it.client_with_wrong(INNER),
            8,
            &changed(INNER),
            [1, 0, 0],
        ),
        row(
            "the target has another key",
            &gates,
            TARGET,
            |it| it.client_with_wrong(TARGET),
            8,
            &changed(TARGET),
            [1, 1, 0],
        ),
        row(
            "nothing listens at the gate",
            &format!("root@{GATE}:2"),
            TARGET,
            Chain::client,
            4,
            &[format!("cannot connect to {GATE}:2: ")],
            [0; 3],
        ),
        row(
            "nothing listens behind it",
            &only,
            &format!("{INNER}:2"),
            Chain::client,
            4,
            &[format!(
                "cannot connect to {INNER}:2: {GATE}:22 does not pass on"
            )],
            [1, 0, 0],
        ),
        row(
            "the gate may not pass on",
            &only,
            TARGET,
            Chain::client,
            4,
            &[format!(
                "cannot connect to {TARGET}:22: {GATE}:22 does not pass on"
            )],
            [1, 0, 0],
        ),
        row(
            "a name that only we do not know",
            &gates,
            "no-such-host.invalid",
            Chain::client,
            4,
            &[format!("{INNER}:22 does not pass on")],
            [1, 1, 0],
        ),
    ];
    let refused = |chain: &Chain, row: Refusal| {
        let before = chain.logins();
        let jump = format!("--ssh-args=-J{}", row.jump);
        let to = chain.at(&format!("root@{}", row.to));
        let run = chain.ask(&(row.client)(chain), &[&to, &jump]);
        let said = row.said.iter().all(|said| run.stderr.contains(said));
        let met = run.code == Some(row.code) && run.stdout.is_empty() && said;
        run.check(met, &format!("{}: {:?}", row.what, row.said));
        let logins = chain.logins();
        let came: Vec<_> = logins
            .iter()
            .zip(before)
            .map(|(now, old)| now - old)
            .collect();
        assert_eq!(came, row.logins, "{}", row.what);
    };
    for row in rows {
        refused(&chain, row);
    }
    // Somebody else's keys: refused, with the place to put ours.
    let keys = [
        (GATE, chain.gate.dir().join("authorized"), [0; 3]),
        (INNER, chain.inner.dir().join("authorized"), [1, 0, 0]),
    ];
    for (host, file, logins) in keys {
        let ours = std::fs::read(&file).unwrap();
        std::fs::copy(stranger.dir().join("authorized"), &file).unwrap();
        let said = [
            format!("{host}:22 refused the login of root"),
            format!("--ssh-args=-J<user>@{host}:22"),
        ];
        let what = "the login is refused on the way";
        refused(
            &chain,
            row(what, &gates, TARGET, Chain::client, 4, &said, logins),
        );
        std::fs::write(&file, ours).unwrap();
    }
    // All of them are new: each is recorded under its own name.
    let client = Client::new().with_key(&chain.target);
    let jump = format!("--ssh-args=-J{gates}");
    let to = chain.at(&format!("root@{TARGET}"));
    let words = [&to, &jump, "--accept-new-host-keys"];
    chain.ask(&client, &words).success().stdout("1\n");
    for sshd in [&chain.gate, &chain.inner, &chain.target] {
        let line = format!("{} {}", sshd.name(), sshd.key());
        assert_eq!(client.known_hosts().matches(&line).count(), 1, "{line}");
    }
    // The gate goes away under a target that lives.
    chain.gate.stop();
    let run = chain.ask(&client, &words[..2]).code(4);
    run.stderr_has(&format!("cannot connect to {GATE}:22"));
}

impl Chain {
    /// One who knows another key of this host.
    fn client_with_wrong(&self, host: &str) -> Client {
        let all = [&self.gate, &self.inner, &self.target];
        let mut client = Client::new().with_key(&self.target);
        for (index, sshd) in all.iter().enumerate() {
            let key = match sshd.name() == host {
                true => all[(index + 1) % 3].key(),
                false => sshd.key(),
            };
            client = client.known(&format!("{} {key}", sshd.name()));
        }
        client
    }
}
