//! The body of an answer on its way to the client.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use ninefold::clock::PreciseClock;
use ninefold_core::ejection::{Grade, Testimony};
use ninefold_core::policy;
use ninefold_core::policy::classify::GrpcStatus;
use tokio::time::{Instant, sleep_until};

use super::gather::count_broken;
use super::ticket::{Phase, Who};
use super::{Ticket, Tunnel};
use crate::checks::Witness;
use crate::meter::add;
use crate::request_end::RequestEnd;
use crate::upstream::{Connection, Lease, grpc_status};

/// What the watch over a reading client gives on top, so that a slow endpoint is found first.
const WATCH_GRACE: Duration = Duration::from_millis(100);

/// An answer's body. An answer that breaks off ends in an error, which closes the
/// connection instead of ending the message as if it were whole.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// In one piece, made by the gateway.
    Own(Option<Bytes>),
    /// From an endpoint.
    Streaming(Box<Streaming>),
    /// No body: the connection leaves HTTP.
    Tunnel(Box<Tunnel>),
}

/// An endpoint's answer, with the account that it settles and the connection that it gives back.
#[derive(Debug)]
pub(crate) struct Streaming {
    ticket: Ticket,
    /// Nothing once the answer has ended.
    lease: Option<Lease>,
    /// What was read of it before.
    begun: Option<Bytes>,
    waiting: Option<Instant>,
    pause_max: Duration,
    /// How it broke off, until whoever reads it is told.
    broken: Option<io::Error>,
    /// When more was last asked for, where that is watched.
    asked: Option<Rc<Cell<Instant>>>,
    call: Option<Call>,
    /// Whether its bytes are passed on as others: a fault wants it so.
    corrupts: bool,
    /// Watches what is passed on, where it is to be voted on.
    witness: Option<Box<Witness>>,
}

/// What is known of a gRPC call when its answer's head is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// What it says about the endpoint so far.
    pub(super) testimony: Testimony,
    /// Whether its status has yet to come.
    pub(super) open: bool,
    /// How long the endpoint took for it.
    pub(super) took: Duration,
}

impl Delivery {
    pub(super) const fn own(body: Bytes) -> Self {
        Self::Own(Some(body))
    }

    /// Streams an endpoint's answer, of which `begun` was read already; a pause longer than
    /// `pause_max` breaks it off. On a `multiplexed` connection the client's reading is watched too;
    /// elsewhere the guard does that.
    pub(super) fn stream(
        ticket: Ticket,
        lease: Lease,
        pause_max: Duration,
        multiplexed: bool,
        begun: Option<Bytes>,
        call: Option<Call>,
    ) -> Self {
        let begun = begun.filter(|begun| !begun.is_empty());
        let mut streaming = Streaming {
            ticket,
            lease: Some(lease),
            begun,
            waiting: None,
            pause_max,
            broken: None,
            asked: None,
            call,
            corrupts: false,
            witness: None,
        };
        if streaming.is_ended() {
            let begun = streaming.begin();
            streaming.finish();
            return Self::Own(begun);
        }
        if multiplexed {
            watch(&mut streaming);
        }
        Self::Streaming(Box::new(streaming))
    }
}

impl Delivery {
    /// The same with other bytes.
    pub(super) fn corrupted(mut self) -> Self {
        if let Self::Streaming(streaming) = &mut self {
            streaming.corrupts = true;
        }
        self
    }

    /// The same, voted on when it has ended. An answer without a body has no say.
    pub(super) fn witnessed(mut self, witness: Option<Box<Witness>>) -> Self {
        if let Self::Streaming(streaming) = &mut self {
            streaming.witness = witness;
        }
        self
    }
}

impl Streaming {
    /// What was read before is on its way.
    fn begin(&mut self) -> Option<Bytes> {
        let begun = self.begun.take()?;
        self.ticket.bytes_out += begun.len() as u64;
        Some(begun)
    }

    fn finish(&mut self) {
        if self.call.is_some_and(|call| call.open) {
            // "If an expected status is missing, UNKNOWN": gRPC's `statuscodes.md`.
            self.take_trailers(&HeaderMap::new());
        }
        let Some(lease) = self.lease.take() else {
            return;
        };
        lease.give_back();
        if let Some(witness) = self.witness.take() {
            witness.cast();
        }
        self.ticket.phase.set(Phase::Done);
        let testimony = self.call.map(|call| call.testimony);
        self.tell_breaker(match testimony {
            Some(Testimony::Against) => policy::Outcome::Failure,
            Some(Testimony::Neither) => policy::Outcome::Ignored,
            Some(Testimony::For) | None => policy::Outcome::Success,
        });
        if self.ticket.status >= 500 || testimony == Some(Testimony::Against) {
            self.ticket.end(RequestEnd::Status);
        } else {
            self.ticket.done(Who::Gateway);
        }
    }

    /// The end that its service's breaker waits for, if it does.
    fn tell_breaker(&mut self, outcome: policy::Outcome) {
        if let Some(leave) = self.ticket.leave.take() {
            leave.settle(outcome, PreciseClock);
        }
    }

    /// How a gRPC call ended.
    fn take_trailers(&mut self, trailers: &HeaderMap) {
        let (Some(call), Some(lease)) = (&mut self.call, &self.lease) else {
            return;
        };
        let status = grpc_status(trailers).unwrap_or(GrpcStatus(2));
        call.open = false;
        call.testimony = Testimony::of_grpc(status);
        let upstream = Rc::clone(lease.upstream());
        let hub = &self.ticket.client.worker.hub;
        let (service, endpoint) = (upstream.service, &upstream.endpoint);
        match call.testimony {
            Testimony::For if endpoint.fate.troubled() => {
                hub.absolve(service, endpoint, call.took);
            }
            Testimony::Against => {
                if let Some(cells) = upstream.cells() {
                    add(&cells.server_errors, 1);
                }
                let GrpcStatus(number) = status;
                let reason = format!("gRPC status {number}");
                hub.fail(service, endpoint, Grade::of_grpc(status), &reason);
                self.ticket.failed_at(&upstream);
            }
            Testimony::For | Testimony::Neither => {}
        }
    }

    /// What is too large is not voted on.
    fn watch_over(&mut self, frame: &Frame<Bytes>) {
        if let (Some(witness), Some(data)) = (&mut self.witness, frame.data_ref())
            && !witness.see(data)
        {
            self.witness = None;
        }
    }

    /// The answer broke off: speaks against the endpoint and fails the request, unless the request
    /// broke off first.
    fn broke(&mut self, end: RequestEnd) {
        let Some(lease) = self.lease.take() else {
            return;
        };
        let intake = self.ticket.intake.as_ref();
        if intake.is_some_and(|intake| intake.failure.get().is_some()) {
            self.ticket.end(RequestEnd::LeftSend);
            return;
        }
        let upstream = Rc::clone(lease.upstream());
        let reason = match end {
            RequestEnd::BodyPaused => "the answer paused for too long",
            _ => "the answer broke off",
        };
        count_broken(&self.ticket.client.worker.hub, &lease, reason);
        self.tell_breaker(policy::Outcome::Failure);
        self.ticket.failed_at(&upstream);
        self.ticket.end(end);
    }

    fn connection(&mut self) -> Option<&mut Connection> {
        self.lease.as_mut().and_then(Lease::connection)
    }

    fn is_ended(&self) -> bool {
        let connection = self.lease.as_ref().and_then(Lease::used);
        connection.is_none_or(Connection::is_ended)
    }

    /// Whether the endpoint has paused for too long. The connection's own alarm is there, and set.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let since = *self.waiting.get_or_insert_with(Instant::now);
        let until = since + self.pause_max;
        self.connection()
            .is_some_and(|connection| connection.is_late(cx, until))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(asked) = &self.asked {
            asked.set(Instant::now());
        }
        if let Some(begun) = self.begin() {
            let begun = Frame::data(begun);
            self.watch_over(&begun);
            return Poll::Ready(Some(Ok(begun)));
        }
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let Some(connection) = self.connection() else {
            return Poll::Ready(None);
        };
        match connection.poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.waiting = None;
                let frame = match self.corrupts {
                    true => frame.map_data(inverted),
                    false => frame,
                };
                self.watch_over(&frame);
                if let Some(data) = frame.data_ref() {
                    self.ticket.bytes_out += data.len() as u64;
                } else if let Some(trailers) = frame.trailers_ref() {
                    self.take_trailers(trailers);
                }
                if self.is_ended() {
                    self.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                self.broke(RequestEnd::BodyBroken);
                // The client gets what came before: it is written while nothing more is there.
                self.broken = Some(io::Error::other(error));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Pending => {
                if !self.is_late(cx) {
                    return Poll::Pending;
                }
                self.broke(RequestEnd::BodyPaused);
                Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
            }
        }
    }
}

/// As many bytes, each of them another one.
pub(crate) fn inverted(data: Bytes) -> Bytes {
    data.iter().map(|byte| !byte).collect()
}

/// Ends a connection whose client takes nothing of an answer for too long: a window of zero would
/// otherwise hold the answer, and its endpoint's connection, for good. An answer that is waited for
/// is asked for all the while and broken off by its own alarm.
fn watch(streaming: &mut Streaming) {
    let client = Rc::downgrade(&streaming.ticket.client);
    let now = Rc::new(Cell::new(Instant::now()));
    let asked = Rc::downgrade(streaming.asked.insert(now));
    let pause_max = streaming.pause_max;
    drop(tokio::task::spawn_local(async move {
        while let Some(last) = asked.upgrade().map(|asked| asked.get()) {
            let until = last + pause_max + WATCH_GRACE;
            if Instant::now() < until {
                sleep_until(until).await;
            } else {
                if let Some(client) = client.upgrade() {
                    client.doom();
                }
                return;
            }
        }
    }));
}

impl Body for Delivery {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Own(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Self::Streaming(streaming) => streaming.poll(cx),
            Self::Tunnel(_) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_none(),
            Self::Tunnel(_) => true,
            Self::Streaming(streaming) => {
                streaming.begun.is_none() && streaming.broken.is_none() && streaming.is_ended()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Tunnel(_) => SizeHint::with_exact(0),
            Self::Own(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            Self::Streaming(streaming) => {
                let connection = streaming.lease.as_ref().and_then(Lease::used);
                let left = connection.map_or(Some(0), Connection::left);
                let begun = streaming.begun.as_ref().map_or(0, Bytes::len) as u64;
                let left = left.map(|left| left + begun);
                left.map_or_else(SizeHint::default, SizeHint::with_exact)
            }
        }
    }
}
