//! Reaching a server without the C library's resolver: the database's, and the object cache's.
//!
//! A static program that calls `getaddrinfo` may load a foreign NSS module and crash; so names are
//! resolved here (hosts file, resolv.conf), and the connection is handed to the driver as a
//! private relay socket with the host name kept, so that TLS still checks the name.

use std::cell::RefCell;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixListener, UnixStream};

use crate::engine::EngineError;
use crate::site::DbHost;

/// How long one address may take to answer.
const CONNECT: Duration = Duration::from_secs(5);

/// Addresses of a name that are tried, in order.
const MAX_ADDRESSES: usize = 8;

/// Where distributions put the server's socket; PHP's own default (`mysqli.default_socket`) comes
/// first when its php.ini names one.
const SOCKETS: [&str; 6] = [
    "/run/mysqld/mysqld.sock",
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
    "/var/run/mysql/mysql.sock",
    "/opt/lampp/var/mysql/mysql.sock",
];

/// The way to the server.
pub(super) enum Route {
    /// A unix socket.
    Socket(PathBuf),
    /// A TCP address, through a relay of our own.
    Relay(Relay),
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Relay(relay) => f.write_str(&relay.at()),
        }
    }
}

/// Decides how to reach what `DB_HOST` names, and connects when that is not a socket.
pub(super) async fn route(host: &DbHost) -> Result<Route, EngineError> {
    let (host, port) = match host {
        DbHost::Socket(Some(path)) => return Ok(Route::Socket(path.clone())),
        DbHost::Socket(None) => return default_socket(),
        DbHost::Tcp { host, port } => (host, *port),
    };
    let addresses = match host.parse::<IpAddr>() {
        Ok(ip) => vec![ip],
        Err(_) => resolve(host).await?,
    };
    Ok(Route::Relay(Relay::open(host, port, addresses).await?))
}

/// Connects to a server that is no database. An error says what is wrong, for people.
pub(crate) async fn tcp(host: &str, port: u16) -> Result<TcpStream, String> {
    let addresses = match host.parse::<IpAddr>() {
        Ok(ip) => Ok(vec![ip]),
        Err(_) => resolve(host).await,
    };
    let reached = match addresses {
        Ok(addresses) => reach(&place(host, port), addresses, port).await,
        Err(error) => Err(error),
    };
    let stream = reached.map_err(|error| match error {
        EngineError::Connect { why, .. } => why,
        EngineError::Resolve { host, why } => format!("cannot resolve '{host}': {why}"),
        error => error.to_string(),
    })?;
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    Ok(stream)
}

fn default_socket() -> Result<Route, EngineError> {
    let configured = crate::site::php_default_socket();
    let known = configured
        .into_iter()
        .chain(SOCKETS.iter().map(PathBuf::from));
    let mut tried = Vec::new();
    for path in known {
        if path.exists() {
            return Ok(Route::Socket(path));
        }
        tried.push(path.display().to_string());
    }
    let at = "localhost (its unix socket)".to_owned();
    Err(EngineError::Connect {
        at,
        why: format!("no socket at {}", tried.join(", ")),
    })
}

/// Whether a server on a socket greets with caching_sha2_password and offers no TLS: the driver then
/// cannot show it a password that it has not seen yet, and it refuses the right one too.
pub(super) async fn cannot_be_shown(socket: &Path) -> bool {
    /// `CLIENT_SSL`, in the low byte pair of the capabilities.
    const TLS: u16 = 0x0800;
    let greeting = async {
        let mut server = UnixStream::connect(socket).await.ok()?;
        let mut greeting = vec![0; 512];
        let count = server.read(&mut greeting).await.ok()?;
        greeting.truncate(count);
        // Four bytes of length and number, the protocol, the version up to a zero; thread id, salt
        // and a filler before the capabilities.
        let version = greeting.get(5..)?.iter().position(|byte| *byte == 0)?;
        let flags = greeting.get(5 + version + 1 + 13..)?.first_chunk()?;
        let plugin = b"caching_sha2_password";
        let asks = greeting.windows(plugin.len()).any(|word| word == plugin);
        Some(asks && u16::from_le_bytes(*flags) & TLS == 0)
    };
    let greeting = tokio::time::timeout(CONNECT, greeting).await;
    matches!(greeting, Ok(Some(true)))
}

async fn resolve(host: &str) -> Result<Vec<IpAddr>, EngineError> {
    let failed = |why: String| EngineError::Resolve {
        host: host.to_owned(),
        why,
    };
    let provider = TokioRuntimeProvider::default;
    // Without resolv.conf (some containers) the hosts file still counts.
    let builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
        TokioResolver::builder_with_config(ResolverConfig::default(), provider())
            .with_options(ResolverOpts::default())
    });
    let resolver = builder.build().map_err(|error| failed(error.to_string()))?;
    let looked = tokio::time::timeout(CONNECT, resolver.lookup_ip(host)).await;
    let found = looked
        .map_err(|_| failed(format!("no answer within {} seconds", CONNECT.as_secs())))?
        .map_err(|error| failed(error.to_string()))?;
    let addresses: Vec<IpAddr> = found.iter().take(MAX_ADDRESSES).collect();
    if addresses.is_empty() {
        Err(failed("it has no address".to_owned()))
    } else {
        Ok(addresses)
    }
}

/// A socket of ours that the driver connects to, and that carries bytes to the server, at once: the
/// driver leaves Nagle's algorithm on, which costs a TLS login 40 ms.
///
/// It also watches the login to a server elsewhere: a driver that asks it for its public key over a
/// plain connection would hand the password to whoever sits in between.
pub(super) struct Relay {
    host: String,
    port: u16,
    /// An abstract socket name: nothing on disk, gone with the process.
    path: PathBuf,
    refusal: Rc<RefCell<Option<EngineError>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Relay {
    async fn open(host: &str, port: u16, addresses: Vec<IpAddr>) -> Result<Self, EngineError> {
        let at = place(host, port);
        let broken = |why: std::io::Error| EngineError::Connect {
            at: at.clone(),
            why: why.to_string(),
        };
        let server = reach(&at, addresses, port).await?;
        server.set_nodelay(true).map_err(broken)?;
        let name = format!("\0kickout-{}-{:016x}", std::process::id(), random());
        let listener = UnixListener::bind(&name).map_err(broken)?;
        let refusal = Rc::new(RefCell::new(None));
        let task = tokio::task::spawn_local(carry(listener, server, at, refusal.clone()));
        Ok(Self {
            host: host.to_owned(),
            port,
            path: PathBuf::from(name),
            refusal,
            task,
        })
    }

    fn at(&self) -> String {
        place(&self.host, self.port)
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Why the relay hung up, when it did.
    pub(super) fn refusal(&self) -> Option<EngineError> {
        self.refusal.borrow_mut().take()
    }

    /// Resolves when the relay has hung up for a reason of its own.
    pub(super) async fn failed(&self) -> EngineError {
        loop {
            if let Some(reason) = self.refusal() {
                return reason;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets the relay live as long as the connection through it.
    pub(super) fn keep(self) {
        drop(self.task);
    }
}

/// `db.example.com:3306`, `[::1]:3306`
fn place(host: &str, port: u16) -> String {
    match host.parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, port).to_string(),
        Err(_) => format!("{host}:{port}"),
    }
}

async fn reach(at: &str, addresses: Vec<IpAddr>, port: u16) -> Result<TcpStream, EngineError> {
    let mut why = String::new();
    for ip in addresses {
        match tokio::time::timeout(CONNECT, TcpStream::connect(SocketAddr::new(ip, port))).await {
            Ok(Ok(server)) => return Ok(server),
            Ok(Err(error)) => why = format!("{ip}: {error}"),
            Err(_) => why = format!("{ip}: no answer within {} seconds", CONNECT.as_secs()),
        }
    }
    Err(EngineError::Connect {
        at: at.to_owned(),
        why,
    })
}

async fn carry(
    listener: UnixListener,
    server: TcpStream,
    at: String,
    refusal: Rc<RefCell<Option<EngineError>>>,
) {
    let Ok(driver) = own_client(&listener).await else {
        return;
    };
    drop(listener);
    let elsewhere = !server.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
    let (mut from_driver, mut to_driver) = driver.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let upward = async {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = from_driver.read(&mut buffer).await?;
            if count == 0 {
                return to_server.shutdown().await;
            }
            // A packet of one byte, 1 or 2, is the request for the server's key (sha256_password,
            // caching_sha2_password; a goodbye counts from 0). Under TLS it is not readable here.
            if elsewhere && matches!(&buffer[..count], [1, 0, 0, 1..=255, 1 | 2]) {
                *refusal.borrow_mut() = Some(EngineError::KeyExchange { at });
                return Ok(());
            }
            to_server.write_all(&buffer[..count]).await?;
        }
    };
    let downward = tokio::io::copy(&mut from_server, &mut to_driver);
    // Either direction's end ends the connection; the driver sees it as such.
    tokio::select! {
        _ = upward => {}
        _ = downward => {}
    }
}

/// Takes the first connection that comes from this very process.
async fn own_client(listener: &UnixListener) -> std::io::Result<UnixStream> {
    loop {
        let (stream, _) = listener.accept().await?;
        let ours = i32::try_from(std::process::id()).ok();
        if stream.peer_cred()?.pid() == ours {
            return Ok(stream);
        }
    }
}

/// Only to keep names and waits apart: who may connect is checked by process id.
pub(super) fn random() -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
}
