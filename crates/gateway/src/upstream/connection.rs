//! A connection to an endpoint, as one request has it.

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::time::Instant;

use super::http1::Http1;
use super::http2::Http2;
use super::wire::Wire;
use crate::exchange::AttemptBody;
use crate::http1::{AnswerHead, Malformed, RequestHead};

/// Why there is no answer, or no more of one.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The request's own body failed.
    Body,
    /// What came is no answer.
    Malformed(Malformed),
    /// The connection ended before anything of an answer came.
    Closed,
    /// The endpoint says that it has not looked at the request: it goes, or is full.
    Unprocessed,
}

/// A connection of its own, or a stream of one that is shared.
#[derive(Debug)]
pub(crate) enum Connection {
    /// Boxed: it goes through many hands in every request.
    Http1(Box<Http1>),
    Http2(Box<Http2>),
}

impl Connection {
    /// Begins with a request; it is sent, and answered, while this is driven.
    pub(super) fn begin(&mut self, head: &RequestHead<'_>, body: Option<AttemptBody>) {
        match self {
            Self::Http1(connection) => connection.begin(head, body),
            Self::Http2(stream) => stream.begin(head, body),
        }
    }

    /// Whether the endpoint may have got something of the request.
    pub(super) const fn has_sent(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.has_sent(),
            Self::Http2(_) => true,
        }
    }

    /// Whether it served another request before.
    pub(super) const fn is_reused(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.reused,
            Self::Http2(_) => false,
        }
    }

    /// Sends the request, and waits for the answer's head.
    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<AnswerHead, Broken>> {
        match self {
            Self::Http1(connection) => connection.poll_head(cx),
            Self::Http2(stream) => stream.poll_head(cx),
        }
    }

    /// The next piece of the answer's body; nothing at its end.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Malformed>>> {
        match self {
            Self::Http1(connection) => connection.poll_frame(cx),
            Self::Http2(stream) => stream.poll_frame(cx),
        }
    }

    /// Whether `deadline` has passed; if not, the task is woken then or earlier.
    pub(crate) fn is_late(&mut self, cx: &mut Context<'_>, deadline: Instant) -> bool {
        match self {
            Self::Http1(connection) => connection.alarm.passed(cx, deadline),
            Self::Http2(stream) => stream.alarm.passed(cx, deadline),
        }
    }

    /// The answer did not come in time.
    pub(super) fn doubt(&self) {
        if let Self::Http2(stream) = self {
            stream.doubt();
        }
    }

    /// Whether the answer's body is over.
    pub(crate) fn is_ended(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_ended(),
            Self::Http2(stream) => stream.is_ended(),
        }
    }

    /// Whether the end of the answer's body is told apart from a breakage, but for chunks: those are
    /// said in its head.
    pub(crate) fn ends_clearly(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.left().is_some(),
            Self::Http2(_) => true,
        }
    }

    /// How many bytes of the answer's body are still to come, where that is known.
    pub(crate) fn left(&self) -> Option<u64> {
        match self {
            Self::Http1(connection) => connection.left(),
            Self::Http2(stream) => stream.left(),
        }
    }

    /// Leaves the rest of the request to a task: its answer is there already, and neither may wait
    /// for the other. It ends if the endpoint takes nothing for `pause_max`.
    pub(super) fn detach(&mut self, pause_max: Duration) {
        match self {
            Self::Http1(connection) => connection.detach(pause_max),
            // It has one anyway.
            Self::Http2(_) => {}
        }
    }

    /// What may serve another request, if nothing is under way and none is ruled out. The rest of a
    /// request whose answer is over is still sent.
    pub(super) fn rest(self) -> Option<Box<Http1>> {
        match self {
            Self::Http1(mut connection) => {
                if connection.rest() {
                    return Some(connection);
                }
                connection.finish_sending();
                None
            }
            Self::Http2(_) => None,
        }
    }

    /// The stream of a connection that has left HTTP, and what came of it already.
    pub(crate) fn into_stream(self) -> Option<(Wire, Bytes)> {
        match self {
            Self::Http1(connection) => connection.into_stream(),
            Self::Http2(_) => None,
        }
    }
}
