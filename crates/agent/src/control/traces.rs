//! Traces of requests that ended badly a moment ago.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::time::Timestamp;
use ninefold_gateway::{Exemplars, RequestEnd, Succession};

/// So long ago is a moment: a trace stays for a second at least, and is looked for right after.
const MOMENT: Duration = Duration::from_secs(2);

/// Looked up only where a request ended badly.
#[derive(Debug)]
pub(super) struct Traces {
    gateway: Arc<Succession>,
    at: Timestamp,
    all: OnceCell<Exemplars>,
}

impl Traces {
    pub(super) const fn new(gateway: Arc<Succession>, at: Timestamp) -> Self {
        Self {
            gateway,
            at,
            all: OnceCell::new(),
        }
    }

    /// The trace of a request of a route that ended like this a moment ago, if any was recorded.
    pub(super) fn of(&self, route: &str, end: RequestEnd) -> Option<String> {
        let all = self.all.get_or_init(|| self.gateway.exemplars());
        let (trace, at) = all.ended(route, end)?;
        (at + MOMENT > self.at).then(|| trace.to_owned())
    }
}
