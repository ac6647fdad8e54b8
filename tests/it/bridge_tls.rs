//! The bridge over TLS: who it is, also when that changes, whom it hears, and what it does not speak.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use kickout_tests::{Bridge, Certificate, Scratch, Site, Start, needs, operation, until};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::bridge::{EVERYBODY, destroy, list, site};
use crate::bridge_processes::{ALL, halting};
use crate::connect::waiting;
use crate::held::Held;
use crate::stored::all_rows;

/// A bridge with a certificate of its own, and the files in which it has it.
struct Tls {
    bridge: Bridge,
    own: Certificate,
    files: Scratch,
}

impl Tls {
    /// With these further lines of `[tls]`.
    fn of(site: &Site, settings: &str) -> Self {
        let (own, files) = (certificate(), Scratch::new("keys"));
        show(&own, &files);
        let path = |name: &str| files.join(name).display().to_string();
        let settings = format!(
            "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n{settings}",
            path("pem"),
            path("key")
        );
        let bridge = Bridge::with(&[("shop", site)], &settings, Start::default());
        Self { bridge, own, files }
    }

    /// `curl` with these words, that trusts whom the bridge is.
    fn curl(&self, words: &[&str], path: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--no-buffer", "--max-time", "60", "--cacert"])
            .arg(self.own.authority())
            .args(words)
            .arg(format!("https://{}{path}", self.bridge.address()));
        curl
    }

    /// A client that shows this certificate asks how it is.
    fn health(&self, client: Option<&[PathBuf; 2]>) -> Output {
        let words = shown(client);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.curl(&words, "/v1/health").output().unwrap()
    }

    /// A run, asked for by a client that shows this certificate.
    fn asks(
        &self,
        client: Option<&[PathBuf; 2]>,
        token: &str,
        name: &Value,
        what: &Value,
    ) -> Child {
        let run = json!({"type": "run", "id": 1, "site": {}, "request": what});
        let scratch = &self.files;
        let head = scratch.write("head", format!("Authorization: Bearer {token}\n"));
        let body = scratch.write("body", format!("{name}\n{run}\n"));
        let [head, body] = [head, body].map(|it| format!("@{}", it.display()));
        let kind = "Content-Type: application/json";
        let mut words = shown(client);
        words.extend(["-H", &head, "-H", kind, "--data-binary", &body].map(str::to_owned));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut curl = self.curl(&words, "/v1/run");
        curl.stdout(Stdio::piped()).spawn().unwrap()
    }

    /// What OpenSSL's client says of a connection.
    fn client(&self, words: &[&str]) -> (bool, String) {
        let output = Command::new("openssl")
            .args(["s_client", "-connect", &self.bridge.address(), "-CAfile"])
            .arg(self.own.authority())
            .args(words)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        (output.status.success(), text)
    }

    /// What the next connection is shown.
    fn certificate(&self) -> String {
        let (_, said) = self.client(&[]);
        pem(&said)
    }
}

fn certificate() -> Certificate {
    Certificate::for_names(&["IP:127.0.0.1"])
}

/// Puts a certificate and its key where a bridge looks for them.
fn show(own: &Certificate, files: &Scratch) {
    copy(own.certificate(), &files.join("pem"));
    copy(own.key(), &files.join("key"));
}

fn copy(from: PathBuf, to: &Path) {
    fs::copy(from, to).unwrap();
}

fn shown(client: Option<&[PathBuf; 2]>) -> Vec<String> {
    let words = client.map(|[certificate, key]| {
        let [certificate, key] = [certificate, key].map(|it| it.display().to_string());
        ["--cert".to_owned(), certificate, "--key".to_owned(), key]
    });
    words.into_iter().flatten().collect()
}

/// The first certificate in a text.
fn pem(text: &str) -> String {
    let start = text.find("-----BEGIN").unwrap_or_else(|| panic!("{text}"));
    let end = text.find("-----END").unwrap();
    text[start..end].to_owned()
}

/// SHA-256 of a certificate, as a token names it.
fn fingerprint(certificate: &Path) -> String {
    let script = "openssl x509 -in \"$0\" -outform DER | sha256sum";
    let mut shell = Command::new("sh");
    let output = shell
        .args(["-c", script])
        .arg(certificate)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout)[..64].to_owned()
}

fn text(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_it_does_not_speak() {
    needs!(WordPress, Root);
    let site = site();
    let tls = Tls::of(&site, "");
    assert!(tls.health(None).status.success());
    let weak = "ALL:@SECLEVEL=0";
    for (words, speaks) in [
        (&["-tls1_3"][..], true),
        (&["-tls1_2"], true),
        (&["-tls1_1", "-cipher", weak], false),
        (&["-tls1", "-cipher", weak], false),
        (&["-tls1_2", "-cipher", "kRSA"], false),
        (&["-tls1_2", "-cipher", "ECDHE+AES:!AESGCM:!AESCCM"], false),
        (&["-tls1_2", "-cipher", "eNULL:aNULL:@SECLEVEL=0"], false),
        (&["-alpn", "http/1.1"], true),
        (&["-alpn", "h2"], false),
    ] {
        let (success, said) = tls.client(words);
        assert_eq!(success, speaks, "{words:?}\n{said}");
        let shown = said.contains("-----BEGIN CERTIFICATE");
        assert_eq!(shown, speaks, "{words:?}\n{said}");
    }
    let (_, said) = tls.client(&["-alpn", "h2,http/1.1"]);
    assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
    // Nobody who asks without TLS is told anything.
    let plain = tls
        .bridge
        .sends(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(plain.status, 0, "{plain:?}");
}

#[test]
fn whom_it_hears() {
    needs!(WordPress, Root);
    let site = site();
    let authority = certificate();
    let stranger = certificate().client("good", 2);
    let [good, other] = ["good", "other"].map(|name| authority.client(name, 2));
    let expired = authority.client("expired", -1);
    let settings = format!(
        "client_authorities = \"{}\"\n",
        authority.authority().display()
    );
    for required in [true, false] {
        let more = format!("{settings}client_required = {required}\n");
        let tls = Tls::of(&site, &more);
        for (client, heard) in [
            (Some(&good), true),
            (None, !required),
            (Some(&stranger), false),
            (Some(&expired), false),
        ] {
            let output = tls.health(client);
            assert_eq!(output.status.success(), heard, "{client:?}: {output:?}");
            assert_eq!(output.stdout.is_empty(), !heard, "{client:?}: {output:?}");
        }
        // A token that counts with one certificate alone.
        let bound = format!("--certificate={}", fingerprint(&good[0]));
        let token = tls.bridge.token(&[&ALL[..], &[&bound]].concat());
        let list = list(&["admin"]);
        for (number, (client, counts)) in
            [(Some(&good), true), (Some(&other), false), (None, false)]
                .into_iter()
                .enumerate()
        {
            let name = operation(&format!("look-{number}"), None);
            let said = text(tls.asks(client, &token, &name, &list));
            assert_eq!(said.contains("\"answered\""), counts, "{client:?}: {said}");
            let heard = client.is_some() || !required;
            assert_eq!(said.contains("no valid token"), heard && !counts, "{said}");
        }
        let audit = fs::read_to_string(tls.bridge.state().join("audit.jsonl")).unwrap();
        let intent = audit
            .lines()
            .find(|line| line.contains("\"intent\""))
            .unwrap();
        assert!(intent.contains(&fingerprint(&good[0])), "{intent}");
    }
}

/// A new certificate counts for the next connection; what runs is not dropped; a broken one is none.
#[test]
fn a_new_certificate() {
    needs!(WordPress, Root);
    let (site, mut held): (Site, Held) = halting();
    let tls = Tls::of(&site, "");
    let token = tls.bridge.token(&ALL);
    let first = pem(&fs::read_to_string(tls.files.join("pem")).unwrap());
    assert_eq!(tls.certificate(), first);
    let all = destroy(EVERYBODY(), false);
    let running = tls.asks(None, &token, &operation("all-1", None), &all);
    waiting(&site);

    let second = certificate();
    show(&second, &tls.files);
    tls.bridge.signal(Signal::HUP);
    let new = pem(&fs::read_to_string(second.certificate()).unwrap());
    until("it shows the new one", Duration::from_secs(30), || {
        (tls.certificate() == new).then_some(())
    });
    assert_eq!(tls.bridge.log(), "");

    // Nonsense, a key of another one, and a key that others may read.
    let third = certificate();
    let (certificate, key) = (tls.files.join("pem"), tls.files.join("key"));
    type Breaks<'a> = (&'a dyn Fn(), &'a str);
    let breaks: [Breaks<'_>; 4] = [
        (
            &|| fs::write(&certificate, "nonsense").unwrap(),
            "certificate",
        ),
        (&|| copy(third.certificate(), &certificate), "certificate"),
        (&|| fs::remove_file(&key).unwrap(), "cannot read"),
        (&|| copy(third.authority(), &key), "is not private"),
    ];
    for (number, (breaks, said)) in breaks.into_iter().enumerate() {
        breaks();
        tls.bridge.signal(Signal::HUP);
        let warnings = until("it complains", Duration::from_secs(30), || {
            let log = tls.bridge.log();
            (log.lines().count() > number).then_some(log)
        });
        let last = warnings.lines().last().unwrap();
        assert!(
            last.starts_with("Warning: ") && last.contains(said),
            "{last}"
        );
        assert_eq!(tls.certificate(), new, "{last}");
    }

    held.say("ROLLBACK;");
    let said = text(running);
    assert!(
        said.contains("\"gone\"") && said.contains("\"audited\""),
        "{said}"
    );
    assert!(all_rows(&site).is_empty());
    // What goes on with the old one would not start with these.
    let check = tls.bridge.command(&["check"]).output().unwrap();
    let said = String::from_utf8_lossy(&check.stderr);
    assert!(said.contains("is not private"), "{said}");
}
