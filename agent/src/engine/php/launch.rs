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
    let arguments: Vec<OsString> = arguments.collect();
    match limited()
        .map_err(Error::from)
        .and_then(|()| alone(&arguments))
    {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(error) => error,
    }
}

/// Closes what the operator's shell, or whoever started it, had open: all but the three streams and
/// the descriptors that stand behind `--`.
fn alone(arguments: &[OsString]) -> Result<(), Error> {
    let ours = arguments.iter().rev().take_while(|word| *word != "--");
    let ours: Vec<i32> = ours
        .filter_map(|word| word.to_str()?.parse().ok())
        .collect();
    let open: Vec<i32> = std::fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    for descriptor in open {
        if descriptor > 2 && !ours.contains(&descriptor) {
            // The one it was listed with is closed by now.
            let _ = nix::unistd::close(descriptor);
        }
    }
    Ok(())
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
