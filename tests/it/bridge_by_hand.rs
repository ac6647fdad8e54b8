//! A bridge installed where no systemd runs: in a container, and started by hand.

use std::time::Duration;

use kickout_tests::{Binaries, Container, Image, Kickout, docker_host, needs, until};

use crate::bridge_install::token;

/// A container: no systemd, no tool that makes accounts, and a bridge that somebody started by hand.
#[test]
fn without_systemd() {
    needs!(Root, Docker);
    let container = Container::start(Image::Debian, &[]);
    let built = Binaries::dev();
    let bridge = |words: &str| {
        let run = Kickout::new()
            .env("DOCKER_HOST", docker_host().unwrap_or_default())
            .args([&format!("--ssh=docker:{}", container.name()), "bridge"])
            .args(words.split(' '))
            .arg(format!("--bridge={}", built.bridge.display()))
            .arg(format!("--agent={}", built.agent.display()));
        run.deadline(Duration::from_secs(180)).run()
    };
    let inside = |line: &str| container.docker_exec_as("root", line);
    inside("mkdir -p /srv/shop && chown www-data /srv/shop");
    let install = "install --site=/srv/shop --url=http://shop.test";
    let refused = bridge(install).code(1);
    refused
        .stderr_has("cannot make the account kickout-bridge")
        .stderr_has("useradd --system");
    inside("echo kickout-bridge:x:990:990::/:/bin/false >>/etc/passwd");
    let said = bridge(install).code(0);
    assert!(token(&said).is_some(), "{}", said.stdout);
    said.stderr_has("No systemd runs here. Start it with: /usr/lib/kickout/kickout-bridge serve");
    let status = bridge("status").code(1);
    status.stdout_has("FAIL  service        it does not run, and no systemd does");

    inside("/usr/lib/kickout/kickout-bridge serve >/dev/null 2>&1 & echo $! >/run/pid");
    until("the bridge runs", Duration::from_secs(30), || {
        let said = bridge("status").stdout;
        said.contains("it runs without systemd").then_some(())
    });
    let status = bridge("status").success();
    status.stdout_has("it runs without systemd (process ");
    // The program is not taken from under it.
    let refused = bridge("remove --purge --yes").code(1);
    refused
        .stderr_has("the bridge runs, and no systemd that would stop it")
        .stderr_has("kill ");
    bridge("status").success();
    inside("kill $(cat /run/pid)");
    until("it has ended", Duration::from_secs(30), || {
        let running = inside("ls -l /proc/[0-9]*/exe 2>/dev/null || true");
        (!running.contains("/usr/lib/kickout")).then_some(())
    });
    let said = bridge("remove --purge --yes").code(0);
    said.stderr_has("The account kickout-bridge stays");
    let left = "ls -d /etc/kickout /usr/lib/kickout /var/lib/kickout-bridge 2>/dev/null || true";
    assert_eq!(inside(left), "");
}
