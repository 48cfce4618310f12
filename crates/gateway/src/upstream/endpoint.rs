//! One endpoint on one thread.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::balance::PeakEwma;
use ninefold_core::ejection::{EjectionRules, Risk, bucket};
use ninefold_core::time::Timestamp;
use tokio::time::Instant;

use super::http1::Http1;
use super::sessions::Sessions;
use crate::fleet::{Endpoint, Hub};
use crate::meter::{EndpointCells, add};

/// Connections kept at most per endpoint and thread.
const KEPT_MAX: usize = 256;

/// How long a connection is kept without a request.
const KEPT_FOR: Duration = Duration::from_secs(30);

/// An endpoint with this thread's connections to it.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) endpoint: Arc<Endpoint>,
    /// Index of its service.
    pub(crate) service: usize,
    thread: usize,
    /// The last one that was used is at the end and is used first: the others may grow old.
    #[expect(
        clippy::vec_box,
        reason = "a box goes from hand to hand, what is in it stays"
    )]
    kept: RefCell<Vec<Box<Http1>>>,
    /// Connections whose requests do not wait for each other.
    pub(super) sessions: Sessions,
    in_flight: Cell<u32>,
    latency: Cell<PeakEwma>,
    failed_at: Cell<Timestamp>,
    /// When its last canary was sent.
    canary_at: Cell<Timestamp>,
    /// Requests that wait for the head of their answer, and since when it is silent.
    waiting: Cell<u32>,
    silent_since: Cell<Instant>,
    /// Whether it is just being asked for its load.
    pub(super) is_asked: Cell<bool>,
    /// How many requests had been drawn for its service when it was drawn last.
    drawn_at: Cell<u64>,
    /// Which one of its service's it is in this thread's view.
    position: Cell<usize>,
    /// Idle connections that this thread may keep.
    kept_max: usize,
}

impl Upstream {
    pub(crate) fn new(endpoint: Arc<Endpoint>, service: usize, thread: usize, hub: &Hub) -> Self {
        let limit = hub
            .plan
            .services
            .get(service)
            .and_then(|plan| plan.connections);
        // What one thread keeps for nothing, the others lack.
        let share = limit.map(|limit| limit as usize / hub.threads.max(1));
        Self {
            kept_max: share.map_or(KEPT_MAX, |share| share.clamp(1, KEPT_MAX)),
            endpoint,
            service,
            thread,
            kept: RefCell::default(),
            sessions: Sessions::default(),
            in_flight: Cell::new(0),
            latency: Cell::default(),
            failed_at: Cell::default(),
            canary_at: Cell::default(),
            waiting: Cell::new(0),
            silent_since: Cell::new(Instant::now()),
            is_asked: Cell::new(false),
            drawn_at: Cell::new(0),
            position: Cell::new(usize::MAX),
        }
    }

    pub(crate) fn stand_at(&self, position: usize) {
        self.position.set(position);
    }

    pub(crate) const fn position(&self) -> usize {
        self.position.get()
    }

    /// This thread's counters.
    pub(crate) fn cells(&self) -> Option<&EndpointCells> {
        self.endpoint.cells.get(self.thread)
    }

    /// Requests under way to it, answers being read included.
    pub(crate) const fn load(&self) -> u32 {
        self.in_flight.get()
    }

    pub(super) fn begin(&self) {
        self.in_flight.set(self.in_flight.get().saturating_add(1));
    }

    pub(super) fn end(&self) {
        self.in_flight.set(self.in_flight.get().saturating_sub(1));
    }

    /// An attempt begins to wait.
    pub(super) fn ask(&self, now: Instant) {
        if self.waiting.replace(self.waiting.get().saturating_add(1)) == 0 {
            self.silent_since.set(now);
        }
    }

    /// An attempt waits no longer.
    pub(super) fn leave(&self) {
        self.waiting.set(self.waiting.get().saturating_sub(1));
    }

    /// It gave an answer, be it good or bad.
    pub(super) fn heard(&self, now: Instant) {
        self.silent_since.set(now);
    }

    /// Its latency as the balancer sees it: at least as long as it is silent while it is waited for.
    pub(crate) fn latency_ns(&self, now: Timestamp, at: Instant) -> f64 {
        let stalled = match self.waiting.get() {
            0 => Duration::ZERO,
            _ => at.saturating_duration_since(self.silent_since.get()),
        };
        self.latency.get().at_least(now, stalled)
    }

    /// It was drawn, as this one of its service's requests.
    pub(crate) fn draw(&self, number: u64) {
        self.drawn_at.set(number);
    }

    /// How many of its service's requests were drawn since it was. One that never was begins to wait now.
    pub(crate) fn left_out_for(&self, drawn: u64) -> u64 {
        if self.drawn_at.get() == 0 {
            self.draw(drawn);
        }
        drawn.saturating_sub(self.drawn_at.get())
    }

    /// Whether it may be sent the copy of a request; notes that it is to be.
    pub(crate) fn takes_shadow(&self, now: Timestamp, pause: Duration) -> bool {
        self.waiting.get() == 0 && self.endpoint.takes_shadow(now, pause)
    }

    /// The copy of a request is sent to it.
    pub(crate) fn shadowed(&self) {
        if let Some(cells) = self.cells() {
            add(&cells.shadows, 1);
        }
    }

    /// It is back from an ejection, maybe: what it was ejected for is not held against it any more, or
    /// the balancer would go on leaving it out.
    pub(crate) fn forgive(&self) {
        if let Some(back) = self.endpoint.fate.back_since() {
            let mut ewma = self.latency.get();
            ewma.forget_before(back);
            self.latency.set(ewma);
        }
    }

    /// Whether one more request is to be the canary that tries it; notes that it was sent.
    pub(crate) fn takes_canary(
        &self,
        now: Timestamp,
        rules: &EjectionRules,
        unit: f64,
        risk: Risk,
    ) -> bool {
        let since = now.since(self.canary_at.get());
        let over = self.endpoint.fate.is_over(now);
        let due = rules.canary_due(unit, (risk, over), self.in_flight.get(), since);
        if due {
            self.canary_at.set(now);
        }
        due
    }

    /// An answer came.
    pub(super) fn observe(&self, now: Timestamp, latency: Duration) {
        let mut ewma = self.latency.get();
        ewma.observe(now, latency);
        self.latency.set(ewma);
    }

    /// An attempt is given up that had waited so long: its answer would have taken longer still.
    pub(crate) fn outrun(&self, now: Timestamp, waited: Duration) {
        self.observe(now, waited);
        if let Some(cell) = self
            .cells()
            .and_then(|cells| cells.answers.get(bucket(waited)))
        {
            add(cell, 1);
        }
    }

    /// An attempt failed.
    pub(super) fn penalise(&self, now: Timestamp, latency: Duration) {
        let mut ewma = self.latency.get();
        ewma.penalise(now, latency);
        self.latency.set(ewma);
        self.failed_at.set(now);
    }

    /// Whether its last attempts failed, this thread's not within `pause`, and none is under way.
    pub(crate) fn wants_trial(&self, now: Timestamp, pause: Duration) -> bool {
        self.endpoint.fate.troubled()
            && self.in_flight.get() == 0
            && now.since(self.failed_at.get()) >= pause
    }

    /// The kept connection that was used last. It may have died meanwhile.
    pub(super) fn take_kept(&self, now: Instant) -> Option<Box<Http1>> {
        let mut connection = self.kept.borrow_mut().pop()?;
        if now.saturating_duration_since(connection.idle_since) >= KEPT_FOR {
            // The others are older still.
            self.kept.borrow_mut().clear();
            return None;
        }
        connection.reused = true;
        Some(connection)
    }

    /// Keeps an idle connection.
    pub(super) fn keep(&self, mut connection: Box<Http1>) {
        let mut kept = self.kept.borrow_mut();
        if kept.len() < self.kept_max {
            connection.idle_since = Instant::now();
            kept.push(connection);
        }
    }

    /// Closes what died or was idle for too long.
    pub(crate) fn tidy(&self) {
        let now = Instant::now();
        self.kept.borrow_mut().retain_mut(|kept| {
            kept.is_alive() && now.saturating_duration_since(kept.idle_since) < KEPT_FOR
        });
        self.sessions.tidy(now, KEPT_FOR);
    }
}
