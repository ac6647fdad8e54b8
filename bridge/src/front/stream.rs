//! An answer as it comes: each line when it is said, and a sign of life where none is.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::Either;
use hyper::Response;
use hyper::body::{Body, Bytes, Frame};
use hyper::header::{self, HeaderName, HeaderValue};
use kickout_shared::bridge::TYPE;
use kickout_shared::frame;
use kickout_shared::message::{FromAgent, PING_SECONDS};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::{Reply, denied};
use crate::keeper::{Ask, Denied, Keeper};

/// Lines that wait for a client. The agent waits when they do.
const LANE: usize = 64;

/// Begins to answer with the first line, or with why there is none.
pub(super) async fn stream(ask: Ask, keeper: Arc<Keeper>) -> Result<Reply, Denied> {
    let (lane, mut lines) = mpsc::channel(LANE);
    let mut running = tokio::spawn(async move { keeper.run(ask, lane).await });
    let first = tokio::select! {
        biased;
        line = lines.recv() => line,
        ended = &mut running => match ended {
            Ok(Err(denied)) => return Err(denied),
            _ => lines.recv().await,
        },
    };
    let Some(first) = first else {
        return match running.await {
            Ok(Err(denied)) => Err(denied),
            _ => Err(denied(503, "the bridge has lost its agent")),
        };
    };
    let mut alive = interval(Duration::from_secs(PING_SECONDS));
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    alive.reset();
    let stream = Stream {
        first: Some(first),
        lines,
        alive,
    };
    let mut reply = Response::new(Either::Right(stream));
    let kind = HeaderValue::from_static(TYPE);
    reply.headers_mut().insert(header::CONTENT_TYPE, kind);
    // A proxy that collects answers would hold back what is said while it is done.
    let buffering = HeaderName::from_static("x-accel-buffering");
    reply
        .headers_mut()
        .insert(buffering, HeaderValue::from_static("no"));
    Ok(reply)
}

/// The lines of an answer, each sent as it comes, and a sign of life where none does. When it is
/// dropped the lane closes: the client has gone.
pub(super) struct Stream {
    first: Option<Vec<u8>>,
    lines: mpsc::Receiver<Vec<u8>>,
    alive: tokio::time::Interval,
}

impl Body for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let line = match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => self.lines.poll_recv(context),
        };
        match line {
            Poll::Ready(line) => {
                self.alive.reset();
                Poll::Ready(line.map(|line| Ok(Frame::data(line.into()))))
            }
            Poll::Pending => self.alive.poll_tick(context).map(|_| {
                let line = frame::encode(&FromAgent::Pong).unwrap_or_default();
                Some(Ok(Frame::data(line.into())))
            }),
        }
    }
}
