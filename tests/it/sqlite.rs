//! A site on SQLite with the official drop-in: as its owner, with patience, and never by halves.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kickout_tests::{Kickout, Owner, Site, WordPress, needs, until};

use crate::destroy::destroy;
use crate::held::{Held, users_of};
use crate::running::Running;

fn file(site: &Site) -> PathBuf {
    site.root().join("wp-content/database/.ht.sqlite")
}

/// Everything in the folder of the database with its owner.
fn owners(site: &Site) -> Vec<(String, u32)> {
    let folder = std::fs::read_dir(file(site).parent().unwrap()).unwrap();
    let facts = folder.flatten().map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, entry.metadata().unwrap().uid())
    });
    let mut facts: Vec<_> = facts.collect();
    facts.sort();
    facts
}

#[test]
fn sessions_on_sqlite() {
    needs!(WordPress, WordPressSqlite);
    let site = WordPress::new().install_sqlite();
    for login in ["anna", "bob"] {
        site.add_user(login, "editor");
    }
    for mode in ["DELETE", "WAL"] {
        site.sql(format!("PRAGMA journal_mode = {mode};"));
        let logins = [
            ("anna", "A", "::1"),
            ("anna", "B", "::1"),
            ("bob", "C", "::1"),
            ("admin", "日本", "::1"),
        ];
        let cookies = site.logins(&logins);
        let before = owners(&site);
        let list = Kickout::at(&site).args(["user", "session", "list", "anna", "--field=token"]);
        let tokens = format!("{}\n{}\n", cookies[0].verifier, cookies[1].verifier);
        list.run().success().stdout(&tokens);
        let said = "Success: Destroyed session. 1 session remaining.\n";
        destroy(&site, &["ANNA", &cookies[0].verifier[..8]])
            .success()
            .stdout(said);
        assert_eq!(
            site.valid_cookies(&cookies),
            [false, true, true, true],
            "{mode}"
        );
        let said = "Success: Destroyed 2 sessions of 2 users.\n";
        destroy(&site, &["--role=editor"]).success().stdout(said);
        destroy(&site, &["--all-users", "--yes", "--dry-run"]).success();
        assert_eq!(
            site.valid_cookies(&cookies),
            [false, false, false, true],
            "{mode}"
        );
        let said = "Success: Destroyed 1 session of 1 user.\n";
        destroy(&site, &["--all-users", "--yes"])
            .success()
            .stdout(said);
        assert_eq!(site.valid_cookies(&cookies), [false; 4], "{mode}");
        assert_eq!(owners(&site), before, "{mode}");
    }
    assert!(
        owners(&site)
            .iter()
            .all(|(_, uid)| *uid == site.owner().uid)
    );
    let unlocked = site.login("anna", "after", "::1");
    assert!(site.cookie_is_valid(&unlocked), "WordPress can still write");
}

const HOLD: &str = "BEGIN IMMEDIATE;";

/// Who touches the file while it waits for another writer: nobody but the owner, also when root
/// runs kickout.
#[test]
fn it_waits_for_another_writer_as_the_owner() {
    needs!(WordPress, WordPressSqlite);
    let site = WordPress::new().install_sqlite();
    let cookie = site.login("admin", "A", "::1");
    let mut held = Held::on_file(&site, &file(&site), HOLD);
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| destroy(&site, &["admin"]));
        let agents = until("an agent opens the file", Duration::from_secs(30), || {
            let users = users_of(&file(&site));
            users
                .iter()
                .any(|it| it.2.starts_with("kickout-agent"))
                .then_some(users)
        });
        assert!(
            agents.iter().all(|it| it.1 == site.owner().uid),
            "{agents:?}"
        );
        let since = Instant::now();
        until("a second passes", Duration::from_secs(5), || {
            (since.elapsed() > Duration::from_secs(1)).then_some(())
        });
        assert!(!run.is_finished(), "it did not wait");
        held.say("ROLLBACK;");
        run.join().unwrap()
    });
    run.success()
        .stdout("Success: Destroyed session. 0 sessions remaining.\n");
    assert!(!site.cookie_is_valid(&cookie));
}

#[test]
fn a_file_that_stays_locked_or_cannot_be_written() {
    needs!(WordPress, WordPressSqlite);
    let site = WordPress::new().install_sqlite();
    let cookie = site.login("admin", "A", "::1");
    let before = std::fs::read(file(&site)).unwrap();
    let held = Held::on_file(&site, &file(&site), HOLD);
    let list = Kickout::at(&site).args(["user", "session", "list", "admin", "--format=count"]);
    list.run().success().stdout("1\n");
    let locked = destroy(&site, &["admin"]).code(1).stdout("");
    locked
        .stderr_has("locked by somebody else")
        .stderr_has("Run the command again");
    drop(held);
    if Owner::me().uid == 0 || site.owner() == Owner::me() {
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(file(&site), mode(0o444)).unwrap();
        let denied = destroy(&site, &["admin", "--all"]).code(1).stdout("");
        let path = file(&site);
        denied
            .stderr_has(path.to_str().unwrap())
            .stderr_has("may read and write it");
        std::fs::set_permissions(file(&site), mode(0o644)).unwrap();
    }
    assert_eq!(std::fs::read(file(&site)).unwrap(), before);
    assert!(site.cookie_is_valid(&cookie));
    // No file, or something else in its place.
    let rows = [
        (None, "cannot open the SQLite database"),
        (Some("not a database"), "SQLite"),
    ];
    for (content, said) in rows {
        std::fs::remove_file(file(&site)).unwrap();
        if let Some(content) = content {
            site.write("wp-content/database/.ht.sqlite", content.repeat(300));
        }
        destroy(&site, &["admin"])
            .code(1)
            .stdout("")
            .stderr_has(said);
        if content.is_none() {
            assert!(!file(&site).exists(), "it was created");
            site.write("wp-content/database/.ht.sqlite", "");
        }
    }
}

/// The child that works for root dies: nobody knows what it did.
#[test]
fn a_child_that_dies() {
    needs!(WordPress, WordPressSqlite, Root);
    let site = WordPress::new().install_sqlite();
    let cookie = site.login("admin", "A", "::1");
    let held = Held::on_file(&site, &file(&site), HOLD);
    let running = Running::start(&site, &["user", "session", "destroy", "admin"], "");
    let child = until("an agent opens the file", Duration::from_secs(30), || {
        let mut users = users_of(&file(&site)).into_iter();
        users.find(|it| it.2.starts_with("kickout-agent"))
    });
    let since = Instant::now();
    until("it waits for the lock", Duration::from_secs(5), || {
        (since.elapsed() > Duration::from_millis(500)).then_some(())
    });
    let child = rustix::process::Pid::from_raw(i32::try_from(child.0).unwrap()).unwrap();
    rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
    let end = running.end();
    assert_eq!(end.code, Some(5), "{}", end.stderr);
    assert!(
        end.stderr.contains("the agent's child broke off"),
        "{}",
        end.stderr
    );
    drop(held);
    assert!(site.cookie_is_valid(&cookie));
}
