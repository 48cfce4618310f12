//! The bulkhead itself.

use std::sync::{Mutex, PoisonError};

use super::super::queue::{Places, Queue, WaiterId, Waiting};
use super::super::sync::atomic::{AtomicU32, Ordering};
use super::super::{
    Admission, Change, Evictable, InvalidPolicy, Now, Outcome, PolicyKind, Reason, Rejected,
    RequestMeta, Source,
};
use super::BulkheadConfig;
use crate::time::Timestamp;

/// A bound on what is under way at once. See the [module](super).
#[derive(Debug)]
pub struct Bulkhead {
    places: Places,
    limit: AtomicU32,
    version: AtomicU32,
    config: Mutex<BulkheadConfig>,
    source: Source,
}

/// One place in a [`Bulkhead`].
#[derive(Debug)]
#[must_use = "a place that is not given back is lost"]
pub struct BulkheadToken(());

impl Default for Bulkhead {
    fn default() -> Self {
        Self::checked(BulkheadConfig::default())
    }
}

impl Bulkhead {
    /// A bulkhead with nobody inside.
    ///
    /// # Errors
    ///
    /// What [`BulkheadConfig::validate`] says.
    pub fn new(config: BulkheadConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::checked(config))
    }

    fn checked(config: BulkheadConfig) -> Self {
        Self {
            places: Places::default(),
            limit: AtomicU32::new(config.max_concurrent_calls),
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

    /// Takes another configuration. Nobody loses a place; with fewer places nobody new comes in
    /// until enough have left. With more, a driver should call [`Waiting::next`].
    ///
    /// # Errors
    ///
    /// What [`BulkheadConfig::validate`] says; then nothing has changed.
    pub fn reconfigure(&self, config: BulkheadConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        let before = {
            let mut held = self.config.lock().unwrap_or_else(PoisonError::into_inner);
            let before = std::mem::replace(&mut *held, config);
            self.limit
                .store(config.max_concurrent_calls, Ordering::Relaxed);
            self.version.fetch_add(1, Ordering::Release);
            before
        };
        if before.max_concurrent_calls != config.max_concurrent_calls {
            self.source.emit(PolicyKind::Bulkhead, || Change::Level {
                what: "max_concurrent_calls",
                from: f64::from(before.max_concurrent_calls),
                to: f64::from(config.max_concurrent_calls),
            });
        }
        Ok(())
    }

    /// Its configuration.
    #[must_use]
    pub fn config(&self) -> BulkheadConfig {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls are under way. More than the limit for a while after that was lowered.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.places.taken()
    }

    /// How many calls may be under way.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.load(Ordering::Relaxed)
    }

    #[cold]
    fn refused(&self, rejected: Rejected) -> Rejected {
        self.source
            .emit(PolicyKind::Bulkhead, || Change::Rejected(rejected));
        rejected
    }
}

impl Evictable for Bulkhead {
    fn is_idle(&self, _now: Timestamp) -> bool {
        self.places.is_empty()
    }

    fn is_healthy(&self, _now: Timestamp) -> bool {
        true
    }
}

impl Admission for Bulkhead {
    type Token = BulkheadToken;

    const KIND: PolicyKind = PolicyKind::Bulkhead;

    #[inline]
    fn try_acquire(&self, _: &RequestMeta, _: impl Now) -> Result<BulkheadToken, Rejected> {
        if self.places.take(self.limit()) {
            Ok(BulkheadToken(()))
        } else {
            Err(self.refused(Rejected::new(Self::KIND, Reason::Full)))
        }
    }

    #[inline]
    fn settle(&self, _: BulkheadToken, outcome: Outcome, _: impl Now) {
        self.places.give_back();
        self.source
            .emit(Self::KIND, || Change::Settled(outcome, None));
    }

    #[inline]
    fn cancel(&self, _: BulkheadToken) {
        self.places.give_back();
        self.source.emit(Self::KIND, || Change::Cancelled);
    }
}

impl Waiting for Bulkhead {
    fn room(&self) -> Queue {
        let version = self.version.load(Ordering::Acquire);
        Queue::checked(Self::KIND, self.config().queue(), version)
    }

    #[inline]
    fn try_place(&self, _: &RequestMeta, _: impl Now) -> Result<Option<BulkheadToken>, Rejected> {
        Ok(self.places.take(self.limit()).then_some(BulkheadToken(())))
    }

    fn enter(
        &self,
        room: &mut Queue,
        request: &RequestMeta,
        now: Timestamp,
    ) -> Result<WaiterId, Rejected> {
        let version = self.version.load(Ordering::Acquire);
        if room.version() != version {
            room.adopt(self.config().queue(), version);
        }
        let entered = self.places.with(room, |room| room.enter(request, now));
        entered.map_err(|rejected| self.refused(rejected))
    }

    fn next(&self, room: &mut Queue, now: Timestamp) -> Option<(WaiterId, BulkheadToken)> {
        let id = self.places.next(room, self.limit(), now)?;
        Some((id, BulkheadToken(())))
    }

    fn expire(&self, room: &mut Queue, now: Timestamp) -> Option<(WaiterId, Rejected)> {
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
