//! Calls over HTTP.

use std::sync::Arc;

use ninefold_core::policy::breaker::CircuitBreakerConfig;
use ninefold_core::policy::{
    self, AdaptiveThrottlerConfig, BulkheadConfig, DeadlineConfig, InvalidPolicy, RetryBudget,
    RetryBudgetConfig, RetryConfig,
};
use ninefold_core::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::admission::{AdaptiveThrottler, CircuitBreaker, Deadline};
use crate::clock::Time;
use crate::http::{ByStatus, RetryByStatus};
use crate::pipeline::{Nothing, Pipeline, Stack};
use crate::retry::Retry;
use crate::time_limiter::{TimeLimiter, TimeLimiterConfig};
use crate::waiting::WaitingRoom;
use crate::{ByError, Source};

type Status = ByError<ByStatus>;
type Deadlines<T> = Stack<Nothing, Deadline<T, Status>>;
type Retries<T> = Stack<Deadlines<T>, Retry<T, RetryByStatus>>;
type Throttlers<T> = Stack<Retries<T>, AdaptiveThrottler<T, Status>>;
type Breakers<T> = Stack<Throttlers<T>, CircuitBreaker<T, Status>>;
type Bulkheads<T> = Stack<Breakers<T>, WaitingRoom<policy::Bulkhead, T, Status>>;

/// What an [`HttpClient`] is made of.
pub type HttpClientStages<T> = Stack<Bulkheads<T>, TimeLimiter<T>>;

/// Calls over HTTP, whose answers are judged by their status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpClient {
    /// For all attempts and waits together: 10 s where the call brings none.
    pub deadline: DeadlineConfig,
    /// 3 attempts, of what is idempotent, and after 429, 502, 503 and 504 as long as they say.
    pub retry: RetryConfig,
    /// 10 % of calls, or 1/s if that is more.
    pub retry_budget: RetryBudgetConfig,
    /// As [`AdaptiveThrottlerConfig`]'s default.
    pub throttler: AdaptiveThrottlerConfig,
    /// As [`CircuitBreakerConfig`]'s default.
    pub breaker: CircuitBreakerConfig,
    /// 64 calls under way, 50 ms of waiting.
    pub bulkhead: BulkheadConfig,
    /// 2 s for one attempt.
    pub time_limit: TimeLimiterConfig,
}

impl Default for HttpClient {
    fn default() -> Self {
        Self {
            deadline: DeadlineConfig {
                default_timeout: Some(Span::secs(10)),
                ..DeadlineConfig::default()
            },
            retry: RetryConfig::default(),
            retry_budget: RetryBudgetConfig {
                floor: crate::Rate::per_second(1),
                ..RetryBudgetConfig::default()
            },
            throttler: AdaptiveThrottlerConfig::default(),
            breaker: CircuitBreakerConfig::default(),
            bulkhead: BulkheadConfig {
                max_concurrent_calls: 64,
                max_wait: Span::millis(50),
                ..BulkheadConfig::default()
            },
            time_limit: TimeLimiterConfig {
                timeout: Span::secs(2),
            },
        }
    }
}

impl HttpClient {
    /// The pipeline.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] if a part makes no sense.
    pub fn build<T: Time>(self, time: T) -> Result<Pipeline<HttpClientStages<T>>, InvalidPolicy> {
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
    ) -> Result<Pipeline<HttpClientStages<T>>, InvalidPolicy> {
        let budget = Arc::new(RetryBudget::new(self.retry_budget)?.with_source(source.clone()));
        let bulkhead = policy::Bulkhead::new(self.bulkhead)?.with_source(source.clone());
        Ok(Pipeline::builder()
            .stage(
                Deadline::new(self.deadline)?
                    .with_source(source.clone())
                    .with_clock(time.clone())
                    .with_classify(ByStatus)
                    .by_error(),
            )
            .stage(
                Retry::on(time.clone(), self.retry)?
                    .with_budget(budget)
                    .with_source(source.clone())
                    .with_rule(RetryByStatus),
            )
            .stage(
                AdaptiveThrottler::new(self.throttler)?
                    .with_source(source.clone())
                    .with_clock(time.clone())
                    .with_classify(ByStatus)
                    .by_error(),
            )
            .stage(
                CircuitBreaker::new(self.breaker)?
                    .with_source(source.clone())
                    .with_clock(time.clone())
                    .with_classify(ByStatus)
                    .by_error(),
            )
            .stage(
                WaitingRoom::on(time.clone(), bulkhead)
                    .with_classify(ByStatus)
                    .by_error(),
            )
            .stage(TimeLimiter::on(time, self.time_limit)?.with_source(source.clone()))
            .build())
    }
}
