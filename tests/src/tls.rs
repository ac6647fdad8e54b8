//! A certificate for a server of the tests, signed by an authority nobody else trusts.

use std::path::{Path, PathBuf};

use crate::scratch::{shell, text};
use crate::{Owner, Scratch};

/// An authority, and a certificate and key it signed for some names.
#[derive(Debug)]
pub struct Certificate {
    scratch: Scratch,
}

impl Certificate {
    /// For names as in a certificate: `DNS:db.test`, `IP:127.0.0.1`.
    pub fn for_names(names: &[&str]) -> Self {
        let scratch = Scratch::new("tls");
        let certificate = Self { scratch };
        let (ca, key) = (certificate.authority(), certificate.path("ca.key"));
        let subject = ["-subj", "/CN=The tests' authority", "-days", "2"];
        make(&ca, &key, &subject);
        let san = format!("subjectAltName={}", names.join(","));
        let subject = ["-subj", "/CN=The tests' server", "-days", "2"];
        let leaf = [
            "-addext",
            &san,
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ];
        let by = ["-CA", &text(&ca), "-CAkey", &text(&key)];
        let more = [&subject[..], &leaf, &by].concat();
        make(&certificate.certificate(), &certificate.key(), &more);
        Owner::database().give(&certificate.key());
        certificate
    }

    /// A client's certificate and key, good for so many days from now on; or, when that is negative,
    /// ended so many days ago.
    pub fn client(&self, name: &str, days: i32) -> [PathBuf; 2] {
        let [certificate, key] = ["pem", "key"].map(|end| self.path(&format!("{name}.{end}")));
        let request = text(&self.path("request"));
        let kind = ["req", "-new", "-nodes", "-newkey", "ec"];
        let curve = ["-pkeyopt", "ec_paramgen_curve:P-256", "-subj"];
        let out = [
            &format!("/CN={name}"),
            "-out",
            &request,
            "-keyout",
            &text(&key),
        ];
        shell("openssl", &[&kind[..], &curve, &out].concat());
        let plain = self
            .scratch
            .write("plain", "basicConstraints=critical,CA:FALSE\n");
        let by = [text(&self.authority()), text(&self.path("ca.key"))];
        let sign = ["x509", "-req", "-in", &request, "-extfile", &text(&plain)];
        let by = ["-CA", &by[0], "-CAkey", &by[1], "-CAcreateserial"];
        let out = ["-days", &days.to_string(), "-out", &text(&certificate)];
        shell("openssl", &[&sign[..], &by, &out].concat());
        [certificate, key]
    }

    /// What a client must trust.
    pub fn authority(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// What the server shows.
    pub fn certificate(&self) -> PathBuf {
        self.path("server.pem")
    }

    /// The server's key, readable by the database server's account.
    pub fn key(&self) -> PathBuf {
        self.path("server.key")
    }

    /// The options that make `mariadbd` use it.
    pub fn options(&self) -> [String; 2] {
        [
            format!("--ssl-cert={}", text(&self.certificate())),
            format!("--ssl-key={}", text(&self.key())),
        ]
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }
}

/// A certificate and its key.
fn make(certificate: &Path, key: &Path, more: &[&str]) {
    let (certificate, key) = (text(certificate), text(key));
    let usual = ["req", "-x509", "-nodes", "-newkey", "ec"];
    let curve = ["-pkeyopt", "ec_paramgen_curve:P-256"];
    let out = ["-out", &certificate, "-keyout", &key];
    shell("openssl", &[&usual[..], &curve, &out, more].concat());
}
