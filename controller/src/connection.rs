//! A connection to an agent: a pair of byte streams. The rest of the program cannot tell a local
//! child from a pipe in memory.

use std::pin::Pin;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncWrite};

/// The two directions, what to ask when they end, and what else leads there.
pub struct Connection {
    /// What the agent says.
    pub from_agent: Box<dyn AsyncRead + Unpin>,
    /// What it is told.
    pub to_agent: Box<dyn AsyncWrite + Unpin>,
    /// What is known of the other end beyond its bytes.
    pub peer: Box<dyn Peer>,
    /// A way to the ports of that host's own addresses, where the transport has one.
    pub tunnel: Option<Rc<dyn Tunnel>>,
}

/// The other end of a connection.
pub trait Peer {
    /// Why it ended, for an error text: its exit status and the last of its stderr. Waits for the
    /// end, but not for ever.
    fn epitaph(&mut self) -> Pin<Box<dyn Future<Output = String> + '_>>;
}

/// Bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// A stream that is being opened.
pub type Dialled<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn Stream>, TunnelError>> + 'a>>;

/// Streams over a connection that is there already. What they carry is not its concern.
pub trait Tunnel {
    /// The host it leads to, for texts.
    fn place(&self) -> &str;

    /// Opens a stream to a port; the name or address is that host's to understand.
    fn dial(&self, host: String, port: u16) -> Dialled<'_>;
}

/// Why there is no stream.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TunnelError {
    /// The ssh server passes nothing on, or nothing to there.
    #[error("its ssh server does not pass on: {0}")]
    Forbidden(String),
    /// Nobody answers there, or the connection itself is gone.
    #[error("{0}")]
    Unreachable(String),
}

impl TunnelError {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Forbidden(_) => {
                "Set AllowTcpForwarding local in its sshd_config, and name the address in PermitOpen \
                 if that is set."
            }
            Self::Unreachable(_) => "Start what should listen there, or name another port.",
        }
        .to_owned()
    }
}

#[cfg(test)]
pub(crate) mod memory {
    //! A connection in memory, for tests.

    use std::pin::Pin;

    use super::{Connection, Peer};

    struct Nobody;

    impl Peer for Nobody {
        fn epitaph(&mut self) -> Pin<Box<dyn Future<Output = String> + '_>> {
            Box::pin(async { "the pipe ended".to_owned() })
        }
    }

    /// A connection, and the agent's end of it.
    pub(crate) fn memory() -> (Connection, tokio::io::DuplexStream) {
        let (ours, theirs) = tokio::io::duplex(4096);
        let (from_agent, to_agent) = tokio::io::split(ours);
        let connection = Connection {
            from_agent: Box::new(from_agent),
            to_agent: Box::new(to_agent),
            peer: Box::new(Nobody),
            tunnel: None,
        };
        (connection, theirs)
    }
}
