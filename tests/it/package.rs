//! The Debian package of the bridge, made by `packaging/deb`, on a machine with a real systemd: put
//! there, used, replaced, taken away, and nothing left.

use std::os::unix::fs::symlink;
use std::process::Command;

use kickout_tests::{Binaries, Machine, Scratch, needs, workspace_root};

/// Everything that the package, or the bridge it brings, puts somewhere.
const PLACES: &str = "/usr/lib/kickout /usr/sbin/kickout-bridge /lib/systemd/system/kickout-bridge.service \
     /etc/kickout /var/lib/kickout-bridge /etc/systemd/system/kickout-bridge.service.d \
     /usr/share/doc/kickout-bridge";

/// Makes it of the programs that were just built.
fn made(out: &Scratch) -> String {
    let arch = std::env::consts::ARCH;
    let built = Binaries::dev();
    for (name, program) in [("bridge", &built.bridge), ("agent", &built.agent)] {
        symlink(program, out.join(format!("kickout-{name}-{arch}"))).unwrap();
    }
    let made = Command::new(workspace_root().join("packaging/deb"))
        .arg(format!("--out={}", out.path().display()))
        .arg(out.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    assert!(made.status.success(), "{said}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// `kickout bridge …` on the machine itself.
fn bridge(machine: &Machine, words: &str) -> (bool, String) {
    let built = Binaries::dev();
    let (kickout, bridge, agent) = (&built.kickout, &built.bridge, &built.agent);
    let line = format!(
        "{} bridge {words} --bridge={} --agent={} 2>&1",
        kickout.display(),
        bridge.display(),
        agent.display()
    );
    let done = machine.command("sh").args(["-c", &line]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    (done.status.success(), said)
}

#[test]
fn installed_used_replaced_and_purged() {
    needs!(Machine);
    let out = Scratch::new("deb");
    let package = made(&out);
    let machine = Machine::start(&[]);
    machine.says("mkdir -p /srv/shop && chown www-data /srv/shop");
    machine.says(&format!("dpkg -i {package} 2>&1"));
    let state = "systemctl is-active kickout-bridge; systemctl is-enabled kickout-bridge";
    let state = || machine.says(&format!("{{ {state}; }} || true"));
    assert_eq!(
        state(),
        "inactive\ndisabled",
        "without a site it does not run"
    );
    assert_eq!(machine.says("stat -c %a /"), "755");
    let modes = "stat -c '%a %U' /etc/kickout/kickout-bridge.toml /var/lib/kickout-bridge";
    assert_eq!(machine.says(modes), "600 root\n700 root");
    assert_eq!(machine.says("id -un kickout-bridge"), "kickout-bridge");

    // The site comes into the package's configuration, below its comments.
    let words = "install --site=/srv/shop --url=http://shop.test";
    let (done, said) = bridge(&machine, words);
    assert!(
        done && said.contains("\nkob_"),
        "{said}\n{}",
        machine.journal()
    );
    assert!(
        said.contains("those of the package kickout-bridge"),
        "{said}"
    );
    assert_eq!(state(), "active\nenabled");
    let config = machine.reads("/etc/kickout/kickout-bridge.toml");
    assert!(
        config.starts_with("# What kickout-bridge serves"),
        "{config}"
    );
    for words in ["upgrade", "remove --yes"] {
        let (done, said) = bridge(&machine, words);
        assert!(!done && said.contains("apt-get remove"), "{said}");
    }
    let (done, said) = bridge(&machine, "status");
    assert!(
        done && said.contains("it runs, and starts with the host"),
        "{said}"
    );

    // The next one takes its place while it runs; what the operator wrote stays.
    let pid = "systemctl show --property=MainPID --value kickout-bridge";
    let before = machine.says(pid);
    machine.says(&format!("dpkg -i {package} 2>&1"));
    assert_eq!(state(), "active\nenabled");
    assert_ne!(machine.says(pid), before);
    assert_eq!(machine.reads("/etc/kickout/kickout-bridge.toml"), config);

    machine.says("dpkg -r kickout-bridge 2>&1");
    assert!(state().starts_with("inactive"), "{}", state());
    let kept = "ls /etc/kickout/kickout-bridge.toml /var/lib/kickout-bridge/tokens.json";
    machine.says(kept);
    machine.says("dpkg -P kickout-bridge 2>&1");
    assert_eq!(
        machine.says(&format!("ls -d {PLACES} 2>/dev/null || true")),
        ""
    );
    assert_eq!(
        machine.says("grep -c kickout-bridge: /etc/passwd || true"),
        "0"
    );
}
