//! The guarded stream.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::pulse::Pulse;
use super::refuse;
use crate::strict::{HeadLimits, Refusal, Scanner, Stage};

/// Bytes read at once while a head is incomplete.
pub(super) const PIECE: usize = 4 << 10;

/// Bytes kept at most of what a client sends before an upgrade is granted.
const EARLY_MAX: usize = 16 << 10;

/// How long a body may be slow before its rate is looked at.
const RATE_GRACE: Duration = Duration::from_secs(10);

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

/// A client's stream with its scanner and clocks.
#[derive(Debug)]
pub(crate) struct Guard<S> {
    pub(super) io: S,
    pub(super) limits: GuardLimits,
    pub(super) pulse: Arc<Pulse>,
    pub(super) mode: Mode,
    /// Bytes read and not handed on; the first `ready` of them have passed the scanner.
    pub(super) held: Vec<u8>,
    pub(super) ready: usize,
    pub(super) read: Wait,
    pub(super) write: Wait,
    /// Since when nothing is under way.
    pub(super) idle_since: Instant,
    /// Since when the client sends nothing more: when it closed its side, or was last sent something
    /// after that.
    pub(super) closed_at: Option<Instant>,
    /// Bytes of the body under way, and how long the client was waited for.
    pub(super) body_bytes: u64,
    pub(super) body_waited: Duration,
    pub(super) last_words: LastWords,
}

#[derive(Debug)]
pub(super) enum Mode {
    Http1(Box<Scanner>),
    /// HTTP/2 or what follows an upgrade: bytes pass as they are.
    Open,
    /// Refused or timed out: nothing is read any more.
    Ended,
}

#[derive(Debug, Default)]
pub(super) struct Wait {
    pub(super) alarm: Alarm,
    pub(super) since: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct LastWords {
    pub(super) answer: Vec<u8>,
    pub(super) written: usize,
    pub(super) shut: bool,
    pub(super) discarded: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    /// Guards `io`, which nothing was read from.
    pub(crate) fn new(io: S, limits: GuardLimits, pulse: Arc<Pulse>) -> Self {
        Self {
            io,
            limits,
            pulse,
            mode: Mode::Http1(Box::new(Scanner::new(limits.head))),
            held: Vec::new(),
            ready: 0,
            read: Wait::default(),
            write: Wait::default(),
            idle_since: Instant::now(),
            closed_at: None,
            body_bytes: 0,
            body_waited: Duration::ZERO,
            last_words: LastWords::default(),
        }
    }

    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// From now on the bytes are HTTP/2, which has its own strict parser.
    pub(crate) fn speak_http2(&mut self) {
        self.mode = Mode::Open;
        self.ready = self.held.len();
    }

    pub(super) fn stage(&self) -> Option<Stage> {
        match &self.mode {
            Mode::Http1(scanner) => Some(scanner.stage()),
            Mode::Open | Mode::Ended => None,
        }
    }

    /// Until when the client may stay silent, and what follows if it does.
    fn patience(&mut self) -> (Instant, Option<Refusal>) {
        let now = Instant::now();
        let since = *self.read.since.get_or_insert(now);
        match self.stage() {
            Some(Stage::Body) => (since + self.limits.body_pause, Some(Refusal::BodyTimeout)),
            Some(Stage::Head) if !self.held.is_empty() => {
                (since + self.limits.head_time, Some(Refusal::HeadTimeout))
            }
            _ if self.pulse.busy() => {
                // It can be idle too long only that much later: the timer is set for then.
                self.idle_since = now;
                (now + self.limits.idle, None)
            }
            _ => (self.idle_since + self.limits.idle, None),
        }
    }

    /// The client sends nothing: waits for it no longer than it may take.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (deadline, refusal) = self.patience();
        if !self.read.alarm.passed(cx, deadline) {
            return Poll::Pending;
        }
        match refusal {
            Some(refusal) => self.refuse(refusal),
            None => {
                self.mode = Mode::Ended;
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Ends the stream. Within a body hyper sees an error, so that the request fails; elsewhere it
    /// sees the end, and the guard answers by itself.
    fn refuse(&mut self, refusal: Refusal) -> Poll<io::Result<()>> {
        self.pulse.refuse(refusal);
        let body = refusal.is_of_the_body();
        self.mode = Mode::Ended;
        if body {
            let kind = io::ErrorKind::InvalidData;
            return Poll::Ready(Err(io::Error::new(kind, refusal.explanation())));
        }
        self.last_words.answer = refuse::answer(refusal, refuse::wants_json(&self.held));
        self.held = Vec::new();
        Poll::Ready(Ok(()))
    }

    /// Reads one more piece into `held`; 0 at the end of the stream.
    pub(super) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut piece = [MaybeUninit::uninit(); PIECE];
        let mut buf = ReadBuf::uninit(&mut piece);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buf))?;
        self.held.extend_from_slice(buf.filled());
        Poll::Ready(Ok(buf.filled().len()))
    }

    /// Does the same, but waits no longer than the client may take.
    pub(super) fn poll_hold_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let read = self.poll_piece(cx);
        if read.is_pending() {
            ready!(self.poll_patience(cx))?;
            return Poll::Ready(Ok(0));
        }
        read
    }

    /// Hands on what has passed.
    pub(super) fn hand_on(&mut self, buf: &mut ReadBuf<'_>) {
        let here = self.ready.min(buf.remaining());
        buf.put_slice(self.held.get(..here).unwrap_or_default());
        self.ready -= here;
        if here == self.held.len() {
            self.held = Vec::new();
        } else {
            self.held.drain(..here);
        }
    }

    /// Counts a piece of a body, and says whether the body comes too slowly.
    fn too_slow(&mut self, bytes: usize) -> bool {
        let waited = self.read.since.take().map(|since| since.elapsed());
        if self.stage() != Some(Stage::Body) {
            self.body_bytes = 0;
            self.body_waited = Duration::ZERO;
            return false;
        }
        self.body_bytes += bytes as u64;
        self.body_waited += waited.unwrap_or_default();
        let least = self
            .body_waited
            .as_secs()
            .saturating_mul(self.limits.body_rate_min);
        self.body_waited >= RATE_GRACE && self.body_bytes < least
    }

    /// Scans what is held. `Ready` if hyper has something to see.
    pub(super) fn scan_held(&mut self) -> Poll<io::Result<()>> {
        let Mode::Http1(scanner) = &mut self.mode else {
            return Poll::Ready(Ok(()));
        };
        let pass = scanner.scan(self.held.get(self.ready..).unwrap_or_default());
        self.ready += pass.passed;
        if pass.passed > 0 {
            self.read.since = None;
        }
        match pass.refused {
            Some(refusal) if self.ready == 0 => self.refuse(refusal),
            _ if self.ready > 0 => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    }

    /// Reads straight into hyper's buffer and takes back what may not pass yet.
    pub(super) fn poll_direct(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.io).poll_read(cx, buf) {
            Poll::Pending => return self.poll_patience(cx),
            Poll::Ready(result) => result?,
        }
        let fresh = buf.filled().get(before..).unwrap_or_default();
        if fresh.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let Mode::Http1(scanner) = &mut self.mode else {
            self.read.since = None;
            return Poll::Ready(Ok(()));
        };
        let count = fresh.len();
        let pass = scanner.scan(fresh);
        self.held
            .extend_from_slice(fresh.get(pass.passed..).unwrap_or_default());
        buf.set_filled(before + pass.passed);
        if self.too_slow(count) {
            return self.refuse(Refusal::BodyTimeout);
        }
        match pass.refused {
            Some(refusal) if pass.passed == 0 => self.refuse(refusal),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Behind a request to upgrade: keeps what comes until it is known what it is.
    pub(super) fn poll_upgrade(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pulse.register(cx.waker());
        if self.pulse.granted() {
            self.mode = Mode::Open;
            self.ready = self.held.len();
            return Poll::Ready(Ok(()));
        }
        if !self.pulse.busy() {
            // The request ended without an upgrade: HTTP goes on.
            if let Mode::Http1(scanner) = &mut self.mode {
                scanner.resume();
            }
            return Poll::Ready(Ok(()));
        }
        if self.held.len() >= EARLY_MAX {
            return Poll::Pending;
        }
        if ready!(self.poll_hold_more(cx))? == 0 {
            self.mode = Mode::Ended;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_ended(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.pulse.register(cx.waker());
        if self.pulse.busy() && !self.last_words.answer.is_empty() {
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}
