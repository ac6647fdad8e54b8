//! `ssh -G`: the operator's configuration as OpenSSH itself understands it. Border: finds the
//! program once, runs it with a deadline and without a shell, and reads what it prints.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::raw::Raw;
use super::settings::{Asked, SettingsError};

/// `ssh -G` takes 13 ms; a `Match exec` that asks the network may take longer.
const DEADLINE: Duration = Duration::from_secs(10);

/// It prints some 6 KiB.
const MAX_OUTPUT: u64 = 256 * 1024;

/// What is kept of its complaint.
const MAX_COMPLAINT: u64 = 4 * 1024;

/// The first `ssh` in the absolute folders of `PATH` that not everybody may write to.
pub(super) fn find(path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute() && is_kept(folder))
        .map(|folder| folder.join("ssh"))
        .find(|file| {
            file.metadata().is_ok_and(|it| {
                let mode = it.permissions().mode();
                it.is_file() && mode & 0o111 != 0 && mode & 0o002 == 0
            })
        })
}

/// Whether only its owner (and the group) can put programs there.
fn is_kept(folder: &Path) -> bool {
    folder.metadata().is_ok_and(|it| {
        let mode = it.permissions().mode();
        it.is_dir() && (mode & 0o002 == 0 || mode & 0o1000 != 0)
    })
}

/// The arguments: every value is one that was checked, and the host stands behind `--`.
fn arguments(asked: &Asked<'_>, config: Option<&Path>) -> Vec<OsString> {
    let mut all: Vec<OsString> = vec!["-G".into()];
    if let Some(config) = config {
        all.extend(["-F".into(), config.into()]);
    }
    if let Some(port) = asked.port {
        all.extend(["-p".into(), port.to_string().into()]);
    }
    if let Some(user) = asked.user {
        all.extend(["-l".into(), user.as_str().into()]);
    }
    for option in asked.args.options() {
        all.extend(["-o".into(), option.into()]);
    }
    all.extend(["--".into(), asked.host.as_str().into()]);
    all
}

/// Asks the program for the settings of one host.
pub(super) async fn ask(
    ssh: &Path,
    asked: &Asked<'_>,
    config: Option<&Path>,
) -> Result<Raw, SettingsError> {
    let failed = |why: String| SettingsError::OpenSsh {
        program: ssh.to_owned(),
        host: asked.host.to_string(),
        why,
    };
    let child = Command::new(ssh)
        .args(arguments(asked, config))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = child.map_err(|error| failed(error.to_string()))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let run = async {
        let (out, err) = tokio::join!(read(out, MAX_OUTPUT), read(err, MAX_COMPLAINT));
        (out, err, child.wait().await)
    };
    let Ok((out, complaint, status)) = tokio::time::timeout(DEADLINE, run).await else {
        return Err(failed(format!("no answer in {} s", DEADLINE.as_secs())));
    };
    let status = status.map_err(|error| failed(error.to_string()))?;
    if out.len() as u64 > MAX_OUTPUT {
        return Err(failed(format!("more than {MAX_OUTPUT} bytes of answer")));
    }
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complaint);
        let line = complaint
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty());
        return Err(failed(
            line.map_or_else(|| status.to_string(), str::to_owned),
        ));
    }
    let text = String::from_utf8(out).map_err(|_| failed("the answer is not UTF-8".to_owned()))?;
    Ok(parse(&text))
}

/// Reads to the end, or to one byte beyond the bound: then the pipe is closed.
async fn read(from: Option<impl AsyncRead + Unpin>, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // What was read before an error is all there is to judge.
        let _ = from.take(limit + 1).read_to_end(&mut bytes).await;
    }
    bytes
}

/// Reads `keyword value` lines.
pub(super) fn parse(text: &str) -> Raw {
    let mut raw = Raw::default();
    for line in text.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let words = match key {
            "userknownhostsfile" | "globalknownhostsfile" => files(value),
            // Printed when nothing was set.
            _ if value.is_empty() => continue,
            _ => vec![value.to_owned()],
        };
        raw.put(key, words);
    }
    raw
}

/// The files of a list, which is printed without quotes: a word that does not begin like a path
/// belongs to the one before it, whose name has a space.
fn files(value: &str) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    for word in value.split(' ') {
        let begins = word.starts_with(['/', '~', '%', '$']) || word == "none";
        match files.last_mut() {
            Some(last) if !begins => {
                last.push(' ');
                last.push_str(word);
            }
            _ => files.push(word.to_owned()),
        }
    }
    files
}

#[cfg(test)]
#[path = "openssh_tests.rs"]
mod tests;
