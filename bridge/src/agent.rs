//! The agents beside the sites: started as a site's owner, one run at a time each, kept for the next
//! request. Frames pass as they come; what they mean is not known here.

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use kickout_shared::event::Outcome;
use kickout_shared::frame::{self, FrameError, Lines};
use kickout_shared::message::{
    FromAgent, Hello, MAX_NOISE, PING_SECONDS, RunId, SILENCE_SECONDS, ToAgent,
};
use kickout_shared::request::Request;
use kickout_shared::site::Site;
use kickout_shared::version;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, interval, timeout, timeout_at};

use crate::container;
use crate::owner::Owner;
use crate::token::hex;

/// How long an agent may take to say hello.
const HELLO: Duration = Duration::from_secs(10);

/// How long an agent without work is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Agents without work that are kept for one site.
const MAX_IDLE: usize = 4;

/// How long the last words of an agent that is dead may take.
const LAST_WORDS: Duration = Duration::from_secs(5);

const SILENCE: Duration = Duration::from_secs(SILENCE_SECONDS);

/// Why a run has no end of its own.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// It could not be started.
    #[error("cannot start the agent: {0}")]
    Start(std::io::Error),
    /// It is another release.
    #[error("the agent beside the bridge is another one ({0})")]
    Release(String),
    /// It ended, or broke the protocol, before it could write.
    #[error("the agent broke off: {0}")]
    Lost(String),
    /// The same, after that: whether sessions were destroyed is not known.
    #[error("the agent broke off in the middle: {0}")]
    Unknown(String),
}

impl AgentError {
    /// Whether sessions may have been destroyed.
    pub fn may_have_begun(&self) -> bool {
        match self {
            Self::Start(_) | Self::Release(_) | Self::Lost(_) => false,
            Self::Unknown(_) => true,
        }
    }

    /// The command that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Start(_) | Self::Release(_) => {
                "Install the bridge anew: it brings its agent with it.".to_owned()
            }
            Self::Lost(_) => "Run the command again.".to_owned(),
            Self::Unknown(_) => "List the sessions, then run the command again.".to_owned(),
        }
    }
}

/// Takes the frames of a run, each a line with its end; all of them, also when nobody listens any
/// more.
pub trait Sink {
    /// One frame.
    fn line(&mut self, line: Vec<u8>) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Waits until nobody listens any more.
    fn gone(&self) -> impl Future<Output = ()> + Send;
}

/// Nobody listens any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// The agents of a bridge.
#[derive(Debug)]
pub struct Agents {
    program: PathBuf,
    idle: Mutex<HashMap<Owner, Vec<(Instant, Agent)>>>,
}

impl Agents {
    /// Those of this program.
    pub fn new(program: PathBuf) -> Self {
        let idle = Mutex::default();
        Self { program, idle }
    }

    /// Carries out a request with the rights of `owner`, or our own. When the client goes, the run
    /// is cancelled, and its end waited for.
    pub async fn run(
        &self,
        owner: Option<Owner>,
        site: Site,
        request: Request,
        sink: &mut impl Sink,
    ) -> Result<Outcome, AgentError> {
        let key = owner.unwrap_or(Owner { uid: 0, gid: 0 });
        let kept = self.kept(key);
        let mut agent = match kept {
            Some(agent) => agent,
            None => Agent::start(&self.program, owner).await?,
        };
        let outcome = agent.run(site, request, sink).await?;
        self.keep(key, agent);
        Ok(outcome)
    }

    fn kept(&self, owner: Owner) -> Option<Agent> {
        let mut idle = self.idle.lock().ok()?;
        let agents = idle.get_mut(&owner)?;
        agents.retain_mut(|(since, agent)| since.elapsed() < IDLE && agent.lives());
        agents.pop().map(|(_, agent)| agent)
    }

    fn keep(&self, owner: Owner, agent: Agent) {
        if let Ok(mut idle) = self.idle.lock() {
            let agents = idle.entry(owner).or_default();
            if agents.len() < MAX_IDLE {
                agents.push((Instant::now(), agent));
            }
        }
    }
}

/// One agent. It ends with the value: its input closes, and it is killed if that does not do.
#[derive(Debug)]
struct Agent {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    lines: Lines,
    runs: u64,
}

impl Agent {
    async fn start(program: &PathBuf, owner: Option<Owner>) -> Result<Self, AgentError> {
        let mut nonce = [0; 16];
        let random = SystemRandom::new().fill(&mut nonce);
        random.map_err(|_| AgentError::Start(std::io::Error::other("no random numbers")))?;
        let nonce = hex(&nonce);
        let mut command = Command::new(program);
        command
            .arg(&nonce)
            .env_clear()
            .envs(container::environment())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // An interrupt at the keyboard is for the bridge, which finishes what runs.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(Owner { uid, gid }) = owner {
            command.uid(uid).gid(gid);
        }
        let mut child = command.spawn().map_err(AgentError::Start)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(AgentError::Lost("it has no pipes".to_owned()));
        };
        let mut agent = Self {
            child,
            input,
            output,
            lines: Lines::default(),
            runs: 0,
        };
        match timeout(HELLO, agent.hello(&nonce)).await {
            Ok(greeted) => greeted.map(|()| agent),
            Err(_) => Err(AgentError::Lost("it said nothing".to_owned())),
        }
    }

    async fn hello(&mut self, nonce: &str) -> Result<(), AgentError> {
        let mut noise = 0;
        loop {
            while let Some(line) = self.lines.next_line().map_err(broken)? {
                noise += line.len();
                match Hello::read(line, nonce) {
                    Some(Ok(hello)) if hello.protocol == version::PROTOCOL => return Ok(()),
                    Some(Ok(hello)) => return Err(AgentError::Release(hello.release)),
                    Some(Err(error)) => return Err(AgentError::Lost(error.to_string())),
                    None if noise > MAX_NOISE => {
                        return Err(AgentError::Lost("it talks of other things".to_owned()));
                    }
                    None => {}
                }
            }
            self.read().await?;
        }
    }

    fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    async fn run(
        &mut self,
        site: Site,
        request: Request,
        sink: &mut impl Sink,
    ) -> Result<Outcome, AgentError> {
        self.runs += 1;
        let id = RunId(self.runs);
        let (site, request) = (Box::new(site), Box::new(request));
        // Where that fails the line has no end, and is no request.
        self.send(&ToAgent::Run { id, site, request }).await?;
        let mut begun = false;
        match self.converse(id, sink, &mut begun).await {
            Err(AgentError::Lost(why)) if begun || self.may_have_begun().await => {
                Err(AgentError::Unknown(why))
            }
            ended => ended,
        }
    }

    /// Whether an agent that broke off has, for all we know, begun. It says so before it does anything:
    /// so once it is dead, what it has said and we have not read yet tells.
    async fn may_have_begun(&mut self) -> bool {
        let _ = self.child.start_kill();
        let said = async {
            let mut buffer = [0; 16 * 1024];
            loop {
                loop {
                    match self.lines.next_frame() {
                        Ok(None) => break,
                        Ok(Some(FromAgent::Begun { .. })) | Err(_) => return true,
                        Ok(Some(_)) => {}
                    }
                }
                match self.output.read(&mut buffer).await {
                    Ok(0) => return false,
                    Ok(count) => self.lines.push(&buffer[..count]),
                    Err(_) => return true,
                }
            }
        };
        timeout(LAST_WORDS, said).await.unwrap_or(true)
    }

    async fn converse(
        &mut self,
        id: RunId,
        sink: &mut impl Sink,
        begun: &mut bool,
    ) -> Result<Outcome, AgentError> {
        let mut ping = interval(Duration::from_secs(PING_SECONDS));
        ping.reset();
        let (mut heard, mut gone) = (Instant::now(), false);
        loop {
            while let Some(line) = self.lines.next_line().map_err(broken)? {
                let mut line = line.to_vec();
                let frame: FromAgent = frame::decode(&line).map_err(broken)?;
                let (ours, seq, outcome) = match frame {
                    FromAgent::Begun { id, .. } => {
                        *begun = true;
                        (id, None, None)
                    }
                    FromAgent::Event { id, seq, .. } => (id, Some(seq), None),
                    FromAgent::Done { id, outcome, .. } => (id, None, Some(outcome)),
                    FromAgent::Pong => continue,
                };
                if ours != id {
                    return Err(AgentError::Lost("it answers another question".to_owned()));
                }
                line.push(b'\n');
                // Who reads slowly must not silence us towards the agent.
                let mut taken = pin!(sink.line(line));
                let taken = loop {
                    tokio::select! {
                        taken = &mut taken => break taken,
                        _ = ping.tick() => self.send(&ToAgent::Ping).await?,
                    }
                };
                if taken == Err(Gone) && !gone {
                    gone = true;
                    self.send(&ToAgent::Cancel { id }).await?;
                }
                if let Some(seq) = seq {
                    self.send(&ToAgent::Ack { id, seq }).await?;
                }
                if let Some(outcome) = outcome {
                    return Ok(outcome);
                }
            }
            tokio::select! {
                read = timeout_at(heard + SILENCE, self.read()) => {
                    read.map_err(|_| AgentError::Lost("it fell silent".to_owned()))??;
                    heard = Instant::now();
                }
                () = sink.gone(), if !gone => {
                    gone = true;
                    self.send(&ToAgent::Cancel { id }).await?;
                }
                _ = ping.tick() => self.send(&ToAgent::Ping).await?,
            }
        }
    }

    async fn read(&mut self) -> Result<(), AgentError> {
        let mut buffer = [0; 16 * 1024];
        match self.output.read(&mut buffer).await {
            Ok(0) => Err(AgentError::Lost("it ended".to_owned())),
            Ok(count) => {
                self.lines.push(&buffer[..count]);
                Ok(())
            }
            Err(error) => Err(AgentError::Lost(error.to_string())),
        }
    }

    async fn send(&mut self, frame: &ToAgent) -> Result<(), AgentError> {
        let line = frame::encode(frame).map_err(|error| AgentError::Lost(error.to_string()))?;
        match timeout(SILENCE, self.input.write_all(&line)).await {
            Ok(written) => written.map_err(|error| AgentError::Lost(error.to_string())),
            Err(_) => Err(AgentError::Lost("it takes nothing".to_owned())),
        }
    }
}

fn broken(error: FrameError) -> AgentError {
    AgentError::Lost(error.to_string())
}
