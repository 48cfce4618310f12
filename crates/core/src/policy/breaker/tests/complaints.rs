//! What users of other breakers complain of, each under the name of its thread.

use std::time::Duration;

use super::super::{CircuitBreaker, CircuitBreakerConfig, SlidingWindow, State};
use super::rig::{acquire, at, breaker, call, calls, config, reason, trip};
use crate::policy::{Admission, Outcome, Reason, RequestMeta};
use crate::units::Span;

#[test]
fn resilience4j_903_trials_slower_than_the_window_still_decide() {
    // Theirs kept the trials in a window of one second that asked for ten calls: with fewer a second
    // there never was a verdict.
    let (breaker, _) = breaker(CircuitBreakerConfig {
        sliding_window: SlidingWindow::Time {
            span: Span::secs(1),
            buckets: 10,
        },
        minimum_calls: 10,
        permitted_calls_in_half_open: 10,
        max_wait_in_half_open: Span::secs(60),
        ..config()
    });
    trip(&breaker, at(0));
    for n in 0..10 {
        call(&breaker, Outcome::Success, at(5_000 + n * 900));
    }
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn resilience4j_935_a_probe_that_never_settles_cannot_wedge() {
    let (breaker, heard) = breaker(config());
    trip(&breaker, at(0));
    heard.take();
    let hung = [
        acquire(&breaker, at(5_000)).unwrap(),
        acquire(&breaker, at(5_001)).unwrap(),
    ];
    let full = acquire(&breaker, at(9_000)).unwrap_err();
    assert_eq!(full.reason, Reason::HalfOpenFull);
    assert_eq!(full.retry_after, Some(Duration::from_secs(6)));
    // Ten seconds after it became half open what has not ended counts as failed.
    assert_eq!(reason(&breaker, at(14_999)), Reason::HalfOpenFull);
    assert_eq!(reason(&breaker, at(15_000)), Reason::CallNotPermitted);
    assert_eq!(heard.changes(), ["open -> half_open", "half_open -> open"]);
    // The wait has doubled; then others have their turn, and the hung ones no say.
    assert_eq!(reason(&breaker, at(24_999)), Reason::CallNotPermitted);
    calls(&breaker, 2, Outcome::Success, at(25_000));
    assert_eq!(breaker.state(), State::Closed);
    for permit in hung {
        permit.settle(Outcome::Failure, at(26_000));
    }
    assert_eq!(breaker.counts(at(26_000)).calls, 0);
}

#[test]
fn a_half_open_breaker_in_a_quiet_time_judges_by_the_trials_there_were() {
    let (breaker, heard) = breaker(config());
    trip(&breaker, at(0));
    call(&breaker, Outcome::Success, at(5_000));
    assert_eq!(breaker.state(), State::HalfOpen);
    heard.take();
    call(&breaker, Outcome::Success, at(15_000));
    assert_eq!(heard.changes(), ["half_open -> closed"]);
    assert_eq!(breaker.counts(at(15_000)).calls, 1, "counted as closed");
}

#[test]
fn a_half_open_breaker_whose_trials_were_all_cancelled_asks_again() {
    let (breaker, heard) = breaker(config());
    trip(&breaker, at(0));
    drop(acquire(&breaker, at(5_000)).unwrap());
    heard.take();
    let trial = acquire(&breaker, at(60_000)).unwrap();
    assert_eq!(heard.changes(), Vec::<String>::new());
    assert_eq!(
        breaker.time_left(at(61_000)),
        Some(Duration::from_secs(9)),
        "it may be half open for as long again"
    );
    trial.settle(Outcome::Failure, at(61_000));
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn opossum_276_a_failed_trial_reopens_however_few_calls_there_were() {
    let (breaker, heard) = breaker(CircuitBreakerConfig {
        minimum_calls: 8,
        ..config()
    });
    trip(&breaker, at(0));
    heard.take();
    call(&breaker, Outcome::Failure, at(5_000));
    assert_eq!(heard.changes(), ["open -> half_open", "half_open -> open"]);
}

#[test]
fn resilience4j_544_an_ignored_trial_gives_its_place_back() {
    let (breaker, _) = breaker(config());
    trip(&breaker, at(0));
    calls(&breaker, 20, Outcome::Ignored, at(5_000));
    assert_eq!(breaker.state(), State::HalfOpen);
    calls(&breaker, 2, Outcome::Success, at(5_000));
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn resilience4j_682_a_cancelled_call_is_no_failure() {
    let (breaker, heard) = breaker(config());
    for _ in 0..1_000 {
        drop(acquire(&breaker, at(0)).unwrap());
    }
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.counts(at(0)).calls, 0);
    assert_eq!(heard.take(), vec!["cancelled"; 1_000]);
    trip(&breaker, at(0));
    for _ in 0..1_000 {
        drop(acquire(&breaker, at(5_000)).unwrap());
    }
    assert_eq!(breaker.trials().unwrap().admitted, 0);
    calls(&breaker, 2, Outcome::Success, at(5_000));
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn resilience4j_1090_results_from_before_the_trip_decide_nothing() {
    let (breaker, _) = breaker(config());
    let early: Vec<_> = (0..10).map(|_| acquire(&breaker, at(0)).unwrap()).collect();
    trip(&breaker, at(0));
    let mut early = early.into_iter();
    let mut late = |outcome, now| early.next().unwrap().settle(outcome, now);
    // opossum#381: a call that was under way succeeds while it is open.
    late(Outcome::Success, at(100));
    assert_eq!(breaker.state(), State::Open);
    let trial = acquire(&breaker, at(5_000)).unwrap();
    for outcome in [Outcome::Success, Outcome::Success, Outcome::Failure] {
        late(outcome, at(5_001));
    }
    let trials = breaker.trials().unwrap();
    assert_eq!((trials.admitted, trials.settled), (1, 0));
    trial.settle(Outcome::Success, at(5_002));
    call(&breaker, Outcome::Success, at(5_003));
    assert_eq!(breaker.state(), State::Closed);
    for _ in 0..6 {
        late(Outcome::Failure, at(5_004));
    }
    assert_eq!(breaker.state(), State::Closed);
    assert_eq!(breaker.counts(at(5_004)).calls, 0);
}

#[test]
fn resilience4j_2151_recording_waits_for_no_lock() {
    for sliding_window in [
        SlidingWindow::Count(100),
        SlidingWindow::Time {
            span: Span::secs(10),
            buckets: 10,
        },
    ] {
        let (breaker, _) = breaker(CircuitBreakerConfig {
            sliding_window,
            ..CircuitBreakerConfig::default()
        });
        let held = breaker.control.lock().unwrap();
        for outcome in [Outcome::Success, Outcome::Failure, Outcome::Success] {
            calls(&breaker, 5, outcome, at(1));
        }
        assert_eq!(breaker.counts(at(1)).failed, 5);
        assert_eq!(breaker.counts(at(1)).calls, 15);
        drop(held);
    }
}

#[test]
fn tower_resilience_a_million_successes_do_not_hide_an_outage() {
    let breaker = CircuitBreaker::default();
    calls(&breaker, 1_000_000, Outcome::Success, at(0));
    let mut failures = 0;
    while breaker.state() == State::Closed {
        call(&breaker, Outcome::Failure, at(1));
        failures += 1;
    }
    assert_eq!(failures, 50, "half of the last hundred");
}

#[test]
fn seatbelt_a_call_that_is_abandoned_leaves_no_trace_in_any_state() {
    let (breaker, _) = breaker(config());
    let open: fn(&CircuitBreaker) = |breaker| trip(breaker, at(0));
    for (prepare, now) in [
        ((|_| {}) as fn(&CircuitBreaker), 0),
        (open, 5_000),
        (CircuitBreaker::disable, 5_000),
        (CircuitBreaker::metrics_only, 5_000),
    ] {
        breaker.reset();
        prepare(&breaker);
        let token = breaker
            .try_acquire(&RequestMeta::default(), at(now))
            .unwrap();
        let before = breaker.state();
        breaker.cancel(token);
        assert_eq!(breaker.state(), before);
        assert_eq!(breaker.counts(at(now)).calls, 0);
        assert_eq!(breaker.trials().unwrap_or_default().admitted, 0);
    }
}
