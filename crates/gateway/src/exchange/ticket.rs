//! The account of one request.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderValue;
use http::request::Parts;

use super::Client;
use super::intake::Intake;
use crate::access_log::Record;
use crate::cache::CacheResult;
use crate::fallback::FallbackCause;
use crate::fault::Injected;
use crate::isolation::{Leave, Share};
use crate::meter::{RouteCells, add};
use crate::request_end::RequestEnd;
use crate::trace_id::TraceId;
use crate::upstream::Upstream;

/// How a request ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Failed,
    Cancelled,
    Refused,
}

/// Who ended a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Client,
    Gateway,
    Upstream,
}

/// How far a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Head,
    Route,
    Queue,
    Connect,
    Send,
    Wait,
    Body,
    Done,
}

impl Outcome {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        }
    }
}

impl Who {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Gateway => "gateway",
            Self::Upstream => "upstream",
        }
    }
}

impl Phase {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Route => "route",
            Self::Queue => "queue",
            Self::Connect => "connect",
            Self::Send => "send",
            Self::Wait => "wait",
            Self::Body => "body",
            Self::Done => "done",
        }
    }
}

/// Counts a request exactly once: as it is settled, or as cancelled if it is dropped before.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) client: Rc<Client>,
    /// Index of the route; `usize::MAX` for none.
    route: usize,
    began: Instant,
    /// How far it has come; a cell, as it changes while what is asked for borrows the request.
    pub(crate) phase: Cell<Phase>,
    pub(crate) status: u16,
    pub(crate) attempts: u32,
    /// Of a connection without requests; those of a request's body are the intake's to know.
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) intake: Option<Rc<Intake>>,
    /// The endpoint of the last attempt.
    pub(crate) upstream: Option<Rc<Upstream>>,
    /// Endpoints with a failed attempt; mostly none.
    failed_at: Vec<Rc<Upstream>>,
    /// How long it waited for a place at its service.
    pub(super) queued: Duration,
    fallback: Option<FallbackCause>,
    cache: Option<CacheResult>,
    /// Its place among those of its client or tenant.
    pub(super) share: Option<Share>,
    /// Leave of its service's breaker, as long as its end has a word to say.
    pub(super) leave: Option<Leave>,
    /// The first fault that was injected into it.
    fault: OnceCell<Arc<Injected>>,
    /// Whether no client waits for it: nothing is counted but at the endpoint.
    behind: bool,
    settled: bool,
    /// Its trace, if that is recorded.
    trace: Option<TraceId>,
    record: Option<Box<Record>>,
}

impl Ticket {
    /// A request's head arrived.
    pub(crate) fn begin(client: &Rc<Client>) -> Self {
        client.pulse.begin();
        Self::new(client)
    }

    /// Of a request of the gateway's own, for which no client waits.
    pub(super) fn behind(client: &Rc<Client>) -> Self {
        let mut ticket = Self::new(client);
        ticket.behind = true;
        ticket
    }

    fn new(client: &Rc<Client>) -> Self {
        Self {
            client: Rc::clone(client),
            route: usize::MAX,
            began: Instant::now(),
            phase: Cell::new(Phase::Head),
            status: 0,
            attempts: 0,
            bytes_in: 0,
            bytes_out: 0,
            intake: None,
            upstream: None,
            failed_at: Vec::new(),
            queued: Duration::ZERO,
            fallback: None,
            cache: None,
            share: None,
            leave: None,
            fault: OnceCell::new(),
            behind: false,
            settled: false,
            trace: None,
            record: None,
        }
    }

    /// It belongs to this route, or to none.
    pub(crate) fn route(&mut self, route: Option<usize>) {
        self.route = route.unwrap_or(usize::MAX);
        self.phase.set(Phase::Route);
        if let Some(cells) = self.cells() {
            add(&cells.requests, 1);
        }
    }

    /// Begins a line of the access log, where one is kept.
    pub(super) fn describe(&mut self, parts: &Parts) {
        if self.client.worker.hub.logs.kept(self.client.listener) {
            self.record = Some(Box::new(Record::new(parts, self.client.peer)));
        }
    }

    /// The ids for the access log, and for exemplars.
    pub(super) fn identify(&mut self, id: &HeaderValue, trace: &HeaderValue) {
        self.trace = TraceId::sampled(trace.as_bytes());
        if let Some(record) = &mut self.record {
            record.identify(id, trace);
        }
    }

    pub(crate) const fn began(&self) -> Instant {
        self.began
    }

    /// An attempt at this endpoint failed.
    pub(crate) fn failed_at(&mut self, upstream: &Rc<Upstream>) {
        self.failed_at.push(Rc::clone(upstream));
    }

    /// How many attempts failed.
    pub(super) const fn failures(&self) -> usize {
        self.failed_at.len()
    }

    /// The head of the service's final answer came.
    pub(crate) fn answered(&mut self, status: u16, at: Instant) {
        self.status = status;
        self.phase.set(Phase::Body);
        let hub = &self.client.worker.hub;
        if let Some(Some(dimmer)) = hub.dimmers.get(self.route) {
            let took = at.saturating_duration_since(self.began);
            dimmer.observe(took, hub.clock.at(at));
        }
        if status < 500
            && self.fault.get().is_none()
            && let Some(cells) = self.cells()
        {
            let took = at.saturating_duration_since(self.began);
            cells.answer(ninefold_core::time::nanos(took), self.exemplar());
        }
    }

    /// What it takes to stand for others: a trace, and which second it is.
    fn exemplar(&self) -> Option<(&TraceId, u32)> {
        let trace = self.trace.as_ref()?;
        Some((trace, self.client.worker.second()))
    }

    /// The counters of its route.
    fn cells(&self) -> Option<&RouteCells> {
        let cells = self.client.worker.cells(self.route);
        cells.filter(|_| !self.behind)
    }

    /// A cache took part.
    pub(super) fn cached(&mut self, result: CacheResult) {
        self.cache = Some(result);
        if let Some(cells) = self.cells()
            && let Some(cell) = cells.cache.get(result as usize)
        {
            add(cell, 1);
        }
    }

    /// How a cache took part, if one did.
    pub(super) const fn cache(&self) -> Option<CacheResult> {
        self.cache
    }

    /// A fallback answers.
    pub(super) fn fell_back(&mut self, cause: FallbackCause) {
        self.fallback = Some(cause);
        if let Some(cells) = self.cells()
            && let Some(cell) = cells.fallbacks.get(cause as usize)
        {
            add(cell, 1);
        }
    }

    /// Why a fallback answers, if one does.
    pub(super) const fn fallback(&self) -> Option<FallbackCause> {
        self.fallback
    }

    /// The instance is told to leave the optional part of its answer out.
    pub(super) fn dimmed(&self) {
        if let Some(cells) = self.cells() {
            add(&cells.dimmed, 1);
        }
    }

    /// A fault was injected into an attempt.
    pub(super) fn struck(&self, fault: &Arc<Injected>) {
        // Others add nothing: it is marked already.
        if self.fault.set(Arc::clone(fault)).is_ok() && !self.behind {
            fault.hit();
        }
    }

    /// What marks the request as hit by a fault, if it was.
    pub(super) fn fault_mark(&self) -> Option<HeaderValue> {
        self.fault.get().map(|fault| fault.mark.clone())
    }

    /// Another attempt begins.
    pub(crate) fn retried(&self, allowed: bool) {
        if let Some(cells) = self.cells() {
            add(
                if allowed {
                    &cells.retries
                } else {
                    &cells.retries_denied
                },
                1,
            );
        }
    }

    /// It ended well. Only the first end counts.
    pub(crate) fn done(&mut self, who: Who) {
        self.settle(Outcome::Ok, who, None);
    }

    /// It ended otherwise. Only the first end counts.
    pub(crate) fn end(&mut self, end: RequestEnd) {
        if !self.settled {
            self.phase.set(end.phase());
        }
        self.settle(end.outcome(), end.who(), Some(end));
    }

    fn settle(&mut self, outcome: Outcome, who: Who, end: Option<RequestEnd>) {
        if std::mem::replace(&mut self.settled, true) || self.behind {
            return;
        }
        let reset = (outcome == Outcome::Cancelled).then(|| self.began.elapsed());
        self.client.ended(reset);
        let worker = &self.client.worker;
        let body = self.intake.take().map_or(0, |intake| intake.seen.get());
        let bytes_in = self.bytes_in + body;
        if let Some(cells) = self.cells() {
            let masked = outcome == Outcome::Ok && !self.failed_at.is_empty();
            add(&cells.masked, u64::from(masked));
            add(&cells.bytes_in, bytes_in);
            add(&cells.bytes_out, self.bytes_out);
            let cell = match outcome {
                Outcome::Ok => &cells.ok,
                Outcome::Failed => &cells.failed,
                Outcome::Cancelled => &cells.cancelled,
                Outcome::Refused => &cells.refused,
            };
            add(cell, 1);
            if let Some(end) = end {
                cells.end(end, self.exemplar());
                if self.failed_at.is_empty() {
                    count_unserved(cells, end);
                }
            }
            if let Some(fault) = self.fault.get() {
                fault.ended(outcome);
                add(&cells.injected, 1);
                add(
                    &cells.injected_failed,
                    u64::from(outcome == Outcome::Failed),
                );
            }
        }
        if !self.failed_at.is_empty() {
            self.blame(outcome, end);
        }
        if let Some(record) = self.record.take() {
            let endpoint = self.upstream.as_ref().map(|up| up.endpoint.label.clone());
            let route = worker.hub.plan.routes.get(self.route);
            let mut record = *record;
            record.route = route.map(|route| route.name.clone());
            record.endpoint = endpoint;
            record.attempts = self.attempts;
            record.status = self.status;
            record.bytes_in = bytes_in;
            record.bytes_out = self.bytes_out;
            record.reason = end.and_then(RequestEnd::reason);
            record.cause = end.map(RequestEnd::cause);
            record.queued = self.queued;
            record.fallback = self.fallback;
            record.cache = self.cache;
            record.fault = self.fault_mark();
            record.took = self.began.elapsed();
            record.end = (outcome, who, self.phase.get());
            worker
                .hub
                .logs
                .write(self.client.listener, record, worker.unit());
        }
    }

    /// Notes at each endpoint that failed whether the request was hurt or masked, once each.
    fn blame(&self, outcome: Outcome, end: Option<RequestEnd>) {
        let routes = &self.client.worker.hub.plan.routes;
        let Some(route) = routes.get(self.route) else {
            return;
        };
        for (index, upstream) in self.failed_at.iter().enumerate() {
            let before = self.failed_at.get(..index).unwrap_or_default();
            if before.iter().any(|earlier| Rc::ptr_eq(earlier, upstream)) {
                continue;
            }
            let slot = route.slot(upstream.service);
            let cells = upstream.cells().zip(slot);
            let Some(cells) = cells.and_then(|(cells, slot)| cells.impact.get(slot)) else {
                continue;
            };
            if outcome == Outcome::Ok {
                add(&cells.masked, 1);
            }
            let hurt = end.and_then(RequestEnd::failed);
            if let Some(cell) = hurt.and_then(|place| cells.hurt.get(place)) {
                add(cell, 1);
            }
        }
    }
}

/// Counts an end for which no endpoint was asked, as none might be.
fn count_unserved(cells: &RouteCells, end: RequestEnd) {
    let mut unserved = RequestEnd::UNSERVED.iter().zip(&cells.unserved);
    if let Some((_, cell)) = unserved.find(|(one, _)| **one == end) {
        add(cell, 1);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.end(RequestEnd::left(self.phase.get()));
        if !self.behind {
            self.client.pulse.end();
        }
    }
}
