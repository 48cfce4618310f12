//! Adaptive limits: between 16 and 200 calls under way, which the threads never reach.

use std::sync::Arc;

use congestion_limiter::limiter::{DefaultLimiter, Limiter, Outcome};
use congestion_limiter::limits;
use tower::{Layer, Service};
use tower_acc::ConcurrencyLimit;
use tower_resilience::adaptive;

use super::ours;
use crate::Subject;
use crate::bare::{self, Bare, Fault};

pub(super) const START: usize = 20;
pub(super) const LEAST: usize = 16;
pub(super) const MOST: usize = 200;

pub(super) fn subjects() -> Vec<Subject> {
    let peers = [
        Subject::call(
            "congestion-limiter-vegas",
            || Arc::new(DefaultLimiter::new(limits::Vegas::new(START, LEAST..=MOST))),
            |limiter| congestion(Arc::clone(limiter)),
        ),
        Subject::call(
            "congestion-limiter-aimd",
            || Arc::new(DefaultLimiter::new(limits::Aimd::new(START, LEAST..=MOST))),
            |limiter| congestion(Arc::clone(limiter)),
        ),
        Subject::layer("tower-acc-vegas", || {
            let vegas = tower_acc::Vegas::builder()
                .initial_limit(START)
                .max_limit(MOST)
                .build();
            ConcurrencyLimit::new(Bare, vegas)
        })
        .noting("waits when it is full"),
        Subject::layer("tower-acc-gradient2", || {
            let gradient = tower_acc::Gradient2::builder()
                .initial_limit(START)
                .min_limit(LEAST)
                .max_limit(MOST)
                .build();
            ConcurrencyLimit::new(Bare, gradient)
        })
        .noting("waits when it is full"),
        Subject::layer("tower-acc-aimd", || {
            let aimd = tower_acc::Aimd::builder()
                .initial_limit(START)
                .min_limit(LEAST)
                .max_limit(MOST)
                .build();
            ConcurrencyLimit::new(Bare, aimd)
        })
        .noting("waits when it is full"),
        Subject::layer("tower-resilience-vegas", tower_resilience_vegas),
        Subject::layer("tower-resilience-aimd", tower_resilience_aimd),
    ];
    ours::adaptive_limiter().into_iter().chain(peers).collect()
}

fn congestion<L: Limiter + Send + 'static>(
    limiter: Arc<L>,
) -> impl AsyncFnMut(u64) -> Result<u64, Fault> + Send + 'static {
    async move |request| {
        let token = limiter.try_acquire().await.ok_or(Fault::Refused)?;
        let answer = bare::call(request).await;
        let outcome = match answer {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Overload,
        };
        limiter.release(token, Some(outcome)).await;
        answer
    }
}

fn tower_resilience_vegas()
-> impl Service<u64, Response = u64, Error: Send, Future: Send> + Clone + Send + 'static {
    let vegas = adaptive::Vegas::builder()
        .initial_limit(START)
        .min_limit(LEAST)
        .max_limit(MOST)
        .build()
        .expect("a valid limit");
    adaptive::AdaptiveLimiterLayer::new(vegas).layer(Bare)
}

fn tower_resilience_aimd()
-> impl Service<u64, Response = u64, Error: Send, Future: Send> + Clone + Send + 'static {
    let aimd = adaptive::Aimd::builder()
        .initial_limit(START)
        .min_limit(LEAST)
        .max_limit(MOST)
        .build()
        .expect("a valid limit");
    adaptive::AdaptiveLimiterLayer::new(aimd).layer(Bare)
}
