//! Windows by hand.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::super::{
    Admission, Change, Criticality, Event, Listener, MetastabilityGuard, Outcome, Permit, Reason,
    RequestMeta, Source,
};
use super::{GuardConfig, GuardState};
use crate::time::Timestamp;
use crate::units::{Ratio, Span};

/// What happens in a second: first attempts and repetitions, of each how many end how.
#[derive(Clone, Copy, Debug)]
struct Second {
    requests: u32,
    repeats: u32,
    good: u32,
    slow: u32,
    cancelled: u32,
}

const WELL: Second = Second {
    requests: 100,
    repeats: 0,
    good: 100,
    slow: 0,
    cancelled: 0,
};
const LOOP: Second = Second {
    requests: 100,
    repeats: 200,
    good: 10,
    slow: 0,
    cancelled: 0,
};

struct Run {
    guard: MetastabilityGuard,
    second: u64,
}

impl Run {
    fn new() -> Self {
        Self {
            guard: MetastabilityGuard::default(),
            second: 0,
        }
    }

    /// What is not said to be otherwise fails. Returns the state after each second.
    fn pass(&mut self, seconds: u32, what: Second) -> Vec<GuardState> {
        (0..seconds).map(|_| self.pass_one(what)).collect()
    }

    fn pass_one(&mut self, what: Second) -> GuardState {
        self.second += 1;
        let now = Timestamp::from_secs(self.second);
        let mut left = what;
        for n in 0..what.requests + what.repeats {
            let call = RequestMeta {
                attempt: u32::from(n >= what.requests),
                criticality: Criticality::ALL[usize::try_from(n % 4).unwrap()],
                ..RequestMeta::default()
            };
            let Ok(permit) = Permit::acquire(&self.guard, &call, now) else {
                continue;
            };
            if left.cancelled > 0 {
                left.cancelled -= 1;
                drop(permit);
            } else if left.good > 0 {
                left.good -= 1;
                permit.settle(Outcome::Success, now);
            } else if left.slow > 0 {
                left.slow -= 1;
                permit.settle(Outcome::Slow, now);
            } else {
                permit.settle(Outcome::Failure, now);
            }
        }
        self.guard.state()
    }
}

#[test]
fn a_loop_that_outlives_its_trigger_is_metastable() {
    let mut run = Run::new();
    run.pass(10, WELL);
    assert_eq!(run.guard.state(), GuardState::Stable);
    // The trigger: three times the load.
    let spike = Second {
        requests: 300,
        repeats: 600,
        good: 30,
        ..LOOP
    };
    let states = run.pass(8, spike);
    assert_eq!(states.last(), Some(&GuardState::Vulnerable), "{states:?}");
    let states = run.pass(5, LOOP);
    assert_eq!(states.last(), Some(&GuardState::Metastable), "{states:?}");
    assert!(!run.guard.repeats_allowed());
    let now = Timestamp::from_secs(run.second);
    let retry = RequestMeta {
        attempt: 1,
        ..RequestMeta::default()
    };
    let refused = run.guard.try_acquire(&retry, now).unwrap_err();
    assert_eq!(
        (refused.reason, refused.retryable),
        (Reason::BudgetExhausted, false)
    );
}

#[test]
fn sheds_the_least_critical_until_goodput_recovers_and_lets_go_slowly() {
    let mut run = Run::new();
    run.pass(5, WELL);
    run.pass(20, Second { good: 2, ..LOOP });
    assert!(
        (run.guard.shed_share() - 0.9).abs() < 1e-9,
        "{}",
        run.guard.shed_share()
    );
    let now = Timestamp::from_secs(run.second);
    let of = |criticality| RequestMeta {
        criticality,
        ..RequestMeta::default()
    };
    for criticality in [
        Criticality::Sheddable,
        Criticality::SheddablePlus,
        Criticality::Critical,
    ] {
        let refused = run.guard.try_acquire(&of(criticality), now).unwrap_err();
        assert_eq!(refused.reason, Reason::Shed);
    }
    let top = (0..1_000).filter(|_| {
        run.guard
            .try_acquire(&of(Criticality::CriticalPlus), now)
            .is_ok()
    });
    assert!(
        (300..500).contains(&top.count()),
        "10 % of all are 40 % of these"
    );
    let between = Second { good: 70, ..WELL };
    let states = run.pass(30, between);
    let shed = run.guard.shed_share();
    assert!(
        (0.05..0.35).contains(&shed),
        "70 of 80 is neither low nor healthy: {shed}"
    );
    assert_eq!(states[20..], [GuardState::Metastable; 10]);
    let states = run.pass(5, WELL);
    assert_eq!(states[..4], [GuardState::Metastable; 4]);
    let states = run.pass(5, WELL);
    assert_eq!(states.last(), Some(&GuardState::Stable), "{states:?}");
    assert!(run.guard.repeats_allowed());
}

#[test]
fn an_outage_is_no_loop() {
    let mut run = Run::new();
    run.pass(5, WELL);
    let states = run.pass(100, Second { good: 0, ..WELL });
    assert!(!states.contains(&GuardState::Metastable), "{states:?}");
    assert!(run.guard.repeats_allowed(), "a budget is enough for it");
}

#[test]
fn answers_that_all_come_too_late_are_a_loop() {
    let mut run = Run::new();
    run.pass(5, WELL);
    let states = run.pass(
        10,
        Second {
            good: 0,
            slow: 100,
            ..WELL
        },
    );
    assert_eq!(states.last(), Some(&GuardState::Metastable), "{states:?}");
}

#[test]
fn resilience4j_682_a_storm_of_cancellations_is_no_loop() {
    let mut run = Run::new();
    run.pass(5, WELL);
    let states = run.pass(
        50,
        Second {
            good: 30,
            cancelled: 70,
            ..WELL
        },
    );
    assert!(
        states.iter().all(|state| *state == GuardState::Stable),
        "{states:?}"
    );
    let asked_again = Second {
        requests: 100,
        repeats: 200,
        good: 30,
        slow: 0,
        cancelled: 270,
    };
    let states = run.pass(10, asked_again);
    assert_eq!(
        states.last(),
        Some(&GuardState::Metastable),
        "they give up and ask again"
    );
}

#[test]
fn a_trigger_that_lasts_is_no_trigger() {
    let mut run = Run::new();
    run.pass(5, WELL);
    let states = run.pass(
        40,
        Second {
            requests: 300,
            repeats: 600,
            good: 30,
            ..LOOP
        },
    );
    let since = states
        .iter()
        .position(|state| *state == GuardState::Metastable);
    assert_eq!(since, Some(30), "{states:?}");
}

#[test]
fn nobody_calls_any_more_and_it_lets_go() {
    let mut run = Run::new();
    run.pass(5, WELL);
    run.pass(20, LOOP);
    assert_eq!(run.guard.state(), GuardState::Metastable);
    let states = run.pass(
        20,
        Second {
            requests: 1,
            repeats: 0,
            good: 1,
            ..WELL
        },
    );
    assert_eq!(states.last(), Some(&GuardState::Stable), "{states:?}");
}

#[test]
fn tells_its_states() {
    #[derive(Default)]
    struct Seen(Mutex<Vec<(&'static str, &'static str)>>);
    impl Listener for Seen {
        fn on_event(&self, event: &Event<'_>) {
            if let Change::State { from, to } = event.change {
                self.0.lock().unwrap().push((from, to));
            }
        }
    }
    let seen = Arc::new(Seen::default());
    let source = Source::new("shop", Arc::clone(&seen) as Arc<dyn Listener>);
    let mut run = Run::new();
    run.guard = run.guard.with_source(source);
    run.pass(5, WELL);
    run.pass(5, LOOP);
    run.pass(30, WELL);
    assert_eq!(
        *seen.0.lock().unwrap(),
        [
            ("stable", "vulnerable"),
            ("vulnerable", "metastable"),
            ("metastable", "stable")
        ]
    );
}

/// Changes one field, and its name.
type Wrong = (fn(&mut GuardConfig), &'static str);

#[test]
fn refuses_what_makes_no_sense() {
    let wrongs: [Wrong; 9] = [
        (|config| config.window = Span::millis(0), "window"),
        (|config| config.min_requests = 0, "min_requests"),
        (|config| config.amplification_max = 1.0, "amplification_max"),
        (
            |config| config.amplification_max = f64::NAN,
            "amplification_max",
        ),
        (
            |config| config.goodput_low = Ratio::percent(90),
            "goodput_low",
        ),
        (|config| config.trip_after = 0, "trip_after"),
        (|config| config.recover_after = 0, "recover_after"),
        (|config| config.shed_step = Ratio::percent(0), "shed_step"),
        (|config| config.max_shed = Ratio::ONE, "max_shed"),
    ];
    for (spoil, field) in wrongs {
        let mut wrong = GuardConfig::default();
        spoil(&mut wrong);
        assert_eq!(MetastabilityGuard::new(wrong).unwrap_err().field, field);
        assert!(MetastabilityGuard::default().reconfigure(wrong).is_err());
    }
    let read: GuardConfig = serde_json::from_str(r#"{"goodput_low":"40%"}"#).unwrap();
    assert_eq!(read.goodput_low, Ratio::percent(40));
}

proptest! {
    /// Whatever happens, some health ends it, and it never sheds everything.
    #[test]
    fn always_comes_back(
        seconds in prop::collection::vec((1u32..200, 0u32..400, 0u32..200, 0u32..100, 0u32..100), 1..60),
    ) {
        let mut run = Run::new();
        for (requests, repeats, good, slow, cancelled) in seconds {
            run.pass_one(Second { requests, repeats, good, slow, cancelled });
            prop_assert!(run.guard.shed_share() <= 0.9 + 1e-9);
            let sheds = run.guard.shed_share() > 0.0;
            prop_assert!(!sheds || run.guard.state() == GuardState::Metastable);
            prop_assert_eq!(run.guard.repeats_allowed(), run.guard.state() != GuardState::Metastable);
        }
        let states = run.pass(20, WELL);
        prop_assert_eq!(states.last(), Some(&GuardState::Stable));
    }
}
