//! From a host's settings to an encrypted session with a host of known identity: a TCP connection,
//! a jump host's forwarded one, or the pipes of a ProxyCommand. Nobody is logged in here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{Config, Handle};
use russh::{Preferred, cipher, compression};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::error::SshError;
use super::identity::{Identity, Said};
use super::known_hosts::{Files, KnownHost, KnownHostsError, Name};
use super::settings::{Family, Settings, Strict};

/// For a name to resolve and one of its addresses to answer.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// For the key exchange.
const HANDSHAKE: Duration = Duration::from_secs(15);

/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;

/// Silence after which the server is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// What ssh runs over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The host and port of these settings, as texts show them.
pub(super) fn place(settings: &Settings) -> String {
    format!("{}:{}", settings.host_name.bracketed(), settings.port)
}

/// Connects to the first address that answers.
pub(super) async fn tcp(settings: &Settings) -> Result<TcpStream, SshError> {
    let place = place(settings);
    let limit = settings.connect_timeout.unwrap_or(CONNECT);
    let connecting = async {
        let name = (settings.host_name.as_str(), settings.port.get());
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host(name)
            .await?
            .filter(|address| match settings.family {
                Family::Any => true,
                Family::V4 => address.is_ipv4(),
                Family::V6 => address.is_ipv6(),
            })
            .take(ADDRESSES)
            .collect();
        // One dead address must not use up the time of the others.
        let share = limit / u32::try_from(addresses.len().max(1)).unwrap_or(1);
        let mut last = std::io::Error::other("the name has no address");
        for address in addresses {
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = std::io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    };
    match timeout(limit, connecting).await {
        Ok(Ok(stream)) => {
            // A lost option costs speed, not truth.
            let _ = stream.set_nodelay(true);
            Ok(stream)
        }
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::TimedOut => {
            Err(late(place, "connecting", limit))
        }
        Ok(Err(why)) => Err(SshError::Connect {
            place,
            why: why.to_string(),
        }),
        Err(_) => Err(late(place, "connecting", limit)),
    }
}

/// Starts the operator's ProxyCommand as OpenSSH does: the only local shell of this program. Every
/// value in the command has been through the typed checks.
pub(super) fn proxy(
    shell: &str,
    command: &str,
    place: &str,
) -> Result<(impl Stream + use<>, Child), SshError> {
    let failed = |why: std::io::Error| SshError::Connect {
        place: place.to_owned(),
        why: format!("ProxyCommand: {why}"),
    };
    let mut child = Command::new(shell)
        .arg("-c")
        .arg(format!("exec {command}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let pipes = child.stdout.take().zip(child.stdin.take());
    let (output, input) = pipes.ok_or_else(|| failed(std::io::Error::other("no pipes")))?;
    Ok((tokio::io::join(output, input), child))
}

/// The key exchange, and the proof of the host's identity.
pub(super) async fn handshake(
    settings: &Settings,
    stream: Box<dyn Stream>,
    scan: String,
    files: &Files,
    accept_new: bool,
) -> Result<(Handle<Identity>, Arc<Said>), SshError> {
    let place = place(settings);
    let (host, port) = (settings.host_name.as_str(), settings.port.get());
    let name = match &settings.host_key_alias {
        Some(alias) => Name::alias(alias),
        None => Name::of(host, port),
    };
    let known = known(settings.known_hosts.clone(), name, files.clone()).await?;
    let said = Arc::new(Said::default());
    let accept_new = accept_new || settings.strict == Strict::AcceptNew;
    // Only into a file of the operator's own.
    let own = settings.known_hosts.iter().take(settings.own_known_hosts);
    let config = config(settings, &known);
    let identity = Identity {
        known,
        place: place.clone(),
        scan,
        accept_new: own.take(usize::from(accept_new)).next().cloned(),
        said: said.clone(),
    };
    let shaking = russh::client::connect_stream(Arc::new(config), stream, identity);
    match timeout(HANDSHAKE, shaking).await {
        Ok(Ok(handle)) => Ok((handle, said)),
        Ok(Err(error)) => Err(said.refusal().unwrap_or_else(|| match error {
            russh::Error::Disconnect | russh::Error::HUP | russh::Error::IO(_)
                if said.accepted().is_empty() =>
            {
                SshError::Dropped { place, attempts: 1 }
            }
            error => SshError::Handshake {
                place,
                why: words(&error),
            },
        })),
        Err(_) => Err(said
            .refusal()
            .unwrap_or_else(|| late(place, "exchanging keys", HANDSHAKE))),
    }
}

/// What the files say about a host; large ones take longer than a loop may stand still.
async fn known(files: Vec<PathBuf>, name: Name, read: Files) -> Result<KnownHost, KnownHostsError> {
    let reading = tokio::task::spawn_blocking(move || KnownHost::read(&files, name, &read));
    reading.await.unwrap_or_else(|error| {
        Err(KnownHostsError::Key {
            why: error.to_string(),
        })
    })
}

/// What the library's error means to an operator.
pub(super) fn words(error: &russh::Error) -> String {
    match error {
        russh::Error::Disconnect | russh::Error::HUP => "it closed the connection".to_owned(),
        russh::Error::KeepaliveTimeout => "it does not answer any more".to_owned(),
        error => error.to_string(),
    }
}

/// A stage that took too long.
pub(super) fn late(place: String, what: &'static str, limit: Duration) -> SshError {
    SshError::Late {
        place,
        what,
        seconds: limit.as_secs(),
    }
}

fn config(settings: &Settings, known: &KnownHost) -> Config {
    let known = known.algorithms();
    let mut preferred = Preferred {
        // Without strict key exchange (CVE-2023-48795) only these keep a prefix from being cut:
        // ChaCha20-Poly1305 and CBC are left out, which every server with them can do without.
        cipher: (&[
            cipher::AES_256_GCM,
            cipher::AES_128_GCM,
            cipher::AES_256_CTR,
            cipher::AES_192_CTR,
            cipher::AES_128_CTR,
        ])
            .into(),
        compression: (&[compression::NONE]).into(),
        ..Preferred::default()
    };
    // As OpenSSH: first what is known of this host, else a server with two keys looks changed.
    let mut keys = preferred.key.to_vec();
    keys.sort_by_key(|algorithm| !known.keys.contains(algorithm));
    if known.authority {
        preferred.host_key_certificates = keys.clone().into();
    }
    preferred.key = keys.into();
    Config {
        preferred,
        keepalive_interval: Some(settings.alive_interval.unwrap_or(KEEPALIVE)),
        keepalive_max: settings
            .alive_count
            .map_or(3, |count| count.max(1) as usize),
        nodelay: true,
        ..Config::default()
    }
}
