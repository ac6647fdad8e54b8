//! The door: connections within bounds, three routes, and requests that mean one thing only. Hands
//! what is asked to the keeper and streams what he says. Reads no file, knows no token.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use kickout_shared::bridge::{HEALTH, Health, RUN, TYPE, WELL_KNOWN, WellKnown};
use kickout_shared::version;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::keeper::{Ask, Denied, Keeper};
use asked::{bearer, body, host, told};
use stream::{Stream, stream};

mod asked;
mod stream;

/// Connections at once, and from one address.
const MAX_CONNECTIONS: usize = 256;
const MAX_PER_ADDRESS: usize = 32;

/// The head of a request: bytes, fields, and the time to send it.
const MAX_HEAD: usize = 16 * 1024;
const MAX_FIELDS: usize = 64;
const HEAD_TIME: Duration = Duration::from_secs(10);

/// The time to shake hands.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How long what runs may take once the bridge is to stop.
const GRACE: Duration = Duration::from_secs(120);

/// The TLS that is in force; none for plain HTTP. A new one counts for the next connection.
pub type Tls = watch::Receiver<Option<Arc<ServerConfig>>>;

/// Serves until `stop` says so; then what runs is finished.
pub async fn serve(
    listener: TcpListener,
    keeper: Arc<Keeper>,
    tls: Tls,
    mut stop: watch::Receiver<bool>,
) {
    let all = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let each: Arc<Mutex<HashMap<IpAddr, usize>>> = Arc::default();
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Ok((stream, peer)) = accepted else {
            // No descriptor left: those that are open will end.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = Arc::clone(&all).try_acquire_owned() else {
            continue;
        };
        let Some(seat) = Seat::take(&each, peer.ip()) else {
            continue;
        };
        let (keeper, tls, stop) = (Arc::clone(&keeper), tls.borrow().clone(), stop.clone());
        connections.spawn(async move {
            let _held = (permit, seat);
            connection(stream, peer, keeper, tls, stop).await;
        });
    }
    let _ = timeout(GRACE, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

/// One connection of an address.
struct Seat {
    each: Arc<Mutex<HashMap<IpAddr, usize>>>,
    peer: IpAddr,
}

impl Seat {
    fn take(each: &Arc<Mutex<HashMap<IpAddr, usize>>>, peer: IpAddr) -> Option<Self> {
        let mut taken = each.lock().ok()?;
        let count = taken.entry(peer).or_default();
        if *count >= MAX_PER_ADDRESS {
            return None;
        }
        *count += 1;
        let each = Arc::clone(each);
        Some(Self { each, peer })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Ok(mut taken) = self.each.lock()
            && let Some(count) = taken.get_mut(&self.peer)
        {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.peer);
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    keeper: Arc<Keeper>,
    tls: Option<Arc<ServerConfig>>,
    stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return converse(stream, peer, None, keeper, stop).await;
    };
    let accepted = timeout(HANDSHAKE_TIME, TlsAcceptor::from(tls).accept(stream)).await;
    let Ok(Ok(stream)) = accepted else { return };
    let shown = stream.get_ref().1.peer_certificates();
    let certificate = shown.and_then(|chain| chain.first());
    let certificate = certificate.map(|it| kickout_shared::token::sha256_hex(it));
    converse(stream, peer, certificate, keeper, stop).await;
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    certificate: Option<String>,
    keeper: Arc<Keeper>,
    mut stop: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let (keeper, certificate) = (Arc::clone(&keeper), certificate.clone());
        async move {
            Ok::<_, std::convert::Infallible>(answer(request, peer, certificate, keeper).await)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(MAX_FIELDS)
        .max_buf_size(MAX_HEAD)
        .half_close(false);
    let serving = http.serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

type Reply = Response<Either<Full<Bytes>, Stream>>;

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    certificate: Option<String>,
    keeper: Arc<Keeper>,
) -> Reply {
    let mut reply = match route(request, peer, certificate, keeper).await {
        Ok(reply) => reply,
        Err(denied) => refusal(&denied),
    };
    let headers = reply.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let nosniff = HeaderName::from_static("x-content-type-options");
    headers.insert(nosniff, HeaderValue::from_static("nosniff"));
    if reply.status() == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer");
        reply.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    reply
}

async fn route(
    request: Request<Incoming>,
    peer: SocketAddr,
    certificate: Option<String>,
    keeper: Arc<Keeper>,
) -> Result<Reply, Denied> {
    let host = host(&request, &keeper)?;
    let path = request.uri().path();
    // A web server in front passes on what is below that path.
    let path = path
        .strip_prefix(WELL_KNOWN)
        .filter(|rest| !rest.is_empty())
        .unwrap_or(path);
    match (request.method(), path) {
        (&Method::GET, HEALTH) => json(&Health {
            protocol: version::PROTOCOL,
        }),
        (&Method::GET, WELL_KNOWN) => json(&WellKnown {
            path: WELL_KNOWN.to_owned(),
        }),
        (&Method::POST, RUN) => {
            let peer = told(request.headers(), peer.ip(), &keeper);
            let ask = Ask {
                peer,
                host,
                token: bearer(request.headers()),
                certificate,
                body: body(request).await?,
            };
            stream(ask, keeper).await
        }
        (_, HEALTH | WELL_KNOWN | RUN) => Err(denied(405, "another method")),
        _ => Err(denied(404, "no such place")),
    }
}

fn json(what: &impl serde::Serialize) -> Result<Reply, Denied> {
    let text = serde_json::to_vec(what).map_err(|_| denied(503, "no answer"))?;
    let mut reply = Response::new(Either::Left(Full::new(Bytes::from(text))));
    let kind = HeaderValue::from_static(TYPE);
    reply.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(reply)
}

fn refusal(denied: &Denied) -> Reply {
    let mut reply =
        json(&denied.said).unwrap_or_else(|_| Response::new(Either::Left(Full::default())));
    *reply.status_mut() =
        StatusCode::from_u16(denied.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    // Whoever was turned away may have sent more than was read.
    reply
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    reply
}

fn denied(status: u16, error: &str) -> Denied {
    Denied::new(status, error, None)
}
