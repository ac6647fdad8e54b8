//! Groups whose sites are elsewhere: stopped in the middle, and of every kind at once.

use kickout_tests::{Account, Client, Container, Image, MariaDb, Site, Sshd, WordPress, needs};
use kickout_tests::{docker_host, until};
use rustix::process::Signal;

use crate::docker::mounts;
use crate::held::Held;
use crate::interrupt::a_moment;
use crate::running::{Running, gone};
use crate::ssh::{COUNT, DESTROY, no_agent_remains, place, site_of};
use crate::ssh_faults::SOON;

/// Whoever waits for the rows of the sessions.
const LOCK: &str =
    "BEGIN; SELECT umeta_id FROM wp_usermeta WHERE meta_key = 'session_tokens' FOR UPDATE;";

fn sessions(site: &Site) -> &'static str {
    match site.sessions("admin").len() {
        0 => "none",
        _ => "some",
    }
}

/// Two hosts are at work, a third waits for its turn. Once is kindly: the step that is under way
/// ends, and nothing begins. Twice is at once. Without a word, the agents leave by themselves.
#[test]
fn a_group_that_is_stopped() {
    needs!(Sshd, WordPress);
    let database = MariaDb::start();
    let sshd = Sshd::start();
    let accounts = [(); 3].map(|()| Account::new("/bin/sh"));
    let sites = accounts
        .each_ref()
        .map(|it| WordPress::new().owner(it.owner()).install_on(&database));
    let client = Client::of(&sshd);
    let mut yaml = "@g: [@web0, @web1, @web2]\n".to_owned();
    for (number, (account, site)) in accounts.iter().zip(&sites).enumerate() {
        let at = place(&sshd, account, site);
        yaml.push_str(&format!("@web{number}:\n  ssh: {at}\n"));
    }
    std::fs::write(client.home().join("wp-cli.yml"), yaml).unwrap();
    let args: Vec<_> = ["@g", "--parallel=2"].into_iter().chain(DESTROY).collect();
    let rows = [
        (Signal::INT, 1, Some(130)),
        (Signal::TERM, 1, Some(130)),
        (Signal::INT, 2, Some(130)),
        (Signal::HUP, 1, None),
    ];
    for (signal, times, code) in rows {
        for site in &sites {
            site.login("admin", "A", "::1");
        }
        let what = format!("{signal:?} {times}");
        let mut held = [0, 1].map(|it: usize| Held::on_server(sites[it].database(), LOCK));
        let running = Running::start_at(client.home(), client.home(), &args, "");
        until("two wait for their locks", SOON, || {
            let status = sites[0].sql("SHOW STATUS LIKE 'Innodb_row_lock_current_waits'");
            (status[0][1] == "2").then_some(())
        });
        let agents: Vec<u32> = accounts.iter().flat_map(Account::agents).collect();
        assert_eq!(agents.len(), 2, "{what}");
        let before = sshd.logins();
        for _ in 0..times {
            running.send(signal);
            a_moment();
        }
        if times == 1 {
            held.iter_mut().for_each(|it| it.say("ROLLBACK;"));
        }
        let end = running.end();
        assert_eq!(end.code, code, "{what}\n{}{}", end.stdout, end.stderr);
        held.iter_mut().for_each(|it| it.say("ROLLBACK;"));
        agents.into_iter().for_each(gone);
        accounts.iter().for_each(no_agent_remains);
        // The third was never asked.
        assert_eq!(sshd.logins(), before, "{what}");
        assert_eq!(sessions(&sites[2]), "some", "{what}");
        let recap = match code {
            None => continue,
            Some(_) if times == 1 => "3 sites: 3 cancelled (@web0, @web1, @web2).",
            Some(_) => "3 sites: 2 unknown (@web0, @web1), 1 cancelled (@web2).",
        };
        assert!(end.stderr.contains(recap), "{what}\n{}", end.stderr);
        // A step that was finished is told of.
        let told = end.stderr.matches("1 session destroyed until then");
        let done = sites[..2].iter().filter(|it| sessions(it) == "none");
        let same = told.count() == done.count();
        assert!(times > 1 || same, "{what}\n{}", end.stderr);
    }
}

/// A folder of this machine, a host, a host behind another, a container here and one behind a
/// host: each at the first try, and all in one group.
#[test]
fn every_kind_in_one_group() {
    needs!(Sshd, WordPress, Docker);
    let engine = docker_host().unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
    let (sshd, gate) = (Sshd::start(), Sshd::start());
    let authorized = "authorized";
    std::fs::copy(sshd.dir().join(authorized), gate.dir().join(authorized)).unwrap();
    let account = sshd.root();
    account.write(".bashrc", format!("export DOCKER_HOST={engine}\n"));
    let sites = [(); 5].map(|()| site_of(&account));
    let container = |site: &Site| {
        let mounts = mounts(site);
        let mounts: Vec<_> = mounts.iter().map(String::as_str).collect();
        Container::start(Image::Busybox, &mounts)
    };
    let containers = [container(&sites[3]), container(&sites[4])];
    let root = |index: usize| sites[index].root().display();
    let client = Client::of(&sshd).knows(&gate);
    let yaml = format!(
        "@folder:\n  path: {}\n@host:\n  ssh: {}\n\
         @behind:\n  ssh: {}\n  proxyjump: {}\n\
         @container:\n  ssh: docker:{}\n  path: {}\n\
         @far:\n  ssh: docker:{}\n  path: {}\n  via: {}\n\
         @dead:\n  ssh: root@127.0.0.1:1/x\n\
         @five: [@folder, @host, @behind, @container, @far]\n\
         @six: [@dead, @five]\n",
        root(0),
        place(&sshd, &account, &sites[1]),
        place(&sshd, &account, &sites[2]),
        gate.at(&account),
        containers[0].name(),
        root(3),
        containers[1].name(),
        root(4),
        sshd.at(&account),
    );
    std::fs::write(client.home().join("wp-cli.yml"), yaml).unwrap();
    let kickout = |name: &str, words: &[&str]| {
        let run = client.kickout().env("DOCKER_HOST", &engine);
        run.arg(name).args(words).run()
    };
    for site in &sites {
        site.login("admin", "A", "::1");
    }
    for name in ["@folder", "@host", "@behind", "@container", "@far"] {
        kickout(name, &COUNT).success().stdout("1\n");
    }
    assert_eq!(gate.logins(), 1);
    let run = kickout("@six", &DESTROY).code(3);
    let run = run.stdout_has("@far\nSuccess: Destroyed session.");
    let run = run.stderr_has("@dead: cannot connect to 127.0.0.1:1");
    run.stderr_has("6 sites: 5 gone, 1 unreachable (@dead).");
    assert!(sites.iter().all(|it| sessions(it) == "none"));
    let run = kickout("@five", &DESTROY).code(0);
    run.stderr_has("5 sites: 5 skipped.");
}
