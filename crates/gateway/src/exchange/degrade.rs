//! What a request gets where its service has no answer for it.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Response, StatusCode};
use ninefold_core::ejection::Testimony;
use ninefold_core::policy::PolicyKind;
use tokio::time::Instant;

use super::Delivery;
use super::headers::FALLBACK;
use super::perform::{Ended, Exchange, Unanswered, with_mark};
use super::ticket::{Phase, Who};
use crate::fallback::{Fallback, FallbackCause, Fixed};
use crate::request_end::RequestEnd;
use crate::upstream::Sent;

impl Exchange {
    /// The fallback that may take the place of this end, and why it does. It has the whole rest of
    /// the time.
    pub(super) fn fallback(&mut self, ended: &Ended) -> Option<(FallbackCause, Fallback)> {
        let plan = &self.ticket.client.worker.hub.plan;
        let fallback = plan.routes.get(self.route)?.fallback.clone()?;
        if self.form.is_grpc() && matches!(fallback, Fallback::Fixed(_)) {
            // What is fixed is no message that a gRPC client could read.
            return None;
        }
        let (cause, sent) = self.plight(ended)?;
        self.deadline = self.end;
        let reads = matches!(self.head.method, Method::GET | Method::HEAD);
        let covers = fallback.covers(reads, self.safe(sent));
        covers.then_some((cause, fallback))
    }

    /// Why an end calls for a fallback, and whether the request may have had an effect. What the
    /// client did itself does not.
    fn plight(&self, ended: &Ended) -> Option<(FallbackCause, Sent)> {
        match ended {
            Ok(answer) => answer
                .curable
                .then_some((FallbackCause::Status, Sent::Maybe)),
            Err(Unanswered::Refused(rejected)) => {
                let cause = match rejected.policy {
                    PolicyKind::CircuitBreaker => FallbackCause::Breaker,
                    PolicyKind::Bulkhead => FallbackCause::Bulkhead,
                    _ => FallbackCause::Overload,
                };
                (!self.is_impatience(rejected)).then_some((cause, Sent::Never))
            }
            Err(Unanswered::Exceeded) => None,
            Err(Unanswered::Unavailable) => {
                let sent = match self.ticket.attempts {
                    0 => Sent::Never,
                    _ => Sent::Maybe,
                };
                Some((FallbackCause::NoEndpoint, sent))
            }
            Err(Unanswered::Failed(failure)) => {
                let own = self.is_of_client(*failure);
                (!own).then_some((FallbackCause::Failed, failure.sent()))
            }
        }
    }

    /// Asks another service. Where that has no answer either, the first end is that of the request.
    pub(super) async fn instead(
        mut self: Box<Self>,
        ended: Ended,
        cause: FallbackCause,
        service: usize,
    ) -> Response<Delivery> {
        let own = std::mem::replace(&mut self.service, service);
        let upstream = self.ticket.upstream.take();
        match self.ask(Instant::now()).await {
            Ok(answer) if answer.testimony == Testimony::For => {
                self.ticket.fell_back(cause);
                self.deliver(answer)
            }
            _ => {
                self.service = own;
                self.ticket.upstream = upstream;
                self.conclude(ended)
            }
        }
    }

    /// Gives an answer of the gateway's own.
    pub(super) fn stand_in(
        mut self: Box<Self>,
        cause: FallbackCause,
        fixed: Fixed,
    ) -> Response<Delivery> {
        let ticket = &mut self.ticket;
        ticket.fell_back(cause);
        let mark = ticket.fault_mark();
        ticket.answered(fixed.status.as_u16(), Instant::now().into_std());
        ticket.phase.set(Phase::Done);
        if self.head.method != Method::HEAD {
            ticket.bytes_out = fixed.body.len() as u64;
        }
        if fixed.status.is_server_error() {
            ticket.end(RequestEnd::Fallback);
        } else {
            ticket.done(Who::Gateway);
        }
        let mut response = Response::new(Delivery::own(fixed.body));
        *response.status_mut() = fixed.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, fixed.content_type);
        // It is only true for now.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(FALLBACK, HeaderValue::from_static(cause.name()));
        if fixed.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        with_mark(response, mark)
    }
}
