//! The last steps of a child before it is PHP: limits, and death with its parent. Runs in a process
//! of its own and never returns when it succeeds.

use std::ffi::OsString;
use std::io::{Error, ErrorKind};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{Resource, Rlimit, Signal, geteuid, setrlimit};

/// Seconds of computing time: only for a PHP whose agent cannot end it any more.
const CPU_SECONDS: u64 = 30 * 60;

/// Address space; PHP's own limit of memory is far below.
const ADDRESS_SPACE: u64 = 4 * 1024 * 1024 * 1024;

/// Becomes `arguments[0]` with the others; the error says why not.
pub fn launch(mut arguments: impl Iterator<Item = OsString>) -> Error {
    if geteuid().is_root() {
        return Error::new(
            ErrorKind::PermissionDenied,
            "a site's PHP never runs as root",
        );
    }
    let Some(program) = arguments.next() else {
        return Error::new(ErrorKind::InvalidInput, "no program to start");
    };
    match limited() {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(error) => error.into(),
    }
}

fn limited() -> rustix::io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::Cpu, CPU_SECONDS),
        (Resource::As, ADDRESS_SPACE),
    ] {
        // A limit that is lower already stays: raising it is not ours.
        let now = rustix::process::getrlimit(resource);
        let lower = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
        let limit = Rlimit {
            current: lower(now.current),
            maximum: lower(now.maximum),
        };
        setrlimit(resource, limit)?;
    }
    Ok(())
}
