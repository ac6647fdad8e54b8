//! Hosts that say more, less or something else than they should before an agent can answer.

use std::time::{Duration, Instant};

use kickout_tests::{Account, Client, Sshd, needs};

use crate::ssh::{COUNT, DESTROY, no_agent_remains, place, site_of};

/// Longer than every deadline before the agent's hello, with room for a slow machine.
const SOON: Duration = Duration::from_secs(25);

/// An account or a server that runs no commands: told what was seen, with 4, soon.
#[test]
fn hosts_that_run_no_commands() {
    needs!(Sshd);
    let rows: [(&str, &str, &str, &[&str]); 9] = [
        ("no login", "/usr/sbin/nologin", "", &["not available"]),
        ("a shell that fails", "/bin/false", "", &["exit status 1"]),
        (
            "a forced word",
            "/bin/sh",
            "ForceCommand echo maintenance until noon",
            &["maintenance until noon"],
        ),
        (
            "a forced silence",
            "/bin/sh",
            "ForceCommand true",
            &["exit status 0"],
        ),
        (
            "a forced error",
            "/bin/sh",
            "ForceCommand echo quota exceeded >&2; exit 7",
            &["quota exceeded", "exit status 7"],
        ),
        (
            "files only",
            "/bin/sh",
            "ForceCommand internal-sftp",
            &["sftp"],
        ),
        (
            "no sessions",
            "/bin/sh",
            "MaxSessions 0",
            &["refused to start a command"],
        ),
        (
            "a cage without a shell",
            "/bin/sh",
            "ChrootDirectory /var/empty-of-kickout",
            &["/bin/sh: No such file"],
        ),
        (
            "a signal",
            "/bin/sh",
            "ForceCommand kill -KILL $$",
            &["KILL"],
        ),
    ];
    std::fs::create_dir_all("/var/empty-of-kickout").unwrap();
    for (what, shell, lines, said) in rows {
        println!("{what}");
        let account = Account::new(shell);
        let sshd = Sshd::new().for_user(&account, lines).start();
        let client = Client::of(&sshd);
        let start = Instant::now();
        let run = client
            .over(format!("{}/etc", sshd.at(&account)))
            .args(COUNT);
        let run = run.run().code(4).stdout("");
        said.iter()
            .fold(run, |run, said| run.stderr_has(said))
            .check(start.elapsed() < SOON, "an answer soon");
        assert_eq!(account.delivered(), [""; 0].map(std::path::PathBuf::from));
    }
    std::fs::remove_dir("/var/empty-of-kickout").unwrap();
}

/// Login scripts that print, and the agent is heard all the same.
#[test]
fn login_scripts_that_print() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let fake = r#"KICKOUT 0123456789abcdef {"release":"9","protocol":1,"arch":"x86_64"}"#;
    let scripts = [
        "echo welcome".to_owned(),
        "echo welcome >&2".to_owned(),
        "printf 'no line end'; printf '\\n'".to_owned(),
        "head -c 60000 /dev/zero | tr '\\0' 'x' | fold -w 80; echo".to_owned(),
        format!("echo '{fake}'"),
        "echo KICKOUT-NEED 0123456789abcdef x86_64".to_owned(),
        "echo KICKOUT-NEED; echo KICKOUT; echo KICKOUT-FAIL 1 2 3".to_owned(),
        "printf '\\033[2J\\033]0;owned\\007\\000\\n'".to_owned(),
        "cd /; set -u; set -f; alias ls=false".to_owned(),
        "PATH=/nowhere; export PATH".to_owned(),
        "IFS=x; export IFS; CDPATH=/; export CDPATH; umask 000".to_owned(),
    ];
    for script in &scripts {
        println!("{script}");
        let account = Account::new("/bin/bash");
        let site = site_of(&account);
        site.login("admin", "A", "::1");
        account.write(".bashrc", format!("{script}\n"));
        let at = place(&sshd, &account, &site);
        for _ in 0..2 {
            client.over(&at).args(COUNT).run().success().stdout("1\n");
        }
    }
}

/// What the host says last is shown, never obeyed; without an agent there is no success.
#[test]
fn login_scripts_that_stand_in_the_way() {
    needs!(Sshd);
    let rows: [(&str, &[&str]); 8] = [
        (
            "head -c 200000 /dev/zero | tr '\\0' 'x' | fold -w 80",
            &["without end"],
        ),
        ("head -c 200000 /dev/zero | tr '\\0' 'x'", &["without end"]),
        ("yes", &["without end"]),
        (
            "echo please wait; exec tail -f /dev/null",
            &["no hello within", "please wait"],
        ),
        (
            "read answer < /dev/tcp/127.0.0.1/1 || exec cat",
            &["no hello within"],
        ),
        ("echo go away; exit 3", &["go away", "exit status 3"]),
        ("printf '\\033[2J\\033[31mred'; exit 1", &["red"]),
        ("exec /bin/false", &["exit status 1"]),
    ];
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    std::thread::scope(|scope| {
        for (script, said) in rows {
            let (sshd, client) = (&sshd, &client);
            scope.spawn(move || {
                let account = Account::new("/bin/bash");
                account.write(".bashrc", format!("{script}\n"));
                let start = Instant::now();
                let run = client
                    .over(format!("{}/etc", sshd.at(&account)))
                    .args(DESTROY);
                let run = run.run().code(4).stdout("");
                let escape = run.stderr.contains('\x1b');
                said.iter()
                    .fold(run, |run, said| run.stderr_has(said))
                    .check(start.elapsed() < SOON, "an answer soon")
                    .check(!escape, "no escape code");
                no_agent_remains(&account);
            });
        }
    });
}

/// A shell that a login script turns into another one.
#[test]
fn login_scripts_that_become_another_shell() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    for shell in ["/bin/tcsh", "/bin/fish", "/bin/dash"] {
        let account = Account::new("/bin/bash");
        // It reads what was meant for the agent as commands: they must be none.
        account.write(".bashrc", format!("exec {shell}\n"));
        let start = Instant::now();
        let run = client
            .over(format!("{}/etc", sshd.at(&account)))
            .args(COUNT);
        let run = run.run().code(4).stdout("");
        run.check(start.elapsed() < SOON, "an answer soon");
    }
}

/// `MaxSessions 1`, a slow login, and a server that drops most of those who come at once.
#[test]
fn servers_with_little_room() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::new().line("MaxSessions 1").start();
    let account = sshd.root();
    let site = site_of(&account);
    site.login("admin", "A", "::1");
    let client = Client::of(&sshd);
    for _ in 0..2 {
        let run = client.over(place(&sshd, &account, &site)).args(COUNT);
        run.run().success().stdout("1\n");
    }
    let busy = Sshd::new().line("MaxStartups 2:50:10").start();
    let client = Client::of(&busy);
    let account = busy.root();
    let at = place(&busy, &account, &site);
    // First contact once; then all at the same time.
    client.over(&at).args(COUNT).run().success();
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| client.over(&at).args(COUNT).run().success().stdout("1\n"));
        }
    });
    assert!(busy.logins() == 13, "{}", busy.log());
    assert!(busy.log().contains("past MaxStartups"), "it had room");
}
