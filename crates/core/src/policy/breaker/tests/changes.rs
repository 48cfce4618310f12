//! Levers, knobs, events and clocks.

use std::cell::Cell;
use std::time::Duration;

use super::super::{CircuitBreaker, CircuitBreakerConfig, SlidingWindow, State};
use super::rig::{acquire, at, breaker, call, calls, config, reason, trip};
use crate::policy::{Evictable, Now, Outcome, Permit, Reason, RequestMeta};
use crate::time::Timestamp;
use crate::units::{Ratio, Span};

/// A clock that counts how often it is read.
struct Counting(Cell<u32>, Timestamp);

impl Now for Counting {
    fn now(&self) -> Timestamp {
        self.0.set(self.0.get() + 1);
        self.1
    }
}

fn reads(breaker: &CircuitBreaker, outcome: Outcome, now: Timestamp) -> (u32, u32) {
    let (before, after) = (Counting(Cell::new(0), now), Counting(Cell::new(0), now));
    if let Ok(permit) = Permit::acquire(breaker, &RequestMeta::default(), &before) {
        permit.settle(outcome, &after);
    }
    (before.0.get(), after.0.get())
}

#[test]
fn a_clock_is_read_once_at_most_and_never_without_need() {
    let (counting, _) = breaker(config());
    assert_eq!(reads(&counting, Outcome::Success, at(0)), (0, 0));
    assert_eq!(reads(&counting, Outcome::Failure, at(0)), (0, 0));
    calls(&counting, 1, Outcome::Failure, at(0));
    assert_eq!(
        reads(&counting, Outcome::Failure, at(0)),
        (0, 1),
        "it opens"
    );
    assert_eq!(reads(&counting, Outcome::Failure, at(0)), (1, 0), "refused");
    assert_eq!(reads(&counting, Outcome::Success, at(5_000)), (1, 0));
    counting.force_open();
    assert_eq!(reads(&counting, Outcome::Success, at(5_000)), (0, 0));

    let time = SlidingWindow::Time {
        span: Span::secs(1),
        buckets: 2,
    };
    let (timed, _) = breaker(CircuitBreakerConfig {
        sliding_window: time,
        ..config()
    });
    assert_eq!(reads(&timed, Outcome::Success, at(0)), (0, 1));
    let (measuring, _) = breaker(CircuitBreakerConfig {
        sliding_window: time,
        slow_call_duration: Some(Span::secs(1)),
        ..config()
    });
    assert_eq!(reads(&measuring, Outcome::Success, at(0)), (1, 1));
}

#[test]
fn slow_calls_open_it_and_a_failure_can_be_slow_as_well() {
    let (breaker, heard) = breaker(CircuitBreakerConfig {
        slow_call_duration: Some(Span::millis(100)),
        slow_call_rate_threshold: Ratio::percent(75),
        failure_rate_threshold: Ratio::percent(100),
        ..config()
    });
    let timed = |outcome, millis| {
        acquire(&breaker, at(0))
            .unwrap()
            .settle(outcome, at(millis))
    };
    timed(Outcome::Success, 99);
    timed(Outcome::Success, 100);
    timed(Outcome::Failure, 200);
    let counts = breaker.counts(at(200));
    assert_eq!((counts.calls, counts.failed, counts.slow), (3, 1, 2));
    assert_eq!(breaker.state(), State::Closed);
    timed(Outcome::Slow, 5);
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(
        heard.take(),
        [
            "settled success Some(99ms)",
            "settled slow Some(100ms)",
            "settled failure Some(200ms)",
            "closed -> open",
            "settled slow Some(5ms)",
        ]
    );
}

#[test]
fn ignored_calls_do_not_count() {
    let (breaker, _) = breaker(config());
    calls(&breaker, 100, Outcome::Ignored, at(0));
    assert_eq!(breaker.counts(at(0)).calls, 0);
}

#[test]
fn levers_work_from_any_state_and_tell_once() {
    let (breaker, heard) = breaker(config());
    breaker.force_open();
    breaker.force_open();
    assert_eq!(reason(&breaker, at(0)), Reason::ForcedOpen);
    breaker.disable();
    calls(&breaker, 20, Outcome::Failure, at(0));
    assert_eq!(breaker.counts(at(0)).calls, 0);
    breaker.metrics_only();
    calls(&breaker, 20, Outcome::Failure, at(0));
    assert_eq!(breaker.counts(at(0)).failed, 8);
    breaker.force_close();
    assert_eq!(breaker.counts(at(0)).calls, 0);
    calls(&breaker, 3, Outcome::Failure, at(0));
    breaker.force_close();
    assert_eq!(breaker.counts(at(0)).calls, 3, "it was closed already");
    breaker.reset();
    assert_eq!(breaker.counts(at(0)).calls, 0);
    assert_eq!(
        heard.changes(),
        [
            "closed -> forced_open",
            "forced_open -> disabled",
            "disabled -> metrics_only",
            "metrics_only -> closed",
        ]
    );
}

#[test]
fn the_wait_grows_while_trials_fail_and_begins_anew_when_it_closed() {
    let (breaker, _) = breaker(CircuitBreakerConfig {
        open_wait_max: Span::secs(18),
        ..config()
    });
    let mut now = at(0);
    let mut waits = Vec::new();
    trip(&breaker, now);
    for _ in 0..4 {
        let wait = breaker.time_left(now).unwrap();
        waits.push(wait.as_secs());
        now = now + wait;
        call(&breaker, Outcome::Failure, now);
    }
    assert_eq!(waits, [5, 10, 18, 18]);
    now = now + Duration::from_secs(18);
    calls(&breaker, 2, Outcome::Success, now);
    trip(&breaker, now);
    assert_eq!(breaker.time_left(now), Some(Duration::from_secs(5)));
}

#[test]
fn jitter_shortens_the_wait_and_follows_from_seed_and_time() {
    let wait = |seed: u64, millis: u64| {
        let config = CircuitBreakerConfig {
            open_wait_jitter: Ratio::percent(20),
            ..config()
        };
        let breaker = CircuitBreaker::new(config).unwrap().with_seed(seed);
        trip(&breaker, at(millis));
        breaker.time_left(at(millis)).unwrap()
    };
    assert_eq!(wait(1, 0), wait(1, 0));
    let mut waits: Vec<_> = (0..50)
        .flat_map(|n| [wait(n, 0), wait(1_000, n + 1)])
        .collect();
    waits.sort_unstable();
    waits.dedup();
    assert_eq!(waits.len(), 100);
    assert!(
        waits
            .iter()
            .all(|wait| (4_000..=5_000).contains(&wait.as_millis()))
    );
    assert!(waits.last().unwrap().as_millis() - waits[0].as_millis() > 800);
}

#[test]
fn a_clock_that_steps_back_costs_one_more_wait_at_most() {
    let (breaker, _) = breaker(config());
    trip(&breaker, at(10_000_000));
    // By less than the wait: no time at all.
    assert_eq!(
        breaker.time_left(at(9_998_000)),
        Some(Duration::from_secs(5))
    );
    assert_eq!(
        breaker.time_left(at(10_001_000)),
        Some(Duration::from_secs(4))
    );
    // By hours: the wait begins anew.
    assert_eq!(reason(&breaker, at(1_000)), Reason::CallNotPermitted);
    assert_eq!(reason(&breaker, at(5_999)), Reason::CallNotPermitted);
    call(&breaker, Outcome::Success, at(6_000));
    assert_eq!(breaker.state(), State::HalfOpen);
}

#[test]
fn a_new_configuration_keeps_the_latest_results() {
    let (breaker, heard) = breaker(CircuitBreakerConfig {
        failure_rate_threshold: Ratio::percent(90),
        ..config()
    });
    let under_way = acquire(&breaker, at(0)).unwrap();
    calls(&breaker, 6, Outcome::Success, at(0));
    calls(&breaker, 2, Outcome::Failure, at(0));
    let resize = |calls| {
        breaker.reconfigure(CircuitBreakerConfig {
            sliding_window: SlidingWindow::Count(calls),
            ..breaker.config()
        })
    };
    resize(4).unwrap();
    let counts = breaker.counts(at(0));
    assert_eq!((counts.calls, counts.failed), (4, 2));
    resize(200).unwrap();
    calls(&breaker, 150, Outcome::Success, at(0));
    let counts = breaker.counts(at(0));
    assert_eq!((counts.calls, counts.failed), (154, 2));
    under_way.settle(Outcome::Failure, at(0));
    assert_eq!(
        breaker.counts(at(0)),
        counts,
        "under way when it was resized"
    );
    assert_eq!(heard.changes(), Vec::<String>::new());

    let invalid = resize(3).unwrap_err();
    assert_eq!(invalid.field, "minimum_calls");
    assert_eq!(breaker.counts(at(0)), counts);
}

#[test]
fn a_window_by_time_keeps_its_results_too_and_another_kind_begins_empty() {
    let time = |secs, buckets| SlidingWindow::Time {
        span: Span::secs(secs),
        buckets,
    };
    let (breaker, _) = breaker(CircuitBreakerConfig {
        sliding_window: time(10, 10),
        failure_rate_threshold: Ratio::ONE,
        ..config()
    });
    let resize = |sliding_window| {
        let config = CircuitBreakerConfig {
            sliding_window,
            ..breaker.config()
        };
        breaker.reconfigure(config).unwrap();
        breaker.counts(at(109_000)).calls
    };
    for second in 100..110 {
        call(&breaker, Outcome::Success, at(second * 1_000));
    }
    assert_eq!(breaker.counts(at(109_000)).calls, 10);
    assert_eq!(resize(time(5, 5)), 5);
    assert_eq!(resize(time(60, 6)), 5);
    assert_eq!(breaker.counts(at(165_000)).calls, 0);
    assert_eq!(resize(SlidingWindow::Count(10)), 0);
    calls(&breaker, 3, Outcome::Success, at(166_000));
    assert_eq!(breaker.counts(at(166_000)).calls, 3);
    assert_eq!(resize(time(60, 6)), 0);
}

#[test]
fn a_closed_one_is_kept_while_it_is_half_way_to_open_and_its_window_moves() {
    let (breaker, _) = breaker(config());
    let kept = |ms| !(breaker.is_idle(at(ms)) && breaker.is_healthy(at(ms)));
    let wait = u64::try_from(breaker.config().open_wait.0.as_millis()).unwrap();
    assert!(!kept(0), "fresh");
    calls(&breaker, 3, Outcome::Success, at(0));
    assert!(!kept(0), "nothing bad");
    call(&breaker, Outcome::Failure, at(0));
    assert!(kept(0), "one of four; two of four open it");
    assert!(kept(2 * wait - 1));
    call(&breaker, Outcome::Success, at(2 * wait - 1));
    call(&breaker, Outcome::Failure, at(2 * wait - 1));
    assert!(kept(2 * wait), "somebody calls");
    assert!(kept(4 * wait - 1));
    assert!(!kept(4 * wait), "nobody has called for two waits");
    calls(&breaker, 7, Outcome::Success, at(4 * wait));
    assert!(!kept(4 * wait), "one of eight is less than half way");
}

#[test]
fn one_that_tripped_is_kept_while_somebody_asks_and_a_lever_for_ever() {
    let (breaker, _) = breaker(config());
    let kept = |ms| !(breaker.is_idle(at(ms)) && breaker.is_healthy(at(ms)));
    let wait = u64::try_from(breaker.config().open_wait.0.as_millis()).unwrap();
    let decide = breaker.config().max_wait_in_half_open.0;
    let decide = u64::try_from(decide.as_millis()).unwrap();
    calls(&breaker, 1, Outcome::Failure, at(1_000));
    assert!(kept(1_000), "on its way to open");
    breaker.reset();
    trip(&breaker, at(1_000));
    assert!(kept(1_000) && kept(1_000 + 2 * wait - 1));
    assert!(!kept(1_000 + 2 * wait), "nobody has asked");
    let asked = 1_000 + 2 * wait;
    let trial = acquire(&breaker, at(asked)).unwrap();
    assert_eq!(breaker.state(), State::HalfOpen);
    assert!(kept(asked) && kept(asked + 2 * decide - 1));
    assert!(!kept(asked + 2 * decide));
    drop(trial);
    for lever in [
        CircuitBreaker::force_open,
        CircuitBreaker::disable,
        CircuitBreaker::metrics_only,
    ] {
        lever(&breaker);
        assert!(kept(u64::MAX / 2_000_000));
    }
    breaker.force_close();
    assert!(!kept(0));
}

#[test]
fn a_half_open_breaker_keeps_its_trials_over_a_new_configuration() {
    let (breaker, _) = breaker(config());
    trip(&breaker, at(0));
    call(&breaker, Outcome::Success, at(5_000));
    let second = acquire(&breaker, at(5_000)).unwrap();
    assert_eq!(reason(&breaker, at(5_000)), Reason::HalfOpenFull);
    let permit = |trials| {
        let config = CircuitBreakerConfig {
            permitted_calls_in_half_open: trials,
            sliding_window: SlidingWindow::Count(4 + trials),
            ..breaker.config()
        };
        breaker.reconfigure(config).unwrap();
    };
    permit(3);
    let third = acquire(&breaker, at(5_000)).unwrap();
    second.settle(Outcome::Success, at(5_000));
    assert_eq!(breaker.state(), State::HalfOpen);
    permit(2);
    call(&breaker, Outcome::Success, at(5_000));
    assert_eq!(breaker.state(), State::Closed, "two of two succeeded");
    third.settle(Outcome::Failure, at(5_000));
    assert_eq!(breaker.counts(at(5_000)).calls, 1);
}
