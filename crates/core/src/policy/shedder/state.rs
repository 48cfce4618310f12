//! The load shedder itself.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::super::level::Level;
use super::super::queue::{Places, Queue, WaiterId, Waiting};
use super::super::sync::atomic::{AtomicU32, Ordering};
use super::super::{
    Admission, Change, Evictable, InvalidPolicy, Now, Outcome, PolicyKind, Reason, Rejected,
    RequestMeta, Source,
};
use super::LoadShedderConfig;
use super::service_time::ServiceTime;
use super::steering::Steering;
use crate::time::Timestamp;

/// What a server refuses so that it can answer the rest in time. See the [module](super).
///
/// ```
/// use ninefold_core::policy::queue::Waiting;
/// use ninefold_core::policy::{Admission, LoadShedder, LoadShedderConfig, Outcome, Permit, RequestMeta};
/// use ninefold_core::time::Timestamp;
///
/// let shedder = LoadShedder::new(LoadShedderConfig { max_concurrent_calls: 1, ..LoadShedderConfig::default() })?;
/// let (call, now) = (RequestMeta::default(), Timestamp::from_secs(1));
/// let mut room = shedder.room();
/// let running = Permit::acquire(&shedder, &call, now)?;
/// assert!(shedder.try_place(&call, now)?.is_none(), "taken");
/// let waiter = shedder.enter(&mut room, &call, now)?;
/// running.settle(Outcome::Success, now);
/// let (served, token) = shedder.next(&mut room, now).unwrap();
/// assert_eq!(served, waiter);
/// shedder.settle(token, Outcome::Success, now);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LoadShedder {
    places: Places,
    limit: AtomicU32,
    service: ServiceTime,
    steering: Steering,
    version: AtomicU32,
    config: Mutex<LoadShedderConfig>,
    source: Source,
}

/// One place at a [`LoadShedder`], since when.
#[derive(Debug)]
#[must_use = "a place that is not given back is lost"]
pub struct LoadShedderToken {
    started: Timestamp,
}

impl Default for LoadShedder {
    fn default() -> Self {
        Self::checked(LoadShedderConfig::default())
    }
}

impl LoadShedder {
    /// A load shedder with nobody inside.
    ///
    /// # Errors
    ///
    /// What [`LoadShedderConfig::validate`] says.
    pub fn new(config: LoadShedderConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::checked(config))
    }

    fn checked(config: LoadShedderConfig) -> Self {
        Self {
            places: Places::default(),
            limit: AtomicU32::new(config.max_concurrent_calls),
            service: ServiceTime::default(),
            steering: Steering::new(config.shedding),
            version: AtomicU32::new(0),
            config: Mutex::new(config),
            source: Source::default(),
        }
    }

    /// The same, with a name and a listener.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// Takes another configuration, and keeps what was learnt. A limit that was [set](Self::set_limit)
    /// stays unless `max_concurrent_calls` changed. Nobody loses a place.
    ///
    /// # Errors
    ///
    /// What [`LoadShedderConfig::validate`] says; then nothing has changed.
    pub fn reconfigure(&self, config: LoadShedderConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        let before = {
            let mut held = self.config.lock().unwrap_or_else(PoisonError::into_inner);
            let before = std::mem::replace(&mut *held, config);
            if before.shedding != config.shedding {
                self.steering.adopt(config.shedding);
            }
            self.version.fetch_add(1, Ordering::Release);
            before
        };
        if before.max_concurrent_calls != config.max_concurrent_calls {
            self.set_limit(config.max_concurrent_calls);
        }
        Ok(())
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> LoadShedderConfig {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets so many calls be under way, at least one: what an adaptive limiter has found. When that
    /// is more than before, a driver should call [`Waiting::next`].
    pub fn set_limit(&self, limit: u32) {
        let limit = limit.max(1);
        let before = self.limit.swap(limit, Ordering::Relaxed);
        if before != limit {
            self.source.emit(Self::KIND, || Change::Level {
                what: "limit",
                from: f64::from(before),
                to: f64::from(limit),
            });
        }
    }

    /// How many calls may be under way.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.load(Ordering::Relaxed)
    }

    /// How many calls are under way.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.places.taken()
    }

    /// How long a call usually takes; zero while nothing is known.
    #[must_use]
    pub fn service_time(&self) -> Duration {
        self.service.get()
    }

    /// The share of calls refused before they wait; 0 without a PID.
    #[must_use]
    pub fn shed_share(&self) -> f64 {
        self.steering.share()
    }

    /// What is let in at present; everything without a PID.
    #[must_use]
    pub fn level(&self) -> Level {
        self.steering.level()
    }

    /// The checks that need no place.
    #[inline]
    fn check(&self, request: &RequestMeta, now: Timestamp) -> Result<(), Rejected> {
        if request.deadline.is_some_and(|deadline| deadline <= now) {
            let late = Rejected::new(Self::KIND, Reason::DeadlineExceeded);
            return Err(self.refused(late.for_good()));
        }
        if self.steering.refuses() && self.places.waiting() == 0 {
            self.steering.observe(Duration::ZERO, now, &self.source);
        }
        if self.steering.admits(request) {
            Ok(())
        } else {
            Err(self.refused(Rejected::new(Self::KIND, Reason::Shed)))
        }
    }

    /// Brings a room up to date, and the controller.
    fn look_at(&self, room: &mut Queue, now: Timestamp) {
        let version = self.version.load(Ordering::Acquire);
        if room.version() != version {
            room.adopt(self.config().queue(), version);
        }
        room.expect(self.service.get(), self.limit());
        self.steering.observe(room.delay(now), now, &self.source);
    }

    #[cold]
    fn refused(&self, rejected: Rejected) -> Rejected {
        self.source.emit(Self::KIND, || Change::Rejected(rejected));
        rejected
    }
}

impl Evictable for LoadShedder {
    fn is_idle(&self, _now: Timestamp) -> bool {
        self.places.is_empty()
    }

    fn is_healthy(&self, _now: Timestamp) -> bool {
        !self.steering.refuses()
    }
}

impl Admission for LoadShedder {
    type Token = LoadShedderToken;

    const KIND: PolicyKind = PolicyKind::LoadShedder;

    #[inline]
    fn try_acquire(
        &self,
        request: &RequestMeta,
        now: impl Now,
    ) -> Result<LoadShedderToken, Rejected> {
        self.try_place(request, now)?
            .ok_or_else(|| self.refused(Rejected::new(Self::KIND, Reason::Full)))
    }

    #[inline]
    fn settle(&self, token: LoadShedderToken, outcome: Outcome, now: impl Now) {
        self.places.give_back();
        let mut took = None;
        // What fails fast says nothing about how long an answer takes.
        let answered = matches!(outcome, Outcome::Success | Outcome::Slow);
        if answered || self.source.is_heard() {
            took = Some(now.now().since(token.started));
        }
        if let Some(took) = took.filter(|_| answered) {
            self.service.learn(took);
        }
        self.source
            .emit(Self::KIND, || Change::Settled(outcome, took));
    }

    #[inline]
    fn cancel(&self, _: LoadShedderToken) {
        self.places.give_back();
        self.source.emit(Self::KIND, || Change::Cancelled);
    }
}

impl Waiting for LoadShedder {
    fn room(&self) -> Queue {
        let version = self.version.load(Ordering::Acquire);
        Queue::checked(Self::KIND, self.config().queue(), version)
    }

    #[inline]
    fn try_place(
        &self,
        request: &RequestMeta,
        now: impl Now,
    ) -> Result<Option<LoadShedderToken>, Rejected> {
        let started = now.now();
        self.check(request, started)?;
        Ok(self
            .places
            .take(self.limit())
            .then_some(LoadShedderToken { started }))
    }

    fn enter(
        &self,
        room: &mut Queue,
        request: &RequestMeta,
        now: Timestamp,
    ) -> Result<WaiterId, Rejected> {
        self.look_at(room, now);
        let entered = self.places.with(room, |room| room.enter(request, now));
        entered.map_err(|rejected| self.refused(rejected))
    }

    fn next(&self, room: &mut Queue, now: Timestamp) -> Option<(WaiterId, LoadShedderToken)> {
        self.look_at(room, now);
        let id = self.places.next(room, self.limit(), now)?;
        Some((id, LoadShedderToken { started: now }))
    }

    fn expire(&self, room: &mut Queue, now: Timestamp) -> Option<(WaiterId, Rejected)> {
        self.look_at(room, now);
        let (id, rejected) = self.places.with(room, |room| room.expire(now))?;
        Some((id, self.refused(rejected)))
    }

    fn leave(&self, room: &mut Queue, id: WaiterId) -> bool {
        self.places.with(room, |room| room.leave(id))
    }

    #[inline]
    fn waiting(&self) -> u32 {
        self.places.waiting()
    }
}
