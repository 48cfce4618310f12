//! Tests of the delay, on virtual time.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{HedgeConfig, HedgePolicy};
use crate::policy::{RetryBudget, RetryBudgetConfig};
use crate::rng::Rng as Seeded;
use crate::time::Timestamp;
use crate::units::{Rate, Ratio, Span};

fn policy(min_samples: u32) -> HedgePolicy {
    HedgePolicy::new(HedgeConfig {
        min_samples,
        ..HedgeConfig::default()
    })
    .unwrap()
}

/// Records a latency in milliseconds `n` times, one every 10 ms.
fn record(policy: &HedgePolicy, now: &mut Timestamp, millis: u64, n: usize) {
    for _ in 0..n {
        *now = *now + Duration::from_millis(10);
        policy.record(Duration::from_millis(millis), *now);
    }
}

#[test]
fn nothing_is_hedged_before_enough_is_known() {
    let policy = policy(100);
    let mut now = Timestamp::from_secs(100);
    record(&policy, &mut now, 20, 99);
    now = now + Duration::from_secs(1);
    assert_eq!(policy.delay(0, now), None);
    record(&policy, &mut now, 20, 1);
    now = now + Duration::from_secs(1);
    assert_eq!(policy.delay(0, now).unwrap().as_millis(), 20);
    assert_eq!(policy.delay(1, now), None, "one hedge is all");
}

#[test]
fn forgets_what_is_older_than_the_window() {
    let policy = policy(10);
    let mut now = Timestamp::from_secs(100);
    record(&policy, &mut now, 500, 1_000);
    record(&policy, &mut now, 20, 5_900);
    now = now + Duration::from_secs(2);
    let delay = policy.delay(0, now).unwrap();
    assert!(delay < Duration::from_millis(21), "{delay:?}");
    now = now + Duration::from_secs(600);
    assert_eq!(policy.delay(0, now), None, "after a pause nothing is known");
}

#[test]
fn a_clock_that_steps_back_does_not_freeze_it() {
    let policy = policy(10);
    let mut now = Timestamp::from_secs(10_000);
    record(&policy, &mut now, 500, 100);
    now = Timestamp::from_secs(5_000);
    record(&policy, &mut now, 20, 12_000);
    let delay = policy.delay(0, now).unwrap();
    assert!(delay < Duration::from_millis(21), "{delay:?}");
}

#[test]
fn another_configuration_keeps_the_latencies() {
    let policy = policy(10);
    let mut now = Timestamp::from_secs(100);
    record(&policy, &mut now, 20, 100);
    let config = HedgeConfig {
        min_delay: Span::millis(50),
        max_hedges: 2,
        ..policy.config()
    };
    policy.reconfigure(config).unwrap();
    assert_eq!(policy.config(), config);
    assert_eq!(policy.samples(), 100);
    assert_eq!(policy.delay(1, now), Some(Duration::from_millis(50)));
    let bad = HedgeConfig {
        max_delay: Span::millis(49),
        ..config
    };
    assert_eq!(policy.reconfigure(bad).unwrap_err().field, "max_delay");
}

/// Calls of which 5 % are slow, each hedged where policy and budget allow. Returns the hedges.
fn hedged(seed: u64, slowdown: u64, budget: &RetryBudget) -> usize {
    let policy = policy(100);
    let (mut rng, mut hedges) = (Seeded::new(seed), 0);
    for call in 0..20_000u64 {
        let now = Timestamp::from_millis(100_000 + call * 2);
        budget.deposit(now);
        let slow = if call > 10_000 { slowdown } else { 1 };
        let latency = Duration::from_micros((rng.below(10_000) + 1) * slow);
        let late = policy.delay(0, now).filter(|delay| *delay < latency);
        if let Some(delay) = late
            && budget.withdraw(now + delay).is_ok()
        {
            hedges += 1;
            // The loser is cancelled when the hedge wins, and recorded with what it took so far.
            let second = Duration::from_micros((rng.below(10_000) + 1) * slow);
            policy.record(second, now);
            policy.record(latency.min(delay + second), now);
        } else {
            policy.record(latency, now);
        }
    }
    hedges
}

#[test]
fn five_per_cent_of_calls_are_hedged_and_not_more_and_more() {
    let budget = RetryBudget::default();
    let hedges = hedged(1, 1, &budget);
    assert!((900..1_100).contains(&hedges), "{hedges} of 20000");
}

#[test]
fn envoy_30205_in_a_slowdown_the_budget_holds_hedges_to_its_share() {
    let budget = Arc::new(
        RetryBudget::new(RetryBudgetConfig {
            ratio: Ratio::percent(10),
            floor: Rate::per_second(0),
        })
        .unwrap(),
    );
    let hedges = hedged(1, 50, &budget);
    assert!(hedges <= 2_000, "{hedges} of 20000");
    assert!(hedges >= 900, "{hedges} of 20000");
}

proptest! {
    #[test]
    fn the_delay_is_the_quantile_within_one_per_cent(
        mut micros in prop::collection::vec(1_000u64..5_000_000, 100..400),
        percent in 50usize..99,
    ) {
        let policy = HedgePolicy::new(HedgeConfig {
            quantile: Ratio::percent(percent as u64),
            ..HedgeConfig::default()
        }).unwrap();
        let mut now = Timestamp::from_secs(100);
        for latency in &micros {
            now = now + Duration::from_millis(20);
            policy.record(Duration::from_micros(*latency), now);
        }
        now = now + Duration::from_secs(2);
        let delay = policy.delay(0, now).unwrap().as_micros() as f64;
        micros.sort_unstable();
        let rank = (percent * micros.len()).div_ceil(100);
        let exact = micros[rank - 1] as f64;
        prop_assert!((delay - exact).abs() <= exact * 0.01, "{delay} is not {exact}");
    }
}
