//! The limiter itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ninefold_core::policy::{
    Change, InvalidPolicy, PolicyKind, Reason, Rejected, RequestMeta, Source,
};
use ninefold_core::units::Span;

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
    pub async fn call<R, E, F>(&self, call: impl FnOnce() -> F) -> Result<R, Error<E>>
    where
        F: Future<Output = Result<R, E>>,
    {
        self.call_with(&RequestMeta::default(), call).await
    }

    /// As [`TimeLimiter::call`], and at the request's deadline at the latest.
    ///
    /// # Errors
    ///
    /// As [`TimeLimiter::call`]; [`Error::Rejected`] if the deadline had passed already.
    pub async fn call_with<R, E, F>(
        &self,
        request: &RequestMeta,
        call: impl FnOnce() -> F,
    ) -> Result<R, Error<E>>
    where
        F: Future<Output = Result<R, E>>,
    {
        self.limit(request, || async { call().await.map_err(Error::Service) })
            .await
    }

    /// The call with its limit, counted from now; it is not made if the deadline has passed.
    pub(crate) fn limit<F>(
        &self,
        request: &RequestMeta,
        call: impl FnOnce() -> F,
    ) -> TimeLimitedFuture<F, T> {
        let now = self.time.now();
        let timeout = self.shared.timeout();
        let after = request
            .deadline
            .map_or(timeout, |at| at.since(now).min(timeout));
        if after.is_zero() {
            let why = Rejected::new(PolicyKind::TimeLimiter, Reason::DeadlineExceeded).for_good();
            self.shared.emit(|| Change::Rejected(why));
            return TimeLimitedFuture::rejected(why);
        }
        let shared = Arc::clone(&self.shared);
        TimeLimitedFuture::running(call(), self.time.clone(), now + after, after, shared)
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

    fn emit(&self, change: impl FnOnce() -> Change) {
        self.source.emit(PolicyKind::TimeLimiter, change);
    }

    pub(super) fn timed_out(&self, after: Duration) -> TimedOut {
        self.emit(|| Change::TimedOut(after));
        TimedOut { after }
    }
}
