//! Tests against a list of everything that ever happened.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::{RetryBudget, RetryBudgetConfig};
use crate::policy::{Change, Event, Listener, Now, Reason, Source};
use crate::time::Timestamp;
use crate::units::{Rate, Ratio};

fn budget(percent: u64, floor_millihertz: u64) -> RetryBudget {
    RetryBudget::new(RetryBudgetConfig {
        ratio: Ratio::percent(percent),
        floor: Rate::millihertz(floor_millihertz),
    })
    .unwrap()
}

fn granted(budget: &RetryBudget, asked: usize, second: u64) -> usize {
    (0..asked)
        .filter(|_| budget.withdraw(Timestamp::from_secs(second)).is_ok())
        .count()
}

#[test]
fn a_share_of_requests_or_a_floor() {
    let budget = budget(20, 1_500);
    let now = Timestamp::from_secs(100);
    for _ in 0..100 {
        budget.deposit(now);
    }
    assert_eq!(budget.state(now).left, 20);
    assert_eq!(
        granted(&budget, 100, 100),
        20,
        "20 % of 100, above 10 x 1.5/s"
    );
    let state = budget.state(now);
    assert_eq!(
        (state.deposits, state.withdrawals, state.left),
        (100, 20, 0)
    );
    assert_eq!(granted(&budget, 100, 111), 15, "nothing came, 10 x 1.5/s");
}

#[test]
fn an_outage_makes_no_more_than_the_share_of_what_comes() {
    let budget = RetryBudget::default();
    let mut attempts = 0;
    for call in 0..60_000 {
        let now = Timestamp::from_millis(call);
        budget.deposit(now);
        // All fail, and each wants two more attempts.
        attempts += 1 + (0..2).filter(|_| budget.withdraw(now).is_ok()).count();
    }
    assert_eq!(attempts, 66_000, "1.1 attempts a call, and no floor on top");
}

#[test]
fn after_its_first_second_an_outage_stays_within_the_share_in_every_second() {
    let budget = budget(10, 0);
    let mut attempts = Vec::new();
    for call in 0..60_000u64 {
        let now = Timestamp::from_millis(5_000 + call);
        budget.deposit(now);
        // It works for 20 s and a half; then all fail, and each wants two more attempts.
        let asked = if call < 20_500 { 0 } else { 2 };
        attempts.push(1 + (0..asked).filter(|_| budget.withdraw(now).is_ok()).count());
    }
    let (works, outage) = attempts.split_at(20_500);
    assert!(works.iter().all(|attempts| *attempts == 1));
    // What the window has saved up is there at once: the share of the ten seconds before.
    let first: usize = outage[..500].iter().sum();
    assert_eq!(first, 500 + 1_000);
    // Seconds of any beginning, those between two ticks too. In the first ten nothing is left.
    let rest = &outage[500..];
    let worst = rest
        .windows(1_000)
        .map(|second| second.iter().sum::<usize>());
    assert_eq!(worst.max(), Some(1_100));
    let ends: usize = rest[20_000..21_000].iter().sum();
    assert_eq!(ends, 1_100, "and no less");
}

#[test]
fn what_was_saved_up_is_there_again_ten_seconds_after_the_last_refusal() {
    let budget = budget(10, 0);
    let deposit = |from: u64, to: u64| {
        for ms in from * 1_000..to * 1_000 {
            budget.deposit(Timestamp::from_millis(ms));
        }
    };
    deposit(100, 110);
    assert_eq!(granted(&budget, 2_000, 109), 1_000);
    deposit(110, 119);
    assert_eq!(granted(&budget, 1, 118), 0);
    assert_eq!(granted(&budget, 2_000, 119), 90, "the share of a second");
    deposit(119, 129);
    assert_eq!(
        granted(&budget, 2_000, 129),
        900,
        "and of ten once it is over"
    );
}

#[test]
fn many_deposits_ask_for_the_time_once() {
    struct Clock(AtomicUsize);
    impl Now for Clock {
        fn now(&self) -> Timestamp {
            self.0.fetch_add(1, Ordering::Relaxed);
            Timestamp::from_secs(9)
        }
    }
    let (budget, clock) = (budget(10, 0), Clock(AtomicUsize::new(0)));
    for _ in 0..160 {
        budget.deposit(&clock);
    }
    assert_eq!(clock.0.load(Ordering::Relaxed), 10);
    (0..7).for_each(|_| budget.deposit(&clock));
    assert_eq!(budget.state(&clock).deposits, 167, "and none is missing");
}

#[test]
fn a_clock_that_steps_back_refills_nothing() {
    let budget = budget(0, 100);
    assert_eq!(granted(&budget, 1, 100), 1);
    assert_eq!(granted(&budget, 1, 5), 0);
    assert_eq!(granted(&budget, 1, 101), 0);
    assert_eq!(granted(&budget, 1, 110), 1);
}

#[test]
fn another_configuration_keeps_the_counts() {
    let budget = budget(10, 0);
    let now = Timestamp::from_secs(100);
    for _ in 0..100 {
        budget.deposit(now);
    }
    assert_eq!(granted(&budget, 100, 100), 10);
    let wider = RetryBudgetConfig {
        ratio: Ratio::percent(15),
        floor: Rate::per_second(0),
    };
    budget.reconfigure(wider).unwrap();
    assert_eq!(budget.config(), wider);
    assert_eq!(granted(&budget, 100, 100), 5);
    let absurd = RetryBudgetConfig {
        floor: Rate::per_second(1_000_001),
        ..wider
    };
    assert!(budget.reconfigure(absurd).is_err());
    assert_eq!(budget.config(), wider);
}

#[test]
fn a_suspended_budget_grants_nothing() {
    let budget = budget(0, 1_000);
    budget.suspend(true);
    assert_eq!(budget.state(Timestamp::from_secs(50)).left, 0);
    assert_eq!(granted(&budget, 3, 50), 0);
    budget.suspend(false);
    assert_eq!(granted(&budget, 3, 50), 3);
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<Change>>);

impl Listener for Heard {
    fn on_event(&self, event: &Event<'_>) {
        assert_eq!(event.name, "catalog");
        self.0.lock().unwrap().push(event.change);
    }
}

#[test]
fn says_what_it_refuses() {
    let heard = Arc::new(Heard::default());
    let budget = budget(0, 0).with_source(Source::new("catalog", heard.clone()));
    let rejected = budget.withdraw(Timestamp::from_secs(1)).unwrap_err();
    assert_eq!(rejected.reason, Reason::BudgetExhausted);
    assert!(!rejected.retryable);
    assert_eq!(*heard.0.lock().unwrap(), [Change::Rejected(rejected)]);
}

#[test]
fn polly_2348_envoy_30205_retry_and_hedge_together_stay_within_one_share() {
    let shared = Arc::new(budget(20, 0));
    let (retry, hedge, requeue) = (shared.clone(), shared.clone(), shared);
    let mut attempts = 0;
    for call in 0..10_000u64 {
        let now = Timestamp::from_millis(call);
        retry.deposit(now);
        attempts += 1;
        // A full outage: everybody wants all he can get, and counts it when it is scheduled.
        for asker in [&retry, &hedge, &requeue, &retry, &hedge] {
            attempts += usize::from(asker.withdraw(now).is_ok());
        }
    }
    assert_eq!(attempts, 12_000);
}

#[test]
fn many_threads_get_exactly_what_there_is() {
    let budget = budget(20, 0);
    let granted = AtomicUsize::new(0);
    let now = Timestamp::from_secs(7);
    for _ in 0..5_000 {
        budget.deposit(now);
    }
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (budget, granted) = (&budget, &granted);
            scope.spawn(move || {
                for n in 0..2_000 {
                    // Threads whose clocks are up to three seconds apart.
                    let now = Timestamp::from_secs(7 + (thread + n / 700) % 4);
                    if budget.withdraw(now).is_ok() {
                        granted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(granted.into_inner(), 1_000);
}

proptest! {
    #[test]
    fn grants_what_a_list_of_all_events_grants(
        percent in 0u64..=100,
        floor in 0u64..3_000,
        steps in prop::collection::vec((0u8..3, -2_000i64..4_000), 1..400),
    ) {
        let budget = budget(percent, floor);
        let (mut clock, mut newest) = (50_000i64, 0);
        let (mut deposits, mut withdrawals) = (Vec::new(), Vec::new());
        let mut refused = None;
        for (what, ms) in steps {
            clock = (clock + ms).max(0);
            let now = Timestamp::from_millis(u64::try_from(clock).unwrap());
            newest = now.as_secs().max(newest);
            let recent = |of: &[u64]| {
                of.iter().filter(|second| **second + 10 > newest).count() as u64
            };
            if what == 0 {
                budget.deposit(now);
                deposits.push(newest);
            } else {
                let share = |of: u64| of * percent * 1_000;
                let next = (recent(&withdrawals) + 1) * 100_000;
                let present = |of: &[u64]| of.iter().filter(|at| **at == newest).count() as u64;
                let second = present(&deposits).max(recent(&deposits) / 10);
                let paced = refused.is_some_and(|at| at + 10 > newest);
                let expected = next <= floor * 10 * 100
                    || next <= share(recent(&deposits))
                        && (!paced || (present(&withdrawals) + 1) * 100_000 <= share(second));
                prop_assert_eq!(budget.withdraw(now).is_ok(), expected);
                if expected {
                    withdrawals.push(newest);
                } else {
                    refused = Some(newest);
                }
            }
            let state = budget.state(now);
            prop_assert_eq!(state.deposits, recent(&deposits));
            prop_assert_eq!(state.withdrawals, recent(&withdrawals));
        }
    }
}
