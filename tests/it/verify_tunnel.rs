//! `--verify=web` where the web server is on another host's loopback: over that host's ssh
//! connection, and encrypted where it is asked so.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use kickout_tests::{
    Account, Certificate, Client, Guarded, Kickout, Output, Scratch, Site, Space, Sshd, Web, needs,
    until,
};
use serde_json::json;

use crate::ssh::{place, site_of};
use crate::verify::{no_canary, site};
use crate::verify_canary::PROVING;

const HOST: &str = "10.77.1.2";

/// Nothing of the kind listens where kickout runs: who is asked is who is meant.
#[test]
fn a_loopback_address_of_another_host() {
    needs!(WordPress, Sshd, Spaces);
    let (operator, host) = (Space::new(), Space::new());
    operator.link(&host, 1);
    let sshd = Sshd::new().within(&host, HOST).start();
    let client = Client::of(&sshd);
    // As root over ssh the site's own account runs its PHP.
    for (account, rows) in [(sshd.root(), 4), (Account::new("/bin/bash"), 1)] {
        let site = site_of(&account);
        site.add_user("sue", "subscriber");
        let web = Web::within(&site, &host);
        let (url, port) = (web.url(), web.port());
        site.php_with("update_option('siteurl', $args[0]);", &json!([url]));
        let at = place(&sshd, &account, &site);
        let run = |words: &[&str]| {
            let kickout = client.kickout().within(&operator);
            let kickout = kickout.arg(format!("--ssh={at}")).args(PROVING);
            kickout.args(words).run()
        };
        let address = web.address();
        let own: [(&[&str], String); 4] = [
            (&[&format!("--verify-url={url}")], url.clone()),
            (&[&format!("--url={url}")], url.clone()),
            (
                &[&format!("--verify-url=http://localhost:{port}")],
                format!("http://localhost:{port}"),
            ),
            (
                &["--verify-url=http://s1.test", &format!("--head={address}")],
                address.clone(),
            ),
        ];
        for (words, name) in own.into_iter().take(rows) {
            let cookie = site.login("admin", "A", "::1");
            run(words)
                .code(0)
                .stdout("Success: Destroyed all sessions.\n")
                .stderr_has(&format!("Proved on {name} at {HOST}:22: "));
            assert!(!site.cookie_is_valid(&cookie), "{words:?}");
        }
        // Nobody is there; who says so is the host.
        site.login("admin", "A", "::1");
        run(&[&format!("--verify-url=http://[::1]:{port}")])
            .code(5)
            .stderr_has(&format!("no connection to [::1]:{port} at {HOST}:22: "))
            .stderr_has("nothing answers there");
        no_canary(&site);
    }
}

/// A server that passes nothing on: said before anything is destroyed.
#[test]
fn a_host_that_passes_nothing_on() {
    needs!(WordPress, Sshd);
    for line in ["AllowTcpForwarding no", "PermitOpen 127.0.0.1:1"] {
        let sshd = Sshd::new().line(line).start();
        let account = sshd.root();
        let site = site_of(&account);
        let web = Web::of(&site);
        let cookie = site.login("admin", "A", "::1");
        let url = format!("--verify-url={}", web.url());
        let at = place(&sshd, &account, &site);
        let run = Client::of(&sshd).over(at).args(PROVING).arg(url).run();
        run.code(1)
            .stdout("")
            .stderr_has("its ssh server does not pass on: ")
            .stderr_has("Set AllowTcpForwarding local in its sshd_config")
            .stderr_has("--head=<address>");
        assert!(site.cookie_is_valid(&cookie), "{line}");
        assert_eq!(web.requests().len(), 0, "{line}");
        no_canary(&site);
    }
}

/// A server of TLS that answers whoever asks with a page, which is no good sign.
fn encrypted(certificate: &Certificate) -> (Guarded, u16) {
    let (scratch, port) = (Scratch::new("tls-web"), kickout_tests::free_port());
    let mut server = Command::new("openssl");
    let accept = format!("127.0.0.1:{port}");
    server
        .args(["s_server", "-quiet", "-www", "-accept", &accept])
        .args(["-naccept", "64", "-cert"])
        .arg(certificate.certificate())
        .arg("-key")
        .arg(certificate.key())
        .arg("-keylogfile")
        .arg(scratch.join("keys"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let server = Guarded::spawn(server, scratch);
    until("the server listens", Duration::from_secs(30), || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    (server, port)
}

/// Encrypted, by somebody this machine does not trust, and then does; by another; and all of it on
/// the way through another host.
#[test]
fn certificates() {
    needs!(WordPress, Sshd);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let here = site();
    let there = site_of(&sshd.root());
    let over = |site: &Site| client.over(place(&sshd, &sshd.root(), site));
    let ways: [(&Site, &dyn Fn() -> Kickout, String); 2] = [
        (&here, &|| Kickout::at(&here), String::new()),
        (
            &there,
            &|| over(&there),
            format!(" at 127.0.0.1:{}", sshd.port()),
        ),
    ];
    let (own, other) = (["IP:127.0.0.1"], ["DNS:elsewhere.test"]);
    let (own, other) = (Certificate::for_names(&own), Certificate::for_names(&other));
    let servers = [encrypted(&own), encrypted(&other)];
    for (site, kickout, suffix) in ways {
        let run = |port: u16, trusted: &Path| -> Output {
            let url = format!("--verify-url=https://127.0.0.1:{port}");
            let kickout = kickout().args(PROVING).arg(url);
            kickout.env("SSL_CERT_FILE", trusted).run()
        };
        let ports = servers.each_ref().map(|server| server.1);
        let none = site.around().write("none.pem", "");
        run(ports[0], &none)
            .code(5)
            .stderr_has(&format!(
                "the certificate of 127.0.0.1:{}{suffix} is signed",
                ports[0]
            ))
            .stderr_has("by itself, or by an authority that is not trusted here")
            .stderr_has("Set SSL_CERT_FILE");
        run(ports[0], &own.authority()).code(5).stderr_has(&format!(
            "still answered for by https://127.0.0.1:{}{suffix}",
            ports[0]
        ));
        run(ports[1], &other.authority())
            .code(5)
            .stderr_has(&format!(
                "127.0.0.1:{}{suffix} is for other names",
                ports[1]
            ));
    }
}
