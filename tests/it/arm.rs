//! Machines of another architecture: the agent for aarch64, and a name for those that have none.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use kickout::deliver::Agents;
use kickout::exit::Exit;
use kickout::transport::OpenError;
use kickout_tests::{
    Binaries, Client, Container, Image, Kickout, Owner, Scratch, Sshd, WordPress, needs, quoted,
    target_dir, workspace_root,
};

use crate::docker::kickout;
use crate::ssh::{COUNT, DESTROY};
use crate::stored::wrapped_agent;

/// What mends it where `packaging/agents` has an answer.
const BUILD: &str = "packaging/agents builds kickout-agent-aarch64: give it with --agent=<file>, \
                     or build kickout with KICKOUT_AGENTS=<its folder>.";

/// What mends it where nothing of ours does.
const OTHER: &str = "Kickout supports x86_64 and aarch64.";

/// The figure of the design: an agent travels.
const MOST_BYTES: u64 = 6_000_000;

/// A real server, login and shell, where only `uname` is another machine's: in a mount namespace
/// of the login, as the line that looks for the agent trusts no PATH of the host.
#[test]
fn hosts_of_other_machines() {
    needs!(Sshd);
    let rows: [(&str, &str, &[&str]); 7] = [
        ("echo aarch64", "no agent for aarch64 (it", &[BUILD]),
        ("echo armv7l", "no agent for armv7l (it", &[OTHER]),
        ("echo riscv64", "no agent for riscv64 (it", &[OTHER]),
        // Nearly ours.
        ("echo x86_64:", "no agent for x86_64: (it", &[OTHER]),
        (
            "exit 1",
            "no agent for a machine that does not name its architecture",
            &[OTHER],
        ),
        (
            "printf '*; touch %s/pwned $(touch %s/pwned) \\033[31mred' $D $D",
            "no agent for *; touch ",
            &["red", OTHER],
        ),
        (
            "head -c 50000 /dev/zero | tr '\\0' x",
            "no agent for xxxxxxxx",
            &[OTHER],
        ),
    ];
    for (uname, said, more) in rows {
        println!("{uname}");
        let scratch = Scratch::new("uname");
        program(
            &scratch,
            "uname",
            &format!("D={}; {uname}", scratch.path().display()),
        );
        let bound = format!(
            "mount --bind {}/uname /usr/bin/uname && exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"",
            scratch.path().display()
        );
        let force = program(&scratch, "login", &bound);
        let line = format!("ForceCommand /usr/bin/unshare --mount {force}");
        refused(&line, &[&[said], more].concat());
        assert!(!scratch.join("pwned").exists());
    }
    // The real `uname` as a 32-bit kernel lets it speak.
    if cfg!(target_arch = "x86_64") {
        let line = "ForceCommand /usr/bin/setarch i686 /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"";
        refused(line, &["no agent for i686 (it carries: x86_64)", OTHER]);
    }
}

fn program(scratch: &Scratch, name: &str, script: &str) -> String {
    let file = scratch.write(name, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    file.display().to_string()
}

/// Said once and shortly, with 4; nothing is left on the host.
fn refused(line: &str, said: &[&str]) {
    let sshd = Sshd::new().line(line).start();
    let root = sshd.root();
    let at = sshd.at(&root);
    let client = Client::of(&sshd);
    let run = client.over(format!("{at}/etc")).args(COUNT).run();
    let mut run = run.code(4).stdout("");
    let place = format!("Error: {at}: ").replace("root@", "");
    for said in said.iter().copied().chain([place.as_str()]) {
        run = run.stderr_has(said);
    }
    let harmless = run.stderr.len() < 2_000 && !run.stderr.contains('\x1b');
    run.check(harmless, "a short error without escape codes");
    assert!(root.delivered().is_empty());
}

/// The engine says what an image was made for.
#[test]
fn containers_of_other_machines() {
    needs!(Root, Docker);
    for (label, arch, fix) in [
        ("arm64", "aarch64", BUILD),
        ("arm", "arm", OTHER),
        ("riscv64", "riscv64", OTHER),
    ] {
        println!("{label}");
        let container = Container::start(Image::Labelled(label), &[]);
        let name = container.name();
        let run = kickout()
            .arg(format!("--ssh=docker:{name}/etc"))
            .args(COUNT);
        run.run()
            .code(4)
            .stdout("")
            .stderr_has(&format!("the container `{name}`: this kickout carries"))
            .stderr_has(&format!("no agent for {arch} (it carries"))
            .stderr_has(fix);
        assert!(!container.exec(&["ls", "-A", "/tmp"]).contains("kickout"));
    }
}

/// This very machine, had kickout been built without an agent for it.
#[test]
fn this_machine_without_an_agent() {
    for (arch, fix) in [("aarch64", BUILD), ("loongarch64", OTHER)] {
        let agents = Agents::new(None).unwrap();
        if agents.get(arch).is_ok() {
            continue;
        }
        let error = OpenError::from(agents.get(arch).unwrap_err());
        assert_eq!(error.exit(), Exit::Unreachable);
        assert!(error.fix().starts_with(fix), "{}", error.fix());
        assert!(
            error
                .to_string()
                .contains(&format!("no agent for {arch} ("))
        );
    }
}

/// `--agent` with the program of another machine: said before anything is sent or started.
#[test]
fn an_agent_of_another_machine() {
    needs!(Sshd, Docker);
    // In an ELF file the machine stands in the bytes 18 and 19.
    let mut elf = fs::read(&Binaries::dev().agent).unwrap();
    let (own, other, number) = match std::env::consts::ARCH {
        "x86_64" => ("x86_64", "aarch64", 183),
        own => (own, "x86_64", 62),
    };
    elf[18] = number;
    let scratch = Scratch::new("other");
    let file = scratch.write("agent", elf);
    let agent = format!("--agent={}", file.display());
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let ssh = format!("--ssh={}/etc", sshd.at(&sshd.root()));
    let container = Container::start(Image::Busybox, &[]);
    let docker = format!("--ssh=docker:{}/etc", container.name());
    for place in ["--path=/etc", &ssh, &docker] {
        let run = kickout().env("HOME", client.home()).args([&agent, place]);
        run.args(COUNT)
            .run()
            .code(4)
            .stdout("")
            .stderr_has(&format!(
                "the agent {} is for {other}, not for {own}",
                file.display()
            ))
            .stderr_has(&format!("name kickout-agent-{own}"));
    }
    assert!(sshd.root().delivered().is_empty());
    assert!(!container.exec(&["ls", "-A", "/tmp"]).contains("kickout"));
}

/// Built as the documentation says, and at work on real sites under an emulator.
#[test]
fn the_agent_for_aarch64() {
    needs!(Aarch64, WordPress, WordPressSqlite, SlowAndFar);
    let scratch = Scratch::new("agents");
    let built = Command::new(workspace_root().join("packaging/agents"))
        .arg(format!("--out={}", scratch.path().display()))
        .arg("aarch64")
        .env("CARGO_TARGET_DIR", target_dir())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{said}");
    let agent = scratch.join("kickout-agent-aarch64");
    assert_eq!(
        String::from_utf8_lossy(&built.stdout),
        format!(
            "{}\n{}\n",
            agent.display(),
            scratch.join("kickout-bridge-aarch64").display()
        )
    );
    let size = fs::metadata(&agent).unwrap().len();
    assert!(size <= MOST_BYTES, "{size} bytes");
    assert!(!target_dir().join("agents-cache/root").exists());

    let emulated = format!(
        "exec qemu-aarch64 {} $NONCE",
        quoted(agent.to_str().unwrap())
    );
    let wrapper = wrapped_agent(&scratch, &emulated);
    // A file of root's own: for another owner's the agent starts itself anew, which this kernel
    // would do only with the emulator registered.
    let root = Owner { uid: 0, gid: 0 };
    let sqlite = WordPress::new().owner(root).install_sqlite();
    for site in [WordPress::new().install(), sqlite] {
        let cookies = site.logins(&[("admin", "A", "::1"), ("admin", "B", "::1")]);
        let run = |words: &[&str]| {
            Kickout::at(&site)
                .arg(format!("--agent={}", wrapper.display()))
                .args(words)
                .run()
        };
        run(&COUNT).success().stdout("2\n");
        run(&DESTROY).success();
        assert_eq!(site.valid_cookies(&cookies), [true, false]);
    }
}
