//! Retries: three attempts, exponential back-off, a budget where the library has one; the first
//! attempt succeeds.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use layered::{Execute, Service as _, Stack};
use seatbelt::retry::Retry as SeatbeltRetry;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::Clock;
use tower::retry::budget::{Budget, TpsBudget};
use tower::retry::{Policy, Retry};
use tower::{Layer, Service};
use tower_resilience::retry::{RetryBudgetBuilder, RetryLayer};

use super::ours;
use crate::Subject;
use crate::bare::{self, Bare, Fault};
use crate::ear::hear;

const ATTEMPTS: usize = 3;
const BASE: Duration = Duration::from_millis(25);

pub(super) fn subjects() -> Vec<Subject> {
    let peers = [
        Subject::layer("tower", || Retry::new(TowerPolicy::new(), Bare)),
        Subject::layer("tower-resilience", || tower_resilience(false)),
        Subject::layer("tower-resilience", || tower_resilience(true)).heard(),
        Subject::call("seatbelt", seatbelt, |service| {
            let service = service.clone();
            async move |request| service.execute(request).await
        })
        .noting("no budget"),
        Subject::layer("seatbelt", seatbelt).noting("no budget"),
        Subject::call("backon", backoff, |backoff| {
            let backoff = *backoff;
            async move |request| {
                (|| bare::call(request))
                    .retry(backoff)
                    .sleep(tokio::time::sleep)
                    .await
            }
        })
        .noting("no budget; shares nothing"),
    ];
    ours::retry().into_iter().chain(peers).collect()
}

const fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(BASE)
        .with_jitter()
        .with_max_times(ATTEMPTS - 1)
}

/// As in the documentation of `tower::retry::budget`, with a limit on attempts.
#[derive(Clone, Debug)]
pub(super) struct TowerPolicy {
    budget: Arc<TpsBudget>,
    left: usize,
}

impl TowerPolicy {
    pub(super) fn new() -> Self {
        Self {
            budget: Arc::new(TpsBudget::new(Duration::from_secs(10), 10, 0.1)),
            left: ATTEMPTS - 1,
        }
    }
}

impl<T, E> Policy<u64, T, E> for TowerPolicy {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut u64, result: &mut Result<T, E>) -> Option<Ready<()>> {
        if result.is_ok() {
            self.budget.deposit();
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        self.budget.withdraw().then(|| ready(()))
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}

fn tower_resilience(
    heard: bool,
) -> impl Service<u64, Response = u64, Error: Send, Future: Send> + Clone + Send + 'static {
    let budget = RetryBudgetBuilder::new()
        .token_bucket()
        .build()
        .expect("a valid budget");
    let mut builder = RetryLayer::<u64, u64, Fault>::builder()
        .max_attempts(ATTEMPTS)
        .exponential_backoff(BASE)
        .budget(budget);
    if heard {
        builder = builder
            .on_success(hear)
            .on_retry(|attempt, wait| hear((attempt, wait)));
    }
    builder.build().layer(Bare)
}

fn seatbelt() -> impl layered::Service<u64, Out = Result<u64, Fault>>
+ Service<u64, Response = u64, Error = Fault, Future: Send>
+ Clone
+ 'static {
    let context = ResilienceContext::new(Clock::new_tokio()).name("bench");
    let retry = SeatbeltRetry::layer("retry", &context)
        .clone_input()
        .recovery_with(|result: &Result<u64, Fault>, _| match result {
            Ok(_) => RecoveryInfo::never(),
            Err(_) => RecoveryInfo::retry(),
        })
        .base_delay(BASE);
    (retry, Execute::new(bare::call)).into_service()
}
