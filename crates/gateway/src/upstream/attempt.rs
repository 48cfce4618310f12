//! One attempt at one endpoint.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use ninefold_core::balance::LOST_AFTER;
use ninefold_core::ejection::{Grade, Testimony, bucket};
use ninefold_core::fault::FaultEffect;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::connection::Broken;
use super::http1::Http1;
use super::http2::Http2;
use super::sessions::Session;
use super::verdict::Verdict;
use super::wire::Wire;
use super::{Connection, Lease, Upstream, UpstreamTls};
use crate::exchange::Intake;
use crate::fault::Strike;
use crate::fleet::{ConnectionPlace, Hub};
use crate::http1::{AnswerHead, Framing, RequestHead};
use crate::meter::add;
use crate::socket::Socket;

/// A kept connection that dies so soon after a request was written was closed by the endpoint
/// while idle; later it is the request that the endpoint failed.
const STALE_WITHIN: Duration = Duration::from_millis(100);

/// Whether a failed request may have reached the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Certainly not.
    Never,
    /// Perhaps, in part or in whole.
    Maybe,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection: as many are open as the file allows.
    Full,
    /// No connection: refused, unreachable.
    Connect,
    /// No connection in time.
    ConnectTimeout,
    /// A connection, but no agreement on TLS or HTTP/2.
    Handshake,
    /// A kept connection had died meanwhile; says nothing about the endpoint.
    Stale(Sent),
    /// The connection broke, or what came was no HTTP.
    Reset,
    /// No answer within the time for one try, or for the whole route.
    Timeout,
    /// The client's own body failed.
    RequestBody,
}

impl Failure {
    /// Whether the request may have reached the endpoint.
    pub(crate) const fn sent(self) -> Sent {
        match self {
            Self::Full | Self::Connect | Self::ConnectTimeout | Self::Handshake => Sent::Never,
            Self::Stale(sent) => sent,
            Self::Reset | Self::Timeout | Self::RequestBody => Sent::Maybe,
        }
    }

    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Full => "as many connections as allowed",
            Self::Connect => "connection refused",
            Self::ConnectTimeout => "connecting took too long",
            Self::Handshake => "no agreement on TLS or HTTP/2",
            Self::Stale(_) => "kept connection was closed",
            Self::Reset => "connection broke",
            Self::Timeout => "no answer in time",
            Self::RequestBody => "request body failed",
        }
    }
}

/// What an attempt needs to know.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) hub: &'a Hub,
    pub(crate) upstream: &'a Rc<Upstream>,
    /// What is sent; how it says that there is a body follows from `intake`.
    pub(crate) head: RequestHead<'a>,
    /// The request's body, if it has one.
    pub(crate) intake: Option<&'a Rc<Intake>>,
    /// Whether a kept connection may be used.
    pub(crate) reuse: bool,
    /// Whether the request could not be sent again: a kept connection is looked at twice.
    pub(crate) careful: bool,
    /// When it begins.
    pub(crate) began: Instant,
    pub(crate) connect_timeout: Duration,
    /// Whether the endpoint speaks HTTP/2.
    pub(crate) http2: bool,
    pub(crate) tls: Option<&'a UpstreamTls>,
    /// Whether the answer has a gRPC status.
    pub(crate) grpc: bool,
    pub(crate) try_timeout: Duration,
    /// How long the endpoint may take nothing of what is left of a request that it has answered.
    pub(crate) pause_max: Duration,
    /// The end of the whole request's time.
    pub(crate) deadline: Instant,
    /// What is injected into it.
    pub(crate) strike: Option<Strike>,
}

/// An endpoint's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response<()>,
    /// The connection that the rest of it comes from.
    pub(crate) lease: Lease,
    /// When its head came.
    pub(crate) at: Instant,
    /// What it says about the endpoint, as far as its head tells.
    pub(crate) testimony: Testimony,
    /// Whether its end has a word to say yet.
    pub(crate) open: bool,
    /// How long the endpoint took for it.
    pub(crate) took: Duration,
    /// Whether another endpoint may give a better one.
    pub(crate) curable: bool,
    /// Whether its body is to be passed on as another one.
    pub(crate) corrupts: bool,
}

/// Counts an attempt as in flight until it has an answer or is given up.
struct InFlight<'a>(&'a Upstream);

impl<'a> InFlight<'a> {
    fn new(upstream: &'a Upstream, began: Instant) -> Self {
        upstream.ask(began);
        if let Some(cells) = upstream.cells() {
            add(&cells.in_flight, 1);
        }
        Self(upstream)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.leave();
        if let Some(cells) = self.0.cells() {
            add(&cells.in_flight, u64::MAX);
        }
    }
}

impl Attempt<'_> {
    /// Sends the request and waits for the answer's head. Everything that is to be counted about the
    /// endpoint is counted here; being dropped (the client left) counts nothing.
    pub(crate) async fn run(&self) -> Result<Answer, Failure> {
        let in_flight = InFlight::new(self.upstream, self.began);
        let mut lease = Lease::new(self.upstream);
        let (result, began) = match &self.strike {
            None => self.answer(&mut lease).await,
            // Boxed, so that those who are spared do not carry it.
            Some(strike) => Box::pin(self.struck(strike, &mut lease)).await,
        };
        drop(in_flight);
        let at = Instant::now();
        // What the client took to send its body is not the endpoint's.
        let given = self.intake.map_or(Some(began), |intake| intake.given());
        let began = given.map_or(at, |given| given.max(began).min(at));
        let took = at.saturating_duration_since(began);
        match result {
            Ok(head) => {
                let verdict = Verdict::of(&head, self.grpc);
                self.count_answer(&verdict, took, at);
                let mut response = Response::new(());
                *response.status_mut() = head.status;
                *response.headers_mut() = head.headers;
                Ok(Answer {
                    response,
                    lease,
                    at,
                    took,
                    testimony: verdict.testimony,
                    open: verdict.open,
                    curable: verdict.curable,
                    corrupts: self
                        .strike
                        .as_ref()
                        .is_some_and(|strike| strike.effect == FaultEffect::WrongBody),
                })
            }
            Err((failure, fair)) => {
                self.count_failure(failure, fair, took, at);
                Err(failure)
            }
        }
    }

    /// As [`Attempt::run`], for a request that no caller waits for: it is not counted, nothing is held
    /// against the endpoint, and no fault is injected.
    pub(crate) async fn aside(&self) -> Option<(AnswerHead, Lease)> {
        let mut lease = Lease::new(self.upstream);
        let (answered, _) = self.answer(&mut lease).await;
        answered.ok().map(|head| (head, lease))
    }

    /// As [`Attempt::answer`], with a fault.
    async fn struck(
        &self,
        strike: &Strike,
        lease: &mut Lease,
    ) -> (Result<AnswerHead, (Failure, bool)>, Instant) {
        let result = match strike.effect {
            FaultEffect::Latency { .. } => {
                let turn = self.began + self.try_timeout;
                let until = turn.min(self.deadline);
                sleep_until(until.min(self.began + strike.delay)).await;
                if Instant::now() < until {
                    let (result, _) = self.answer(lease).await;
                    result
                } else {
                    Err((Failure::Timeout, turn <= self.deadline))
                }
            }
            FaultEffect::Abort { status } => {
                let status = StatusCode::from_u16(status);
                let length = HeaderValue::from_static("0");
                Ok(AnswerHead {
                    status: status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
                    headers: HeaderMap::from_iter([(CONTENT_LENGTH, length)]),
                    framing: Framing::Length(0),
                    keep_alive: true,
                })
            }
            FaultEffect::ResetPeer { late: false } => Err((Failure::Reset, true)),
            FaultEffect::ResetPeer { late: true } => match self.answer(lease).await {
                // Its connection goes with the lease.
                (Ok(_), _) => Err((Failure::Reset, true)),
                failed => return failed,
            },
            FaultEffect::WrongBody => return self.answer(lease).await,
        };
        (result, self.began)
    }

    /// Sends the request on the first kept connection that lives, or on a new one. Says also when
    /// it had the connection.
    async fn answer(&self, lease: &mut Lease) -> (Result<AnswerHead, (Failure, bool)>, Instant) {
        if self.http2 {
            let opened = self.stream().await;
            let began = Instant::now();
            return match opened {
                Ok(stream) => (self.send(lease.set(stream), began).await, began),
                Err(failure) => (Err(failure), began),
            };
        }
        while let Some(connection) = self
            .reuse
            .then(|| self.upstream.take_kept(self.began))
            .flatten()
        {
            if self.careful {
                // The event loop is asked once more whether the endpoint has closed it meanwhile.
                tokio::task::yield_now().await;
            }
            let mut connection = connection;
            if connection.is_alive() {
                let connection = lease.set(Connection::Http1(connection));
                return (self.send(connection, self.began).await, self.began);
            }
        }
        let connected = self.connect().await;
        let began = Instant::now();
        match connected {
            Ok(wire) => {
                let connection = lease.set(Connection::Http1(Box::new(Http1::new(wire))));
                (self.send(connection, began).await, began)
            }
            Err(failure) => (Err(failure), began),
        }
    }

    /// A stream of a shared connection, or of a new one.
    async fn stream(&self) -> Result<Connection, (Failure, bool)> {
        let sessions = &self.upstream.sessions;
        let shared = || {
            let stream = self.reuse.then(|| sessions.find()).flatten()?;
            Some(Connection::Http2(Box::new(Http2::new(stream))))
        };
        if let Some(stream) = shared() {
            return Ok(stream);
        }
        let limit = Instant::now() + self.connect_timeout;
        let Ok(_turn) = timeout_at(limit.min(self.deadline), sessions.turn()).await else {
            return Err((Failure::ConnectTimeout, limit <= self.deadline));
        };
        if let Some(stream) = shared() {
            return Ok(stream);
        }
        let wire = self.connect().await?;
        match Session::open(wire, self.upstream.endpoint.address.clone()).await {
            Ok(session) => Ok(Connection::Http2(Box::new(Http2::new(
                sessions.add(session),
            )))),
            Err(error) => Err((self.disagreed(&error), true)),
        }
    }

    fn disagreed(&self, error: &io::Error) -> Failure {
        let endpoint = &self.upstream.endpoint.label;
        tracing::debug!(%endpoint, %error, "no agreement with an endpoint");
        Failure::Handshake
    }

    /// The second part of an error says whether the endpoint had its fair time.
    async fn connect(&self) -> Result<Wire, (Failure, bool)> {
        let limit = Instant::now() + self.connect_timeout;
        let until = limit.min(self.deadline);
        let max = self.hub.plan.services.get(self.upstream.service);
        let max = max.and_then(|plan| plan.connections);
        let Some(place) = ConnectionPlace::take(&self.upstream.endpoint, max) else {
            return Err((Failure::Full, false));
        };
        if let Some(cells) = self.upstream.cells() {
            add(&cells.connects, 1);
        }
        let late = || (Failure::ConnectTimeout, limit <= self.deadline);
        let connecting = Socket::connect(&self.upstream.endpoint.address, self.hub.plan.source);
        let stream = match timeout_at(until, connecting).await {
            Ok(Ok(stream)) => stream,
            // Out of descriptors or ports: our trouble, not the endpoint's.
            Ok(Err(error)) => return Err((Failure::Connect, !is_local(&error))),
            Err(_elapsed) => return Err(late()),
        };
        if stream.set_nodelay().is_err() {
            return Err((Failure::Connect, true));
        }
        let Some(tls) = self.tls else {
            return Ok(Wire::plain(stream, place));
        };
        let connecting = tls.connect(&self.upstream.endpoint, stream);
        match timeout_at(until, connecting).await {
            Ok(Ok(stream)) => Ok(Wire::tls(stream, place)),
            Ok(Err(error)) => Err((self.disagreed(&error), true)),
            Err(_elapsed) => Err(late()),
        }
    }

    async fn send(
        &self,
        connection: &mut Connection,
        began: Instant,
    ) -> Result<AnswerHead, (Failure, bool)> {
        let body = self.intake.map(Intake::next_attempt);
        let framing = |length: Option<u64>| length.map_or(Framing::Chunked, Framing::Length);
        let head = RequestHead {
            body: body.as_ref().map(|body| framing(body.length())),
            ..self.head
        };
        connection.begin(&head, body);
        match self.within(connection, began).await? {
            Ok(head) => {
                connection.detach(self.pause_max);
                Ok(head)
            }
            Err(Broken::Body) => Err((Failure::RequestBody, false)),
            Err(Broken::Unprocessed) => Err((Failure::Stale(Sent::Never), false)),
            Err(Broken::Closed) if connection.is_reused() && began.elapsed() < STALE_WITHIN => {
                let sent = if connection.has_sent() {
                    Sent::Maybe
                } else {
                    Sent::Never
                };
                Err((Failure::Stale(sent), false))
            }
            Err(Broken::Closed) => Err((Failure::Reset, true)),
            Err(Broken::Malformed(malformed)) => {
                let endpoint = &self.upstream.endpoint.label;
                tracing::debug!(%endpoint, %malformed, "an answer cannot be read");
                Err((Failure::Reset, true))
            }
        }
    }

    /// Drives the connection until it has an answer. The time for one try begins when the endpoint
    /// has all that the client sent: it is not to blame for a slow upload, but for one that it does
    /// not take. Late, says whether it had its fair time.
    async fn within(
        &self,
        connection: &mut Connection,
        began: Instant,
    ) -> Result<Result<AnswerHead, Broken>, (Failure, bool)> {
        let turn = || {
            let given = self.intake.map_or(Some(began), |intake| intake.given())?;
            Some(given.max(began) + self.try_timeout)
        };
        let look = (!self.careful).then(|| began + LOST_AFTER);
        let mut lost: Option<Pin<Box<dyn Future<Output = ()> + '_>>> = None;
        poll_fn(|cx| {
            let head = connection.poll_head(cx);
            if head.is_ready() {
                return head.map(Ok);
            }
            let turn = turn();
            let limit = turn.map_or(self.deadline, |turn| turn.min(self.deadline));
            loop {
                let is_lost = lost
                    .as_mut()
                    .is_some_and(|lost| lost.as_mut().poll(cx).is_ready());
                let first = look.filter(|_| lost.is_none());
                let until = first.map_or(limit, |look| look.min(limit));
                if !is_lost && !connection.is_late(cx, until) {
                    return Poll::Pending;
                }
                if is_lost || until == limit {
                    connection.doubt();
                    let fair = is_lost || turn.is_some_and(|turn| turn <= self.deadline);
                    return Poll::Ready(Err((Failure::Timeout, fair)));
                }
                lost = Some(Box::pin(self.upstream.endpoint.loss.known()));
            }
        })
        .await
    }

    fn count_answer(&self, verdict: &Verdict, took: Duration, at: Instant) {
        let Some(cells) = self.upstream.cells() else {
            return;
        };
        add(&cells.attempts, 1);
        add(&cells.answered, 1);
        add(&cells.latency_sum_ns, ninefold_core::time::nanos(took));
        let now = self.hub.clock.at(at.into_std());
        self.upstream.heard(at);
        match verdict.testimony {
            Testimony::Against => {
                add(&cells.server_errors, 1);
                self.upstream.penalise(now, took);
                let (service, endpoint) = (self.upstream.service, &self.upstream.endpoint);
                let reason = verdict.to_string();
                self.hub.fail(service, endpoint, verdict.grade, &reason);
            }
            Testimony::For => {
                self.upstream.observe(now, took);
                if let Some(cell) = cells.answers.get(bucket(took)) {
                    add(cell, 1);
                }
                let (service, endpoint) = (self.upstream.service, &self.upstream.endpoint);
                if !verdict.open && endpoint.fate.troubled() {
                    self.hub.absolve(service, endpoint, took);
                }
            }
            Testimony::Neither => {}
        }
    }

    fn count_failure(&self, failure: Failure, fair: bool, took: Duration, at: Instant) {
        let Some(cells) = self.upstream.cells() else {
            return;
        };
        match failure {
            Failure::Stale(_) => return add(&cells.stale, 1),
            Failure::RequestBody | Failure::Full => return,
            _ if !fair => return,
            Failure::Connect | Failure::ConnectTimeout | Failure::Handshake => {
                add(&cells.connect_failed, 1);
            }
            Failure::Reset => add(&cells.reset, 1),
            Failure::Timeout => add(&cells.timed_out, 1),
        }
        add(&cells.attempts, 1);
        self.upstream
            .penalise(self.hub.clock.at(at.into_std()), took);
        let service = self.upstream.service;
        let (endpoint, reason) = (&self.upstream.endpoint, failure.reason());
        self.hub.fail(service, endpoint, Grade::Gateway, reason);
    }
}

/// Whether connecting failed for want of something on this host.
pub(super) fn is_local(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::ADDRNOTAVAIL)
    )
}
