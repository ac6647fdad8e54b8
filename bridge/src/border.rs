//! The border between front and keeper: what they say to each other over sockets that nobody else
//! has. Every message has a bound. What comes from the front is an enemy's word once somebody has
//! broken into it; so its descriptors are never waited for in a system call.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};

use kickout_shared::bridge::{MAX_BODY, Refused};
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketType, recv, recvmsg, send, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;

use crate::tls::Pem;

/// The longest message, in bytes: three files of [`crate::tls::MAX_PEM`] are the most there is.
const MAX_MESSAGE: usize = 1024 * 1024;

/// The longest head of an ask: a request's head of 16 KiB, each byte written as six.
const MAX_ASK: usize = 128 * 1024;

/// The lengths of an ask's head and body.
const LENGTHS: usize = 8;

/// What was asked for, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// From where.
    pub peer: IpAddr,
    /// The name the bridge was called by.
    pub host: String,
    /// The bearer token, if one came.
    pub token: Option<String>,
    /// SHA-256 of the client's certificate, hex, if one came and was checked.
    pub certificate: Option<String>,
    /// The body.
    #[serde(skip)]
    pub body: Vec<u8>,
}

/// Why nothing was done.
#[derive(Debug, Serialize, Deserialize)]
pub struct Denied {
    /// The status of HTTP, which is precise enough.
    pub status: u16,
    /// What to say.
    pub said: Refused,
}

impl Denied {
    pub(crate) fn new(
        status: u16,
        error: impl Into<String>,
        fix: impl Into<Option<String>>,
    ) -> Self {
        let said = Refused {
            error: error.into(),
            fix: fix.into(),
            wait: None,
            head: None,
        };
        Self { status, said }
    }
}

/// What the keeper tells the front to do.
#[derive(Serialize, Deserialize)]
pub(crate) enum Order {
    /// Answer like this from now on.
    Serve(Setup),
    /// Finish what runs, and end.
    Stop,
}

/// All that the front knows.
#[derive(Serialize, Deserialize)]
pub(crate) struct Setup {
    /// The names it answers to.
    pub(crate) names: Vec<String>,
    /// Addresses whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpAddr>,
    /// Without it, plain HTTP.
    pub(crate) tls: Option<Pem>,
}

/// Sends a message to somebody who is trusted to read it.
pub(crate) async fn say(
    to: &mut (impl AsyncWrite + Unpin),
    what: &impl Serialize,
) -> io::Result<()> {
    to.write_all(&message(what)?).await
}

/// Reads a message of somebody who is trusted to send it.
pub(crate) async fn hear<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<T> {
    let length = from.read_u32().await?;
    let mut text = vec![0; bounded(length, MAX_MESSAGE)?];
    from.read_exact(&mut text).await?;
    Ok(serde_json::from_slice(&text)?)
}

/// Its length, and it.
pub(crate) fn message(what: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut message = vec![0; size_of::<u32>()];
    serde_json::to_writer(&mut message, what)?;
    let length = message.len() - size_of::<u32>();
    let length = u32::try_from(bounded(length, MAX_MESSAGE)?).map_err(io::Error::other)?;
    message[..size_of::<u32>()].copy_from_slice(&length.to_be_bytes());
    Ok(message)
}

fn bounded(length: impl TryInto<usize>, most: usize) -> io::Result<usize> {
    let length = length.try_into().unwrap_or(usize::MAX);
    match length <= most {
        true => Ok(length),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a message is too long",
        )),
    }
}

impl Ask {
    /// As it goes over a line.
    pub(crate) fn encode(&self) -> io::Result<Vec<u8>> {
        let head = serde_json::to_vec(self)?;
        let mut bytes = Vec::with_capacity(LENGTHS + head.len() + self.body.len());
        for (part, most) in [(&head, MAX_ASK), (&self.body, MAX_BODY)] {
            let length = u32::try_from(bounded(part.len(), most)?).map_err(io::Error::other)?;
            bytes.extend_from_slice(&length.to_be_bytes());
        }
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }
}

/// The front shows a sign: it is ready, or, with one end of a line, it asks something.
pub(crate) async fn hand(control: &UnixStream, line: Option<OwnedFd>) -> io::Result<()> {
    let lines: Vec<_> = line.iter().map(AsFd::as_fd).collect();
    let sent = control.async_io(Interest::WRITABLE, || {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut rights = SendAncillaryBuffer::new(&mut space);
        if !lines.is_empty() {
            rights.push(SendAncillaryMessage::ScmRights(&lines));
        }
        let bytes = [IoSlice::new(b"+")];
        Ok(sendmsg(control, &bytes, &mut rights, SendFlags::NOSIGNAL)?)
    });
    sent.await.map(drop)
}

/// What the front showed.
pub(crate) enum Sign {
    /// It is there.
    Alive,
    /// It has handed over a line.
    Line(OwnedFd),
    /// It has gone.
    Gone,
}

/// Takes what the front hands over. However many descriptors it sends at once, one is taken.
pub(crate) async fn take(control: &UnixStream) -> io::Result<Sign> {
    let took = control.async_io(Interest::READABLE, || {
        let mut byte = [0];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut rights = RecvAncillaryBuffer::new(&mut space);
        let bytes = &mut [IoSliceMut::new(&mut byte)];
        let taken = recvmsg(control, bytes, &mut rights, RecvFlags::CMSG_CLOEXEC)?;
        let line = rights.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut lines) => lines.next(),
            _ => None,
        });
        Ok(match (taken.bytes, line) {
            (0, _) => Sign::Gone,
            (_, Some(line)) => Sign::Line(line),
            (_, None) => Sign::Alive,
        })
    });
    took.await
}

/// The keeper's end of one ask. The front made it and may have kept a copy, with which it could make
/// a read of ours block: so each call says that it must not.
pub(crate) struct Line(UnixStream);

impl Line {
    /// If it is one.
    pub(crate) fn of(line: OwnedFd) -> io::Result<Self> {
        if socket_domain(&line)? != AddressFamily::UNIX || socket_type(&line)? != SocketType::STREAM
        {
            return Err(io::Error::other("it is no line"));
        }
        let line = std::os::unix::net::UnixStream::from(line);
        line.set_nonblocking(true)?;
        Ok(Self(UnixStream::from_std(line)?))
    }

    /// What is asked.
    pub(crate) async fn ask(&self) -> io::Result<Ask> {
        let lengths = self.exactly(LENGTHS).await?;
        let length = |at: usize| u32::from_be_bytes([0, 1, 2, 3].map(|byte| lengths[at + byte]));
        let head = bounded(length(0), MAX_ASK)?;
        let body = bounded(length(size_of::<u32>()), MAX_BODY)?;
        let mut whole = self.exactly(head + body).await?;
        let mut ask: Ask = serde_json::from_slice(&whole[..head])?;
        ask.body = whole.split_off(head);
        Ok(ask)
    }

    async fn exactly(&self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        let mut have = 0;
        while have < count {
            match self.read(&mut bytes[have..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => have += more,
            }
        }
        Ok(bytes)
    }

    async fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.0.async_io(Interest::READABLE, || {
            Ok(recv(&self.0, &mut *into, RecvFlags::DONTWAIT)?.1)
        });
        read.await
    }

    /// Sends all of it.
    pub(crate) async fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            let sent = self
                .0
                .async_io(Interest::WRITABLE, || Ok(send(&self.0, bytes, flags)?));
            bytes = &bytes[sent.await?..];
        }
        Ok(())
    }

    /// Waits until the front has closed it, or says what it may not.
    pub(crate) async fn gone(&self) {
        let _ = self.read(&mut [0]).await;
    }
}

#[cfg(test)]
#[path = "border_tests.rs"]
mod tests;
