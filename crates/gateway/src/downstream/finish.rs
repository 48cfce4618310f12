//! The end of a connection.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Line;
use super::line::PIECE;
use crate::outbox::Outbox;
use crate::strict::Stage;

/// Bytes thrown away at most so that a client can read its last answer before it sees a reset.
const LINGER_MAX: usize = 1 << 20;

/// How long that may take.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// What is left to be said before the end.
#[derive(Debug, Default)]
pub(super) struct LastWords {
    pub(super) answer: Vec<u8>,
    /// Whether something that the client sent is not read.
    pub(super) unread: bool,
    discarded: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// Writes what is in `outbox`; a client that does not read is cut.
    pub(super) fn poll_flush(
        &mut self,
        outbox: &mut Outbox,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let before = outbox.left() + self.invitation.left();
        self.flushes = true;
        let flushed = self.poll_write_out(outbox, cx);
        if flushed.is_ready() || outbox.left() + self.invitation.left() < before {
            self.write.since = None;
            if self.closed_at.is_some() {
                self.closed_at = Some(Instant::now());
            }
        }
        if flushed.is_pending() {
            return self.poll_write_patience(cx).map(Err);
        }
        flushed
    }

    fn poll_write_out(
        &mut self,
        outbox: &mut Outbox,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.invitation.poll_flush(&mut self.io, cx))?;
        ready!(outbox.poll_flush(&mut self.io, cx))?;
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        self.flushes = false;
        Poll::Ready(Ok(()))
    }

    /// The client takes nothing: an error once it has taken nothing for too long.
    fn poll_write_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let since = *self.write.since.get_or_insert_with(Instant::now);
        let until = since + self.limits.body_pause;
        let passed = self.write.alarm.poll_passed(cx, until);
        passed.map(|()| io::ErrorKind::TimedOut.into())
    }

    /// Says the last words and closes. A stream that is not `secure` has nothing more to say; where
    /// nothing is left unread, dropping it is enough.
    pub(super) async fn finish(&mut self, secure: bool) {
        let mut outbox = Outbox::default();
        outbox.begin().append(&mut self.last_words.answer);
        let unread =
            self.reader.stage() == Stage::Body || self.last_words.unread || !self.held.is_empty();
        let shut = poll_fn(|cx| {
            ready!(self.poll_flush(&mut outbox, cx))?;
            if !secure && !unread {
                return Poll::Ready(Ok(()));
            }
            match Pin::new(&mut self.io).poll_shutdown(cx) {
                Poll::Pending => self.poll_write_patience(cx).map(Err),
                shut @ Poll::Ready(_) => shut,
            }
        });
        if shut.await.is_ok() && unread {
            self.write.since = None;
            poll_fn(|cx| self.poll_linger(cx)).await;
        }
    }

    /// Reads and forgets, so that closing does not reset the connection under the last answer.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.write.since.get_or_insert_with(Instant::now);
        let mut piece = [0; PIECE];
        loop {
            if self.write.alarm.passed(cx, since + LINGER_TIME) {
                return Poll::Ready(());
            }
            let mut buf = ReadBuf::new(&mut piece);
            let result = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf));
            self.last_words.discarded += buf.filled().len();
            let enough = self.last_words.discarded > LINGER_MAX;
            if result.is_err() || buf.filled().is_empty() || enough {
                return Poll::Ready(());
            }
        }
    }
}
