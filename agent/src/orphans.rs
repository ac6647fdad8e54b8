//! What a site's PHP has started and left behind, also in sessions of their own: whoever loses his
//! parent becomes our child, and ends with us. Knows no engine and no run.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, child_subreaper, getpid, kill_process, set_child_subreaper};
use tokio::process::Child;

/// How long they may take to be gone, those of those included.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(2);

/// Children that end by themselves.
static SPARED: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// From now on orphans come to us. To be called before anything of a site's runs.
pub(crate) fn adopt() -> std::io::Result<()> {
    Ok(set_child_subreaper(Some(getpid()))?)
}

/// The process id of a child that has not been reaped.
pub(crate) fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()?).ok().and_then(Pid::from_raw)
}

/// A child that ends by itself, after it has ended its own.
pub(crate) fn spare(child: Pid) {
    let mut spared = SPARED.lock().unwrap_or_else(PoisonError::into_inner);
    spared.push(child);
}

/// Ends every child of ours but those, and theirs as they come to us. Nothing where no orphan could
/// have come.
pub fn end() {
    if !matches!(child_subreaper(), Ok(Some(_))) {
        return;
    }
    let spared = SPARED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let until = Instant::now() + PATIENCE;
    loop {
        let mut left = false;
        for child in children().filter(|child| !spared.contains(child)) {
            // One that has just gone needs it no more; somebody else's we cannot.
            left |= kill_process(child, Signal::KILL).is_ok();
        }
        if !left || Instant::now() > until {
            return;
        }
        std::thread::sleep(LOOK);
    }
}

/// Children of ours that have not ended.
fn children() -> impl Iterator<Item = Pid> {
    let us = getpid().as_raw_nonzero().get().to_string();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(move |process| {
        let id = process.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(process.path().join("stat")).ok()?;
        // Behind the name, which may hold anything: state, parent.
        let mut facts = stat.rsplit_once(')')?.1.split_whitespace();
        let state = facts.next()?;
        (!matches!(state, "Z" | "X") && facts.next()? == us).then(|| Pid::from_raw(id))?
    })
}
