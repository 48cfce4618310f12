//! HTTP/1 or HTTP/2, by the first bytes.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::Guard;

/// The connection preface of HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    /// Reads until it is clear what the client speaks; `None` if it left or took too long. Until
    /// its first byte a connection owns no buffer.
    pub(crate) async fn detect(&mut self) -> Option<Protocol> {
        poll_fn(|cx| self.poll_detect(cx)).await.ok().flatten()
    }

    fn poll_detect(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Protocol>>> {
        loop {
            let seen = &self.held;
            if !seen.is_empty() {
                let length = seen.len().min(PREFACE.len());
                if seen.get(..length) != PREFACE.get(..length) {
                    return Poll::Ready(Ok(Some(Protocol::Http1)));
                }
                if length == PREFACE.len() {
                    return Poll::Ready(Ok(Some(Protocol::Http2)));
                }
            }
            if ready!(self.poll_hold_more(cx))? == 0 {
                return Poll::Ready(Ok(None));
            }
        }
    }
}
