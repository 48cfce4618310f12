//! Memories that no gateway wrote.

use ninefold_config::model::{Breaker, Brownout, LimitBy, Overload, RateLimit, Ratio, Span};
use ninefold_core::status::Rotation;
use ninefold_core::units::Rate;
use ninefold_gateway::Memory;
use proptest::prelude::*;
use serde_json::Value;

use crate::backend::{Backend, ok, status};
use crate::memory::{LONG, aborts, addresses, ejected, ejecting};
use crate::rig::{Rig, until};

/// Whatever is said, the gateway serves, and what can be understood of it counts.
#[tokio::test]
async fn of_garbage_what_can_be_read_is_taken() {
    let backend = Backend::start(|_| ok("fine")).await;
    let file = ejecting(LONG);
    let (good, bad) = (
        Backend::start(|_| ok("good")).await,
        Backend::start(|_| status(500)).await,
    );
    let old = ejected(&file, &[&bad, &good]).await;
    let real = serde_json::to_value(old.gateway.memory()).unwrap();
    let mut mixed = real.clone();
    let entries = mixed["entries"].as_array_mut().unwrap();
    entries.insert(0, serde_json::json!({ "of": "dreams", "of_what": [1, 2] }));
    entries.insert(
        1,
        serde_json::json!({ "of": "breaker", "name": "app", "settings": -1 }),
    );
    entries.insert(2, serde_json::json!(17));
    let next = Rig::held(&file);
    next.gateway.publish(addresses(&[&bad, &good]));
    let recalled = next.gateway.recall(serde_json::from_value(mixed).unwrap());
    assert_eq!(recalled.left_out.len(), 3, "{recalled:?}");
    assert_eq!(recalled.ejected, 1);
    assert!(next.counters().endpoints[0].ejected());

    let mut newer = real;
    newer["version"] = 2.into();
    for (said, notes) in [
        (newer, 1),
        (serde_json::json!({ "version": 1, "entries": "none" }), 1),
        (serde_json::json!([1, 2, 3]), 1),
        (serde_json::json!("x"), 1),
        (serde_json::json!({}), 0),
        (Value::Null, 0),
    ] {
        let next = Rig::with(&file, &[&backend]);
        let recalled = next.gateway.recall(serde_json::from_value(said).unwrap());
        assert_eq!(
            (recalled.taken, recalled.left_out.len()),
            (0, notes),
            "{recalled:?}"
        );
        assert_eq!(next.get("/").await.status, 200);
    }
}

/// Leaves and branches of a value, in order.
fn parts(value: &mut Value, left: &mut usize, put: &mut Option<Value>) {
    if put.is_none() {
        return;
    }
    if *left == 0 {
        *value = put.take().unwrap();
        return;
    }
    *left -= 1;
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| parts(one, left, put)),
        Value::Object(all) => all.values_mut().for_each(|one| parts(one, left, put)),
        _ => {}
    }
}

fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(serde_json::json!([])),
        Just(serde_json::json!({})),
        Just(serde_json::json!("x".repeat(2_000))),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::from(u64::MAX)),
    ]
}

#[tokio::test]
async fn whatever_is_changed_in_a_memory_nothing_fails_and_no_ejection_lasts() {
    let (good, bad) = (
        Backend::start(|_| ok("good")).await,
        Backend::start(|_| status(500)).await,
    );
    let mut file = ejecting(Span::secs(1));
    let service = file.services.values_mut().next().unwrap();
    service.breaker = Some(Breaker::default());
    service.overload = Some(Overload::default());
    let route = &mut file.listeners[0].routes[0];
    route.brownout = Some(Brownout {
        target: Span::millis(5),
        min_share: Ratio::percent(0),
    });
    route.rate_limit = Some(RateLimit {
        rate: Rate::per_second(20),
        burst: 1_000,
        by: LimitBy::Client,
        keys: 100,
    });
    let old = ejected(&file, &[&bad, &good]).await;
    old.gateway.inject(&aborts("f-1", LONG.0)).unwrap();
    let real = serde_json::to_value(old.gateway.memory()).unwrap();
    let kinds = |of: &str| {
        let mut entries = real["entries"].as_array().unwrap().iter();
        entries.any(|entry| entry["of"] == of)
    };
    for of in ["fault", "endpoint", "pool", "limit", "budget", "rate"] {
        assert!(kinds(of), "no {of} in {real}");
    }
    let next = Rig::held(&file);
    next.gateway.publish(addresses(&[&bad, &good]));
    let changes = prop::collection::vec((0_usize..200, odd()), 1..4);
    let mut runner = proptest::test_runner::TestRunner::default();
    let tried = runner.run(&changes, |changes| {
        let mut said = real.clone();
        for (at, odd) in changes {
            parts(&mut said, &mut { at }, &mut Some(odd));
        }
        let memory: Memory = serde_json::from_value(said).unwrap();
        let recalled = next.gateway.recall(memory);
        prop_assert!(recalled.left_out.iter().all(|why| why.len() < 2_000));
        Ok(())
    });
    tried.unwrap();
    next.gateway.end_fault("f-1");
    next.gateway.open();
    until("it serves with both", || async {
        let answer = next.get("/").await;
        let out = next.counters().endpoints[0].rotation == Rotation::Ejected;
        (answer.status == 200 && !out).then_some(())
    })
    .await;
}
