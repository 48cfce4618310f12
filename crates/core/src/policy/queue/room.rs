//! Those who wait.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::{InvalidPolicy, PolicyKind, Reason, Rejected, RequestMeta};
use super::id::Ids;
use super::{Codel, Order, QueueConfig, WaiterId};
use crate::time::Timestamp;

#[derive(Clone, Copy, Debug)]
struct Waiter {
    arrived: Timestamp,
    give_up: Timestamp,
    /// Why, when it gives up.
    reason: Reason,
}

/// A waiting room: bounded, deterministic, without a clock. See the [module](super).
///
/// ```
/// use ninefold_core::policy::queue::{Queue, QueueConfig};
/// use ninefold_core::policy::{PolicyKind, Reason, RequestMeta};
/// use ninefold_core::time::Timestamp;
///
/// let mut queue = Queue::new(PolicyKind::LoadShedder, QueueConfig::default())?;
/// let request = RequestMeta { deadline: Some(Timestamp::from_millis(1_050)), ..RequestMeta::default() };
/// let waiter = queue.enter(&request, Timestamp::from_millis(1_000))?;
/// assert_eq!(queue.poll_at(), Some(Timestamp::from_millis(1_050)));
/// let (refused, why) = queue.expire(Timestamp::from_millis(1_050)).unwrap();
/// assert_eq!((refused, why.reason), (waiter, Reason::DeadlineExceeded));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Queue {
    kind: PolicyKind,
    config: QueueConfig,
    version: u32,
    ids: Ids,
    /// By rank of criticality; all in the first if that does not matter.
    classes: [BTreeMap<WaiterId, Waiter>; 4],
    by_time: BTreeSet<(Timestamp, WaiterId)>,
    /// Refused, and not fetched yet.
    refused: BTreeMap<WaiterId, Rejected>,
    /// One a class: what makes the less critical wait says nothing about the others.
    codels: Option<[Codel; 4]>,
    service: Duration,
    places: u32,
    /// The latest time seen: a clock that steps back stands still.
    latest: Timestamp,
}

impl Queue {
    /// An empty room of `kind`, which stands in its refusals.
    ///
    /// # Errors
    ///
    /// What [`QueueConfig::validate`] says.
    pub fn new(kind: PolicyKind, config: QueueConfig) -> Result<Self, InvalidPolicy> {
        config.validate(kind)?;
        Ok(Self::checked(kind, config, 0))
    }

    pub(crate) fn checked(kind: PolicyKind, config: QueueConfig, version: u32) -> Self {
        Self {
            kind,
            config,
            version,
            ids: Ids::default(),
            classes: Default::default(),
            by_time: BTreeSet::new(),
            refused: BTreeMap::new(),
            codels: config.codel.map(|codel| [Codel::new(codel); 4]),
            service: Duration::ZERO,
            places: 1,
            latest: Timestamp::ZERO,
        }
    }

    /// Takes another configuration. Those who wait stay under what they came under.
    ///
    /// # Errors
    ///
    /// What [`QueueConfig::validate`] says; then nothing has changed.
    pub fn reconfigure(&mut self, config: QueueConfig) -> Result<(), InvalidPolicy> {
        config.validate(self.kind)?;
        self.adopt(config, self.version);
        Ok(())
    }

    pub(crate) fn adopt(&mut self, config: QueueConfig, version: u32) {
        self.config = config;
        self.version = version;
        match (config.codel, self.codels.is_some()) {
            (None, _) => self.codels = None,
            (Some(codel), false) => self.codels = Some([Codel::new(codel); 4]),
            (Some(_), true) => {}
        }
        self.expect(self.service, self.places);
    }

    /// Of which configuration of its policy it is.
    pub(crate) const fn version(&self) -> u32 {
        self.version
    }

    /// What is known of those served: a call usually takes `service`, and `places` are under way at
    /// once. Nothing is refused for it while `service` is zero, as at first.
    pub fn expect(&mut self, service: Duration, places: u32) {
        self.service = service;
        self.places = places.max(1);
        if let (Some(codels), Some(config)) = (&mut self.codels, self.config.codel) {
            for codel in codels {
                codel.tune(config, service / self.places);
            }
        }
    }

    /// Lets a call wait.
    ///
    /// # Errors
    ///
    /// `QueueFull` if as many wait and none of them matters less; `DeadlineExceeded` if it would
    /// come too late by all that is known; `Full` if waiting is not allowed at all.
    pub fn enter(&mut self, request: &RequestMeta, now: Timestamp) -> Result<WaiterId, Rejected> {
        let now = self.tick(now);
        self.sweep(now);
        let class = if self.config.by_criticality {
            usize::from(request.criticality.rank())
        } else {
            0
        };
        if self.config.max_wait.0.is_zero() {
            return Err(self.rejected(Reason::Full));
        }
        let mut waiter = Waiter {
            arrived: now,
            give_up: now + self.config.max_wait.0,
            reason: Reason::WaitedTooLong,
        };
        if let Some(deadline) = request.deadline {
            let last_start = deadline - self.service;
            if last_start <= now + self.wait_of(class) {
                return Err(self.rejected(Reason::DeadlineExceeded));
            }
            if last_start < waiter.give_up {
                waiter.give_up = last_start;
                waiter.reason = Reason::DeadlineExceeded;
            }
        }
        self.make_room(class)?;
        let id = self.ids.take();
        self.by_time.insert((waiter.give_up, id));
        if let Some(waiters) = self.classes.get_mut(class) {
            waiters.insert(id, waiter);
        }
        self.observe(now);
        Ok(id)
    }

    /// Who is served, now that a place is free. Those whose time is up are skipped; they come out
    /// of [`Queue::expire`].
    pub fn next(&mut self, now: Timestamp) -> Option<WaiterId> {
        let now = self.tick(now);
        self.sweep(now);
        let class = self.classes.iter().rposition(|class| !class.is_empty())?;
        let waiters = self.classes.get(class)?;
        let (&id, _) = if self.last_first(class) {
            waiters.last_key_value()?
        } else {
            waiters.first_key_value()?
        };
        self.remove(id);
        self.ids.give_back(id);
        self.observe(now);
        Some(id)
    }

    /// One of those to be refused, and why. To be called until it gives nothing.
    pub fn expire(&mut self, now: Timestamp) -> Option<(WaiterId, Rejected)> {
        let now = self.tick(now);
        self.sweep(now);
        let refused = self.refused.pop_first()?;
        self.ids.give_back(refused.0);
        Some(refused)
    }

    /// Somebody stops waiting. `false` if it was served or refused already.
    pub fn leave(&mut self, id: WaiterId) -> bool {
        let left = self.remove(id).is_some() || self.refused.remove(&id).is_some();
        if left {
            self.ids.give_back(id);
            self.observe(self.latest);
        }
        left
    }

    /// When [`Queue::expire`] should be called next, if nothing else happens.
    #[must_use]
    pub fn poll_at(&self) -> Option<Timestamp> {
        if !self.refused.is_empty() {
            return Some(self.latest);
        }
        let times_out = self.by_time.first().map(|(at, _)| *at)?;
        let overdue = self.codels.iter().flatten().zip(&self.classes);
        let overdue = overdue.filter_map(|(codel, class)| Some(codel.poll_at(oldest(class)?)));
        let patience_ends = self.codels.iter().flatten().filter_map(Codel::flows_at);
        Some(overdue.chain(patience_ends).fold(times_out, Timestamp::min))
    }

    /// How many wait; not those refused already.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.by_time.len()).unwrap_or(u32::MAX)
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_time.is_empty()
    }

    /// Whether the queue stands, for any criticality: it only adds delay, and those who wait too
    /// long are refused.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.codels.iter().flatten().any(Codel::stands)
    }

    #[cfg(test)]
    pub(super) fn class_stands(&self, class: usize) -> bool {
        let codels = self.codels.as_ref();
        let codel = codels.and_then(|codels| codels.get(class));
        codel.is_some_and(Codel::stands)
    }

    /// How long the longest waiting has waited; zero if nobody waits.
    #[must_use]
    pub fn delay(&self, now: Timestamp) -> Duration {
        let oldest = self.classes.iter().filter_map(oldest).min();
        oldest.map_or(Duration::ZERO, |arrived| now.since(arrived))
    }

    /// Refuses all whose time is up; they come out of [`Queue::expire`].
    pub(crate) fn drop_late(&mut self, now: Timestamp) {
        let now = self.tick(now);
        self.sweep(now);
    }

    const fn tick(&mut self, now: Timestamp) -> Timestamp {
        if now.as_nanos() > self.latest.as_nanos() {
            self.latest = now;
        }
        self.latest
    }

    fn last_first(&self, class: usize) -> bool {
        match self.config.order {
            Order::Fifo => false,
            Order::Lifo => true,
            Order::AdaptiveLifo => {
                let codel = self.codels.as_ref().and_then(|codels| codels.get(class));
                codel.is_some_and(|codel| codel.stands() && !codel.is_patient())
            }
        }
    }

    /// How long a new waiter of this class waits by all that is known.
    fn wait_of(&self, class: usize) -> Duration {
        let first = class + usize::from(self.last_first(class));
        let ahead: usize = self.classes.iter().skip(first).map(BTreeMap::len).sum();
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        (self.service / self.places).saturating_mul(ahead)
    }

    /// Displaces who matters less, if the room is full.
    fn make_room(&mut self, class: usize) -> Result<(), Rejected> {
        if self.len() < self.config.capacity {
            return Ok(());
        }
        let below = self.classes.iter().enumerate().take(class);
        let victim = below
            .filter_map(|(class, waiters)| {
                if self.last_first(class) {
                    waiters.first_key_value()
                } else {
                    waiters.last_key_value()
                }
            })
            .next()
            .map(|(id, _)| *id);
        // Refusals that nobody fetches are bounded, too.
        let fetched = self.refused.len() < self.config.capacity as usize;
        match victim {
            Some(id) if fetched => self.refuse(id, Reason::Shed),
            _ => return Err(self.rejected(Reason::QueueFull)),
        }
        Ok(())
    }

    /// Refuses all whose time is up.
    fn sweep(&mut self, now: Timestamp) {
        while let Some(&(at, id)) = self.by_time.first() {
            if at > now {
                break;
            }
            let reason = self.waiter(id).map_or(Reason::WaitedTooLong, |w| w.reason);
            self.refuse(id, reason);
        }
        self.observe(now);
        let Some(codels) = self.codels else { return };
        for (class, codel) in codels.iter().enumerate().filter(|(_, one)| one.stands()) {
            while let Some((&id, waiter)) =
                self.classes.get(class).and_then(BTreeMap::first_key_value)
            {
                if now < waiter.arrived + codel.overdue_after() {
                    break;
                }
                self.refuse(id, Reason::Overloaded);
            }
        }
    }

    fn observe(&mut self, now: Timestamp) {
        let mut others_are_refused = false;
        for (codel, class) in self.codels.iter_mut().flatten().zip(&self.classes) {
            let oldest = oldest(class);
            codel.be_patient(others_are_refused, oldest, now);
            codel.observe(oldest, now);
            others_are_refused |= codel.stands();
        }
    }

    fn refuse(&mut self, id: WaiterId, reason: Reason) {
        self.remove(id);
        self.refused.insert(id, self.rejected(reason));
    }

    fn waiter(&self, id: WaiterId) -> Option<&Waiter> {
        self.classes.iter().find_map(|class| class.get(&id))
    }

    fn remove(&mut self, id: WaiterId) -> Option<Waiter> {
        let waiter = self
            .classes
            .iter_mut()
            .find_map(|class| class.remove(&id))?;
        self.by_time.remove(&(waiter.give_up, id));
        Some(waiter)
    }

    const fn rejected(&self, reason: Reason) -> Rejected {
        let rejected = Rejected::new(self.kind, reason);
        match reason {
            Reason::DeadlineExceeded => rejected.for_good(),
            _ => rejected,
        }
    }
}

/// When the longest waiting of a class came.
fn oldest(class: &BTreeMap<WaiterId, Waiter>) -> Option<Timestamp> {
    class.first_key_value().map(|(_, waiter)| waiter.arrived)
}
