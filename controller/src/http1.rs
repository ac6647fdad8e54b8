//! What is asked of an HTTP answer, whoever sends it: a head with bounds, a body piece by piece. Opens
//! no connection.

use std::future::poll_fn;
use std::pin::Pin;

use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1::Builder;

/// The largest head of an answer, in bytes, and its lines.
const MOST_HEAD: usize = 64 * 1024;
const MOST_LINES: usize = 100;

/// A client that bears no more.
pub(crate) fn client() -> Builder {
    let mut client = Builder::new();
    client.max_buf_size(MOST_HEAD).max_headers(MOST_LINES);
    client
}

/// The next piece of a body, if there is one.
pub(crate) async fn piece(body: &mut Incoming) -> Option<Result<Bytes, hyper::Error>> {
    loop {
        match poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await? {
            Ok(frame) => match frame.into_data() {
                Ok(data) => return Some(Ok(data)),
                Err(_) => continue,
            },
            Err(why) => return Some(Err(why)),
        }
    }
}
