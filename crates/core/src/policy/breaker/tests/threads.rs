//! Many threads at one breaker.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::{CircuitBreakerConfig, SlidingWindow, State};
use super::rig::{acquire, at, breaker, calls, config, trip};
use crate::policy::Outcome;
use crate::time::Timestamp;
use crate::units::Span;

const THREADS: usize = 4;

#[test]
fn resilience4j_1432_no_more_trials_than_permitted_pass() {
    for round in 0..200 {
        let (breaker, heard) = breaker(CircuitBreakerConfig {
            permitted_calls_in_half_open: 3,
            ..config()
        });
        trip(&breaker, at(0));
        heard.take();
        let (barrier, passed) = (Barrier::new(THREADS), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    barrier.wait();
                    let permits: Vec<_> = (0..3)
                        .filter_map(|_| acquire(&breaker, at(5_000)).ok())
                        .collect();
                    passed.fetch_add(permits.len() as u64, Ordering::Relaxed);
                    barrier.wait();
                    drop(permits);
                });
            }
        });
        assert_eq!(passed.load(Ordering::Relaxed), 3, "round {round}");
        assert_eq!(heard.changes(), ["open -> half_open"]);
    }
}

#[test]
fn a_storm_of_everything_ends_in_order() {
    let (breaker, heard) = breaker(CircuitBreakerConfig {
        open_wait: Span::millis(1),
        open_wait_factor: 1.0,
        max_wait_in_half_open: Span::millis(3),
        ..config()
    });
    let clock = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for seed in 0..THREADS as u64 {
            let (breaker, clock) = (&breaker, &clock);
            scope.spawn(move || {
                let mut rng = crate::rng::Rng::new(seed);
                for n in 0..5_000u64 {
                    let now = Timestamp::from_nanos(clock.fetch_add(20_000, Ordering::Relaxed));
                    if n % 500 == 7 {
                        let calls = 8 + u32::try_from(rng.below(3)).unwrap();
                        let sliding_window = if rng.below(2) == 0 {
                            SlidingWindow::Count(calls)
                        } else {
                            SlidingWindow::Time {
                                span: Span::millis(u64::from(calls)),
                                buckets: 4,
                            }
                        };
                        let config = CircuitBreakerConfig {
                            sliding_window,
                            ..breaker.config()
                        };
                        breaker.reconfigure(config).unwrap();
                    }
                    if let Ok(permit) = acquire(breaker, now) {
                        match rng.below(4) {
                            0 => permit.settle(Outcome::Failure, now),
                            1 => drop(permit),
                            _ => permit.settle(Outcome::Success, now),
                        }
                    }
                }
            });
        }
    });
    // Each change begins where some other ended: every state was left once for each time it was
    // entered, but for the first and the last.
    let changes = heard.changes();
    let last = breaker.state().as_str();
    for state in State::ALL.map(State::as_str) {
        let count = |place: usize| {
            changes
                .iter()
                .filter(|change| change.split(" -> ").nth(place) == Some(state))
                .count()
        };
        let entered = count(1) + usize::from(state == "closed");
        assert_eq!(entered, count(0) + usize::from(state == last), "{state}");
    }
    assert!(!changes.is_empty());
    // And it is as good as new.
    breaker.reset();
    let now = Timestamp::from_nanos(clock.load(Ordering::Relaxed));
    trip(&breaker, now);
    calls(&breaker, 2, Outcome::Success, now + Span::secs(1).0);
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn threads_that_trip_it_at_once_tell_of_one_change() {
    for _ in 0..200 {
        let (breaker, heard) = breaker(config());
        calls(&breaker, 2, Outcome::Success, at(0));
        let barrier = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let permit = acquire(&breaker, at(0)).unwrap();
                    barrier.wait();
                    permit.settle(Outcome::Failure, at(0));
                });
            }
        });
        assert_eq!(heard.changes(), ["closed -> open"]);
    }
}
