//! The door: connections within bounds, three routes, and requests that mean one thing only. Hands
//! what is asked to the keeper and streams what he says. A process of its own, without any right;
//! it reads no file, knows no token.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
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
use rustix::net::sockopt::set_tcp_user_timeout;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::border::{Ask, Denied};
use asked::{bearer, body, host, told};
use process::{Keeper, Known};
use seats::{Seat, Seats};
use stream::{Stream, stream};

pub use process::{FrontError, run};

mod asked;
mod confine;
mod process;
mod seats;
mod stream;

/// The head of a request: bytes, fields, and the time to send it.
const MAX_HEAD: usize = 16 * 1024;
const MAX_FIELDS: usize = 64;
const HEAD_TIME: Duration = Duration::from_secs(10);

/// The time to shake hands.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How long a client may leave what it was sent: its agent waits with it, and holds what it holds.
const MAX_UNREAD_MS: u32 = 120_000;

/// How long what runs may take once the bridge is to stop.
pub const GRACE: Duration = Duration::from_secs(120);

/// Serves until `stop` says so; then what runs is finished.
async fn serve(
    listener: TcpListener,
    keeper: Arc<Keeper>,
    known: watch::Receiver<Arc<Known>>,
    mut stop: watch::Receiver<bool>,
) {
    let seats = Arc::new(Seats::default());
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
        let Some((seat, lost)) = seats.take(peer.ip()) else {
            continue;
        };
        let client = Client {
            peer,
            seat,
            certificate: None,
            keeper: Arc::clone(&keeper),
            known: Arc::clone(&known.borrow()),
        };
        let stop = stop.clone();
        connections.spawn(async move {
            tokio::select! {
                () = connection(stream, client, stop) => {}
                _ = lost => {}
            }
        });
    }
    // Who comes now is refused by the system.
    drop(listener);
    let _ = timeout(GRACE, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

/// Who is at the other end, and what is needed to answer.
#[derive(Clone)]
struct Client {
    peer: SocketAddr,
    seat: Arc<Seat>,
    /// SHA-256 of its certificate, hex, if it showed one.
    certificate: Option<String>,
    keeper: Arc<Keeper>,
    /// As it was when it came.
    known: Arc<Known>,
}

async fn connection(stream: TcpStream, mut client: Client, stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let _ = set_tcp_user_timeout(&stream, MAX_UNREAD_MS);
    let Some(tls) = client.known.tls.clone() else {
        return converse(stream, client, stop).await;
    };
    let accepted = timeout(HANDSHAKE_TIME, TlsAcceptor::from(tls).accept(stream)).await;
    let Ok(Ok(stream)) = accepted else { return };
    let shown = stream.get_ref().1.peer_certificates();
    let certificate = shown.and_then(|chain| chain.first());
    client.certificate = certificate.map(|it| kickout_shared::token::sha256_hex(it));
    converse(stream, client, stop).await;
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    client: Client,
    mut stop: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let client = client.clone();
        async move { Ok::<_, Infallible>(answer(request, client).await) }
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

async fn answer(request: Request<Incoming>, client: Client) -> Reply {
    let mut reply = match route(request, client).await {
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

async fn route(request: Request<Incoming>, client: Client) -> Result<Reply, Denied> {
    let host = host(&request, &client.known)?;
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
            let ask = Ask {
                peer: told(request.headers(), client.peer.ip(), &client.known),
                host,
                token: bearer(request.headers()),
                certificate: client.certificate,
                body: body(request).await?,
            };
            if !client.seat.keep() {
                return Err(denied(503, "too many connections"));
            }
            stream(ask, &client.keeper).await
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
    let close = HeaderValue::from_static("close");
    reply.headers_mut().insert(header::CONNECTION, close);
    if let Some(wait) = denied.said.wait {
        reply.headers_mut().insert(header::RETRY_AFTER, wait.into());
    }
    reply
}

fn denied(status: u16, error: &str) -> Denied {
    Denied::new(status, error, None)
}
