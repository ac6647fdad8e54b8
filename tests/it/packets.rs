//! Networks that lose packets: some of them, all of them, or all of them from some moment on.
//!
//! The losses are made by iptables in namespaces of the test's own, not by `tc netem`, which many
//! kernels lack; delay and throttling are `Chaos` in `ssh_faults`.

use std::thread::scope;
use std::time::{Duration, Instant};

use kickout_tests::{Client, Site, Space, Sshd, needs, until};

use crate::connect::waiting;
use crate::held::Held;
use crate::running::{End, Running, gone};
use crate::ssh::{COUNT, DESTROY, no_agent_remains, place, site_alone, site_of};
use crate::ssh_faults::SOON;

const HOST: &str = "10.77.1.2";

/// Whoever waits for the rows of the sessions.
const LOCK: &str =
    "BEGIN; SELECT umeta_id FROM wp_usermeta WHERE meta_key = 'session_tokens' FOR UPDATE;";

/// An operator's machine and a host, joined by a cable.
struct Pair {
    operator: Space,
    host: Space,
    sshd: Sshd,
}

impl Pair {
    fn new() -> Self {
        let (operator, host) = (Space::new(), Space::new());
        operator.link(&host, 1);
        let sshd = Sshd::new().within(&host, HOST).start();
        Self {
            operator,
            host,
            sshd,
        }
    }

    /// `--ssh=` a site there.
    fn at(&self, site: &Site) -> String {
        format!("--ssh=root@{HOST}{}", site.root().display())
    }

    /// A destroy that waits for somebody's lock: it has begun, and the agent is there.
    fn halted(&self, client: &Client, site: &Site) -> (Running, Held, u32) {
        let held = Held::on_server(site.database(), LOCK);
        let ssh = self.at(site);
        let args: Vec<_> = [ssh.as_str()].into_iter().chain(DESTROY).collect();
        let running = Running::start_within(&self.operator, client.home(), &args);
        waiting(site);
        let account = self.sshd.root();
        let agent = until("an agent runs", SOON, || account.agents().first().copied());
        (running, held, agent)
    }
}

/// Nobody has a session any more.
fn is_empty(site: &Site) -> bool {
    let count = "SELECT COUNT(*) FROM wp_usermeta WHERE meta_key = 'session_tokens'";
    site.sql(count)[0][0] == "0"
}

/// Neither a success nor a failure, and it says what to do.
fn unknown(end: &End) {
    assert_eq!(end.code, Some(5), "{}{}", end.stdout, end.stderr);
    assert_eq!(end.stdout, "");
    for said in [
        "agent",
        "destroyed is not known",
        "Run the command again; look first",
    ] {
        assert!(end.stderr.contains(said), "{}", end.stderr);
    }
}

/// Every fourth packet, or any twentieth, each way: slower, and nothing else.
#[test]
fn some_are_lost() {
    // Retransmissions double their pauses: now and then one of them outlasts a deadline.
    needs!(SlowAndFar, Spaces, Sshd, WordPress);
    let rows = [
        "-m statistic --mode nth --every 4 --packet 0",
        "-m statistic --mode random --probability 0.05",
    ];
    scope(|scope| {
        for what in rows {
            scope.spawn(move || {
                let pair = Pair::new();
                let site = site_of(&pair.sshd.root());
                let cookie = site.login("admin", "A", "::1");
                let client = Client::of(&pair.sshd);
                pair.host.lose(what);
                pair.operator.lose(what);
                // The agent's way to the host, and the conversation.
                let at = pair.at(&site);
                let kickout = || client.kickout().within(&pair.operator).arg(&at);
                kickout().args(COUNT).run().success().stdout("1\n");
                kickout().args(DESTROY).run().success();
                assert!(!site.cookie_is_valid(&cookie), "{what}");
            });
        }
    });
}

/// Nobody answers, and nobody says that nobody answers.
#[test]
fn the_first_is_lost() {
    needs!(Spaces, Sshd);
    let rows = [
        ("10 seconds", ""),
        ("2 seconds", "Host *\n  ConnectTimeout 2\n"),
    ];
    scope(|scope| {
        for (limit, config) in rows {
            scope.spawn(move || {
                let pair = Pair::new();
                pair.host.lose("-p tcp --syn");
                let client = Client::of(&pair.sshd).config(config);
                let run = client.kickout().within(&pair.operator);
                let run = run.arg(format!("--ssh=root@{HOST}/etc")).args(COUNT);
                let run = run.deadline(SOON).run().code(4).stdout("");
                run.stderr_has(&format!(
                    "{HOST}:22: no answer within {limit} while connecting"
                ));
            });
        }
    });
}

/// The cable is out for a moment: nobody notices.
#[test]
fn a_moment_without_a_cable() {
    needs!(Spaces, Sshd, WordPress);
    let pair = Pair::new();
    let site = site_alone(&pair.sshd.root());
    site.login("admin", "A", "::1");
    let client = Client::of(&pair.sshd);
    let (running, mut held, _) = pair.halted(&client, &site);
    pair.operator.unplug(1);
    // What the agent says now is lost, and said again.
    held.say("ROLLBACK;");
    until("the session is gone", SOON, || {
        is_empty(&site).then_some(())
    });
    pair.operator.plug(1);
    let end = running.end();
    assert_eq!(end.code, Some(0), "{}{}", end.stdout, end.stderr);
    assert!(end.stdout.starts_with("Success: "), "{}", end.stdout);
}

/// The cable is out for good, in the middle of a run. How soon that is noticed is the operator's
/// to say, as in OpenSSH.
#[test]
fn from_the_middle_on_all_are_lost() {
    needs!(Spaces, Sshd, WordPress);
    let pair = Pair::new();
    let site = site_alone(&pair.sshd.root());
    site.login("admin", "A", "::1");
    let alive = "Host *\n  ServerAliveInterval 1\n  ServerAliveCountMax 2\n";
    let client = Client::of(&pair.sshd).config(alive);
    let (running, _held, _) = pair.halted(&client, &site);
    pair.operator.unplug(1);
    unknown(&running.end());
}

/// The same with nothing said: three times 15 seconds, and the agent on the other side, which
/// hears nothing either, leaves by itself.
#[test]
fn a_black_hole_ends_both_sides() {
    needs!(SlowAndFar, Spaces, Sshd, WordPress);
    let pair = Pair::new();
    let site = site_alone(&pair.sshd.root());
    site.login("admin", "A", "::1");
    let client = Client::of(&pair.sshd);
    let (running, held, agent) = pair.halted(&client, &site);
    pair.operator.unplug(1);
    let start = Instant::now();
    unknown(&running.end());
    gone(agent);
    // 45 seconds of silence, and some grace; who is far above waits for something else.
    assert!(start.elapsed() < Duration::from_secs(70));
    drop(held);
    no_agent_remains(&pair.sshd.root());
}

/// One that swallows everything among five that work: theirs is done meanwhile, and shown as far
/// as the order of the group lets it.
#[test]
fn one_dead_host_delays_nobody() {
    needs!(Spaces, Sshd, WordPress);
    let (operator, hosts, lost) = (Space::new(), Space::new(), Space::new());
    operator.link(&lost, 9);
    let dead = "10.77.9.2";
    let mut yaml = format!("@dead:\n  ssh: root@{dead}/srv\n");
    let mut all: Vec<(Sshd, Site)> = Vec::new();
    for net in 1..=5 {
        operator.link(&hosts, net);
        let sshd = Sshd::new().within(&hosts, &format!("10.77.{net}.2"));
        let sshd = sshd.start();
        if let Some((first, _)) = all.first() {
            let file = "authorized";
            std::fs::copy(first.dir().join(file), sshd.dir().join(file)).unwrap();
        }
        let site = site_of(&sshd.root());
        let at = place(&sshd, &sshd.root(), &site);
        yaml.push_str(&format!("@web{net}:\n  ssh: {at}\n"));
        all.push((sshd, site));
    }
    yaml.push_str("@first: [@dead, @web1, @web2, @web3, @web4, @web5]\n");
    yaml.push_str("@last: [@web1, @web2, @web3, @web4, @web5, @dead]\n");
    // It is dead for as long as the others need.
    let patient = format!("Host {dead}\n  ConnectTimeout 120\n");
    let client = Client::new().with_key(&all[0].0).config(&patient);
    let client = all.iter().fold(client, |it, (sshd, _)| it.knows(sshd));
    std::fs::write(client.home().join("wp-cli.yml"), yaml).unwrap();
    for (group, shown) in [("@first", 0), ("@last", 5)] {
        for (_, site) in &all {
            site.login("admin", "A", "::1");
        }
        lost.lose("-p tcp");
        let args: Vec<_> = [group].into_iter().chain(DESTROY).collect();
        let running = Running::start_within(&operator, client.home(), &args);
        until("the others are done", SOON, || {
            let done = all.iter().all(|(_, site)| is_empty(site));
            (done && running.stdout().matches("Success: ").count() == shown).then_some(())
        });
        lost.heal();
        let end = running.end();
        assert_eq!(end.code, Some(3), "{}{}", end.stdout, end.stderr);
        assert_eq!(end.stdout.matches("Success: ").count(), 5);
        for said in [
            "@dead: cannot connect to 10.77.9.2:22",
            "6 sites: 5 gone, 1 unreachable (@dead).",
        ] {
            assert!(end.stderr.contains(said), "{}", end.stderr);
        }
    }
}
