//! Calls to a database.

use std::sync::Arc;

use ninefold_core::policy::breaker::CircuitBreakerConfig;
use ninefold_core::policy::classify::ByResult;
use ninefold_core::policy::{
    self, BulkheadConfig, DeadlineConfig, InvalidPolicy, RetryBudget, RetryBudgetConfig,
    RetryConfig,
};
use ninefold_core::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admission::{CircuitBreaker, Deadline};
use crate::clock::Time;
use crate::pipeline::{Nothing, Pipeline, Stack};
use crate::retry::Retry;
use crate::time_limiter::{TimeLimiter, TimeLimiterConfig};
use crate::waiting::WaitingRoom;
use crate::{ByError, Source};

type Deadlines<T> = Stack<Nothing, Deadline<T, ByError>>;
type Retries<T> = Stack<Deadlines<T>, Retry<T>>;
type Breakers<T> = Stack<Retries<T>, CircuitBreaker<T, ByError>>;
type Bulkheads<T> = Stack<Breakers<T>, WaitingRoom<policy::Bulkhead, T, ByError<ByResult>>>;

/// What a [`DatabaseClient`] is made of.
pub type DatabaseClientStages<T> = Stack<Bulkheads<T>, TimeLimiter<T>>;

/// Calls to a database through a pool of connections. There is no throttler: a database refuses
/// little, it becomes slow, and the bulkhead is what bounds that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseClient {
    /// For all attempts and waits together: 5 s where the call brings none.
    pub deadline: DeadlineConfig,
    /// 2 attempts. Only calls that are said to be idempotent are repeated once they were sent.
    pub retry: RetryConfig,
    /// 10 % of calls, or 1/s if that is more.
    pub retry_budget: RetryBudgetConfig,
    /// As [`CircuitBreakerConfig`]'s default.
    pub breaker: CircuitBreakerConfig,
    /// 16 calls under way: not more than the pool has connections. 250 ms of waiting.
    pub bulkhead: BulkheadConfig,
    /// 2 s for one attempt.
    pub time_limit: TimeLimiterConfig,
}

impl Default for DatabaseClient {
    fn default() -> Self {
        Self {
            deadline: DeadlineConfig {
                default_timeout: Some(Span::secs(5)),
                ..DeadlineConfig::default()
            },
            retry: RetryConfig {
                max_attempts: 2,
                ..RetryConfig::default()
            },
            retry_budget: RetryBudgetConfig {
                floor: crate::Rate::per_second(1),
                ..RetryBudgetConfig::default()
            },
            breaker: CircuitBreakerConfig::default(),
            bulkhead: BulkheadConfig {
                max_concurrent_calls: 16,
                max_wait: Span::millis(250),
                ..BulkheadConfig::default()
            },
            time_limit: TimeLimiterConfig {
                timeout: Span::secs(2),
            },
        }
    }
}

impl DatabaseClient {
    /// The pipeline.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if a part makes no sense.
    pub fn build<T: Time>(
        self,
        time: T,
    ) -> Result<Pipeline<DatabaseClientStages<T>>, InvalidPolicy> {
        self.build_with(time, &Source::default())
    }

    /// The pipeline, with a name and a listener for all its policies.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if a part makes no sense.
    pub fn build_with<T: Time>(
        self,
        time: T,
        source: &Source,
    ) -> Result<Pipeline<DatabaseClientStages<T>>, InvalidPolicy> {
        let budget = Arc::new(RetryBudget::new(self.retry_budget)?.with_source(source.clone()));
        let bulkhead = policy::Bulkhead::new(self.bulkhead)?.with_source(source.clone());
        Ok(Pipeline::builder()
            .stage(
                Deadline::new(self.deadline)?
                    .with_source(source.clone())
                    .with_clock(time.clone())
                    .by_error(),
            )
            .stage(
                Retry::on(time.clone(), self.retry)?
                    .with_budget(budget)
                    .with_source(source.clone()),
            )
            .stage(
                CircuitBreaker::new(self.breaker)?
                    .with_source(source.clone())
                    .with_clock(time.clone())
                    .by_error(),
            )
            .stage(WaitingRoom::on(time.clone(), bulkhead).by_error())
            .stage(TimeLimiter::on(time, self.time_limit)?.with_source(source.clone()))
            .build())
    }
}
