//! One attempt at one endpoint.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use http::Response;
use ninefold_core::ejection::{Grade, Testimony, bucket};
use tokio::time::{Instant, timeout_at};

use super::connection::Broken;
use super::{Connection, Lease, Upstream};
use crate::exchange::Intake;
use crate::fleet::Hub;
use crate::http1::{AnswerHead, Framing, RequestHead};
use crate::meter::add;

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
    /// No connection: refused, unreachable.
    Connect,
    /// No connection in time.
    ConnectTimeout,
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
            Self::Connect | Self::ConnectTimeout => Sent::Never,
            Self::Stale(sent) => sent,
            Self::Reset | Self::Timeout | Self::RequestBody => Sent::Maybe,
        }
    }

    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Connect => "connection refused",
            Self::ConnectTimeout => "connecting took too long",
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
    pub(crate) try_timeout: Duration,
    /// The end of the whole request's time.
    pub(crate) deadline: Instant,
}

/// An endpoint's answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response<()>,
    /// The connection that the rest of it comes from.
    pub(crate) lease: Lease,
    /// When its head came.
    pub(crate) at: Instant,
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
        let (result, began) = self.answer(&mut lease).await;
        drop(in_flight);
        let at = Instant::now();
        // What the client took to send its body is not the endpoint's.
        let given = self.intake.map_or(Some(began), |intake| intake.given());
        let began = given.map_or(at, |given| given.max(began).min(at));
        let took = at.saturating_duration_since(began);
        match result {
            Ok(head) => {
                self.count_answer(head.status.as_u16(), took, at);
                let mut response = Response::new(());
                *response.status_mut() = head.status;
                *response.headers_mut() = head.headers;
                Ok(Answer {
                    response,
                    lease,
                    at,
                })
            }
            Err((failure, fair)) => {
                self.count_failure(failure, fair, took, at);
                Err(failure)
            }
        }
    }

    /// Sends the request on the first kept connection that lives, or on a new one. Says also when
    /// it had the connection.
    async fn answer(&self, lease: &mut Lease) -> (Result<AnswerHead, (Failure, bool)>, Instant) {
        while let Some(connection) = self
            .reuse
            .then(|| self.upstream.take_kept(self.began))
            .flatten()
        {
            if self.careful {
                // The event loop is asked once more whether the endpoint has closed it meanwhile.
                tokio::task::yield_now().await;
            }
            let connection = lease.set(connection);
            if connection.is_alive() {
                return (self.send(connection, self.began).await, self.began);
            }
        }
        let connected = self.connect().await;
        let began = Instant::now();
        match connected {
            Ok(connection) => {
                let connection = lease.set(connection);
                (self.send(connection, began).await, began)
            }
            Err(failure) => (Err(failure), began),
        }
    }

    /// The second part of an error says whether the endpoint had its fair time.
    async fn connect(&self) -> Result<Connection, (Failure, bool)> {
        let limit = Instant::now() + self.connect_timeout;
        let until = limit.min(self.deadline);
        if let Some(cells) = self.upstream.cells() {
            add(&cells.connects, 1);
        }
        match timeout_at(until, Connection::open(self.upstream.endpoint.address)).await {
            Ok(Ok(connection)) => Ok(connection),
            // Out of descriptors or ports: our trouble, not the endpoint's.
            Ok(Err(error)) => Err((Failure::Connect, !is_local(&error))),
            Err(_elapsed) => Err((Failure::ConnectTimeout, limit <= self.deadline)),
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
                connection.detach();
                Ok(head)
            }
            Err(Broken::Body) => Err((Failure::RequestBody, false)),
            Err(Broken::Closed) if connection.reused && began.elapsed() < STALE_WITHIN => {
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
        poll_fn(|cx| {
            let head = connection.poll_head(cx);
            if head.is_ready() {
                return head.map(Ok);
            }
            let turn = turn();
            let limit = turn.map_or(self.deadline, |turn| turn.min(self.deadline));
            if connection.alarm.passed(cx, limit) {
                let fair = turn.is_some_and(|turn| turn <= self.deadline);
                return Poll::Ready(Err((Failure::Timeout, fair)));
            }
            Poll::Pending
        })
        .await
    }

    fn count_answer(&self, status: u16, took: Duration, at: Instant) {
        let Some(cells) = self.upstream.cells() else {
            return;
        };
        add(&cells.attempts, 1);
        add(&cells.answered, 1);
        add(&cells.latency_sum_ns, ninefold_core::time::nanos(took));
        let now = self.hub.clock.at(at.into_std());
        self.upstream.heard(at);
        match Testimony::of(status) {
            Testimony::Against => {
                add(&cells.server_errors, 1);
                self.upstream.penalise(now, took);
                let reason = format!("status {status}");
                let grade = match status {
                    502..=504 => Grade::Gateway,
                    _ => Grade::Error,
                };
                let (service, endpoint) = (self.upstream.service, &self.upstream.endpoint);
                self.hub.fail(service, endpoint, grade, &reason);
            }
            Testimony::For => {
                self.upstream.observe(now, took);
                if let Some(cell) = cells.answers.get(bucket(took)) {
                    add(cell, 1);
                }
                let (service, endpoint) = (self.upstream.service, &self.upstream.endpoint);
                if endpoint.fate.troubled() {
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
            Failure::RequestBody => return,
            _ if !fair => return,
            Failure::Connect | Failure::ConnectTimeout => add(&cells.connect_failed, 1),
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
