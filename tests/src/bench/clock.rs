//! Taking times, and setting them side by side.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program takes from start to end; it must succeed.
pub(crate) fn timed(command: &mut Command) -> Duration {
    command.stdin(Stdio::null());
    run(command)
}

/// The same for a program that reads a file.
pub(crate) fn timed_reading(command: &mut Command, file: &Path) -> Duration {
    command.stdin(File::open(file).unwrap());
    run(command)
}

fn run(command: &mut Command) -> Duration {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let output = command
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .unwrap();
    let took = start.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}: {said}",
        output.status
    );
    took
}

/// The middle of some samples.
pub(crate) fn median(samples: &mut [Duration]) -> Duration {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

/// Jobs and what they took; the first contender of a job is kickout.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(String, Vec<(String, Duration)>)>,
}

/// Somebody who does a job: what it is called, and one timed sample.
pub(crate) type Contender<'a> = (&'a str, Box<dyn FnMut() -> Duration + 'a>);

impl Table {
    /// Runs all contenders in turn, again and again, so that a slow moment hits them alike; gives
    /// their medians.
    pub(crate) fn compare(
        &mut self,
        job: &str,
        samples: usize,
        mut all: Vec<Contender<'_>>,
    ) -> Vec<Duration> {
        let mut taken = vec![Vec::new(); all.len()];
        for _ in 0..samples {
            for ((_, run), taken) in all.iter_mut().zip(&mut taken) {
                taken.push(run());
            }
        }
        let names = all.iter().map(|(name, _)| (*name).to_owned());
        let medians: Vec<_> = taken.iter_mut().map(|samples| median(samples)).collect();
        let row = names.zip(medians.iter().copied()).collect();
        self.rows.push((job.to_owned(), row));
        medians
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| job | kickout | beside it | median | kickout takes |")?;
        writeln!(f, "|---|---|---|---|---|")?;
        for (job, contenders) in &self.rows {
            let (_, ours) = contenders[0];
            for (name, theirs) in &contenders[1..] {
                let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
                let (ours, theirs) = (millis(ours), millis(*theirs));
                writeln!(f, "| {job} | {ours} | {name} | {theirs} | {ratio:.2} × |")?;
            }
        }
        Ok(())
    }
}

/// A time in milliseconds, as precise as it deserves.
pub(crate) fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
