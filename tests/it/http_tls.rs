//! `--http` over TLS: who the bridge is, who we are, and a group of its sites.

use std::process::Command;

use kickout_tests::{Bridge, Certificate, Kickout, Scratch, Site, WordPress, needs, quoted};

use crate::bridge::site;

fn sh(script: &str) -> String {
    let output = Command::new("sh").args(["-c", script]).output().unwrap();
    assert!(output.status.success(), "{script}");
    String::from_utf8(output.stdout).unwrap()
}

/// The hash of a certificate's public key, as an operator makes it.
fn pin(certificate: &Certificate) -> String {
    let file = quoted(certificate.certificate().to_str().unwrap());
    let script = format!(
        "openssl x509 -in {file} -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst \
         -sha256 -binary | openssl base64"
    );
    format!("sha256:{}", sh(&script).trim())
}

/// By its authority, or by its key; a stranger gets no token, and ends with exit code 8.
#[test]
fn who_the_bridge_is() {
    needs!(WordPress, Root);
    let site = site();
    let names = ["IP:127.0.0.1", "DNS:localhost"];
    let (own, other) = (
        Certificate::for_names(&names),
        Certificate::for_names(&names),
    );
    let elsewhere = Certificate::for_names(&["DNS:elsewhere.test"]);
    let bridge = Bridge::over_tls(&[("shop", &site)], &own, &other);
    let token = bridge.token(&["--scope=sessions.list", "--site=shop"]);
    let astray = Bridge::over_tls(&[("shop", &site)], &elsewhere, &other);
    let list = |bridge: &Bridge, options: &[String]| {
        Kickout::new()
            .env("KICKOUT_TOKEN", &token)
            // What the environment says of proxies is not ours.
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .env("https_proxy", "http://127.0.0.1:1")
            .arg(format!("--http=https://{}", bridge.address()))
            .args(options)
            .args(["user", "session", "list", "admin", "--format=count"])
            .run()
            .never_says(&token)
    };
    let ca = |it: &Certificate| format!("--http-ca={}", it.authority().display());
    let pinned = |it: &Certificate| format!("--http-pin={}", pin(it));
    for options in [
        vec![ca(&own)],
        vec![pinned(&own)],
        vec![pinned(&other), pinned(&own)],
    ] {
        list(&bridge, &options).success().stdout("0\n");
    }
    for (bridge, options, code, said) in [
        (
            &bridge,
            vec![],
            8,
            "by an authority that is not trusted here",
        ),
        (
            &bridge,
            vec![ca(&other)],
            8,
            "is signed by another authority",
        ),
        (
            &bridge,
            vec![pinned(&other)],
            8,
            "which no --http-pin names",
        ),
        // A pin is needed once it is named, whatever the authority says.
        (
            &bridge,
            vec![ca(&own), pinned(&other)],
            8,
            "which no --http-pin names",
        ),
        (&astray, vec![ca(&elsewhere)], 8, "is for other names"),
        (
            &bridge,
            vec!["--http-pin=sha256:AAAA".to_owned()],
            2,
            "Invalid pin",
        ),
        (
            &bridge,
            vec!["--http-ca=/nowhere".to_owned()],
            2,
            "cannot use /nowhere",
        ),
        (
            &bridge,
            vec!["--http-ca=/etc/passwd".to_owned()],
            2,
            "holds no certificate",
        ),
        (
            &bridge,
            vec!["--http-proxy=h".to_owned()],
            2,
            "leads elsewhere",
        ),
    ] {
        list(bridge, &options)
            .code(code)
            .stdout("")
            .stderr_has(said);
    }
    // The hash that was found is said, so that it can be compared with the host's.
    let seen = list(&bridge, &[pinned(&other)]);
    assert!(seen.stderr.contains(&pin(&own)), "{}", seen.stderr);
}

/// A token that is bound to a certificate counts with that one alone.
#[test]
fn who_we_are() {
    needs!(WordPress, Root);
    let site = site();
    let own = Certificate::for_names(&["IP:127.0.0.1"]);
    let (client, stranger) = (
        Certificate::for_names(&["DNS:a"]),
        Certificate::for_names(&["DNS:b"]),
    );
    let bridge = Bridge::over_tls(&[("shop", &site)], &own, &client);
    let file = quoted(client.certificate().to_str().unwrap());
    let print = format!("openssl x509 -in {file} -outform der | sha256sum | cut -c1-64");
    let bound = format!("--certificate={}", sh(&print).trim());
    let token = bridge.token(&["--scope=sessions.list", "--site=shop", &bound]);
    let list = |more: &[String]| {
        Kickout::new()
            .env("KICKOUT_TOKEN", &token)
            .arg(format!("--http=https://{}", bridge.address()))
            .arg(format!("--http-ca={}", own.authority().display()))
            .args(more)
            .args(["user", "session", "list", "admin", "--format=count"])
            .run()
    };
    let scratch = Scratch::new("certificates");
    let with = |name: &str, it: &Certificate, mode: &str| {
        let read = |path| std::fs::read_to_string(path).unwrap();
        let both = read(it.certificate()) + &read(it.key());
        let path = scratch.write(name, both);
        assert!(
            Command::new("chmod")
                .arg(mode)
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        format!("--http-cert={}", path.display())
    };
    list(&[with("own", &client, "600")]).success().stdout("0\n");
    list(&[]).code(4).stderr_has("no valid token");
    list(&[with("other", &stranger, "600")]).code(4);
    list(&[with("open", &client, "644")])
        .code(2)
        .stderr_has("can be read by others");
    // One whose certificate is enough needs no secret, and nobody else gets in by it.
    let said = bridge.token(&[
        "--scope=sessions.list",
        "--site=shop",
        &bound,
        "--no-secret",
    ]);
    assert!(!said.contains("kob_"), "{said}");
    list(&[with("own", &client, "600")]).success();
    let bare = |file: &str| {
        Kickout::new()
            .arg(format!("--http=https://{}", bridge.address()))
            .arg(format!("--http-ca={}", own.authority().display()))
            .arg(file)
            .args(["user", "session", "list", "admin", "--format=count"])
            .run()
    };
    bare(&with("own", &client, "600")).success().stdout("0\n");
    bare(&with("other", &stranger, "600"))
        .code(4)
        .stderr_has("no TLS with")
        .stderr_has("--http-cert");
    bare("--quiet").code(2).stderr_has("there is no token");
    let alone = format!("--http-cert={}", client.certificate().display());
    list(&[alone]).code(2);
}

/// Sites of one bridge in a group: each is itself, and one question at a time may be too many.
#[test]
fn a_group_of_a_bridge_s_sites() {
    needs!(WordPress, Root);
    let sites: Vec<Site> = (0..3).map(|_| WordPress::new().install()).collect();
    let names = ["one", "two", "three"];
    let named: Vec<(&str, &Site)> = names.into_iter().zip(&sites).collect();
    let bridge = Bridge::of(&named);
    let mut options = vec!["--scope=sessions.destroy.user".to_owned()];
    options.extend(names.map(|name| format!("--site={name}")));
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let token = bridge.token(&options);
    let address = bridge.address();
    // More sites than a token may ask for at once.
    let mut config = String::new();
    let mut group = Vec::new();
    for (index, name) in names.iter().cycle().take(24).enumerate() {
        config += &format!(
            "@s{index}:\n  http: http://{address}\n  path: {name}\n  url: http://{name}.test/{index}\n"
        );
        group.push(format!("@s{index}"));
    }
    config += &format!("@all-of-it: [{}]\n", group.join(", "));
    let cookies: Vec<_> = sites
        .iter()
        .map(|site| site.login("admin", "A", "::1"))
        .collect();
    let output = Kickout::new()
        .env("KICKOUT_TOKEN", &token)
        .home_file(".wp-cli/config.yml", &config)
        .args(["@all-of-it", "user", "session", "destroy", "admin", "--all"])
        .run()
        .code(0);
    assert_eq!(
        output
            .stdout
            .matches("Success: Destroyed all sessions.")
            .count(),
        24
    );
    for (site, cookie) in sites.iter().zip(&cookies) {
        assert!(!site.cookie_is_valid(cookie));
    }
    // A token is for one bridge.
    Kickout::new()
        .env("KICKOUT_TOKEN", &token)
        .home_file(
            ".wp-cli/config.yml",
            &format!(
                "@a:\n  http: http://{address}\n@b:\n  http: https://b.test\n@both: [@a, @b]\n"
            ),
        )
        .args(["@both", "user", "session", "destroy", "admin", "--all"])
        .run()
        .code(2)
        .stderr_has("KICKOUT_TOKEN is for one bridge, and 2 are addressed");
}
