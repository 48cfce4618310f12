//! tower-resilience's.

use std::task::{Context, Waker};
use std::time::Duration;

use tower::{Layer, Service};
use tower_resilience::circuitbreaker::{CircuitBreaker, CircuitBreakerLayer, DefaultClassifier};

use super::{Breaker, Calls, Ending, RealWait};
use crate::pending::{Answers, Pending};

/// The service around calls that the simulation ends.
pub(super) struct TowerResilience {
    service: CircuitBreaker<Pending, DefaultClassifier>,
    calls: Calls<()>,
}

/// A count window of 100 at 50 %, one probe.
pub(super) fn new(wait: RealWait) -> TowerResilience {
    let answers = Answers::default();
    let layer = CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_size(100)
        .minimum_number_of_calls(100)
        .wait_duration_in_open(wait.get())
        .build()
        .expect("a valid breaker");
    TowerResilience {
        service: layer.layer(Pending::new(&answers)),
        calls: Calls::new(&answers),
    }
}

impl Breaker for TowerResilience {
    fn name(&self) -> &'static str {
        "tower-resilience"
    }

    fn setting(&self) -> &'static str {
        "the last 100 calls (default)"
    }

    /// Its clock is the machine's.
    fn passes(&mut self, _: Duration) {}

    fn open_wait(&self) -> Duration {
        Duration::ZERO
    }

    fn begins(&mut self) -> Option<u64> {
        let mut service = self.service.clone();
        let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
        debug_assert!(ready.is_ready(), "nothing in front of it waits");
        self.calls.begins(move |id| {
            let call = service.call(id);
            Box::pin(async move { drop(call.await) })
        })
    }

    fn ends(&mut self, call: u64, ending: Ending) {
        self.calls.ends(call, ending);
    }
}
