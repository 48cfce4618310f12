//! Tests of the closed loop.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::simulation::{Second, Weather, World, mean};
use super::{AdaptiveLimiter, AdaptiveLimiterConfig, Aimd, Algorithm, Vegas};
use crate::policy::{Admission, Change, Event, Listener, Outcome, Permit, RequestMeta, Source};
use crate::time::Timestamp;
use crate::units::Span;

const CAPACITY: u32 = 20;
pub(super) const WEATHER: Weather = Weather {
    capacity: CAPACITY as usize,
    service: Duration::from_millis(50),
    rate: 0.0,
    noise: 0.5,
};
/// What 90 % of calls to the idle service do not exceed, in milliseconds: 50 × (1 + 0.8 × 0.5).
pub(super) const IDLE_MS: u64 = 70;

pub(super) fn limiter(algorithm: Algorithm) -> AdaptiveLimiter {
    with(AdaptiveLimiterConfig {
        algorithm,
        ..AdaptiveLimiterConfig::default()
    })
}

pub(super) fn with(config: AdaptiveLimiterConfig) -> AdaptiveLimiter {
    AdaptiveLimiter::new(config).unwrap()
}

pub(super) fn limit(seconds: &[Second]) -> f64 {
    mean(seconds, |second| f64::from(second.limit))
}

/// Answered calls in shares of the most that could be.
fn goodput(seconds: &[Second], weather: Weather) -> f64 {
    mean(seconds, |second| f64::from(second.answered)) / weather.throughput()
}

pub(super) fn baseline_ms(limiter: &AdaptiveLimiter) -> u64 {
    u64::try_from(limiter.baseline().unwrap().as_millis()).unwrap()
}

/// The limit is at the capacity: not below what keeps the service busy, and not far above.
fn assert_near_capacity(what: &str, seconds: &[Second], weather: Weather) {
    let (limit, goodput) = (limit(seconds), goodput(seconds, weather));
    let capacities = limit / weather.capacity as f64;
    println!("{what}: limit {limit:.1}, {capacities:.2} capacities, goodput {goodput:.3}");
    assert!((0.9..2.2).contains(&capacities), "{what}: limit {limit}");
    assert!(goodput >= 0.95, "{what}: goodput {goodput}");
}

/// Settles at twice and at ten times what the service can bear, and stays there.
fn settles(algorithm: Algorithm, name: &str) {
    for (load, minutes) in [(2.0, 10), (10.0, 2)] {
        let limiter = limiter(algorithm);
        let weather = WEATHER.at_load(load);
        let mut world = World::new(&limiter, 7);
        world.run(30, weather);
        let seconds = world.run(minutes * 60, weather);
        for (minute, seconds) in seconds.chunks(60).enumerate() {
            assert_near_capacity(
                &format!("{name} at {load}x, {minute} min"),
                seconds,
                weather,
            );
        }
        let longest = seconds.iter().map(|second| second.slowest).max().unwrap();
        assert!(longest < Duration::from_millis(500), "{longest:?}");
    }
}

#[test]
fn concurrency_limits_134_vegas_settles_and_does_not_drift_up_in_ten_minutes_of_overload() {
    settles(Algorithm::Vegas(Vegas::default()), "vegas");
}

#[test]
fn concurrency_limits_134_gradient2_settles_and_does_not_drift_up_in_ten_minutes_of_overload() {
    settles(Algorithm::default(), "gradient2");
}

#[test]
fn concurrency_limits_134_aimd_settles_and_does_not_drift_up_in_ten_minutes_of_overload() {
    settles(Algorithm::Aimd(Aimd::default()), "aimd");
}

/// A service that loses most of its workers, gets them back, becomes slow, and becomes quick again.
fn recovers(algorithm: Algorithm, name: &str) {
    let limiter = limiter(algorithm);
    let mut world = World::new(&limiter, 9);
    let well = WEATHER.at_load(2.0);
    world.run(60, well);
    let fewer = Weather {
        capacity: 5,
        ..well
    };
    let seconds = world.run(90, fewer);
    let goodput_of_fewer = goodput(&seconds[5..], fewer);
    assert!(goodput_of_fewer > 0.9, "{name}: {goodput_of_fewer}");
    assert!(
        limit(&seconds[60..]) < 20.0,
        "{name}: {}",
        limit(&seconds[60..])
    );
    let seconds = world.run(60, well);
    assert_near_capacity(
        &format!("{name} has its workers back"),
        &seconds[10..],
        well,
    );

    let slower = Weather {
        service: Duration::from_millis(250),
        ..well
    };
    let seconds = world.run(120, slower);
    assert_near_capacity(&format!("{name} is slow"), &seconds[60..], slower);
    let seconds = world.run(120, well);
    assert!(
        goodput(&seconds[2..10], well) > 0.9,
        "{name} is quick again"
    );
    assert_near_capacity(&format!("{name} is quick again"), &seconds[60..], well);
    let baseline = baseline_ms(&limiter);
    assert!(
        (IDLE_MS - 15..=IDLE_MS + 15).contains(&baseline),
        "{name}: {baseline} ms"
    );
}

#[test]
fn vegas_recovers_from_degraded_phases_and_forgets_their_latencies() {
    recovers(Algorithm::Vegas(Vegas::default()), "vegas");
}

#[test]
fn gradient2_recovers_from_degraded_phases_and_forgets_their_latencies() {
    recovers(Algorithm::default(), "gradient2");
}

#[test]
fn aimd_recovers_from_degraded_phases_and_forgets_their_latencies() {
    recovers(Algorithm::Aimd(Aimd::default()), "aimd");
}

#[test]
fn a_limit_that_is_not_used_does_not_grow() {
    let limiter = limiter(Algorithm::default());
    let mut world = World::new(&limiter, 3);
    let seconds = world.run(300, WEATHER.at_load(0.2));
    // Four calls under way on average, hardly ever more than a dozen.
    assert!(limiter.limit() <= 30, "{}", limiter.limit());
    assert!(seconds[10..].iter().all(|second| second.refused == 0));
}

#[test]
fn an_overload_from_the_first_call_is_not_taken_for_the_usual() {
    let weather = Weather {
        capacity: 3,
        noise: 0.2,
        ..WEATHER
    }
    .at_load(5.0);
    let limiter = limiter(Algorithm::default());
    let mut world = World::new(&limiter, 5);
    world.run(60, weather);
    let seconds = world.run(60, weather);
    assert!(limit(&seconds) < 10.0, "{}", limit(&seconds));
    assert!(goodput(&seconds, weather) > 0.9);
    assert!((50..=65).contains(&baseline_ms(&limiter)));
}

/// Calls that all begin together, as many as are let in, and end alike after so long.
pub(super) fn waves(
    limiter: &AdaptiveLimiter,
    from: Timestamp,
    took: Duration,
    n: u64,
    outcome: Outcome,
) -> Timestamp {
    let mut now = from;
    for _ in 0..n {
        let mut permits = Vec::new();
        while let Ok(permit) = Permit::acquire(limiter, &RequestMeta::default(), now) {
            permits.push(permit);
        }
        now = now + took;
        for permit in permits {
            permit.settle(outcome, now);
        }
    }
    now
}

#[test]
fn another_configuration_keeps_what_was_learnt() {
    let limiter = limiter(Algorithm::default());
    let now = Timestamp::from_secs(100);
    waves(
        &limiter,
        now,
        Duration::from_millis(50),
        200,
        Outcome::Success,
    );
    let (limit, baseline) = (limiter.limit(), limiter.baseline());
    let config = AdaptiveLimiterConfig {
        algorithm: Algorithm::Vegas(Vegas::default()),
        ..AdaptiveLimiterConfig::default()
    };
    limiter.reconfigure(config).unwrap();
    assert_eq!((limiter.limit(), limiter.baseline()), (limit, baseline));
    let lower = AdaptiveLimiterConfig {
        max_limit: 25,
        ..config
    };
    limiter.reconfigure(lower).unwrap();
    assert_eq!((limiter.limit(), limiter.config()), (25, lower));
    let bad = AdaptiveLimiterConfig {
        min_limit: 26,
        ..lower
    };
    assert_eq!(limiter.reconfigure(bad).unwrap_err().field, "initial_limit");
}

#[test]
fn reads_like_a_file() {
    let config: AdaptiveLimiterConfig = serde_json::from_str(
        r#"{"algorithm": {"vegas": {"alpha": 2.0}}, "max_limit": 50, "max_rtt": "2s"}"#,
    )
    .unwrap();
    assert_eq!(config.max_rtt, Some(Span::secs(2)));
    let Algorithm::Vegas(vegas) = config.algorithm else {
        panic!("{config:?}");
    };
    assert!(vegas.alpha < vegas.beta);
    assert!(serde_json::from_str::<AdaptiveLimiterConfig>(r#"{"min": 1}"#).is_err());
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<Change>>);

impl Listener for Heard {
    fn on_event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(event.change);
    }
}

#[test]
fn tells_how_the_limit_moves_and_when_it_measures() {
    let heard = Arc::new(Heard::default());
    let limiter = limiter(Algorithm::default()).with_source(Source::new("db", heard.clone()));
    let now = Timestamp::from_secs(100);
    waves(
        &limiter,
        now,
        Duration::from_millis(50),
        50,
        Outcome::Success,
    );
    let heard = heard.0.lock().unwrap();
    let level = |change: &Change| match change {
        Change::Level {
            what: "limit", to, ..
        } => Some(*to),
        _ => None,
    };
    let last = heard.iter().rev().find_map(level).unwrap();
    assert!((last - f64::from(limiter.limit())).abs() < f64::EPSILON);
    for (from, to) in [("steady", "measuring"), ("measuring", "steady")] {
        assert!(heard.contains(&Change::State { from, to }));
    }
    assert!(
        heard
            .iter()
            .any(|change| matches!(change, Change::Rejected(_)))
    );
}

#[test]
fn many_threads_never_exceed_the_limit() {
    let limiter = with(AdaptiveLimiterConfig {
        max_limit: 20,
        ..AdaptiveLimiterConfig::default()
    });
    let (under_way, most) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let (limiter, under_way, most) = (&limiter, &under_way, &most);
            scope.spawn(move || {
                for n in 0..5_000u64 {
                    let now = Timestamp::from_millis(100_000 + n);
                    let tokens: Vec<_> = (0..8)
                        .map_while(|_| limiter.try_acquire(&RequestMeta::default(), now).ok())
                        .inspect(|_| {
                            let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(now, Ordering::SeqCst);
                        })
                        .collect();
                    for token in tokens {
                        under_way.fetch_sub(1, Ordering::SeqCst);
                        match (n + thread) % 3 {
                            0 => limiter.cancel(token),
                            1 => limiter.settle(token, Outcome::Success, now),
                            _ => limiter.settle(token, Outcome::Failure, now),
                        }
                    }
                }
            });
        }
    });
    assert!(most.into_inner() <= 20);
    assert_eq!(limiter.in_flight(), 0);
}
