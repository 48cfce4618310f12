//! The limiter.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::RateLimiterConfig;
use crate::policy::ring::Padded;
use crate::policy::sync::atomic::{AtomicU64, Ordering};
use crate::policy::{
    Admission, Change, InvalidPolicy, Now, Outcome, PolicyKind, Reason, Rejected, RequestMeta,
    Source,
};
use crate::time::nanos;

const BURST_BITS: u32 = 24;
/// Set until the first call after another configuration has looked at what is owed.
const CHANGED: u64 = 1 << 63;
/// How much further ahead than possible the theoretical arrival time must be before it is cut: the
/// clock stepped back. Threads whose clocks are a little apart must not cut it.
const STEP_BACK_MIN: Duration = Duration::from_secs(10);

/// A place in the future, taken by [`RateLimiter::reserve`]. Dropping it keeps the place.
#[must_use = "wait for it, or cancel it"]
#[derive(Debug, PartialEq, Eq)]
pub struct Reservation {
    wait: Duration,
    next: u64,
    due: u64,
}

impl Reservation {
    /// How long to wait before the call may go on.
    #[must_use]
    pub const fn wait(&self) -> Duration {
        self.wait
    }
}

/// At most so many calls per time.
///
/// **Invariant:** in any stretch of time `t` calls of a total cost of at most `burst + t × rate`
/// go on, reservations at the end of their wait included, by the times that their callers read.
///
/// A thread that is stopped between its clock and its place comes with a time that has passed. It is
/// refused where that time would have been too early, although by now it would not be; nothing beyond
/// the rate is admitted for it. What it sends may meet what others send later.
#[derive(Debug)]
pub struct RateLimiter {
    theoretical: Padded<AtomicU64>,
    /// The interval in nanoseconds over the burst: one word, so that both change at once.
    pace: AtomicU64,
    max_wait: AtomicU64,
    config: Mutex<RateLimiterConfig>,
    source: Source,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self::of(RateLimiterConfig::default())
    }
}

impl RateLimiter {
    /// A limiter that owes nothing: a whole burst may come.
    ///
    /// # Errors
    ///
    /// What [`RateLimiterConfig::validate`] says.
    pub fn new(config: RateLimiterConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        Ok(Self::of(config))
    }

    fn of(config: RateLimiterConfig) -> Self {
        Self {
            theoretical: Padded(AtomicU64::new(0)),
            pace: AtomicU64::new(pace(&config)),
            max_wait: AtomicU64::new(config.max_wait.as_nanos()),
            config: Mutex::new(config),
            source: Source::default(),
        }
    }

    /// The same, telling `source` what it refuses.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// The present configuration.
    pub fn config(&self) -> RateLimiterConfig {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows another configuration from now on. What is owed is kept, as time, up to what can be
    /// owed under the new configuration.
    ///
    /// # Errors
    ///
    /// What [`RateLimiterConfig::validate`] says; then nothing changes.
    pub fn reconfigure(&self, config: RateLimiterConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        let mut current = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        *current = config;
        self.pace.store(pace(&config), Ordering::Relaxed);
        let max_wait = config.max_wait.as_nanos() | CHANGED;
        self.max_wait.store(max_wait, Ordering::Release);
        Ok(())
    }

    /// Takes a place now or in the future, at most `max_wait` ahead and not beyond the deadline.
    ///
    /// # Errors
    ///
    /// [`Reason::RateExceeded`] with the time after which a reservation will be possible, or
    /// [`Reason::DeadlineExceeded`] if the call's turn comes too late for it.
    pub fn reserve(&self, request: &RequestMeta, now: impl Now) -> Result<Reservation, Rejected> {
        self.take(request, now, true)
    }

    /// Gives a reservation back, and says whether it could: only the latest one can be. Its place
    /// is lost otherwise.
    pub fn cancel_reservation(&self, reservation: Reservation) -> bool {
        let before = reservation.next - reservation.due;
        self.theoretical
            .0
            .compare_exchange(
                reservation.next,
                before,
                Ordering::AcqRel,
                Ordering::Relaxed,
            )
            .is_ok()
    }

    /// Gives back a reservation for which there is no room to wait.
    #[must_use]
    pub fn decline(&self, reservation: Reservation) -> Rejected {
        let rejected = Rejected::new(Self::KIND, Reason::QueueFull).after(reservation.wait());
        let _given_back = self.cancel_reservation(reservation);
        self.source.emit(Self::KIND, || Change::Rejected(rejected));
        rejected
    }

    /// The cost that would be admitted at once.
    pub fn available(&self, now: impl Now) -> u64 {
        let theoretical = self.theoretical.0.load(Ordering::Acquire);
        let now = now.now().as_nanos();
        let (interval, burst) = self.pace();
        let limit = now.saturating_add(interval.saturating_mul(burst));
        limit.saturating_sub(theoretical.max(now)) / interval.max(1)
    }

    /// What was admitted ahead of the rate: so long nothing comes until a whole burst may come again.
    pub fn owed(&self, now: impl Now) -> Duration {
        let theoretical = self.theoretical.0.load(Ordering::Acquire);
        let owed = theoretical.saturating_sub(now.now().as_nanos());
        Duration::from_nanos(owed.min(self.owed_max()))
    }

    /// Owes what another one owed, if that is more, up to what can be owed under its own
    /// configuration.
    pub fn owe(&self, owed: Duration, now: impl Now) {
        let owed = nanos(owed).min(self.owed_max());
        let theoretical = now.now().as_nanos().saturating_add(owed);
        self.theoretical.0.fetch_max(theoretical, Ordering::AcqRel);
    }

    fn owed_max(&self) -> u64 {
        let (interval, burst) = self.pace();
        let max_wait = self.max_wait.load(Ordering::Acquire) & !CHANGED;
        interval.saturating_mul(burst).saturating_add(max_wait)
    }

    fn pace(&self) -> (u64, u64) {
        let pace = self.pace.load(Ordering::Relaxed);
        (
            pace >> BURST_BITS,
            pace & u64::from(RateLimiterConfig::BURST_MAX),
        )
    }

    fn take(
        &self,
        request: &RequestMeta,
        now: impl Now,
        may_wait: bool,
    ) -> Result<Reservation, Rejected> {
        let max_wait = self.max_wait.load(Ordering::Acquire);
        let (interval, burst) = self.pace();
        // Read before the clock, so that on a monotonic clock it is not ahead of what it may be.
        let mut theoretical = self.theoretical.0.load(Ordering::Acquire);
        let time = now.now();
        let now = time.as_nanos();
        let due = interval.saturating_mul(u64::from(request.cost));
        let tolerance = interval.saturating_mul(burst);
        let furthest = now
            .saturating_add(tolerance)
            .saturating_add(max_wait & !CHANGED);
        if u64::from(request.cost) > burst {
            return self.refuse(Rejected::new(Self::KIND, Reason::RateExceeded).for_good());
        }
        loop {
            if theoretical > furthest {
                theoretical = self.cut(theoretical, furthest, max_wait);
            }
            let next = theoretical.max(now).saturating_add(due);
            let wait_ns = next.saturating_sub(now.saturating_add(tolerance));
            let wait = Duration::from_nanos(wait_ns);
            let wait_max = if may_wait { max_wait & !CHANGED } else { 0 };
            if wait_ns > wait_max {
                let wait = Duration::from_nanos(wait_ns - wait_max);
                return self.refuse(Rejected::new(Self::KIND, Reason::RateExceeded).after(wait));
            }
            if wait_ns > 0
                && request
                    .deadline
                    .is_some_and(|deadline| time + wait >= deadline)
            {
                let rejected = Rejected::new(Self::KIND, Reason::DeadlineExceeded);
                return self.refuse(rejected.for_good());
            }
            match self.theoretical.0.compare_exchange_weak(
                theoretical,
                next,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Ok(Reservation { wait, next, due }),
                Err(other) => theoretical = other,
            }
        }
    }

    /// Cuts a theoretical arrival time that is further ahead than it can be, because the clock
    /// stepped back or the configuration changed. Returns what it is now.
    #[cold]
    fn cut(&self, theoretical: u64, furthest: u64, max_wait: u64) -> u64 {
        let changed = max_wait & CHANGED != 0;
        if !changed && theoretical - furthest < nanos(STEP_BACK_MIN) {
            return theoretical;
        }
        if changed {
            // If someone else was quicker, he saw to it.
            let _was = self.max_wait.compare_exchange(
                max_wait,
                max_wait & !CHANGED,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
        }
        match self.theoretical.0.compare_exchange(
            theoretical,
            furthest,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => furthest,
            Err(other) => other,
        }
    }

    #[cold]
    fn refuse(&self, rejected: Rejected) -> Result<Reservation, Rejected> {
        self.source.emit(Self::KIND, || Change::Rejected(rejected));
        Err(rejected)
    }
}

impl Admission for RateLimiter {
    type Token = ();

    const KIND: PolicyKind = PolicyKind::RateLimiter;

    /// The way of a call that may go on at once. All else, a place further ahead than it can be
    /// included, is looked at more closely.
    #[inline]
    fn try_acquire(&self, request: &RequestMeta, clock: impl Now) -> Result<(), Rejected> {
        let (interval, burst) = self.pace();
        // Read before the clock, as in `take`.
        let theoretical = self.theoretical.0.load(Ordering::Acquire);
        let now = clock.now().as_nanos();
        let due = interval.saturating_mul(u64::from(request.cost));
        let next = theoretical.max(now).saturating_add(due);
        // 40 bits by 24 fit.
        let at_once = next <= now.saturating_add(interval.wrapping_mul(burst))
            && self
                .theoretical
                .0
                .compare_exchange(theoretical, next, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok();
        if at_once {
            return Ok(());
        }
        self.take(request, clock, false).map(|_place| ())
    }

    #[inline]
    fn settle(&self, (): (), _: Outcome, _: impl Now) {}

    /// A call that was admitted is spent: it may have been sent.
    #[inline]
    fn cancel(&self, (): ()) {}
}

fn pace(config: &RateLimiterConfig) -> u64 {
    nanos(config.interval()) << BURST_BITS | u64::from(config.burst)
}

#[cfg(test)]
#[cfg(loom)]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;
    use crate::time::Timestamp;
    use crate::units::{Rate, Span};

    fn limiter(burst: u32) -> Arc<RateLimiter> {
        Arc::new(RateLimiter::of(RateLimiterConfig {
            rate: Rate::per_second(1),
            burst,
            max_wait: Span::secs(9),
        }))
    }

    #[test]
    fn the_last_place_is_given_once() {
        loom::model(|| {
            let limiter = limiter(1);
            let at = |second: u64| Timestamp::from_millis(100_000 + second);
            let call = RequestMeta::default();
            let other = {
                let limiter = Arc::clone(&limiter);
                thread::spawn(move || limiter.try_acquire(&call, at(0)).is_ok())
            };
            let mine = limiter.try_acquire(&call, at(1)).is_ok();
            assert_ne!(mine, other.join().unwrap());
        });
    }

    #[test]
    fn what_is_given_back_was_nobody_elses() {
        loom::model(|| {
            let limiter = limiter(1);
            let now = Timestamp::from_secs(100);
            let call = RequestMeta::default();
            let other = {
                let limiter = Arc::clone(&limiter);
                thread::spawn(move || limiter.reserve(&call, now).unwrap().wait())
            };
            let mine = limiter.reserve(&call, now).unwrap();
            let first = mine.wait().is_zero();
            let returned = limiter.cancel_reservation(mine);
            let waited = other.join().unwrap();
            let next = limiter.reserve(&call, now).unwrap().wait();
            assert!(next > waited || returned && next == Duration::from_secs(1));
            assert!(returned || first);
            assert_ne!(next, waited);
        });
    }
}
