//! A client's whole pipeline: a deadline of 10 s around three attempts, each of them behind a
//! breaker and a bulkhead of 64 and limited to a second.

use std::time::Duration;

use layered::{Execute, Service as _, Stack};
use seatbelt::breaker::Breaker;
use seatbelt::retry::Retry as SeatbeltRetry;
use seatbelt::timeout::Timeout as SeatbeltTimeout;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::Clock;
use tower::{Service, ServiceBuilder};
use tower_resilience::bulkhead::BulkheadLayer;
use tower_resilience::circuitbreaker::CircuitBreakerLayer;
use tower_resilience::retry::{RetryBudgetBuilder, RetryLayer};
use tower_resilience::timelimiter::TimeLimiterLayer;

use super::bulkhead::PLACES;
use super::ours;
use super::retry::TowerPolicy;
use crate::Subject;
use crate::bare::{self, Bare, Fault};

const DEADLINE: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(1);
const BASE: Duration = Duration::from_millis(25);

pub(super) fn subjects() -> Vec<Subject> {
    let peers = [
        Subject::layer("tower", || {
            ServiceBuilder::new()
                .timeout(DEADLINE)
                .retry(TowerPolicy::new())
                .concurrency_limit(PLACES)
                .timeout(LIMIT)
                .service(Bare)
        })
        .noting("no breaker"),
        Subject::layer("tower-resilience", tower_resilience),
        Subject::call("seatbelt", seatbelt, |service| {
            let service = service.clone();
            async move |request| service.execute(request).await
        })
        .noting("no bulkhead, no budget"),
        Subject::layer("seatbelt", seatbelt).noting("no bulkhead, no budget"),
    ];
    ours::pipeline().into_iter().chain(peers).collect()
}

fn tower_resilience()
-> impl Service<u64, Response = u64, Error: Send, Future: Send> + Clone + Send + 'static {
    let budget = RetryBudgetBuilder::new()
        .token_bucket()
        .build()
        .expect("a valid budget");
    let limit = |limit| {
        TimeLimiterLayer::builder()
            .timeout_duration(limit)
            .cancel_running_future(true)
            .build()
    };
    ServiceBuilder::new()
        .layer(limit(DEADLINE))
        .layer(
            RetryLayer::builder()
                .max_attempts(3)
                .exponential_backoff(BASE)
                .budget(budget)
                .build(),
        )
        .layer(
            CircuitBreakerLayer::builder()
                .failure_rate_threshold(0.5)
                .sliding_window_size(100)
                .minimum_number_of_calls(100)
                .build()
                .expect("a valid breaker"),
        )
        .layer(
            BulkheadLayer::builder()
                .max_concurrent_calls(PLACES)
                .reject_when_full()
                .build()
                .expect("a valid bulkhead"),
        )
        .layer(limit(LIMIT))
        .service(Bare)
}

fn seatbelt() -> impl layered::Service<u64, Out = Result<u64, Fault>>
+ Service<u64, Response = u64, Error = Fault, Future: Send>
+ Clone
+ 'static {
    let context = ResilienceContext::new(Clock::new_tokio()).name("bench");
    let recovery = |result: &Result<u64, Fault>| match result {
        Ok(_) => RecoveryInfo::never(),
        Err(_) => RecoveryInfo::retry(),
    };
    let limit = |name, limit| {
        SeatbeltTimeout::layer(name, &context)
            .timeout_error(|_| Fault::TimedOut)
            .timeout(limit)
    };
    let retry = SeatbeltRetry::layer("retry", &context)
        .clone_input()
        .recovery_with(move |result, _| recovery(result))
        .base_delay(BASE);
    let breaker = Breaker::layer("breaker", &context)
        .recovery_with(move |result, _| recovery(result))
        .rejected_input_error(|_, _| Fault::Refused)
        .failure_threshold(0.5);
    let (deadline, limit) = (limit("deadline", DEADLINE), limit("timeout", LIMIT));
    (deadline, retry, breaker, limit, Execute::new(bare::call)).into_service()
}
