//! Many connections that are open at the same moment: what one of them costs.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kickout_tests::{MariaDb, until};
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::fleet::Fleet;

/// Until every host has logged in: each login forks a few processes here.
const PATIENCE: Duration = Duration::from_secs(300);

/// The clock of `/proc`: ticks a second, on every Linux that we know.
const TICKS: f64 = 100.0;

/// What a run with so many open connections took.
struct Cost {
    /// KiB at most, of the controller.
    peak: u64,
    /// Seconds of processor time, of the controller.
    cpu: f64,
    /// KiB at most, of each agent.
    agents: Vec<u64>,
}

/// A Markdown line.
pub(crate) fn figures(fleet: &Fleet, count: usize) -> String {
    // The agent is on its way only once.
    cost(fleet, 1);
    let one = cost(fleet, 1);
    let all = cost(fleet, count);
    let more = (count - 1) as f64;
    let mut agents = all.agents;
    agents.sort_unstable();
    format!(
        "{count} ssh connections open at once: the controller's peak is {:.1} MiB, {:.1} MiB for \
         one: {:.0} kB for each further one; {:.1} ms of processor time for each further one; an \
         agent holds {:.1} MiB.\n",
        mebi(all.peak),
        mebi(one.peak),
        all.peak.saturating_sub(one.peak) as f64 * 1.024 / more,
        (all.cpu - one.cpu) * 1000.0 / more,
        mebi(agents[agents.len() / 2]),
    )
}

/// Destroys while the database takes no writes until every agent waits for it.
fn cost(fleet: &Fleet, count: usize) -> Cost {
    fleet.aliases(count, |number| number);
    fleet.seed();
    let lock = Lock::take(&fleet.server);
    let mut kickout = fleet.kickout();
    kickout
        .arg(format!("--parallel={count}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = kickout.spawn().unwrap();
    let waiting = "SELECT COUNT(*) FROM information_schema.processlist
        WHERE user LIKE 'site\\_%' AND info LIKE 'DELETE%';";
    until("every agent waits", PATIENCE, || {
        assert_eq!(child.try_wait().unwrap(), None, "it ended early");
        let rows = fleet.server.sql(waiting);
        (rows[0][0].parse::<usize>().unwrap() >= count).then_some(())
    });
    let agents = fleet.operator.account().agents();
    assert!(agents.len() >= count, "{} agents", agents.len());
    let agents = agents.into_iter().filter_map(peak).collect();
    let peak = peak(child.id()).unwrap();
    drop(lock);
    let cpu = cpu_at_the_end(&child);
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
    Cost { peak, cpu, agents }
}

/// Keeps a server from writing; it ends with the client that took it.
struct Lock(Child);

impl Lock {
    fn take(server: &MariaDb) -> Self {
        let mut client = Command::new("mariadb")
            .arg("--no-defaults")
            .arg(format!("--socket={}", server.socket().display()))
            .args(["--user=root", "--skip-column-names", "--unbuffered"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let words = b"FLUSH TABLES WITH READ LOCK; SELECT 'locked';\n";
        client.stdin.as_mut().unwrap().write_all(words).unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(client.stdout.as_mut().unwrap());
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        Self(client)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// The most that a process has held so far, in KiB.
fn peak(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Seconds of a process that has ended and was not waited for yet.
fn cpu_at_the_end(child: &Child) -> f64 {
    let id = WaitId::Pid(Pid::from_child(child));
    waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    // The name, which may hold anything, ends with the last parenthesis.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.map(|field| field.parse::<u64>().unwrap()).sum();
    ticks as f64 / TICKS
}

fn mebi(kibi: u64) -> f64 {
    kibi as f64 / 1024.0
}
