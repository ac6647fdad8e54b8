//! A certificate for a server of the tests, signed by an authority nobody else trusts.

use std::path::PathBuf;

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
        let (ca, ca_key) = (
            text(&certificate.authority()),
            text(&certificate.path("ca.key")),
        );
        let (cert, key) = (text(&certificate.certificate()), text(&certificate.key()));
        let usual = [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ];
        let alike = ["-nodes", "-days", "2"];
        let ca_args = [
            "-subj",
            "/CN=The tests' authority",
            "-out",
            &ca,
            "-keyout",
            &ca_key,
        ];
        shell("openssl", &[&usual[..], &alike, &ca_args].concat());
        let san = format!("subjectAltName={}", names.join(","));
        let leaf = [
            "-subj",
            "/CN=The tests' server",
            "-addext",
            &san,
            "-CA",
            &ca,
            "-CAkey",
        ];
        let plain = ["-addext", "basicConstraints=critical,CA:FALSE"];
        let out = [&ca_key[..], "-out", &cert, "-keyout", &key];
        shell(
            "openssl",
            &[&usual[..], &alike, &plain, &leaf, &out].concat(),
        );
        Owner::database().give(&certificate.key());
        certificate
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
