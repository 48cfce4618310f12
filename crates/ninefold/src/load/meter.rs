//! Requests of a server, counted.

use std::sync::Arc;
use std::time::Instant;

use super::LoadReport;

/// Counts the requests of a server. Clones count together. See the [module](super).
#[derive(Clone, Debug, Default)]
pub struct LoadMeter(Arc<ninefold_core::balance::LoadMeter>);

impl LoadMeter {
    /// A request begins, until what this gives is dropped.
    #[must_use = "a request is over when this is dropped"]
    pub fn begin(&self) -> UnderWay {
        UnderWay {
            found: self.0.enter(),
            began: Instant::now(),
            is_answered: false,
            meter: Arc::clone(&self.0),
        }
    }

    /// What to tell who asks.
    #[must_use]
    pub fn report(&self) -> LoadReport {
        self.0.report()
    }
}

/// A request under way. Dropped without an answer, it says nothing about how long requests take.
#[derive(Debug)]
pub struct UnderWay {
    meter: Arc<ninefold_core::balance::LoadMeter>,
    found: u32,
    began: Instant,
    is_answered: bool,
}

impl UnderWay {
    /// It was answered.
    pub fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let took = self.is_answered.then(|| self.began.elapsed());
        self.meter.leave(self.found, took);
    }
}
