//! A connection to a bridge: straight or through a proxy, encrypted, and who is there is known before
//! anything is said. Knows no token.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, pki_types::ServerName};

use super::error::HttpError;
use super::operator::OtherKey;
use crate::connection::Stream;
use crate::http1::client;
use crate::target::{Hop, HttpUrl};
use crate::tls;

/// How long a connection may take to be there.
const CONNECT: Duration = Duration::from_secs(10);

/// Where proxies listen unless it is said.
const PROXY_PORT: u16 = 3128;

/// An open connection. It ends with the value.
pub(super) struct Link {
    pub(super) sender: SendRequest<String>,
    /// Whether a request went over it before: it may have been closed since.
    pub(super) used: bool,
    _driver: JoinSet<()>,
}

/// Opens one.
pub(super) async fn dial(
    url: &HttpUrl,
    proxy: Option<&Hop>,
    tls: &Arc<ClientConfig>,
) -> Result<Link, HttpError> {
    let place = url.authority();
    let late = |_| HttpError::Connect {
        place: place.clone(),
        why: format!("nothing within {} seconds", CONNECT.as_secs()),
    };
    timeout(CONNECT, connected(url, proxy, tls, &place))
        .await
        .map_err(late)?
}

async fn connected(
    url: &HttpUrl,
    proxy: Option<&Hop>,
    tls: &Arc<ClientConfig>,
    place: &str,
) -> Result<Link, HttpError> {
    let (host, port) = (url.host().as_str(), url.port().get());
    let stream: Box<dyn Stream> = match proxy {
        None => Box::new(tcp(host, port, place).await?),
        Some(_) if url.is_loopback() => return Err(HttpError::ProxyLoopback(place.to_owned())),
        Some(proxy) => through(proxy, url, place).await?,
    };
    if !url.tls() {
        return spoken(stream, place).await;
    }
    let refused = |why: String| HttpError::Tls {
        place: place.to_owned(),
        why,
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|why| refused(why.to_string()))?;
    let stream = TlsConnector::from(Arc::clone(tls))
        .connect(name, stream)
        .await;
    let stream = stream.map_err(|why| match (other_key(&why), tls::flaw(&why)) {
        (Some(found), _) => HttpError::Pinned {
            place: place.to_owned(),
            found,
        },
        (None, Some(why)) => HttpError::Certificate {
            place: place.to_owned(),
            why,
        },
        (None, None) => refused(why.to_string()),
    })?;
    spoken(stream, place).await
}

async fn tcp(host: &str, port: u16, place: &str) -> Result<TcpStream, HttpError> {
    let addresses = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<SocketAddr> = match addresses {
        Ok(addresses) => addresses.collect(),
        Err(why) => {
            return Err(HttpError::Resolve {
                host: host.to_owned(),
                why: why.to_string(),
            });
        }
    };
    let stream = TcpStream::connect(addresses.as_slice()).await;
    let stream = stream.map_err(|why| HttpError::Connect {
        place: place.to_owned(),
        why: why.to_string(),
    })?;
    // A request is small, and its answer is waited for.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// A tunnel of a proxy. What goes through it is encrypted; it learns the host's name.
async fn through(proxy: &Hop, url: &HttpUrl, place: &str) -> Result<Box<dyn Stream>, HttpError> {
    let port = proxy.port.map_or(PROXY_PORT, |port| port.get());
    let name = format!("the proxy {}:{port}", proxy.host.as_str());
    let stream = tcp(proxy.host.as_str(), port, &name).await?;
    let failed = |why: String| HttpError::Connect {
        place: place.to_owned(),
        why: format!("{name}: {why}"),
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|why| failed(why.to_string()))?;
    // It ends with the stream.
    tokio::task::spawn_local(connection.with_upgrades());
    let authority = url.with_port();
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(&authority)
        .header(header::HOST, &authority)
        .body(String::new())
        .map_err(|why| failed(why.to_string()))?;
    let answer = sender.send_request(request).await;
    let answer = answer.map_err(|why| failed(why.to_string()))?;
    if !answer.status().is_success() {
        return Err(failed(format!("status {}", answer.status().as_u16())));
    }
    let stream = hyper::upgrade::on(answer).await;
    let stream = stream.map_err(|why| failed(why.to_string()))?;
    Ok(Box::new(TokioIo::new(stream)))
}

async fn spoken(stream: impl Stream + 'static, place: &str) -> Result<Link, HttpError> {
    let (sender, connection) = client()
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|why| HttpError::Connect {
            place: place.to_owned(),
            why: why.to_string(),
        })?;
    let mut driver = JoinSet::new();
    driver.spawn_local(async move { drop(connection.await) });
    Ok(Link {
        sender,
        used: false,
        _driver: driver,
    })
}

/// The hash of a key that no pin names.
fn other_key(why: &std::io::Error) -> Option<String> {
    let inner = why.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = inner else {
        return None;
    };
    Some(other.0.downcast_ref::<OtherKey>()?.0.to_string())
}
