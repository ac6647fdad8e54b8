//! The environment that a container was started with: the configuration of its site may read it.
//! Nothing of the bridge's own, which may hold what is the operator's.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use kickout_shared::container::{MARKS, variables};

/// The variables of the container's first process; none on a host.
pub(crate) fn environment() -> Vec<(OsString, OsString)> {
    match MARKS.iter().any(|mark| Path::new(mark).exists()) {
        true => variables(&fs::read("/proc/1/environ").unwrap_or_default()),
        false => Vec::new(),
    }
}
