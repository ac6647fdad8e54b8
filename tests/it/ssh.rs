//! A site on another host: asked and changed over a real ssh server, as root and as its owner.

use std::os::unix::fs::symlink;
use std::time::Duration;

use kickout_tests::{
    Account, Client, MariaDb, Owner, Site, Sshd, WordPress, mode_and_mtime, needs, until,
};

/// The words of a plain listing.
pub(crate) const COUNT: [&str; 5] = ["user", "session", "list", "admin", "--format=count"];

/// The words of a plain destroy.
pub(crate) const DESTROY: [&str; 4] = ["user", "session", "destroy", "admin"];

/// A site that belongs to this account.
pub(crate) fn site_of(account: &Account) -> Site {
    owned_by(account).install()
}

/// The same on a database server of its own: whether somebody waits for a lock is known of a whole
/// server only.
pub(crate) fn site_alone(account: &Account) -> Site {
    owned_by(account).install_on(&MariaDb::start())
}

fn owned_by(account: &Account) -> WordPress {
    WordPress::new().owner(match account.name() {
        "root" => Owner::web(),
        _ => account.owner(),
    })
}

/// The connection string of a site's root.
pub(crate) fn place(sshd: &Sshd, account: &Account, site: &Site) -> String {
    format!("{}{}", sshd.at(account), site.root().display())
}

/// Nothing of ours runs there any more.
pub(crate) fn no_agent_remains(account: &Account) {
    until("the agent ends", Duration::from_secs(60), || {
        account.agents().is_empty().then_some(())
    });
}

#[test]
fn as_root_and_as_the_owner() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    for account in [sshd.root(), Account::new("/bin/bash")] {
        let site = site_of(&account);
        let cookies = site.logins(&[("admin", "A", "::1"), ("admin", "B", "::1")]);
        let at = place(&sshd, &account, &site);
        let list = client.over(&at).args(COUNT).run();
        list.success().stdout("2\n");
        let delivered = account.delivered();
        let [agent] = &delivered[..] else {
            panic!("one agent was expected: {delivered:?}");
        };
        let name = agent.file_name().unwrap().to_str().unwrap();
        let hash = name.strip_prefix("agent-").unwrap_or_default();
        assert!(hash.len() == 64 && hash.bytes().all(|it| it.is_ascii_hexdigit()));
        let found = mode_and_mtime(agent);
        assert_eq!(found.0, 0o500, "{}", agent.display());
        assert_eq!(mode_and_mtime(agent.parent().unwrap()).0, 0o700);

        // Written again it would be another file.
        let inode = inode(agent);
        client.over(&at).args(DESTROY).run().success();
        assert_eq!(site.valid_cookies(&cookies), [true, false]);
        assert_eq!(inode, self::inode(agent));
        assert_eq!(account.delivered(), delivered);
        let doctor = client.over(&at).arg("doctor").run().code(0);
        doctor
            .stdout_has(&format!("{} (WordPress ", site.root().display()))
            .never_says(&site.database().password);
        no_agent_remains(&account);
    }
}

fn inode(file: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(file).unwrap().ino()
}

/// What `sh`, or a shell that is none, could make of a path.
#[test]
fn paths_that_a_shell_could_read() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let (client, account) = (Client::of(&sshd), sshd.root());
    let site = site_of(&account);
    site.login("admin", "A", "::1");
    let names = [
        "with space",
        "it's",
        "\"quoted\"",
        "$(touch pwned)",
        "`touch pwned`",
        "a;touch pwned",
        "a&&touch pwned",
        "$HOME",
        "*",
        "-rf",
        "back\\slash",
        "hash#mark",
        "日本",
        "!!",
    ];
    for name in names {
        let link = site.around().join(name);
        symlink(site.root(), &link).unwrap();
        let at = format!("{}{}", sshd.at(&account), link.display());
        client.over(at).args(COUNT).run().success().stdout("1\n");
        // As the root itself it is taken as it stands, too.
        let path = format!("--path={}", link.display());
        let run = client.over(sshd.at(&account)).args(COUNT).arg(path).run();
        run.success().stdout("1\n");
    }
    let pwned = [account.home(), site.root(), site.around().path()]
        .map(|folder| folder.join("pwned").exists());
    assert_eq!(pwned, [false; 3]);
    assert!(!std::path::Path::new("/root/pwned").exists());
}

/// A home on the other side, the directory one arrives in, and places that are none.
#[test]
fn where_the_search_begins() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let (client, account) = (Client::of(&sshd), Account::new("/bin/sh"));
    let site = site_of(&account);
    site.login("admin", "A", "::1");
    symlink(site.root(), account.home().join("web")).unwrap();
    let at = sshd.at(&account);
    for path in ["~/web", &format!("~{}/web", account.name())] {
        let run = client.over(format!("{at}{path}")).args(COUNT).run();
        run.success().stdout("1\n");
    }
    // Upward, as in a site's own folder.
    let deep = format!("{at}{}/wp-content/plugins", site.root().display());
    client.over(deep).args(COUNT).run().success().stdout("1\n");
    let nowhere = client.over(format!("{at}/no/such/place")).args(COUNT).run();
    nowhere.code(1).stdout("").stderr_has("/no/such/place");
    let nothing = client.over(format!("{at}/etc")).args(COUNT).run();
    nothing
        .code(1)
        .stderr_has("This does not seem to be a WordPress installation.");
}

/// Every login shell hands the one line on to `sh` unchanged.
#[test]
fn login_shells() {
    needs!(Sshd, WordPress);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let shells = [
        "/bin/bash",
        "/bin/dash",
        "busybox sh",
        "/bin/tcsh",
        "/bin/fish",
        "/bin/zsh",
    ];
    for shell in shells {
        let account = Account::new(shell);
        let site = site_of(&account);
        let cookie = site.login("admin", "A", "::1");
        let at = place(&sshd, &account, &site);
        for _ in 0..2 {
            let run = client.over(&at).args(COUNT).run();
            let met = run.code == Some(0) && run.stdout == "1\n" && run.stderr.is_empty();
            run.check(met, shell);
        }
        client.over(&at).args(DESTROY).run().success();
        assert!(!site.cookie_is_valid(&cookie), "{shell}");
        assert_eq!(account.delivered().len(), 1, "{shell}");
        no_agent_remains(&account);
    }
}

/// What an operator writes once: an alias, a host of the ssh configuration, a jump host.
#[test]
fn configurations() {
    needs!(Sshd, WordPress);
    let (sshd, gate) = (Sshd::start(), Sshd::start());
    let account = sshd.root();
    let site = site_of(&account);
    site.login("admin", "A", "::1");
    let root = site.root().display();
    let hosts = format!(
        "Host web\n  HostName 127.0.0.1\n  Port {}\n  User root\n\
         Host gate\n  HostName 127.0.0.1\n  Port {}\n  User root\n\
         Host behind\n  HostName 127.0.0.1\n  Port {}\n  User root\n  ProxyJump gate\n",
        sshd.port(),
        gate.port(),
        sshd.port()
    );
    // Both let the same key in.
    let authorized = "authorized";
    std::fs::copy(sshd.dir().join(authorized), gate.dir().join(authorized)).unwrap();
    let client = Client::of(&sshd).knows(&gate).config(&hosts);
    client
        .over(format!("web{root}"))
        .args(COUNT)
        .run()
        .success()
        .stdout("1\n");
    assert_eq!(gate.logins(), 0);
    client
        .over(format!("behind{root}"))
        .args(COUNT)
        .run()
        .success()
        .stdout("1\n");
    assert_eq!(gate.logins(), 1);
    let jump = format!("--ssh-args=-J root@127.0.0.1:{}", gate.port());
    let run = client
        .over(format!("web{root}"))
        .args(COUNT)
        .arg(jump)
        .run();
    run.success().stdout("1\n");
    assert_eq!(gate.logins(), 2);
    let yaml = format!(
        "@one:\n  ssh: {}{root}\n@two:\n  ssh: behind\n  path: {root}\n",
        sshd.at(&account)
    );
    std::fs::write(client.home().join("wp-cli.yml"), yaml).unwrap();
    for alias in ["@one", "@two"] {
        let run = client.kickout().arg(alias).args(COUNT).run();
        run.success().stdout("1\n");
    }
    // The gate's own identity is asked for just as well.
    let stranger = Client::of(&sshd).config(&hosts);
    let run = stranger.over(format!("behind{root}")).args(COUNT).run();
    run.code(8)
        .stderr_has(&format!("127.0.0.1:{}", gate.port()));
    assert!(!gate.log().contains("Failed publickey"));
}

/// Sites on one host share one connection, also where the host allows only one command at a time.
#[test]
fn a_group_on_one_host() {
    needs!(Sshd, WordPress);
    for lines in ["MaxSessions 10", "MaxSessions 1"] {
        let sshd = Sshd::new().line(lines).start();
        let (client, account) = (Client::of(&sshd), sshd.root());
        let sites = [site_of(&account), site_of(&account)];
        let cookies = sites.each_ref().map(|site| site.login("admin", "A", "::1"));
        let yaml = format!(
            "@one:\n  ssh: {}\n@two:\n  ssh: {}\n@both:\n  - @one\n  - @two\n",
            place(&sshd, &account, &sites[0]),
            place(&sshd, &account, &sites[1])
        );
        std::fs::write(client.home().join("wp-cli.yml"), yaml).unwrap();
        let run = client.kickout().arg("@both").args(DESTROY).run();
        run.code(0);
        for (site, cookie) in sites.iter().zip(&cookies) {
            assert!(!site.cookie_is_valid(cookie));
        }
        assert_eq!(sshd.logins(), 1, "{}", sshd.log());
    }
}
