//! A client's stream of requests.

use std::cell::RefCell;
use std::future::Future as _;
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::time::Instant;

use super::finish::LastWords;
use super::{Inlet, Lost, refuse};
use crate::guard::{GuardLimits, Pulse, Wait};
use crate::outbox::Outbox;
use crate::room::with_room;
use crate::strict::{Refusal, RequestEvent, RequestHead, RequestReader, Stage};

/// Bytes read at once, and ahead of the request under way at most.
pub(super) const PIECE: usize = 16 << 10;

/// Room for as much is enough to read on in the same buffer. With less, pieces that are kept would
/// own buffers that they hardly fill.
const ROOM_MIN: usize = PIECE / 2;

/// A buffer of up to as much stays with its connection: most heads are not larger, and getting another one for each
/// costs more than that memory.
const KEPT: usize = 1 << 10;

/// How long a body may be slow before its rate is looked at.
const RATE_GRACE: Duration = Duration::from_secs(10);

/// A client's stream with its reader and clocks. While it waits for a request it owns a small buffer at most.
#[derive(Debug)]
pub(crate) struct Line<S> {
    pub(super) io: S,
    pub(super) limits: GuardLimits,
    pulse: Arc<Pulse>,
    /// Bytes that came and were not read.
    pub(super) held: BytesMut,
    /// How large its buffer has become.
    room: usize,
    pub(super) reader: RequestReader,
    /// Requests so far.
    pub(super) requests: u64,
    pub(super) read: Wait,
    pub(super) write: Wait,
    /// Since when nothing is under way.
    idle_since: Instant,
    /// Since when the client sends nothing more: when it closed its side, or was last sent something
    /// after that.
    pub(super) closed_at: Option<Instant>,
    /// Whether the last request announced that no other follows.
    pub(super) last: bool,
    /// Bytes of the body under way, and how long the client was waited for.
    body_bytes: u64,
    body_waited: Duration,
    /// What tells the client that its body is wanted, as long as it waits for that.
    pub(super) invitation: Outbox,
    invites: bool,
    /// Whether somebody reads the body under way.
    read_by_others: bool,
    /// Who waits for the end of the body.
    waiting: Option<Waker>,
    /// Whether something was written that the stream still holds.
    pub(super) flushes: bool,
    pub(super) last_words: LastWords,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    /// Reads from `io`; `held` was read already.
    pub(crate) fn new(io: S, held: BytesMut, limits: GuardLimits, pulse: Arc<Pulse>) -> Self {
        Self {
            io,
            limits,
            pulse,
            room: held.capacity(),
            held,
            reader: RequestReader::new(limits.head),
            requests: 0,
            read: Wait::default(),
            write: Wait::default(),
            idle_since: Instant::now(),
            closed_at: None,
            last: false,
            body_bytes: 0,
            body_waited: Duration::ZERO,
            invitation: Outbox::default(),
            invites: false,
            read_by_others: false,
            waiting: None,
            flushes: false,
            last_words: LastWords::default(),
        }
    }

    /// Waits for the next request, where `more` are wanted; nothing if there is none.
    pub(super) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        more: bool,
    ) -> Poll<Option<Box<RequestHead>>> {
        loop {
            if !self.held.is_empty() {
                match self.reader.next(&mut self.held) {
                    Ok(Some(RequestEvent::Head(head))) => {
                        self.begin(&head);
                        return Poll::Ready(Some(head));
                    }
                    Ok(_incomplete) => {}
                    Err(refusal) => {
                        self.refuse(refusal);
                        return Poll::Ready(None);
                    }
                }
            }
            match self.poll_piece(cx) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(None),
                Poll::Pending if self.held.is_empty() => {
                    let until = self.idle_since + self.limits.idle;
                    let enough = !more || self.read.alarm.passed(cx, until);
                    return if enough {
                        Poll::Ready(None)
                    } else {
                        Poll::Pending
                    };
                }
                Poll::Pending => {
                    let since = *self.read.since.get_or_insert_with(Instant::now);
                    ready!(
                        self.read
                            .alarm
                            .poll_passed(cx, since + self.limits.head_time)
                    );
                    self.refuse(Refusal::HeadTimeout);
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn begin(&mut self, head: &RequestHead) {
        self.requests += 1;
        self.read.since = None;
        self.last = head.last;
        self.body_bytes = 0;
        self.body_waited = Duration::ZERO;
        self.read_by_others = self.reader.stage() == Stage::Body;
        self.invites = head.expects && self.read_by_others;
        self.give_free();
    }

    /// Gives the buffer free, if nothing is in it and it is not small.
    fn give_free(&mut self) {
        if self.held.is_empty() && self.room > KEPT {
            self.held = BytesMut::new();
            self.room = 0;
        }
    }

    /// An answer begins: the client is not invited to send its body any more.
    pub(super) const fn answer(&mut self) {
        self.invites = false;
    }

    /// An answer was written.
    pub(super) fn answered(&mut self) {
        self.reader.resume();
        self.give_free();
        self.idle_since = Instant::now();
    }

    /// Remembers the refusal. Elsewhere than in a body it is answered here.
    fn refuse(&mut self, refusal: Refusal) {
        self.pulse.refuse(refusal);
        self.last_words.unread = true;
        if !refusal.is_of_the_body() {
            let json = refuse::wants_json(&self.held);
            self.last_words.answer = refuse::answer(refusal, json);
        }
        self.held = BytesMut::new();
    }

    /// Reads one more piece into `held`; 0 at the end of the stream.
    pub(super) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.reader.stage() == Stage::Body {
            if self.held.capacity() - self.held.len() < ROOM_MIN {
                self.held.reserve(PIECE);
                self.room = usize::MAX;
            }
            return pin!(self.io.read_buf(&mut self.held)).poll(cx);
        }
        with_room(PIECE, |piece| {
            ready!(Pin::new(&mut self.io).poll_read(cx, piece))?;
            self.held.extend_from_slice(piece.filled());
            self.room = self.room.max(self.held.len());
            Poll::Ready(Ok(piece.filled().len()))
        })
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        self.invite(cx);
        while self.reader.stage() == Stage::Body {
            let event = match self.reader.next(&mut self.held) {
                Ok(event) => event,
                Err(refusal) => return self.lose(Some(refusal)),
            };
            match event {
                Some(RequestEvent::Data(data)) => {
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(RequestEvent::Trailers(trailers)) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Some(RequestEvent::End | RequestEvent::Head(_)) => break,
                None => {}
            }
            match self.poll_piece(cx) {
                Poll::Ready(Ok(count @ 1..)) => {
                    if self.too_slow(count) {
                        return self.lose(Some(Refusal::BodyTimeout));
                    }
                }
                Poll::Ready(Ok(0) | Err(_)) => return self.lose(None),
                Poll::Pending => {
                    let since = *self.read.since.get_or_insert_with(Instant::now);
                    ready!(
                        self.read
                            .alarm
                            .poll_passed(cx, since + self.limits.body_pause)
                    );
                    return self.lose(Some(Refusal::BodyTimeout));
                }
            }
        }
        Poll::Ready(None)
    }

    fn lose<T>(&mut self, refusal: Option<Refusal>) -> Poll<Option<Result<T, Lost>>> {
        match refusal {
            Some(refusal) => self.refuse(refusal),
            None => self.last_words.unread = true,
        }
        Poll::Ready(Some(Err(Lost)))
    }

    /// Tells a client that waits for it that its body is wanted. It would hardly not take so little.
    fn invite(&mut self, cx: &mut Context<'_>) {
        if mem::take(&mut self.invites) {
            let invitation = self.invitation.begin();
            invitation.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        if !self.invitation.is_empty() {
            // An error is seen by whoever reads, and what is left goes out before the answer.
            drop(self.invitation.poll_flush(&mut self.io, cx));
        }
    }

    /// Counts a piece of a body, and says whether the body comes too slowly.
    fn too_slow(&mut self, bytes: usize) -> bool {
        self.body_bytes += bytes as u64;
        self.idle_since = Instant::now();
        let Some(since) = self.read.since.take() else {
            return false;
        };
        self.body_waited += self.idle_since.saturating_duration_since(since);
        let least = self
            .body_waited
            .as_secs()
            .saturating_mul(self.limits.body_rate_min);
        self.body_waited >= RATE_GRACE && self.body_bytes < least
    }

    /// Waits until the body under way was read, or nobody reads it any more, but not for an endpoint
    /// that takes nothing of it. Says whether it was read to its end; what is there of it is.
    pub(super) fn poll_read_up(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.last_words.unread {
            return Poll::Ready(false);
        }
        if self.reader.stage() == Stage::Body && self.read_by_others {
            self.wait(cx);
            let until = self.idle_since + self.limits.idle;
            let passed = self.write.alarm.poll_passed(cx, until);
            return passed.map(|()| false);
        }
        let mut quiet = Context::from_waker(Waker::noop());
        let mut left = PIECE;
        while self.reader.stage() == Stage::Body && left > 0 {
            match self.poll_body(&mut quiet) {
                Poll::Ready(Some(Ok(frame))) => {
                    let size = frame.data_ref().map_or(0, Bytes::len);
                    left = left.saturating_sub(size);
                }
                Poll::Ready(None) => {}
                Poll::Ready(Some(Err(Lost))) | Poll::Pending => return Poll::Ready(false),
            }
        }
        Poll::Ready(self.reader.stage() != Stage::Body)
    }

    /// Whether the body under way, if any, was read, is being read, or can be read at once.
    pub(super) fn is_readable(&mut self) -> bool {
        let mut quiet = Context::from_waker(Waker::noop());
        self.read_by_others || self.poll_read_up(&mut quiet) == Poll::Ready(true)
    }

    /// Has the task woken when the body ends or is released.
    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        if !self
            .waiting
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            self.waiting = Some(cx.waker().clone());
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + std::fmt::Debug> Inlet for RefCell<Line<S>> {
    fn poll_frame(
        &self,
        request: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Lost>>> {
        let mut line = self.borrow_mut();
        if line.requests != request {
            return Poll::Ready(Some(Err(Lost)));
        }
        let frame = line.poll_body(cx);
        if line.reader.stage() != Stage::Body
            && let Some(waiting) = line.waiting.take()
            && !waiting.will_wake(cx.waker())
        {
            waiting.wake();
        }
        frame
    }

    fn is_ended(&self, request: u64) -> bool {
        let line = self.borrow();
        line.requests != request || line.reader.stage() != Stage::Body && !line.last_words.unread
    }

    fn release(&self, request: u64) {
        let mut line = self.borrow_mut();
        if line.requests == request {
            line.read_by_others = false;
            if let Some(waiting) = line.waiting.take() {
                waiting.wake();
            }
        }
    }
}
