//! Clients that close their side while they wait for an answer.
//!
//! On the wire a client that has gone looks like one that has only said that it will send nothing
//! more (RFC 9112, section 9.6): as `nc -N` does, and clients of HTTP/1.0. The one wants no answer,
//! and its request should stop costing endpoints; the other one waits. A client that announced the
//! end, by `Connection: close` or by HTTP/1.0, is waited with. Any other one is given a moment, and
//! more as long as the answer goes on; whoever is gone answers it with a reset.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::Line;
use crate::strict::Stage;

/// How long a client may wait that has closed its side without having announced it.
const HALF_CLOSED_MAX: Duration = Duration::from_secs(1);

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// While a request is under way: an error if the client has gone.
    pub(super) fn poll_departure(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.reader.stage() == Stage::Body {
            // Whoever reads the body sees it.
            self.wait(cx);
            return Poll::Pending;
        }
        if self.closed_at.is_none() {
            // What comes early is kept, and seen when its turn comes; behind it nothing is looked for.
            if !self.held.is_empty() {
                return Poll::Pending;
            }
            match ready!(self.poll_piece(cx)) {
                Ok(0) => self.closed_at = Some(Instant::now()),
                Ok(_early) => return Poll::Pending,
                Err(error) => return Poll::Ready(error),
            }
        }
        match self.closed_at {
            Some(at) if !self.last && self.read.alarm.passed(cx, at + HALF_CLOSED_MAX) => {
                Poll::Ready(io::ErrorKind::ConnectionAborted.into())
            }
            _ => Poll::Pending,
        }
    }
}
