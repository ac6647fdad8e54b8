//! Waiting for a condition under a deadline: the only place of the tests that lets time pass.

use std::os::fd::AsFd;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Asks `condition` again and again until it gives a value; panics with `what` after `deadline`.
pub fn until<T>(what: &str, deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            start.elapsed() < deadline,
            "still waiting after {deadline:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Lets time pass, for what plays a slow part.
pub(crate) fn pass(time: Duration) {
    std::thread::sleep(time);
}

/// Waits for a child to end, without polling; kills it at the deadline and gives `None`.
///
/// The child is named by a pidfd, so that a number that has been given to another process
/// meanwhile is never signalled.
pub fn wait_for_exit(child: &mut Child, deadline: Duration) -> Option<ExitStatus> {
    if let Some(status) = child.try_wait().unwrap() {
        return Some(status);
    }
    let pid = Pid::from_child(child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    let timeout = Timespec::try_from(deadline).unwrap();
    let ended = poll(
        &mut [PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN)],
        Some(&timeout),
    );
    if ended == Ok(0) {
        // It may end between the poll and the signal; then there is nothing to kill.
        let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        child.wait().unwrap();
        return None;
    }
    Some(child.wait().unwrap())
}
