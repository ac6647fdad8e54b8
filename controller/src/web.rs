//! The web side of a site, asked as a browser would: one GET, nothing followed, everything bounded.
//! Knows no session and no verb.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::client::conn::http1;
use hyper::{Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use kickout_shared::version;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

/// How long one answer may take, connection included.
const DEADLINE: Duration = Duration::from_secs(10);

/// The largest head of an answer, in bytes. Of a body nothing is read.
const MOST_HEAD: usize = 64 * 1024;

/// Lines of a head.
const MOST_LINES: usize = 100;

/// What is shown of somebody else's text, in characters.
const SHOWN: usize = 200;

/// The page that only a logged-in user sees, below a site's address.
const PROFILE: &str = "/wp-admin/profile.php";

/// An address of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    tls: bool,
    /// Host and port as written: what a browser sends.
    authority: String,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    path: String,
}

impl Page {
    /// The profile page of the site at `url`, as the operator writes it.
    pub fn below(url: &str) -> Option<Self> {
        let mut page = Self::read(url)?;
        page.path = format!("{}{PROFILE}", page.path.trim_end_matches('/'));
        Some(page)
    }

    /// The profile page as the site names it; nothing else is one.
    pub fn profile(url: &str) -> Option<Self> {
        Self::read(url).filter(|page| page.path.ends_with("/profile.php"))
    }

    fn read(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || uri.query().is_some() || url.contains('#') {
            return None;
        }
        let host = authority.host();
        let host = host.strip_prefix('[').unwrap_or(host);
        Some(Self {
            tls,
            host: host.strip_suffix(']').unwrap_or(host).to_owned(),
            port: match authority.port_u16() {
                Some(port) => port,
                // What stands there is no port.
                None if authority.as_str() != authority.host() => return None,
                None if tls => 443,
                None => 80,
            },
            authority: authority.as_str().to_owned(),
            path: uri.path().to_owned(),
        })
    }

    /// Whether it is on this host and port, written as `--url` may be.
    pub fn is_at(&self, url: &str) -> bool {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority.eq_ignore_ascii_case(&self.authority)
    }

    /// Whether it is on whatever machine asks.
    pub fn is_loopback(&self) -> bool {
        let ip: Option<IpAddr> = self.host.parse().ok();
        self.host.eq_ignore_ascii_case("localhost") || ip.is_some_and(|ip| ip.is_loopback())
    }

    /// The site it belongs to, as a person writes it.
    pub fn site(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let path = self.path.strip_suffix(PROFILE).unwrap_or("");
        format!("{scheme}://{}{path}", self.authority)
    }
}

/// `--head`: one web server of several, or one behind a name that leads elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    ip: IpAddr,
    port: Option<u16>,
}

impl Head {
    /// Reads `ip`, `ip:port`, `[ip]` or `[ip]:port`.
    pub fn read(text: &str) -> Option<Self> {
        if let Ok(at) = text.parse::<SocketAddr>() {
            let port = Some(at.port()).filter(|port| *port > 0)?;
            return Some(Self {
                ip: at.ip(),
                port: Some(port),
            });
        }
        let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let ip = bare.unwrap_or(text).parse().ok()?;
        Some(Self { ip, port: None })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.ip, port).fmt(f),
            None => self.ip.fmt(f),
        }
    }
}

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
            Self::Certificate(..) | Self::Tls(..) => {
                "Set SSL_CERT_FILE to the certificate of its authority, or ask where it speaks \
                 plain HTTP: --verify-url=http://…"
            }
            Self::Cookie => "Name another account: --verify-user=<user>.",
        }
        .to_owned()
    }
}

/// Asks for a page, with these cookies (`a=b; c=d`), at one head or where its name leads.
pub async fn look(page: &Page, head: Option<Head>, cookies: &str) -> Result<Answer, WebError> {
    let at = head.map_or_else(|| page.authority.clone(), |head| head.to_string());
    let asked = tokio::time::timeout(DEADLINE, asked(page, head, &at, cookies)).await;
    asked.map_err(|_| WebError::Late(at))?
}

async fn asked(
    page: &Page,
    head: Option<Head>,
    at: &str,
    cookies: &str,
) -> Result<Answer, WebError> {
    let request = Request::get(&page.path)
        .header(header::HOST, &page.authority)
        .header(header::USER_AGENT, format!("kickout/{}", version::RELEASE))
        .header(header::ACCEPT, "*/*")
        .header(header::COOKIE, cookies)
        .header(header::CONNECTION, "close")
        .body(String::new())
        .map_err(|_| WebError::Cookie)?;
    let stream = connected(page, head, at).await?;
    if !page.tls {
        return answer(stream, request, at).await;
    }
    let name = ServerName::try_from(page.host.clone());
    let name = name.map_err(|why| WebError::Tls(at.to_owned(), why.to_string()))?;
    let stream = TlsConnector::from(config(at)?).connect(name, stream).await;
    answer(stream.map_err(|why| untrusted(at, &why))?, request, at).await
}

async fn connected(page: &Page, head: Option<Head>, at: &str) -> Result<TcpStream, WebError> {
    let addresses: Vec<SocketAddr> = match head {
        Some(head) => vec![SocketAddr::new(head.ip, head.port.unwrap_or(page.port))],
        None => tokio::net::lookup_host((page.host.as_str(), page.port))
            .await
            .map_err(|why| WebError::Resolve(page.host.clone(), why.to_string()))?
            .collect(),
    };
    let stream = TcpStream::connect(addresses.as_slice()).await;
    stream.map_err(|why| WebError::Connect(at.to_owned(), why.to_string()))
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    request: Request<String>,
    at: &str,
) -> Result<Answer, WebError> {
    let none = |why: hyper::Error| WebError::Answer(at.to_owned(), why.to_string());
    let mut client = http1::Builder::new();
    client.max_buf_size(MOST_HEAD).max_headers(MOST_LINES);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(none)?;
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
    Ok(Answer { seen, clock })
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

/// TLS with the authorities that this machine trusts; read once.
fn config(at: &str) -> Result<Arc<ClientConfig>, WebError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| WebError::Tls(at.to_owned(), why.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}

fn untrusted(at: &str, why: &std::io::Error) -> WebError {
    let inner = why
        .get_ref()
        .and_then(|it| it.downcast_ref::<rustls::Error>());
    let text = match inner {
        Some(rustls::Error::InvalidCertificate(flaw)) => match flaw {
            CertificateError::UnknownIssuer => {
                "is signed by itself, or by an authority that this machine does not trust"
                    .to_owned()
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "has expired".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "is for other names".to_owned()
            }
            flaw => format!("is not valid: {flaw}"),
        },
        _ => return WebError::Tls(at.to_owned(), why.to_string()),
    };
    WebError::Certificate(at.to_owned(), text)
}

#[cfg(test)]
#[path = "web_tests.rs"]
mod tests;
