//! A rate whose calls wait, as a layer for tower.

use tower_layer::Layer;

use super::{Paced, Pacer};
use crate::meta::Ordinary;

/// Puts a rate in front of services, whose calls wait for their place.
#[derive(Clone, Debug)]
pub struct PacingLayer<T, M = Ordinary> {
    pacer: Pacer<T>,
    meta: M,
}

impl<T: Clone> Pacer<T> {
    /// A layer that shares this rate.
    pub fn layer(&self) -> PacingLayer<T> {
        PacingLayer {
            pacer: self.clone(),
            meta: Ordinary,
        }
    }
}

impl<T, M> PacingLayer<T, M> {
    /// The same layer, which reads cost and deadline from the request by `meta`.
    pub fn with_meta<N>(self, meta: N) -> PacingLayer<T, N> {
        PacingLayer {
            pacer: self.pacer,
            meta,
        }
    }
}

impl<S, T: Clone, M: Clone> Layer<S> for PacingLayer<T, M> {
    type Service = Paced<S, T, M>;

    fn layer(&self, inner: S) -> Self::Service {
        Paced::new(inner, self.pacer.clone(), self.meta.clone())
    }
}
