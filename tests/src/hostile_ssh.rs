//! Servers that only pretend to speak ssh: what they send before any key has been exchanged.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use crate::wait::pass;

/// What such a server does with every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pretends {
    /// Lines before the banner, without end and as fast as they are taken.
    EndlessGreeting,
    /// One line without end.
    EndlessLine,
    /// A banner of one byte a second.
    SlowBanner,
    /// A banner with escape codes, then the end.
    EscapeCodes,
    /// Nothing at all.
    Silent,
    /// A reset.
    Reset,
    /// Closes without a word.
    Closed,
    /// A banner, then a packet that says it is four GiB long.
    HugePacket,
    /// A banner, then bytes that are no packets.
    Garbage,
    /// Another protocol.
    Http,
}

impl Pretends {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::EndlessGreeting,
        Self::EndlessLine,
        Self::SlowBanner,
        Self::EscapeCodes,
        Self::Silent,
        Self::Reset,
        Self::Closed,
        Self::HugePacket,
        Self::Garbage,
        Self::Http,
    ];

    fn speak(self, to: &mut TcpStream, sent: &AtomicU64) -> std::io::Result<()> {
        let mut say = |bytes: &[u8]| {
            to.write_all(bytes)?;
            sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            Ok::<(), std::io::Error>(())
        };
        match self {
            Self::EndlessGreeting => loop {
                say(&b"welcome to this host, please read on\r\n".repeat(1_000))?;
            },
            Self::EndlessLine => loop {
                say(&[b'x'; 64 * 1024])?;
            },
            Self::SlowBanner => {
                for byte in b"SSH-2.0-OpenSSH_9.9 a very long comment that takes its time".iter() {
                    say(&[*byte])?;
                    pass(Duration::from_secs(1));
                }
            }
            Self::EscapeCodes => say(b"SSH-1.0-\x1b[2J\x1b]0;owned\x07\x9b31m\r\n")?,
            Self::Closed => {}
            Self::Http => say(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")?,
            Self::HugePacket => say(b"SSH-2.0-OpenSSH_9.9\r\n\xff\xff\xff\xff\x04")?,
            Self::Garbage => say(&[b"SSH-2.0-OpenSSH_9.9\r\n".as_slice(), &[0x5a; 4096]].concat())?,
            Self::Reset => {
                // What is sent to a socket that lingers for no time at all is answered by a reset.
                set_socket_linger(&*to, Some(Duration::ZERO))?;
                return Ok(());
            }
            Self::Silent => {}
        }
        if matches!(self, Self::Silent | Self::HugePacket | Self::Garbage) {
            // Until the other side gives up.
            let _ = std::io::copy(&mut to.take(u64::MAX), &mut std::io::sink());
        }
        Ok(())
    }
}

/// A server that pretends; dropping it takes no more connections.
#[derive(Debug)]
pub struct HostileSsh {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl HostileSsh {
    /// Starts one.
    pub fn start(pretends: Pretends) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sent, ended) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (count, end) = (Arc::clone(&sent), Arc::clone(&ended));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                let (mut client, count) = (client, Arc::clone(&count));
                // The other side leaves in the middle: that is what it should do.
                std::thread::spawn(move || pretends.speak(&mut client, &count));
            }
        });
        Self {
            address,
            sent,
            ended,
        }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many bytes the other side, or the kernel in between, has taken.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for HostileSsh {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}
