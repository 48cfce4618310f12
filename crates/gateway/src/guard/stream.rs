//! The guarded stream.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::pulse::Pulse;
use crate::downstream::Line;
use crate::strict::HeadLimits;

/// Bytes read at once while it is not clear what a client speaks.
const PIECE: usize = 4 << 10;

/// The times and sizes a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GuardLimits {
    pub(crate) head: HeadLimits,
    pub(crate) head_time: Duration,
    pub(crate) idle: Duration,
    pub(crate) body_pause: Duration,
    /// Bytes a second; 0 for no limit.
    pub(crate) body_rate_min: u64,
}

/// A client's stream with its clocks.
#[derive(Debug)]
pub(crate) struct Guard<S> {
    pub(super) io: S,
    pub(super) limits: GuardLimits,
    pub(super) pulse: Arc<Pulse>,
    /// Bytes read and not handed on.
    pub(super) held: BytesMut,
    pub(super) read: Wait,
    pub(super) write: Wait,
    /// Since when nothing is under way.
    pub(super) idle_since: Instant,
}

/// How long a client is waited for.
#[derive(Debug, Default)]
pub(crate) struct Wait {
    pub(crate) alarm: Alarm,
    pub(crate) since: Option<Instant>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    /// Guards `io`, which nothing was read from.
    pub(crate) fn new(io: S, limits: GuardLimits, pulse: Arc<Pulse>) -> Self {
        Self {
            io,
            limits,
            pulse,
            held: BytesMut::new(),
            read: Wait::default(),
            write: Wait::default(),
            idle_since: Instant::now(),
        }
    }

    /// The stream of a client that speaks HTTP/1.
    pub(crate) fn into_line(self) -> Line<S> {
        Line::new(self.io, self.held, self.limits, self.pulse)
    }

    /// Reads one more piece into `held`; 0 at the end of the stream, and when the client has taken
    /// too long.
    pub(super) fn poll_hold_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut space);
        match Pin::new(&mut self.io).poll_read(cx, &mut piece) {
            Poll::Ready(read) => read?,
            Poll::Pending => {
                let until = if self.held.is_empty() {
                    self.idle_since + self.limits.idle
                } else {
                    let since = *self.read.since.get_or_insert_with(Instant::now);
                    since + self.limits.head_time
                };
                ready!(self.read.alarm.poll_passed(cx, until));
                return Poll::Ready(Ok(0));
            }
        }
        self.held.extend_from_slice(piece.filled());
        Poll::Ready(Ok(piece.filled().len()))
    }

    /// The client sends nothing: ready if nothing is under way for too long.
    pub(super) fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pulse.busy() {
            // It can be idle too long only that much later: the timer is set for then.
            self.idle_since = Instant::now();
        }
        let until = self.idle_since + self.limits.idle;
        self.read.alarm.poll_passed(cx, until)
    }
}
