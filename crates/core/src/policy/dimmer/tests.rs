//! With a service whose queue it steers, and by hand.

use std::time::Duration;

use super::super::{Admission, Dimmer, DimmerConfig, Reason, RequestMeta};
use super::Measure;
use crate::time::Timestamp;
use crate::units::{Ratio, Span};

/// A service that works off a queue: the time for a request with and without the optional part.
struct Service {
    full: f64,
    bare: f64,
    /// Seconds of work that wait.
    backlog: f64,
    now: f64,
}

/// Of the second half of the time: mean share, mean response time in seconds.
fn run(dimmer: &Dimmer, service: &mut Service, rate: f64, secs: f64) -> (f64, f64) {
    let (end, half) = (service.now + secs, service.now + secs / 2.0);
    let (mut count, mut full, mut took) = (0.0, 0.0, 0.0);
    while service.now < end {
        service.now += 1.0 / rate;
        let optional = dimmer.serve_optional();
        let work = if optional { service.full } else { service.bare };
        service.backlog = (service.backlog - 1.0 / rate).max(0.0) + work;
        let now = Duration::from_secs_f64(service.now);
        let response = Duration::from_secs_f64(service.backlog);
        dimmer.observe(response, Timestamp::ZERO + now + response);
        if service.now > half {
            count += 1.0;
            full += f64::from(u8::from(optional));
            took += service.backlog;
        }
    }
    (full / count, took / count)
}

#[test]
fn finds_the_share_that_the_service_can_bear_and_comes_back() {
    for measure in [Measure::Mean, Measure::Quantile(Ratio::percent(95))] {
        let dimmer = Dimmer::new(DimmerConfig {
            measure,
            ..DimmerConfig::default()
        })
        .unwrap();
        let mut service = Service {
            full: 0.010,
            bare: 0.002,
            backlog: 0.0,
            now: 0.0,
        };
        let (share, took) = run(&dimmer, &mut service, 80.0, 60.0);
        assert!(share > 0.99 && took < 0.1, "idle: {share} {took}");
        // 200 a second at 10 ms are twice what it can do; 37.5 % full and the rest bare fit.
        let (share, took) = run(&dimmer, &mut service, 200.0, 240.0);
        assert!((0.33..0.40).contains(&share), "{measure:?}: {share}");
        assert!((0.2..0.8).contains(&took), "{measure:?}: {took}");
        let (share, _) = run(&dimmer, &mut service, 80.0, 60.0);
        assert!(share > 0.99, "back: {share}");
    }
}

#[test]
fn keeps_a_share_for_some_and_refuses_what_is_optional_as_a_whole() {
    let config = DimmerConfig {
        min_share: Ratio::percent(25),
        ..DimmerConfig::default()
    };
    let dimmer = Dimmer::new(config).unwrap().with_seed(4);
    for n in 0..1_000 {
        dimmer.observe(Duration::from_secs(9), Timestamp::from_millis(n * 100));
    }
    assert!((dimmer.share() - 0.25).abs() < 1e-9);
    let now = Timestamp::from_secs(200);
    let calls = (0..10_000).map(|_| dimmer.try_acquire(&RequestMeta::default(), now));
    let refused: Vec<_> = calls.filter_map(Result::err).collect();
    assert!((7_300..7_700).contains(&refused.len()), "{}", refused.len());
    assert!(
        refused
            .iter()
            .all(|why| why.reason == Reason::Dimmed && !why.retryable)
    );
}

#[test]
fn a_few_answers_move_nothing() {
    let dimmer = Dimmer::default();
    for n in 0..9 {
        dimmer.observe(Duration::from_secs(9), Timestamp::from_secs(n));
    }
    assert!((dimmer.share() - 1.0).abs() < 1e-9);
    dimmer.observe(Duration::from_secs(9), Timestamp::from_secs(10));
    assert!(dimmer.share() < 0.9);
}

#[test]
fn refuses_what_makes_no_sense() {
    let good = DimmerConfig::default();
    let mut gains = good.gains;
    gains.integral = f64::NAN;
    for (wrong, field) in [
        (
            DimmerConfig {
                target: Span::millis(0),
                ..good
            },
            "target",
        ),
        (
            DimmerConfig {
                measure: Measure::Quantile(Ratio::percent(0)),
                ..good
            },
            "measure",
        ),
        (
            DimmerConfig {
                period: Span::millis(0),
                ..good
            },
            "period",
        ),
        (DimmerConfig { gains, ..good }, "integral"),
        (
            DimmerConfig {
                min_share: Ratio::ONE,
                ..good
            },
            "min_share",
        ),
        (
            DimmerConfig {
                min_samples: 0,
                ..good
            },
            "min_samples",
        ),
    ] {
        assert_eq!(Dimmer::new(wrong).unwrap_err().field, field);
        assert!(Dimmer::default().reconfigure(wrong).is_err());
    }
    let read: DimmerConfig = serde_json::from_str(r#"{"measure":"mean","target":"1s"}"#).unwrap();
    assert_eq!(read.measure, Measure::Mean);
    let read: DimmerConfig = serde_json::from_str(r#"{"measure":{"quantile":"99%"}}"#).unwrap();
    assert_eq!(read.measure, Measure::Quantile(Ratio::percent(99)));
}
