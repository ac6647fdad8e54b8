//! The host's own tools: accounts, the service manager, and what runs. Their words are passed on,
//! bounded.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kickout_shared::bridge::HEALTH;

use super::InstallError;
use super::places::{BRIDGE, folder, put, removed};
use crate::config::{ACCOUNT, Config};
use crate::owner::{self, OwnerError};

/// The unit, by its name and its place.
pub(super) const UNIT: &str = "kickout-bridge.service";
const UNIT_FILE: &str = "/etc/systemd/system/kickout-bridge.service";
const DROP_INS: &str = "/etc/systemd/system/kickout-bridge.service.d";
const SITES: &str = "/etc/systemd/system/kickout-bridge.service.d/sites.conf";

/// What the unit says.
const TEXT: &str = include_str!("../../../packaging/systemd/kickout-bridge.service");

/// The mark of the Debian package.
const PACKAGE: &str = "/var/lib/dpkg/info/kickout-bridge.list";

/// How long a bridge that was started may take to answer.
const ANSWER: Duration = Duration::from_secs(15);

/// How much of a tool's words is worth showing.
const MOST: usize = 1000;

/// Whether systemd runs this host.
pub(super) fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Whether there is a unit.
pub(super) fn has_unit() -> bool {
    Path::new(UNIT_FILE).exists() || is_packaged()
}

/// Whether Debian's tools have put the programs there.
pub(super) fn is_packaged() -> bool {
    Path::new(PACKAGE).exists()
}

fn tool(program: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(words)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    command
}

/// What a tool printed; the error is what it said instead.
fn run(mut command: Command) -> Result<String, String> {
    let done = command.output().map_err(|why| why.to_string())?;
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        text.trim().chars().take(MOST).collect::<String>()
    };
    match done.status.success() {
        true => Ok(text(&done.stdout)),
        false => {
            let words = [text(&done.stderr), text(&done.stdout)];
            let said = words.iter().find(|words| !words.is_empty());
            Err(said.cloned().unwrap_or_else(|| done.status.to_string()))
        }
    }
}

/// `systemctl`; what it printed.
pub(super) fn systemctl(words: &[&str]) -> Result<String, InstallError> {
    run(tool("systemctl", words)).map_err(|said| InstallError::Service(words.join(" "), said))
}

/// What `systemctl is-…` says of the unit: its word also when the answer is no.
pub(super) fn unit_is(verb: &str) -> String {
    let asked = tool("systemctl", &[verb, UNIT]).output();
    asked.map_or_else(
        |why| why.to_string(),
        |said| String::from_utf8_lossy(&said.stdout).trim().to_owned(),
    )
}

/// What this program says of a configuration.
pub(super) fn check(program: &Path, config: &Path) -> Result<(), InstallError> {
    let mut command = tool(&program.to_string_lossy(), &["--config"]);
    command.arg(config).arg("check");
    run(command).map(drop).map_err(InstallError::Check)
}

/// Whether the account of the front is there.
pub(super) fn has_account() -> Result<bool, InstallError> {
    match owner::of(ACCOUNT) {
        Ok(_) => Ok(true),
        Err(OwnerError::Unknown(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Makes it, with whichever tool the host has.
pub(super) fn make_account() -> Result<(), InstallError> {
    let words = [
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir=/nonexistent",
        "--shell=/usr/sbin/nologin",
        ACCOUNT,
    ];
    let mut useradd = tool("useradd", &words);
    let made = match useradd.output() {
        // Busybox has others.
        Err(why) if why.kind() == ErrorKind::NotFound => {
            let home = [
                "-S",
                "-D",
                "-H",
                "-h",
                "/nonexistent",
                "-s",
                "/sbin/nologin",
            ];
            let words = [&home[..], &["-G", ACCOUNT, ACCOUNT]].concat();
            run(tool("addgroup", &["-S", ACCOUNT])).and_then(|_| run(tool("adduser", &words)))
        }
        _ => run(useradd),
    };
    match (made, has_account()?) {
        (_, true) => Ok(()),
        (Ok(said) | Err(said), false) => Err(InstallError::Account(said)),
    }
}

/// Removes it; the error is what the host's tools said.
pub(super) fn remove_account() -> Result<(), String> {
    if !has_account().map_err(|error| error.to_string())? {
        return Ok(());
    }
    let gone = run(tool("userdel", &[ACCOUNT])).or_else(|_| run(tool("deluser", &[ACCOUNT])));
    gone.map(drop)
}

/// Writes the unit, and which folders of sites an agent may write to; whether either was another
/// before. A host without systemd has no use for them.
pub(super) fn write_unit(config: &Config) -> Result<bool, InstallError> {
    if !has_systemd() && !Path::new("/etc/systemd/system").is_dir() {
        return Ok(false);
    }
    let mut changed = false;
    if !is_packaged() {
        changed |= put(Path::new(UNIT_FILE), TEXT.as_bytes(), 0o644)?;
    }
    folder(Path::new(DROP_INS), 0o755)?;
    Ok(changed | put(Path::new(SITES), drop_in(config).as_bytes(), 0o644)?)
}

fn drop_in(config: &Config) -> String {
    let mut text =
        "# Written by kickout bridge install: what agents may write to, as far as their \
                    accounts may.\n[Service]\n"
            .to_owned();
    for site in &config.sites {
        let path = site.path.to_string_lossy();
        // Of systemd's own grammar: a specifier, and what ends a quoted word.
        let path = path
            .replace('%', "%%")
            .replace('\\', "\\\\")
            .replace('"', "\\\"");
        // A site that is gone is no reason not to serve the others.
        text.push_str(&format!("ReadWritePaths=\"-{path}\"\n"));
    }
    text
}

/// Removes what [`write_unit`] wrote; whether there was anything.
pub(super) fn remove_unit() -> Result<bool, InstallError> {
    let mut gone = removed(Path::new(UNIT_FILE))?;
    gone |= removed(Path::new(SITES))?;
    // An operator's own drop-ins stay.
    let _ = fs::remove_dir(DROP_INS);
    if gone && has_systemd() {
        systemctl(&["daemon-reload"])?;
    }
    Ok(gone)
}

/// The processes of the installed program, also of one that was replaced meanwhile.
pub(super) fn running() -> Vec<String> {
    let old = format!("{BRIDGE} (deleted)");
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ours = |pid: &String| {
        match fs::read_link(format!("/proc/{pid}/exe")) {
            Ok(program) => program == Path::new(BRIDGE) || program == Path::new(&old),
            // It lets nobody look into it; root in a container may not, either.
            Err(why) if why.kind() == ErrorKind::PermissionDenied => {
                // Empty for one that has ended, and that nobody has taken notice of.
                let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let name = words.split(|byte| *byte == 0).next().unwrap_or_default();
                name.rsplit(|byte| *byte == b'/').next() == Some(b"kickout-bridge")
            }
            Err(_) => false,
        }
    };
    let own = std::process::id().to_string();
    let pids = entries.filter_map(|entry| entry.file_name().into_string().ok());
    pids.filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit()) && *pid != own)
        .filter(ours)
        .collect()
}

/// Waits until it answers where it listens.
pub(super) fn wait_until_it_answers(config: &Config) -> Result<(), InstallError> {
    let deadline = Instant::now() + ANSWER;
    loop {
        let why = match asked(config) {
            Ok(()) => return Ok(()),
            Err(why) => why,
        };
        if Instant::now() > deadline {
            return Err(InstallError::Silent(config.listen, why));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Asks it how it is; with TLS, whether anybody listens.
pub(super) fn asked(config: &Config) -> Result<(), String> {
    let mut to = config.listen;
    if to.ip().is_unspecified() {
        to.set_ip(match to {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    let limit = Duration::from_secs(5);
    let stream = TcpStream::connect_timeout(&to, limit).map_err(|why| why.to_string())?;
    if config.tls.is_some() {
        return Ok(());
    }
    let converse = |mut stream: TcpStream| {
        stream.set_read_timeout(Some(limit))?;
        let host = config.listen;
        let request = format!("GET {HEALTH} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = converse(stream).map_err(|why| why.to_string())?;
    match answer.starts_with("HTTP/1.1 200 ") {
        true => Ok(()),
        false => Err("something else answers there".to_owned()),
    }
}
