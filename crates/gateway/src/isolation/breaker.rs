//! The breaker of one service.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ninefold::clock::PreciseClock;
use ninefold_config::model::Breaker;
use ninefold_core::policy::breaker::{BreakerMemento, SlidingWindow, State};
use ninefold_core::policy::{
    Change, CircuitBreaker, CircuitBreakerConfig, Event, InvalidPolicy, Listener, Permit, Rejected,
    RequestMeta, Source,
};

/// Changes of state kept at most until the control plane takes them; older ones are dropped.
const CHANGES_MAX: usize = 64;

/// Leave to ask a service. Dropping it says nothing about the service.
pub(crate) type Leave = Permit<Arc<CircuitBreaker>>;

/// See the [module](super). The policy belongs to all generations that say the same of it; what was
/// counted to each of them alone.
#[derive(Debug)]
pub(crate) struct ServiceBreaker {
    policy: Arc<CircuitBreaker>,
    diary: Arc<Diary>,
    opened: AtomicU64,
    refused: AtomicU64,
}

/// A breaker at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerView {
    pub(crate) state: State,
    /// Requests within its window, and of these failed ones.
    pub(crate) calls: u64,
    pub(crate) failed: u64,
    /// How long until it changes by itself.
    pub(crate) left: Option<Duration>,
    pub(crate) opened: u64,
    pub(crate) refused: u64,
}

/// What happened and was not told yet.
#[derive(Debug, Default)]
struct Diary(Mutex<VecDeque<&'static str>>);

impl Diary {
    /// A lock is only held for assignments, which cannot panic half way.
    fn lock(&self) -> MutexGuard<'_, VecDeque<&'static str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Diary {
    fn on_event(&self, event: &Event<'_>) {
        if let Change::State { to, .. } = event.change {
            let mut changes = self.lock();
            if changes.len() >= CHANGES_MAX {
                changes.pop_front();
            }
            changes.push_back(to);
        }
    }
}

impl ServiceBreaker {
    pub(crate) fn new(breaker: &Breaker) -> Result<Self, InvalidPolicy> {
        let diary = Arc::new(Diary::default());
        let policy = CircuitBreaker::new(config(breaker))?;
        let policy = policy.with_source(Source::new("", Arc::clone(&diary) as Arc<dyn Listener>));
        Ok(Self {
            policy: Arc::new(policy),
            diary,
            opened: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// The same breaker for another generation.
    pub(crate) fn shared(&self) -> Self {
        Self {
            policy: Arc::clone(&self.policy),
            diary: Arc::clone(&self.diary),
            opened: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Lets a request pass, or says how long the service is left alone.
    pub(crate) fn admit(&self) -> Result<Leave, Rejected> {
        let policy = Arc::clone(&self.policy);
        let leave = Permit::acquire(policy, &RequestMeta::default(), PreciseClock);
        if leave.is_err() {
            self.refused.fetch_add(1, Relaxed);
        }
        leave
    }

    /// What one in another process has to know.
    pub(crate) fn memento(&self) -> BreakerMemento {
        self.policy.memento(PreciseClock)
    }

    /// Goes on from what one in another process knew.
    pub(crate) fn restore(&self, memento: &BreakerMemento) {
        self.policy.restore(memento, PreciseClock);
    }

    /// The states that it came to since anybody asked last.
    pub(crate) fn take_changes(&self) -> Vec<&'static str> {
        let changes: Vec<_> = self.diary.lock().drain(..).collect();
        let open = changes.iter().filter(|to| **to == State::Open.as_str());
        let opened = u64::try_from(open.count()).unwrap_or(u64::MAX);
        self.opened.fetch_add(opened, Relaxed);
        changes
    }

    pub(crate) fn view(&self) -> BreakerView {
        let counts = self.policy.counts(PreciseClock);
        BreakerView {
            state: self.policy.state(),
            calls: counts.calls,
            failed: counts.failed,
            left: self.policy.time_left(PreciseClock),
            opened: self.opened.load(Relaxed),
            refused: self.refused.load(Relaxed),
        }
    }
}

fn config(breaker: &Breaker) -> CircuitBreakerConfig {
    CircuitBreakerConfig {
        failure_rate_threshold: breaker.failure_rate,
        minimum_calls: breaker.minimum_calls,
        sliding_window: SlidingWindow::Time {
            span: breaker.window,
            buckets: 10,
        },
        open_wait: breaker.open_wait,
        open_wait_max: breaker.open_wait_max,
        permitted_calls_in_half_open: breaker.trials,
        ..CircuitBreakerConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use ninefold_core::policy::Outcome;

    use super::*;

    #[test]
    fn every_breaker_that_a_file_may_have_can_be_built() {
        for (calls, trials, window) in [(1, 1, 100), (1_000_000, 1_000, 3_600_000)] {
            let breaker = Breaker {
                minimum_calls: calls,
                trials,
                window: ninefold_config::model::Span::millis(window),
                ..Breaker::default()
            };
            assert_eq!(ServiceBreaker::new(&breaker).err(), None);
        }
    }

    #[test]
    fn generations_share_the_state_and_count_for_themselves() {
        let breaker = Breaker {
            minimum_calls: 2,
            ..Breaker::default()
        };
        let one = ServiceBreaker::new(&breaker).unwrap();
        let other = one.shared();
        for _ in 0..2 {
            let leave = one.admit().unwrap();
            leave.settle(Outcome::Failure, PreciseClock);
        }
        assert!(other.admit().is_err());
        assert_eq!(one.take_changes(), ["open"]);
        assert_eq!(other.take_changes(), Vec::<&str>::new());
        let (one, other) = (one.view(), other.view());
        assert_eq!((one.state, other.state), (State::Open, State::Open));
        assert_eq!((one.opened, one.refused), (1, 0));
        assert_eq!((other.opened, other.refused), (0, 1));
    }
}
