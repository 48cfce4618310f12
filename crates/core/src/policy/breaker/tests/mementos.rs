//! Another breaker goes on in its place.

use std::time::Duration;

use proptest::prelude::*;

use super::super::{BreakerMemento, CircuitBreaker, CircuitBreakerConfig, State};
use super::rig::{acquire, at, breaker, calls, config, reason, trip};
use crate::policy::{Outcome, Reason};
use crate::time::Timestamp;
use crate::units::Span;

fn carried(memento: &BreakerMemento) -> BreakerMemento {
    let text = serde_json::to_string(memento).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A successor of `of`, on a clock of its own.
fn successor(of: &CircuitBreaker, now: Timestamp, elsewhere: Timestamp) -> CircuitBreaker {
    let (next, _) = breaker(of.config());
    next.restore(&carried(&of.memento(now)), elsewhere);
    next
}

#[test]
fn an_open_one_stays_open_for_as_long_as_was_left_and_nobody_is_told() {
    let (one, _) = breaker(config());
    trip(&one, at(10_000));
    let (next, heard) = breaker(config());
    next.restore(&carried(&one.memento(at(12_000))), at(500));
    assert_eq!(heard.changes(), Vec::<String>::new());
    assert_eq!(next.time_left(at(500)), Some(Duration::from_secs(3)));
    assert_eq!(reason(&next, at(3_499)), Reason::CallNotPermitted);
    calls(&next, 1, Outcome::Failure, at(3_500));
    assert_eq!(next.time_left(at(3_500)), Some(Duration::from_secs(10)));
}

#[test]
fn a_half_open_one_tries_again_and_waits_longer_if_that_fails() {
    let (one, _) = breaker(config());
    trip(&one, at(0));
    let trial = acquire(&one, at(5_000)).unwrap();
    assert_eq!(one.state(), State::HalfOpen);
    let next = successor(&one, at(5_001), at(70));
    drop(trial);
    assert_eq!(next.state(), State::Open);
    let places: Vec<_> = (0..9).map(|_| acquire(&next, at(70))).collect();
    let admitted = places.iter().filter(|place| place.is_ok()).count();
    assert_eq!(admitted, 2, "as many trials as are permitted");
    for place in places.into_iter().flatten() {
        place.settle(Outcome::Failure, at(70));
    }
    assert_eq!(next.time_left(at(70)), Some(Duration::from_secs(10)));
    // And so does the one after that.
    let third = successor(&next, at(10_070), at(70));
    calls(&third, 1, Outcome::Success, at(70));
    calls(&third, 1, Outcome::Failure, at(70));
    assert_eq!(third.time_left(at(70)), Some(Duration::from_secs(20)));
}

#[test]
fn a_lever_that_was_pulled_stays_so() {
    let (one, _) = breaker(config());
    one.force_open();
    let next = successor(&one, at(0), at(0));
    assert_eq!(reason(&next, at(999_999)), Reason::ForcedOpen);
    one.disable();
    assert_eq!(successor(&one, at(0), at(0)).state(), State::Disabled);
    one.metrics_only();
    assert_eq!(successor(&one, at(0), at(0)).state(), State::MetricsOnly);
    one.force_close();
    assert_eq!(successor(&one, at(0), at(0)).state(), State::Closed);
}

#[test]
fn no_memento_holds_it_open_for_longer_than_its_own_configuration() {
    let (next, _) = breaker(CircuitBreakerConfig {
        open_wait: Span::secs(5),
        open_wait_max: Span::secs(7),
        ..config()
    });
    let memento = BreakerMemento::Open {
        left: Duration::MAX,
        reopened: u32::MAX,
    };
    next.restore(&carried(&memento), at(0));
    assert_eq!(next.time_left(at(0)), Some(Duration::from_secs(7)));
    calls(&next, 1, Outcome::Failure, at(7_000));
    assert_eq!(next.time_left(at(7_000)), Some(Duration::from_secs(7)));
}

proptest! {
    /// From an open breaker on both do the same, whatever comes.
    #[test]
    fn an_open_one_and_its_successor_cannot_be_told_apart(
        before in prop::collection::vec((any::<bool>(), 0_u64..4_000), 0..60),
        after in prop::collection::vec((any::<bool>(), 0_u64..4_000), 1..60),
        origin in 0_u64..1_000_000,
    ) {
        let (one, _) = breaker(config());
        let mut now = at(400_000);
        let call = |breaker: &CircuitBreaker, fails: bool, now| match acquire(breaker, now) {
            Ok(permit) => {
                permit.settle(if fails { Outcome::Failure } else { Outcome::Success }, now);
                "admitted".to_owned()
            }
            Err(rejected) => format!("{:?}", rejected.retry_after),
        };
        for (fails, ms) in before {
            now = now + Duration::from_millis(ms);
            call(&one, fails, now);
        }
        while one.state() != State::Open {
            call(&one, true, now);
        }
        let mut elsewhere = at(origin);
        let next = successor(&one, now, elsewhere);
        for (fails, ms) in after {
            let passes = Duration::from_millis(ms);
            (now, elsewhere) = (now + passes, elsewhere + passes);
            prop_assert_eq!(call(&one, fails, now), call(&next, fails, elsewhere));
            prop_assert_eq!(one.state(), next.state());
        }
    }
}
