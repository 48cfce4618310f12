//! A request's body on its way to one or more attempts.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tokio::time::Instant;

use crate::downstream::{Lost, RequestBody};

/// Why a request's body could not be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFailure {
    /// It is larger than the listener allows.
    #[error("the request body is too large")]
    TooLarge,
    /// The client left, was too slow, or sent something malformed.
    #[error("the request body broke off")]
    Broken,
    /// A later attempt has taken over.
    #[error("another attempt has taken over")]
    Superseded,
}

/// The body of one request. What was sent already is kept up to a limit, so that another attempt
/// can send it again.
#[derive(Debug)]
pub(crate) struct Intake {
    source: RefCell<Source>,
    /// Bytes so far.
    pub(crate) seen: Cell<u64>,
    pub(crate) failure: Cell<Option<BodyFailure>>,
    /// Since when the endpoint has all there is; nothing while the client is waited for.
    given: Cell<Option<Instant>>,
    /// The attempt that may read, and how many pieces it has.
    turn: Cell<u32>,
    position: Cell<usize>,
    length: Option<u64>,
    size_max: u64,
}

#[derive(Debug)]
struct Source {
    body: RequestBody,
    ended: bool,
    /// Nothing once more was sent than may be kept.
    kept: Option<Vec<Bytes>>,
    kept_size: u64,
    keep_max: u64,
    trailers: Option<HeaderMap>,
}

impl Intake {
    /// `size_max` is the largest body, `keep_max` what may be kept for another attempt.
    pub(crate) fn new(body: RequestBody, size_max: u64, keep_max: u64) -> Rc<Self> {
        Rc::new(Self {
            length: body.length(),
            source: RefCell::new(Source {
                ended: body.is_ended(),
                body,
                kept: Some(Vec::new()),
                kept_size: 0,
                keep_max,
                trailers: None,
            }),
            seen: Cell::new(0),
            failure: Cell::new(None),
            given: Cell::new(Some(Instant::now())),
            turn: Cell::new(0),
            position: Cell::new(0),
            size_max,
        })
    }

    /// Whether another attempt can send the whole body.
    pub(crate) fn replayable(&self) -> bool {
        self.source.borrow().kept.is_some() && self.failure.get().is_none()
    }

    /// The whole body for another request, if it is all there.
    pub(super) fn copy(&self) -> Option<Rc<Self>> {
        let source = self.source.borrow();
        let kept = source
            .kept
            .clone()
            .filter(|_| source.ended && self.replayable());
        let source = Source {
            body: RequestBody::Empty,
            ended: true,
            kept: Some(kept?),
            kept_size: source.kept_size,
            keep_max: source.keep_max,
            trailers: source.trailers.clone(),
        };
        Some(Rc::new(Self {
            length: self.length,
            source: RefCell::new(source),
            seen: Cell::new(0),
            failure: Cell::new(None),
            given: Cell::new(Some(Instant::now())),
            turn: Cell::new(0),
            position: Cell::new(0),
            size_max: self.size_max,
        }))
    }

    /// Since when it is the endpoint's turn; nothing while the client is waited for. An endpoint
    /// that takes no more of a body has its turn too.
    pub(crate) const fn given(&self) -> Option<Instant> {
        self.given.get()
    }

    /// The body for the next attempt; one that still has an earlier one gets an error.
    pub(crate) fn next_attempt(self: &Rc<Self>) -> AttemptBody {
        self.turn.set(self.turn.get() + 1);
        self.position.set(0);
        AttemptBody {
            turn: self.turn.get(),
            intake: Rc::clone(self),
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        let mut source = self.source.borrow_mut();
        let position = self.position.get();
        if let Some(piece) = source.kept.as_ref().and_then(|kept| kept.get(position)) {
            self.position.set(position + 1);
            return Poll::Ready(Some(Ok(Frame::data(piece.clone()))));
        }
        if source.ended {
            let trailers = source.trailers.clone();
            let first = position != usize::MAX;
            self.position.set(usize::MAX);
            return Poll::Ready(trailers.filter(|_| first).map(|t| Ok(Frame::trailers(t))));
        }
        self.given.set(None);
        let result = ready!(source.body.poll_frame(cx));
        self.given.set(Some(Instant::now()));
        let Some(result) = result else {
            source.ended = true;
            return Poll::Ready(None);
        };
        let frame = match result {
            Ok(frame) => frame,
            Err(Lost) => return self.fail(BodyFailure::Broken),
        };
        match frame.into_data() {
            Ok(piece) => {
                let size = u64::try_from(piece.len()).unwrap_or(u64::MAX);
                self.seen.set(self.seen.get().saturating_add(size));
                if self.seen.get() > self.size_max {
                    return self.fail(BodyFailure::TooLarge);
                }
                self.position.set(position + 1);
                source.keep(&piece);
                source.ended = source.body.is_ended();
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Err(frame) => {
                source.ended = true;
                self.position.set(usize::MAX);
                source.trailers = frame.into_trailers().ok();
                let trailers = source.trailers.clone();
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn fail<T>(&self, failure: BodyFailure) -> Poll<Option<Result<T, BodyFailure>>> {
        self.failure.set(Some(failure));
        Poll::Ready(Some(Err(failure)))
    }
}

impl Source {
    fn keep(&mut self, piece: &Bytes) {
        self.kept_size = self.kept_size.saturating_add(piece.len() as u64);
        if self.kept_size > self.keep_max {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(piece.clone());
        }
    }
}

/// The body of one attempt.
#[derive(Debug)]
pub(crate) struct AttemptBody {
    intake: Rc<Intake>,
    turn: u32,
}

impl AttemptBody {
    /// How long it is, if that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        self.intake.length
    }

    /// The next piece.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        if self.turn != self.intake.turn.get() {
            return Poll::Ready(Some(Err(BodyFailure::Superseded)));
        }
        self.intake.poll(cx)
    }
}
