//! The web side of a site, asked as a browser would: one GET, nothing followed, everything bounded.
//! Knows no session and no verb.

mod address;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, Response, header};
use hyper_util::rt::TokioIo;
use kickout_shared::version;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

pub use self::address::{Head, Page};
use crate::connection::{Stream, Tunnel, TunnelError};
use crate::http1::{client, piece};
use crate::tls;

/// How long one answer may take, connection included.
const DEADLINE: Duration = Duration::from_secs(10);

/// How much of a body is waited for, and how long. It says nothing; but a cache in front keeps a
/// page once it is complete, and must have it before anybody asks again.
const MOST_BODY: usize = 4 * 1024 * 1024;
const BODY: Duration = Duration::from_secs(5);

/// What is shown of somebody else's text, in characters.
const SHOWN: usize = 200;

/// What a page answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The page itself.
    Open,
    /// The way to the login page.
    Login,
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("status 200"),
            Self::Login => f.write_str("the way to the login page"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it is.
    pub seen: Seen,
    /// The clock of whoever answered, as far as he says (Unix seconds).
    pub clock: Option<i64>,
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WebError {
    /// The name means nothing.
    #[error("the name {0} leads nowhere: {1}")]
    Resolve(String, String),
    /// Nobody is there.
    #[error("no connection to {0}: {1}")]
    Connect(String, String),
    /// It is an address of another host, which lets nobody through to it.
    #[error("no connection to {0}: {1}")]
    Forbidden(String, TunnelError),
    /// The certificate is not one that is trusted.
    #[error("the certificate of {0} {1}")]
    Certificate(String, String),
    /// No encryption.
    #[error("no TLS with {0}: {1}")]
    Tls(String, String),
    /// What came is no answer.
    #[error("{0} gave no answer: {1}")]
    Answer(String, String),
    /// It took too long.
    #[error("{0} did not answer within {seconds} seconds", seconds = DEADLINE.as_secs())]
    Late(String),
    /// The site's cookies cannot stand in a request.
    #[error("the site made a cookie that no browser could send")]
    Cookie,
}

impl WebError {
    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Resolve(..) | Self::Connect(..) | Self::Late(_) | Self::Answer(..) => {
                "Name where the site is reached from here: --verify-url=<url>, or --head=<address> \
                 of its web server."
            }
            Self::Forbidden(_, error) => {
                return format!(
                    "{} Or name where the site is reached from here: --verify-url=<url>, or \
                     --head=<address>.",
                    error.fix()
                );
            }
            Self::Certificate(..) | Self::Tls(..) => {
                "Set SSL_CERT_FILE to the certificate of its authority, or ask where it speaks \
                 plain HTTP: --verify-url=http://…"
            }
            Self::Cookie => "Name another account: --verify-user=<user>.",
        }
        .to_owned()
    }
}

/// Whom to ask for a page.
#[derive(Clone, Copy)]
pub struct Door<'a> {
    page: &'a Page,
    head: Option<Head>,
    tunnel: Option<&'a dyn Tunnel>,
}

impl<'a> Door<'a> {
    /// One head, or where the page's name leads. An address that every machine has is that of the
    /// host to which the tunnel leads, when there is one.
    pub fn new(page: &'a Page, head: Option<Head>, tunnel: Option<&'a dyn Tunnel>) -> Self {
        let own = head.map_or_else(|| page.is_loopback(), |head| head.ip.is_loopback());
        Self {
            page,
            head,
            tunnel: tunnel.filter(|_| own),
        }
    }

    /// What the operator calls it, and whose it is.
    pub fn name(&self) -> String {
        let name = self
            .head
            .map_or_else(|| self.page.site(), |head| head.to_string());
        self.placed(name)
    }

    fn placed(&self, name: String) -> String {
        match self.tunnel {
            Some(tunnel) => format!("{name} at {}", tunnel.place()),
            None => name,
        }
    }

    /// Asks for the page, with these cookies (`a=b; c=d`).
    pub async fn look(&self, cookies: &str) -> Result<Answer, WebError> {
        let authority = || self.page.authority.clone();
        let at = self.placed(self.head.map_or_else(authority, |head| head.to_string()));
        let asked = tokio::time::timeout(DEADLINE, self.asked(&at, cookies)).await;
        asked.map_err(|_| WebError::Late(at))?
    }

    async fn asked(&self, at: &str, cookies: &str) -> Result<Answer, WebError> {
        let page = self.page;
        let request = Request::get(&page.path)
            .header(header::HOST, &page.authority)
            .header(header::USER_AGENT, format!("kickout/{}", version::RELEASE))
            .header(header::ACCEPT, "*/*")
            .header(header::COOKIE, cookies)
            .header(header::CONNECTION, "close")
            .body(String::new())
            .map_err(|_| WebError::Cookie)?;
        let stream = self.connected(at).await?;
        if !page.tls {
            return answer(stream, request, at).await;
        }
        let name = ServerName::try_from(page.host.clone());
        let name = name.map_err(|why| WebError::Tls(at.to_owned(), why.to_string()))?;
        let stream = TlsConnector::from(config(at)?).connect(name, stream).await;
        answer(stream.map_err(|why| untrusted(at, &why))?, request, at).await
    }

    async fn connected(&self, at: &str) -> Result<Box<dyn Stream>, WebError> {
        let Self { page, head, tunnel } = self;
        let failed = |why: String| WebError::Connect(at.to_owned(), why);
        let port = head.and_then(|head| head.port).unwrap_or(page.port);
        if let Some(tunnel) = tunnel {
            let host = head.map_or_else(|| page.host.clone(), |head| head.ip.to_string());
            return tunnel.dial(host, port).await.map_err(|error| match error {
                TunnelError::Unreachable(why) => failed(why),
                error => WebError::Forbidden(at.to_owned(), error),
            });
        }
        let addresses: Vec<SocketAddr> = match head {
            Some(head) => vec![SocketAddr::new(head.ip, port)],
            None => tokio::net::lookup_host((page.host.as_str(), port))
                .await
                .map_err(|why| WebError::Resolve(page.host.clone(), why.to_string()))?
                .collect(),
        };
        let stream = TcpStream::connect(addresses.as_slice()).await;
        stream.map_or_else(
            |why| Err(failed(why.to_string())),
            |stream| Ok(Box::new(stream) as Box<dyn Stream>),
        )
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    request: Request<String>,
    at: &str,
) -> Result<Answer, WebError> {
    let none = |why: hyper::Error| WebError::Answer(at.to_owned(), why.to_string());
    let (mut sender, connection) = client()
        .handshake(TokioIo::new(stream))
        .await
        .map_err(none)?;
    let response = sender.send_request(request);
    tokio::pin!(response, connection);
    let response = tokio::select! {
        biased;
        response = &mut response => response,
        // It may have said all there is, and gone.
        _ = &mut connection => response.await,
    };
    let response = response.map_err(none)?;
    let seen = seen(&response);
    let clock = clock(&response);
    tokio::select! {
        () = passed(response.into_body()) => {}
        _ = &mut connection => {}
        () = tokio::time::sleep(BODY) => {}
    }
    Ok(Answer { seen, clock })
}

/// Until the body is over, or as much of it as is waited for.
async fn passed(mut body: Incoming) {
    let mut left = MOST_BODY;
    while let Some(Ok(data)) = piece(&mut body).await {
        match left.checked_sub(data.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

fn clock<B>(response: &Response<B>) -> Option<i64> {
    let date = response.headers().get(header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(date.timestamp().as_second())
}

fn seen<B>(response: &Response<B>) -> Seen {
    let status = response.status();
    let location = response.headers().get(header::LOCATION);
    let location = location.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
    match location.filter(|_| status.is_redirection()) {
        _ if status == 200 => Seen::Open,
        Some(location) => {
            let path = location.split(['?', '#']).next().unwrap_or_default();
            match path.rsplit('/').next() == Some("wp-login.php") {
                true => Seen::Login,
                false => {
                    let location: String = location.chars().take(SHOWN).collect();
                    Seen::Other(format!("status {} to {location}", status.as_u16()))
                }
            }
        }
        None => Seen::Other(format!("status {}", status.as_u16())),
    }
}

/// TLS with the authorities that this machine trusts; made once.
fn config(at: &str) -> Result<Arc<ClientConfig>, WebError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let made = tls::system().map_err(|why| WebError::Tls(at.to_owned(), why.to_string()))?;
    let made = Arc::new(made.with_no_client_auth());
    Ok(CONFIG.get_or_init(|| made).clone())
}

fn untrusted(at: &str, why: &std::io::Error) -> WebError {
    match tls::flaw(why) {
        Some(flaw) => WebError::Certificate(at.to_owned(), flaw),
        None => WebError::Tls(at.to_owned(), why.to_string()),
    }
}

#[cfg(test)]
#[path = "web_tests.rs"]
mod tests;
