//! Rate limiters: so high a rate that no call is ever refused.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tower::limit::RateLimit;
use tower::limit::rate::Rate;
use tower::{Layer, Service};
use tower_resilience::ratelimiter::RateLimiterLayer;

use super::ours;
use crate::Subject;
use crate::bare::{self, Bare, Fault};
use crate::ear::hear;

/// Calls a second.
const RATE: u32 = 1_000_000_000;

pub(super) fn subjects() -> Vec<Subject> {
    let peers = [
        Subject::permit("governor", governor, |limiter| {
            let limiter = Arc::clone(limiter);
            move |request| {
                limiter.check().map_err(|_early| Fault::Refused)?;
                bare::answer(request)
            }
        }),
        Subject::call("governor", governor, |limiter| {
            let limiter = Arc::clone(limiter);
            async move |request| {
                limiter.until_ready().await;
                bare::call(request).await
            }
        }),
        Subject::layer("tower-resilience", || tower_resilience(false)).noting("a fixed window"),
        Subject::layer("tower-resilience", || tower_resilience(true)).heard(),
        Subject::layer_alone("tower", || {
            RateLimit::new(Bare, Rate::new(u64::from(RATE), Duration::from_secs(1)))
        })
        .noting("a fixed window; cannot be shared"),
    ];
    ours::rate_limiter().into_iter().chain(peers).collect()
}

fn governor() -> Arc<DefaultDirectRateLimiter> {
    let rate = NonZeroU32::new(RATE).expect("it is not zero");
    Arc::new(RateLimiter::direct(Quota::per_second(rate)))
}

fn tower_resilience(
    heard: bool,
) -> impl Service<u64, Response = u64, Error: Send, Future: Send> + Clone + Send + 'static {
    let rate = usize::try_from(RATE).expect("a machine of 32 bits or more");
    let mut builder = RateLimiterLayer::per_second(rate);
    if heard {
        builder = builder
            .on_permit_acquired(|waited: Duration| hear(waited))
            .on_permit_rejected(|limit: Duration| hear(limit));
    }
    builder.build().expect("a valid rate limiter").layer(Bare)
}
