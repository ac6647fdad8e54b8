//! First contacts, one and many at once.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::transport::ssh::known_hosts::Standing;
use crate::transport::ssh::known_hosts::tests::{Keys, known};

#[test]
fn recording() {
    let keys = Keys::new(&["a", "b", "rsa"]);
    let file = keys.path("new/known_hosts");
    let name = Name::of("h", 2222);
    assert_eq!(
        record(&file, &name, &keys.key("a")).unwrap(),
        Recorded::Written
    );
    assert_eq!(
        record(&file, &name, &keys.key("a")).unwrap(),
        Recorded::Already
    );
    assert_eq!(
        record(&file, &name, &keys.key("rsa")).unwrap(),
        Recorded::Written
    );
    let error = record(&file, &name, &keys.key("b")).unwrap_err();
    assert!(error.to_string().contains("line 1") && error.fix().contains("-R '[h]:2222'"));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    for name in ["", "a b", "*", "a,b", "@revoked", "#h", "|1|a|b", "h\nx"] {
        let error = record(&file, &Name::alias(name), &keys.key("a")).unwrap_err();
        assert!(matches!(error, RecordError::Name { .. }), "{name}");
    }
    // A line without an end is ended first; OpenSSH finds both.
    let file = keys.file("first {a}");
    record(&file, &Name::of("second", 22), &keys.key("a")).unwrap();
    for host in ["first", "second"] {
        assert!(
            keys.keygen(&["-F", host, "-f", "known_hosts"])
                .contains("found"),
            "{host}"
        );
    }
    // A key that was revoked is no first contact.
    let file = keys.file("@revoked h {a}\n");
    assert!(record(&file, &Name::of("h", 22), &keys.key("a")).is_err());
}

#[test]
fn sixty_four_first_contacts_at_once() {
    let keys = Keys::new(&["a"]);
    let file = keys.path("new/known_hosts");
    let key = keys.key("a");
    std::thread::scope(|threads| {
        for worker in 0..64 {
            let (file, key) = (&file, &key);
            threads.spawn(move || {
                let host = format!("h{}", worker % 16);
                record(file, &Name::of(&host, 22), key).unwrap();
            });
        }
    });
    let text = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 16, "{text}");
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 16);
    for host in 0..16 {
        let name = Name::of(&format!("h{host}"), 22);
        let known = known(std::slice::from_ref(&file), name).unwrap();
        assert_eq!(known.key(&key).unwrap(), Standing::Known);
    }
}
