//! An operation that has never begun can be asked for again; one that may have begun is never done
//! twice, and never said to be anything but unknown.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use kickout_tests::{Binaries, Bridge, Reply, Scratch, Start, needs, operation, until};
use serde_json::{Value, json};

use crate::bridge::{EVERYBODY, destroy, list, named, site};
use crate::bridge_processes::{ALL, halting, kill, records, with_token};
use crate::connect::waiting;
use crate::running::gone;
use crate::stored::all_rows;

fn verdict(reply: &Reply) -> &Value {
    &reply.line("done")["outcome"]["verdict"]
}

/// All that is kept lies on a small disk of its own.
const SMALL: &str = "mount -t tmpfs -o size=512k,mode=700 none \"$1\"";

/// The audit alone does.
const SMALL_AUDIT: &str = "mkdir \"$1/disk\"
    mount -t tmpfs -o size=16k none \"$1/disk\"
    for file in \"$1/disk/audit\" \"$1/audit.jsonl\"; do : >\"$file\"; chmod 600 \"$file\"; done
    mount --bind \"$1/disk/audit\" \"$1/audit.jsonl\"";

/// Without a record nothing is done; and it is done once there is room for one.
#[test]
fn a_disk_that_is_full() {
    needs!(WordPress, Root);
    let site = site();
    for (mounts, filler) in [(SMALL, "filler"), (SMALL_AUDIT, "disk/filler")] {
        let start = Start {
            mounts: Some(mounts),
            ..Start::default()
        };
        let bridge = Bridge::with(&[("shop", &site)], "plaintext = true\n", start);
        let token = bridge.token(&ALL);
        let cookie = site.login("admin", "A", "::1");
        let filler = bridge.state().join(filler);
        let mut file = File::create(&filler).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
        // There is room up to the end of a page.
        let full = (0..15).find_map(|number| {
            let name = operation(&format!("look-{number}"), None);
            let reply = bridge.asks(&token, "", &name, &list(&["admin"]));
            (reply.status != 200).then_some(reply)
        });
        let full = full.expect("it is still written");
        assert_eq!(full.status, 503, "{full:?}");
        let name = operation("out-1", None);
        let out = destroy(named(&["admin"]), false);
        for _ in 0..3 {
            let reply = bridge.asks(&token, "", &name, &out);
            assert_eq!(reply.status, 503, "{reply:?}");
            assert!(reply.lines[0]["fix"].is_string(), "{reply:?}");
            assert!(site.cookie_is_valid(&cookie), "{mounts}");
        }
        std::fs::remove_file(&filler).unwrap();
        drop(file);
        let reply = bridge.asks(&token, "", &name, &out);
        assert_eq!(verdict(&reply), "gone");
        assert!(!site.cookie_is_valid(&cookie));
        assert_eq!(bridge.asks(&token, "", &name, &out).lines, reply.lines);
        let of_it = records(&bridge)
            .into_iter()
            .filter(|it| it["entry"]["operation"] == "out-1");
        assert_eq!(of_it.count(), 2, "what was not done is not recorded as if");
    }
}

/// Agents that break off: before they begin nothing was done, after it nobody knows.
#[test]
fn agents_that_break_off() {
    needs!(WordPress, Root);
    let site = site();
    let scratch = Scratch::new("agent");
    let real = Binaries::dev().agent.display();
    let agent = scratch.join("agent");
    let becomes = |script: &str| {
        // A file that runs is not written to.
        let new = scratch.write("new", format!("#!/bin/sh\nAGENT={real}\n{script}\n"));
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(new, &agent).unwrap();
    };
    becomes("exit 1");
    let start = Start {
        agent: agent.clone(),
        ..Start::default()
    };
    let bridge = Bridge::with(&[("shop", &site)], "plaintext = true\n", start);
    let token = bridge.token(&ALL);
    let cookie = site.login("admin", "A", "::1");
    let out = destroy(named(&["admin"]), false);
    let hello = "\"$AGENT\" \"$1\" </dev/null | head -n 2\nread -r run\n";
    let event = json!({"type": "event", "id": 1, "seq": 1,
        "event": {"line": {"level": "warning", "text": "so far"}}});
    let begun = json!({"type": "begun", "id": 1, "cutoff": 1});
    // What is not yet begun can be asked for again by the same name.
    let name = operation("out-1", None);
    for script in [
        "exit 1".to_owned(),
        "echo KICKOUT $1 '{\"protocol\":0,\"release\":\"0.0.1\"}'".to_owned(),
        format!("{hello}exit 1"),
        format!("{hello}echo nonsense"),
    ] {
        becomes(&script);
        let reply = bridge.asks(&token, "", &name, &out);
        assert_eq!(reply.status, 503, "{script}: {reply:?}");
        assert!(reply.lines[0]["fix"].is_string(), "{reply:?}");
    }
    std::fs::remove_file(&agent).unwrap();
    let reply = bridge.asks(&token, "", &name, &out);
    assert_eq!(reply.status, 503, "{reply:?}");
    // Something was said: how it ended is not.
    becomes(&format!("{hello}echo '{event}'"));
    let reply = bridge.asks(&token, "", &name, &out);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(
        reply.lines.iter().all(|line| line["type"] != "done"),
        "{reply:?}"
    );
    assert_eq!(reply.lines.last().unwrap()["type"], "audited");
    assert!(site.cookie_is_valid(&cookie));
    becomes("exec \"$AGENT\" \"$1\"");
    assert_eq!(verdict(&bridge.asks(&token, "", &name, &out)), "gone");
    assert!(!site.cookie_is_valid(&cookie));

    // What may have begun is not done again, and not waited for. In the last row that was said before
    // the bridge could hear it: it found nobody to thank for the event.
    for (number, script) in [
        format!("{hello}echo '{begun}'"),
        format!("{hello}echo '{begun}'; echo nonsense"),
        format!("{hello}exec <&-; printf '%s\\n' '{event}' '{begun}'"),
    ]
    .into_iter()
    .enumerate()
    {
        let cookie = site.login("admin", "A", "::1");
        let name = operation(&format!("half-{number}"), None);
        becomes(&script);
        // The agents of before are kept for a while; they would do it.
        for agent in bridge.children("kickout-agent") {
            kill(agent);
            gone(agent);
        }
        let reply = bridge.asks(&token, "", &name, &out);
        assert_eq!(reply.status, 200, "{script}: {reply:?}");
        assert!(reply.lines.iter().all(|line| line["type"] != "done"));
        becomes("exec \"$AGENT\" \"$1\"");
        let again = bridge.asks(&token, "", &name, &out);
        assert_eq!(verdict(&again), "unknown", "{script}");
        assert!(site.cookie_is_valid(&cookie));
    }
}

/// Killed in the middle, and started again: nobody knows, and nothing is done twice.
#[test]
fn a_bridge_that_is_killed_in_the_middle() {
    needs!(WordPress, Root);
    let (site, mut held) = halting();
    let before = all_rows(&site);
    let (mut bridge, token) = with_token(&site);
    let (name, all) = (operation("all-1", None), destroy(EVERYBODY(), false));
    let client = bridge.opens(bridge.asking(&token, "", &name, &all).as_bytes());
    waiting(&site);
    let busy = bridge.asks(&token, "", &name, &all);
    assert_eq!(busy.status, 409, "{busy:?}");
    let agents = bridge.children("kickout-agent");
    assert!(!agents.is_empty());
    bridge.kill_and_start();
    drop(client);
    held.say("ROLLBACK;");
    agents.into_iter().for_each(gone);
    let left = all_rows(&site);
    assert!(!left.is_empty() && left.len() < before.len());
    let reply = bridge.asks(&token, "", &name, &all);
    assert_eq!(verdict(&reply), "unknown");
    assert_eq!(all_rows(&site), left);
    // The record has what was meant, and no end of it.
    let entries: Vec<_> = records(&bridge)
        .into_iter()
        .map(|it| it["entry"]["what"].clone())
        .collect();
    assert_eq!(entries, ["started", "intent", "started"]);
    // Another name does what is left.
    let rest = bridge.asks(&token, "", &operation("all-2", None), &all);
    assert_eq!(verdict(&rest), "gone");
    until("all are gone", Duration::from_secs(30), || {
        all_rows(&site).is_empty().then_some(())
    });
}
