//! Another account of the host that exchanges things in shared directories while the agent comes.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use kickout_tests::{Account, Client, Scratch, Sshd, needs};
use rustix::process::{Pid, Signal, kill_process};

use crate::ssh::{COUNT, no_agent_remains};

/// The directories where everybody may put things.
const SHARED: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Exchanges, as fast as it can, what has the name of somebody's place: a directory that only we
/// enter, one for everybody, and a link to a directory of theirs. What appears in ours is replaced
/// by a program of ours.
const ATTACK: &str = r##"
use strict;
my ($uid, $theirs, $base, @shared) = @ARGV;
my $parent = getppid();
my $renameat2 = `uname -m` =~ /aarch64/ ? 276 : 316;
umask 0;
open(my $evil, '>', "$base/evil") or die;
print $evil "#!/bin/sh\ntouch $base/pwned\n";
close $evil;
chmod 0755, "$base/evil";
my @at;
for my $shared (@shared) {
    my ($own, $place) = ("$shared/.attack-$uid", "$shared/.kickout-$uid");
    mkdir $own, 0755;
    mkdir "$own/closed", 0700;
    mkdir "$own/open", 0777;
    symlink $theirs, "$own/link";
    rename "$own/closed", $place or die;
    push @at, [$place, $own, 'closed'];
}
my $swaps = 0;
$SIG{TERM} = sub { print "$swaps\n"; exit };
$| = 1;
print "ready\n";
while (getppid() == $parent) {
    for my $want ('link', 'closed', 'open', 'closed') {
        for my $it (@at) {
            my ($place, $own, $is) = @$it;
            next if syscall($renameat2, -100, "$own/$want", -100, $place, 2) != 0;
            rename "$own/$want", "$own/$is";
            $it->[2] = $want;
            $swaps++;
        }
    }
    next if rand() > 0.05;
    for my $new (map { glob "$_->[1]/open/.new-* $_->[0]/.new-*" } @at) {
        link "$base/evil", "$base/copy";
        rename "$base/copy", $new;
    }
}
"##;

struct Attacker {
    child: Child,
    said: BufReader<ChildStdout>,
    uid: u32,
}

impl Attacker {
    fn start(of: &Account, victim: &Account, theirs: &Path, base: &Path) -> Self {
        let (owner, uid) = (of.owner(), victim.owner().uid);
        let mut child = Command::new("setpriv")
            .arg(format!("--reuid={}", owner.uid))
            .arg(format!("--regid={}", owner.gid))
            .args(["--clear-groups", "perl", "-e", ATTACK])
            .arg(uid.to_string())
            .args([theirs, base])
            .args(SHARED)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut attacker = Self { child, said, uid };
        assert_eq!(attacker.line(), "ready");
        attacker
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Ends it; how often it has exchanged something.
    fn swaps(&mut self) -> u64 {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let swaps = self.line().parse().unwrap();
        self.child.wait().unwrap();
        swaps
    }

    fn places(&self) -> Vec<PathBuf> {
        let names = SHARED.iter().flat_map(|shared| {
            ["attack", "kickout"].map(|name| format!("{shared}/.{name}-{}", self.uid))
        });
        names.map(PathBuf::from).collect()
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for place in self.places() {
            let _ = std::fs::remove_dir_all(&place);
            let _ = std::fs::remove_file(&place);
        }
    }
}

/// Everything in a directory that belongs to this account.
fn of_account(place: &Path, uid: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
        let facts = entry.metadata().unwrap();
        if facts.uid() == uid {
            found.push(entry.path());
        }
        if facts.is_dir() {
            found.extend(of_account(&entry.path(), uid));
        }
    }
    found
}

/// The home will not do, and somebody else has the shared places: nothing of his is run, nothing of
/// ours lands with him, and it is said that there is no place.
#[test]
fn nothing_foreign_runs_while_places_are_exchanged() {
    needs!(Sshd);
    let sshd = Sshd::start();
    let client = Client::of(&sshd);
    let (victim, other) = (Account::new("/bin/sh"), Account::new("/bin/sh"));
    let scratch = Scratch::new("race");
    let (theirs, base) = (scratch.join("theirs"), scratch.join("base"));
    for (folder, account) in [(&theirs, &victim), (&base, &other)] {
        std::fs::create_dir(folder).unwrap();
        account.owner().give(folder);
    }
    std::fs::remove_dir(victim.home()).unwrap();
    let at = format!("{}/etc", sshd.at(&victim));
    let mut attacker = Attacker::start(&other, &victim, &theirs, &base);
    let runs = if std::env::var_os("KICKOUT_TESTS_ALL").is_some() {
        200
    } else {
        10
    };
    for _ in 0..runs {
        let run = client.over(&at).args(COUNT).run();
        run.code(4).stdout("").stderr_has("no place for the agent");
    }
    let swaps = attacker.swaps();
    assert!(swaps > 10_000, "{swaps}");
    assert!(!base.join("pwned").exists());
    for place in attacker.places() {
        let landed = of_account(&place, victim.owner().uid);
        assert!(landed.is_empty(), "{landed:?}");
    }
    assert!(theirs.read_dir().unwrap().next().is_none());
    drop(attacker);
    // Without him it goes to the first of them.
    client.over(&at).args(COUNT).run().code(1);
    assert_eq!(victim.delivered().len(), 1);
    no_agent_remains(&victim);
}
