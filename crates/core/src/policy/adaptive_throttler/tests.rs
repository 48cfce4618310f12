//! Tests against a list of all calls, and of what it does to a server.

use std::time::Duration;

use proptest::prelude::*;

use super::{AdaptiveThrottler, AdaptiveThrottlerConfig};
use crate::policy::{Admission, Criticality, Outcome, Permit, Reason, RequestMeta};
use crate::time::Timestamp;
use crate::units::{Ratio, Span};

fn of_level(criticality: Criticality) -> RequestMeta {
    RequestMeta {
        criticality,
        ..RequestMeta::default()
    }
}

/// Makes calls of one criticality and returns how many were sent.
fn calls(
    throttler: &AdaptiveThrottler,
    n: usize,
    level: Criticality,
    outcome: Outcome,
    now: Timestamp,
) -> usize {
    (0..n)
        .filter_map(|_| Permit::acquire(throttler, &of_level(level), now).ok())
        .map(|permit| permit.settle(outcome, now))
        .count()
}

#[test]
fn a_healthy_server_is_never_spared() {
    let throttler = AdaptiveThrottler::default();
    let now = Timestamp::from_secs(100);
    assert_eq!(
        calls(
            &throttler,
            500,
            Criticality::Critical,
            Outcome::Success,
            now
        ),
        500
    );
    assert_eq!(
        calls(
            &throttler,
            400,
            Criticality::Critical,
            Outcome::Failure,
            now
        ),
        400,
        "up to half may fail while K is 2"
    );
    assert!(throttler.rejection(Criticality::Critical, now) < f64::EPSILON);
}

#[test]
fn an_outage_is_asked_a_tenth_and_recovery_is_seen() {
    let throttler = AdaptiveThrottler::default().with_seed(3);
    let mut sent = 0;
    for second in 100..160 {
        let now = Timestamp::from_secs(second);
        sent += calls(
            &throttler,
            100,
            Criticality::Critical,
            Outcome::Failure,
            now,
        );
    }
    assert!((560..760).contains(&sent), "{sent} of 6000");
    let mut seconds = 0;
    loop {
        let now = Timestamp::from_secs(160 + seconds);
        calls(
            &throttler,
            100,
            Criticality::Critical,
            Outcome::Success,
            now,
        );
        if throttler.rejection(Criticality::Critical, now) <= 0.0 {
            break;
        }
        seconds += 1;
        assert!(seconds < 300, "never recovers");
    }
    assert!((20..120).contains(&seconds), "{seconds} s");
}

#[test]
fn refusals_of_batch_work_do_not_throttle_users() {
    let throttler = AdaptiveThrottler::default();
    let now = Timestamp::from_secs(100);
    calls(
        &throttler,
        2_000,
        Criticality::Sheddable,
        Outcome::Failure,
        now,
    );
    assert!(throttler.rejection(Criticality::Sheddable, now) > 0.85);
    assert_eq!(
        calls(
            &throttler,
            100,
            Criticality::CriticalPlus,
            Outcome::Success,
            now
        ),
        100
    );
}

#[test]
fn counts_at_send_so_a_server_that_hangs_is_seen() {
    let throttler = AdaptiveThrottler::default();
    let call = RequestMeta::default();
    let start = Timestamp::from_secs(100);
    calls(
        &throttler,
        100,
        Criticality::Critical,
        Outcome::Success,
        start,
    );
    // One refusal shows that it is no mere burst; the rest are neither answered nor refused.
    calls(
        &throttler,
        1,
        Criticality::Critical,
        Outcome::Failure,
        start,
    );
    let held: Vec<_> = (0..1_000)
        .filter_map(|_| throttler.try_acquire(&call, start).ok())
        .collect();
    // 100 until half of them are in excess, then 200/n of the n-th.
    assert!((340..540).contains(&held.len()), "{}", held.len());
}

#[test]
fn a_burst_to_a_server_that_refuses_nothing_passes() {
    let throttler = AdaptiveThrottler::default();
    let now = Timestamp::from_secs(100);
    calls(&throttler, 30, Criticality::Critical, Outcome::Success, now);
    let held: Vec<_> = (0..1_000)
        .filter_map(|_| throttler.try_acquire(&RequestMeta::default(), now).ok())
        .collect();
    assert_eq!(held.len(), 1_000);
}

#[test]
fn resilience4j_682_calls_given_up_are_no_refusals() {
    let throttler = AdaptiveThrottler::default();
    let now = Timestamp::from_secs(100);
    calls(&throttler, 50, Criticality::Critical, Outcome::Success, now);
    calls(&throttler, 10, Criticality::Critical, Outcome::Failure, now);
    for _ in 0..10_000 {
        drop(Permit::acquire(&throttler, &RequestMeta::default(), now).unwrap());
    }
    let state = throttler.state(Criticality::Critical, now);
    assert_eq!(
        (state.requests, state.accepts, state.failures),
        (60, 50, 10)
    );
}

#[test]
fn another_configuration_keeps_the_counts() {
    let throttler = AdaptiveThrottler::default();
    let now = Timestamp::from_secs(100);
    calls(
        &throttler,
        100,
        Criticality::Critical,
        Outcome::Success,
        now,
    );
    calls(&throttler, 60, Criticality::Critical, Outcome::Failure, now);
    assert!(throttler.rejection(Criticality::Critical, now) <= 0.0);
    let config = AdaptiveThrottlerConfig {
        multiplier: 1.0,
        window: Span::secs(120),
        ..AdaptiveThrottlerConfig::default()
    };
    throttler.reconfigure(config).unwrap();
    assert_eq!(throttler.config(), config);
    let rejection = throttler.rejection(Criticality::Critical, now);
    assert!((rejection - 60.0 / 161.0).abs() < 1e-9, "{rejection}");
    for (field, bad) in [
        (
            "multiplier",
            AdaptiveThrottlerConfig {
                multiplier: f64::NAN,
                ..config
            },
        ),
        (
            "window",
            AdaptiveThrottlerConfig {
                window: Span::secs(7),
                ..config
            },
        ),
        (
            "max_rejection",
            AdaptiveThrottlerConfig {
                max_rejection: Ratio::ONE,
                ..config
            },
        ),
    ] {
        assert_eq!(throttler.reconfigure(bad).unwrap_err().field, field);
    }
}

#[test]
fn refusals_are_not_worth_repeating() {
    let throttler = AdaptiveThrottler::default();
    let now = Timestamp::from_secs(100);
    let rejected = (0..1_000)
        .find_map(|_| {
            let permit = Permit::acquire(&throttler, &RequestMeta::default(), now);
            permit.map(|p| p.settle(Outcome::Failure, now)).err()
        })
        .unwrap();
    assert_eq!(
        (rejected.reason, rejected.retryable),
        (Reason::Throttled, false)
    );
}

proptest! {
    #[test]
    fn counts_as_a_list_of_all_calls(
        window in 2u32..=30,
        steps in prop::collection::vec((0u8..4, 0u64..3_000, 0usize..4), 1..200),
    ) {
        let throttler = AdaptiveThrottler::new(AdaptiveThrottlerConfig {
            window: Span::secs(u64::from(window) * 4),
            // Nothing is held back, so that the model knows what is sent.
            multiplier: 100.0,
            min_samples: u32::MAX,
            ..AdaptiveThrottlerConfig::default()
        }).unwrap();
        let mut now = Timestamp::from_secs(1_000);
        let mut seen: Vec<(u64, usize, u8)> = Vec::new();
        for (what, ms, level) in steps {
            now = now + Duration::from_millis(ms * 4);
            let level_of = Criticality::ALL[level];
            let token = throttler.try_acquire(&of_level(level_of), now).unwrap();
            match what {
                0 | 1 => throttler.settle(token, Outcome::Success, now),
                2 => throttler.settle(token, Outcome::Failure, now),
                _ => throttler.cancel(token),
            }
            seen.push((now.as_secs() / 4, level, what));
            let count = |of: &dyn Fn(u8) -> bool| {
                let recent = now.as_secs() / 4 - u64::from(window);
                seen.iter().filter(|(t, l, w)| *t > recent && *l == level && of(*w)).count()
            };
            let state = throttler.state(level_of, now);
            prop_assert_eq!(state.requests as usize, count(&|w| w < 3));
            prop_assert_eq!(state.accepts as usize, count(&|w| w < 2));
            prop_assert_eq!(state.failures as usize, count(&|w| w == 2));
        }
    }
}
