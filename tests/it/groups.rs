//! One command on many sites: each is worked on, shown in the order of the group, and counted in
//! the exit code; one that is not there stops nobody.

use std::io::ErrorKind;
use std::net::TcpListener;

use kickout_tests::{Kickout, Output, Scratch, Site, WordPress, needs};
use serde_json::Value;

use crate::running::Running;

const DESTROY: [&str; 5] = ["user", "session", "destroy", "admin", "--all"];
const LIST: [&str; 4] = ["user", "session", "list", "admin"];

/// Three sites as aliases, with a fourth that is not there.
struct Three {
    home: Scratch,
    sites: [Site; 3],
}

impl Three {
    fn new() -> Self {
        let home = Scratch::new("groups");
        let sites = [(); 3].map(|()| WordPress::new().install());
        let mut file = String::new();
        for (name, site) in ["web1", "web2", "web3"].iter().zip(&sites) {
            file.push_str(&format!("@{name}:\n  path: {}\n", site.root().display()));
        }
        file.push_str(
            "@dead:\n  path: /nowhere/at/all\n\
             @live:\n  - @web2\n  - @web1\n  - @web3\n\
             @some:\n  - @web1\n  - @dead\n  - @web2\n\
             @one:\n  - @web1\n\
             @gone:\n  - @dead\n\
             @nested:\n  - @live\n  - @web1\n",
        );
        home.write("wp-cli.yml", file);
        Self { home, sites }
    }

    fn login(&self) {
        for site in &self.sites {
            site.logins(&[("admin", "A", "::1"), ("admin", "B", "::2")]);
        }
    }

    fn left(&self) -> [usize; 3] {
        [0, 1, 2].map(|index: usize| self.sites[index].sessions("admin").len())
    }

    fn kickout(&self, group: &str, args: &[&str]) -> Kickout {
        Kickout::new()
            .cwd(self.home.path())
            .arg(format!("@{group}"))
            .args(args)
    }

    fn run(&self, group: &str, args: &[&str]) -> Output {
        self.kickout(group, args).run()
    }
}

#[test]
fn a_destroy_on_many_sites() {
    needs!(WordPress);
    let three = Three::new();

    three.login();
    let run = three.run("live", &DESTROY).code(0);
    let run = run.stdout(
        "@web2\nSuccess: Destroyed all sessions.\n\
         @web1\nSuccess: Destroyed all sessions.\n\
         @web3\nSuccess: Destroyed all sessions.\n",
    );
    run.stderr(
        "@web2: gone, 2 sessions of 1 user\n\
         @web1: gone, 2 sessions of 1 user\n\
         @web3: gone, 2 sessions of 1 user\n\
         3 sites: 3 gone.\n",
    );
    assert_eq!(three.left(), [0; 3]);

    // One that is not there: the others are done, the code says so, the error has a name.
    three.login();
    let run = three.run("some", &DESTROY).code(3);
    let run = run.stdout(
        "@web1\nSuccess: Destroyed all sessions.\n@dead\n@web2\nSuccess: Destroyed all sessions.\n",
    );
    run.stderr_has("Error: @dead: This does not seem to be a WordPress installation.")
        .stderr_has("3 sites: 2 gone, 1 failed (@dead).\n");
    assert_eq!(three.left(), [0, 0, 2]);

    // All fail in the same way: that is the code.
    three
        .run("live", &["user", "session", "list", "nobody"])
        .code(1);
    three.run("gone", &DESTROY).code(1).stdout("@dead\n");

    // A site is visited once, also by a plain destroy, however often it is named.
    three.sites[0].logins(&[("admin", "A", "::1"), ("admin", "B", "::2")]);
    three
        .run("nested", &["user", "session", "destroy", "admin"])
        .code(0);
    assert_eq!(three.left(), [1, 0, 1]);

    // @all is every site once, and no group.
    let run = three.run("all", &["user", "session", "destroy", "admin", "--dry-run"]);
    let headers: Vec<&str> = run
        .stdout
        .lines()
        .filter(|it| it.starts_with('@'))
        .collect();
    assert_eq!(headers, ["@web1", "@web2", "@web3", "@dead"]);
    run.code(3);

    // Quiet: errors only, and the code.
    three
        .run("one", &[&DESTROY[..], &["--quiet"]].concat())
        .code(0)
        .stdout("")
        .stderr("");
    let run = three
        .run("some", &[&DESTROY[..], &["--quiet"]].concat())
        .code(3)
        .stdout("");
    assert_eq!(run.stderr.matches("@").count(), 1, "{}", run.to_snapshot());
    assert_eq!(three.left(), [0, 0, 1]);

    // Nothing to do is no failure, and one at a time is enough.
    let run = three
        .run("live", &[&DESTROY[..4], &["--parallel=1"]].concat())
        .code(0);
    run.stderr_has("3 sites: 1 gone, 2 skipped.\n");
}

#[test]
fn a_listing_of_many_sites() {
    needs!(WordPress);
    let three = Three::new();
    three.login();
    let list = |group: &str, args: &[&str]| three.run(group, &[&LIST[..], args].concat());

    let run = list("live", &[]).code(0);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "site\ttoken\tlogin_time\texpiration_time\tip\tua");
    let sites: Vec<&str> = lines[1..].iter().map(|line| &line[..4]).collect();
    assert_eq!(sites, ["web2", "web2", "web1", "web1", "web3", "web3"]);
    run.stderr("3 sites: 3 answered.\n");

    let run = list("live", &["--format=csv"]).code(0);
    assert_eq!(run.stdout.matches("site,token,").count(), 1);
    assert_eq!(run.stdout.lines().count(), 7);

    // What one site lacks is in nobody's rows, and the array is whole.
    let run = list("some", &["--format=json"]).code(3);
    let rows: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    let sites: Vec<&str> = rows
        .iter()
        .map(|row| row["site"].as_str().unwrap())
        .collect();
    assert_eq!(sites, ["web1", "web1", "web2", "web2"]);
    run.stderr_has("Error: @dead: ");

    let run = list("live", &["--format=jsonl", "--fields=ip,site"]).code(0);
    assert_eq!(
        run.stdout.lines().next(),
        Some(r#"{"ip":"::1","site":"web2"}"#)
    );
    let run = list("one", &["--format=yaml"]).code(0);
    assert_eq!(
        run.stdout.matches("\n  site: web1\n").count() + run.stdout.matches("- site: web1").count(),
        2,
        "{}",
        run.stdout
    );

    // What has no place for a name stands below one.
    list("live", &["--format=count"])
        .code(0)
        .stdout("@web2\n2\n@web1\n2\n@web3\n2\n");
    list("live", &["--format=count", "--quiet"])
        .code(0)
        .stdout("2\n2\n2\n");
    let run = list("one", &["--field=ip"]).code(0);
    run.stdout("@web1\n::1\n::2\n");
    let run = list("one", &["--format=ids"]).code(0);
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);

    // Nobody answers: nothing that would look like an answer.
    list("gone", &["--format=json"]).code(1).stdout("");
    // A reader that goes away is no error.
    let run = three.kickout("live", &[&LIST[..], &["--format=csv"]].concat());
    run.closed_stdout().run().code(0);

    let run = three.run("live", &["doctor"]);
    assert_eq!(
        run.stdout.matches("\nok    root").count(),
        3,
        "{}",
        run.to_snapshot()
    );
}

#[test]
fn the_group_is_asked_about_once() {
    needs!(WordPress);
    let three = Three::new();
    three.login();
    let all = ["user", "session", "destroy", "--all-users"];

    let run = three.run("some", &all).code(7).stdout("");
    run.stderr_has("This logs out 2 users (4 sessions) on 2 sites.");
    assert_eq!(three.left(), [2; 3]);

    for (typed, code, left) in [("n\n", 7, [2, 2, 2]), ("y\n", 3, [0, 0, 2])] {
        let mut terminal = three.kickout("some", &all).tty(100);
        terminal
            .expect("This logs out 2 users (4 sessions) on 2 sites.")
            .expect("[y/N] ")
            .send(typed);
        let ended = terminal.finish().code(code);
        if code == 3 {
            ended
                .stdout_has("@dead: This does not seem")
                .stdout_has("3 sites: 2 gone, 1 failed (@dead).");
        }
        assert_eq!(three.left(), left);
    }
    three.run("some", &[&all[..], &["--yes"]].concat()).code(3);
}

#[test]
fn words_about_many_hosts_are_strict() {
    let home = Scratch::new("words");
    home.write("wp-cli.yml", "@a:\n  path: /x\n@g:\n  - @a\n");
    for (arg, said) in [
        ("--parallel=0", "1 to 1024"),
        ("--parallel=many", "1 to 1024"),
        ("--parallel", "needs a value"),
        ("--via=docker:web", "does not"),
        ("--via=u:p@h", "Error: "),
        ("--sudo", "--sudo has no effect on local"),
        ("--sudo=-x", "Error: "),
        ("--accept-new-host-keys=perhaps", "accept-new-host-keys"),
    ] {
        let run = Kickout::new()
            .cwd(home.path())
            .arg("@g")
            .args(LIST)
            .arg(arg);
        run.run().code(2).stdout("").stderr_has(said);
    }
}

/// Option before environment before files; what is no number of hosts is refused where it stands.
#[test]
fn how_many_hosts_at_once_is_a_setting() {
    let home = Scratch::new("setting");
    let kickout = |file: &str, variable: &str| {
        home.write("wp-cli.yml", format!("kickout:\n  parallel: {file}\n"));
        let run = Kickout::new().cwd(home.path());
        match variable {
            "" => run,
            _ => run.env("KICKOUT_PARALLEL", variable),
        }
    };
    let file = home.path().join("wp-cli.yml:2");
    let shown = |run: Kickout| run.args(["config", "show", "--origin"]).run();
    shown(Kickout::new()).stdout_has("kickout.parallel: 32  # default\n");
    let from_file = format!("kickout.parallel: 7  # {}\n", file.display());
    shown(kickout("7", "")).code(0).stdout_has(&from_file);
    let from_env = "kickout.parallel: 9  # environment KICKOUT_PARALLEL\n";
    shown(kickout("7", "9")).code(0).stdout_has(from_env);
    for (file, variable, origin) in [
        ("0", "", "wp-cli.yml:2"),
        ("many", "", "wp-cli.yml:2"),
        ("7", "1025", "environment KICKOUT_PARALLEL"),
    ] {
        let run = shown(kickout(file, variable)).code(2).stdout("");
        let run = run.stderr_has(origin);
        run.stderr_has("'parallel' takes a number from 1 to 1024");
    }

    // Two hosts that hang up: with one at a time the second waits until the first is given up.
    let hosts = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = hosts.each_ref().map(|it| it.local_addr().unwrap().port());
    hosts[1].set_nonblocking(true).unwrap();
    home.write(
        "wp-cli.yml",
        format!(
            "kickout:\n  parallel: 1\n@a:\n  ssh: root@127.0.0.1:{}/x\n\
             @b:\n  ssh: root@127.0.0.1:{}/x\n@g: [@a, @b]\n",
            ports[0], ports[1]
        ),
    );
    let args: Vec<_> = ["@g"].into_iter().chain(LIST).collect();
    let running = Running::start_at(home.path(), home.path(), &args, "");
    let [first, second] = hosts;
    for attempt in 1..=3 {
        drop(first.accept().unwrap());
        let early = second.accept().map(drop).unwrap_err();
        assert_eq!(early.kind(), ErrorKind::WouldBlock, "attempt {attempt}");
    }
    drop(first);
    second.set_nonblocking(false).unwrap();
    drop(second.accept().unwrap());
    drop(second);
    assert_eq!(running.end().code, Some(4));
}
