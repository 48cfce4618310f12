//! A connection to an endpoint that carries one request at a time.

use std::cell::Cell;
use std::future::Future as _;
use std::io;
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Method;
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf, ReadHalf, split};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::connection::Broken;
use super::sending::{Sending, Unsent};
use super::wire::Wire;
use crate::exchange::AttemptBody;
use crate::guard::Alarm;
use crate::http1::{AnswerEvent, AnswerHead, AnswerReader, Malformed, RequestHead};
use crate::room::{ROOM, with_room};

/// Bytes read at once: more than the widespread 16 KiB, so that an answer of as much comes with its
/// head.
const PIECE: usize = ROOM;

/// Bytes up to which it costs less to copy what was read than to give the buffer away.
const COPIED: usize = 2 << 10;

thread_local! {
    /// Where the next answer is read after a large one: none was taken for one that does not come yet.
    static SPARE: Cell<BytesMut> = Cell::default();
}

/// A connection with the request and the answer under way. Dropping it closes it.
///
/// It is driven by the task that waits for the answer: a driver of its own would have to be woken,
/// and to wake that task, twice in every request. Only what goes on beside the answer has one.
#[derive(Debug)]
pub(crate) struct Http1 {
    link: Link,
    sending: Sending,
    /// Bytes that came and are not read. Owns [`COPIED`] bytes at most while idle: what most answers need, again and
    /// again.
    input: BytesMut,
    /// How large its buffer has become.
    room: usize,
    /// Whether the last piece was larger than what is copied.
    large: bool,
    answer: AnswerReader,
    pub(super) alarm: Alarm,
    pub(super) reused: bool,
    pub(super) idle_since: Instant,
}

#[derive(Debug)]
enum Link {
    Whole(Wire),
    /// The rest of the request is sent by a task.
    Reading(ReadHalf<Wire>, AbortHandle),
    Gone,
}

impl Link {
    /// Reads once into `piece`; 0 at the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>, piece: &mut BytesMut) -> Poll<io::Result<usize>> {
        match self {
            Self::Whole(stream) => pin!(stream.read_buf(piece)).poll(cx),
            Self::Reading(stream, _) => pin!(stream.read_buf(piece)).poll(cx),
            Self::Gone => Poll::Ready(Ok(0)),
        }
    }
}

impl Http1 {
    /// Speaks HTTP/1.1 on `wire`.
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            link: Link::Whole(wire),
            sending: Sending::default(),
            input: BytesMut::new(),
            room: 0,
            large: false,
            answer: AnswerReader::new(Method::GET),
            alarm: Alarm::default(),
            reused: false,
            idle_since: Instant::now(),
        }
    }

    /// Begins with a request; it is sent, and answered, while this is driven.
    pub(super) fn begin(&mut self, head: &RequestHead<'_>, body: Option<AttemptBody>) {
        self.sending.begin(head, body);
        self.answer = AnswerReader::new(head.method.clone());
    }

    /// Whether the endpoint may have got something of the request.
    pub(super) const fn has_sent(&self) -> bool {
        self.sending.has_begun()
    }

    /// Sends the request, and waits for the answer's head.
    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<AnswerHead, Broken>> {
        if let Link::Whole(stream) = &mut self.link
            && !self.sending.is_done()
        {
            match self.sending.poll(stream, cx) {
                Poll::Ready(Err(Unsent::Body)) => return Poll::Ready(Err(Broken::Body)),
                // What it said before it closed may still be there, and else that it has closed.
                Poll::Ready(Err(Unsent::Closed) | Ok(())) | Poll::Pending => {}
            }
        }
        loop {
            match self.answer.next(&mut self.input) {
                Ok(Some(AnswerEvent::Head(head))) => return Poll::Ready(Ok(head)),
                Ok(Some(_)) => return Poll::Ready(Err(Broken::Closed)),
                Err(malformed) => return Poll::Ready(Err(Broken::Malformed(malformed))),
                Ok(None) => {}
            }
            let untouched = self.input.is_empty();
            match self.poll_read(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) if untouched => {
                    return Poll::Ready(Err(Broken::Closed));
                }
                Poll::Ready(Ok(0) | Err(_)) => {
                    return Poll::Ready(Err(Broken::Malformed(Malformed::BrokeOff)));
                }
            }
        }
    }

    /// The next piece of the answer's body; nothing at its end.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Malformed>>> {
        loop {
            match self.answer.next(&mut self.input) {
                Ok(Some(AnswerEvent::Data(data))) => {
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Some(AnswerEvent::Trailers(trailers))) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Ok(Some(AnswerEvent::End | AnswerEvent::Head(_))) => return Poll::Ready(None),
                Err(malformed) => return Poll::Ready(Some(Err(malformed))),
                Ok(None) => {}
            }
            match self.poll_read(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0)) => match self.answer.end() {
                    Ok(()) => return Poll::Ready(None),
                    Err(malformed) => return Poll::Ready(Some(Err(malformed))),
                },
                Poll::Ready(Err(_)) => return Poll::Ready(Some(Err(Malformed::BrokeOff))),
            }
        }
    }

    /// Whether the answer's body is over.
    pub(super) const fn is_ended(&self) -> bool {
        self.answer.is_ended()
    }

    /// How many bytes of the answer's body are still to come, where that is known.
    pub(super) const fn left(&self) -> Option<u64> {
        self.answer.left()
    }

    /// Reads one piece more; 0 at the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !self.input.is_empty() {
            self.input.reserve(PIECE);
            self.room = PIECE;
            return self.link.poll_read(cx, &mut self.input);
        }
        if !self.large
            && let Link::Whole(stream) = &mut self.link
        {
            return with_room(PIECE, |piece| {
                ready!(Pin::new(stream).poll_read(cx, piece))?;
                let size = piece.filled().len();
                self.input.extend_from_slice(piece.filled());
                self.room = self.room.max(size);
                self.large = size > COPIED;
                Poll::Ready(Ok(size))
            });
        }
        let mut piece = SPARE.take();
        piece.reserve(PIECE);
        let read = self.link.poll_read(cx, &mut piece);
        if read.is_ready() {
            self.large = piece.len() > COPIED;
        }
        if piece.len() > COPIED {
            self.input = piece;
            self.room = PIECE;
        } else {
            self.input.extend_from_slice(&piece);
            self.room = self.room.max(piece.len());
            piece.clear();
            SPARE.set(piece);
        }
        read
    }

    /// Leaves the rest of the request to a task: its answer is there already, and neither may wait
    /// for the other. It ends if the endpoint takes nothing for `pause_max`.
    pub(super) fn detach(&mut self, pause_max: Duration) {
        if self.sending.is_done() {
            return;
        }
        self.link = match mem::replace(&mut self.link, Link::Gone) {
            Link::Whole(stream) => {
                let (read, write) = split(stream);
                let rest = mem::take(&mut self.sending).finish(write, pause_max);
                let task = tokio::task::spawn_local(rest);
                Link::Reading(read, task.abort_handle())
            }
            link => link,
        };
    }

    /// Lets the rest of a request be sent whose answer is over.
    pub(super) fn finish_sending(mut self) {
        self.link = Link::Gone;
    }

    /// The stream of a connection that has left HTTP, and what came of it already.
    pub(super) fn into_stream(mut self) -> Option<(Wire, Bytes)> {
        match mem::replace(&mut self.link, Link::Gone) {
            Link::Whole(stream) => Some((stream, mem::take(&mut self.input).freeze())),
            Link::Reading(..) | Link::Gone => None,
        }
    }

    /// Makes it ready for another request, if nothing is under way and none is ruled out.
    pub(super) fn rest(&mut self) -> bool {
        // What is left behind an answer is no answer to anything.
        let idle = self.answer.may_follow()
            && self.input.is_empty()
            && self.sending.is_done()
            && matches!(self.link, Link::Whole(_));
        if self.room > COPIED {
            self.input = BytesMut::new();
            self.room = 0;
        }
        idle
    }

    /// Whether the endpoint has neither closed it nor sent anything, as far as the event loop knows.
    pub(super) fn is_alive(&mut self) -> bool {
        let mut space = [0; 1];
        let mut cx = Context::from_waker(Waker::noop());
        let Link::Whole(stream) = &mut self.link else {
            return false;
        };
        Pin::new(stream)
            .poll_read(&mut cx, &mut ReadBuf::new(&mut space))
            .is_pending()
    }
}

impl Drop for Http1 {
    fn drop(&mut self) {
        if let Link::Reading(_, task) = &self.link {
            task.abort();
        }
    }
}
