//! The guard as the stream that hyper reads and writes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Guard;
use super::stream::{Mode, PIECE, Wait};
use crate::gather::poll_write_pieces;
use crate::strict::Stage;

/// Bytes thrown away at most so that a client can read its last answer before it sees a reset.
const LINGER_MAX: usize = 1 << 20;

/// How long that may take.
const LINGER_TIME: Duration = Duration::from_secs(2);

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    /// After a write that went nowhere: a client that does not read is cut.
    fn poll_write_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let since = *self.write.since.get_or_insert_with(Instant::now);
        if self.write.alarm.passed(cx, since + self.limits.body_pause) {
            Poll::Ready(io::ErrorKind::TimedOut.into())
        } else {
            Poll::Pending
        }
    }

    fn after_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            return self.poll_write_patience(cx).map(Err);
        }
        self.write.since = None;
        if self.closed_at.is_some() {
            self.closed_at = Some(Instant::now());
        }
        written
    }

    /// Reads and forgets, so that closing does not reset the connection under the last answer.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let since = *self.write.since.get_or_insert_with(Instant::now);
        let mut piece = [0u8; PIECE];
        loop {
            if self.write.alarm.passed(cx, since + LINGER_TIME) {
                return Poll::Ready(Ok(()));
            }
            let mut buf = ReadBuf::new(&mut piece);
            let result = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf));
            self.last_words.discarded += buf.filled().len();
            let enough = self.last_words.discarded > LINGER_MAX;
            if result.is_err() || buf.filled().is_empty() || enough {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.ready > 0 {
                this.hand_on(buf);
                return Poll::Ready(Ok(()));
            }
            let before = buf.filled().len();
            match this.stage() {
                Some(Stage::Upgrade) => ready!(this.poll_upgrade(cx))?,
                Some(_) if !this.held.is_empty() => {
                    if let Poll::Ready(result) = this.scan_held() {
                        result?;
                    } else if ready!(this.poll_hold_more(cx))? == 0 {
                        // The client left, or its time was up and it was refused.
                        this.held = Vec::new();
                        this.mode = Mode::Ended;
                    }
                }
                Some(_) => {
                    ready!(this.poll_direct(cx, buf))?;
                    let again = matches!(this.mode, Mode::Ended) || !this.held.is_empty();
                    if !again || buf.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                }
                None if matches!(this.mode, Mode::Open) => return this.poll_direct(cx, buf),
                None => return this.poll_ended(cx),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, data);
        this.after_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = poll_write_pieces(Pin::new(&mut this.io), cx, pieces);
        this.after_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // hyper flushes in every turn: the place to look after the client meanwhile.
        if let Poll::Ready(gone) = this.poll_departure(cx) {
            return Poll::Ready(Err(gone));
        }
        match Pin::new(&mut this.io).poll_flush(cx) {
            Poll::Pending => this.poll_write_patience(cx).map(Err),
            done @ Poll::Ready(_) => done,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let unread = this.stage() == Some(Stage::Body) || this.pulse.refusal().is_some();
        while let Some(rest) = this
            .last_words
            .answer
            .get(this.last_words.written..)
            .filter(|rest| !rest.is_empty())
        {
            let written = Pin::new(&mut this.io).poll_write(cx, rest);
            let written = match written {
                Poll::Pending => return this.poll_write_patience(cx).map(Err),
                Poll::Ready(written) => written?,
            };
            this.last_words.written += written.max(1);
        }
        if !this.last_words.shut {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.last_words.shut = true;
            this.write = Wait::default();
        }
        if unread {
            return this.poll_linger(cx);
        }
        Poll::Ready(Ok(()))
    }
}
