//! `kickout`: log everybody out of WordPress, on one site or ten thousand, and prove it.

use std::process::ExitCode;

fn main() -> ExitCode {
    keep_to_ourselves();
    kickout::app::run(std::env::args_os().skip(1)).into()
}

/// Passwords pass through our memory: nobody else of our account looks into it through /proc, not
/// the PHP of a site that is ours either.
#[cfg(target_os = "linux")]
fn keep_to_ourselves() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // It cannot fail; if it did, all would be as everywhere else.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(not(target_os = "linux"))]
fn keep_to_ourselves() {}
