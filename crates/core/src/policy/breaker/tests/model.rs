//! The whole breaker beside a naive one.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::{CircuitBreaker, CircuitBreakerConfig, SlidingWindow, State, Token};
use super::naive::{Begun, Naive};
use super::rig::{Heard, at, breaker, config};
use crate::policy::{Admission, Outcome, RequestMeta};
use crate::units::{Ratio, Span};

#[derive(Clone, Debug)]
enum Op {
    Acquire,
    Settle(usize, Outcome),
    Cancel(usize),
    Wait(u64),
    Pull(u8),
    Size(u32),
    Rates(u64, u64),
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Success),
        3 => Just(Outcome::Failure),
        1 => Just(Outcome::Slow),
        1 => Just(Outcome::Ignored),
    ]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        12 => Just(Op::Acquire),
        12 => (0usize..6, outcome()).prop_map(|(n, outcome)| Op::Settle(n, outcome)),
        2 => (0usize..6).prop_map(Op::Cancel),
        5 => (0u64..400).prop_map(Op::Wait),
        2 => (0u64..9_000).prop_map(Op::Wait),
        1 => (0u8..9).prop_map(Op::Pull),
        1 => (3u32..12).prop_map(Op::Size),
        1 => (1u64..=100, 1u64..=100).prop_map(|(a, b)| Op::Rates(a, b)),
    ];
    prop::collection::vec(op, 1..250)
}

fn configs() -> impl Strategy<Value = CircuitBreakerConfig> {
    let window = prop_oneof![
        (3u32..12).prop_map(SlidingWindow::Count),
        (1u32..10).prop_map(|buckets| SlidingWindow::Time {
            span: Span::millis(u64::from(buckets) * 100),
            buckets,
        }),
    ];
    let rates = (1u64..=100, 1u64..=100, 1u64..=100);
    (window, rates, 1u32..=3, 1u32..5, any::<bool>()).prop_map(
        |(sliding_window, (failure, slow, success), minimum_calls, permitted, measured)| {
            CircuitBreakerConfig {
                failure_rate_threshold: Ratio::percent(failure),
                slow_call_rate_threshold: Ratio::percent(slow),
                half_open_success_rate: Ratio::percent(success),
                slow_call_duration: measured.then_some(Span::millis(150)),
                minimum_calls,
                sliding_window,
                open_wait: Span::millis(500),
                open_wait_max: Span::millis(3_000),
                permitted_calls_in_half_open: permitted,
                max_wait_in_half_open: Span::millis(2_000),
                ..config()
            }
        },
    )
}

struct Both {
    real: CircuitBreaker,
    heard: Arc<Heard>,
    naive: Naive,
    under_way: Vec<(Token, Begun)>,
    now_ms: u64,
}

impl Both {
    fn new(config: CircuitBreakerConfig) -> Self {
        let (real, heard) = breaker(config.clone());
        Self {
            real,
            heard,
            naive: Naive::new(config),
            under_way: Vec::new(),
            now_ms: 1_000_000,
        }
    }

    fn run(&mut self, op: Op) -> Result<(), TestCaseError> {
        let now = at(self.now_ms);
        match op {
            Op::Acquire => {
                let real = self.real.try_acquire(&RequestMeta::default(), now);
                match (real, self.naive.acquire(self.now_ms)) {
                    (Ok(token), Ok(begun)) => self.under_way.push((token, begun)),
                    (Err(rejected), Err((reason, left_ms))) => {
                        prop_assert_eq!(rejected.reason, reason);
                        let left = left_ms.map(Duration::from_millis);
                        prop_assert_eq!(rejected.retry_after, left);
                    }
                    (real, naive) => prop_assert!(false, "{real:?} {naive:?}"),
                }
            }
            Op::Settle(n, outcome) if n < self.under_way.len() => {
                let (token, begun) = self.under_way.remove(n);
                self.real.settle(token, outcome, now);
                self.naive.settle(begun, outcome, self.now_ms);
            }
            Op::Cancel(n) if n < self.under_way.len() => {
                let (token, begun) = self.under_way.remove(n);
                self.real.cancel(token);
                self.naive.cancel(begun);
            }
            Op::Settle(..) | Op::Cancel(_) => {}
            Op::Wait(ms) => self.now_ms += ms,
            Op::Pull(lever) => self.pull(lever),
            Op::Size(calls) => {
                if let SlidingWindow::Count(_) = self.naive.config.sliding_window {
                    let mut config = self.naive.config.clone();
                    config.sliding_window = SlidingWindow::Count(calls);
                    self.reconfigure(config);
                }
            }
            Op::Rates(failure, slow) => {
                let mut config = self.naive.config.clone();
                config.failure_rate_threshold = Ratio::percent(failure);
                config.slow_call_rate_threshold = Ratio::percent(slow);
                // Half open, other thresholds are applied with the next trial that ends.
                if self.naive.state != State::HalfOpen {
                    self.reconfigure(config);
                }
            }
        }
        self.compare()
    }

    fn reconfigure(&mut self, config: CircuitBreakerConfig) {
        self.real.reconfigure(config.clone()).unwrap();
        self.naive.reconfigure(config);
    }

    fn pull(&mut self, lever: u8) {
        let to = match lever {
            0 => State::ForcedOpen,
            1 => State::Disabled,
            2 => State::MetricsOnly,
            _ => State::Closed,
        };
        match lever {
            0 => self.real.force_open(),
            1 => self.real.disable(),
            2 => self.real.metrics_only(),
            3 => self.real.reset(),
            _ => self.real.force_close(),
        }
        if self.naive.state != to || lever == 3 {
            self.naive.go(to, self.now_ms);
        }
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.real.state(), self.naive.state);
        let counts = self.real.counts(at(self.now_ms));
        let (calls, failed, slow) = self.naive.counts(self.now_ms);
        prop_assert_eq!(
            (counts.calls, counts.failed, counts.slow),
            (calls as u64, failed as u64, slow as u64)
        );
        let trials = self.real.trials().unwrap_or_default();
        prop_assert_eq!(trials.admitted, self.naive.admitted);
        prop_assert_eq!(trials.settled, self.naive.trials.len() as u64);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_does_what_a_naive_breaker_does(config in configs(), ops in ops()) {
        let mut both = Both::new(config);
        for op in ops {
            both.run(op)?;
        }
        prop_assert_eq!(both.heard.changes(), both.naive.changes);
    }
}
