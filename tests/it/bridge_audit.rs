//! The record of what a bridge did, after somebody has been at it.

use std::fs;

use kickout_tests::{needs, operation};

use crate::bridge::{list, site};
use crate::bridge_processes::with_token;

/// An audit with a few records, and the key of it; what it says of itself after a change.
#[test]
fn what_was_changed_is_named() {
    needs!(WordPress, Root);
    let site = site();
    let (mut bridge, token) = with_token(&site);
    let ask = |name: &str| {
        let name = operation(name, None);
        let reply = bridge.asks(&token, "", &name, &list(&["admin"]));
        reply.line("audited")["head"].as_str().unwrap().to_owned()
    };
    let heads = ["look-1", "look-2"].map(ask);
    let [audit, key] = ["audit.jsonl", "audit.key"].map(|it| bridge.state().join(it));
    let (good, secret) = (fs::read_to_string(&audit).unwrap(), fs::read(&key).unwrap());
    let other = with_token(&site).0;
    let theirs = fs::read_to_string(other.state().join("audit.jsonl")).unwrap();
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    assert_eq!(lines.len(), 5, "started, and twice an intent and a result");

    let verify = |words: &[&str]| {
        let words = [&["audit", "verify"], words].concat();
        let output = bridge.command(&words).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let last = format!("--head={}", heads[1]);
    for (text, words, finds) in [
        (good.clone(), &[][..], None),
        (good.clone(), &[&*last], None),
        // Edited, taken out, cut, replaced by the one of another bridge.
        (
            good.replace("look-2", "look-3"),
            &[],
            Some("line 4 is not as the bridge wrote it"),
        ),
        (
            [&lines[..2], &lines[3..]].concat().concat(),
            &[],
            Some("line 3 does not follow on the one before"),
        ),
        (lines[..3].concat(), &[], None),
        (lines[..3].concat(), &[&last], Some("the tail was cut")),
        (theirs, &[], Some("line 1 is not as the bridge wrote it")),
        (format!("{good}nothing\n"), &[], Some("line 6 is no record")),
    ] {
        fs::write(&audit, &text).unwrap();
        let (success, said) = verify(words);
        assert_eq!(success, finds.is_none(), "{said}");
        let says = finds.unwrap_or("none changed");
        assert!(said.contains(says), "{says}: {said}");
    }

    // Without the key all could have been written anew, but for what a head vouches for.
    fs::write(&audit, &good).unwrap();
    fs::remove_file(&key).unwrap();
    let (success, said) = verify(&[]);
    assert!(
        !success && said.contains("written anew: there is no key"),
        "{said}"
    );
    let (success, said) = verify(&[&format!("--head={}", heads[0])]);
    assert!(
        success && said.contains("the first 3: none changed"),
        "{said}"
    );
    // And nothing goes on without it.
    fs::write(&key, &secret).unwrap();
    let (success, said) = verify(&[]);
    assert!(!success && said.contains("is not private"), "{said}");
    let said = bridge.refuses_to_start();
    assert!(
        said.contains("the audit's key") && said.contains("is not private"),
        "{said}"
    );
    fs::remove_file(&key).unwrap();
    let said = bridge.refuses_to_start();
    assert!(said.contains("holds no key of them"), "{said}");
}
