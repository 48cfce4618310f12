//! A cache as a layer for tower.

use tower_layer::Layer;

use super::{Cache, Cached};

/// Puts a cache in front of services.
#[derive(Clone, Debug)]
pub struct CacheLayer<K, V, C, S, X>
where
    C: Clone,
    S: Clone,
{
    cache: Cache<K, V, C, S>,
    key: X,
}

impl<K, V, C: Clone, S: Clone> Cache<K, V, C, S> {
    /// A layer that shares this cache. `key` names the request's answer, or says with `None` that
    /// it is not for the cache, such as a write.
    pub fn layer<Request, X: Fn(&Request) -> Option<K>>(
        &self,
        key: X,
    ) -> CacheLayer<K, V, C, S, X> {
        CacheLayer {
            cache: self.clone(),
            key,
        }
    }
}

impl<Inner, K, V, C: Clone, S: Clone, X: Clone> Layer<Inner> for CacheLayer<K, V, C, S, X> {
    type Service = Cached<Inner, K, V, C, S, X>;

    fn layer(&self, inner: Inner) -> Self::Service {
        Cached::new(inner, self.cache.clone(), self.key.clone())
    }
}
