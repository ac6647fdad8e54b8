//! Whose environment the web server's PHP has. Known in a container that runs the web server, where
//! everything was started with the same variables; unknown elsewhere.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use kickout_shared::container::{MARKS, variables};

use super::environment::Environment;

/// Programs that run PHP for the web, by the beginning of their names.
const SERVERS: [&str; 6] = [
    "php-fpm",
    "apache2",
    "httpd",
    "frankenphp",
    "lsphp",
    "litespeed",
];

/// The one that writes its title over its environment: what the kernel shows has lost variables.
const OVERWRITES: &str = "php-fpm";

/// The web server's environment, as far as it is known from here. A container that only mounts a
/// site is not the one that serves it.
pub fn web_environment() -> Environment {
    if !MARKS.iter().any(|mark| Path::new(mark).exists()) {
        return Environment::unknown();
    }
    let Some((name, process)) = web_server() else {
        return match made_for_us() {
            // The image and settings are the web server's; only the program is another.
            true => Environment::of_process(std::env::vars_os()),
            false => Environment::unknown(),
        };
    };
    match fs::read(process.join("environ")) {
        Ok(block) if !name.starts_with(OVERWRITES) => Environment::of_process(variables(&block)),
        // Ours was made from the same image and settings.
        Ok(_) | Err(_) => Environment::of_process(std::env::vars_os()),
    }
}

/// The name of our program, as the kernel has it.
const OURS: &str = "kickout-agent";

/// Programs that start the only one of a container as their child (`init: true`).
const INITS: [&str; 3] = ["docker-init", "tini", "catatonit"];

/// Whether this container was started to run us in it.
fn made_for_us() -> bool {
    let first = fs::read_to_string("/proc/1/comm").unwrap_or_default();
    let first = first.trim_end();
    first == OURS || (INITS.contains(&first) && std::os::unix::process::parent_id() == 1)
}

/// The first process of a web server, and its folder in `/proc`.
fn web_server() -> Option<(String, PathBuf)> {
    let mut processes: Vec<u32> = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    processes.sort_unstable();
    processes.into_iter().find_map(|process| {
        let folder = Path::new("/proc").join(process.to_string());
        let name = fs::read_to_string(folder.join("comm")).ok()?;
        SERVERS
            .iter()
            .any(|server| name.starts_with(server))
            .then_some((name, folder))
    })
}

/// The user and group id that the web server's workers run PHP as; `None` when none is running, or
/// when they are not all the same account's.
pub fn web_account() -> Option<(u32, u32)> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let processes: Vec<Process> = processes
        .filter_map(|entry| {
            let (folder, id) = (entry.path(), entry.file_name().to_str()?.parse().ok()?);
            let facts = fs::metadata(&folder).ok()?;
            Some(Process {
                id,
                parent: parent(&fs::read_to_string(folder.join("stat")).ok()?)?,
                name: fs::read_to_string(folder.join("comm")).ok()?,
                account: (facts.uid(), facts.gid()),
            })
        })
        .collect();
    sole_account(&processes)
}

struct Process {
    id: u32,
    parent: u32,
    name: String,
    account: (u32, u32),
}

/// The parent of a process, out of its `stat`; its name may hold anything.
fn parent(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// Anybody may call a process `apache2`: what counts was started by root's server, or by the first
/// process of a container.
fn sole_account(processes: &[Process]) -> Option<(u32, u32)> {
    let serves = |process: &&Process| {
        let mut servers = SERVERS.iter();
        servers.any(|server| process.name.starts_with(server))
    };
    let masters: Vec<u32> = processes
        .iter()
        .filter(serves)
        .filter(|process| process.id == 1 || process.account.0 == 0)
        .map(|process| process.id)
        .collect();
    let worker = |process: &&Process| {
        let started = process.id == 1 || masters.contains(&process.parent);
        started && process.account.0 != 0
    };
    let workers = processes.iter().filter(serves).filter(worker);
    let mut accounts: Vec<_> = workers.map(|process| process.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    match accounts[..] {
        [account] => Some(account),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_taken_apart_at_nul() {
        let block = b"A=1\0EMPTY=\0EQ=a=b\0broken\0";
        let expected = [("A", "1"), ("EMPTY", ""), ("EQ", "a=b")];
        let expected = expected.map(|(name, value)| (name.into(), value.into()));
        assert_eq!(variables(block), expected);
    }

    #[test]
    fn whose_the_web_server_s_php_is() {
        let www = (33, 33);
        type Row<'a> = (&'a str, &'a [(u32, u32, &'a str, u32)], Option<(u32, u32)>);
        let rows: [Row<'_>; 8] = [
            ("no server", &[(1, 0, "systemd", 0)], None),
            (
                "usual",
                &[
                    (9, 1, "apache2", 0),
                    (10, 9, "apache2", 33),
                    (11, 9, "apache2", 33),
                ],
                Some(www),
            ),
            (
                "a pool",
                &[(9, 1, "php-fpm8.2", 0), (10, 9, "php-fpm8.2", 33)],
                Some(www),
            ),
            (
                "two tenants",
                &[
                    (9, 1, "php-fpm", 0),
                    (10, 9, "php-fpm", 33),
                    (11, 9, "php-fpm", 1000),
                ],
                None,
            ),
            ("an impostor", &[(9, 1, "apache2", 1000)], None),
            (
                "two of them",
                &[(9, 1, "apache2", 1000), (10, 9, "apache2", 1000)],
                None,
            ),
            (
                "an impostor beside it",
                &[
                    (9, 1, "apache2", 0),
                    (10, 9, "apache2", 33),
                    (11, 1, "apache2", 1000),
                ],
                Some(www),
            ),
            (
                "a container of one",
                &[(1, 0, "frankenphp", 33), (7, 0, "sh", 0)],
                Some(www),
            ),
        ];
        for (what, processes, expected) in rows {
            let process = |&(id, parent, name, uid): &(u32, u32, &str, u32)| Process {
                id,
                parent,
                name: format!("{name}\n"),
                account: (uid, uid),
            };
            let processes: Vec<Process> = processes.iter().map(process).collect();
            assert_eq!(sole_account(&processes), expected, "{what}");
        }
        assert_eq!(parent("12 (a) b) S 7 12 12 0"), Some(7));
    }
}
