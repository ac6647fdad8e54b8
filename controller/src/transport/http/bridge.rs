//! A bridge as a client sees it: requests over connections that are kept, and what its answers mean
//! before their first line.

use std::cell::RefCell;
use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use kickout_shared::bridge::TYPE;
use kickout_shared::version;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::rustls::{self, ClientConfig};
use zeroize::Zeroizing;

use super::dial::{Link, dial};
use super::error::HttpError;
use super::operator::Operator;
use crate::http1::piece;
use crate::target::{Hop, HttpUrl};

/// Runs that are asked of one bridge at once.
const AT_ONCE: usize = 4;

/// How long an answer may take that is not a run's.
const ANSWER: Duration = Duration::from_secs(20);

/// The longest answer that is not a run's, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// What is shown of somebody else's text, in characters.
const SHOWN: usize = 200;

/// A bridge.
pub(super) struct Bridge {
    url: HttpUrl,
    proxy: Option<Hop>,
    tls: Arc<ClientConfig>,
    /// Where on its origin it answers, without a slash at the end.
    pub(super) base: String,
    pub(super) token: Option<Zeroizing<String>>,
    /// What operations of this connection are called, before their number.
    pub(super) name: String,
    /// Where the heads of its audit are kept.
    pub(super) heads: Option<std::path::PathBuf>,
    pub(super) seats: Semaphore,
    idle: RefCell<Vec<Link>>,
}

impl Bridge {
    pub(super) fn new(url: &HttpUrl, operator: &Operator, name: &str) -> Self {
        let heads = operator.state.as_ref().map(|it| it.join("heads"));
        Self {
            url: url.clone(),
            proxy: operator.proxy.clone(),
            tls: Arc::clone(&operator.tls),
            base: String::new(),
            token: None,
            name: name.to_owned(),
            heads: heads.map(|it| it.join(url.authority())),
            seats: Semaphore::new(AT_ONCE),
            idle: RefCell::default(),
        }
    }

    /// Host and port.
    pub(super) fn place(&self) -> String {
        self.url.authority()
    }

    /// It answers, but as no bridge would.
    pub(super) fn none(&self, why: String) -> HttpError {
        HttpError::NoBridge {
            place: self.place(),
            why,
        }
    }

    /// Its connection ended. Who did not show the right certificate learns that only now.
    fn broken(&self, why: &hyper::Error) -> HttpError {
        let inner = why.source().and_then(|it| it.downcast_ref::<io::Error>());
        let alert = inner
            .and_then(io::Error::get_ref)
            .filter(|it| matches!(it.downcast_ref(), Some(rustls::Error::AlertReceived(_))));
        match alert {
            Some(alert) => HttpError::Tls {
                place: self.place(),
                why: alert.to_string(),
            },
            None => self.none(why.to_string()),
        }
    }

    /// A connection that was used before, or a new one.
    pub(super) async fn link(&self) -> Result<Link, HttpError> {
        loop {
            let kept = self.idle.borrow_mut().pop();
            match kept {
                Some(link) if link.sender.is_closed() => {}
                Some(link) => return Ok(link),
                None => return dial(&self.url, self.proxy.as_ref(), &self.tls).await,
            }
        }
    }

    /// Keeps a connection whose answer was read to its end.
    pub(super) fn keep(&self, mut link: Link) {
        link.used = true;
        self.idle.borrow_mut().push(link);
    }

    /// A request; its token is marked as a secret.
    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Request<String>, HttpError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.place())
            .header(header::USER_AGENT, format!("kickout/{}", version::RELEASE))
            .header(header::ACCEPT, TYPE);
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, TYPE);
        }
        let mut request = request
            .body(body)
            .map_err(|why| self.none(why.to_string()))?;
        if let Some(token) = &self.token {
            let text = Zeroizing::new(format!("Bearer {}", token.as_str()));
            let value = HeaderValue::from_str(&text);
            let mut value =
                value.map_err(|_| HttpError::NotToken("the token's file".to_owned()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        Ok(request)
    }

    /// What it says at a path, to anybody.
    pub(super) async fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, HttpError> {
        let asked = timeout(ANSWER, async {
            let mut link = self.link().await?;
            let request = self.request(Method::GET, path, String::new())?;
            let answer = link.sender.send_request(request).await;
            let answer = answer.map_err(|why| self.broken(&why))?;
            if answer.status() != StatusCode::OK {
                return Err(self.turned_away(&answer));
            }
            let text = self.whole(answer).await?;
            self.keep(link);
            let read = serde_json::from_slice(&text);
            read.map_err(|_| self.none(format!("what it says at {path} is something else")))
        });
        let late = |_| self.none(format!("nothing within {} seconds", ANSWER.as_secs()));
        asked.await.map_err(late)?
    }

    /// What an answer without lines means.
    pub(super) fn turned_away(&self, answer: &Response<Incoming>) -> HttpError {
        let status = answer.status();
        let to = answer.headers().get(header::LOCATION);
        if let Some(to) = to.filter(|_| status.is_redirection()) {
            let to = String::from_utf8_lossy(to.as_bytes());
            return HttpError::Redirect {
                place: self.place(),
                to: to.chars().take(SHOWN).collect(),
            };
        }
        self.none(format!("it answers with status {}", status.as_u16()))
    }

    /// A body that should be short.
    pub(super) async fn whole(&self, answer: Response<Incoming>) -> Result<Vec<u8>, HttpError> {
        let (mut body, mut whole) = (answer.into_body(), Vec::new());
        while let Some(piece) = piece(&mut body).await {
            let piece = piece.map_err(|why| self.none(why.to_string()))?;
            whole.extend_from_slice(&piece);
            if whole.len() > MAX_ANSWER {
                return Err(self.none("it says too much".to_owned()));
            }
        }
        Ok(whole)
    }
}
