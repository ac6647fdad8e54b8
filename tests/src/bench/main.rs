//! `tests/bench`: kickout beside the usual tools, in one run, as medians and ratios. It measures
//! whole processes from outside; it judges nothing.

mod agent;
mod bridge;
mod clock;
mod crowd;
mod docker;
mod fleet;
mod jobs;
mod operator;
mod ssh;

use std::process::Command;

use clock::Table;

/// Samples of each quick job, unless a number is given.
const SAMPLES: usize = 31;

/// The rows, by name; all of them when none is named.
const ROWS: [&str; 10] = [
    "local",
    "verify",
    "php",
    "ssh",
    "docker",
    "sites",
    "hosts",
    "connections",
    "agent",
    "bridge",
];

/// Sites of a group, on one host or each on its own.
const SITES: usize = 40;

/// Connections that are open at once.
const CONNECTIONS: usize = 200;

fn main() {
    let (numbers, words): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .partition(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some(word) = words.iter().find(|word| !ROWS.contains(&word.as_str())) {
        eprintln!(
            "tests/bench: no row `{word}`; there are: {}",
            ROWS.join(" ")
        );
        std::process::exit(2);
    }
    let quick = numbers
        .last()
        .map_or(SAMPLES, |number| number.parse().unwrap());
    // What takes long to prepare, or long itself.
    let few = quick.div_ceil(6);
    let wanted = |row: &str| words.is_empty() || words.iter().any(|word| word == row);
    println!(
        "Measured on {}: {}.\n",
        said("date", &["-u", "+%F"]),
        machine()
    );
    let (mut table, mut notes) = (Table::default(), String::new());
    if wanted("local") {
        let site = jobs::Site::set_up();
        site.destroy_one_user(&mut table, quick, "--engine=native");
        site.list_one_user(&mut table, quick);
        site.destroy_everybody(&mut table, few, 10_000, "--engine=native");
        site.large_value(&mut table, few, 10 << 20);
    }
    if wanted("verify") {
        // A difference of two medians that are close to each other.
        notes += &jobs::Site::set_up().read_again(&mut table, 5 * quick);
    }
    if wanted("php") {
        let site = jobs::Site::set_up();
        site.destroy_one_user(&mut table, few, "--engine=php");
        site.destroy_everybody(&mut table, few, 1_000, "--engine=php");
        site.search(&mut table, few, 10_000);
    }
    if wanted("ssh") {
        notes += &ssh::measure(&mut table, quick);
    }
    if wanted("docker") {
        docker::measure(&mut table, quick);
    }
    let groups = ["sites", "hosts", "connections"];
    if groups.into_iter().any(wanted) {
        let fleet = fleet::Fleet::set_up(SITES, CONNECTIONS);
        if wanted("sites") {
            fleet.on_one_host(&mut table, few);
        }
        if wanted("hosts") {
            fleet.on_many_hosts(&mut table, few);
        }
        if wanted("connections") {
            notes += &crowd::figures(&fleet, CONNECTIONS);
        }
    }
    if wanted("agent") {
        notes += &agent::figures(quick);
    }
    if wanted("bridge") {
        notes += &bridge::measure(&mut table, quick);
    }
    if !table.is_empty() {
        println!("{table}");
    }
    print!("{notes}");
}

/// What the figures depend on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().unwrap();
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let php = said("php", &["-r", "echo 'PHP ', PHP_VERSION;"]);
    let server = said("mariadb", &["--version"]);
    let server = server
        .split_whitespace()
        .find(|word| word.contains("MariaDB"));
    let ssh = Command::new("ssh").arg("-V").output();
    let ssh = ssh.map_or_else(
        |_| "no OpenSSH".to_owned(),
        |it| String::from_utf8_lossy(&it.stderr).trim().to_owned(),
    );
    format!(
        "{cores} cores of {model} (load {load} before), {}, {php}, {}",
        server.unwrap_or("MariaDB").trim_end_matches(','),
        ssh.split([' ', ',']).next().unwrap_or_default(),
    )
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |it| String::from_utf8_lossy(&it.stdout).trim().to_owned(),
    )
}
