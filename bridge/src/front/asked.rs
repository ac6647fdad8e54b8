//! What a request says, when it says one thing only: its name for us, its peer, its token, its body.

use std::net::IpAddr;
use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap};
use hyper::{Method, Request, Version};
use kickout_shared::bridge::{MAX_BODY, TYPE};
use tokio::time::timeout;

use super::denied;
use super::process::Known;
use crate::border::Denied;

/// The time to send a body.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The name this bridge was called by: one, and one of its own.
pub(super) fn host(request: &Request<Incoming>, known: &Known) -> Result<String, Denied> {
    let headers = request.headers();
    let mut named = headers.get_all(header::HOST).iter();
    let host = match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        _ => return Err(denied(400, "one Host header is needed")),
    };
    if request.version() != Version::HTTP_11 || request.uri().authority().is_some() {
        return Err(denied(400, "HTTP/1.1, and a path alone"));
    }
    // Two lengths mean two requests to somebody on the way, and of two only one is still seen here;
    // nor does everybody read what comes with a GET.
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(denied(400, "a Content-Length, and no Transfer-Encoding"));
    }
    if request.method() != Method::POST && !request.body().is_end_stream() {
        return Err(denied(400, "only a POST has a body"));
    }
    match known.answers_to(host) {
        true => Ok(host.to_owned()),
        false => Err(denied(421, "this bridge has another name")),
    }
}

/// The peer; what a proxy that is trusted says of it.
pub(super) fn told(headers: &HeaderMap, peer: IpAddr, known: &Known) -> IpAddr {
    let trusted = |address: &IpAddr| known.trusted_proxies.contains(address);
    if !trusted(&peer) {
        return peer;
    }
    // From the nearest on: the first that is no proxy of ours is the one that a proxy of ours saw.
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let texts = lines.filter_map(|line| line.to_str().ok());
    let addresses = texts
        .flat_map(|text| text.rsplit(','))
        .map(|text| text.trim().parse());
    addresses
        .map_while(Result::ok)
        .find(|address| !trusted(address))
        .unwrap_or(peer)
}

pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}

pub(super) async fn body(request: Request<Incoming>) -> Result<Vec<u8>, Denied> {
    let headers = request.headers();
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|it| it == TYPE);
    if !is_json || headers.contains_key(header::CONTENT_ENCODING) {
        return Err(denied(
            415,
            "the body is application/json, and not compressed",
        ));
    }
    let announced = request.body().size_hint().lower();
    if announced > MAX_BODY as u64 {
        return Err(denied(413, "the body is too large"));
    }
    let whole = Limited::new(request.into_body(), MAX_BODY).collect();
    match timeout(BODY_TIME, whole).await {
        Err(_) => Err(denied(408, "the body took too long")),
        Ok(Ok(whole)) => Ok(whole.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(denied(413, "the body is too large"))
        }
        Ok(Err(_)) => Err(denied(400, "the body broke off")),
    }
}
