//! What users of other limiters complain of.

use std::time::Duration;

use super::simulation::World;
use super::tests::{IDLE_MS, WEATHER, baseline_ms, limit, limiter, waves, with};
use super::{AdaptiveLimiterConfig, Aimd, Algorithm, Vegas};
use crate::policy::{Outcome, Permit, RequestMeta};
use crate::time::Timestamp;
use crate::units::Span;

#[test]
fn concurrency_limits_137_under_constant_timeouts_the_limit_only_falls() {
    for algorithm in [
        Algorithm::Vegas(Vegas::default()),
        Algorithm::default(),
        Algorithm::Aimd(Aimd::default()),
    ] {
        let limiter = limiter(algorithm);
        let mut now = Timestamp::from_secs(100);
        now = waves(
            &limiter,
            now,
            Duration::from_millis(50),
            200,
            Outcome::Success,
        );
        let mut before = limiter.limit();
        let (baseline, well) = (limiter.baseline(), before);
        for _ in 0..100 {
            now = waves(&limiter, now, Duration::from_secs(5), 10, Outcome::Failure);
            assert!(limiter.limit() <= before);
            before = limiter.limit();
        }
        assert!(before <= well / 50, "{well} became {before}");
        assert_eq!(limiter.baseline(), baseline);
    }
}

#[test]
fn failsafe_go_127_a_long_incident_is_not_learnt() {
    let limiter = limiter(Algorithm::default());
    let mut now = Timestamp::from_secs(100);
    now = waves(
        &limiter,
        now,
        Duration::from_millis(100),
        100,
        Outcome::Success,
    );
    let well = limiter.limit();
    // 100 times as slow, whatever the concurrency, for nine minutes.
    while now < Timestamp::from_secs(650) {
        now = waves(&limiter, now, Duration::from_secs(10), 1, Outcome::Success);
        assert!(limiter.limit() <= well);
    }
    assert!(limiter.limit() < well / 10, "{}", limiter.limit());
    assert!(baseline_ms(&limiter) <= 810, "{}", baseline_ms(&limiter));
    waves(
        &limiter,
        now,
        Duration::from_millis(100),
        600,
        Outcome::Success,
    );
    assert!(limiter.limit() >= well / 2, "{} of {well}", limiter.limit());
    assert!((98..=102).contains(&baseline_ms(&limiter)));
}

#[test]
fn failsafe_go_127_above_a_latency_that_cannot_be_healthy_nothing_is_learnt() {
    let limiter = with(AdaptiveLimiterConfig {
        max_rtt: Some(Span::secs(1)),
        ..AdaptiveLimiterConfig::default()
    });
    let mut now = Timestamp::from_secs(100);
    now = waves(
        &limiter,
        now,
        Duration::from_millis(500),
        100,
        Outcome::Success,
    );
    let baseline = limiter.baseline();
    // The first of these waves closes the last window of those before.
    now = waves(
        &limiter,
        now,
        Duration::from_millis(1_500),
        2,
        Outcome::Success,
    );
    let mut before = limiter.limit();
    for _ in 0..600 {
        now = waves(
            &limiter,
            now,
            Duration::from_millis(1_500),
            1,
            Outcome::Success,
        );
        assert!(
            limiter.limit() <= before,
            "{before} became {}",
            limiter.limit()
        );
        before = limiter.limit();
    }
    assert_eq!((before, limiter.baseline()), (1, baseline));
}

#[test]
fn envoy_38338_46532_the_baseline_is_measured_below_the_lowest_limit() {
    // The lowest limit is five times what the service can bear, so latencies never come down.
    let limiter = with(AdaptiveLimiterConfig {
        min_limit: 100,
        initial_limit: 100,
        ..AdaptiveLimiterConfig::default()
    });
    let weather = WEATHER.at_load(10.0);
    let mut world = World::new(&limiter, 2);
    world.run(120, weather);
    let seconds = world.run(120, weather);
    assert!((IDLE_MS - 15..=IDLE_MS + 15).contains(&baseline_ms(&limiter)));
    assert!(limit(&seconds) <= 100.0, "it does not grow from there");
}

#[test]
fn resilience4j_682_calls_given_up_leave_no_trace_and_no_hole() {
    let limiter = limiter(Algorithm::default());
    let now = Timestamp::from_secs(100);
    for _ in 0..100_000 {
        drop(Permit::acquire(&limiter, &RequestMeta::default(), now).unwrap());
    }
    assert_eq!((limiter.in_flight(), limiter.limit()), (0, 20));
    assert_eq!(limiter.baseline(), None);
}

#[test]
fn failures_that_are_quick_do_not_make_it_look_quick() {
    let limiter = limiter(Algorithm::default());
    let mut now = Timestamp::from_secs(100);
    now = waves(
        &limiter,
        now,
        Duration::from_millis(50),
        100,
        Outcome::Success,
    );
    let before = limiter.limit();
    waves(
        &limiter,
        now,
        Duration::from_millis(1),
        5_000,
        Outcome::Failure,
    );
    assert!(limiter.limit() < before / 10);
    assert!((49..=51).contains(&baseline_ms(&limiter)));
}
