//! Writes of several pieces.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncWrite, ReadBuf};

/// Bytes up to which it costs less to copy pieces together than to write them as pieces.
pub(crate) const COPIED_MAX: usize = 2 << 10;

/// Writes `pieces`, by an ordinary write where they are small: `writev` costs the kernel more than
/// `send` does, even for one piece.
pub(crate) fn poll_write_pieces<W: AsyncWrite + ?Sized>(
    io: Pin<&mut W>,
    cx: &mut Context<'_>,
    pieces: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    if let [piece] = pieces {
        return io.poll_write(cx, piece);
    }
    if pieces.iter().map(|piece| piece.len()).sum::<usize>() > COPIED_MAX {
        return io.poll_write_vectored(cx, pieces);
    }
    let mut space = [MaybeUninit::uninit(); COPIED_MAX];
    let mut all = ReadBuf::uninit(&mut space);
    for piece in pieces {
        all.put_slice(piece);
    }
    io.poll_write(cx, all.filled())
}
