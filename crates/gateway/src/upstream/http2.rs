//! Requests as streams of a connection that many share (RFC 9113).

use std::cell::Cell;
use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderName, Request, Response, Uri, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connection::Broken;
use super::sessions::{Session, Stream};
use crate::exchange::{AttemptBody, BodyFailure};
use crate::guard::Alarm;
use crate::http1::{AnswerHead, Framing, Malformed, RequestHead, permitted};

type Answering = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>>>>;

/// One request and its answer. Dropping it resets the stream.
pub(crate) struct Http2 {
    stream: Stream,
    state: State,
    /// Whether the stream ended because the request's own body failed.
    body_failed: Rc<Cell<bool>>,
    pub(super) alarm: Alarm,
}

enum State {
    Idle,
    Waiting(Answering),
    Body(Incoming),
    Ended,
}

impl fmt::Debug for Http2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}

impl Http2 {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            state: State::Idle,
            body_failed: Rc::default(),
            alarm: Alarm::default(),
        }
    }

    pub(super) fn begin(&mut self, head: &RequestHead<'_>, body: Option<AttemptBody>) {
        let body = Upload {
            trailers: body
                .as_ref()
                .map_or_else(Vec::new, |_| permitted(head.headers)),
            body,
            failed: Rc::clone(&self.body_failed),
        };
        self.state = match request(head, body, self.stream.session()) {
            Ok(request) => State::Waiting(self.stream.send(request)),
            Err(_no_uri) => State::Ended,
        };
    }

    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<AnswerHead, Broken>> {
        let State::Waiting(answering) = &mut self.state else {
            return Poll::Ready(Err(Broken::Malformed(Malformed::Head)));
        };
        let response = match ready!(answering.as_mut().poll(cx)) {
            Ok(response) => response,
            Err(error) => {
                self.state = State::Ended;
                if self.body_failed.get() {
                    // The stream was reset from here: it says nothing about the connection.
                    return Poll::Ready(Err(Broken::Body));
                }
                let broken = broken(&error);
                tracing::debug!(%error, ?broken, "no answer on a stream");
                self.doubt();
                return Poll::Ready(Err(broken));
            }
        };
        let (parts, body) = response.into_parts();
        self.state = State::Body(body);
        Poll::Ready(Ok(AnswerHead {
            status: parts.status,
            headers: parts.headers,
            framing: Framing::UntilClose,
            keep_alive: true,
        }))
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Malformed>>> {
        let State::Body(body) = &mut self.state else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(error)) => {
                tracing::debug!(%error, "an answer broke off on a stream");
                self.state = State::Ended;
                Some(Err(Malformed::BrokeOff))
            }
            None => {
                self.state = State::Ended;
                None
            }
        })
    }

    /// No new stream begins on this connection: nobody knows whether it still works.
    pub(super) fn doubt(&self) {
        self.stream.session().retire();
    }

    pub(super) fn is_ended(&self) -> bool {
        match &self.state {
            State::Body(body) => body.is_end_stream(),
            State::Ended => true,
            State::Idle | State::Waiting(_) => false,
        }
    }

    pub(super) fn left(&self) -> Option<u64> {
        match &self.state {
            State::Body(body) => body.size_hint().exact(),
            State::Ended => Some(0),
            State::Idle | State::Waiting(_) => None,
        }
    }
}

/// What a failure before the answer's head says of the request.
fn broken(error: &hyper::Error) -> Broken {
    if error.is_canceled() {
        return Broken::Unprocessed;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            let refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
            // Streams that a GOAWAY names as seen end by themselves.
            let gone = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
            if error.is_remote() && (refused || gone) {
                return Broken::Unprocessed;
            }
        }
        source = cause.source();
    }
    Broken::Closed
}

fn request(
    head: &RequestHead<'_>,
    body: Upload,
    session: &Rc<Session>,
) -> Result<Request<Upload>, http::Error> {
    let mut headers = head.headers.clone();
    head.added.append_to(&mut headers);
    let host = headers.remove(HOST).or_else(|| head.host.cloned());
    // The body says it.
    headers.remove(CONTENT_LENGTH);
    let mut uri = Uri::builder().scheme(if session.is_secure() {
        Scheme::HTTPS
    } else {
        Scheme::HTTP
    });
    uri = match host.as_ref().map(http::HeaderValue::as_bytes) {
        Some(host) if !host.is_empty() => uri.authority(host),
        _ => uri.authority(session.address().authority()),
    };
    let uri = uri
        .path_and_query(PathAndQuery::try_from(head.target)?)
        .build()?;
    let mut request = Request::new(body);
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = headers;
    Ok(request)
}

/// A request's body, or none.
#[derive(Debug)]
pub(super) struct Upload {
    body: Option<AttemptBody>,
    /// Trailers that were announced.
    trailers: Vec<HeaderName>,
    /// Set once it fails.
    failed: Rc<Cell<bool>>,
}

impl Upload {
    /// Without trailers that nobody announced.
    fn pass(&self, frame: Frame<Bytes>) -> Frame<Bytes> {
        match frame.into_trailers() {
            Err(frame) => frame,
            Ok(trailers) => {
                let permitted = trailers
                    .iter()
                    .filter(|(name, _)| self.trailers.contains(name));
                let permitted = permitted.map(|(name, value)| (name.clone(), value.clone()));
                Frame::trailers(permitted.collect())
            }
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(body.poll(cx));
        if let Some(Err(_told_by_the_intake)) = frame {
            self.failed.set(true);
        }
        Poll::Ready(frame.map(|frame| frame.map(|frame| self.pass(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.body.as_ref().map_or(Some(0), AttemptBody::length);
        length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
