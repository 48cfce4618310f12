//! Attempts until one succeeds or none may follow.

use std::borrow::Cow;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::future::poll_immediate;
use http::header::HOST;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Response, StatusCode, Uri, Version};
use ninefold_core::balance::again_after;
use ninefold_core::ejection::{Risk, Testimony};
use ninefold_core::policy::deadline::GrpcTimeout;
use ninefold_core::policy::{Criticality, Rejected};
use tokio::time::{Instant, sleep_until};

use super::form::Form;
use super::headers::FAULT;
use super::hedge::Tried;
use super::intake::Intake;
use super::ticket::Phase;
use super::{Delivery, Ticket};
use crate::choice::{Ask, hash_key};
use crate::fallback::Fallback;
use crate::http1::{Added, RequestHead};
use crate::plan::{RoutePlan, ServicePlan};
use crate::upstream::{Answer, Attempt, Failure, Sent, Upstream};

/// Dead kept connections that one request may meet before that counts as a failure.
const STALE_MAX: u32 = 2;

/// One request on its route.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) ticket: Ticket,
    /// The head as endpoints get it.
    pub(super) head: Parts,
    /// What the gateway adds to it.
    pub(super) added: Added,
    pub(super) route: usize,
    /// Index of the service that is asked.
    pub(super) service: usize,
    /// Until when that one may take, and the end of the request's whole time.
    pub(super) deadline: Instant,
    pub(super) end: Instant,
    /// Whether the client allows less than the route gives a single try.
    pub(super) impatient: bool,
    pub(super) idempotent: bool,
    pub(super) criticality: Criticality,
    pub(super) intake: Option<Rc<Intake>>,
    pub(super) upgrade: Option<HeaderValue>,
    pub(super) form: Form,
    /// Index of the service that gets a copy.
    pub(super) mirror: Option<usize>,
    /// Whether it is such a copy: it is sent once, and is no load that a retry budget grows by.
    pub(super) is_copy: bool,
    /// The endpoint that it is for, whoever the balancer would choose.
    pub(super) meant: Option<Rc<Upstream>>,
}

/// What the attempts of one request leave behind.
#[derive(Default)]
pub(super) struct Past {
    tried: Vec<Rc<Upstream>>,
    pub(super) attempts: u32,
    stale: u32,
    /// The endpoint whose kept connection was dead: tried again on a new one.
    again: Option<Rc<Upstream>>,
    last: Option<Failure>,
}

/// How asking a service ended.
pub(super) type Ended = Result<Answer, Unanswered>;

/// Why there is no answer to pass on.
pub(super) enum Unanswered {
    /// The gateway did not ask it: it has more to do than it can, or fails.
    Refused(Rejected),
    /// Its client's, or tenant's, share of the route is used up.
    Exceeded,
    /// No endpoint is up.
    Unavailable,
    /// So the last attempt failed.
    Failed(Failure),
}

impl Exchange {
    /// Attempts, and the final answer.
    pub(super) async fn run(self: Box<Self>) -> Response<Delivery> {
        let caches = &self.ticket.client.worker.hub.caches;
        match caches.of(self.route).map(Arc::clone) {
            None => {
                let began = Instant::from_std(self.ticket.began());
                self.run_without(began).await
            }
            // In a box of its own, so that it does not make every request's future larger.
            Some(cache) => Box::pin(self.run_with(cache)).await,
        }
    }

    /// As [`Exchange::run`], without a cache.
    pub(super) async fn run_without(mut self: Box<Self>, now: Instant) -> Response<Delivery> {
        let ended = self.ask(now).await;
        self.settle(ended).await
    }

    /// The final answer, the service's or that of a fallback.
    pub(super) async fn settle(mut self: Box<Self>, ended: Ended) -> Response<Delivery> {
        match self.fallback(&ended) {
            None => self.conclude(ended),
            Some((cause, Fallback::Fixed(fixed))) => self.stand_in(cause, fixed),
            // Seldom: it has a box, too.
            Some((cause, Fallback::Service(service))) => {
                Box::pin(self.instead(ended, cause, service)).await
            }
        }
    }

    /// Asks the service, from `now` on, or from when it has a place for the request.
    pub(super) async fn ask(&mut self, mut now: Instant) -> Ended {
        self.take_share()?;
        let (asked, mut waited) = (now, false);
        let admitted = {
            let mut admission = pin!(self.admit(now));
            match poll_immediate(admission.as_mut()).await {
                Some(admitted) => admitted,
                None => {
                    self.ticket.phase.set(Phase::Queue);
                    let admitted = admission.await;
                    now = Instant::now();
                    waited = true;
                    admitted
                }
            }
        };
        if waited {
            self.queued(now - asked, admitted.is_ok());
        }
        let admitted = admitted.map_err(Unanswered::Refused)?;
        let answered = self.answer(now).await;
        self.give_back(admitted, &answered);
        self.compare(&answered);
        self.copy_for(&answered);
        self.shadow(&answered, now);
        answered
    }

    /// Takes note of how a service did beside its canary, or the canary beside it.
    fn compare(&self, answered: &Ended) {
        let hub = &self.ticket.client.worker.hub;
        let split = hub.splits.get(self.route).and_then(Option::as_ref);
        let (Some(split), Some(route)) = (split, hub.plan.routes.get(self.route)) else {
            return;
        };
        let canary = route.canary == Some(self.service);
        let failed = match answered {
            Ok(answer) => Some(answer.testimony == Testimony::Against),
            Err(Unanswered::Failed(failure)) => (!self.is_of_client(*failure)).then_some(true),
            Err(Unanswered::Unavailable) => Some(true),
            Err(Unanswered::Refused(_) | Unanswered::Exceeded) => None,
        };
        if let Some(failed) = failed.filter(|_| canary || self.service == route.service) {
            split.count(canary, failed);
        }
    }

    /// Tells the client how it ended.
    pub(super) fn conclude(self: Box<Self>, ended: Ended) -> Response<Delivery> {
        let mark = self.ticket.fault_mark();
        let response = match ended {
            Ok(answer) => return self.deliver(answer),
            Err(Unanswered::Failed(failure)) => self.fail(failure),
            Err(Unanswered::Unavailable) => self.unavailable(),
            Err(Unanswered::Refused(rejected)) => self.refused(rejected),
            Err(Unanswered::Exceeded) => self.exceeded(),
        };
        with_mark(response, mark)
    }

    pub(super) async fn answer(&mut self, mut now: Instant) -> Ended {
        let client = Rc::clone(&self.ticket.client);
        let (worker, hub) = (&client.worker, &client.worker.hub);
        let Some((route, service)) = hub.plan.target(self.route, self.service) else {
            return Err(Unanswered::Unavailable);
        };
        if !self.is_copy {
            worker.deposit(self.route, hub.clock.at(now.into_std()));
        }
        let mut past = Past {
            again: self.meant.take(),
            ..Past::default()
        };
        loop {
            let Some(upstream) = self.next(route, &mut past, &mut now).await else {
                return Err(past
                    .last
                    .map_or(Unanswered::Unavailable, Unanswered::Failed));
            };
            self.ticket.upstream = Some(Rc::clone(&upstream));
            self.begin_attempt(now);
            let (upstream, result) = match self.hedge_after(&upstream, &past, now) {
                None => {
                    let added = &self.added;
                    let attempt = self.attempt(route, service, &upstream, &past, added, now);
                    let result = attempt.await;
                    (upstream, result)
                }
                // Boxed, so that those who do not ask for it do not carry it.
                Some(after) => {
                    let both = self.hedged((route, service), upstream, &past, now, after);
                    let tried = Box::pin(both).await;
                    self.take_note(&tried, &mut past);
                    (tried.upstream, tried.result)
                }
            };
            past.attempts += 1;
            match result {
                Ok(answer) => {
                    if answer.testimony == Testimony::Against {
                        self.ticket.failed_at(&upstream);
                    }
                    let again = answer.curable || self.reads() && is_bad(&answer);
                    if !again || !self.may_repeat(route, &past, Sent::Maybe) {
                        return Ok(answer);
                    }
                    past.tried.push(upstream);
                }
                Err(failure @ Failure::Stale(sent))
                    if past.stale < STALE_MAX && self.safe(sent) =>
                {
                    past.stale += 1;
                    past.last = Some(failure);
                    past.again = Some(upstream);
                }
                Err(failure) => {
                    if !matches!(failure, Failure::RequestBody | Failure::Full) {
                        self.ticket.failed_at(&upstream);
                    }
                    past.tried.push(upstream);
                    past.last = Some(failure);
                    if !self.may_repeat(route, &past, failure.sent()) {
                        return Err(Unanswered::Failed(failure));
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
        let worker = &self.ticket.client.worker;
        let ask = self.asks(route, *now);
        let (upstream, fresh) = worker.choose(self.service, &past.tried, ask)?;
        if !fresh {
            // The same one again: it gets a moment.
            let wait = again_after(past.tried.len(), worker.unit());
            sleep_until(self.deadline.min(*now + wait)).await;
            *now = Instant::now();
        }
        Some(upstream)
    }

    /// One more attempt begins.
    fn begin_attempt(&mut self, now: Instant) {
        self.ticket.attempts += 1;
        let mut added = std::mem::replace(&mut self.added, Added::none());
        self.announce_deadline(&mut added, now);
        self.added = added;
        self.ticket.phase.set(Phase::Wait);
    }

    /// What a hedge leaves behind besides its result.
    fn take_note(&mut self, tried: &Tried, past: &mut Past) {
        let more = tried.attempts.saturating_sub(1);
        self.ticket.attempts += more;
        past.attempts += more;
        self.ticket.upstream = Some(Rc::clone(&tried.upstream));
        if let Some(failed) = &tried.failed {
            self.ticket.failed_at(failed);
            past.tried.push(Rc::clone(failed));
        }
    }

    /// What the choice of an endpoint depends on.
    pub(super) fn asks(&self, route: &RoutePlan, now: Instant) -> Ask {
        let client = &self.ticket.client;
        let hub = &client.worker.hub;
        let plan = hub.plan.services.get(self.service);
        Ask {
            now: hub.clock.at(now.into_std()),
            at: now,
            risk: match (self.idempotent && route.retry.is_some(), self.may_hedge()) {
                (true, true) => Risk::None,
                (true, false) => Risk::Delay,
                (false, _) => Risk::Failure,
            },
            key: plan.and_then(|plan| {
                let head = Some((&self.head, &self.added));
                hash_key(&plan.balance, client.peer.ip(), head)
            }),
        }
    }

    pub(super) async fn attempt(
        &self,
        route: &RoutePlan,
        service: &ServicePlan,
        upstream: &Rc<Upstream>,
        past: &Past,
        added: &Added,
        now: Instant,
    ) -> Result<Answer, Failure> {
        // HTTP/1.0 knows no Host, an endpoint of HTTP/1.1 insists on it.
        let lacks_host =
            self.head.version == Version::HTTP_10 && !self.head.headers.contains_key(HOST);
        let host = lacks_host
            .then(|| HeaderValue::try_from(upstream.endpoint.address.authority()).ok())
            .flatten();
        let client = &self.ticket.client;
        let instance = &upstream.endpoint.instance;
        let headers = &self.head.headers;
        let faults = &client.worker.hub.faults;
        let draw = || client.worker.unit();
        let strike = faults.strike(instance, (headers, added), now.into_std(), draw);
        // So that everybody behind the gateway knows of it, too.
        let marked = strike.as_ref().map(|strike| {
            self.ticket.struck(&strike.injected);
            let mut headers = headers.clone();
            headers.insert(FAULT, strike.injected.mark.clone());
            headers
        });
        let attempt = Attempt {
            hub: &self.ticket.client.worker.hub,
            upstream,
            head: RequestHead {
                method: &self.head.method,
                target: &origin_form(&self.head.uri, &self.head.method),
                headers: marked.as_ref().unwrap_or(headers),
                added,
                host: host.as_ref(),
                // HTTP/2 has no such thing.
                upgrade: self.upgrade.as_ref().filter(|_| !service.http2),
                body: None,
            },
            intake: self.intake.as_ref(),
            reuse: past.stale == 0,
            careful: !self.idempotent,
            began: now,
            connect_timeout: service.connect_timeout,
            http2: service.http2,
            tls: service.tls.as_deref(),
            grpc: self.form.is_grpc(),
            try_timeout: route.try_timeout,
            pause_max: self.ticket.client.pause_max(),
            deadline: self.deadline,
            strike,
        };
        match attempt.run().await {
            Ok(answer)
                if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS
                    && self.upgrade.is_none() =>
            {
                Err(Failure::Reset)
            }
            answered => answered,
        }
    }

    /// Tells the endpoint how much time is left.
    pub(super) fn announce_deadline(&self, added: &mut Added, now: Instant) {
        let left = self.deadline.saturating_duration_since(now);
        let millis = self.ticket.client.worker.millis(self.route, left);
        added.set("x-deadline-ms", millis);
        if self.form.is_grpc()
            && let Ok(left) = HeaderValue::try_from(GrpcTimeout(left).to_string())
        {
            added.set("grpc-timeout", left);
        }
    }

    /// Whether it only reads: then any failure of an endpoint may be cured by another one.
    pub(super) fn reads(&self) -> bool {
        self.head.method.is_safe()
    }

    /// Whether the request may be sent again as far as its effect and its body are concerned.
    pub(super) fn safe(&self, sent: Sent) -> bool {
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
        let Some(retry) = route.retry.as_ref().filter(|_| !self.is_copy) else {
            return false;
        };
        let attempts = past.attempts.saturating_sub(past.stale);
        if attempts >= retry.attempts || !self.safe(sent) {
            return false;
        }
        let worker = &self.ticket.client.worker;
        let allowed = worker.withdraw(self.route, worker.hub.clock.now());
        self.ticket.retried(allowed);
        allowed
    }
}

/// Says in an answer that a fault was injected into its request.
pub(super) fn with_mark<B>(mut response: Response<B>, mark: Option<HeaderValue>) -> Response<B> {
    if let Some(mark) = mark {
        response.headers_mut().insert(FAULT, mark);
    }
    response
}

/// Whether an answer speaks against its endpoint.
fn is_bad(answer: &Answer) -> bool {
    answer.testimony == Testimony::Against
}

/// Path and query only, as an endpoint expects it (RFC 9112, section 3.2.1).
pub(super) fn origin_form<'a>(uri: &'a Uri, method: &Method) -> Cow<'a, str> {
    match uri.path_and_query().map(PathAndQuery::as_str) {
        Some("*") if *method == Method::OPTIONS => "*".into(),
        Some(target) if target.starts_with('/') => target.into(),
        // An absolute target without a path may have a query.
        Some(query) if query.starts_with('?') => format!("/{query}").into(),
        _ => "/".into(),
    }
}
