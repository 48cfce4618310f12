//! Reports of load as a layer for tower.

use std::sync::Arc;

use tower_layer::Layer;

use super::{LoadMeter, ReportsLoad};

/// Counts the requests of a service, and answers one path with the report.
#[derive(Clone, Debug)]
pub struct LoadLayer {
    meter: LoadMeter,
    path: Arc<str>,
}

impl LoadMeter {
    /// A layer that counts requests here. `GET` of `path` is not one of them: it is answered with the
    /// report, and never comes to the service.
    #[must_use]
    pub fn layer(&self, path: &str) -> LoadLayer {
        LoadLayer {
            meter: self.clone(),
            path: path.into(),
        }
    }
}

impl<Inner> Layer<Inner> for LoadLayer {
    type Service = ReportsLoad<Inner>;

    fn layer(&self, inner: Inner) -> Self::Service {
        ReportsLoad::new(inner, self.meter.clone(), Arc::clone(&self.path))
    }
}
