//! The agent by itself: how large it is, how soon it greets, how much memory it holds then.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kickout_tests::Binaries;

use crate::clock::{median, millis};

/// A Markdown list.
pub(crate) fn figures(samples: usize) -> String {
    let agent = &Binaries::release().agent;
    let bytes = std::fs::read(agent).unwrap();
    let runs: Vec<_> = (0..samples).map(|_| greeted(agent)).collect();
    let mut starts: Vec<_> = runs.iter().map(|(start, _)| *start).collect();
    let most = runs.iter().map(|(_, resident)| *resident).max().unwrap();
    let packed = packed(agent).map_or_else(String::new, |size| {
        format!(", {:.2} MB with zstd -19", mega(size))
    });
    format!(
        "Agent: {:.2} MB{packed}; greets {} after its start (median); {:.1} MiB resident then.\n",
        mega(bytes.len()),
        millis(median(&mut starts)),
        most as f64 / 1024.0,
    )
}

/// The time until the greeting, and KiB resident at that moment.
fn greeted(agent: &Path) -> (Duration, u64) {
    let start = Instant::now();
    let mut child = Command::new(agent)
        .arg("0123456789abcdef")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Noise may stand before the greeting: at least an empty line does.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let greeting = lines.find_map(|line| Some(line.unwrap()).filter(|line| !line.is_empty()));
    let greeting = greeting.unwrap_or_default();
    let took = start.elapsed();
    assert!(
        greeting.starts_with("KICKOUT "),
        "the agent said {greeting:?}"
    );
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let resident = resident
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap();
    // The end of its input ends it.
    drop(child.stdin.take());
    child.wait().unwrap();
    (took, resident)
}

fn packed(agent: &Path) -> Option<usize> {
    let zstd = Command::new("zstd")
        .args(["-19", "-c", "-q"])
        .arg(agent)
        .output()
        .ok()?;
    zstd.status.success().then_some(zstd.stdout.len())
}

fn mega(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
