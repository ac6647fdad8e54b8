//! Bad networks and servers that only pretend: every host in the end says one clear thing, and
//! nothing goes on behind anybody's back.

use std::time::{Duration, Instant};

use kickout_shared::token::sha256_hex;
use kickout_tests::{
    Account, Chaos, Client, HostileSsh, Output, Pretends, Sshd, Way, needs, until,
};
use rustix::process::Signal;

use crate::connect::waiting;
use crate::held::Held;
use crate::running::{Running, gone};
use crate::ssh::{COUNT, DESTROY, no_agent_remains, place, site_alone, site_of};

/// Longer than any one stage may take, with room for a slow machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Kickout is killed, or its network is: the agent ends by itself.
#[test]
fn kickout_is_gone_without_a_word() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let account = Account::new("/bin/bash");
    let site = site_alone(&account);
    let ssh = format!("--ssh={}", place(&sshd, &account, &site));
    let args: Vec<_> = [ssh.as_str()].into_iter().chain(DESTROY).collect();
    let lock =
        "BEGIN; SELECT umeta_id FROM wp_usermeta WHERE meta_key = 'session_tokens' FOR UPDATE;";
    for signal in [Signal::KILL, Signal::INT] {
        site.login("admin", "A", "::1");
        let mut held = Held::on_server(site.database(), lock);
        let running = Running::start_at(client.home(), client.home(), &args, "");
        let agents = until("an agent runs", SOON, || {
            let agents = account.agents();
            (!agents.is_empty()).then_some(agents)
        });
        waiting(&site);
        running.send(signal);
        if signal == Signal::INT {
            running.send(signal);
        }
        let end = running.end();
        assert!(
            end.code == Some(130) || end.signal == Some(9),
            "{}",
            end.stderr
        );
        held.say("ROLLBACK;");
        gone(agents[0]);
        no_agent_remains(&account);
        assert_eq!(account.delivered().len(), 1);
    }
}

/// The link dies under a run that may have written: neither a success nor a failure.
#[test]
fn the_link_dies_in_the_middle() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let account = Account::new("/bin/bash");
    let site = site_alone(&account);
    site.login("admin", "A", "::1");
    let lock =
        "BEGIN; SELECT umeta_id FROM wp_usermeta WHERE meta_key = 'session_tokens' FOR UPDATE;";
    let mut held = Held::on_server(site.database(), lock);
    let client = Client::of(&sshd);
    let ssh = format!("--ssh={}", place(&sshd, &account, &site));
    let args: Vec<_> = [ssh.as_str()].into_iter().chain(DESTROY).collect();
    let running = Running::start_at(client.home(), client.home(), &args, "");
    // Until it has begun: it takes the lock's place in the queue. Only then is what runs the agent
    // itself, and not the question for its version before it.
    waiting(&site);
    let agent = until("an agent runs", SOON, || account.agents().first().copied());
    // The session's own process, which holds the connection.
    let stat = std::fs::read_to_string(format!("/proc/{agent}/stat")).unwrap();
    let parent = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .nth(1)
        .unwrap();
    let parent = rustix::process::Pid::from_raw(parent.parse().unwrap()).unwrap();
    rustix::process::kill_process(parent, Signal::KILL).unwrap();
    let end = running.end();
    assert_eq!(end.code, Some(5), "{}{}", end.stdout, end.stderr);
    assert!(
        end.stderr.contains("destroyed is not known"),
        "{}",
        end.stderr
    );
    assert_eq!(end.stdout, "");
    held.say("ROLLBACK;");
    no_agent_remains(&account);
}

fn client_through(sshd: &Sshd, port: u16) -> Client {
    Client::new()
        .with_key(sshd)
        .known(&format!("[127.0.0.1]:{port} {}", sshd.key()))
}

/// Late and slow is not broken.
#[test]
fn late_and_slow() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let account = sshd.root();
    let site = site_of(&account);
    site.login("admin", "A", "::1");
    let rows = [
        ("300 ms there and back", Chaos::new().delay(150)),
        ("64 kbit/s", Chaos::new().rate(8_000)),
    ];
    // The agent is there already: these rows are about the conversation.
    let client = Client::of(&sshd);
    let run = client.over(place(&sshd, &account, &site)).args(COUNT);
    run.run().success();
    for (what, chaos) in rows {
        let proxy = chaos.start(sshd.port());
        let at = format!("root@127.0.0.1:{}{}", proxy.port(), site.root().display());
        let client = client_through(&sshd, proxy.port());
        let run = client.over(&at).args(COUNT).run().success();
        assert_eq!(run.stdout, "1\n", "{what}");
    }
}

/// Wherever the connection is cut: never a success that is none, never half an agent that is run,
/// and the next run works.
#[test]
fn cut_anywhere() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let account = Account::new("/bin/sh");
    let site = site_of(&account);
    site.login("admin", "A", "::1");
    let through = |chaos: Chaos| {
        let proxy = chaos.start(sshd.port());
        let at = format!(
            "{}@127.0.0.1:{}{}",
            account.name(),
            proxy.port(),
            site.root().display()
        );
        let client = client_through(&sshd, proxy.port());
        let run = client.over(at).args(COUNT).run();
        (run, proxy.bytes(Way::Up), proxy.bytes(Way::Down))
    };
    let (whole, up, down) = through(Chaos::new());
    whole.success().stdout("1\n");
    let (again, up_again, _) = through(Chaos::new());
    again.success().stdout("1\n");
    assert!(up > 1_000_000 && up_again < 100_000, "{up} {up_again}");
    let steps = |total: u64, count: u64| (0..count).map(move |step| total * step / count + 7);
    let contained = |run: Output, what: &str| {
        let clear =
            run.code == Some(4) && run.stdout.is_empty() && run.stderr.starts_with("Error: ");
        // A cut in the last bytes may come when everything has been said.
        let through = run.code == Some(0) && run.stdout == "1\n";
        run.check(clear || through, &format!("{what}: 4 with a reason"));
    };
    // With the agent there, in the conversation.
    for after in steps(up_again, 7) {
        contained(through(Chaos::new().cut(Way::Up, after)).0, "up");
    }
    for after in steps(down, 7) {
        contained(through(Chaos::new().cut(Way::Down, after)).0, "down");
        contained(through(Chaos::new().flip(Way::Down, after)).0, "flipped");
    }
    // In the middle of its way to the host.
    for after in steps(up, 5) {
        for agent in account.delivered() {
            std::fs::remove_file(agent).unwrap();
        }
        contained(through(Chaos::new().cut(Way::Up, after)).0, "upload");
        no_agent_remains(&account);
        until("what is half is removed", SOON, || {
            let left = account.delivered();
            let half = left.iter().any(|it| it.to_string_lossy().contains(".new-"));
            (!half).then_some(())
        });
    }
    through(Chaos::new()).0.success().stdout("1\n");
}

/// An upload that is cut behind every 997th byte leaves no half program where one is looked for.
#[test]
fn an_upload_cut_every_997_bytes() {
    needs!(Sshd);
    const THREADS: usize = 4;
    // A small program of this machine in the agent's place: it is refused once it is there whole.
    let program = std::fs::canonicalize("/bin/dash").unwrap();
    let bytes = std::fs::read(&program).unwrap();
    let hash = sha256_hex(&bytes);
    // What goes before it: the key exchange and the login.
    let up = bytes.len() as u64 + 8_000;
    let sshd = Sshd::start();
    let account = Account::new("/bin/sh");
    let through = |chaos: Chaos| {
        let proxy = chaos.start(sshd.port());
        let at = format!("{}@127.0.0.1:{}/etc", account.name(), proxy.port());
        let client = client_through(&sshd, proxy.port());
        let run = client
            .over(at)
            .arg(format!("--agent={}", program.display()));
        let run = run.args(COUNT).run().code(4).stdout("");
        run.stderr_has("Error: ");
        proxy.bytes(Way::Up)
    };
    let whole = |path: &std::path::PathBuf| {
        let content = std::fs::read(path).unwrap_or_default();
        path.ends_with(format!("agent-{hash}")) && sha256_hex(&content) == hash
    };
    let sent = through(Chaos::new());
    assert!(sent > up - 8_000, "{sent}");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let through = &through;
            scope.spawn(move || {
                let cuts = (1..up).step_by(997).skip(thread);
                for after in cuts.step_by(THREADS) {
                    through(Chaos::new().cut(Way::Up, after));
                }
            });
        }
    });
    no_agent_remains(&account);
    until("what is half is removed", SOON, || {
        account.delivered().iter().all(whole).then_some(())
    });
}

/// A network that swallows everything, in each stage.
#[test]
fn a_black_hole_has_a_deadline() {
    needs!(Sshd);
    let sshd = Sshd::start();
    // Before the banner, in the key exchange.
    std::thread::scope(|scope| {
        for after in [0, 10, 600, 1_300] {
            let sshd = &sshd;
            scope.spawn(move || {
                let proxy = Chaos::new().hole(Way::Down, after).start(sshd.port());
                let client = client_through(sshd, proxy.port());
                let at = format!("root@127.0.0.1:{}/etc", proxy.port());
                let start = Instant::now();
                let run = client.over(at).args(COUNT).run().code(4).stdout("");
                run.stderr_has("no answer within")
                    .check(start.elapsed() < SOON, "an answer soon");
            });
        }
    });
}

/// Servers that only pretend: bounded in memory and time, escaped, and named.
#[test]
fn servers_that_pretend() {
    needs!(Sshd);
    let sshd = Sshd::start();
    std::thread::scope(|scope| {
        for pretends in Pretends::ALL {
            let sshd = &sshd;
            scope.spawn(move || {
                let server = HostileSsh::start(pretends);
                let client = client_through(sshd, server.port());
                let ssh = format!("--ssh=root@127.0.0.1:{}/etc", server.port());
                let args: Vec<_> = [ssh.as_str()].into_iter().chain(DESTROY).collect();
                let start = Instant::now();
                let running = Running::start_at(client.home(), client.home(), &args, "");
                let peak = peak_until_the_end(&running, SOON * 2);
                let end = running.end();
                let said = format!("{pretends:?} {:?}\n{}", start.elapsed(), end.stderr);
                assert_eq!(end.code, Some(4), "{said}");
                assert_eq!(end.stdout, "", "{said}");
                let port = server.port().to_string();
                assert!(
                    end.stderr.starts_with("Error: ") && end.stderr.contains(&port),
                    "{said}"
                );
                assert!(!end.stderr.contains(['\x1b', '\u{9b}', '\x07']), "{said}");
                assert!(start.elapsed() < SOON, "{said}");
                // What the program itself takes, its agents included, and 32 MiB for a hostile host.
                assert!(peak < 128 * 1024, "{said}{peak} kB");
            });
        }
    });
}

/// Waits for the end of a run; the most memory it had, in kB.
pub(crate) fn peak_until_the_end(running: &Running, deadline: Duration) -> u64 {
    let mut peak = 0;
    until("kickout ends", deadline, || {
        match peak_memory(running.pid()) {
            Some(now) => {
                peak = peak.max(now);
                None
            }
            None => Some(()),
        }
    });
    peak
}

/// The most memory a process has had, in kB; `None` when it has ended.
fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Without strict key exchange a prefix may be cut from what some ciphers protect (CVE-2023-48795):
/// those are not spoken, whatever the server can.
#[test]
fn ciphers_that_may_lose_a_prefix() {
    needs!(Sshd);
    let rows = [
        ("chacha20-poly1305@openssh.com", 4, "No common Cipher"),
        ("aes128-cbc", 4, "No common Cipher"),
        ("aes128-ctr", 1, "does not seem to be a WordPress"),
    ];
    for (cipher, code, said) in rows {
        let sshd = Sshd::new().line(&format!("Ciphers {cipher}")).start();
        let at = format!("{}/etc", sshd.at(&sshd.root()));
        let client = Client::of(&sshd);
        let run = client.over(at).args(COUNT).run();
        run.code(code).stdout("").stderr_has(said);
    }
}
