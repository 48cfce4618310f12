//! A request on its way to an endpoint.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use crate::exchange::AttemptBody;
use crate::guard::Alarm;
use crate::http1::{Framing, RequestHead, permitted, write_request};
use crate::outbox::Outbox;

/// Why a request was not sent to its end.
#[derive(Debug)]
pub(super) enum Unsent {
    /// The client's body failed, or is not as long as it was said to be.
    Body,
    /// The endpoint took no more.
    Closed,
}

/// One request's head and body.
#[derive(Debug, Default)]
pub(super) struct Sending {
    outbox: Outbox,
    body: Option<Upload>,
    /// Whether the stream may hold something back.
    unflushed: bool,
}

#[derive(Debug)]
struct Upload {
    body: AttemptBody,
    /// Bytes that are still to come; nothing where it goes in chunks.
    left: Option<u64>,
    /// Trailers that were announced.
    trailers: Vec<HeaderName>,
}

impl Sending {
    /// Begins with a request; the one before was sent.
    pub(super) fn begin(&mut self, head: &RequestHead<'_>, body: Option<AttemptBody>) {
        write_request(self.outbox.begin(), head);
        self.body = body.map(|body| Upload {
            body,
            left: match head.body {
                Some(Framing::Length(length)) => Some(length),
                _ => None,
            },
            trailers: permitted(head.headers),
        });
    }

    /// Whether everything was sent.
    pub(super) fn is_done(&self) -> bool {
        self.body.is_none() && self.outbox.is_empty() && !self.unflushed
    }

    /// Whether the endpoint may have got something.
    pub(super) const fn has_begun(&self) -> bool {
        self.outbox.has_begun()
    }

    /// How far it has come, while the endpoint is waited for; nothing while the client is.
    fn held_up(&self) -> Option<u64> {
        (!self.outbox.is_empty() || self.unflushed).then(|| self.outbox.sent())
    }

    /// Sends the rest, to an endpoint that takes something of it in every `pause_max`. How long a
    /// client may pause is limited where its body is read.
    pub(super) async fn finish<W: AsyncWrite + Unpin>(mut self, mut io: W, pause_max: Duration) {
        let mut alarm = Alarm::default();
        let (mut mark, mut since) = (self.held_up(), Instant::now());
        let sent = poll_fn(|cx| {
            let sent = self.poll(&mut io, cx);
            if sent.is_pending() {
                let now = self.held_up();
                if now.is_none() || now != mark {
                    (mark, since) = (now, Instant::now());
                }
                ready!(alarm.poll_passed(cx, since + pause_max));
                return Poll::Ready(Err(Unsent::Closed));
            }
            sent
        });
        if sent.await.is_err() {
            // The endpoint is told that nothing more comes. It may be gone already.
            drop(timeout(pause_max, io.shutdown()).await);
        }
    }

    /// Sends as much as goes; ready once everything was sent.
    pub(super) fn poll<W: AsyncWrite + Unpin>(
        &mut self,
        io: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Unsent>> {
        loop {
            let waits = self.gather(cx)?;
            if !self.outbox.is_empty() {
                self.unflushed = true;
                ready!(self.outbox.poll_flush(io, cx)).map_err(|_closed| Unsent::Closed)?;
            }
            if self.unflushed {
                ready!(Pin::new(&mut *io).poll_flush(cx)).map_err(|_closed| Unsent::Closed)?;
                self.unflushed = false;
            }
            if self.body.is_none() {
                return Poll::Ready(Ok(()));
            }
            if waits {
                return Poll::Pending;
            }
        }
    }

    /// Takes what there is of the body and finds room; says whether the client is waited for.
    fn gather(&mut self, cx: &mut Context<'_>) -> Result<bool, Unsent> {
        while self.outbox.has_room()
            && let Some(upload) = &mut self.body
        {
            let Poll::Ready(frame) = upload.body.poll(cx) else {
                return Ok(true);
            };
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(piece) => upload.data(piece, &mut self.outbox)?,
                    Err(frame) => {
                        upload.end(&mut self.outbox, frame.into_trailers().ok())?;
                        self.body = None;
                    }
                },
                Some(Err(_told_by_the_intake)) => return Err(Unsent::Body),
                None => {
                    upload.end(&mut self.outbox, None)?;
                    self.body = None;
                }
            }
        }
        Ok(false)
    }
}

impl Upload {
    fn data(&mut self, piece: Bytes, outbox: &mut Outbox) -> Result<(), Unsent> {
        if piece.is_empty() {
            return Ok(());
        }
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(piece.len() as u64).ok_or(Unsent::Body)?;
        }
        outbox.put(piece, self.left.is_none());
        Ok(())
    }

    fn end(&mut self, outbox: &mut Outbox, trailers: Option<HeaderMap>) -> Result<(), Unsent> {
        match self.left {
            Some(0) => return Ok(()),
            Some(_) => return Err(Unsent::Body),
            None => {}
        }
        let trailers = trailers.iter().flatten();
        outbox.put_last(trailers.filter(|(name, _)| self.trailers.contains(name)));
        Ok(())
    }
}
