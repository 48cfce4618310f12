//! Coalescing as a layer for tower.

use tower_layer::Layer;

use super::{Coalesce, Coalesced};

/// Puts coalescing in front of services.
#[derive(Clone, Debug)]
pub struct CoalesceLayer<K: Eq, T, E, X> {
    coalesce: Coalesce<K, T, E>,
    key: X,
}

impl<K: Eq, T, E> Coalesce<K, T, E> {
    /// A layer that shares these calls. Requests with the same `key` share an answer; those with
    /// none, such as writes, go alone.
    pub fn layer<Request, X: Fn(&Request) -> Option<K>>(
        &self,
        key: X,
    ) -> CoalesceLayer<K, T, E, X> {
        CoalesceLayer {
            coalesce: self.clone(),
            key,
        }
    }
}

impl<Inner, K: Eq, T, E, X: Clone> Layer<Inner> for CoalesceLayer<K, T, E, X> {
    type Service = Coalesced<Inner, K, T, E, X>;

    fn layer(&self, inner: Inner) -> Self::Service {
        Coalesced::new(inner, self.coalesce.clone(), self.key.clone())
    }
}
