//! Attempts until one succeeds or none may follow.

use std::rc::Rc;
use std::time::Duration;

use http::header::{CONNECTION, HOST, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::upgrade::OnUpgrade;
use tokio::time::{Instant, sleep_until};

use super::answer::OwnAnswer;
use super::headers::{DEADLINE, strip_hop_by_hop};
use super::intake::{BodyFailure, Intake};
use super::serve::{VERSION, is_retryable, refuse, too_large};
use super::ticket::{Outcome, Phase, Who};
use super::{AttemptBody, Client, Delivery, Ticket, tunnel};
use crate::plan::{RoutePlan, ServicePlan};
use crate::upstream::{Answer, Attempt, Failure, Sent, Upstream};

/// Dead kept connections that one request may meet before that counts as a failure.
const STALE_MAX: u32 = 2;

/// The first wait before the same endpoint is tried again; doubled each time.
const BACKOFF: Duration = Duration::from_millis(25);

/// One request on its route.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) client: Rc<Client>,
    pub(super) ticket: Ticket,
    /// The head as endpoints get it.
    pub(super) head: Parts,
    pub(super) route: usize,
    pub(super) deadline: Instant,
    /// Whether the client allows less than the route gives a single try.
    pub(super) impatient: bool,
    pub(super) idempotent: bool,
    pub(super) intake: Option<Rc<Intake>>,
    pub(super) upgrade: Option<(HeaderValue, OnUpgrade)>,
    pub(super) json: bool,
}

/// What the attempts of one request leave behind.
#[derive(Default)]
struct Past {
    tried: Vec<Rc<Upstream>>,
    stale: u32,
    /// The endpoint whose kept connection was dead: tried again on a new one.
    again: Option<Rc<Upstream>>,
    last: Option<Failure>,
}

impl Exchange {
    /// Attempts, and the final answer.
    pub(super) async fn run(mut self) -> Response<Delivery> {
        let client = Rc::clone(&self.client);
        let plan = &client.worker.hub.plan;
        let Some((route, service)) = plan.routes.get(self.route).and_then(|route| {
            plan.services
                .get(route.service)
                .map(|service| (route, service))
        }) else {
            return self.unavailable("");
        };
        let mut now = Instant::from_std(self.ticket.began());
        let clock = client.worker.hub.clock;
        client.worker.deposit(self.route, clock.at(now.into_std()));
        let mut past = Past::default();
        loop {
            let Some(upstream) = self.next(route, &mut past, &mut now).await else {
                return match past.last {
                    Some(failure) => self.fail(failure),
                    None => self.unavailable(&service.name),
                };
            };
            self.ticket.upstream = Some(Rc::clone(&upstream));
            let attempt = self.attempt(route, service, &upstream, &past, now);
            match attempt.await {
                Ok(answer) => {
                    let status = answer.response.status();
                    if status.is_server_error() {
                        self.ticket.failed_at(&upstream);
                    }
                    if is_retryable(status) && self.may_repeat(route, &past, Sent::Maybe) {
                        past.tried.push(upstream);
                        now = Instant::now();
                        continue;
                    }
                    return self.deliver(answer);
                }
                Err(failure @ Failure::Stale(sent))
                    if past.stale < STALE_MAX && self.safe(sent) =>
                {
                    past.stale += 1;
                    past.last = Some(failure);
                    past.again = Some(upstream);
                }
                Err(failure) => {
                    if failure != Failure::RequestBody {
                        self.ticket.failed_at(&upstream);
                    }
                    past.tried.push(upstream);
                    past.last = Some(failure);
                    if !self.may_repeat(route, &past, failure.sent()) {
                        return self.fail(failure);
                    }
                }
            }
            now = Instant::now();
        }
    }

    /// The endpoint for the next attempt, which may have to wait: `now` moves then.
    async fn next(
        &self,
        route: &RoutePlan,
        past: &mut Past,
        now: &mut Instant,
    ) -> Option<Rc<Upstream>> {
        if let Some(again) = past.again.take() {
            return Some(again);
        }
        let worker = &self.client.worker;
        let at = worker.hub.clock.at(now.into_std());
        let (upstream, fresh) = worker.choose(route.service, &past.tried, at)?;
        if !fresh {
            // The same one again: it gets a moment.
            let doublings = u32::try_from(past.tried.len()).unwrap_or(0).clamp(1, 8) - 1;
            let wait = BACKOFF.mul_f64(f64::from(1 << doublings) * (0.5 + worker.unit()));
            sleep_until(self.deadline.min(*now + wait)).await;
            *now = Instant::now();
        }
        Some(upstream)
    }

    async fn attempt(
        &mut self,
        route: &RoutePlan,
        service: &ServicePlan,
        upstream: &Rc<Upstream>,
        past: &Past,
        now: Instant,
    ) -> Result<Answer, Failure> {
        let hub = &self.client.worker.hub;
        self.ticket.attempts += 1;
        self.ticket.phase = Phase::Connect;
        let request = self.request(upstream, now);
        self.ticket.phase = Phase::Wait;
        let attempt = Attempt {
            hub,
            upstream,
            intake: self.intake.as_deref(),
            reuse: past.stale == 0,
            careful: !self.idempotent,
            upgrade: self.upgrade.is_some(),
            began: now,
            connect_timeout: service.connect_timeout,
            try_timeout: route.try_timeout,
            deadline: self.deadline,
        };
        let answered = attempt.run(request).await;
        match answered {
            Ok(answer)
                if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS
                    && self.upgrade.is_none() =>
            {
                Err(Failure::Reset)
            }
            answered => answered,
        }
    }

    /// The request for one attempt.
    fn request(&self, upstream: &Upstream, now: Instant) -> Request<AttemptBody> {
        let body = self
            .intake
            .as_ref()
            .map_or(AttemptBody::Empty, Intake::next_attempt);
        let mut request = Request::new(body);
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = origin_form(&self.head.uri, &self.head.method);
        let headers = request.headers_mut();
        headers.clone_from(&self.head.headers);
        // HTTP/1.0 knows no Host, an endpoint of HTTP/1.1 insists on it.
        if !headers.contains_key(HOST)
            && let Ok(host) = HeaderValue::try_from(upstream.endpoint.address.to_string())
        {
            headers.insert(HOST, host);
        }
        let left = self.deadline.saturating_duration_since(now);
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1);
        headers.insert(DEADLINE, HeaderValue::from(left));
        if let Some((protocol, _)) = &self.upgrade {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, protocol.clone());
        }
        request
    }

    /// Whether the request may be sent again as far as its effect and its body are concerned.
    fn safe(&self, sent: Sent) -> bool {
        (sent == Sent::Never || self.idempotent)
            && self
                .intake
                .as_ref()
                .is_none_or(|intake| intake.replayable())
            && Instant::now() < self.deadline
    }

    /// Whether another attempt may follow; takes it from the budget. Dead kept connections have a
    /// limit of their own: they must not use up what is meant for another endpoint.
    fn may_repeat(&self, route: &RoutePlan, past: &Past, sent: Sent) -> bool {
        let Some(retry) = &route.retry else {
            return false;
        };
        let attempts = self.ticket.attempts.saturating_sub(past.stale);
        if attempts >= retry.attempts || !self.safe(sent) {
            return false;
        }
        let worker = &self.client.worker;
        let allowed = worker.withdraw(self.route, worker.hub.clock.now());
        self.ticket.retried(allowed);
        allowed
    }

    /// Passes the endpoint's answer on.
    fn deliver(mut self, answer: Answer) -> Response<Delivery> {
        let Answer {
            response,
            lease,
            at,
        } = answer;
        let pause_max = self
            .client
            .plan()
            .map_or(Duration::MAX, |plan| plan.limits.body_pause.0);
        self.ticket
            .answered(response.status().as_u16(), at.into_std());
        let (mut parts, body) = response.into_parts();
        let switches = parts.status == StatusCode::SWITCHING_PROTOCOLS;
        let protocol = parts.headers.get(UPGRADE).cloned();
        let up = parts.extensions.remove::<OnUpgrade>();
        parts.extensions.clear();
        parts.version = VERSION;
        strip_hop_by_hop(&mut parts.headers);
        if let (true, Some((_, down)), Some(up)) = (switches, self.upgrade.take(), up) {
            set_upgrade(&mut parts.headers, protocol);
            tunnel::open(down, up, self.ticket, lease);
            return Response::from_parts(parts, Delivery::Own(None));
        }
        let multiplexed = self.head.version == Version::HTTP_2;
        let delivery = Delivery::stream(body, self.ticket, lease, pause_max, multiplexed);
        Response::from_parts(parts, delivery)
    }

    /// No endpoint is up.
    fn unavailable(mut self, service: &str) -> Response<Delivery> {
        let answer = OwnAnswer::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "gateway/route",
            format!("service {service} has no endpoint that is up"),
        );
        self.ticket.phase = Phase::Route;
        self.ticket.status = 503;
        self.ticket.settle(Outcome::Failed, Who::Gateway);
        answer.response(self.json, self.head.version)
    }

    /// The last attempt failed.
    fn fail(mut self, failure: Failure) -> Response<Delivery> {
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
        let (status, phase, reason, what) = match failure {
            Failure::Connect => (
                502,
                Phase::Connect,
                "upstream/connect",
                "refused the connection",
            ),
            Failure::ConnectTimeout => (
                504,
                Phase::Connect,
                "upstream/connect",
                "accepted no connection in time",
            ),
            Failure::Timeout if late => (
                504,
                Phase::Wait,
                "gateway/wait",
                "had no answer within the route's time",
            ),
            Failure::Timeout => (504, Phase::Wait, "upstream/wait", "had no answer in time"),
            Failure::Reset | Failure::Stale(_) | Failure::RequestBody => {
                (502, Phase::Wait, "upstream/wait", "broke the connection")
            }
        };
        self.ticket.phase = phase;
        self.ticket.status = status;
        self.ticket.settle(Outcome::Failed, Who::Upstream);
        let label = self.ticket.upstream.as_ref().map(Rc::clone);
        let label = label
            .as_ref()
            .map_or("the service", |up| &*up.endpoint.label);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        OwnAnswer::new(status, reason, format!("{label} {what}"))
            .response(self.json, self.head.version)
    }

    /// Whether it was the client that did not wait: it allowed less than a try may take, and nothing
    /// else went wrong. A client that allows a whole try has seen a failure.
    fn gave_up(&self, failure: Failure) -> bool {
        let waited = matches!(failure, Failure::Timeout | Failure::ConnectTimeout);
        waited && self.impatient && self.ticket.failures() <= 1
    }

    /// The client's own deadline ran out: it says nothing about the service.
    fn give_up(mut self) -> Response<Delivery> {
        self.ticket.phase = Phase::Wait;
        self.ticket.status = 504;
        self.ticket.settle(Outcome::Cancelled, Who::Client);
        OwnAnswer::new(
            StatusCode::GATEWAY_TIMEOUT,
            "client/wait",
            "no answer within the time that the request allowed",
        )
        .response(self.json, self.head.version)
    }

    /// The client's body did not come within the route's time.
    fn refuse_slow_body(mut self) -> Response<Delivery> {
        self.ticket.phase = Phase::Send;
        let mut answer = OwnAnswer::new(
            StatusCode::REQUEST_TIMEOUT,
            "client/body",
            "the request body did not arrive within the route's time",
        );
        answer.close = true;
        refuse(&mut self.ticket, answer).response(self.json, self.head.version)
    }

    /// The client's body was the reason.
    fn refuse_body(mut self, broken: BodyFailure) -> Response<Delivery> {
        self.ticket.phase = Phase::Send;
        let size_max = self.client.plan().map_or(0, |plan| plan.limits.body_size.0);
        let refusal = self.client.pulse.refusal();
        let answer = match (broken, refusal) {
            (BodyFailure::TooLarge, _) => refuse(&mut self.ticket, too_large(size_max)),
            (_, Some(refusal)) => {
                let status = StatusCode::from_u16(refusal.status());
                let status = status.unwrap_or(StatusCode::BAD_REQUEST);
                let mut answer = OwnAnswer::new(status, "client/body", refusal.explanation());
                answer.close = true;
                refuse(&mut self.ticket, answer)
            }
            // Nobody is there to read the answer.
            (_, None) => {
                self.ticket.settle(Outcome::Cancelled, Who::Client);
                OwnAnswer::new(StatusCode::BAD_REQUEST, "client/body", "the body broke off")
            }
        };
        answer.response(self.json, self.head.version)
    }
}

fn set_upgrade(headers: &mut HeaderMap, protocol: Option<HeaderValue>) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    if let Some(protocol) = protocol {
        headers.insert(UPGRADE, protocol);
    }
}

/// Path and query only, as an endpoint expects it (RFC 9112, section 3.2.1).
fn origin_form(uri: &Uri, method: &Method) -> Uri {
    if uri.authority().is_none() && uri.scheme().is_none() {
        return uri.clone();
    }
    match uri.path_and_query() {
        Some(target) if !(target.as_str() == "*" && *method != Method::OPTIONS) => {
            Uri::from(target.clone())
        }
        _ => Uri::from_static("/"),
    }
}
