//! A TCP proxy on loopback that behaves like a bad network: late, slow, cut, deaf, wrong.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::wait::pass;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What happens behind a number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Both sides see the connection end.
    Cut,
    /// Nothing passes any more, and nobody is told.
    Hole,
    /// One bit of the next byte is another.
    Flip,
}

/// A proxy to be: `Chaos::new().delay(150).rate(8_000).start(port)`.
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Chaos {
    delay: Duration,
    rate: Option<u64>,
    fault: Option<(Fault, Way, u64)>,
}

impl Chaos {
    /// A proxy that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every byte takes so many milliseconds longer, each way.
    pub fn delay(mut self, milliseconds: u64) -> Self {
        self.delay = Duration::from_millis(milliseconds);
        self
    }

    /// So many bytes a second, each way.
    pub fn rate(mut self, bytes: u64) -> Self {
        self.rate = Some(bytes);
        self
    }

    /// Ends the connection behind so many bytes.
    pub fn cut(mut self, way: Way, after: u64) -> Self {
        self.fault = Some((Fault::Cut, way, after));
        self
    }

    /// Swallows everything, both ways, behind so many bytes of one.
    pub fn hole(mut self, way: Way, after: u64) -> Self {
        self.fault = Some((Fault::Hole, way, after));
        self
    }

    /// Flips a bit of the byte behind so many.
    pub fn flip(mut self, way: Way, after: u64) -> Self {
        self.fault = Some((Fault::Flip, way, after));
        self
    }

    /// Starts it in front of a port of 127.0.0.1.
    pub fn start(self, port: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let counts = Arc::clone(&seen);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if counts.ended.load(Ordering::Relaxed) != 0 {
                    break;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", port)))
                else {
                    continue;
                };
                counts.connections.fetch_add(1, Ordering::Relaxed);
                let both = [&client, &server].map(|end| end.try_clone().unwrap());
                counts.open.lock().unwrap().extend(both);
                self.join(&client, &server, &counts);
            }
        });
        Proxy { address, seen }
    }

    fn join(self, client: &TcpStream, server: &TcpStream, counts: &Arc<Seen>) {
        let deaf = Arc::new(AtomicUsize::new(0));
        for (way, from, to) in [(Way::Up, client, server), (Way::Down, server, client)] {
            let _ = from.set_nodelay(true);
            let line = Line {
                chaos: self,
                way,
                deaf: Arc::clone(&deaf),
                counts: Arc::clone(counts),
            };
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            // What is on its way: enough for a delay without making it a throttle.
            let (sender, receiver) = sync_channel(4096);
            std::thread::spawn(move || line.read(from, &sender));
            std::thread::spawn(move || write(to, &receiver));
        }
    }
}

/// What has passed.
#[derive(Debug, Default)]
struct Seen {
    connections: AtomicUsize,
    up: AtomicU64,
    down: AtomicU64,
    ended: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

/// A running proxy; dropping it takes no more connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    seen: Arc<Seen>,
}

impl Proxy {
    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    /// Ends every connection there is, for both sides.
    pub fn cut(&self) {
        for end in self.seen.open.lock().unwrap().drain(..) {
            // One that is gone already is.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// How many bytes have come in, for a way.
    pub fn bytes(&self, way: Way) -> u64 {
        let count = match way {
            Way::Up => &self.seen.up,
            Way::Down => &self.seen.down,
        };
        count.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.seen.ended.store(1, Ordering::Relaxed);
        // Its thread waits in accept.
        let _ = TcpStream::connect(self.address);
    }
}

/// One way of one connection.
struct Line {
    chaos: Chaos,
    way: Way,
    /// Not 0: nothing passes any more, either way.
    deaf: Arc<AtomicUsize>,
    counts: Arc<Seen>,
}

impl Line {
    fn read(self, mut from: TcpStream, to: &SyncSender<(Instant, Vec<u8>)>) {
        let mut buffer = [0; 16 * 1024];
        let mut passed = 0;
        let count = match self.way {
            Way::Up => &self.counts.up,
            Way::Down => &self.counts.down,
        };
        // A slow line is slow in small steps.
        let most = self
            .chaos
            .rate
            .map_or(buffer.len(), |rate| usize::try_from(rate / 50 + 1).unwrap());
        let most = most.min(buffer.len());
        while let Ok(read @ 1..) = from.read(&mut buffer[..most]) {
            count.fetch_add(read as u64, Ordering::Relaxed);
            let mut bytes = buffer[..read].to_vec();
            let before = passed;
            passed += read as u64;
            if let Some((fault, way, after)) = self.chaos.fault
                && way == self.way
                && (before..passed).contains(&after)
            {
                let at = usize::try_from(after - before).unwrap();
                match fault {
                    Fault::Flip => bytes[at] ^= 1,
                    Fault::Hole => self.deaf.store(1, Ordering::Relaxed),
                    Fault::Cut => {
                        bytes.truncate(at);
                        let _ = to.send((Instant::now(), bytes));
                        let _ = from.shutdown(Shutdown::Both);
                        return;
                    }
                }
            }
            if self.deaf.load(Ordering::Relaxed) != 0 {
                continue;
            }
            if let Some(rate) = self.chaos.rate {
                pass(Duration::from_secs_f64(read as f64 / rate as f64));
            }
            if to.send((Instant::now() + self.chaos.delay, bytes)).is_err() {
                return;
            }
        }
    }
}

/// Writes what is due; the end of what comes is the end for the other side, too.
fn write(mut to: TcpStream, from: &Receiver<(Instant, Vec<u8>)>) {
    for (due, bytes) in from {
        pass(due.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
