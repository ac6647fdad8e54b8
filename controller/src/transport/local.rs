//! This very host: the agent runs as a child from a sealed memory file, nothing on disk.

use crate::connection::Connection;

/// Why no agent could be started here.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The system said no.
    #[error("cannot start the agent on this host: {0}")]
    Start(#[from] std::io::Error),
    /// The agent is a Linux program.
    #[error("the agent runs on Linux only, and this host is not one")]
    NotLinux,
}

impl LocalError {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Start(_) => {
                "Check that /proc is mounted and that this user may start programs.".to_owned()
            }
            Self::NotLinux => "Run kickout on the Linux host of the site.".to_owned(),
        }
    }
}

/// Starts the agent as a child of ours.
#[cfg(not(target_os = "linux"))]
pub fn open(_agent: &[u8], _nonce: &str) -> Result<Connection, LocalError> {
    Err(LocalError::NotLinux)
}

/// Starts the agent as a child of ours.
#[cfg(target_os = "linux")]
pub fn open(agent: &[u8], nonce: &str) -> Result<Connection, LocalError> {
    linux::open(agent, nonce).map_err(LocalError::Start)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, Write as _};
    use std::os::fd::AsRawFd as _;
    use std::pin::Pin;
    use std::process::Stdio;
    use std::time::Duration;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    use tokio::io::AsyncReadExt as _;
    use tokio::process::{Child, Command};

    use crate::connection::{Connection, Peer};

    /// How long a child that has closed its output may take to end.
    const END: Duration = Duration::from_secs(2);

    /// How much of its stderr is worth showing.
    const LAST_WORDS: u64 = 4 * 1024;

    pub(super) fn open(agent: &[u8], nonce: &str) -> io::Result<Connection> {
        let file = memfd_create(
            "kickout-agent",
            MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
        )?;
        let mut file = std::fs::File::from(file);
        file.write_all(agent)?;
        // What runs is what was written: nobody can change it any more, not even we.
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        fcntl_add_seals(&file, seals)?;
        let mut child = Command::new(format!("/proc/self/fd/{}", file.as_raw_fd()))
            .arg0("kickout-agent")
            .arg(nonce)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for the controller, which then tells the agent to stop between two steps.
            .process_group(0)
            .spawn()?;
        let taken = || io::Error::other("the child has no pipes");
        let from_agent = child.stdout.take().ok_or_else(taken)?;
        let to_agent = child.stdin.take().ok_or_else(taken)?;
        Ok(Connection {
            from_agent: Box::new(from_agent),
            to_agent: Box::new(to_agent),
            peer: Box::new(Process(child)),
            tunnel: None,
        })
    }

    struct Process(Child);

    impl Peer for Process {
        fn epitaph(&mut self) -> Pin<Box<dyn Future<Output = String> + '_>> {
            Box::pin(async {
                let mut words = String::new();
                if let Some(stderr) = self.0.stderr.as_mut() {
                    let mut last = stderr.take(LAST_WORDS);
                    let read = last.read_to_string(&mut words);
                    // What it said so far is worth showing also when it goes on.
                    let _ = tokio::time::timeout(END, read).await;
                }
                let status = match tokio::time::timeout(END, self.0.wait()).await {
                    Ok(Ok(status)) => status.to_string(),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "it is still running".to_owned(),
                };
                match words.trim() {
                    "" => format!("it ended without an answer ({status})"),
                    words => format!("{words} ({status})"),
                }
            })
        }
    }
}
