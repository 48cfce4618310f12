//! A breaker that tells what happens, and calls to it.

use std::sync::{Arc, Mutex};

use super::super::{CircuitBreaker, CircuitBreakerConfig, SlidingWindow, State};
use crate::policy::{
    Change, Event, Listener, Outcome, Permit, Reason, Rejected, RequestMeta, Source,
};
use crate::time::Timestamp;
use crate::units::Ratio;

/// Remembers what it was told.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<Vec<String>>);

impl Listener for Heard {
    fn on_event(&self, event: &Event<'_>) {
        let text = match event.change {
            Change::State { from, to } => format!("{from} -> {to}"),
            Change::Rejected(rejected) => format!("rejected {}", rejected.reason.as_str()),
            Change::Settled(outcome, took) => format!("settled {} {took:?}", outcome.as_str()),
            Change::Cancelled => "cancelled".to_owned(),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(text);
    }
}

impl Heard {
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    pub(super) fn changes(&self) -> Vec<String> {
        let mut all = self.take();
        all.retain(|text| text.contains("->"));
        all
    }
}

/// Of four calls two failures open it; five seconds to the second.
pub(super) fn config() -> CircuitBreakerConfig {
    CircuitBreakerConfig {
        sliding_window: SlidingWindow::Count(8),
        minimum_calls: 4,
        open_wait_jitter: Ratio::percent(0),
        permitted_calls_in_half_open: 2,
        half_open_success_rate: Ratio::percent(100),
        ..CircuitBreakerConfig::default()
    }
}

pub(super) fn breaker(config: CircuitBreakerConfig) -> (CircuitBreaker, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let breaker = CircuitBreaker::new(config).unwrap();
    let source = Source::new("test", Arc::<Heard>::clone(&heard));
    (breaker.with_source(source), heard)
}

pub(super) fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub(super) fn acquire(
    breaker: &CircuitBreaker,
    now: Timestamp,
) -> Result<Permit<&CircuitBreaker>, Rejected> {
    Permit::acquire(breaker, &RequestMeta::default(), now)
}

pub(super) fn call(breaker: &CircuitBreaker, outcome: Outcome, now: Timestamp) {
    acquire(breaker, now).unwrap().settle(outcome, now);
}

pub(super) fn calls(breaker: &CircuitBreaker, n: u32, outcome: Outcome, now: Timestamp) {
    for _ in 0..n {
        call(breaker, outcome, now);
    }
}

/// Fails until it is open.
pub(super) fn trip(breaker: &CircuitBreaker, now: Timestamp) {
    let minimum = breaker.config().minimum_calls;
    calls(breaker, minimum, Outcome::Failure, now);
    assert_eq!(breaker.state(), State::Open);
}

pub(super) fn reason(breaker: &CircuitBreaker, now: Timestamp) -> Reason {
    acquire(breaker, now).unwrap_err().reason
}
