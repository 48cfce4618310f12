//! How a request ends for its client.

use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::UPGRADE;
use http::{HeaderValue, Method, Response, StatusCode, Version};
use ninefold_core::policy::{PolicyKind, Reason, Rejected};
use tokio::time::Instant;

use super::answer::OwnAnswer;
use super::cached::CACHE_STATUS;
use super::delivery::Call;
use super::headers::{FALLBACK, FAULT, strip_hop_by_hop};
use super::intake::BodyFailure;
use super::notable::Notable;
use super::perform::Exchange;
use super::serve::{refuse, too_large};
use super::{Delivery, Tunnel};
use crate::cache::{CacheResult, key_of};
use crate::http1::give_back;
use crate::request_end::RequestEnd;
use crate::upstream::{Answer, Failure};

impl Exchange {
    /// Passes the endpoint's answer on.
    pub(super) fn deliver(self: Box<Self>, answer: Answer) -> Response<Delivery> {
        self.deliver_from(answer, None)
    }

    /// Passes the endpoint's answer on, of whose body this was read already.
    pub(super) fn deliver_from(
        mut self: Box<Self>,
        answer: Answer,
        begun: Option<Bytes>,
    ) -> Response<Delivery> {
        let Answer {
            response,
            lease,
            at,
            testimony,
            open,
            took,
            corrupts,
            ..
        } = answer;
        let pause_max = self.ticket.client.pause_max();
        self.ticket
            .answered(response.status().as_u16(), at.into_std());
        let (mut parts, ()) = response.into_parts();
        let switches = parts.status == StatusCode::SWITCHING_PROTOCOLS;
        let notable = Notable::of(&parts.headers);
        let protocol = notable
            .get(&parts.headers, Notable::UPGRADE, UPGRADE)
            .cloned();
        strip_hop_by_hop(&mut parts.headers, notable);
        if let Some(cause) = self.ticket.fallback() {
            let cause = HeaderValue::from_static(cause.name());
            parts.headers.insert(FALLBACK, cause);
        }
        if let Some(result) = self.ticket.cache() {
            let said = match result {
                CacheResult::Bypass => "ninefold; fwd=bypass",
                _ => "ninefold; fwd=miss",
            };
            parts
                .headers
                .append(CACHE_STATUS, HeaderValue::from_static(said));
        }
        if let Some(mark) = self.ticket.fault_mark() {
            parts.headers.insert(FAULT, mark);
        }
        self.invalidate(parts.status);
        if switches {
            if let Some(protocol) = protocol {
                parts.headers.insert(UPGRADE, protocol);
            }
            let tunnel = Tunnel {
                ticket: self.ticket,
                lease,
            };
            return Response::from_parts(parts, Delivery::Tunnel(Box::new(tunnel)));
        }
        let witness = self.witness(&lease, (parts.status, &parts.headers));
        let multiplexed = self.head.version == Version::HTTP_2;
        let grpc = self.form.is_grpc().then_some(Call {
            testimony,
            open,
            took,
        });
        give_back(mem::take(&mut self.head.headers));
        let delivery = Delivery::stream(self.ticket, lease, pause_max, multiplexed, begun, grpc);
        let delivery = if corrupts {
            delivery.corrupted()
        } else {
            delivery
        };
        Response::from_parts(parts, delivery.witnessed(witness))
    }

    /// What is kept of a target is no longer true once something was done to it (RFC 9111, section
    /// 4.4).
    fn invalidate(&self, status: StatusCode) {
        let client = &self.ticket.client;
        let caches = &client.worker.hub.caches;
        let reads = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE];
        if !caches.any() || reads.contains(&self.head.method) || status.as_u16() >= 400 {
            return;
        }
        let https = client.plan().is_some_and(|plan| plan.tls);
        if let Some(key) = key_of(&self.head, https) {
            caches.forget(&key);
        }
    }

    /// No endpoint is up, or too few are.
    pub(super) fn unavailable(mut self: Box<Self>) -> Response<Delivery> {
        let service = self.service_name();
        let hub = &self.ticket.client.worker.hub;
        let why = if hub.eligible(self.service).in_rotation == 0 {
            format!("service {service} has no endpoint that is up")
        } else {
            format!("service {service} has too few endpoints that are up")
        };
        let answer = OwnAnswer::new(StatusCode::SERVICE_UNAVAILABLE, RequestEnd::NoEndpoint, why);
        self.ticket.status = 503;
        self.ticket.end(answer.end);
        answer.response(self.form, self.head.version)
    }

    /// The service was not asked.
    pub(super) fn refused(mut self: Box<Self>, rejected: Rejected) -> Response<Delivery> {
        let (service, why) = (self.service_name(), rejected.reason.as_str());
        let (end, what) = match rejected.policy {
            PolicyKind::CircuitBreaker => (RequestEnd::BreakerOpen, "fails and is left alone"),
            PolicyKind::Bulkhead => {
                let what = "has no place for more of this route";
                (RequestEnd::BulkheadFull, what)
            }
            _ if self.is_impatience(&rejected) => (RequestEnd::ImpatientQueue, "is overloaded"),
            _ => (RequestEnd::Overloaded, "is overloaded"),
        };
        let what = format!("service {service} {what}: {why}");
        let mut answer = OwnAnswer::new(StatusCode::SERVICE_UNAVAILABLE, end, what);
        answer.retry_after = rejected.retry_after.or(answer.retry_after);
        self.ticket.status = 503;
        self.ticket.end(end);
        answer.response(self.form, self.head.version)
    }

    /// The client, or tenant, has more under way than its share.
    pub(super) fn exceeded(mut self: Box<Self>) -> Response<Delivery> {
        let mut answer = OwnAnswer::new(
            StatusCode::TOO_MANY_REQUESTS,
            RequestEnd::ShareUsed,
            "as many requests are under way as this route allows one client or tenant",
        );
        answer.retry_after = Some(Duration::from_secs(1));
        refuse(&mut self.ticket, answer).response(self.form, self.head.version)
    }

    fn service_name(&self) -> Arc<str> {
        let services = &self.ticket.client.worker.hub.plan.services;
        let service = services.get(self.service);
        service.map_or_else(|| "".into(), |service| Arc::clone(&service.name))
    }

    /// Whether a request was refused because its client had less patience than the route.
    pub(super) fn is_impatience(&self, rejected: &Rejected) -> bool {
        rejected.reason == Reason::DeadlineExceeded && self.impatient
    }

    /// Whether an attempt failed for what the client did: it is told by [`Exchange::fail`].
    pub(super) fn is_of_client(&self, failure: Failure) -> bool {
        let intake = self.intake.as_ref();
        let late = Instant::now() >= self.deadline;
        failure == Failure::RequestBody
            || intake.is_some_and(|intake| intake.failure.get().is_some())
            || late && intake.is_some_and(|intake| intake.given().is_none())
            || late && self.gave_up(failure)
    }

    /// The last attempt failed.
    pub(super) fn fail(mut self: Box<Self>, failure: Failure) -> Response<Delivery> {
        if let Some(broken) = self.intake.as_ref().and_then(|intake| intake.failure.get()) {
            return self.refuse_body(broken);
        }
        let late = Instant::now() >= self.deadline;
        if late
            && self
                .intake
                .as_ref()
                .is_some_and(|intake| intake.given().is_none())
        {
            return self.refuse_slow_body();
        }
        if late && self.gave_up(failure) {
            return self.give_up();
        }
        let (status, end, what) = match failure {
            Failure::Full => (
                503,
                RequestEnd::ConnectionsTaken,
                "has as many connections as it may have",
            ),
            Failure::Connect => (502, RequestEnd::ConnectRefused, "refused the connection"),
            Failure::ConnectTimeout => (
                504,
                RequestEnd::ConnectTimeout,
                "accepted no connection in time",
            ),
            Failure::Handshake => (
                502,
                RequestEnd::ConnectHandshake,
                "did not agree on TLS or HTTP/2",
            ),
            Failure::Timeout if late => (
                504,
                RequestEnd::RouteDeadline,
                "had no answer within the route's time",
            ),
            Failure::Timeout => (504, RequestEnd::AnswerTimeout, "had no answer in time"),
            Failure::Reset | Failure::Stale(_) | Failure::RequestBody => {
                (502, RequestEnd::AnswerReset, "broke the connection")
            }
        };
        self.ticket.status = status;
        self.ticket.end(end);
        let label = self.ticket.upstream.as_ref().map(Rc::clone);
        let label = label
            .as_ref()
            .map_or("the service", |up| &*up.endpoint.label);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        OwnAnswer::new(status, end, format!("{label} {what}"))
            .response(self.form, self.head.version)
    }

    /// Whether it was the client that did not wait: it allowed less than a try may take, and nothing
    /// else went wrong. A client that allows a whole try has seen a failure.
    fn gave_up(&self, failure: Failure) -> bool {
        let waited = matches!(failure, Failure::Timeout | Failure::ConnectTimeout);
        waited && self.impatient && self.ticket.failures() <= 1
    }

    /// The client's own deadline ran out: it says nothing about the service.
    fn give_up(mut self: Box<Self>) -> Response<Delivery> {
        self.ticket.status = 504;
        self.ticket.end(RequestEnd::ImpatientWait);
        OwnAnswer::new(
            StatusCode::GATEWAY_TIMEOUT,
            RequestEnd::ImpatientWait,
            "no answer within the time that the request allowed",
        )
        .response(self.form, self.head.version)
    }

    /// The client's body did not come within the route's time.
    fn refuse_slow_body(mut self: Box<Self>) -> Response<Delivery> {
        let mut answer = OwnAnswer::new(
            StatusCode::REQUEST_TIMEOUT,
            RequestEnd::BodySlow,
            "the request body did not arrive within the route's time",
        );
        answer.close = true;
        refuse(&mut self.ticket, answer).response(self.form, self.head.version)
    }

    /// The client's body was the reason.
    fn refuse_body(mut self: Box<Self>, broken: BodyFailure) -> Response<Delivery> {
        let size_max = self
            .ticket
            .client
            .plan()
            .map_or(0, |plan| plan.limits.body_size.0);
        let refusal = self.ticket.client.pulse.refusal();
        let answer = match (broken, refusal) {
            (BodyFailure::TooLarge, _) => refuse(&mut self.ticket, too_large(size_max)),
            (_, Some(refusal)) => {
                let status = StatusCode::from_u16(refusal.status());
                let status = status.unwrap_or(StatusCode::BAD_REQUEST);
                let mut answer =
                    OwnAnswer::new(status, RequestEnd::BodyMalformed, refusal.explanation());
                answer.close = true;
                refuse(&mut self.ticket, answer)
            }
            // Nobody is there to read the answer.
            (_, None) => {
                let end = RequestEnd::LeftSend;
                self.ticket.end(end);
                OwnAnswer::new(StatusCode::BAD_REQUEST, end, "the body broke off")
            }
        };
        answer.response(self.form, self.head.version)
    }
}
