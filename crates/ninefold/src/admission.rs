//! The admission policies as handles, each on the clock that fits it.
//!
//! What each is for, how it decides and what its knobs mean stands with it in [`policy`](crate::policy);
//! here they get a clock, a classifier, and the three surfaces of a [`Handle`].
//!
//! | handle | chapter | clock | asks the request for |
//! |---|---|---|---|
//! | [`CircuitBreaker`] | [`policy::breaker`](crate::policy::breaker) | coarse | – |
//! | [`Bulkhead`] | [`policy::bulkhead`](crate::policy::bulkhead) | coarse | – |
//! | [`RateLimiter`] | [`policy::rate_limiter`](crate::policy::rate_limiter) | precise | `cost` |
//! | [`AdaptiveLimiter`] | [`policy::adaptive_limiter`](crate::policy::adaptive_limiter) | precise | – |
//! | [`AdaptiveThrottler`] | [`policy::adaptive_throttler`](crate::policy::adaptive_throttler) | coarse | `criticality` |
//! | [`Deadline`] | [`policy::deadline`](crate::policy::deadline) | precise | `deadline` |
//! | [`LoadShedder`] | [`policy::shedder`](crate::policy::shedder) | precise | `deadline`, `criticality`, `cohort` |
//! | [`Prioritizer`] | [`policy::prioritizer`](crate::policy::prioritizer) | coarse | `criticality`, `cohort` |
//! | [`Dimmer`] | [`policy::dimmer`](crate::policy::dimmer) | precise | – |
//! | [`MetastabilityGuard`] | [`policy::guard`](crate::policy::guard) | coarse | `attempt`, `criticality`, `cohort` |
//!
//! Any other [`Admission`](crate::Admission), such as what a service said of its own level
//! ([`PeerLevel`](crate::policy::prioritizer::PeerLevel)) or one of yours, becomes a handle by
//! [`Handle::of`].
//!
//! ```
//! use ninefold::{Error, Rate, RateLimiter, RateLimiterConfig, RequestMeta};
//!
//! let limiter = RateLimiter::new(RateLimiterConfig {
//!     rate: Rate::per_second(1),
//!     burst: 1,
//!     ..RateLimiterConfig::default()
//! })?;
//! let permit = limiter.permit(&RequestMeta::default())?;
//! assert!(limiter.permit(&RequestMeta::default()).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it costs
//!
//! What the policy costs, and a clone of an `Arc` for each call through a layer.

use std::sync::Arc;

pub use ninefold_core::policy::adaptive_limiter::{Aimd, Algorithm, Gradient2, Vegas};
pub use ninefold_core::policy::breaker::{SlidingWindow, State};
pub use ninefold_core::policy::dimmer::Measure;
pub use ninefold_core::policy::shedder::{PidConfig, Shedding};
pub use ninefold_core::policy::{
    AdaptiveLimiterConfig, AdaptiveThrottlerConfig, BulkheadConfig, CircuitBreakerConfig,
    DeadlineConfig, DimmerConfig, GuardConfig, LoadShedderConfig, PrioritizerConfig,
    RateLimiterConfig,
};
use ninefold_core::policy::{InvalidPolicy, Source, classify::ByResult};

use crate::clock::{CoarseClock, PreciseClock};
use crate::handle::Handle;

macro_rules! handles {
    ($($(#[$about:meta])* $name:ident, $config:ident, $clock:ident;)+) => {$(
        $(#[$about])*
        pub type $name<C = $clock, K = ByResult> =
            Handle<ninefold_core::policy::$name, C, K>;

        impl Handle<ninefold_core::policy::$name, $clock> {
            /// A policy that knows nothing yet.
            ///
            /// # Errors
            ///
            /// [`InvalidPolicy`] if the configuration makes no sense.
            pub fn new(config: $config) -> Result<Self, InvalidPolicy> {
                Ok(Self::of(ninefold_core::policy::$name::new(config)?))
            }
        }

        impl Default for Handle<ninefold_core::policy::$name, $clock> {
            fn default() -> Self {
                Self::of(ninefold_core::policy::$name::default())
            }
        }

        impl<C, K> Handle<ninefold_core::policy::$name, C, K> {
            /// The same, with a name and a listener. One that is shared already stays as it is, and
            /// this is a new one like it.
            #[must_use]
            pub fn with_source(self, source: Source) -> Self {
                let policy = Arc::try_unwrap(self.policy).unwrap_or_else(|shared| {
                    ninefold_core::policy::$name::new(shared.config()).unwrap_or_default()
                });
                Self {
                    policy: Arc::new(policy.with_source(source)),
                    ..self
                }
            }
        }
    )+};
}

handles! {
    /// Stops calling who fails. See [`policy::breaker`](crate::policy::breaker).
    CircuitBreaker, CircuitBreakerConfig, CoarseClock;
    /// Bounds what is under way at once; refuses at once. See [`policy::bulkhead`](crate::policy::bulkhead),
    /// and [`WaitingRoom`](crate::waiting::WaitingRoom) for calls that wait.
    Bulkhead, BulkheadConfig, CoarseClock;
    /// Bounds calls per time. See [`policy::rate_limiter`](crate::policy::rate_limiter).
    RateLimiter, RateLimiterConfig, PreciseClock;
    /// Finds the bound on what is under way by itself. See
    /// [`policy::adaptive_limiter`](crate::policy::adaptive_limiter).
    AdaptiveLimiter, AdaptiveLimiterConfig, PreciseClock;
    /// Refuses at the client what the server would refuse. See
    /// [`policy::adaptive_throttler`](crate::policy::adaptive_throttler).
    AdaptiveThrottler, AdaptiveThrottlerConfig, CoarseClock;
    /// Does not begin what nobody waits for. See [`policy::deadline`](crate::policy::deadline).
    Deadline, DeadlineConfig, PreciseClock;
    /// Refuses early what would come too late. See [`policy::shedder`](crate::policy::shedder), and
    /// [`WaitingRoom`](crate::waiting::WaitingRoom) for its queue.
    LoadShedder, LoadShedderConfig, PreciseClock;
    /// Refuses the least important first, along a chain of services. See
    /// [`policy::prioritizer`](crate::policy::prioritizer).
    Prioritizer, PrioritizerConfig, CoarseClock;
    /// Leaves out what is optional. See [`policy::dimmer`](crate::policy::dimmer).
    Dimmer, DimmerConfig, PreciseClock;
    /// Breaks the loop that keeps an overload alive. See [`policy::guard`](crate::policy::guard).
    ///
    /// At a client it stands within the retry, where it sees attempts and refuses repetitions; at a
    /// server outside the load shedder. A [pipeline](crate::pipeline) takes it in both places.
    MetastabilityGuard, GuardConfig, CoarseClock;
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::clock::VirtualTime;
    use crate::{Change, Error, Event, Listener, Reason};

    #[derive(Default)]
    struct States(Mutex<Vec<String>>);

    impl Listener for States {
        fn on_event(&self, event: &Event<'_>) {
            if let Change::State { from, to } = event.change {
                self.0
                    .lock()
                    .unwrap()
                    .push(format!("{}: {from} -> {to}", event.name));
            }
        }
    }

    #[test]
    fn a_breaker_opens_and_says_so() {
        let (time, states) = (VirtualTime::new(), Arc::new(States::default()));
        let breaker = CircuitBreaker::new(CircuitBreakerConfig {
            minimum_calls: 2,
            ..CircuitBreakerConfig::default()
        })
        .unwrap()
        .with_clock(time.clone())
        .with_source(Source::new("catalog", states.clone()));
        for _ in 0..2 {
            let answer = time.block_on(breaker.call(|| async { Err::<(), _>("no") }));
            assert_eq!(answer, Err(Error::Service("no")));
        }
        let refused = time.block_on(breaker.call(|| async { Ok::<_, &str>(()) }));
        assert_eq!(
            refused.unwrap_err().rejected().unwrap().reason,
            Reason::CallNotPermitted
        );
        assert_eq!(*states.0.lock().unwrap(), ["catalog: closed -> open"]);
    }

    #[test]
    fn a_configuration_without_sense_is_refused() {
        let none = BulkheadConfig {
            max_concurrent_calls: 0,
            ..BulkheadConfig::default()
        };
        let error = Bulkhead::new(none).unwrap_err();
        assert_eq!(error.field, "max_concurrent_calls");
    }
}
