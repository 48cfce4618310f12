//! A body that can be sent again.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// A body that can be sent again if it is not larger than was allowed.
    pub struct ReplayBody<B> {
        // What is known of it and was not sent yet.
        known: Option<Bytes>,
        trailers: Option<HeaderMap>,
        // What is not known: it was too large to be kept, and is sent once.
        #[pin]
        rest: Option<B>,
    }
}

impl<B> ReplayBody<B> {
    /// No body.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            known: None,
            trailers: None,
            rest: None,
        }
    }

    /// A body that is known as a whole.
    pub fn full(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            known: (!body.is_empty()).then_some(body),
            trailers: None,
            rest: None,
        }
    }

    /// Another one like it; `None` if it is too large to be sent again.
    #[must_use]
    pub fn copy(&self) -> Option<Self> {
        self.rest.is_none().then(|| Self {
            known: self.known.clone(),
            trailers: self.trailers.clone(),
            rest: None,
        })
    }
}

impl<B: Body + Unpin> ReplayBody<B> {
    /// Reads `body` until its end, or until more than `size_max` bytes are known. What is larger can
    /// be sent once: what was read, and then the rest as it comes.
    ///
    /// # Errors
    ///
    /// What reading the body says.
    pub async fn buffer(mut body: B, size_max: usize) -> Result<Self, B::Error> {
        let mut known = BytesMut::new();
        let mut trailers = None;
        let rest = loop {
            if known.len() > size_max {
                break Some(body);
            }
            let frame = poll_fn(|context| pin!(&mut body).poll_frame(context)).await;
            match frame.transpose()?.map(Frame::into_data) {
                None => break None,
                Some(Ok(mut data)) => {
                    while data.has_remaining() {
                        let chunk = data.chunk();
                        known.extend_from_slice(chunk);
                        data.advance(chunk.len());
                    }
                }
                Some(Err(frame)) => {
                    trailers = frame.into_trailers().ok();
                    break None;
                }
            }
        };
        Ok(Self {
            known: (!known.is_empty()).then(|| known.freeze()),
            trailers,
            rest,
        })
    }
}

impl<B: Body> Body for ReplayBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        if let Some(known) = this.known.take() {
            return Poll::Ready(Some(Ok(Frame::data(known))));
        }
        if let Some(trailers) = this.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        match this.rest.as_pin_mut() {
            None => Poll::Ready(None),
            Some(rest) => rest
                .poll_frame(context)
                .map_ok(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.known.is_none()
            && self.trailers.is_none()
            && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let known = self.known.as_ref().map_or(0, Bytes::len) as u64;
        let Some(rest) = &self.rest else {
            return SizeHint::with_exact(known);
        };
        let rest = rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(known.saturating_add(rest.lower()));
        if let Some(upper) = rest.upper() {
            hint.set_upper(known.saturating_add(upper));
        }
        hint
    }
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayBody")
            .field("known", &self.known.as_ref().map_or(0, Bytes::len))
            .field("replayable", &self.rest.is_none())
            .finish_non_exhaustive()
    }
}
