//! What is to be written of messages.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::{HeaderName, HeaderValue};
use tokio::io::AsyncWrite;

use crate::gather::{COPIED_MAX, poll_write_pieces};
use crate::http1::{write_chunk_size, write_fields};

/// Bytes for which room is kept while nothing is to be written.
const ROOM: usize = 2 << 10;

/// A head and the pieces of a body. Small pieces are gathered, so that they go out in one write; a
/// large one goes as it is, behind them.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    gathered: Vec<u8>,
    /// Bytes of `gathered` that were written.
    written: usize,
    large: Bytes,
    /// What ends a chunk behind the large piece.
    tail: &'static [u8],
    /// Whether anything was written of the message.
    begun: bool,
    /// Bytes written, of all messages.
    sent: u64,
}

impl Outbox {
    /// Where the head of another message is written; everything before was.
    pub(crate) const fn begin(&mut self) -> &mut Vec<u8> {
        self.begun = false;
        &mut self.gathered
    }

    /// Whether anything was written of the message.
    pub(crate) const fn has_begun(&self) -> bool {
        self.begun
    }

    /// How many bytes were written of all messages.
    pub(crate) const fn sent(&self) -> u64 {
        self.sent
    }

    /// How many bytes are to be written.
    pub(crate) const fn left(&self) -> usize {
        self.gathered.len() - self.written + self.large.len() + self.tail.len()
    }

    /// Whether there is nothing to write.
    pub(crate) const fn is_empty(&self) -> bool {
        self.left() == 0
    }

    /// Whether another piece may be put in.
    pub(crate) fn has_room(&self) -> bool {
        self.large.is_empty() && self.tail.is_empty() && self.gathered.len() < COPIED_MAX
    }

    /// A piece of a body, as a chunk or as it is.
    pub(crate) fn put(&mut self, piece: Bytes, chunked: bool) {
        if chunked {
            write_chunk_size(&mut self.gathered, piece.len());
        }
        let tail: &[u8] = if chunked { b"\r\n" } else { b"" };
        if piece.len() <= COPIED_MAX {
            self.gathered.extend_from_slice(&piece);
            self.gathered.extend_from_slice(tail);
        } else {
            self.large = piece;
            self.tail = tail;
        }
    }

    /// The end of a body in chunks, with `trailers`; there is room.
    pub(crate) fn put_last<'a>(
        &mut self,
        trailers: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    ) {
        self.gathered.extend_from_slice(b"0\r\n");
        write_fields(&mut self.gathered, trailers);
        self.gathered.extend_from_slice(b"\r\n");
    }

    /// Writes everything.
    pub(crate) fn poll_flush<W: AsyncWrite + Unpin>(
        &mut self,
        io: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let gathered = self.gathered.get(self.written..).unwrap_or_default();
            let io = Pin::new(&mut *io);
            let written = if self.large.is_empty() && self.tail.is_empty() {
                ready!(io.poll_write(cx, gathered))?
            } else {
                let pieces = [gathered, &self.large, self.tail].map(IoSlice::new);
                ready!(poll_write_pieces(io, cx, &pieces))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        self.gathered.clear();
        self.gathered.shrink_to(ROOM);
        self.written = 0;
        Poll::Ready(Ok(()))
    }

    fn advance(&mut self, written: usize) {
        self.begun = true;
        self.sent += written as u64;
        let gathered = written.min(self.gathered.len() - self.written);
        self.written += gathered;
        let large = (written - gathered).min(self.large.len());
        self.large.advance(large);
        let tail = written - gathered - large;
        self.tail = self.tail.get(tail..).unwrap_or_default();
        if self.large.is_empty() {
            // What was sliced is given free at once.
            self.large = Bytes::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use proptest::prelude::*;

    use super::*;

    /// Takes as many bytes in each write as it is told, and 0 for "not now".
    struct Narrow {
        widths: Vec<usize>,
        got: Vec<u8>,
    }

    impl Narrow {
        fn take(&mut self, data: &[u8]) -> Poll<io::Result<usize>> {
            match self.widths.pop() {
                Some(0) => Poll::Pending,
                width => {
                    let taken = data.len().min(width.unwrap_or(usize::MAX));
                    self.got.extend_from_slice(&data[..taken]);
                    Poll::Ready(Ok(taken))
                }
            }
        }
    }

    impl AsyncWrite for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            data: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.take(data)
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            pieces: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let data: Vec<u8> = pieces
                .iter()
                .flat_map(|piece| piece.iter())
                .copied()
                .collect();
            self.take(&data)
        }

        fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    proptest! {
        /// However little the socket takes at once, the same bytes arrive.
        #[test]
        fn everything_is_written_in_order(
            sizes in prop::collection::vec(1usize..6_000, 0..6),
            chunked in any::<bool>(),
            widths in prop::collection::vec(0usize..3_000, 0..60),
        ) {
            let mut expected = b"head\r\n\r\n".to_vec();
            let mut outbox = Outbox::default();
            outbox.begin().extend_from_slice(&expected);
            let mut narrow = Narrow { widths, got: Vec::new() };
            let mut cx = Context::from_waker(Waker::noop());
            let mut drain = |outbox: &mut Outbox| {
                while outbox.poll_flush(&mut narrow, &mut cx).is_pending() {}
            };
            for (index, size) in sizes.into_iter().enumerate() {
                while !outbox.has_room() {
                    drain(&mut outbox);
                }
                let piece = vec![b'a' + u8::try_from(index).unwrap(); size];
                if chunked {
                    expected.extend_from_slice(format!("{size:x}\r\n").as_bytes());
                }
                expected.extend_from_slice(&piece);
                if chunked {
                    expected.extend_from_slice(b"\r\n");
                }
                outbox.put(Bytes::from(piece), chunked);
            }
            drain(&mut outbox);
            prop_assert!(outbox.is_empty());
            prop_assert_eq!(narrow.got, expected);
        }
    }
}
