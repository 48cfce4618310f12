//! A table of policies as a layer for tower.

use tower_layer::Layer;

use super::{GuardedByKey, Keyed};
use crate::meta::Ordinary;

/// Puts a policy for each key in front of services.
#[derive(Debug)]
pub struct KeyedLayer<K, P, C, L, X, M = Ordinary> {
    keyed: Keyed<K, P, C, L>,
    key: X,
    meta: M,
}

impl<K, P, C: Clone, L: Clone> Keyed<K, P, C, L> {
    /// A layer that shares these policies. `key` says whose a request is.
    pub fn layer<Request, X: Fn(&Request) -> K>(&self, key: X) -> KeyedLayer<K, P, C, L, X> {
        KeyedLayer {
            keyed: self.clone(),
            key,
            meta: Ordinary,
        }
    }
}

impl<K, P, C, L, X, M> KeyedLayer<K, P, C, L, X, M> {
    /// The same layer, which reads what the policies should know from the request by `meta`.
    pub fn with_meta<N>(self, meta: N) -> KeyedLayer<K, P, C, L, X, N> {
        KeyedLayer {
            keyed: self.keyed,
            key: self.key,
            meta,
        }
    }
}

impl<S, K, P, C, L, X, M> Layer<S> for KeyedLayer<K, P, C, L, X, M>
where
    C: Clone,
    L: Clone,
    X: Clone,
    M: Clone,
{
    type Service = GuardedByKey<S, K, P, C, L, X, M>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { keyed, key, meta } = self;
        GuardedByKey::new(inner, keyed.clone(), key.clone(), meta.clone())
    }
}

impl<K, P, C: Clone, L: Clone, X: Clone, M: Clone> Clone for KeyedLayer<K, P, C, L, X, M> {
    fn clone(&self) -> Self {
        Self {
            keyed: self.keyed.clone(),
            key: self.key.clone(),
            meta: self.meta.clone(),
        }
    }
}
