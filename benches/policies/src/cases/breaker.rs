//! Breakers: a window of the last 100 calls where the library has such a window, open at 50 %
//! failures, and once open for an hour.

use std::time::Duration;

use failsafe::failure_policy::{self, FailurePolicy as _};
use failsafe::futures::CircuitBreaker as FailsafeFutures;
use failsafe::{CircuitBreaker as Failsafe, Config, backoff};
use layered::{Execute, Service as _, Stack};
use recloser::{AsyncRecloser, Recloser};
use seatbelt::breaker::Breaker;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::Clock;
use tower::{Layer, Service};
use tower_resilience::circuitbreaker::CircuitBreakerLayer;

use super::ours;
use crate::Subject;
use crate::bare::{self, Bare, FAILING, Fault};
use crate::drive::block_on;
use crate::ear::hear;

const CALLS: usize = 100;
const OPEN: Duration = Duration::from_secs(3_600);
/// Failures that trip every one of them.
const FAILURES: usize = 300;

/// Every breaker while it is closed.
pub(super) fn closed() -> Vec<Subject> {
    let peers = [
        Subject::layer("tower-resilience", || tower_resilience(false)),
        Subject::layer("tower-resilience", || tower_resilience(true)).heard(),
        Subject::call("seatbelt", seatbelt, |service| {
            let service = service.clone();
            async move |request| service.execute(request).await
        }),
        Subject::layer("seatbelt", seatbelt),
        Subject::permit(
            "recloser",
            || std::sync::Arc::new(recloser()),
            |shared| {
                let breaker = std::sync::Arc::clone(shared);
                move |request| breaker.call(|| bare::answer(request))
            },
        ),
        Subject::call(
            "recloser",
            || AsyncRecloser::from(recloser()),
            |breaker| {
                let breaker = breaker.clone();
                async move |request| breaker.call(bare::call(request)).await
            },
        ),
        Subject::permit(
            "failsafe",
            || failsafe(()),
            |breaker| {
                let breaker = breaker.clone();
                move |request| Failsafe::call(&breaker, || bare::answer(request))
            },
        ),
        Subject::call(
            "failsafe",
            || failsafe(()),
            |breaker| {
                let breaker = breaker.clone();
                async move |request| FailsafeFutures::call(&breaker, bare::call(request)).await
            },
        ),
    ];
    ours::breaker_closed().into_iter().chain(peers).collect()
}

/// Every breaker after it has opened.
pub(super) fn open() -> Vec<Subject> {
    let peers = [
        Subject::layer("tower-resilience", || tower_resilience_open(false)),
        Subject::layer("tower-resilience", || tower_resilience_open(true)).heard(),
        Subject::call("seatbelt", seatbelt_open, |service| {
            let service = service.clone();
            async move |request| service.execute(request).await
        }),
        Subject::layer("seatbelt", seatbelt_open),
        Subject::permit(
            "recloser",
            || std::sync::Arc::new(recloser_open()),
            |shared| {
                let breaker = std::sync::Arc::clone(shared);
                move |request| breaker.call(|| bare::answer(request))
            },
        ),
        Subject::call(
            "recloser",
            || AsyncRecloser::from(recloser_open()),
            |breaker| {
                let breaker = breaker.clone();
                async move |request| breaker.call(bare::call(request)).await
            },
        ),
        Subject::permit(
            "failsafe",
            || failsafe_open(()),
            |breaker| {
                let breaker = breaker.clone();
                move |request| Failsafe::call(&breaker, || bare::answer(request))
            },
        ),
        Subject::permit(
            "failsafe",
            || failsafe_open(Heard),
            |breaker| {
                let breaker = breaker.clone();
                move |request| Failsafe::call(&breaker, || bare::answer(request))
            },
        )
        .heard(),
        Subject::call(
            "failsafe",
            || failsafe_open(()),
            |breaker| {
                let breaker = breaker.clone();
                async move |request| FailsafeFutures::call(&breaker, bare::call(request)).await
            },
        ),
    ];
    ours::breaker_open().into_iter().chain(peers).collect()
}

pub(super) fn tower_resilience(
    heard: bool,
) -> tower_resilience::circuitbreaker::CircuitBreaker<
    Bare,
    tower_resilience::circuitbreaker::DefaultClassifier,
> {
    let mut builder = CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_size(CALLS)
        .minimum_number_of_calls(CALLS)
        .wait_duration_in_open(OPEN);
    if heard {
        builder = builder
            .on_call_permitted(hear)
            .on_call_rejected(|| hear("refused"))
            .on_success(hear)
            .on_failure(hear);
    }
    builder.build().expect("a valid breaker").layer(Bare)
}

fn tower_resilience_open(
    heard: bool,
) -> impl Service<u64, Response = u64, Error: Send, Future: Send> + Clone + Send + 'static {
    let breaker = tower_resilience(heard);
    block_on(breaker.force_open());
    breaker
}

/// Its own listeners are told of changes of state only, so there is nothing to hear in a call.
fn seatbelt() -> impl layered::Service<u64, Out = Result<u64, Fault>>
+ Service<u64, Response = u64, Error = Fault, Future: Send>
+ Clone
+ 'static {
    let context = ResilienceContext::new(Clock::new_tokio()).name("bench");
    let breaker = Breaker::layer("breaker", &context)
        .recovery_with(|result: &Result<u64, Fault>, _| match result {
            Ok(_) => RecoveryInfo::never(),
            Err(_) => RecoveryInfo::retry(),
        })
        .rejected_input_error(|_, _| Fault::Refused)
        .failure_threshold(0.5)
        .break_duration(OPEN);
    (breaker, Execute::new(bare::call)).into_service()
}

fn seatbelt_open() -> impl layered::Service<u64, Out = Result<u64, Fault>>
+ Service<u64, Response = u64, Error = Fault, Future: Send>
+ Clone
+ 'static {
    let service = seatbelt();
    for _ in 0..FAILURES {
        hear(block_on(service.execute(FAILING)));
    }
    service
}

fn recloser() -> Recloser {
    Recloser::custom()
        .error_rate(0.5)
        .closed_len(CALLS)
        .open_wait(OPEN)
        .build()
}

fn recloser_open() -> Recloser {
    let breaker = recloser();
    for _ in 0..FAILURES {
        hear(breaker.call(|| bare::answer(FAILING)));
    }
    breaker
}

type FailsafePolicy = failure_policy::OrElse<
    failure_policy::SuccessRateOverTimeWindow<backoff::Constant>,
    failure_policy::ConsecutiveFailures<backoff::Constant>,
>;

/// Its default policy, which has both parts, with our figures: the rate alone says nothing until a
/// window of 30 s is full.
fn failsafe<I: failsafe::Instrument>(instrument: I) -> failsafe::StateMachine<FailsafePolicy, I> {
    let calls = u32::try_from(CALLS).expect("a small number");
    let (window, open) = (Duration::from_secs(30), backoff::constant(OPEN));
    let rate = failure_policy::success_rate_over_time_window(0.5, calls, window, open.clone());
    let policy = rate.or_else(failure_policy::consecutive_failures(5, open));
    Config::new()
        .failure_policy(policy)
        .instrument(instrument)
        .build()
}

fn failsafe_open<I: failsafe::Instrument>(
    instrument: I,
) -> failsafe::StateMachine<FailsafePolicy, I> {
    let breaker = failsafe(instrument);
    for _ in 0..FAILURES {
        hear(Failsafe::call(&breaker, || bare::answer(FAILING)));
    }
    breaker
}

/// failsafe tells of refusals and of changes of state.
#[derive(Debug)]
struct Heard;

impl failsafe::Instrument for Heard {
    fn on_call_rejected(&self) {
        hear("refused");
    }
    fn on_open(&self) {}
    fn on_half_open(&self) {}
    fn on_closed(&self) {}
}
