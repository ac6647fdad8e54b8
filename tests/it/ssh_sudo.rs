//! A site of somebody else: who may not read it is told so, and `--sudo` becomes who may.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kickout_tests::{Account, Client, Owner, Sshd, WordPress, needs};

use crate::ssh::{COUNT, DESTROY, no_agent_remains, place};

/// A line of sudo's configuration; it goes with the value.
struct Sudoers(PathBuf);

impl Sudoers {
    fn of(account: &Account, rule: &str) -> Self {
        let path = Path::new("/etc/sudoers.d").join(account.name());
        fs::write(&path, format!("{} {rule}\n", account.name())).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o440)).unwrap();
        Self(path)
    }
}

impl Drop for Sudoers {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A site of the web server's account, met by somebody else.
#[test]
fn a_site_of_somebody_else() {
    needs!(Sshd, Sudo, WordPress);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let account = Account::new("/bin/bash");
    let site = WordPress::new().install();
    let cookie = site.login("admin", "A", "::1");
    let at = place(&sshd, &account, &site);
    let said = format!(
        "Error: {} cannot read {}/wp-config.php (owner www-data, mode 0640). Try --sudo or log in \
         as www-data.\n",
        account.name(),
        site.root().display()
    );
    client
        .over(&at)
        .args(DESTROY)
        .run()
        .code(1)
        .stdout("")
        .stderr(&said);
    assert!(site.cookie_is_valid(&cookie));

    // Not allowed: told so, and nobody is asked for a password here.
    let run = client.over(&at).args(DESTROY).arg("--sudo").run();
    run.code(4)
        .stdout("")
        .stderr_has("sudo")
        .stderr_has("/etc/sudoers");
    let _rule = Sudoers::of(&account, "ALL=(ALL) NOPASSWD: ALL");
    client
        .over(&at)
        .args(COUNT)
        .arg("--sudo")
        .run()
        .success()
        .stdout("1\n");
    let run = client.over(&at).args(DESTROY).arg("--sudo=www-data").run();
    run.success();
    assert!(!site.cookie_is_valid(&cookie));
    no_agent_remains(&account);
    forget(&[0, Owner::web().uid]);
    // A group that may read it needs nothing of the kind.
    let done = Command::new("usermod")
        .args(["-aG", "www-data", account.name()])
        .status();
    assert!(done.unwrap().success());
    client.over(&at).args(COUNT).run().success().stdout("0\n");
}

/// On a terminal sudo's password is asked for, goes nowhere but to sudo, and may be wrong once.
#[test]
fn a_password_for_sudo() {
    needs!(Sshd, Sudo, WordPress);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let account = Account::new("/bin/bash");
    let mut change = Command::new("chpasswd")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let line = format!("{}:s3cret-sudo\n", account.name());
    std::io::Write::write_all(&mut change.stdin.take().unwrap(), line.as_bytes()).unwrap();
    assert!(change.wait().unwrap().success());
    let _rule = Sudoers::of(&account, "ALL=(ALL) ALL");
    let site = WordPress::new().install();
    site.login("admin", "A", "::1");
    let at = place(&sshd, &account, &site);
    let run = client.over(&at).args(COUNT).arg("--sudo").run();
    run.code(4).stdout("").stderr_has("password");
    let mut tty = client.over(&at).args(COUNT).arg("--sudo").tty(120);
    tty.expect("Password").send_unseen("s3cret-sudo\r");
    let run = tty.finish().code(0).never_says("s3cret-sudo");
    run.stdout_has("1\r\n");
    // A wrong one is said at once and asked for again, twice at most.
    let mut tty = client.over(&at).args(COUNT).arg("--sudo").tty(120);
    tty.expect("Password").send_unseen("wr0ng\r");
    tty.expect("Wrong. [sudo] Password")
        .send_unseen("s3cret-sudo\r");
    let run = tty.finish().code(0).never_says("wr0ng");
    run.stdout_has("1\r\n").never_says("KICKOUT-SUDO");
    let mut tty = client.over(&at).args(COUNT).arg("--sudo").tty(120);
    tty.expect("Password").send_unseen("wr0ng\r");
    tty.expect("Wrong.").send_unseen("wr0ng\r");
    tty.expect("Wrong.").send_unseen("wr0ng\r");
    let run = tty.finish().never_says("wr0ng");
    run.code(4)
        .stdout_has("does not let")
        .stdout_has("3 incorrect password attempts");
    // Ctrl-C is an answer as well.
    let mut tty = client.over(&at).args(COUNT).arg("--sudo").tty(120);
    tty.expect("Password").send("\x03");
    tty.finish().code(130);
    no_agent_remains(&account);
    forget(&[0]);
}

/// Removes the agents that lie in the common places for accounts that stay.
fn forget(accounts: &[u32]) {
    for uid in accounts {
        let _ = fs::remove_dir_all(format!("/tmp/.kickout-{uid}"));
    }
}
