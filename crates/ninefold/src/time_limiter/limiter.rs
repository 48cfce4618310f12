//! The limiter itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ninefold_core::policy::{
    Change, InvalidPolicy, Now, PolicyKind, Reason, Rejected, RequestMeta, Source,
};
use ninefold_core::time::Timestamp;
use ninefold_core::units::Span;

use super::limited::Limited;
use super::{TimeLimitedFuture, TimeLimiterConfig};
#[cfg(feature = "tokio")]
use crate::clock::TokioTime;
use crate::clock::{DefaultTime, Time};
use crate::{Error, TimedOut};

/// Ends calls that take too long. Clones share one configuration.
#[derive(Clone, Debug)]
pub struct TimeLimiter<T = DefaultTime> {
    shared: Arc<Shared>,
    time: T,
}

#[derive(Debug)]
pub(super) struct Shared {
    timeout_ns: AtomicU64,
    source: Source,
}

/// When a call is given up, and how long after it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) at: Timestamp,
    pub(super) after_ns: u64,
}

#[cfg(feature = "tokio")]
impl TimeLimiter {
    /// A limiter on tokio's timers.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn new(config: TimeLimiterConfig) -> Result<Self, InvalidPolicy> {
        Self::on(TokioTime, config)
    }
}

#[cfg(feature = "tokio")]
impl Default for TimeLimiter {
    fn default() -> Self {
        Self {
            shared: Arc::new(Shared::new(TimeLimiterConfig::default(), Source::default())),
            time: TokioTime,
        }
    }
}

impl<T> TimeLimiter<T> {
    /// A limiter on any timers.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if the configuration makes no sense.
    pub fn on(time: T, config: TimeLimiterConfig) -> Result<Self, InvalidPolicy> {
        config.validate()?;
        let shared = Arc::new(Shared::new(config, Source::default()));
        Ok(Self { shared, time })
    }

    /// The same on other timers, such as a [`VirtualTime`](crate::clock::VirtualTime) in tests.
    pub fn with_time<U>(self, time: U) -> TimeLimiter<U> {
        TimeLimiter {
            shared: self.shared,
            time,
        }
    }

    /// The same with a name and a listener. Clones made before keep their own.
    #[must_use]
    pub fn with_source(self, source: Source) -> Self {
        let shared = Arc::new(Shared::new(self.config(), source));
        Self { shared, ..self }
    }

    /// The configuration as it is now.
    #[must_use]
    pub fn config(&self) -> TimeLimiterConfig {
        TimeLimiterConfig {
            timeout: Span(self.shared.timeout()),
        }
    }

    /// Follows another configuration from now on; calls under way keep their limit.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if it makes no sense; nothing is changed then.
    pub fn reconfigure(&self, config: TimeLimiterConfig) -> Result<(), InvalidPolicy> {
        config.validate()?;
        self.shared
            .timeout_ns
            .store(config.timeout.as_nanos(), Ordering::Relaxed);
        Ok(())
    }
}

impl<T: Time> TimeLimiter<T> {
    /// Calls, and gives up after a while.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] if it took too long, [`Error::Service`] if the call failed.
    pub fn call<R, E, F>(
        &self,
        call: impl FnOnce() -> F,
    ) -> impl Future<Output = Result<R, Error<E>>>
    where
        F: Future<Output = Result<R, E>>,
    {
        Limited::new(&self.shared, &self.time, None, call)
    }

    /// As [`TimeLimiter::call`], and at the request's deadline at the latest.
    ///
    /// # Errors
    ///
    /// As [`TimeLimiter::call`]; [`Error::Rejected`] if the deadline had passed already.
    pub fn call_with<R, E, F>(
        &self,
        request: &RequestMeta,
        call: impl FnOnce() -> F,
    ) -> impl Future<Output = Result<R, Error<E>>>
    where
        F: Future<Output = Result<R, E>>,
    {
        Limited::new(&self.shared, &self.time, request.deadline, call)
    }

    /// The call with its limit, counted from now; it is not made if the deadline has passed.
    pub(crate) fn limit<F>(
        &self,
        request: &RequestMeta,
        call: impl FnOnce() -> F,
    ) -> TimeLimitedFuture<F, T> {
        let limit = match self.shared.limit(&self.time, request.deadline) {
            Ok(limit) => limit,
            Err(why) => return TimeLimitedFuture::rejected(why),
        };
        let shared = Arc::clone(&self.shared);
        TimeLimitedFuture::running(call(), self.time.clone(), limit, shared)
    }
}

impl Shared {
    fn new(config: TimeLimiterConfig, source: Source) -> Self {
        Self {
            timeout_ns: AtomicU64::new(config.timeout.as_nanos()),
            source,
        }
    }

    fn timeout(&self) -> Duration {
        Duration::from_nanos(self.timeout_ns.load(Ordering::Relaxed))
    }

    /// The limit of a call that begins now.
    #[inline]
    pub(super) fn limit(
        &self,
        now: &impl Now,
        deadline: Option<Timestamp>,
    ) -> Result<Limit, Rejected> {
        let now = now.now().as_nanos();
        let timeout = self.timeout_ns.load(Ordering::Relaxed);
        let after_ns =
            deadline.map_or(timeout, |at| at.as_nanos().saturating_sub(now).min(timeout));
        if after_ns == 0 {
            return Err(self.too_late());
        }
        let at = Timestamp::from_nanos(now.saturating_add(after_ns));
        Ok(Limit { at, after_ns })
    }

    #[cold]
    fn too_late(&self) -> Rejected {
        let why = Rejected::new(PolicyKind::TimeLimiter, Reason::DeadlineExceeded).for_good();
        self.emit(|| Change::Rejected(why));
        why
    }

    fn emit(&self, change: impl FnOnce() -> Change) {
        self.source.emit(PolicyKind::TimeLimiter, change);
    }

    #[cold]
    pub(super) fn timed_out(&self, limit: Limit) -> TimedOut {
        let after = Duration::from_nanos(limit.after_ns);
        self.emit(|| Change::TimedOut(after));
        TimedOut { after }
    }
}
