//! What stands around the calls to the catalog.

use std::sync::Arc;
use std::time::Duration;

use ninefold::clock::TokioTime;
use ninefold::http::{ByStatus, RetryByStatus};
use ninefold::pipeline::{Nothing, Pipeline, Stack};
use ninefold::retry::{Retry, RetryBudget, RetryBudgetConfig, RetryConfig};
use ninefold::waiting::{Bulkhead, WaitingRoom};
use ninefold::{
    BulkheadConfig, ByError, CircuitBreaker, CircuitBreakerConfig, Deadline, DeadlineConfig,
    InvalidPolicy, Rate, Span, TimeLimiter, TimeLimiterConfig,
};

/// The longest that one attempt may take: the gateway needs 600 ms to give up on a replica that
/// hangs, and as much again for another one.
pub(super) const ATTEMPT_MAX: Duration = Duration::from_millis(1_500);

// Pipelines know their policies by type, so that a call goes through them without a box.
type Answers = ByError<ByStatus>;
type Deadlines = Stack<Nothing, Deadline<TokioTime, Answers>>;
type Retries = Stack<Deadlines, Retry<TokioTime, RetryByStatus>>;
type Breakers = Stack<Retries, CircuitBreaker<TokioTime, Answers>>;
type Bulkheads = Stack<Breakers, WaitingRoom<Bulkhead, TokioTime, Answers>>;

/// The policies, from the outside in: the order's deadline, for all attempts together; a retry; a
/// breaker; a bulkhead; and a time limit for each attempt.
pub(super) type Guard = Pipeline<Stack<Bulkheads, TimeLimiter<TokioTime>>>;

/// The policies, which know nothing yet.
pub(super) fn guard() -> Result<Guard, InvalidPolicy> {
    // The gateway repeats too, so the two multiply. Budgets bound that: however many attempts one
    // call may make, this one adds a tenth to the calls there are, or one a second.
    let budget = RetryBudget::new(RetryBudgetConfig {
        floor: Rate::per_second(1),
        ..RetryBudgetConfig::default()
    })?;
    let retry = RetryConfig {
        max_attempts: 2,
        // Below the breaker's wait: what it refuses is not worth waiting for.
        pushback_max: Span::millis(250),
        ..RetryConfig::default()
    };
    // A replica that was lost is replaced within a second, and then orders should flow again.
    let breaker = CircuitBreakerConfig {
        open_wait: Span::secs(1),
        open_wait_max: Span::secs(5),
        ..CircuitBreakerConfig::default()
    };
    let bulkhead = BulkheadConfig {
        max_concurrent_calls: 64,
        max_wait: Span::millis(50),
        ..BulkheadConfig::default()
    };
    let time_limit = TimeLimiterConfig {
        timeout: Span(ATTEMPT_MAX),
    };
    Ok(Pipeline::builder()
        .stage(
            Deadline::new(DeadlineConfig::default())?
                .with_clock(TokioTime)
                .with_classify(ByStatus)
                .by_error(),
        )
        .stage(
            Retry::new(retry)?
                .with_budget(Arc::new(budget))
                .with_rule(RetryByStatus),
        )
        .stage(
            CircuitBreaker::new(breaker)?
                .with_clock(TokioTime)
                .with_classify(ByStatus)
                .by_error(),
        )
        .stage(
            WaitingRoom::new(Bulkhead::new(bulkhead)?)
                .with_classify(ByStatus)
                .by_error(),
        )
        .stage(TimeLimiter::new(time_limit)?)
        .build())
}
