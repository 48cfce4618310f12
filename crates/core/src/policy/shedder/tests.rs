//! By hand, and what users of others complained of.

use super::super::queue::{Order, Waiting};
use super::super::{
    Admission, Criticality, LoadShedder, LoadShedderConfig, Outcome, Permit, Reason, RequestMeta,
};
use super::{PidConfig, Shedding};
use crate::time::Timestamp;
use crate::units::{Ratio, Span};

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn until(deadline: u64) -> RequestMeta {
    RequestMeta {
        deadline: Some(at(deadline)),
        ..RequestMeta::default()
    }
}

fn one_place() -> LoadShedder {
    LoadShedder::new(LoadShedderConfig {
        max_concurrent_calls: 1,
        ..LoadShedderConfig::default()
    })
    .unwrap()
}

/// A call that takes so long.
fn serve(shedder: &LoadShedder, from: u64, took: u64) {
    Permit::acquire(shedder, &RequestMeta::default(), at(from))
        .unwrap()
        .settle(Outcome::Success, at(from + took));
}

#[test]
fn configuration_is_read_checked_and_written() {
    let text =
        r#"{"max_concurrent_calls":8,"order":"lifo","shedding":{"mode":"pid","target":"2ms"}}"#;
    let config: LoadShedderConfig = serde_json::from_str(text).unwrap();
    assert_eq!(
        config.shedding,
        Shedding::Pid(PidConfig {
            target: Span::millis(2),
            ..PidConfig::default()
        })
    );
    assert_eq!((config.order, config.validate()), (Order::Lifo, Ok(())));
    let again = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<LoadShedderConfig>(&again).unwrap(),
        config
    );
    for unknown in [
        r#"{"shedding":{"mode":"pid","interval":"1s"}}"#,
        r#"{"limit":1}"#,
    ] {
        assert!(
            serde_json::from_str::<LoadShedderConfig>(unknown).is_err(),
            "{unknown}"
        );
    }
    let pid = |pid| LoadShedderConfig {
        shedding: Shedding::Pid(pid),
        ..LoadShedderConfig::default()
    };
    let mut gains = PidConfig::default().gains;
    gains.integral = 0.0;
    for (wrong, field) in [
        (
            LoadShedderConfig {
                max_concurrent_calls: 0,
                ..config
            },
            "max_concurrent_calls",
        ),
        (
            LoadShedderConfig {
                max_waiting_calls: 0,
                ..config
            },
            "max_waiting_calls",
        ),
        (
            pid(PidConfig {
                gains,
                ..PidConfig::default()
            }),
            "integral",
        ),
        (
            pid(PidConfig {
                max_shed: Ratio::ONE,
                ..PidConfig::default()
            }),
            "max_shed",
        ),
        (
            pid(PidConfig {
                period: Span::millis(0),
                ..PidConfig::default()
            }),
            "period",
        ),
    ] {
        assert_eq!(LoadShedder::new(wrong).unwrap_err().field, field);
    }
}

#[test]
fn what_cannot_be_answered_in_time_does_not_wait() {
    let shedder = one_place();
    let mut room = shedder.room();
    for n in 0..100 {
        serve(&shedder, n * 20, 20);
    }
    let held = shedder.try_acquire(&until(5_001), at(5_000)).unwrap();
    let late = shedder
        .enter(&mut room, &until(5_020), at(5_000))
        .unwrap_err();
    assert_eq!(
        (late.reason, late.retryable),
        (Reason::DeadlineExceeded, false)
    );
    let waiter = shedder.enter(&mut room, &until(5_050), at(5_000)).unwrap();
    shedder.settle(held, Outcome::Success, at(5_031));
    assert!(
        shedder.next(&mut room, at(5_031)).is_none(),
        "19 ms are not enough"
    );
    let (refused, why) = shedder.expire(&mut room, at(5_031)).unwrap();
    assert_eq!((refused, why.reason), (waiter, Reason::DeadlineExceeded));
    assert_eq!(shedder.waiting(), 0);
    assert!(
        shedder.try_acquire(&until(5_031), at(5_031)).is_err(),
        "over"
    );
}

#[test]
fn concurrency_limits_134_a_bad_day_is_not_learnt_for_good() {
    let shedder = one_place();
    for n in 0..100 {
        serve(&shedder, n * 60_000, 60_000);
    }
    assert!(shedder.service_time() >= Span::secs(59).0);
    // No call has a minute, yet all that find a place may go on, and prove the median wrong.
    let mut now = 6_000_000;
    for _ in 0..400 {
        let permit = Permit::acquire(&shedder, &until(now + 100), at(now)).unwrap();
        permit.settle(Outcome::Success, at(now + 10));
        now += 10;
    }
    assert!(shedder.service_time() <= Span::millis(11).0);
}

#[test]
fn what_fails_fast_teaches_nothing() {
    let shedder = one_place();
    serve(&shedder, 0, 20);
    for n in 1..1_000 {
        Permit::acquire(&shedder, &RequestMeta::default(), at(n))
            .unwrap()
            .settle(Outcome::Failure, at(n));
    }
    assert_eq!(shedder.service_time(), Span::millis(20).0);
}

#[test]
fn a_limit_from_outside_lets_those_in_who_wait() {
    let shedder = one_place();
    let mut room = shedder.room();
    let call = RequestMeta::default();
    let held = shedder.try_acquire(&call, at(0)).unwrap();
    let waiter = shedder.enter(&mut room, &call, at(0)).unwrap();
    shedder.set_limit(2);
    let (served, token) = shedder.next(&mut room, at(1)).unwrap();
    assert_eq!((served, shedder.in_flight()), (waiter, 2));
    shedder.cancel(token);
    shedder.cancel(held);
    let changed = LoadShedderConfig {
        max_wait: Span::millis(0),
        ..shedder.config()
    };
    shedder.reconfigure(changed).unwrap();
    assert_eq!(shedder.limit(), 2, "not what was changed");
    shedder.set_limit(0);
    assert_eq!(shedder.limit(), 1);
}

#[test]
fn the_share_falls_again_when_nobody_waits_any_more() {
    let shedder = LoadShedder::new(LoadShedderConfig {
        max_concurrent_calls: 1,
        shedding: Shedding::Pid(PidConfig::default()),
        ..LoadShedderConfig::default()
    })
    .unwrap();
    let mut room = shedder.room();
    let call = RequestMeta {
        criticality: Criticality::Sheddable,
        ..RequestMeta::default()
    };
    let held = shedder.try_acquire(&call, at(0)).unwrap();
    for now in 0..900 {
        if shedder.try_place(&call, at(now)).is_ok() {
            shedder.enter(&mut room, &call, at(now)).ok();
        }
    }
    assert!(shedder.shed_share() > 0.3, "{}", shedder.shed_share());
    shedder.settle(held, Outcome::Failure, at(900));
    while shedder.expire(&mut room, at(2_000)).is_some() {}
    let mut now = 2_000;
    while shedder.shed_share() > 0.0 {
        now += 10;
        assert!(now < 20_000, "{}", shedder.shed_share());
        if let Ok(permit) = Permit::acquire(&shedder, &call, at(now)) {
            permit.settle(Outcome::Failure, at(now));
        }
    }
    assert_eq!(shedder.level().to_string(), "all");
}
