//! The agent's standard input and output as byte streams, without a thread between where the
//! system allows it: a hop for every frame would cost more than the frame.

use std::io;
use std::os::fd::AsFd;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::pipe::{Receiver, Sender};

/// Standard input: polled when it is a pipe (a child's, a container's), read by a thread when it is
/// something else (a terminal, a file, a socket).
pub fn input() -> Box<dyn AsyncRead + Unpin> {
    match own(io::stdin()).and_then(Receiver::from_owned_fd) {
        Ok(pipe) => Box::new(pipe),
        Err(_) => Box::new(tokio::io::stdin()),
    }
}

/// Standard output, likewise.
pub fn output() -> Box<dyn AsyncWrite + Unpin> {
    match own(io::stdout()).and_then(Sender::from_owned_fd) {
        Ok(pipe) => Box::new(pipe),
        Err(_) => Box::new(tokio::io::stdout()),
    }
}

fn own(stream: impl AsFd) -> io::Result<std::os::fd::OwnedFd> {
    stream.as_fd().try_clone_to_owned()
}
