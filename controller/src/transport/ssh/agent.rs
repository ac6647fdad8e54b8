//! From a login to an agent that has said hello: one exec of the shell line, the upload when the
//! host asks for it, and the channel as a pair of byte streams.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use kickout_shared::message::MAGIC;
use russh::Channel;
use russh::client::Msg;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use zeroize::Zeroizing;

use super::Session;
use super::channel::{END, Ended, Noise, Remote, pump};
use super::dial::{late, words};
use super::error::SshError;
use crate::connection::Connection;
use crate::transport::shell::{self, Placed, Said};
use crate::transport::{Ask, Start};

/// For a channel to open and a command to be accepted.
const OPEN: Duration = Duration::from_secs(15);

/// For the host's first word: a login script may do much before it.
const HELLO: Duration = Duration::from_secs(10);

/// For the agent's way to the host.
const UPLOAD: Duration = Duration::from_secs(60);

/// Bytes sent at once.
const PIECE: usize = 64 * 1024;

/// Bytes between the channel and the exchange.
const PIPE: usize = 256 * 1024;

/// Starts the agent, as `become` when that is another account.
pub(super) async fn start(
    session: Session,
    account: Option<&str>,
    start: &Start<'_>,
) -> Result<Connection, SshError> {
    let first = match account {
        Some(_) => shell::SHARED_PLACES,
        None => shell::FIRST_PLACE,
    };
    let mut attempt = Attempt {
        session: &session,
        account,
        start,
        from: first,
        password: None,
    };
    // Each place may fail once, and a password may be needed once.
    for _ in 0..=shell::PLACES + 1 {
        match attempt.run().await? {
            Tried::Running(pipes) => {
                let Pipes {
                    from_agent,
                    to_agent,
                    ended,
                } = pipes;
                return Ok(Connection {
                    from_agent,
                    to_agent,
                    peer: Box::new(Remote { session, ended }),
                });
            }
            Tried::NextPlace(place) => attempt.from = place,
            Tried::Password(password) => attempt.password = Some(password),
        }
    }
    Err(SshError::NoPlace {
        place: session.place,
        why: "every one failed while it was written to".to_owned(),
    })
}

/// Names the agents that lie on the host, or removes them.
pub(super) async fn tidy(
    session: &Session,
    account: Option<&str>,
    start: &Start<'_>,
    remove: bool,
) -> Result<Vec<Placed>, SshError> {
    let attempt = Attempt {
        session,
        account,
        start,
        from: shell::FIRST_PLACE,
        password: None,
    };
    let line = shell::tidy_line(start.nonce, remove);
    let line = match account {
        Some(account) => format!("/usr/bin/sudo -n -H -u {account} -- {line}"),
        None => line,
    };
    let (reader, _writer) = attempt.open(&line).await?.split();
    let (pumped, mut output) = tokio::io::duplex(PIPE);
    let (tell, ended) = watch::channel(Ended::default());
    tokio::spawn(pump(reader, pumped, tell));
    let mut noise = Noise::default();
    let mut found = Vec::new();
    let deadline = Instant::now() + HELLO;
    loop {
        match timeout_at(deadline, noise.line(&mut output)).await {
            Ok(Ok(Some(line))) => match shell::placed(&line, start.nonce) {
                Some(Some(placed)) => found.push(placed),
                Some(None) => return Ok(found),
                None => noise.skip(&line),
            },
            Ok(Ok(None)) => {
                attempt.ended(ended, &noise).await?;
                return Ok(found);
            }
            Ok(Err(why)) => return Err(attempt.not_started(why, &noise)),
            Err(_) => {
                let why = format!("no answer within {} seconds", HELLO.as_secs());
                return Err(attempt.not_started(why, &noise));
            }
        }
    }
}

/// One exec of the line.
struct Attempt<'a> {
    session: &'a Session,
    account: Option<&'a str>,
    start: &'a Start<'a>,
    from: u32,
    password: Option<Zeroizing<String>>,
}

enum Tried {
    Running(Pipes),
    NextPlace(u32),
    Password(Zeroizing<String>),
}

struct Pipes {
    from_agent: Box<dyn AsyncRead + Unpin>,
    to_agent: Box<dyn AsyncWrite + Unpin>,
    ended: watch::Receiver<Ended>,
}

impl Attempt<'_> {
    async fn run(&mut self) -> Result<Tried, SshError> {
        let place = &self.session.place;
        let line = shell::line(self.start.agents, self.start.nonce, self.from);
        // `-S` takes the password from stdin, and `-p ""` keeps its question out of stderr.
        let line = match (self.account, &self.password) {
            (None, _) => line,
            (Some(account), None) => format!("/usr/bin/sudo -n -H -u {account} -- {line}"),
            (Some(account), Some(_)) => {
                format!("/usr/bin/sudo -S -p \"\" -H -u {account} -- {line}")
            }
        };
        let channel = self.open(&line).await?;
        let (reader, writer) = channel.split();
        let mut to_agent = Box::pin(writer.make_writer());
        let (pumped, mut from_agent) = tokio::io::duplex(PIPE);
        let (tell, ended) = watch::channel(Ended::default());
        tokio::spawn(pump(reader, pumped, tell));
        if let Some(password) = &self.password {
            let line = Zeroizing::new(format!("{}\n", password.as_str()));
            self.send(&mut to_agent, line.as_bytes()).await?;
        }
        let mut noise = Noise::default();
        let mut sent = None;
        let mut deadline = Instant::now() + HELLO;
        loop {
            let line = match timeout_at(deadline, noise.line(&mut from_agent)).await {
                Ok(Ok(Some(line))) => line,
                Ok(Ok(None)) => return self.ended(ended, &noise).await,
                Ok(Err(why)) => return Err(self.not_started(why, &noise)),
                // A wrong password: it waits for another one.
                Err(_) if self.password.is_some() => {
                    return Err(SshError::Sudo {
                        place: place.clone(),
                        user: self.session.user.clone(),
                        target: self.account.unwrap_or_default().to_owned(),
                        why: ended.borrow().words(),
                    });
                }
                Err(_) => {
                    let why = format!("no hello within {} seconds", HELLO.as_secs());
                    return Err(self.not_started(why, &noise));
                }
            };
            let hello = format!("{MAGIC} {} ", self.start.nonce);
            if line.starts_with(hello.as_bytes()) {
                let text = match sent {
                    Some(size) => format!("sent, {size} bytes"),
                    None => "already there".to_owned(),
                };
                if let Some(account) = self.account {
                    (self.start.tell)("sudo", format!("becomes {account}"));
                }
                (self.start.tell)("delivery", format!("the agent was {text}"));
                let mut unread = line;
                unread.push(b'\n');
                unread.append(&mut noise.unread);
                return Ok(Tried::Running(Pipes {
                    from_agent: Box::new(Cursor::new(unread).chain(from_agent)),
                    to_agent: Box::new(to_agent),
                    ended,
                }));
            }
            match shell::said(&line, self.start.nonce) {
                Said::Other => noise.skip(&line),
                // Else a host could keep us sending for ever.
                Said::Needs(_) if sent.is_some() => {
                    let why = "it asks for the agent again".to_owned();
                    return Err(self.not_started(why, &noise));
                }
                Said::Needs(machine) => {
                    // The host is believed only as far as choosing among ours.
                    let agent = self.start.agents.get(&machine);
                    let agent = agent.map_err(|error| self.deliver(error))?;
                    let mut gone = ended.clone();
                    let upload = self.send(&mut to_agent, agent);
                    tokio::select! {
                        done = timeout(UPLOAD, upload) => match done {
                            Ok(done) => done?,
                            Err(_) => {
                                return Err(late(place.clone(), "uploading the agent", UPLOAD));
                            }
                        },
                        // It stopped reading, as on a full disk; its last line says why.
                        _ = gone.wait_for(|it| it.closed) => {}
                    }
                    sent = Some(agent.len());
                    deadline = Instant::now() + HELLO;
                }
                Said::Architecture(machine) => {
                    let Err(missing) = self.start.agents.get(&machine) else {
                        return Err(self.not_started(machine, &noise));
                    };
                    return Err(self.deliver(missing));
                }
                Said::NoPlace(why) => {
                    return Err(SshError::NoPlace {
                        place: place.clone(),
                        why,
                    });
                }
                Said::Failed(number, _) => return Ok(Tried::NextPlace(number)),
            }
        }
    }

    /// A channel on which the line runs.
    async fn open(&self, line: &str) -> Result<Channel<Msg>, SshError> {
        let refused = |error: russh::Error| SshError::Channel {
            place: self.session.place.clone(),
            why: words(&error),
        };
        let opening = async {
            let channel = self.session.handle.channel_open_session().await?;
            channel.exec(true, line).await?;
            Ok(channel)
        };
        match timeout(OPEN, opening).await {
            Ok(opened) => opened.map_err(refused),
            Err(_) => Err(late(self.session.place.clone(), "opening a channel", OPEN)),
        }
    }

    async fn send(
        &self,
        to_agent: &mut (impl AsyncWrite + Unpin),
        bytes: &[u8],
    ) -> Result<(), SshError> {
        let sending = async {
            for piece in bytes.chunks(PIECE) {
                to_agent.write_all(piece).await?;
            }
            to_agent.flush().await
        };
        sending
            .await
            .map_err(|why: std::io::Error| SshError::Channel {
                place: self.session.place.clone(),
                why: why.to_string(),
            })
    }

    /// The line ended without an agent: why, as far as the host says.
    async fn ended(
        &self,
        mut ended: watch::Receiver<Ended>,
        noise: &Noise,
    ) -> Result<Tried, SshError> {
        // The status follows the end of the output, or nothing does.
        let _ = timeout(END, ended.wait_for(|it| it.closed)).await;
        let (stderr, status) = {
            let ended = ended.borrow();
            (ended.words(), ended.status())
        };
        if let Some(account) = self.account
            && stderr.contains("sudo")
        {
            let place = self.session.place.clone();
            let user = self.session.user.clone();
            if let (None, Some(ask), true) =
                (&self.password, self.start.ask, stderr.contains("password"))
            {
                let question = format!("[sudo] Password of {user}@{place}: ");
                if let Some(password) = asked(ask, question).await {
                    return Ok(Tried::Password(password));
                }
            }
            return Err(SshError::Sudo {
                place,
                user,
                target: account.to_owned(),
                why: stderr,
            });
        }
        let why = match stderr.is_empty() {
            true => format!("the command ended ({status})"),
            false => format!("the command ended ({status}): {stderr}"),
        };
        Err(self.not_started(why, noise))
    }

    fn not_started(&self, why: String, noise: &Noise) -> SshError {
        let said = noise.shown();
        let why = match said.is_empty() {
            true => why,
            false => format!("{why}; it printed: {said}"),
        };
        SshError::NotStarted {
            place: self.session.place.clone(),
            why,
        }
    }

    fn deliver(&self, error: crate::deliver::DeliverError) -> SshError {
        SshError::Deliver {
            place: self.session.place.clone(),
            error,
        }
    }
}

/// Asks a person, off the loop.
async fn asked(ask: &Ask, question: String) -> Option<Zeroizing<String>> {
    let ask = Arc::clone(ask);
    tokio::task::spawn_blocking(move || ask(&question))
        .await
        .ok()?
}
