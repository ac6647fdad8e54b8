//! The talk with the scripts of `shell`, over any pair of streams: skips noise, sends the agent when
//! it is asked for, stops at the agent's hello. Knows neither ssh nor containers.

use std::io::Cursor;
use std::time::Duration;

use kickout_shared::message::MAGIC;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};

use super::noise::Noise;
use super::shell::{self, Placed, Said};
use super::{PROGRESS, Start};
use crate::deliver::DeliverError;

/// For the script's first word, and the agent's: a login script may do much before it.
pub(super) const HELLO: Duration = Duration::from_secs(10);

/// For the agent's way to the host.
pub(super) const UPLOAD: Duration = Duration::from_secs(60);

/// Bytes sent at once.
const PIECE: usize = 64 * 1024;

/// Agents that a host may name.
const MAX_PLACED: usize = 1000;

/// What one run of the script came to.
pub(super) enum Came {
    /// The agent greets.
    Running {
        /// What was read of its output.
        unread: Vec<u8>,
        /// The agent's size in bytes, when it was sent.
        sent: Option<usize>,
    },
    /// The place with this number failed while it was written to.
    NextPlace(u32, String),
    /// No directory will do; why each would not.
    NoPlace(String),
    /// There is no agent for this host.
    Missing(DeliverError),
    /// It ended without a word.
    Ended,
    /// It had not taken the agent after [`UPLOAD`].
    Late,
    /// It said what no script of ours says.
    Odd(String),
}

/// Talks with a started [`shell::PLACE`] until it is the agent, or will not be. `agent` gives the
/// one for an architecture as `uname -m` names it.
pub(super) async fn place<'a>(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    noise: &mut Noise,
    start: &Start<'_>,
    agent: impl Fn(&str) -> Result<&'a [u8], DeliverError>,
) -> Came {
    let nonce = start.nonce;
    let hello = format!("{MAGIC} {nonce} ");
    let mut sent = None;
    // What is still to be sent.
    let mut rest: &[u8] = &[];
    let mut deadline = Instant::now() + HELLO;
    loop {
        let step = async {
            tokio::select! {
                // A host that speaks before it has taken all has seen enough of it.
                biased;
                line = noise.line(from) => Some(line),
                written = to.write(&rest[..rest.len().min(PIECE)]), if !rest.is_empty() => {
                    // Who does not read says why in his next line, or ends.
                    rest = written.map_or(&[], |count| &rest[count..]);
                    None
                }
            }
        };
        let line = match timeout_at(deadline, step).await {
            Err(_) if rest.is_empty() => {
                return Came::Odd(format!("no hello within {} seconds", HELLO.as_secs()));
            }
            Err(_) => return Came::Late,
            Ok(None) if rest.is_empty() => {
                let _ = timeout_at(deadline, to.flush()).await;
                deadline = Instant::now() + HELLO;
                continue;
            }
            Ok(None) => {
                let (left, size) = (rest.len(), sent.unwrap_or_default());
                let percent = (size - left) * 100 / size;
                (start.tell)(PROGRESS, format!("sending the agent, {percent} %"));
                continue;
            }
            Ok(Some(Err(why))) => return Came::Odd(why),
            Ok(Some(Ok(None))) => return Came::Ended,
            Ok(Some(Ok(Some(line)))) => line,
        };
        if line.starts_with(hello.as_bytes()) {
            let mut unread = line;
            unread.push(b'\n');
            unread.append(&mut noise.unread);
            return Came::Running { unread, sent };
        }
        match shell::said(&line, nonce) {
            Said::Other => noise.skip(&line),
            // Else a host could keep us sending for ever.
            Said::Needs(_) if sent.is_some() => {
                return Came::Odd("it asks for the agent again".to_owned());
            }
            // The host is believed only as far as choosing among ours.
            Said::Needs(machine) => match agent(&machine) {
                Err(missing) => return Came::Missing(missing),
                Ok(bytes) => {
                    rest = bytes;
                    sent = Some(bytes.len());
                    deadline = Instant::now() + UPLOAD;
                }
            },
            Said::Architecture(machine) => match agent(&machine) {
                Err(missing) => return Came::Missing(missing),
                Ok(_) => return Came::Odd(machine),
            },
            Said::NoPlace(why) => return Came::NoPlace(why),
            Said::Failed(number, why) => return Came::NextPlace(number, why),
        }
    }
}

/// What was read too far, and then the rest.
pub(super) fn unread(
    read: Vec<u8>,
    rest: impl AsyncRead + Unpin + 'static,
) -> Box<dyn AsyncRead + Unpin> {
    Box::new(Cursor::new(read).chain(rest))
}

/// How the agent came to its place, for `doctor`.
pub(super) fn delivered(sent: Option<usize>) -> String {
    match sent {
        Some(size) => format!("the agent was sent, {size} bytes"),
        None => "the agent was already there".to_owned(),
    }
}

/// The agents that a started [`shell::TIDY`] names; `Err` is what it said instead, `None` when it
/// ended before its list did.
pub(super) async fn listed(
    from: &mut (impl AsyncRead + Unpin),
    noise: &mut Noise,
    nonce: &str,
) -> Result<Option<Vec<Placed>>, String> {
    let mut found = Vec::new();
    let deadline = Instant::now() + HELLO;
    loop {
        let Ok(line) = timeout_at(deadline, noise.line(from)).await else {
            return Err(format!("no answer within {} seconds", HELLO.as_secs()));
        };
        let Some(line) = line? else {
            return Ok(None);
        };
        match shell::placed(&line, nonce) {
            Some(Some(_)) if found.len() == MAX_PLACED => {
                return Err("it names agents without end".to_owned());
            }
            Some(Some(placed)) => found.push(placed),
            Some(None) => return Ok(Some(found)),
            None => noise.skip(&line),
        }
    }
}
