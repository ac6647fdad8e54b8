//! Root never touches a site's SQLite file and never runs its PHP: a child of ours with the owner's
//! rights does, over the same protocol. Reading a configuration and talking to a server needs no
//! such change.

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kickout_shared::event::{Event, Level, Line, Outcome, Verdict};
use kickout_shared::frame::{self, Lines};
use kickout_shared::message::{FromAgent, Hello, PING_SECONDS, RunId, ToAgent};
use kickout_shared::request::Request;
use kickout_shared::site::{Load, Site};
use rustix::fs::{MemfdFlags, Mode, SealFlags, fcntl_add_seals, memfd_create};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, ChildStdout, Command};

use crate::orphans;
use crate::out::{Cancelled, Out};
use crate::site::{self, Config, Database};

/// Whose rights a site's files are to be touched with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    uid: u32,
    gid: u32,
}

/// The owner to become, when we are root and the site keeps its data in a file of somebody else.
/// What cannot be told here is reported by the run itself.
pub(crate) fn of(config: &Config<'_>) -> Option<Owner> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let Database::Sqlite { file } = site::database(config).ok()? else {
        return None;
    };
    let meta = fs::metadata(&file).ok()?;
    (meta.uid() != 0).then(|| Owner {
        uid: meta.uid(),
        gid: meta.gid(),
    })
}

/// Whose rights the site's PHP has: the owner of its configuration, else the web server's account.
pub(crate) fn for_php(config: &Config<'_>, load: &Load) -> Result<Owner, Line> {
    let homes = site::Homes::here();
    let unclear = |text: String| Line {
        level: Level::Error,
        text,
        fix: Some("Say which account runs the site: --php-user=<account>.".to_owned()),
    };
    if let Some(account) = &load.php_user {
        return match homes.account(account) {
            Some((0, _)) => Err(unclear("a site's PHP never runs as root".to_owned())),
            Some((uid, gid)) => Ok(Owner { uid, gid }),
            None => Err(unclear(format!("this host has no account '{account}'"))),
        };
    }
    let owner = fs::metadata(&config.file)
        .ok()
        .map(|meta| (meta.uid(), homes.group_of(meta.uid()).unwrap_or(meta.gid())));
    let owner = owner
        .filter(|(uid, _)| *uid != 0)
        .or_else(site::web_account);
    let (uid, gid) = owner.ok_or_else(|| {
        unclear(format!(
            "{} belongs to root, and no one account runs the web server: whose PHP it is cannot be \
             told",
            config.file.display()
        ))
    })?;
    Ok(Owner { uid, gid })
}

/// Carries out the request in a child with the owner's rights, and passes on what it says.
pub(crate) async fn run_as(
    owner: Owner,
    site: Site,
    request: Request,
    out: &mut Out,
) -> Result<Outcome, Line> {
    let mut child = Child::start(owner).await?;
    let run = ToAgent::Run {
        id: CHILD_RUN,
        site: Box::new(site),
        request: Box::new(request),
    };
    child.send(&run).await?;
    let ended = match child.relay(out).await {
        Ok(outcome) => Ok(outcome),
        Err(Broken::Said(line)) => Err(line),
        Err(Broken::Cancelled) => child.cancel(out).await,
    };
    match ended {
        // It may have written: nobody knows.
        Err(line) if child.begun => {
            let _ = out.line(line).await;
            Ok(Outcome::of(Verdict::Unknown))
        }
        ended => ended,
    }
}

/// Passes on what the child says; evidence also when the run has been cancelled meanwhile.
async fn pass(out: &mut Out, event: Event) -> Result<(), Cancelled> {
    match event {
        Event::Ended(_) | Event::EndedRow(_) | Event::Part(_) | Event::Canary(_) => {
            out.evidence(event).await
        }
        event => out.event(event).await,
    }
}

const CHILD_RUN: RunId = RunId(1);

/// How often it is asked whether the run has been cancelled.
const LOOK: Duration = Duration::from_millis(200);

/// The child's only controller is its parent, over pipes nobody else holds: no need to guess.
const NONCE: &str = "parentchild";

enum Broken {
    Said(Line),
    Cancelled,
}

impl From<Cancelled> for Broken {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<Line> for Broken {
    fn from(line: Line) -> Self {
        Self::Said(line)
    }
}

/// Ourselves, as the owner can start us: where we lie on a host only root may, and what runs then is
/// a copy in memory, which lives as long as the file that is returned.
fn program() -> std::io::Result<(PathBuf, Option<File>)> {
    let own = Path::new("/proc/self/exe");
    let everybody = Mode::from_raw_mode(fs::metadata(own)?.mode()).contains(Mode::XOTH);
    if everybody {
        return Ok((own.to_owned(), None));
    }
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut copy = File::from(memfd_create("kickout-agent", flags)?);
    std::io::copy(&mut File::open(own)?, &mut copy)?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&copy, seals)?;
    let program = format!("/proc/self/fd/{}", copy.as_raw_fd());
    Ok((program.into(), Some(copy)))
}

struct Child {
    input: ChildStdin,
    output: ChildStdout,
    lines: Lines,
    begun: bool,
}

impl Child {
    async fn start(owner: Owner) -> Result<Self, Line> {
        let failed = |why: String| failed(owner, &why);
        let (program, copy) = program().map_err(|error| failed(error.to_string()))?;
        // A site's code can kill the child, which has its account.
        orphans::adopt().map_err(|error| failed(error.to_string()))?;
        let spawned = Command::new(program)
            .arg0("kickout-agent")
            .arg(NONCE)
            .uid(owner.uid)
            .gid(owner.gid)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        drop(copy);
        let mut spawned = spawned.map_err(|error| failed(error.to_string()))?;
        if let Some(child) = orphans::pid(&spawned) {
            orphans::spare(child);
        }
        let (Some(input), Some(output)) = (spawned.stdin.take(), spawned.stdout.take()) else {
            return Err(failed("it has no pipes".to_owned()));
        };
        let mut child = Self {
            input,
            output,
            lines: Lines::default(),
            begun: false,
        };
        loop {
            let line = child
                .lines
                .next_line()
                .map_err(|error| failed(error.to_string()))?;
            match line.map(|line| Hello::read(line, NONCE)) {
                Some(Some(Ok(_))) => return Ok(child),
                Some(_) => {}
                None => child.fill().await.map_err(failed)?,
            }
        }
    }

    async fn fill(&mut self) -> Result<(), String> {
        let mut buffer = vec![0; 64 * 1024];
        match self.output.read(&mut buffer).await {
            Ok(0) => Err("it ended early".to_owned()),
            Ok(count) => {
                self.lines.push(&buffer[..count]);
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn send(&mut self, frame: &ToAgent) -> Result<(), Line> {
        let line = frame::encode(frame).map_err(|error| lost(&error.to_string()))?;
        self.input
            .write_all(&line)
            .await
            .map_err(|error| lost(&error.to_string()))
    }

    async fn next(&mut self) -> Result<FromAgent, Line> {
        loop {
            let frame = self
                .lines
                .next_frame()
                .map_err(|error| lost(&error.to_string()))?;
            match frame {
                Some(frame) => return Ok(frame),
                None => self.fill().await.map_err(|why| lost(&why))?,
            }
        }
    }

    async fn relay(&mut self, out: &mut Out) -> Result<Outcome, Broken> {
        let mut ping = tokio::time::interval(Duration::from_secs(PING_SECONDS));
        let mut look = tokio::time::interval(LOOK);
        loop {
            out.cancelled()?;
            // A long statement says nothing: the child must hear of us, and we of a cancel.
            let frame = tokio::select! {
                frame = self.next() => frame?,
                _ = ping.tick() => {
                    self.send(&ToAgent::Ping).await?;
                    continue;
                }
                _ = look.tick() => continue,
            };
            match frame {
                FromAgent::Begun { cutoff, .. } => {
                    self.begun = true;
                    out.begun(cutoff).await?;
                }
                FromAgent::Event { seq, event, .. } => {
                    pass(out, event).await?;
                    self.send(&ToAgent::Ack { id: CHILD_RUN, seq }).await?;
                }
                FromAgent::Done { outcome, .. } => return Ok(outcome),
                FromAgent::Pong => {}
            }
        }
    }

    /// Stops the child between two steps and waits for its word.
    async fn cancel(&mut self, out: &mut Out) -> Result<Outcome, Line> {
        self.send(&ToAgent::Cancel { id: CHILD_RUN }).await?;
        loop {
            match self.next().await? {
                FromAgent::Begun { .. } => self.begun = true,
                // Only evidence is still wanted; whether anybody takes it changes nothing here.
                FromAgent::Event { event, .. } => {
                    let _ = pass(out, event).await;
                }
                FromAgent::Done { outcome, .. } => {
                    let verdict = Verdict::Cancelled;
                    return Ok(Outcome { verdict, ..outcome });
                }
                FromAgent::Pong => {}
            }
        }
    }
}

fn failed(owner: Owner, why: &str) -> Line {
    Line {
        level: Level::Error,
        text: format!(
            "cannot become uid {}, the owner of the site: {why}",
            owner.uid
        ),
        fix: Some("Run kickout as that user.".to_owned()),
    }
}

fn lost(why: &str) -> Line {
    Line {
        level: Level::Error,
        text: format!(
            "the agent's child broke off: {why}. Whether sessions were destroyed is not known"
        ),
        fix: Some("List the sessions, then run the command again.".to_owned()),
    }
}
