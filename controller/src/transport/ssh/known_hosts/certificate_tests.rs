//! Certificates of hosts that `ssh-keygen` made, good ones and others.

use super::tests::{Keys, known, letter};
use super::*;

#[test]
fn certificates() {
    let keys = Keys::new(&["a", "b", "ca"]);
    let always = ["-h", "-n", "h,*.x"];
    let table: [(&str, &[&str], &str, u16, &str); 15] = [
        ("@cert-authority * {ca}\n", &always, "h", 22, "K"),
        ("@cert-authority * {ca}\n", &always, "h", 2222, "K"),
        ("@cert-authority h {ca}\n", &always, "www.x", 22, "U"),
        ("@cert-authority *.x {ca}\n", &always, "www.x", 22, "K"),
        (
            "@cert-authority * {ca}\n",
            &always,
            "other",
            22,
            "does not name it",
        ),
        (
            "@cert-authority * {ca}\n",
            &["-h"],
            "h",
            22,
            "does not name it",
        ),
        (
            "@cert-authority * {ca}\n",
            &["-n", "h"],
            "h",
            22,
            "not one of a host",
        ),
        (
            "@cert-authority * {ca}\n",
            &["-h", "-n", "h", "-V", "20200101:20210101"],
            "h",
            22,
            "expired",
        ),
        (
            "@cert-authority * {ca}\n",
            &["-h", "-n", "h", "-V", "20400101:20410101"],
            "h",
            22,
            "not valid yet",
        ),
        (
            "@cert-authority * {ca}\n",
            &["-h", "-n", "h", "-O", "critical:x@y=z"],
            "h",
            22,
            "critical",
        ),
        ("@cert-authority * {b}\n", &always, "h", 22, "U"),
        ("@cert-authority * {b}\nh {a}\n", &always, "h", 22, "K"),
        (
            "@cert-authority * {ca}\n@revoked * {ca}\n",
            &always,
            "h",
            22,
            "R2",
        ),
        (
            "@cert-authority * {ca}\n@revoked * {a}\n",
            &always,
            "h",
            22,
            "R2",
        ),
        ("h {b}\n", &always, "h", 22, "C1"),
    ];
    let now = 1_800_000_000;
    for (template, options, host, port, expected) in table {
        let certificate = keys.certificate(options);
        let known = known(&[keys.file(template)], Name::of(host, port)).unwrap();
        let said = match known.certificate(&certificate, now).unwrap() {
            Ok(standing) => letter(&standing),
            Err(error) => {
                assert!(!error.fix().is_empty());
                error.to_string()
            }
        };
        assert!(
            said.ends_with(expected) || said.contains(expected) && expected.len() > 2,
            "{template} {options:?} for {host}:{port} said {said}, not {expected}"
        );
    }
}

#[test]
fn a_certificate_that_nobody_signed() {
    let keys = Keys::new(&["a", "b", "ca"]);
    let good = keys.certificate(&["-h", "-n", "h"]);
    // Another name of the same length in the same certificate.
    let bytes = good.to_bytes().unwrap();
    let at = bytes
        .windows(5)
        .position(|it| it == b"\0\0\0\x01h")
        .unwrap();
    let mut forged = bytes;
    forged[at + 4] = b'g';
    let forged = Certificate::from_bytes(&forged).unwrap();
    let file = keys.file("@cert-authority * {ca}\n");
    let known = known(&[file], Name::of("g", 22)).unwrap();
    let said = known.certificate(&forged, 1_800_000_000).unwrap();
    assert_eq!(
        said,
        Err(CertificateError::Signature {
            host: "g".to_owned()
        })
    );
}
