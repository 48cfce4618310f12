//! Chaos as a layer for tower.

use tower_layer::Layer;

use super::{Chaos, WithChaos};

/// Puts chaos in front of services.
#[derive(Clone, Debug)]
pub struct ChaosLayer<T, O> {
    chaos: Chaos<T, O>,
}

impl<T: Clone, O: Clone> Chaos<T, O> {
    /// A layer that shares this chaos.
    #[must_use]
    pub fn layer(&self) -> ChaosLayer<T, O> {
        ChaosLayer {
            chaos: self.clone(),
        }
    }
}

impl<S, T: Clone, O: Clone> Layer<S> for ChaosLayer<T, O> {
    type Service = WithChaos<S, T, O>;

    fn layer(&self, inner: S) -> Self::Service {
        WithChaos::new(inner, self.chaos.clone())
    }
}
