//! Races in virtual time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::{Now, Time, VirtualTime};
use crate::retry::{Repeat, RetryBudget, RetryBudgetConfig};
use crate::{Error, Rate, Ratio};

/// A hedge that knows of many calls of 10 ms, so that its delay is about 10 ms.
fn hedge(time: &VirtualTime) -> Hedge<VirtualTime> {
    let hedge = Hedge::on(time.clone(), HedgeConfig::default()).unwrap();
    for _ in 0..1_000 {
        time.advance(Duration::from_millis(20));
        hedge.policy().record(Duration::from_millis(10), time.now());
    }
    hedge
}

/// What an attempt does: ends after so many milliseconds.
type Script = &'static [(u64, Result<&'static str, &'static str>)];

struct Seen {
    answer: Result<&'static str, Error<&'static str>>,
    millis: u128,
    started: u32,
    cancelled: u32,
}

fn run(time: &VirtualTime, hedge: &Hedge<VirtualTime>, repeat: Repeat, script: Script) -> Seen {
    struct Counts(Rc<Cell<u32>>, bool);
    impl Drop for Counts {
        fn drop(&mut self) {
            if !self.1 {
                self.0.set(self.0.get() + 1);
            }
        }
    }
    let (began, started) = (time.now(), RefCell::new(0));
    let cancelled = Rc::new(Cell::new(0));
    let answer = time.block_on(hedge.call(repeat, |attempt| {
        *started.borrow_mut() += 1;
        let (millis, result) = script[usize::try_from(attempt).unwrap()];
        let sleep = time.sleep_until(time.now() + Duration::from_millis(millis));
        let counts = Counts(Rc::clone(&cancelled), false);
        async move {
            let mut whole = counts;
            sleep.await;
            whole.1 = true;
            result
        }
    }));
    Seen {
        answer,
        millis: time.now().since(began).as_millis(),
        started: started.into_inner(),
        cancelled: cancelled.get(),
    }
}

#[test]
fn a_slow_call_is_asked_again_and_the_loser_is_cancelled() {
    let time = VirtualTime::new();
    let seen = run(
        &time,
        &hedge(&time),
        Repeat::Always,
        &[(5_000, Ok("slow")), (10, Ok("quick"))],
    );
    assert_eq!(
        (seen.answer, seen.started, seen.cancelled),
        (Ok("quick"), 2, 1)
    );
    assert!((19..=22).contains(&seen.millis), "{} ms", seen.millis);
}

#[test]
fn a_quick_call_is_asked_once() {
    let time = VirtualTime::new();
    let seen = run(&time, &hedge(&time), Repeat::Always, &[(5, Ok("quick"))]);
    assert_eq!(
        (seen.answer, seen.started, seen.cancelled),
        (Ok("quick"), 1, 0)
    );
}

#[test]
fn failsafe_go_141_an_error_does_not_win_while_another_lives() {
    let time = VirtualTime::new();
    let hedge = hedge(&time);
    let seen = run(
        &time,
        &hedge,
        Repeat::Always,
        &[(100, Ok("late")), (1, Err("no"))],
    );
    assert_eq!(
        (seen.answer, seen.millis, seen.cancelled),
        (Ok("late"), 100, 0)
    );
    let seen = run(
        &time,
        &hedge,
        Repeat::Always,
        &[(15, Err("no")), (100, Ok("late"))],
    );
    assert_eq!(seen.answer, Ok("late"));
    let seen = run(
        &time,
        &hedge,
        Repeat::Always,
        &[(15, Err("one")), (100, Err("two"))],
    );
    assert_eq!(seen.answer, Err(Error::Service("two")));
}

#[test]
fn an_early_error_is_the_answer_and_starts_nothing() {
    let time = VirtualTime::new();
    let seen = run(&time, &hedge(&time), Repeat::Always, &[(2, Err("no"))]);
    assert_eq!((seen.answer, seen.started), (Err(Error::Service("no")), 1));
}

#[test]
fn what_may_not_be_repeated_is_not_hedged() {
    let time = VirtualTime::new();
    let hedge = hedge(&time);
    for repeat in [Repeat::Never, Repeat::Unsent] {
        let seen = run(
            &time,
            &hedge,
            repeat,
            &[(500, Ok("slow")), (1, Ok("quick"))],
        );
        assert_eq!((seen.answer, seen.started), (Ok("slow"), 1));
    }
}

#[test]
fn polly_2348_hedges_stay_within_the_budget() {
    let time = VirtualTime::new();
    let budget = RetryBudget::new(RetryBudgetConfig {
        ratio: Ratio::percent(50),
        floor: Rate::per_second(0),
    });
    let hedge = hedge(&time).with_budget(Arc::new(budget.unwrap()));
    let started: u32 = (0..10)
        .map(|_| run(&time, &hedge, Repeat::Always, &[(40, Ok("")), (5, Ok(""))]).started)
        .sum();
    assert_eq!(started, 15);
}

#[test]
fn losers_count_so_that_the_delay_does_not_sink() {
    let time = VirtualTime::new();
    let hedge = hedge(&time);
    let before = hedge.policy().delay(0, time.now()).unwrap();
    for _ in 0..500 {
        let slow: Script = &[(100, Ok("")), (5, Ok(""))];
        run(&time, &hedge, Repeat::Always, slow);
    }
    let after = hedge.policy().delay(0, time.now()).unwrap();
    assert!(after >= before, "{before:?} -> {after:?}");
}

#[cfg(feature = "tower")]
#[test]
fn a_service_is_hedged() {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tower_layer::Layer;
    use tower_service::Service;

    use crate::retry::CloneAlways;

    /// Its first call is slow, the others are not.
    #[derive(Clone)]
    struct Uneven(VirtualTime, Rc<Cell<u64>>);
    impl Service<u8> for Uneven {
        type Response = u64;
        type Error = Error<()>;
        type Future = Pin<Box<dyn Future<Output = Result<u64, Error<()>>>>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error<()>>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: u8) -> Self::Future {
            self.1.set(self.1.get() + 1);
            let (time, number) = (self.0.clone(), self.1.get());
            Box::pin(async move {
                let wait = Duration::from_millis(if number == 1 { 900 } else { 3 });
                time.sleep_until(time.now() + wait).await;
                Ok(number)
            })
        }
    }

    let time = VirtualTime::new();
    let calls = Rc::new(Cell::new(0));
    let mut service = hedge(&time)
        .layer(CloneAlways)
        .layer(Uneven(time.clone(), Rc::clone(&calls)));
    assert_eq!(time.block_on(service.call(1)), Ok(2));
    assert_eq!(time.block_on(service.call(1)), Ok(3));
    assert_eq!(calls.get(), 3);
}
