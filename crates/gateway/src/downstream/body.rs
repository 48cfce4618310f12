//! The body of a request, wherever it comes from.

use std::pin::Pin;
use std::rc::Weak;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;

/// The client left, was too slow, or sent something malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost;

/// Where the body of the request under way is read.
pub(super) trait Inlet: std::fmt::Debug {
    /// The next piece of the body of this request; nothing at its end. A request before the one
    /// under way has lost what it did not read.
    fn poll_frame(
        &self,
        request: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Lost>>>;

    /// Whether the body of this request was read to its end.
    fn is_ended(&self, request: u64) -> bool;

    /// Nobody reads the body of this request any more.
    fn release(&self, request: u64);
}

/// A request's body.
#[derive(Debug)]
pub(crate) enum RequestBody {
    Empty,
    Http1(Upload),
    Http2(Incoming),
}

/// The body of a request of HTTP/1.
#[derive(Debug)]
pub(crate) struct Upload {
    /// The connection; nothing is left of it once it was closed.
    pub(super) inlet: Weak<dyn Inlet>,
    /// The how-manieth request of its connection it belongs to.
    pub(super) request: u64,
    pub(super) length: Option<u64>,
}

impl RequestBody {
    /// Whether nothing more is to come.
    pub(crate) fn is_ended(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Http1(upload) => {
                let inlet = upload.inlet.upgrade();
                inlet.is_some_and(|inlet| inlet.is_ended(upload.request))
            }
            Self::Http2(body) => body.is_end_stream(),
        }
    }

    /// How long it is, as far as was announced.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Http1(upload) => upload.length,
            Self::Http2(body) => body.size_hint().exact(),
        }
    }

    /// The next piece; nothing at its end.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Http1(upload) => match upload.inlet.upgrade() {
                Some(inlet) => inlet.poll_frame(upload.request, cx),
                None => Poll::Ready(Some(Err(Lost))),
            },
            Self::Http2(body) => {
                let frame = Pin::new(body).poll_frame(cx);
                frame.map(|frame| frame.map(|frame| frame.map_err(|_reset| Lost)))
            }
        }
    }
}

impl From<Incoming> for RequestBody {
    fn from(body: Incoming) -> Self {
        Self::Http2(body)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(inlet) = self.inlet.upgrade() {
            inlet.release(self.request);
        }
    }
}
