//! `kickout`: log everybody out of WordPress, on one site or ten thousand, and prove it.

use std::process::ExitCode;

fn main() -> ExitCode {
    kickout::app::run(std::env::args_os().skip(1)).into()
}
