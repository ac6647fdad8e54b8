//! An answer as it comes from the keeper: refused, or its lines as they are said.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body_util::Either;
use hyper::Response;
use hyper::body::{Body, Bytes, Frame};
use hyper::header::{self, HeaderName, HeaderValue};
use kickout_shared::bridge::TYPE;
use tokio::io::{AsyncBufRead as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use super::process::Keeper;
use super::{Reply, denied};
use crate::border::{Ask, Denied, hear};

/// Asks the keeper. Begins to answer with the first line, or with why there is none.
pub(super) async fn stream(ask: Ask, keeper: &Keeper) -> Result<Reply, Denied> {
    let asked = async {
        let (ours, theirs) = net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut line = UnixStream::from_std(ours)?;
        keeper.hand(Some(OwnedFd::from(theirs))).await?;
        line.write_all(&ask.encode()?).await?;
        let mut line = BufReader::with_capacity(BUFFER, line);
        let refused: Option<Denied> = hear(&mut line).await?;
        io::Result::Ok((refused, line))
    };
    // Too much is being done, or the keeper has gone; then we end, too.
    let (refused, line) = asked
        .await
        .map_err(|_| denied(503, "the bridge can take no more at the moment"))?;
    if let Some(refused) = refused {
        return Err(refused);
    }
    let mut reply = Response::new(Either::Right(Stream(line)));
    let kind = HeaderValue::from_static(TYPE);
    reply.headers_mut().insert(header::CONTENT_TYPE, kind);
    // A proxy that collects answers would hold back what is said while it is done.
    let buffering = HeaderName::from_static("x-accel-buffering");
    reply
        .headers_mut()
        .insert(buffering, HeaderValue::from_static("no"));
    Ok(reply)
}

/// What is read of an answer at once, in bytes.
const BUFFER: usize = 16 * 1024;

/// What the keeper says, each time as much as there is. When it is dropped the line closes: the
/// client has gone.
pub(super) struct Stream(BufReader<UnixStream>);

impl Body for Stream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut line = Pin::new(&mut self.0);
        let bytes = match ready!(line.as_mut().poll_fill_buf(context)) {
            Ok([]) => return Poll::Ready(None),
            Ok(bytes) => Bytes::copy_from_slice(bytes),
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        line.consume(bytes.len());
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}
