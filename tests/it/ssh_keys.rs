//! Who the host is and who we are: nothing is tried at a host that is not known, and a login that
//! is refused says what was tried.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use kickout_tests::{Authority, Client, Output, Sshd, needs};

use crate::ssh::{COUNT, place, site_of};

/// Goes as far as the login: `/etc` holds no WordPress, which only an agent can say.
fn reached(client: &Client, sshd: &Sshd) -> Output {
    ask(client, sshd)
        .code(1)
        .stderr_has("This does not seem to be a WordPress installation.")
}

fn ask(client: &Client, sshd: &Sshd) -> Output {
    ask_with(client, sshd, &[])
}

fn ask_with(client: &Client, sshd: &Sshd, args: &[&str]) -> Output {
    let at = format!("{}/etc", sshd.at(&sshd.root()));
    client.over(at).args(COUNT).args(args).run()
}

/// Refused before anything of ours was shown to the host.
fn refused(client: &Client, sshd: &Sshd, said: &[&str]) {
    let run = ask(client, sshd).code(8).stdout("");
    said.iter().fold(run, |run, said| run.stderr_has(said));
    assert!(!sshd.was_asked_for_a_login(), "{}", sshd.log());
}

#[test]
fn hosts_that_are_not_who_they_should_be() {
    needs!(Sshd);
    let other = Sshd::start();
    type Change = fn(Client, &Sshd, &Sshd) -> Client;
    let rows: [(&str, Change, &[&str]); 7] = [
        (
            "nobody is known",
            |client, _, _| client,
            &[
                "host key",
                "is not known",
                "--accept-new-host-keys",
                "known_hosts",
            ],
        ),
        (
            "only others are known",
            |client, _, other| client.knows(other),
            &["is not known"],
        ),
        (
            "another key is known",
            |client, sshd, other| client.known(&format!("{} {}", sshd.name(), other.key())),
            &["CHANGED", "ssh-keygen -R"],
        ),
        (
            "the key is revoked",
            |client, sshd, _| {
                let line = format!("@revoked * {}", sshd.key());
                client.knows(sshd).known(&line)
            },
            &["REVOKED"],
        ),
        (
            "a directory",
            |client, _, _| {
                std::fs::create_dir(client.file("known_hosts")).unwrap();
                client
            },
            &["known_hosts"],
        ),
        (
            "a FIFO",
            |client, _, _| {
                let made = Command::new("mkfifo")
                    .arg(client.file("known_hosts"))
                    .status();
                assert!(made.unwrap().success());
                client
            },
            &["known_hosts"],
        ),
        (
            "excluded by name",
            |client, sshd, _| {
                let line = format!("*,!127.0.0.1,!{} {}", sshd.name(), sshd.key());
                client.known(&line)
            },
            &["is not known"],
        ),
    ];
    for (what, change, said) in rows {
        let sshd = Sshd::start();
        let client = change(Client::new().with_key(&sshd), &sshd, &other);
        println!("{what}");
        refused(&client, &sshd, said);
    }
    let sshd = Sshd::start();
    refused(
        &Client::new().with_key(&sshd),
        &sshd,
        &[&sshd.fingerprint()],
    );
}

/// A strict word in the configuration is kept, a loose one is not.
#[test]
fn configurations_that_look_away() {
    needs!(Sshd);
    for word in ["no", "off", "ask", "yes"] {
        let sshd = Sshd::start();
        let client = Client::new().with_key(&sshd);
        let config = format!("Host *\n  StrictHostKeyChecking {word}\n");
        refused(&client.config(&config), &sshd, &["is not known"]);
    }
}

#[test]
fn hosts_that_are_known() {
    needs!(Sshd);
    type Change = fn(Client, &Sshd) -> Client;
    let rows: [(&str, Change); 7] = [
        ("by name", |client, sshd| client.knows(sshd)),
        // As OpenSSH: a key without a port is good for every port, when that port has none.
        ("without the port", |client, sshd| {
            client.known(&format!("127.0.0.1 {}", sshd.key()))
        }),
        ("hashed", |client, sshd| client.knows(sshd).hashed()),
        ("by a pattern", |client, sshd| {
            let line = format!("[127.0.0.*]:{} {}", sshd.port(), sshd.key());
            client.known(&line)
        }),
        ("among much else", |client, sshd| {
            let client = client.known("# a comment\n\nnonsense\nother ssh-rsa AAAA");
            client.knows(sshd)
        }),
        ("in another file", |client, sshd| {
            let file = client.file("elsewhere");
            std::fs::write(&file, format!("{} {}\n", sshd.name(), sshd.key())).unwrap();
            client.config(&format!("UserKnownHostsFile {}", file.display()))
        }),
        ("by another name", |client, sshd| {
            let client = client.known(&format!("web.example.com {}", sshd.key()));
            client.config("HostKeyAlias web.example.com")
        }),
    ];
    for (what, change) in rows {
        let sshd = Sshd::start();
        println!("{what}");
        reached(&change(Client::new().with_key(&sshd), &sshd), &sshd);
    }
}

#[test]
fn host_certificates() {
    needs!(Sshd);
    let good = || Authority::for_names("127.0.0.1");
    let rows = [
        ("good", good(), true),
        (
            "of another host",
            Authority::for_names("other.example.com"),
            false,
        ),
        ("expired", good().valid("20200101:20200102"), false),
        ("not yet", good().valid("20990101:20990102"), false),
    ];
    for (what, authority, ok) in rows {
        let line = format!("@cert-authority * {}", authority.key());
        let sshd = Sshd::new().certified(authority).start();
        let client = Client::new().with_key(&sshd).known(&line);
        println!("{what}");
        if ok {
            reached(&client, &sshd);
        } else {
            refused(&client, &sshd, &[]);
        }
    }
    // Of an authority that nobody knows, and of one that is revoked.
    let stranger = good();
    let sshd = Sshd::new().certified(stranger).start();
    let line = format!("@cert-authority * {}", good().key());
    refused(&Client::new().with_key(&sshd).known(&line), &sshd, &[]);
    let authority = good();
    let line = format!("@cert-authority * {0}\n@revoked * {0}", authority.key());
    let sshd = Sshd::new().certified(authority).start();
    refused(
        &Client::new().with_key(&sshd).known(&line),
        &sshd,
        &["REVOKED"],
    );
}

#[test]
fn first_contacts_are_recorded_when_asked_for() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let client = Client::new().with_key(&sshd);
    ask_with(&client, &sshd, &["--accept-new-host-keys"]).code(1);
    let known = client.known_hosts();
    assert!(known.contains(&sshd.key()), "{known}");
    let mode = std::fs::metadata(client.file("known_hosts")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    reached(&client, &sshd);
    assert_eq!(client.known_hosts(), known);

    // Many at once for the first time: each line whole, and there once.
    let client = Client::new().with_key(&sshd);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| ask_with(&client, &sshd, &["--accept-new-host-keys"]).code(1));
        }
    });
    let known = client.known_hosts();
    assert_eq!(known.matches(&sshd.key()).count(), 1, "{known}");
    assert_eq!(known.lines().filter(|line| !line.is_empty()).count(), 1);

    // A changed key is no first contact.
    let port = sshd.port();
    drop(sshd);
    let sshd = Sshd::new().port(port).start();
    let client = client.with_key(&sshd);
    let run = ask_with(&client, &sshd, &["--accept-new-host-keys"]);
    run.code(8).stderr_has("CHANGED");
    assert!(!sshd.was_asked_for_a_login());
    assert_eq!(client.known_hosts(), known);
}

/// Nobody can be asked here, and nothing waits for an answer.
#[test]
fn logins_that_are_refused() {
    needs!(Sshd);
    type Change = fn(&Sshd) -> Client;
    let passphrase = |sshd: &Sshd| {
        let client = Client::of(sshd);
        let file = client.file("id_ed25519");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-p", "-P", "", "-N", "t0psecret", "-f"])
            .arg(file)
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        client
    };
    let rows: [(&str, &str, Change, &[&str]); 5] = [
        (
            "no key",
            "PasswordAuthentication no",
            |sshd| Client::new().knows(sshd),
            &["refused the login of root", "ssh-copy-id"],
        ),
        (
            "passwords only",
            "PubkeyAuthentication no\nPasswordAuthentication yes",
            Client::of,
            &["refused the login of root", "password"],
        ),
        (
            "another key",
            "PasswordAuthentication no",
            |sshd| {
                let other = Sshd::start();
                Client::new().with_key(&other).knows(sshd)
            },
            &["refused the login of root", "id_ed25519"],
        ),
        (
            "a locked key",
            "PasswordAuthentication no",
            passphrase,
            &["ssh-add"],
        ),
        (
            "a banner that says why",
            "PubkeyAuthentication no\nBanner /etc/hostname",
            Client::of,
            &["refused the login of root"],
        ),
    ];
    for (what, lines, client, said) in rows {
        let sshd = Sshd::new().line(lines).start();
        let run = ask(&client(&sshd), &sshd).code(4).stdout("");
        println!("{what}");
        said.iter().fold(run, |run, said| run.stderr_has(said));
    }
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let run = client.over(format!("nobody-here@127.0.0.1:{}/etc", sshd.port()));
    run.args(COUNT).run().code(4).stderr_has("nobody-here");
    // A dead ssh agent is no reason to leave out the key files.
    let run = client
        .over(format!("{}/etc", sshd.at(&sshd.root())))
        .args(COUNT);
    run.env("SSH_AUTH_SOCK", client.file("no-socket"))
        .run()
        .code(1);
    // Nor are open permissions passed over.
    std::fs::set_permissions(client.file("id_ed25519"), Permissions::from_mode(0o644)).unwrap();
    let run = ask(&client, &sshd);
    let told = run.code == Some(1) || run.stderr.contains("id_ed25519");
    run.check(told, "a login, or a word about the key's permissions");
}

/// Keys held by an ssh agent are used, and a passphrase is asked for on a terminal.
#[test]
fn keys_of_an_ssh_agent_and_on_a_terminal() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let account = sshd.root();
    let site = site_of(&account);
    site.login("admin", "A", "::1");
    let client = Client::of(&sshd);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", "t0psecret", "-f"])
        .arg(client.file("id_ed25519"))
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let at = place(&sshd, &account, &site);
    let mut tty = client.over(&at).args(COUNT).tty(120);
    tty.expect("id_ed25519").send_unseen("wrong\n");
    tty.expect("id_ed25519").send_unseen("t0psecret\n");
    let run = tty.finish().code(0).never_says("t0psecret");
    run.stdout_has("1\r\n");

    // `ssh-agent` runs the command and ends with it.
    let key = sshd.operator_key();
    let script = format!(
        "ssh-add -q {} && exec {} --ssh={at} {}",
        key.display(),
        kickout_tests::Binaries::dev().kickout.display(),
        COUNT.join(" ")
    );
    let keyless = Client::new().knows(&sshd);
    let run = kickout_tests::Kickout::program(std::path::Path::new("/usr/bin/ssh-agent"))
        .env("HOME", keyless.home())
        .args(["sh", "-c", &script]);
    run.run().success().stdout("1\n");
}
