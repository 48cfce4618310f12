//! Tests against a token bucket.

use std::time::Duration;

use proptest::prelude::*;

use super::{RateLimiter, RateLimiterConfig};
use crate::policy::{Admission, Reason, Rejected, RequestMeta};
use crate::time::Timestamp;
use crate::units::{Rate, Span};

fn limiter(rate: u64, burst: u32, max_wait_ms: u64) -> RateLimiter {
    RateLimiter::new(RateLimiterConfig {
        rate: Rate::per_second(rate),
        burst,
        max_wait: Span::millis(max_wait_ms),
    })
    .unwrap()
}

fn of_cost(cost: u32) -> RequestMeta {
    RequestMeta {
        cost,
        ..RequestMeta::default()
    }
}

fn ask(limiter: &RateLimiter, cost: u32, millis: u64) -> Result<(), Rejected> {
    limiter.try_acquire(&of_cost(cost), Timestamp::from_millis(millis))
}

fn admitted(limiter: &RateLimiter, asked: usize, millis: u64) -> usize {
    (0..asked)
        .filter(|_| ask(limiter, 1, millis).is_ok())
        .count()
}

#[test]
fn a_burst_then_the_rate() {
    let limiter = limiter(10, 5, 0);
    assert_eq!(limiter.available(Timestamp::from_secs(100)), 5);
    assert_eq!(admitted(&limiter, 100, 100_000), 5);
    assert_eq!(limiter.available(Timestamp::from_secs(100)), 0);
    assert_eq!(admitted(&limiter, 100, 100_099), 0);
    assert_eq!(admitted(&limiter, 100, 100_100), 1);
    assert_eq!(admitted(&limiter, 100, 100_400), 3);
    assert_eq!(admitted(&limiter, 100, 200_000), 5);
}

proptest! {
    /// One that owes what another one owes admits the same from there on, on whatever clock.
    #[test]
    fn what_is_owed_can_be_passed_on(
        rate in 1_u64..50,
        burst in 1_u32..20,
        max_wait in 0_u64..500,
        before in prop::collection::vec((1_u32..4, 0_u64..300), 0..60),
        after in prop::collection::vec((1_u32..4, 0_u64..300), 1..60),
        origin in 0_u64..1_000_000,
    ) {
        let (one, next) = (limiter(rate, burst, max_wait), limiter(rate, burst, max_wait));
        let mut now = 100_000;
        let place = |limiter: &RateLimiter, cost, millis| {
            let reserved = limiter.reserve(&of_cost(cost), Timestamp::from_millis(millis));
            reserved.map(|place| place.wait()).map_err(|no| no.retry_after)
        };
        for (cost, ms) in before {
            now += ms;
            place(&one, cost, now).ok();
        }
        let mut elsewhere = origin;
        let owed = one.owed(Timestamp::from_millis(now));
        next.owe(owed, Timestamp::from_millis(elsewhere));
        // Said twice it is no more.
        next.owe(owed, Timestamp::from_millis(elsewhere));
        for (cost, ms) in after {
            (now, elsewhere) = (now + ms, elsewhere + ms);
            prop_assert_eq!(place(&one, cost, now), place(&next, cost, elsewhere));
        }
    }
}

#[test]
fn nobody_owes_more_than_can_be_owed() {
    let limiter = limiter(10, 5, 0);
    let now = Timestamp::from_secs(100);
    limiter.owe(Duration::MAX, now);
    assert_eq!(limiter.owed(now), Duration::from_millis(500));
    assert!(ask(&limiter, 1, 100_099).is_err());
    assert_eq!(ask(&limiter, 1, 100_100), Ok(()));
}

#[test]
fn says_exactly_when_to_come_back() {
    let limiter = limiter(10, 5, 0);
    assert_eq!(ask(&limiter, 3, 100_000), Ok(()));
    let rejected = ask(&limiter, 4, 100_000).unwrap_err();
    assert_eq!(rejected.reason, Reason::RateExceeded);
    assert_eq!(rejected.retry_after, Some(Duration::from_millis(200)));
    assert!(ask(&limiter, 4, 100_199).is_err());
    assert_eq!(ask(&limiter, 4, 100_200), Ok(()));
}

#[test]
fn what_costs_more_than_a_burst_is_never_admitted() {
    let rejected = ask(&limiter(10, 5, 0), 6, 100_000).unwrap_err();
    assert_eq!((rejected.retryable, rejected.retry_after), (false, None));
    assert_eq!(ask(&limiter(10, 5, 0), 0, 100_000), Ok(()));
}

#[test]
fn reservations_stand_in_line() {
    let limiter = limiter(10, 1, 250);
    let now = Timestamp::from_secs(100);
    let reserve = || limiter.reserve(&of_cost(1), now);
    let waits: Vec<u128> = (0..3)
        .map(|_| reserve().unwrap().wait().as_millis())
        .collect();
    assert_eq!(waits, [0, 100, 200]);
    let rejected = reserve().unwrap_err();
    assert_eq!(rejected.retry_after, Some(Duration::from_millis(50)));
    let rejected = ask(&limiter, 1, 100_000).unwrap_err();
    assert_eq!(rejected.retry_after, Some(Duration::from_millis(300)));
}

#[test]
fn a_reservation_is_given_back_if_it_is_the_latest() {
    let limiter = limiter(10, 1, 1_000);
    let now = Timestamp::from_secs(100);
    let reserve = || limiter.reserve(&of_cost(1), now).unwrap();
    let (first, second) = (reserve(), reserve());
    assert!(!limiter.cancel_reservation(first), "its place stays empty");
    assert!(limiter.cancel_reservation(second));
    assert_eq!(reserve().wait(), Duration::from_millis(100));
}

#[test]
fn nobody_waits_beyond_his_deadline() {
    let limiter = limiter(10, 1, 1_000);
    let now = Timestamp::from_secs(100);
    let hurried = RequestMeta {
        deadline: Some(now + Duration::from_millis(100)),
        ..RequestMeta::default()
    };
    assert!(limiter.reserve(&hurried, now).unwrap().wait().is_zero());
    let rejected = limiter.reserve(&hurried, now).unwrap_err();
    assert_eq!(rejected.reason, Reason::DeadlineExceeded);
    let patient = limiter.reserve(&of_cost(1), now).unwrap();
    assert_eq!(
        patient.wait(),
        Duration::from_millis(100),
        "nothing was taken"
    );
}

#[test]
fn another_configuration_keeps_what_is_owed() {
    let limiter = limiter(10, 5, 0);
    assert_eq!(admitted(&limiter, 9, 100_000), 5);
    let config = RateLimiterConfig {
        burst: 7,
        ..limiter.config()
    };
    limiter.reconfigure(config).unwrap();
    assert_eq!(limiter.config(), config);
    assert_eq!(admitted(&limiter, 9, 100_000), 2, "5 of 7 are spent");
    let none = RateLimiterConfig { burst: 0, ..config };
    assert_eq!(limiter.reconfigure(none).unwrap_err().field, "burst");
}

#[test]
fn a_higher_rate_does_not_wait_for_the_debts_of_the_lower() {
    let limiter = RateLimiter::new(RateLimiterConfig {
        rate: Rate::millihertz(100),
        burst: 5,
        max_wait: Span::secs(0),
    })
    .unwrap();
    assert_eq!(admitted(&limiter, 9, 100_000), 5);
    limiter
        .reconfigure(RateLimiterConfig {
            rate: Rate::per_second(1_000),
            ..limiter.config()
        })
        .unwrap();
    assert_eq!(admitted(&limiter, 9, 100_000), 0);
    assert_eq!(admitted(&limiter, 9, 100_002), 2);
}

#[test]
fn a_clock_that_steps_back_an_hour_stops_nobody_for_an_hour() {
    let limiter = limiter(10, 5, 0);
    assert_eq!(admitted(&limiter, 1, 8_000_000), 1);
    assert_eq!(
        admitted(&limiter, 9, 4_000_000),
        0,
        "and brings nothing back"
    );
    assert_eq!(admitted(&limiter, 9, 4_000_100), 1);
}

#[test]
fn many_threads_get_exactly_a_burst() {
    let limiter = limiter(1, 1_000, 0);
    let total: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let limiter = &limiter;
                scope.spawn(move || admitted(limiter, 1_000, 100_000 + n))
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(total, 1_000);
}

/// A bucket of tokens, each worth `interval` nanoseconds, refilled one nanosecond at a time.
struct Bucket {
    interval: i128,
    burst: i128,
    level: i128,
    at: i128,
}

impl Bucket {
    fn level_at(&mut self, now: i128) -> i128 {
        self.level = (self.level + now - self.at).min(self.interval * self.burst);
        self.at = now;
        self.level
    }
}

proptest! {
    #[test]
    fn admits_what_a_token_bucket_admits(
        millihertz in 1u64..1_000_000_000,
        burst in 1u32..50,
        max_wait in 0u64..2_000_000_000,
        steps in prop::collection::vec((any::<bool>(), 0u32..8, 0u64..3_000), 1..300),
    ) {
        let config = RateLimiterConfig {
            rate: Rate::millihertz(millihertz),
            burst,
            max_wait: Span(Duration::from_nanos(max_wait)),
        };
        let limiter = RateLimiter::new(config).unwrap();
        let interval = i128::try_from(config.interval().as_nanos()).unwrap();
        let mut now = 1_000_000_000_000u64;
        let mut bucket = Bucket {
            interval,
            burst: burst.into(),
            level: interval * i128::from(burst),
            at: now.into(),
        };
        let mut taken = 0;
        let began = bucket.at;
        for (reserves, cost, step) in steps {
            // Steps of up to three intervals, so that calls come near the limit.
            now += u64::try_from(interval).unwrap() * step / 1_000;
            let at = Timestamp::from_nanos(now);
            let due = i128::from(cost) * interval;
            let missing = (due - bucket.level_at(now.into())).max(0);
            let allowed = if reserves { i128::from(max_wait) } else { 0 };
            let expected = cost <= burst && missing <= allowed;
            let result = if reserves {
                limiter.reserve(&of_cost(cost), at).map(|place| place.wait())
            } else {
                limiter.try_acquire(&of_cost(cost), at).map(|()| Duration::ZERO)
            };
            prop_assert_eq!(result.is_ok(), expected);
            match result {
                Ok(wait) => {
                    prop_assert_eq!(i128::try_from(wait.as_nanos()).unwrap(), missing);
                    bucket.level -= due;
                    taken += due;
                }
                Err(rejected) => prop_assert_eq!(
                    rejected.retry_after.map(|wait| i128::try_from(wait.as_nanos()).unwrap()),
                    (cost <= burst).then_some(missing - allowed)
                ),
            }
            let elapsed = i128::from(now) - began;
            prop_assert!(taken <= interval * i128::from(burst) + elapsed + i128::from(max_wait));
        }
    }
}
