//! A policy as a layer for tower.

use tower_layer::Layer;

use super::{Guarded, Handle};
use crate::meta::Ordinary;

/// Puts a policy in front of services. All services that come from one layer, and all clones of
/// them, share the policy.
#[derive(Debug)]
pub struct GuardLayer<P, C, K, M = Ordinary> {
    handle: Handle<P, C, K>,
    meta: M,
}

impl<P, C: Clone, K: Clone> Handle<P, C, K> {
    /// A layer that shares this policy.
    pub fn layer(&self) -> GuardLayer<P, C, K> {
        GuardLayer {
            handle: self.clone(),
            meta: Ordinary,
        }
    }
}

impl<P, C, K, M> GuardLayer<P, C, K, M> {
    /// The same layer, which reads what the policy should know from the request by `meta`.
    pub fn with_meta<N>(self, meta: N) -> GuardLayer<P, C, K, N> {
        GuardLayer {
            handle: self.handle,
            meta,
        }
    }
}

impl<S, P, C: Clone, K: Clone, M: Clone> Layer<S> for GuardLayer<P, C, K, M> {
    type Service = Guarded<S, P, C, K, M>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded::new(inner, self.handle.clone(), self.meta.clone())
    }
}

impl<P, C: Clone, K: Clone, M: Clone> Clone for GuardLayer<P, C, K, M> {
    fn clone(&self) -> Self {
        Self {
            handle: self.handle.clone(),
            meta: self.meta.clone(),
        }
    }
}
