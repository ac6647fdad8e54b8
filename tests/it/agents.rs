//! The agents that lie on other hosts and in containers: named, removed, and brought again.

use kickout_tests::{Account, Client, Container, Image, Sshd, WordPress, docker_host, needs};

use crate::docker::{kickout, mounts};
use crate::ssh::{COUNT, DESTROY, place, site_of};

#[test]
fn on_a_group_of_hosts() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let account = Account::new("/bin/dash");
    let site = site_of(&account);
    let at = place(&sshd, &account, &site);
    client.over(&at).args(COUNT).run().success();
    let delivered = account.delivered();
    let [agent] = &delivered[..] else {
        panic!("one agent was expected: {delivered:?}");
    };
    let aliases = format!("@here:\n  path: /\n@one:\n  ssh: {at}\n@two:\n  ssh: {at}/wp-content\n");
    std::fs::write(client.home().join("wp-cli.yml"), aliases).unwrap();
    let all = |word| {
        client
            .kickout()
            .cwd(client.home())
            .args(["@all", "agent", word])
            .run()
            .code(0)
    };
    let line = format!("ssh:{}: {} (", sshd.at(&account), agent.display());
    let shown = all("where");
    // Two sites of one host are one place.
    assert_eq!(shown.stdout.matches(&line).count(), 1, "{}", shown.stdout);
    shown.stdout_has("local: no agent\n");
    assert!(agent.exists());
    all("remove").stdout_has(&format!("Success: Removed from {line}"));
    assert_eq!(account.delivered(), [] as [std::path::PathBuf; 0]);
    all("where").stdout_has(&format!("ssh:{}: no agent\n", sshd.at(&account)));
    client.over(&at).args(COUNT).run().success();
    assert_eq!(account.delivered(), delivered);
}

#[test]
fn in_a_container() {
    needs!(Root, WordPress, Docker);
    let site = WordPress::new().install();
    let mounts = mounts(&site);
    let options: Vec<_> = mounts.iter().map(String::as_str).collect();
    let container = Container::start(Image::Busybox, &options);
    let on = |words: &[&str]| {
        kickout()
            .arg(format!("--ssh=docker:{}", container.name()))
            .args(words)
            .run()
    };
    let path = format!("--path={}", site.root().display());
    on(&[&path, "user", "session", "list", "admin"]).code(0);
    on(&["agent", "where"])
        .code(0)
        .stdout_has("/tmp/.kickout-0/agent-");
    on(&["agent", "remove"])
        .code(0)
        .stdout_has("Success: Removed from ");
    assert!(!container.exec(&["ls", "-A", "/tmp"]).contains(".kickout"));
    on(&["agent", "where"]).code(0).stdout_has("no agent");
}

/// The same engine, asked from another host: the tests' socket is not where engines listen, so the
/// host's own docker command is what leads there.
#[test]
fn a_container_of_another_host() {
    needs!(Root, Sshd, WordPress, Docker);
    let engine = docker_host().unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
    let sshd = Sshd::start();
    sshd.root()
        .write(".bashrc", format!("export DOCKER_HOST={engine}\n"));
    let client = Client::of(&sshd);
    let site = WordPress::new().install();
    let cookies = site.logins(&[("admin", "A", "::1"), ("admin", "B", "::1")]);
    let mounts = mounts(&site);
    let options: Vec<_> = mounts.iter().map(String::as_str).collect();
    let container = Container::start(Image::Busybox, &options);
    let run = |words: &[&str]| {
        client
            .over(format!(
                "docker:{}{}",
                container.name(),
                site.root().display()
            ))
            .arg(format!("--via={}", sshd.at(&sshd.root())))
            .args(words)
            .run()
    };
    run(&COUNT).success().stdout("2\n");
    run(&DESTROY).success();
    assert_eq!(site.valid_cookies(&cookies), [true, false]);
    // Docker's own way to say the same.
    let place = format!("docker:{}{}", container.name(), site.root().display());
    let own = client
        .over(place)
        .env("DOCKER_HOST", format!("ssh://{}", sshd.at(&sshd.root())));
    own.args(COUNT).run().success().stdout("1\n");
    // What leads to no container is an error of usage.
    for words in [&COUNT[..], &["agent", "where"]] {
        let wrong = client.over(sshd.at(&sshd.root()));
        let wrong = wrong.arg("--via=other.example").args(words).run();
        wrong.code(2).stderr_has("--via leads to containers");
    }
}
