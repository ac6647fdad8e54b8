//! `tests/bench`: kickout beside the usual tools, in one run, as medians and ratios. It measures
//! whole processes from outside; it judges nothing.

mod agent;
mod clock;
mod jobs;

use std::process::Command;

use clock::Table;

/// Samples of each quick job.
const SAMPLES: usize = 31;

/// Samples of each job that takes long to prepare.
const FEW_SAMPLES: usize = 5;

fn main() {
    let quick = std::env::args()
        .nth(1)
        .map_or(SAMPLES, |samples| samples.parse().unwrap());
    println!(
        "Measured on {}: {}.\n",
        said("date", &["-u", "+%F"]),
        machine()
    );
    let mut table = Table::default();
    let site = jobs::Site::set_up();
    site.destroy_one_user(&mut table, quick);
    site.list_one_user(&mut table, quick);
    site.destroy_everybody(&mut table, FEW_SAMPLES, 10_000);
    site.large_value(&mut table, FEW_SAMPLES, 10 << 20);
    print!("{table}");
    println!();
    print!("{}", agent::figures(quick));
}

/// What the figures depend on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().unwrap();
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let php = said("php", &["-r", "echo 'PHP ', PHP_VERSION;"]);
    let server = said("mariadb", &["--version"]);
    let server = server
        .split_whitespace()
        .find(|word| word.contains("MariaDB"));
    format!(
        "{cores} cores of {model}, {}, {php}",
        server.unwrap_or("MariaDB").trim_end_matches(',')
    )
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |it| String::from_utf8_lossy(&it.stdout).trim().to_owned(),
    )
}
