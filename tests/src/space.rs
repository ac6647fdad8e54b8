//! Networks of a test's own: network namespaces without a name, joined by cables. The kernel
//! removes a namespace, its links and its rules with the last process in it, so nothing is left
//! however the test ends, and nothing of the machine's own network is touched.

use std::process::Command;

use crate::scratch::{run, text};
use crate::{Guarded, Scratch};

/// Where the tools are.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A network namespace, held by a process that only waits. The processes that a test starts in it
/// end with their own values.
#[derive(Debug)]
pub struct Space {
    holder: Guarded,
}

impl Space {
    /// An empty one, with a loopback of its own.
    #[expect(clippy::new_without_default)]
    pub fn new() -> Self {
        let scratch = Scratch::new("space");
        let alive = scratch.write("alive", "");
        let ready = scratch.join("ready");
        let mut holder = Command::new("unshare");
        // The folder stands in its command line, by which it is known to the watchdog.
        holder
            .env("PATH", PATH)
            .args(["--net", "--", "sh", "-c"])
            .arg(r#"ip link set lo up && : >"$1" && exec tail -f "$2""#)
            .args(["sh", &text(&ready), &text(&alive)]);
        let mut holder = Guarded::spawn(holder, scratch);
        crate::until(
            "the namespace is there",
            std::time::Duration::from_secs(10),
            || {
                assert!(!holder.has_ended(), "no network namespace could be made");
                ready.exists().then_some(())
            },
        );
        Self { holder }
    }

    /// Joins this one, as `10.77.<net>.1`, and another, as `10.77.<net>.2`; both call their end
    /// `eth<net>`.
    pub fn link(&self, other: &Self, net: u8) {
        let (name, pid) = (format!("eth{net}"), other.holder.pid().to_string());
        let cable = [
            "link", "add", &name, "type", "veth", "peer", "name", &name, "netns", &pid,
        ];
        self.run("ip", &cable);
        for (space, end) in [(self, 1), (other, 2)] {
            space.run(
                "ip",
                &["addr", "add", &address(net, end, "/30"), "dev", &name],
            );
            space.run("ip", &["link", "set", &name, "up"]);
        }
    }

    /// Pulls the plug of a cable: what is sent is lost, and nobody is told.
    pub fn unplug(&self, net: u8) {
        self.run("ip", &["link", "set", &format!("eth{net}"), "down"]);
    }

    /// Puts it in again.
    pub fn plug(&self, net: u8) {
        self.run("ip", &["link", "set", &format!("eth{net}"), "up"]);
    }

    /// Throws away what comes in and matches: words of iptables, such as `-p tcp --syn`.
    pub fn lose(&self, what: &str) {
        let words = format!("--wait -A INPUT {what} -j DROP");
        self.run("iptables", &words.split(' ').collect::<Vec<_>>());
    }

    /// Loses nothing any more.
    pub fn heal(&self) {
        self.run("iptables", &["--wait", "-F", "INPUT"]);
    }

    /// A command that will run in it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(self.words()).arg(program).env("PATH", PATH);
        command
    }

    /// The words for `nsenter`, to be followed by a program.
    pub(crate) fn words(&self) -> [String; 2] {
        let net = format!("--net=/proc/{}/ns/net", self.holder.pid());
        [net, "--".to_owned()]
    }

    fn run(&self, program: &str, args: &[&str]) {
        run(self.command(program).args(args));
    }
}

/// `10.77.<net>.<end>` with what follows.
fn address(net: u8, end: u8, more: &str) -> String {
    format!("10.77.{net}.{end}{more}")
}
