//! Against a naive model, and what users of others complained of.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::queue::Waiting;
use super::super::{
    Admission, Change, Event, Evictable, Listener, Outcome, Permit, Reason, RequestMeta, Source,
};
use super::{Bulkhead, BulkheadConfig};
use crate::time::Timestamp;
use crate::units::Span;

fn config(max_concurrent_calls: u32) -> BulkheadConfig {
    BulkheadConfig {
        max_concurrent_calls,
        ..BulkheadConfig::default()
    }
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

#[test]
fn refuses_what_makes_no_sense() {
    let error = Bulkhead::new(config(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "bulkhead: `max_concurrent_calls` is 0: let at least one call through"
    );
    let bulkhead = Bulkhead::default();
    assert!(
        bulkhead
            .reconfigure(BulkheadConfig {
                max_waiting_calls: 0,
                ..config(1)
            })
            .is_err()
    );
    assert_eq!(bulkhead.config(), BulkheadConfig::default());
    let text = r#"{"max_concurrent_calls":3,"max_wait":"20ms"}"#;
    let read: BulkheadConfig = serde_json::from_str(text).unwrap();
    assert_eq!(
        (read.max_concurrent_calls, read.max_wait),
        (3, Span::millis(20))
    );
    assert!(serde_json::from_str::<BulkheadConfig>(r#"{"max":3}"#).is_err());
}

#[test]
fn resilience4j_682_a_storm_of_cancellations_costs_no_place_and_counts_as_no_failure() {
    #[derive(Default)]
    struct Seen(std::sync::Mutex<Vec<Change>>);
    impl Listener for Seen {
        fn on_event(&self, event: &Event<'_>) {
            self.0.lock().unwrap().push(event.change);
        }
    }
    let seen = Arc::new(Seen::default());
    let bulkhead = Bulkhead::new(config(3)).unwrap().with_source(Source::new(
        "catalog",
        Arc::clone(&seen) as Arc<dyn Listener>,
    ));
    for _ in 0..1_000 {
        drop(Permit::acquire(&bulkhead, &RequestMeta::default(), at(0)).unwrap());
    }
    assert_eq!(bulkhead.in_flight(), 0);
    let seen = seen.0.lock().unwrap();
    assert_eq!(seen.len(), 1_000);
    assert!(seen.iter().all(|change| *change == Change::Cancelled));
}

#[test]
fn tower_547_who_only_waits_holds_no_place() {
    let bulkhead = Bulkhead::new(BulkheadConfig {
        max_wait: Span::millis(10),
        ..config(1)
    })
    .unwrap();
    let mut room = bulkhead.room();
    let held = Permit::acquire(&bulkhead, &RequestMeta::default(), at(0)).unwrap();
    let waiter = bulkhead
        .enter(&mut room, &RequestMeta::default(), at(1))
        .unwrap();
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (1, 1));
    assert!(bulkhead.leave(&mut room, waiter));
    held.settle(Outcome::Success, at(2));
    assert!(bulkhead.next(&mut room, at(2)).is_none());
    assert!(Permit::acquire(&bulkhead, &RequestMeta::default(), at(2)).is_ok());
}

#[test]
fn waits_in_order_and_lets_no_newcomer_past() {
    let bulkhead = Bulkhead::new(BulkheadConfig {
        max_wait: Span::millis(10),
        max_waiting_calls: 2,
        ..config(1)
    })
    .unwrap();
    let mut room = bulkhead.room();
    let held = bulkhead
        .try_acquire(&RequestMeta::default(), at(0))
        .unwrap();
    let first = bulkhead
        .enter(&mut room, &RequestMeta::default(), at(1))
        .unwrap();
    let second = bulkhead
        .enter(&mut room, &RequestMeta::default(), at(2))
        .unwrap();
    let full = bulkhead
        .enter(&mut room, &RequestMeta::default(), at(2))
        .unwrap_err();
    assert_eq!(full.reason, Reason::QueueFull);
    assert!(bulkhead.next(&mut room, at(2)).is_none(), "no place");
    bulkhead.settle(held, Outcome::Success, at(3));
    assert!(
        bulkhead
            .try_place(&RequestMeta::default(), at(3))
            .unwrap()
            .is_none()
    );
    let (served, token) = bulkhead.next(&mut room, at(3)).unwrap();
    assert_eq!(served, first);
    assert_eq!(room.poll_at(), Some(at(12)));
    assert!(bulkhead.expire(&mut room, at(11)).is_none());
    let (late, why) = bulkhead.expire(&mut room, at(12)).unwrap();
    assert_eq!((late, why.reason), (second, Reason::WaitedTooLong));
    bulkhead.cancel(token);
    assert_eq!((bulkhead.in_flight(), bulkhead.waiting()), (0, 0));
    bulkhead.reconfigure(config(1)).unwrap();
    let refused = bulkhead
        .enter(&mut room, &RequestMeta::default(), at(13))
        .unwrap_err();
    assert_eq!(refused.reason, Reason::Full, "no waiting any more");
}

#[test]
fn resilience4j_273_only_an_idle_one_may_be_forgotten() {
    let bulkhead = Bulkhead::default();
    assert!(bulkhead.is_idle(Timestamp::ZERO) && bulkhead.is_healthy(Timestamp::ZERO));
    let held = Permit::acquire(&bulkhead, &RequestMeta::default(), at(0)).unwrap();
    assert!(!bulkhead.is_idle(Timestamp::ZERO));
    drop(held);
    assert!(bulkhead.is_idle(Timestamp::ZERO));
}

#[derive(Clone, Debug)]
enum Step {
    Acquire,
    Settle(usize),
    Drop(usize),
    Limit(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Acquire),
        2 => any::<usize>().prop_map(Step::Settle),
        1 => any::<usize>().prop_map(Step::Drop),
        1 => (1u32..6).prop_map(Step::Limit),
    ]
}

proptest! {
    #[test]
    fn is_a_counter_with_a_limit(steps in prop::collection::vec(step(), 1..200)) {
        let bulkhead = Bulkhead::new(config(3)).unwrap();
        let (mut held, mut limit) = (Vec::new(), 3);
        for step in steps {
            match step {
                Step::Acquire => {
                    let got = Permit::acquire(&bulkhead, &RequestMeta::default(), at(0));
                    prop_assert_eq!(got.is_ok(), held.len() < limit as usize);
                    held.extend(got.ok());
                }
                Step::Settle(n) if !held.is_empty() => {
                    held.swap_remove(n % held.len()).settle(Outcome::Failure, at(0));
                }
                Step::Drop(n) if !held.is_empty() => drop(held.swap_remove(n % held.len())),
                Step::Limit(n) => {
                    bulkhead.reconfigure(config(n)).unwrap();
                    limit = n;
                }
                Step::Settle(_) | Step::Drop(_) => {}
            }
            prop_assert_eq!(bulkhead.in_flight() as usize, held.len());
        }
    }
}
