//! A time limiter as a layer for tower.

use tower_layer::Layer;

use super::{TimeLimited, TimeLimiter};
use crate::meta::Ordinary;

/// Puts a time limiter in front of services.
#[derive(Clone, Debug)]
pub struct TimeLimiterLayer<T, M = Ordinary> {
    limiter: TimeLimiter<T>,
    meta: M,
}

impl<T: Clone> TimeLimiter<T> {
    /// A layer that shares this limiter.
    pub fn layer(&self) -> TimeLimiterLayer<T> {
        TimeLimiterLayer {
            limiter: self.clone(),
            meta: Ordinary,
        }
    }
}

impl<T, M> TimeLimiterLayer<T, M> {
    /// The same layer, which reads the request's deadline by `meta`.
    pub fn with_meta<N>(self, meta: N) -> TimeLimiterLayer<T, N> {
        TimeLimiterLayer {
            limiter: self.limiter,
            meta,
        }
    }
}

impl<S, T: Clone, M: Clone> Layer<S> for TimeLimiterLayer<T, M> {
    type Service = TimeLimited<S, T, M>;

    fn layer(&self, inner: S) -> Self::Service {
        TimeLimited::new(inner, self.limiter.clone(), self.meta.clone())
    }
}
