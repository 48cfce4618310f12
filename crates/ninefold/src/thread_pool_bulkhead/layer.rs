//! A pool as a layer for tower.

use tower_layer::Layer;

use super::{Pooled, ThreadPoolBulkhead};
use crate::meta::Ordinary;

/// Runs services in the threads of a pool.
#[derive(Clone, Debug)]
pub struct PoolLayer<M = Ordinary> {
    pool: ThreadPoolBulkhead,
    meta: M,
}

impl ThreadPoolBulkhead {
    /// A layer that shares this pool.
    #[must_use]
    pub fn layer(&self) -> PoolLayer {
        PoolLayer {
            pool: self.clone(),
            meta: Ordinary,
        }
    }
}

impl<M> PoolLayer<M> {
    /// The same layer, which reads the request's deadline by `meta`.
    pub fn with_meta<N>(self, meta: N) -> PoolLayer<N> {
        PoolLayer {
            pool: self.pool,
            meta,
        }
    }
}

impl<S, M: Clone> Layer<S> for PoolLayer<M> {
    type Service = Pooled<S, M>;

    fn layer(&self, inner: S) -> Self::Service {
        Pooled::new(inner, self.pool.clone(), self.meta.clone())
    }
}
