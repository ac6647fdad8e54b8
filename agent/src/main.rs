//! `kickout-agent <nonce>`: serves one controller on stdin and stdout, then exits.

use std::io::Write as _;
use std::process::ExitCode;

use kickout_agent::engine::php::launch;
use kickout_agent::orphans;
use kickout_agent::run::Site;
use kickout_agent::serve::{ServeError, serve};
use kickout_agent::stdio;
use kickout_shared::version;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    let ended = match argument.as_deref() {
        Some("--version") => {
            let line = format!(
                "kickout-agent {} (protocol {})\n",
                version::RELEASE,
                version::PROTOCOL
            );
            std::io::stdout()
                .write_all(line.as_bytes())
                .map_err(ServeError::Io)
        }
        Some("--php") => {
            let error = launch(std::env::args_os().skip(2));
            return complain(&format!("cannot start PHP: {error}"));
        }
        Some(nonce) if is_nonce(nonce) => run(nonce),
        Some(_) | None => return complain("usage: kickout-agent <nonce> (kickout starts it)"),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string()),
    }
}

/// What a controller makes up: letters and digits, nothing that could upset the hello line.
fn is_nonce(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn complain(text: &str) -> ExitCode {
    // Standard output is the protocol's. Nobody is left to hear of a closed standard error.
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
    ExitCode::FAILURE
}

fn run(nonce: &str) -> Result<(), ServeError> {
    // A site's PHP has our own account: it must not read our environment, write our memory, or open
    // our end of the protocol through /proc.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(std::io::Error::from)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served =
        runtime.block_on(async { serve(stdio::input(), stdio::output(), nonce, Site).await });
    // A read of stdin that nobody answers must not hold the process.
    runtime.shutdown_background();
    orphans::end();
    served
}
