//! A fallback as a layer for tower.

use tower_layer::Layer;

use super::{Fallback, WithFallback};

/// Puts a fallback around services.
#[derive(Debug)]
pub struct FallbackLayer<S, A> {
    fallback: Fallback<S, A>,
}

impl<S, A> Fallback<S, A> {
    /// A layer that shares this fallback.
    #[must_use]
    pub fn layer(&self) -> FallbackLayer<S, A> {
        FallbackLayer {
            fallback: self.clone(),
        }
    }
}

impl<Inner, S, A> Layer<Inner> for FallbackLayer<S, A> {
    type Service = WithFallback<Inner, S, A>;

    fn layer(&self, inner: Inner) -> Self::Service {
        WithFallback::new(inner, self.fallback.clone())
    }
}

impl<S, A> Clone for FallbackLayer<S, A> {
    fn clone(&self) -> Self {
        Self {
            fallback: self.fallback.clone(),
        }
    }
}
