//! A connection to an agent: a pair of byte streams. The rest of the program cannot tell a local
//! child from a pipe in memory.

use tokio::io::{AsyncRead, AsyncWrite};

/// The two directions, and what to ask when they end.
pub struct Connection {
    /// What the agent says.
    pub from_agent: Box<dyn AsyncRead + Unpin>,
    /// What it is told.
    pub to_agent: Box<dyn AsyncWrite + Unpin>,
    /// What is known of the other end beyond its bytes.
    pub peer: Box<dyn Peer>,
}

/// The other end of a connection.
pub trait Peer {
    /// Why it ended, for an error text: its exit status and the last of its stderr. Waits for the
    /// end, but not for ever.
    fn epitaph(&mut self) -> std::pin::Pin<Box<dyn Future<Output = String> + '_>>;
}

#[cfg(test)]
pub(crate) mod memory {
    //! A connection in memory, for tests.

    use super::{Connection, Peer};

    struct Nobody;

    impl Peer for Nobody {
        fn epitaph(&mut self) -> std::pin::Pin<Box<dyn Future<Output = String> + '_>> {
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
        };
        (connection, theirs)
    }
}
