//! One `php` process: started with limits, fed its script privately, asked one thing at a time over
//! two descriptors of its own, and ended with its process group. Knows no session and no verb.

use std::ffi::OsString;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use kickout_shared::value::{Key, Value};
use rustix::fs::MemfdFlags;
use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::Instant;

use super::noise::Noise;
use super::wire;
use crate::engine::native::serialize;
use crate::orphans;

/// How long WordPress may take to load.
const START: Duration = Duration::from_secs(15);

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(60);

/// How long a process that has ended may take to let go of its pipes.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How often it is looked whether the process is still there.
const LOOK: Duration = Duration::from_millis(100);

/// The largest answer, in bytes.
const LARGEST: usize = 256 * 1024 * 1024;

/// Remarks of PHP that are kept.
const MAX_NOTES: usize = 500;

/// One text, as PHP reads only one file from its input.
const SCRIPT: [&str; 3] = [
    include_str!("bootstrap.php"),
    include_str!("configuration.php"),
    include_str!("run.php"),
];

/// What is said to PHP before it reads the script: nothing of the site's may come before ours, and
/// nothing is shown but what we ask to hear.
const SETTINGS: [&str; 8] = [
    "auto_prepend_file=",
    "auto_append_file=",
    "display_errors=0",
    "log_errors=0",
    "html_errors=0",
    "memory_limit=512M",
    "max_execution_time=0",
    "xdebug.mode=off",
];

/// How to start one.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The agent itself, which becomes PHP (`launch`).
    pub agent: PathBuf,
    /// PHP.
    pub php: PathBuf,
    /// The variables the site's PHP has.
    pub environment: Vec<(OsString, OsString)>,
    /// The directory it starts in.
    pub root: PathBuf,
}

/// What PHP remarked: a notice, warning or fatal error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// `Warning`, `Notice`, `Deprecated`, `Fatal error`
    pub level: String,
    /// Its words.
    pub text: String,
    /// The file, perhaps empty.
    pub file: String,
    /// The line.
    pub line: u64,
}

/// Why there was no answer.
#[derive(Debug)]
pub(super) enum Silence {
    /// It could not be started.
    Start(String),
    /// It ended; what PHP said of it, or what it printed.
    Ended(String),
    /// It took too long, in seconds.
    Late(u64),
    /// It sent what is no answer of ours.
    Forged,
}

/// A process that is running.
pub(super) struct Worker {
    child: Child,
    group: Pid,
    requests: pipe::Sender,
    answers: pipe::Receiver,
    streams: (Option<ChildStdout>, Option<ChildStderr>),
    printed: (Noise, Noise),
    nonce: String,
    sequence: u32,
    received: Vec<u8>,
    notes: Vec<Note>,
}

impl Worker {
    /// Starts it and waits for its hello, which answers `load`. What it remarked goes to `notes`.
    pub(super) async fn start(
        launch: &Launch,
        load: Value,
        notes: &mut Vec<Note>,
    ) -> Result<(Self, Value), Silence> {
        let failed = |error: std::io::Error| Silence::Start(error.to_string());
        let mut worker = Self::spawn(launch, nonce().map_err(failed)?).map_err(failed)?;
        let hello = worker.exchange(load, START).await;
        notes.append(&mut worker.notes);
        Ok((worker, hello?))
    }

    fn spawn(launch: &Launch, nonce: String) -> std::io::Result<Self> {
        let mut script = std::fs::File::from(rustix::fs::memfd_create(
            "kickout-php",
            MemfdFlags::CLOEXEC,
        )?);
        script.write_all(SCRIPT.join("?>\n").as_bytes())?;
        script.rewind()?;
        let (theirs_in, ours_out) = std::io::pipe()?;
        let (ours_in, theirs_out) = std::io::pipe()?;
        let theirs = [OwnedFd::from(theirs_in), OwnedFd::from(theirs_out)];
        for end in &theirs {
            // This thread starts no other process between here and the end of this function.
            rustix::io::fcntl_setfd(end, FdFlags::empty())?;
        }
        orphans::adopt()?;
        let mut command = Command::new(&launch.agent);
        command.arg0("kickout-agent").arg("--php").arg(&launch.php);
        for setting in SETTINGS {
            command.args(["-d", setting]);
        }
        command.arg("--");
        command.args(theirs.iter().map(|end| end.as_raw_fd().to_string()));
        let mut child = command
            .env_clear()
            .envs(launch.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&launch.root)
            .stdin(Stdio::from(script))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group =
            orphans::pid(&child).ok_or_else(|| std::io::Error::other("it has no process id"))?;
        let streams = (child.stdout.take(), child.stderr.take());
        Ok(Self {
            child,
            group,
            requests: pipe::Sender::from_owned_fd(ours_out.into())?,
            answers: pipe::Receiver::from_owned_fd(ours_in.into())?,
            streams,
            printed: Default::default(),
            nonce,
            sequence: 0,
            received: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// Asks one thing.
    pub(super) async fn ask(&mut self, request: Value) -> Result<Value, Silence> {
        self.exchange(request, ANSWER).await
    }

    /// What PHP has remarked since this was last asked.
    pub(super) fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    async fn exchange(&mut self, mut request: Value, limit: Duration) -> Result<Value, Silence> {
        if let (0, Value::Array(fields)) = (self.sequence, &mut request) {
            fields.push((Key::Text("nonce".into()), wire::text(&self.nonce)));
        }
        self.sequence += 1;
        let mut body = Vec::new();
        wire::encode(&request, &mut body);
        let length = u32::try_from(body.len()).map_err(|_| Silence::Start("too large".into()))?;
        let mut frame = length.to_be_bytes().to_vec();
        frame.append(&mut body);
        let deadline = Instant::now() + limit;
        let answer = match self.converse(&frame, deadline).await {
            Some(answer) => answer?,
            None => return Err(Silence::Late(limit.as_secs())),
        };
        self.keep_notes(&answer);
        match wire::get(&answer, "died") {
            Some(fatal) => {
                if let Value::Array(_) = fatal {
                    self.notes.push(note(fatal));
                }
                Err(Silence::Ended(self.last_words(fatal).await))
            }
            None => Ok(answer),
        }
    }

    /// Sends a frame and reads the next, while what is printed is read away. `None`: too late.
    async fn converse(
        &mut self,
        frame: &[u8],
        deadline: Instant,
    ) -> Option<Result<Value, Silence>> {
        let mut unsent = frame;
        let mut look = tokio::time::interval(LOOK);
        let mut deadline = deadline;
        let mut ended = false;
        loop {
            match self.framed() {
                Ok(None) => {}
                Ok(Some(answer)) => return Some(Ok(answer)),
                Err(silence) => return Some(Err(silence)),
            }
            let (stdout, stderr) = (&mut self.streams.0, &mut self.streams.1);
            let closed = tokio::select! {
                sent = self.requests.write(unsent), if !unsent.is_empty() => match sent {
                    Ok(count) => {
                        unsent = &unsent[count..];
                        false
                    }
                    Err(_) => true,
                },
                read = self.answers.read_buf(&mut self.received) => !matches!(read, Ok(1..)),
                bytes = some(stdout) => {
                    self.printed.0.push(&bytes);
                    false
                }
                bytes = some(stderr) => {
                    self.printed.1.push(&bytes);
                    false
                }
                _ = look.tick() => {
                    // Somebody it started may hold its pipes open.
                    if !ended && self.has_ended() {
                        (ended, deadline) = (true, deadline.min(Instant::now() + LAST_WORDS));
                    }
                    false
                }
                () = tokio::time::sleep_until(deadline) => {
                    if !ended {
                        return None;
                    }
                    true
                }
            };
            if closed {
                let words = self.last_words(&Value::Null).await;
                return Some(Err(Silence::Ended(words)));
            }
        }
    }

    /// The next whole frame that was received. Anything before it, or in its place, is no answer.
    fn framed(&mut self) -> Result<Option<Value>, Silence> {
        let head = self.nonce.len() + 8;
        let seen = self.received.len().min(self.nonce.len());
        if self.received[..seen] != self.nonce.as_bytes()[..seen] {
            return Err(Silence::Forged);
        }
        let Some(numbers) = self.received.get(self.nonce.len()..head) else {
            return Ok(None);
        };
        let number = |bytes: &[u8]| {
            let bytes = bytes.try_into().unwrap_or_default();
            u32::from_be_bytes(bytes)
        };
        let length = number(&numbers[4..]) as usize;
        if number(&numbers[..4]) != self.sequence || length > LARGEST {
            return Err(Silence::Forged);
        }
        let Some(body) = self.received.get(head..head + length) else {
            return Ok(None);
        };
        let answer = serialize::decode(body).ok_or(Silence::Forged)?;
        self.received.drain(..head + length);
        Ok(Some(answer))
    }

    fn keep_notes(&mut self, answer: &Value) {
        let room = MAX_NOTES.saturating_sub(self.notes.len());
        let notes = wire::get(answer, "notes").map(wire::items);
        self.notes
            .extend(notes.into_iter().flatten().take(room).map(note));
    }

    /// Whether the process is gone. It is not reaped yet, so that its id stays its own.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(
            rustix::process::waitid(WaitId::Pid(self.group), options),
            Ok(None)
        )
    }

    /// Why it ended: what PHP calls fatal, else what it printed.
    async fn last_words(&mut self, fatal: &Value) -> String {
        if let Value::Array(_) = fatal {
            let Note {
                level,
                text,
                file,
                line,
            } = note(fatal);
            return format!("{level}: {text} in {file}:{line}");
        }
        let until = Instant::now() + LAST_WORDS;
        loop {
            let (stdout, stderr) = (&mut self.streams.0, &mut self.streams.1);
            if stdout.is_none() && stderr.is_none() {
                break;
            }
            tokio::select! {
                bytes = some(stdout) => self.printed.0.push(&bytes),
                bytes = some(stderr) => self.printed.1.push(&bytes),
                () = tokio::time::sleep_until(until) => break,
            }
        }
        match self.printed.0.shown().or_else(|| self.printed.1.shown()) {
            Some(printed) => format!("it printed: {printed}"),
            None => "it printed nothing".to_owned(),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Everything it started goes with it; nobody is left to hear that something was gone.
        let _ = rustix::process::kill_process_group(self.group, Signal::KILL);
        let _ = self.child.start_kill();
    }
}

fn note(told: &Value) -> Note {
    let text = wire::shown(wire::at(told, 1));
    Note {
        level: wire::shown(wire::at(told, 0)),
        // PHP appends a trace to what nobody caught.
        text: text.lines().next().unwrap_or_default().to_owned(),
        file: wire::shown(wire::at(told, 2)),
        line: wire::number(wire::at(told, 3)).unwrap_or(0),
    }
}

/// Bytes of a stream that is still open; a stream that ends is forgotten, one that is not there
/// says nothing for ever.
async fn some<R: AsyncRead + Unpin>(stream: &mut Option<R>) -> Vec<u8> {
    let Some(open) = stream else {
        return std::future::pending().await;
    };
    let mut bytes = Vec::with_capacity(4096);
    if !matches!(open.read_buf(&mut bytes).await, Ok(1..)) {
        *stream = None;
    }
    bytes
}

pub(super) fn nonce() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
