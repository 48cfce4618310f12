//! Ninefold's.

use std::collections::BTreeMap;
use std::time::Duration;

use ninefold_core::policy::breaker::{CircuitBreakerConfig, SlidingWindow, Token};
use ninefold_core::policy::{Admission, CircuitBreaker, Outcome, RequestMeta};
use ninefold_core::time::Timestamp;
use ninefold_core::units::{Ratio, Span};

use super::{Breaker, Ending};

/// A breaker and the tokens it gave.
#[derive(Debug)]
pub(super) struct Ours {
    name: &'static str,
    setting: &'static str,
    breaker: CircuitBreaker,
    now: Timestamp,
    running: BTreeMap<u64, Token>,
    begun: u64,
}

/// By default, but for the jitter, which would only blur the tables.
pub(super) fn by_count() -> Ours {
    new(
        "ninefold",
        "the last 100 calls (default)",
        SlidingWindow::Count(100),
    )
}

/// With a window by time.
pub(super) fn by_time() -> Ours {
    let window = SlidingWindow::Time {
        span: Span::secs(10),
        buckets: 10,
    };
    new("ninefold, by time", "the last 10 s", window)
}

fn new(name: &'static str, setting: &'static str, sliding_window: SlidingWindow) -> Ours {
    let config = CircuitBreakerConfig {
        sliding_window,
        open_wait_jitter: Ratio::percent(0),
        ..CircuitBreakerConfig::default()
    };
    Ours {
        name,
        setting,
        breaker: CircuitBreaker::new(config).expect("a valid breaker"),
        now: Timestamp::from_secs(1),
        running: BTreeMap::new(),
        begun: 0,
    }
}

impl Breaker for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    fn setting(&self) -> &'static str {
        self.setting
    }

    fn passes(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    fn open_wait(&self) -> Duration {
        self.breaker.config().open_wait.0
    }

    fn begins(&mut self) -> Option<u64> {
        let token = self
            .breaker
            .try_acquire(&RequestMeta::default(), self.now)
            .ok()?;
        self.begun += 1;
        self.running.insert(self.begun, token);
        Some(self.begun)
    }

    fn ends(&mut self, call: u64, ending: Ending) {
        let Some(token) = self.running.remove(&call) else {
            return;
        };
        match ending {
            Ending::Succeeds => self.breaker.settle(token, Outcome::Success, self.now),
            Ending::Fails => self.breaker.settle(token, Outcome::Failure, self.now),
            Ending::Cancelled => self.breaker.cancel(token),
        }
    }
}
