//! A bridge: an agent whose bytes go over HTTP, a request for each run. To the rest of the program it
//! is a connection like any other.

use std::pin::Pin;
use std::rc::Rc;

use kickout_shared::bridge::{HEALTH, Health, WELL_KNOWN, WellKnown};
use kickout_shared::message::Hello;
use kickout_shared::version;

use super::Start;
use crate::connection::{Connection, Dialled, Peer, Tunnel, TunnelError};
use crate::target::HttpUrl;
use bridge::Bridge;

mod ask;
mod bridge;
mod dial;
mod error;
mod heads;
mod operator;
mod relay;
mod told;

pub use error::HttpError;
pub use operator::{Means, Operator};

/// Bytes of frames that wait in either direction.
const PIPE: usize = 64 * 1024;

/// The longest path that a site may name for its bridge.
const MAX_PATH: usize = 200;

/// Finds the bridge, looks at its protocol, and answers for it as an agent would.
pub async fn open(
    url: &HttpUrl,
    operator: &Operator,
    start: &Start<'_>,
) -> Result<Connection, HttpError> {
    if url.path().contains('?') {
        return Err(HttpError::Query(url.to_string()));
    }
    let mut bridge = Bridge::new(url, operator, start.nonce);
    (start.tell)("connect", url.authority());
    let base = url.path().trim_end_matches('/');
    bridge.base = match base {
        "" => place(&bridge).await?,
        base => base.to_owned(),
    };
    let health: Health = bridge.json(&format!("{}{HEALTH}", bridge.base)).await?;
    if health.protocol != version::PROTOCOL {
        return Err(HttpError::Version {
            place: url.authority(),
            theirs: health.protocol,
        });
    }
    let found = format!("below {}, protocol {}", bridge.base, health.protocol);
    (start.tell)("bridge", found);
    // Whoever is there is known by now.
    bridge.token = operator.token(url, start.ask).await?;
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let hello = Hello {
        release: version::RELEASE.to_owned(),
        protocol: health.protocol,
        arch: String::new(),
    };
    let hello = hello.line(start.nonce).unwrap_or_default() + "\n";
    let place = url.authority();
    tokio::task::spawn_local(relay::relay(Rc::new(bridge), theirs, hello.into_bytes()));
    let (from_agent, to_agent) = tokio::io::split(ours);
    Ok(Connection {
        from_agent: Box::new(from_agent),
        to_agent: Box::new(to_agent),
        peer: Box::new(Gone),
        tunnel: (!url.is_loopback()).then(|| Rc::new(NoWay(place)) as Rc<dyn Tunnel>),
    })
}

/// Where on this origin the bridge answers, as the site itself says. Never another origin.
async fn place(bridge: &Bridge) -> Result<String, HttpError> {
    let WellKnown { path } = bridge.json(WELL_KNOWN).await?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let is_path = path.starts_with('/')
        && path.len() <= MAX_PATH
        && path.bytes().all(plain)
        && !path
            .split('/')
            .skip(1)
            .any(|part| ["", ".", ".."].contains(&part));
    match is_path {
        true => Ok(path),
        false => Err(bridge.none(format!("it names {path:?} as its path"))),
    }
}

/// The end of a bridge. Each run has its own connection, and says itself what became of it.
struct Gone;

impl Peer for Gone {
    fn epitaph(&mut self) -> Pin<Box<dyn Future<Output = String> + '_>> {
        Box::pin(async { "what came for the bridge was no question".to_owned() })
    }
}

/// The ports of a bridge's host are nobody's: it passes on nothing but runs.
struct NoWay(String);

impl Tunnel for NoWay {
    fn place(&self) -> &str {
        &self.0
    }

    fn dial(&self, _host: String, _port: u16) -> Dialled<'_> {
        let why = "a bridge passes on no connections to its own host".to_owned();
        Box::pin(async { Err(TunnelError::Unreachable(why)) })
    }
}
