//! Where the agent may lie on a host, what must not run, and what is never seen on either side.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kickout_tests::{Account, Client, Owner, Scratch, Site, Sshd, mode_and_mtime, needs, until};

use crate::connect::waiting;
use crate::held::Held;
use crate::running::Running;
use crate::ssh::{COUNT, DESTROY, no_agent_remains, place, site_alone, site_of};

/// A file system of its own at a place; it goes with the value.
struct Mounted(PathBuf);

impl Mounted {
    fn at(place: &Path, options: &str) -> Self {
        fs::create_dir_all(place).unwrap();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(place)
            .status();
        assert!(done.unwrap().success());
        Self(place.to_path_buf())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: an agent that is just ending may still be mapped from it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Homes where no program may lie: the next place is taken, and taken again.
#[test]
fn homes_that_will_not_do() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    type Spoil = fn(&Account) -> Option<Mounted>;
    let rows: [(&str, Spoil); 9] = [
        ("noexec", |account| {
            Some(mounted(account, "noexec,size=64m"))
        }),
        ("small", |account| Some(mounted(account, "size=1m"))),
        ("full", |account| {
            let small = mounted(account, "size=32k");
            let _ = fs::write(account.home().join("fill"), vec![0; 64 * 1024]);
            Some(small)
        }),
        ("without inodes", |account| {
            Some(mounted(account, "nr_inodes=2"))
        }),
        ("read-only", |account| Some(mounted(account, "ro"))),
        ("not there", |account| {
            fs::remove_dir_all(account.home()).unwrap();
            None
        }),
        ("of somebody else", |account| {
            Owner::web().give(account.home());
            None
        }),
        ("everybody writes", |account| {
            fs::set_permissions(account.home(), Permissions::from_mode(0o777)).unwrap();
            None
        }),
        ("a link of somebody else", |account| {
            let elsewhere = account.home().parent().unwrap().join("elsewhere");
            fs::create_dir(&elsewhere).unwrap();
            symlink(&elsewhere, account.home().join(".cache")).unwrap();
            None
        }),
    ];
    for (what, spoil) in rows {
        println!("{what}");
        let account = Account::new("/bin/sh");
        let site = site_of(&account);
        let cookie = site.login("admin", "A", "::1");
        let spoilt = spoil(&account);
        let at = place(&sshd, &account, &site);
        client.over(&at).args(COUNT).run().success().stdout("1\n");
        let delivered = account.delivered();
        let [agent] = &delivered[..] else {
            panic!("{what}: {delivered:?}");
        };
        let expected = format!("/tmp/.kickout-{}/", account.owner().uid);
        assert!(agent.starts_with(expected), "{what}: {}", agent.display());
        let before = mode_and_mtime(agent);
        assert_eq!(before.0, 0o500);
        client.over(&at).args(DESTROY).run().success();
        assert!(!site.cookie_is_valid(&cookie));
        assert_eq!(account.delivered(), delivered);
        no_agent_remains(&account);
        drop(spoilt);
    }
}

fn mounted(account: &Account, options: &str) -> Mounted {
    let owner = account.owner();
    let options = format!("mode=755,uid={},gid={},{options}", owner.uid, owner.gid);
    Mounted::at(account.home(), &options)
}

/// A server, a client of it, and a site of an account there with one login.
fn a_site() -> (Sshd, Client, Account, Site, String) {
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let account = Account::new("/bin/sh");
    let site = site_of(&account);
    site.login("admin", "A", "::1");
    let at = place(&sshd, &account, &site);
    (sshd, client, account, site, at)
}

/// What lies in the agent's place and is not the agent is replaced, never run.
#[test]
fn agents_that_were_changed() {
    needs!(Sshd, WordPress);
    let (_sshd, client, account, site, at) = a_site();
    let ask = || client.over(&at).args(COUNT).run().success().stdout("1\n");
    ask();
    let agent = account.delivered().remove(0);
    let good = fs::read(&agent).unwrap();
    let scratch = Scratch::new("pwned");
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o777)).unwrap();
    let trap = format!("#!/bin/sh\ntouch {}/pwned\n", scratch.path().display());
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    let rows: [(&str, &[u8]); 4] = [
        ("another program", trap.as_bytes()),
        ("cut", &good[..good.len() / 2]),
        ("one bit", &flipped),
        ("empty", b""),
    ];
    for (what, content) in rows {
        println!("{what}");
        fs::remove_file(&agent).unwrap();
        fs::write(&agent, content).unwrap();
        account.owner().give(&agent);
        fs::set_permissions(&agent, Permissions::from_mode(0o777)).unwrap();
        ask();
        assert!(fs::read(&agent).unwrap() == good);
        assert_eq!(mode_and_mtime(&agent).0, 0o500);
    }
    // In a directory, a link, a FIFO's place.
    fs::remove_file(&agent).unwrap();
    fs::create_dir(&agent).unwrap();
    account.owner().give(&agent);
    ask();
    fs::remove_file(&agent).unwrap();
    let other = account.write("other", &trap);
    fs::set_permissions(&other, Permissions::from_mode(0o755)).unwrap();
    symlink(&other, &agent).unwrap();
    ask();
    fs::remove_file(&agent).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&agent)
            .status()
            .unwrap()
            .success()
    );
    account.owner().give(&agent);
    ask();
    assert!(!scratch.join("pwned").exists());
    assert_eq!(fs::read_to_string(other).unwrap(), trap);
    // A remote PATH with traps in it.
    for name in ["sha256sum", "uname", "id", "ls", "mkdir", "head", "sh"] {
        let trap = account.write(&format!("bin/{name}"), &trap);
        fs::set_permissions(trap, Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("SetEnv PATH={}/bin:/usr/bin:/bin", account.home().display());
    let sshd = Sshd::new().for_user(&account, &path).start();
    let client = Client::of(&sshd);
    let run = client.over(place(&sshd, &account, &site)).args(COUNT);
    run.run().success().stdout("1\n");
    assert!(!scratch.join("pwned").exists());
}

/// Two who come at the same time for the first time.
#[test]
fn first_contacts_at_once() {
    needs!(Sshd, WordPress);
    let (_sshd, client, account, _site, at) = a_site();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| client.over(&at).args(COUNT).run().success().stdout("1\n"));
        }
    });
    assert_eq!(account.delivered().len(), 1, "{:?}", account.delivered());
}

/// While it works and after it: no password, no salt and no key where others can look.
#[test]
fn nothing_secret_is_seen_on_either_side() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let account = Account::new("/bin/bash");
    let site = site_alone(&account);
    let cookie = site.login("admin", "A", "::1");
    let key = fs::read_to_string(sshd.operator_key()).unwrap();
    let secrets = [
        site.database().password.clone(),
        cookie.token.clone(),
        "AUTH_KEY of the tests".to_owned(),
        key.lines().nth(2).unwrap().to_owned(),
    ];
    let lock =
        "BEGIN; SELECT umeta_id FROM wp_usermeta WHERE meta_key = 'session_tokens' FOR UPDATE;";
    let mut held = Held::on_server(site.database(), lock);
    let ssh = format!("--ssh={}", place(&sshd, &account, &site));
    let args = [&ssh, "user", "session", "destroy", "admin", "-", "--debug"];
    let running = Running::start_at(
        client.home(),
        client.home(),
        &args,
        &format!("{}\n", cookie.token),
    );
    let mut looks = 0;
    let mut look = || {
        for process in processes(&account, running.pid()) {
            for file in ["cmdline", "environ"] {
                let text = fs::read(process.join(file)).unwrap_or_default();
                clean(&process.join(file), &text, &secrets);
            }
        }
        looks += 1;
    };
    // From its first moment until its agent waits for the lock.
    until("an agent runs", Duration::from_secs(30), || {
        look();
        (!account.agents().is_empty()).then_some(())
    });
    waiting(&site);
    look();
    held.say("ROLLBACK;");
    until("it ends", Duration::from_secs(30), || {
        look();
        account.agents().is_empty().then_some(())
    });
    assert!(looks > 3);
    let end = running.end();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    clean(
        Path::new("output"),
        (end.stdout + &end.stderr).as_bytes(),
        &secrets,
    );
    clean(Path::new("sshd's log"), sshd.log().as_bytes(), &secrets);
    // The homes of both sides, and every other place that either may write to.
    let shared = ["/var/tmp", "/dev/shm"].map(Path::new);
    let own = PathBuf::from(format!("/tmp/.kickout-{}", account.owner().uid));
    let shared = shared.into_iter().chain([own.as_path()]);
    for folder in [account.home(), client.home()].into_iter().chain(shared) {
        let found = Command::new("grep")
            .args(["-rlaF", "--exclude=id_ed25519"])
            .args(secrets.iter().flat_map(|secret| ["-e", secret]))
            .arg(folder)
            .output();
        let found = String::from_utf8(found.unwrap().stdout).unwrap();
        assert_eq!(found, "");
    }
    assert!(!site.cookie_is_valid(&cookie));
}

fn clean(place: &Path, text: &[u8], secrets: &[String]) {
    let text = String::from_utf8_lossy(text);
    let found = secrets.iter().any(|secret| text.contains(secret.as_str()));
    assert!(!found, "{} has a secret: {text}", place.display());
}

/// The run, its children, and everything of the account.
fn processes(account: &Account, kickout: u32) -> Vec<PathBuf> {
    use std::os::unix::fs::MetadataExt;
    let all = fs::read_dir("/proc").unwrap().flatten();
    let all = all.filter(|it| {
        it.file_name()
            .to_string_lossy()
            .bytes()
            .all(|it| it.is_ascii_digit())
    });
    let ours = |path: &PathBuf| {
        let uid = fs::metadata(path).map(|facts| facts.uid());
        let stat = fs::read_to_string(path.join("stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1));
        path.ends_with(kickout.to_string())
            || parent == Some(kickout.to_string().as_str())
            || uid.is_ok_and(|uid| uid == account.owner().uid)
    };
    all.map(|it| it.path()).filter(ours).collect()
}
