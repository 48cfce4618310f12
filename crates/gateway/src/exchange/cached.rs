//! Requests on a route with a cache.

use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::{AGE, TRAILER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use ninefold_core::policy::Criticality;
use ninefold_core::time::{Timestamp, nanos};
use tokio::time::Instant;

use super::answer::OwnAnswer;
use super::form::Form;
use super::gather::{Gathered, count_broken, gather};
use super::headers::strip_hop_by_hop;
use super::notable::Notable;
use super::perform::{Ended, Exchange, Unanswered, with_mark};
use super::ticket::{Phase, Who};
use super::{Delivery, Ticket};
use crate::cache::{
    Asked, CacheResult, Conditions, Entry, Found, Join, Leader, RouteCache, State, judge,
};
use crate::http1::Added;
use crate::request_end::RequestEnd;
use crate::upstream::{Answer, Connection, Failure};

/// What a cache did (RFC 9211).
pub(super) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What a request finds in a cache.
enum Finding {
    /// An answer that is good enough.
    Good(Arc<Entry>, State),
    /// It has to ask the service: for itself alone or for all, perhaps with an answer that is kept
    /// for the worst.
    Ask(Option<Leader>, Option<(Arc<Entry>, State)>),
    /// It asks the service as it is.
    Pass,
}

/// What asking the service for an answer that may be kept came to.
enum Fetched {
    /// One that is kept now.
    Kept(Arc<Entry>, CacheResult),
    /// One that is only to be passed on, with what was read of its body.
    PassOn(Answer, Option<bytes::Bytes>),
    /// None.
    Nothing(Ended),
}

impl Exchange {
    /// As [`Exchange::run`], with a cache.
    pub(super) async fn run_with(
        mut self: Box<Self>,
        cache: Arc<RouteCache>,
    ) -> Response<Delivery> {
        // What answers depend on may be among what was added.
        self.added.settle_in(&mut self.head.headers);
        let https = self.ticket.client.plan().is_some_and(|plan| plan.tls);
        let asked = Asked::of(&self.head, https)
            .filter(|_| self.intake.is_none() && self.upgrade.is_none());
        let Some(asked) = asked else {
            self.ticket.cached(CacheResult::Bypass);
            return self.run_without(Instant::now()).await;
        };
        let (leader, last, conditions) = match self.find(&cache, &asked).await {
            Finding::Good(entry, state) => {
                if state == State::Behind {
                    self.renew_behind(&cache, &asked, &entry);
                }
                let result = match state {
                    State::Fresh => CacheResult::Hit,
                    _ => CacheResult::Stale,
                };
                let conditions = Conditions::take(&mut self.head.headers);
                return self.give(&asked, &entry, &conditions, result);
            }
            Finding::Ask(leader, last) => (leader, last, Conditions::take(&mut self.head.headers)),
            Finding::Pass => (None, None, Conditions::default()),
        };
        if asked.only_if_cached {
            return self.refuse_uncached();
        }
        let kept = last.as_ref().map(|(entry, _)| entry);
        match self.fetch(&cache, &asked, kept, leader).await {
            Fetched::Kept(entry, result) => self.give(&asked, &entry, &conditions, result),
            Fetched::PassOn(answer, begun) => {
                self.ticket.cached(CacheResult::Miss);
                self.deliver_from(answer, begun)
            }
            Fetched::Nothing(ended) => match last {
                Some((entry, State::OnError)) => {
                    drop(ended);
                    self.give(&asked, &entry, &conditions, CacheResult::Stale)
                }
                _ => {
                    self.ticket.cached(CacheResult::Miss);
                    if last.is_some() {
                        conditions.put_back(&mut self.head.headers);
                    }
                    self.settle(ended).await
                }
            },
        }
    }

    /// Looks, and waits once for another request that fetches the same.
    async fn find(&self, cache: &Arc<RouteCache>, asked: &Asked) -> Finding {
        let clock = self.ticket.client.worker.hub.clock;
        let mut waited = false;
        loop {
            let last = match cache.look(asked, &self.head.headers, clock.now()) {
                Found::Use(entry, state) => return Finding::Good(entry, state),
                // Whoever was waited for has got nothing.
                Found::Last(entry, State::OnError) if waited && !asked.no_cache() => {
                    return Finding::Good(entry, State::OnError);
                }
                Found::Last(entry, state) => Some((entry, state)),
                Found::Pass => return Finding::Pass,
                Found::Nothing => None,
            };
            if asked.head || asked.only_if_cached {
                return Finding::Ask(None, last);
            }
            match cache.join(&asked.key) {
                Join::Lead(leader) => return Finding::Ask(Some(leader), last),
                Join::Wait(waiter) if !waited => {
                    waited = true;
                    waiter.over(self.deadline).await;
                }
                Join::Wait(_) | Join::Full => return Finding::Ask(None, last),
            }
        }
    }

    /// Asks the service, and keeps what may be kept. The flight is over with it.
    async fn fetch(
        &mut self,
        cache: &Arc<RouteCache>,
        asked: &Asked,
        kept: Option<&Arc<Entry>>,
        leader: Option<Leader>,
    ) -> Fetched {
        let clock = self.ticket.client.worker.hub.clock;
        let began = Instant::now();
        let validates =
            !asked.head && kept.is_some_and(|kept| kept.validate(&mut self.head.headers));
        let ended = self.ask(began).await;
        let ended = match ended {
            Ok(answer) if answer.response.status().as_u16() < 500 => {
                let fetched = self.keep(cache, asked, kept.filter(|_| validates), answer, began);
                fetched.await
            }
            ended => Fetched::Nothing(ended),
        };
        // What one client may not have says nothing to the others.
        if let (Fetched::Nothing(nothing), Some(kept)) = (&ended, kept)
            && !self.impatient
            && !matches!(nothing, Err(Unanswered::Exceeded))
        {
            kept.failed(clock.now());
        }
        drop(leader);
        ended
    }

    /// Keeps an answer, if it may be.
    async fn keep(
        &mut self,
        cache: &Arc<RouteCache>,
        asked: &Asked,
        validated: Option<&Arc<Entry>>,
        mut answer: Answer,
        began: Instant,
    ) -> Fetched {
        let hub = Arc::clone(&self.ticket.client.worker.hub);
        let born = hub.clock.at(answer.at.into_std());
        let status = answer.response.status();
        let framed = answer.response.headers().contains_key(TRANSFER_ENCODING)
            || answer.lease.used().is_none_or(Connection::ends_clearly);
        let mut headers = answer.response.headers().clone();
        let notable = Notable::of(&headers);
        strip_hop_by_hop(&mut headers, notable);
        let took = answer.at.saturating_duration_since(began);
        let judge = |status: StatusCode, headers: &HeaderMap| {
            judge(
                &cache.rules,
                asked.personal,
                status.as_u16(),
                headers,
                took,
                wall(),
            )
        };
        if let Some(entry) = validated.filter(|_| status == StatusCode::NOT_MODIFIED) {
            let merged = entry.merged(&headers);
            let lifetimes = judge(entry.status, &merged);
            let confirmed = Arc::new(entry.confirmed(merged, lifetimes, born));
            match lifetimes {
                // What was injected confirms nothing.
                _ if self.ticket.fault_mark().is_some() => {}
                Some(_) => cache.insert(&confirmed),
                // Good for this once.
                None => cache.pass(&asked.key, hub.clock.now()),
            }
            answer.lease.give_back();
            return Fetched::Kept(confirmed, CacheResult::Revalidated);
        }
        if self.ticket.fault_mark().is_some() {
            // What was injected ends with its fault.
            return Fetched::PassOn(answer, None);
        }
        // One that breaks off is known by its length or its chunks only.
        let lifetimes = judge(status, &headers)
            .filter(|_| !asked.head && framed && !headers.contains_key(TRAILER));
        let begun = match lifetimes {
            Some(lifetimes) => match gather(&mut answer.lease, cache.body_max, self.end).await {
                Gathered::Whole(body) => {
                    if let Some(mut witness) = self.witness(&answer.lease, (status, &headers))
                        && witness.see(&body)
                    {
                        witness.cast();
                    }
                    let of = (status, &headers);
                    let request = &self.head.headers;
                    let entry = Entry::new(asked, request, of, body, lifetimes, born);
                    let entry = Arc::new(entry);
                    cache.insert(&entry);
                    answer.lease.give_back();
                    return Fetched::Kept(entry, CacheResult::Miss);
                }
                Gathered::Part(begun) => Some(begun),
                Gathered::Broken => {
                    count_broken(&hub, &answer.lease, "the answer broke off");
                    let upstream = Rc::clone(answer.lease.upstream());
                    self.ticket.failed_at(&upstream);
                    return Fetched::Nothing(Err(Unanswered::Failed(Failure::Reset)));
                }
            },
            None => None,
        };
        if !asked.head && !asked.personal && !status.is_server_error() {
            cache.pass(&asked.key, hub.clock.now());
        }
        Fetched::PassOn(answer, begun)
    }

    /// Renews an answer while the stale one is given.
    fn renew_behind(&self, cache: &Arc<RouteCache>, asked: &Asked, entry: &Arc<Entry>) {
        let client = &self.ticket.client;
        let hub = &client.worker.hub;
        let leader = cache.renew(entry, hub.clock.now());
        let (Some(leader), Some(route)) = (leader, hub.plan.routes.get(self.route)) else {
            return;
        };
        let mut head = self.head.clone();
        head.method = Method::GET;
        drop(Conditions::take(&mut head.headers));
        let end = Instant::now() + route.timeout;
        let mut exchange = Box::new(Self {
            ticket: Ticket::behind(client),
            head,
            added: Added::none(),
            route: self.route,
            service: route.service,
            deadline: end,
            end,
            impatient: false,
            idempotent: true,
            // Whoever has an answer already goes last.
            criticality: Criticality::Sheddable,
            intake: None,
            upgrade: None,
            form: Form::Text,
            mirror: None,
            is_copy: false,
            meant: None,
        });
        let mut asked = asked.clone();
        asked.head = false;
        let (cache, entry) = (Arc::clone(cache), Arc::clone(entry));
        drop(tokio::task::spawn_local(async move {
            let kept = Some(&entry);
            drop(exchange.fetch(&cache, &asked, kept, Some(leader)).await);
        }));
    }

    /// Answers with what is kept.
    fn give(
        mut self: Box<Self>,
        asked: &Asked,
        entry: &Entry,
        conditions: &Conditions,
        result: CacheResult,
    ) -> Response<Delivery> {
        let now = Instant::now();
        let at = self.ticket.client.worker.hub.clock.at(now.into_std());
        let not_modified = entry.status == StatusCode::OK && conditions.has(&entry.headers);
        let status = match not_modified {
            true => StatusCode::NOT_MODIFIED,
            false => entry.status,
        };
        let body = match not_modified {
            true => Delivery::Own(None),
            false => Delivery::own(entry.body.clone()),
        };
        let ticket = &mut self.ticket;
        ticket.cached(result);
        ticket.answered(status.as_u16(), now.into_std());
        ticket.phase.set(Phase::Done);
        if !asked.head && !not_modified {
            ticket.bytes_out = entry.body.len() as u64;
        }
        ticket.done(Who::Gateway);
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.clone_from(&entry.headers);
        headers.insert(AGE, HeaderValue::from(entry.age(at).as_secs()));
        let said = match result {
            CacheResult::Hit => format!("ninefold; hit; ttl={}", entry.ttl(at)),
            CacheResult::Stale if self.ticket.attempts == 0 => {
                format!("ninefold; hit; ttl={}", entry.ttl(at))
            }
            CacheResult::Stale => "ninefold; fwd=stale; detail=stale-if-error".to_owned(),
            CacheResult::Revalidated => "ninefold; fwd=stale; fwd-status=304".to_owned(),
            CacheResult::Miss | CacheResult::Bypass => "ninefold; fwd=miss; stored".to_owned(),
        };
        if let Ok(said) = HeaderValue::try_from(said) {
            headers.append(CACHE_STATUS, said);
        }
        with_mark(response, self.ticket.fault_mark())
    }

    /// The client wants nothing that is not kept (RFC 9111, section 5.2.1.7).
    fn refuse_uncached(mut self: Box<Self>) -> Response<Delivery> {
        self.ticket.cached(CacheResult::Bypass);
        self.ticket.status = StatusCode::GATEWAY_TIMEOUT.as_u16();
        self.ticket.end(RequestEnd::NotKept);
        OwnAnswer::new(
            StatusCode::GATEWAY_TIMEOUT,
            RequestEnd::NotKept,
            "no answer is kept, and the request wants no other",
        )
        .response(self.form, self.head.version)
    }
}

/// Now, by the calendar.
fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_nanos(nanos(since.unwrap_or_default()))
}
