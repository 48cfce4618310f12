//! Peers' retries as they run, on tokio's paused clock, which jumps from timer to timer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use ninefold_core::rng::Rng;
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep, sleep_until};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_resilience::retry::{RetryBudget, RetryLayer};

use super::amplification::{LENGTH, OUTAGE, RATE};
use crate::pending::Fails;

/// New calls and attempts, by second.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) offered: Vec<u32>,
    pub(super) attempts: Vec<u32>,
    /// The most attempts of one call.
    pub(super) most: u64,
}

impl Counts {
    /// Attempts a call in a stretch of seconds.
    pub(super) fn amplification(&self, seconds: std::ops::Range<u64>) -> f64 {
        let sum = |counts: &[u32]| -> f64 {
            seconds
                .clone()
                .map(|second| f64::from(counts[second as usize]))
                .sum()
        };
        sum(&self.attempts) / sum(&self.offered)
    }

    /// The most in one of its seconds.
    pub(super) fn worst(&self, seconds: std::ops::Range<u64>) -> f64 {
        seconds
            .map(|second| {
                let second = second as usize;
                f64::from(self.attempts[second]) / f64::from(self.offered[second])
            })
            .fold(0.0, f64::max)
    }
}

/// The dependency: it counts attempts, and fails them in the outage.
#[derive(Clone)]
struct Dependency {
    start: Instant,
    counts: Arc<Mutex<Counts>>,
}

impl Dependency {
    fn attempt(&self, calls: &mut u64) -> Result<(), Fails> {
        *calls += 1;
        let second = self.start.elapsed().as_secs();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.most = counts.most.max(*calls);
        if let Some(attempts) = counts.attempts.get_mut(second as usize) {
            *attempts += 1;
        }
        if OUTAGE.contains(&second) {
            Err(Fails)
        } else {
            Ok(())
        }
    }
}

/// Calls at random times, each as `call` makes it.
fn drive<F>(seed: u64, mut call: impl FnMut(Dependency) -> F) -> Counts
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of this thread needs nothing of the machine");
    runtime.block_on(async {
        let none = vec![0; LENGTH as usize];
        let dependency = Dependency {
            start: Instant::now(),
            counts: Arc::new(Mutex::new(Counts {
                offered: none.clone(),
                attempts: none,
                most: 0,
            })),
        };
        let (mut rng, mut at) = (Rng::new(seed), Duration::ZERO);
        while at < Duration::from_secs(LENGTH) {
            sleep_until(dependency.start + at).await;
            let second = dependency.start.elapsed().as_secs() as usize;
            let mut counts = dependency
                .counts
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(offered) = counts.offered.get_mut(second) {
                *offered += 1;
            }
            drop(counts);
            tokio::spawn(call(dependency.clone()));
            at += Duration::from_secs_f64(-(1.0 - rng.unit()).ln() / f64::from(RATE));
        }
        let counts = dependency
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        counts.clone()
    })
}

/// backon's exponential back-off by default: three repetitions.
pub(super) fn backon(seed: u64) -> Counts {
    drive(seed, |dependency| async move {
        let mut calls = 0;
        let attempt = || {
            let answer = dependency.attempt(&mut calls);
            async move { answer }
        };
        let retried = attempt
            .retry(ExponentialBuilder::default())
            .sleep(sleep)
            .await;
        retried.ok();
    })
}

/// tower-resilience's retry by default, with or without its token bucket.
pub(super) fn tower_resilience(seed: u64, with_budget: bool) -> Counts {
    let mut budget = None;
    drive(seed, |dependency| {
        let budget = budget.get_or_insert_with(|| Arc::new(TokenBucket::new(dependency.start)));
        let mut builder = RetryLayer::<(), (), Fails>::builder();
        if with_budget {
            builder = builder.budget(Arc::clone(budget) as Arc<dyn RetryBudget>);
        }
        let calls = Arc::new(Mutex::new(0));
        let service = service_fn(move |()| {
            let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
            std::future::ready(dependency.attempt(&mut calls))
        });
        let mut service = builder.build().layer(service);
        async move {
            if let Ok(service) = service.ready().await {
                service.call(()).await.ok();
            }
        }
    })
}

/// Our model of tower-resilience's `TokenBucketBudget` by default, on tokio's clock instead of the
/// machine's: 10 tokens a second, 100 at most, one more for each success.
struct TokenBucket {
    tokens: Mutex<(f64, Instant)>,
}

const TOKENS_A_SECOND: f64 = 10.0;
const TOKENS_LIMIT: f64 = 100.0;

impl TokenBucket {
    const fn new(now: Instant) -> Self {
        Self {
            tokens: Mutex::new((TOKENS_LIMIT, now)),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut f64) -> T) -> T {
        let mut held = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let gained = (now - held.1).as_secs_f64() * TOKENS_A_SECOND;
        *held = ((held.0 + gained).min(TOKENS_LIMIT), now);
        change(&mut held.0)
    }
}

impl RetryBudget for TokenBucket {
    fn try_withdraw(&self) -> bool {
        self.change(|tokens| {
            let enough = *tokens >= 1.0;
            if enough {
                *tokens -= 1.0;
            }
            enough
        })
    }

    fn deposit(&self) {
        self.change(|tokens| *tokens = (*tokens + 1.0).min(TOKENS_LIMIT));
    }

    fn balance(&self) -> usize {
        self.change(|tokens| *tokens as usize)
    }
}
