//! From a login to an agent that has said hello: one exec of the shell line, sudo and its password
//! where another account was named, and the channel as a pair of byte streams.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::Session;
use super::answers::PASSWORDS;
use super::channel::{END, Ended, Remote, pump, tunnel};
use super::dial::{late, words};
use super::error::SshError;
use crate::connection::Connection;
use crate::transport::noise::Noise;
use crate::transport::placing::{self, Came};
use crate::transport::shell::{self, Placed};
use crate::transport::{Start, asked};

/// For a channel to open and a command to be accepted.
const OPEN: Duration = Duration::from_secs(15);

/// Bytes between the channel and the exchange.
const PIPE: usize = 256 * 1024;

/// Starts the agent, as `account` when that is another one.
pub(super) async fn start(
    session: Session,
    account: Option<&str>,
    start: &Start<'_>,
) -> Result<Connection, SshError> {
    let way = Way {
        session: &session,
        account,
        start,
    };
    let agents = start.agents;
    let mut from = 0;
    let mut failed = String::new();
    // Each place may fail once.
    for _ in way.places() {
        let words = shell::place_words(agents.offers(), start.nonce, from, way.places());
        let mut running = way.run(&shell::line(&shell::PLACE, &words)).await?;
        let mut noise = Noise::default();
        let place = async |Running { output, input, .. }: &mut Running| {
            placing::place(output, input, &mut noise, start, |arch| agents.get(arch)).await
        };
        let came = way.answering(&mut running, place).await?;
        let place = session.place.clone();
        match came {
            Came::Running { unread, sent } => {
                if let Some(account) = account {
                    (start.tell)("sudo", format!("becomes {account}"));
                }
                (start.tell)("delivery", placing::delivered(sent));
                let Running {
                    output,
                    input,
                    ended,
                } = running;
                let session = Arc::new(session);
                return Ok(Connection {
                    from_agent: placing::unread(unread, output),
                    to_agent: input,
                    tunnel: Some(tunnel(Arc::clone(&session))),
                    peer: Box::new(Remote { session, ended }),
                });
            }
            Came::NextPlace(number, why) => {
                from = number;
                failed = why;
            }
            Came::Ended => return Err(way.ended(running.ended, &noise).await),
            Came::NoPlace(why) => return Err(SshError::NoPlace { place, why }),
            Came::Missing(error) => return Err(SshError::Deliver { place, error }),
            Came::Late => return Err(late(place, "uploading the agent", placing::UPLOAD)),
            Came::Odd(why) => return Err(way.not_started(why, &noise)),
        }
    }
    Err(SshError::NoPlace {
        place: session.place,
        why: failed,
    })
}

/// Names the agents that lie on the host, or removes them.
pub(super) async fn tidy(
    session: &Session,
    account: Option<&str>,
    start: &Start<'_>,
    remove: bool,
) -> Result<Vec<Placed>, SshError> {
    let way = Way {
        session,
        account,
        start,
    };
    let words = shell::tidy_words(start.nonce, remove, way.places());
    let mut running = way.run(&shell::line(&shell::TIDY, &words)).await?;
    let mut noise = Noise::default();
    let listed = async |Running { output, .. }: &mut Running| {
        placing::listed(output, &mut noise, start.nonce).await
    };
    match way.answering(&mut running, listed).await? {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(way.ended(running.ended, &noise).await),
        Err(why) => Err(way.not_started(why, &noise)),
    }
}

/// How a script is run on a host.
struct Way<'a> {
    session: &'a Session,
    account: Option<&'a str>,
    start: &'a Start<'a>,
}

/// A script that runs.
struct Running {
    input: Box<dyn AsyncWrite + Unpin>,
    output: DuplexStream,
    ended: watch::Receiver<Ended>,
}

impl Way<'_> {
    fn places(&self) -> &'static [&'static str] {
        match self.account {
            Some(_) => shell::SHARED_PLACES,
            None => &shell::PLACES,
        }
    }

    /// A channel on which the line runs, through sudo where that was asked for.
    async fn run(&self, line: &str) -> Result<Running, SshError> {
        let line = match (self.account, self.start.ask) {
            (None, _) => line.to_owned(),
            (Some(account), None) => format!("/usr/bin/sudo -n -H -u {account} -- {line}"),
            // It reads the password from stdin, if it wants one, and its question is known.
            (Some(account), Some(_)) => {
                let question = self.question();
                format!("/usr/bin/sudo -S -p {question} -H -u {account} -- {line}")
            }
        };
        let refused = |error: russh::Error| SshError::Channel {
            place: self.session.place.clone(),
            why: words(&error),
        };
        let opening = async {
            let channel = self.session.handle.channel_open_session().await?;
            channel.exec(true, line).await?;
            Ok(channel)
        };
        let channel = match timeout(OPEN, opening).await {
            Ok(opened) => opened.map_err(refused)?,
            Err(_) => return Err(late(self.session.place.clone(), "opening a channel", OPEN)),
        };
        let (reader, writer) = channel.split();
        let (pumped, output) = tokio::io::duplex(PIPE);
        let (tell, ended) = watch::channel(Ended::default());
        tokio::spawn(pump(reader, pumped, tell));
        Ok(Running {
            input: Box::new(Box::pin(writer.make_writer())),
            output,
            ended,
        })
    }

    /// Talks with the script. When sudo asks for its password, a person is asked, and the talk
    /// begins anew: the script has not begun.
    async fn answering<T>(
        &self,
        running: &mut Running,
        mut talk: impl AsyncFnMut(&mut Running) -> T,
    ) -> Result<T, SshError> {
        let question = self.question();
        let mut answered = 0;
        loop {
            let mut ended = running.ended.clone();
            tokio::select! {
                said = talk(running) => return Ok(said),
                Ok(_) = ended.wait_for(|it| it.asks(&question) > answered) => {}
            }
            let (Some(ask), Some(account)) = (self.start.ask, self.account) else {
                return Err(self.refused("it asks for a password".to_owned()));
            };
            let user = &self.session.user;
            let again = if answered > 0 { "Wrong. " } else { "" };
            let text = format!("{again}[sudo] Password of {user}@{}: ", self.session.place);
            if answered == PASSWORDS {
                return Err(self.refused("three wrong passwords".to_owned()));
            }
            let Some(password) = asked(ask, text).await else {
                return Err(self.refused(format!("no password for {account}")));
            };
            answered += 1;
            let line = Zeroizing::new(format!("{}\n", password.as_str()));
            let sending = async {
                running.input.write_all(line.as_bytes()).await?;
                running.input.flush().await
            };
            // Who does not take it ends, and says why.
            let _ = timeout(OPEN, sending).await;
        }
    }

    /// What sudo asks for its password with.
    fn question(&self) -> String {
        format!("KICKOUT-SUDO-{}", self.start.nonce)
    }

    /// The line ended without an agent: why, as far as the host says.
    async fn ended(&self, mut ended: watch::Receiver<Ended>, noise: &Noise) -> SshError {
        // The status follows the end of the output, or nothing does.
        let _ = timeout(END, ended.wait_for(|it| it.closed)).await;
        let ended = ended.borrow();
        let stderr = ended.words().replace(&self.question(), "");
        if self.account.is_some() && stderr.contains("sudo") {
            return self.refused(stderr);
        }
        let status = ended.status();
        let why = match stderr.is_empty() {
            true => format!("the command ended ({status})"),
            false => format!("the command ended ({status}): {stderr}"),
        };
        self.not_started(why, noise)
    }

    fn refused(&self, why: String) -> SshError {
        SshError::Sudo {
            place: self.session.place.clone(),
            user: self.session.user.clone(),
            target: self.account.unwrap_or_default().to_owned(),
            why,
        }
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
}
