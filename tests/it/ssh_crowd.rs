//! Many hosts at once behind one server that lets few in at a time, and what is known of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use kickout_tests::{Chaos, Client, Sshd, needs};

use crate::running::Running;
use crate::ssh::{COUNT, site_of};
use crate::ssh_faults::{SOON, peak_until_the_end};

const HOSTS: usize = 60;

/// Sixty hosts, all of them one sshd that drops whoever comes when ten are not let in yet, from
/// the first contact on: every one is asked in the end, and every key is recorded once.
#[test]
fn a_crowd_before_a_narrow_door() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::new().line("MaxStartups 10:100:10").start();
    let account = sshd.root();
    let site = site_of(&account);
    site.login("admin", "A", "::1");
    // Far away, so that they pile up before they are let in.
    let proxy = Chaos::new().delay(60).start(sshd.port());
    let (mut config, mut aliases) = (String::new(), String::new());
    for host in 0..HOSTS {
        let port = proxy.port();
        writeln!(
            config,
            "Host h{host}\n HostName 127.0.0.1\n Port {port}\n HostKeyAlias h{host}"
        )
        .unwrap();
        let root = site.root().display();
        writeln!(aliases, "@h{host}:\n  ssh: root@h{host}{root}").unwrap();
    }
    let client = Client::new().with_key(&sshd).config(&config);
    fs::write(client.home().join("wp-cli.yml"), aliases).unwrap();
    let all = ["@all", "--parallel=60", "--accept-new-host-keys"];
    let run = client.kickout().args(all).args(COUNT).run().code(0);
    assert_eq!(run.stdout.matches("\n1\n").count(), HOSTS);
    assert_eq!(sshd.logins(), HOSTS, "{}", run.stderr);
    // None of them had to come twice.
    let refused = sshd.log().matches("drop connection").count();
    assert_eq!(refused, 0, "{}", sshd.log());
    let known = client.known_hosts();
    let names: BTreeSet<_> = known
        .lines()
        .filter_map(|it| it.strip_suffix(&sshd.key()))
        .map(str::trim)
        .collect();
    assert_eq!(names.len(), HOSTS, "{known}");
    assert_eq!(known.lines().count(), HOSTS, "{known}");
}

/// Files of known hosts that are none: nobody is known, soon and in little memory.
#[test]
fn files_that_are_no_known_hosts() {
    needs!(Sshd);
    let sshd = Sshd::start();
    type Make = fn(&Client);
    let rows: [(&str, Make, &str); 7] = [
        (
            "100 MB",
            |client| {
                let file = fs::File::create(client.file("known_hosts")).unwrap();
                file.set_len(100 << 20).unwrap();
            },
            "is larger than",
        ),
        (
            "a line of 50 MB",
            |client| fs::write(client.file("known_hosts"), vec![b'x'; 50 << 20]).unwrap(),
            "is larger than",
        ),
        (
            "bytes of all kinds",
            |client| {
                let bytes: Vec<u8> = (0..1_000_000_u32)
                    .map(|it| (it.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
                    .collect();
                fs::write(client.file("known_hosts"), bytes).unwrap();
            },
            "is not known",
        ),
        (
            "a directory",
            |client| fs::create_dir(client.file("known_hosts")).unwrap(),
            "cannot be read",
        ),
        (
            "a pipe",
            |client| {
                let made = Command::new("mkfifo")
                    .arg(client.file("known_hosts"))
                    .status();
                assert!(made.unwrap().success());
            },
            "cannot be read",
        ),
        (
            // Even root cannot read it.
            "a link to itself",
            |client| symlink("known_hosts", client.file("known_hosts")).unwrap(),
            "cannot be read",
        ),
        (
            "a device without end",
            |client| symlink("/dev/zero", client.file("known_hosts")).unwrap(),
            "is larger than",
        ),
    ];
    let attempt = |client: &Client, more: &[&str]| {
        let ssh = format!("--ssh={}/etc", sshd.at(&sshd.root()));
        let args: Vec<_> = [ssh.as_str()]
            .iter()
            .chain(more)
            .chain(&COUNT)
            .copied()
            .collect();
        let running = Running::start_at(client.home(), client.home(), &args, "");
        let peak = peak_until_the_end(&running, SOON);
        (running.end(), peak)
    };
    let (_, usual) = attempt(&Client::new().with_key(&sshd), &[]);
    for (what, make, said) in rows {
        let client = Client::new().with_key(&sshd);
        make(&client);
        // Where a key is known to be unknown it may be recorded; where nothing is, it may not.
        let accept: &[&str] = match said {
            "is not known" => &[],
            _ => &["--accept-new-host-keys"],
        };
        let (end, peak) = attempt(&client, accept);
        assert_eq!(end.code, Some(8), "{what}: {}", end.stderr);
        assert!(end.stderr.starts_with("Error: "), "{what}: {}", end.stderr);
        assert!(end.stderr.contains(said), "{what}: {}", end.stderr);
        assert_eq!(end.stdout, "");
        // A device does not say how long it is, and is read to the bound.
        let room = if what.contains("device") { 96 } else { 32 } * 1024;
        assert!(peak < usual + room, "{what}: {peak} of {usual} kB");
    }
    assert!(!sshd.was_asked_for_a_login());
}
