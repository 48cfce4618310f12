//! What stands in the exposition.

use std::time::Duration;

use ninefold_core::policy::{Change, Outcome, PolicyKind, Reason, Rejected, Source};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::PolicyMetrics;

fn tell(source: &Source) {
    let policy = PolicyKind::CircuitBreaker;
    let took = Some(Duration::from_millis(20));
    source.emit(policy, || Change::Settled(Outcome::Failure, took));
    source.emit(policy, || Change::Cancelled);
    source.emit(policy, || {
        Change::Rejected(Rejected::new(policy, Reason::CallNotPermitted))
    });
    source.emit(policy, || Change::State {
        from: "closed",
        to: "open",
    });
    source.emit(PolicyKind::AdaptiveLimiter, || Change::Level {
        what: "limit",
        from: 20.0,
        to: 17.5,
    });
    source.emit(PolicyKind::Fallback, || Change::Substituted("stale"));
    source.emit(PolicyKind::Chaos, || Change::Injected("latency"));
    let late = Duration::from_secs(1);
    source.emit(PolicyKind::TimeLimiter, || Change::TimedOut(late));
}

#[test]
fn each_event_moves_its_metric() {
    let mut registry = Registry::default();
    let metrics = PolicyMetrics::new(&mut registry);
    tell(&metrics.source("catalog"));
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    for line in [
        r#"ninefold_policy_calls_total{policy="circuit_breaker",name="catalog",outcome="failure"} 1"#,
        r#"ninefold_policy_calls_total{policy="circuit_breaker",name="catalog",outcome="cancelled"} 1"#,
        r#"ninefold_policy_calls_total{policy="circuit_breaker",name="catalog",outcome="success"} 0"#,
        r#"ninefold_policy_rejections_total{policy="circuit_breaker",name="catalog",reason="call_not_permitted"} 1"#,
        r#"ninefold_policy_state{policy="circuit_breaker",name="catalog",state="closed"} 0"#,
        r#"ninefold_policy_state{policy="circuit_breaker",name="catalog",state="open"} 1"#,
        r#"ninefold_policy_level{policy="adaptive_limiter",name="catalog",what="limit"} 17.5"#,
        r#"ninefold_policy_substitutions_total{policy="fallback",name="catalog",source="stale"} 1"#,
        r#"ninefold_policy_substitutions_total{policy="chaos",name="catalog",source="latency"} 1"#,
        r#"ninefold_policy_calls_total{policy="time_limiter",name="catalog",outcome="failure"} 1"#,
        r#"ninefold_policy_call_seconds_sum{policy="time_limiter",name="catalog"} 1.0"#,
        r#"ninefold_policy_call_seconds_bucket{le="0.025",policy="circuit_breaker",name="catalog"} 1"#,
        r#"ninefold_policy_call_seconds_sum{policy="circuit_breaker",name="catalog"} 0.02"#,
    ] {
        assert!(text.contains(line), "{line}\nis not in\n{text}");
    }
}

#[test]
fn indices_follow_the_order_of_the_enums() {
    for (index, kind) in PolicyKind::ALL.iter().enumerate() {
        assert_eq!(*kind as usize, index);
    }
    for (index, reason) in Reason::ALL.iter().enumerate() {
        assert_eq!(*reason as usize, index);
    }
}
