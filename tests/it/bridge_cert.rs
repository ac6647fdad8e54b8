//! Certificates that the bridge makes for a start, judged by OpenSSL and curl.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use kickout_tests::{Binaries, Bridge, Kickout, Scratch, needs, operation, quoted};
use serde_json::json;

fn cert(folder: &Path, words: &[&str]) -> (bool, String) {
    let mut command = Command::new(&Binaries::dev().bridge);
    let output = command
        .arg("cert")
        .args(words)
        .arg("--to")
        .arg(folder)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn shell(folder: &Path, script: &str) -> (bool, String) {
    let there = format!("cd {} && {script}", quoted(folder.to_str().unwrap()));
    let output = Command::new("sh").args(["-c", &there]).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn made_once_for_nobody_else() {
    let folder = Scratch::new("cert");
    let (made, said) = cert(
        folder.path(),
        &["server", "bridge.test", "192.0.2.1", "::1"],
    );
    assert!(made && said.contains("ca.key"), "{said}");
    let (made, client) = cert(folder.path(), &["client", "anna"]);
    assert!(made && !client.contains("ca.key"), "{client}");
    let all = || {
        let entries = fs::read_dir(folder.path()).unwrap().flatten();
        let mut all: Vec<_> = entries
            .map(|entry| {
                let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
                (entry.file_name(), mode, fs::read(entry.path()).unwrap())
            })
            .collect();
        all.sort();
        all
    };
    let before = all();
    let names: Vec<_> = before
        .iter()
        .map(|(name, ..)| name.to_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["anna.pem", "ca.key", "ca.pem", "server.key", "server.pem"]
    );
    assert!(
        before.iter().all(|(_, mode, _)| *mode == 0o600),
        "{before:?}"
    );
    for (words, why) in [
        (
            &["server", "bridge.test"][..],
            "server.pem is there already",
        ),
        (&["client", "anna"], "anna.pem is there already"),
        (&["client", "ca"], "ca.pem is there already"),
        (&["client", "../anna"], "the name of a file"),
        (&["client", ".anna"], "the name of a file"),
        (&["client", ""], "the name of a file"),
        (&["server", "-x"], "unexpected argument"),
        (&["server"], "required arguments"),
    ] {
        let (made, said) = cert(folder.path(), words);
        assert!(!made && said.contains(why), "{words:?}: {said}");
        assert_eq!(all(), before, "{words:?}");
    }
    let elsewhere = Scratch::new("cert");
    for name in ["https://bridge.test", "a b", "*.test", "", "a..b"] {
        let (made, said) = cert(elsewhere.path(), &["server", name]);
        assert!(!made && said.contains("neither the name"), "{name}: {said}");
    }
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    let (made, said) = cert(Path::new("/nowhere"), &["server", "bridge.test"]);
    assert!(!made && said.contains("/nowhere/ca.key"), "{said}");

    // An authority that is another's, a key that others read, half of it.
    fs::copy(folder.join("ca.key"), elsewhere.join("ca.key")).unwrap();
    let (made, said) = cert(elsewhere.path(), &["server", "bridge.test"]);
    assert!(!made && said.contains("do not belong together"), "{said}");
    let (made, said) = shell(
        elsewhere.path(),
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
        -nodes -subj /CN=other -out ca.pem -keyout other.key",
    );
    assert!(made, "{said}");
    let (made, said) = cert(elsewhere.path(), &["server", "bridge.test"]);
    assert!(!made && said.contains("do not belong together"), "{said}");
    assert!(!elsewhere.join("server.key").exists());
    fs::set_permissions(elsewhere.join("ca.key"), fs::Permissions::from_mode(0o640)).unwrap();
    let (made, said) = cert(elsewhere.path(), &["client", "anna"]);
    assert!(!made && said.contains("is not private"), "{said}");
}

#[test]
fn as_openssl_sees_it() {
    let folder = Scratch::new("cert");
    let (_, said) = cert(
        folder.path(),
        &["server", "bridge.test", "192.0.2.1", "::1"],
    );
    let (_, client) = cert(folder.path(), &["client", "anna"]);
    let says = |script: &str, expected: &str| {
        let (worked, said) = shell(folder.path(), script);
        assert!(worked && said.contains(expected), "{script}: {said}");
    };
    let verify = "openssl verify -x509_strict -CAfile ca.pem";
    says(
        &format!("{verify} -purpose sslserver -verify_hostname bridge.test server.pem"),
        "OK",
    );
    says(
        &format!("{verify} -purpose sslserver -verify_ip 192.0.2.1 server.pem"),
        "OK",
    );
    says(
        &format!("{verify} -purpose sslserver -verify_ip ::1 server.pem"),
        "OK",
    );
    says(&format!("{verify} -purpose sslclient anna.pem"), "OK");
    for wrong in [
        "-purpose sslserver -verify_hostname other.test server.pem",
        "-purpose sslclient server.pem",
        "-purpose sslserver anna.pem",
    ] {
        assert!(
            !shell(folder.path(), &format!("{verify} {wrong}")).0,
            "{wrong}"
        );
    }
    // Nobody signs with what was signed, and each has its end.
    says(
        "openssl x509 -in server.pem -noout -ext basicConstraints",
        "CA:FALSE",
    );
    says(
        "openssl x509 -in ca.pem -noout -ext basicConstraints,keyUsage",
        "CA:TRUE, pathlen:0",
    );
    for (file, days) in [("server.pem", 365), ("anna.pem", 365), ("ca.pem", 5 * 365)] {
        let ends = |days: u32| {
            shell(
                folder.path(),
                &format!("openssl x509 -in {file} -noout -checkend {}", days * 86_400),
            )
            .0
        };
        assert!(ends(days - 1) && !ends(days + 1), "{file}");
    }
    // What is to be put elsewhere.
    let pin = "printf 'sha256:' && openssl x509 -in server.pem -pubkey -noout | openssl pkey -pubin -outform der | \
               openssl dgst -sha256 -binary | base64";
    let (_, pin) = shell(folder.path(), pin);
    assert!(
        said.contains(&format!("--http-pin={}", pin.trim())),
        "{said}\n{pin}"
    );
    let (_, hash) = shell(
        folder.path(),
        "openssl x509 -in anna.pem -outform der | sha256sum",
    );
    assert!(
        client.contains(&format!("--certificate={}", &hash[..64])),
        "{client}\n{hash}"
    );
}

/// A bridge that has them, met by curl and by OpenSSL.
#[test]
fn a_bridge_that_has_them() {
    needs!(Root);
    let (bridge, folder) = Bridge::of_no_site_over_tls();
    let folder = folder.path();
    let said = fs::read_to_string(folder.join("said")).unwrap();
    let after = |word: &str| {
        said.split(word)
            .nth(1)
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap()
    };
    let (pin, hash) = (after("--http-pin=sha256:"), after("--certificate="));
    let bound = format!("--certificate={hash}");
    let token = bridge.token(&["--scope=site.inspect", "--site=shop", &bound]);
    let head = folder.join("token");
    fs::write(&head, format!("Authorization: Bearer {token}\n")).unwrap();
    let run = json!({"type": "run", "id": 1, "site": {}, "request": "doctor"});
    let body = folder.join("body");
    fs::write(&body, format!("{}\n{run}\n", operation("tls", None))).unwrap();
    let curl = |options: &str| {
        let script = format!(
            "cd {} && curl -sS -o answer -w '%{{http_code}}' -H @token -H 'Content-Type: application/json' \
             --data-binary @body {options} https://{}/v1/run",
            quoted(folder.to_str().unwrap()),
            bridge.address()
        );
        let ran = Kickout::program(Path::new("/bin/sh"))
            .args(["-c", &script])
            .run();
        (ran.code, ran.stdout)
    };
    let other = "h".repeat(43) + "=";
    // With the exit codes of curl: 60 is an unknown authority, 90 another key.
    for (options, code, status) in [
        ("--cacert ca.pem --cert anna.pem", 0, "200"),
        ("--cacert ca.pem", 0, "401"),
        (
            &format!("--cacert ca.pem --cert anna.pem --pinnedpubkey sha256//{pin}"),
            0,
            "200",
        ),
        (
            &format!("-k --cert anna.pem --pinnedpubkey sha256//{pin}"),
            0,
            "200",
        ),
        (&format!("-k --pinnedpubkey sha256//{other}"), 90, "000"),
        ("", 60, "000"),
        // One for servers is none for clients.
        (
            "--cacert ca.pem --cert server.pem --key server.key",
            56,
            "000",
        ),
    ] {
        assert_eq!(curl(options), (Some(code), status.to_owned()), "{options}");
    }
    let client = |options: &str| {
        let script = format!(
            "openssl s_client -connect {} -CAfile ca.pem {options} </dev/null",
            bridge.address()
        );
        shell(folder, &script)
    };
    let (_, shown) = client("-verify_return_error -verify_ip 127.0.0.1 -cert anna.pem");
    assert!(shown.contains("Verify return code: 0 (ok)"), "{shown}");
    assert!(shown.contains("TLSv1.3"), "{shown}");
    // No HTTP/2, and nothing without one of ours.
    let (_, shown) = client("-alpn http/1.1,h2");
    assert!(shown.contains("ALPN protocol: http/1.1"), "{shown}");
    let (spoken, shown) = client("-alpn h2");
    assert!(
        !spoken && shown.contains("no application protocol"),
        "{shown}"
    );
}
