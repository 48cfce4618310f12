//! seatbelt's.

use std::pin::Pin;
use std::time::Duration;

use layered::{Execute, Service, Stack};
use seatbelt::breaker::{Breaker as Layer, HalfOpenMode};
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::ClockControl;

use super::{Breaker, Calls, Ending};
use crate::pending::{Answers, Fails};

type Make = dyn Fn(u64) -> Pin<Box<dyn Future<Output = ()>>>;

/// Its service around calls that the simulation ends.
pub(super) struct Seatbelt {
    clock: ClockControl,
    make: Box<Make>,
    calls: Calls<()>,
}

/// 50 % of 30 s; half open with a single probe, as the default draws from a generator that cannot
/// be seeded.
pub(super) fn new() -> Seatbelt {
    let answers = Answers::default();
    let clock = ClockControl::new();
    let context = ResilienceContext::new(clock.to_clock()).name("behaviour");
    let layer = Layer::layer("breaker", &context)
        .recovery_with(|result: &Result<(), Fails>, _| match result {
            Ok(()) => RecoveryInfo::never(),
            Err(_) => RecoveryInfo::retry(),
        })
        .rejected_input_error(|_, _| Fails)
        .failure_threshold(0.5)
        .half_open_mode(HalfOpenMode::quick());
    let inner = answers.clone();
    let service = (layer, Execute::new(move |id: u64| inner.wait(id))).into_service();
    let service = std::sync::Arc::new(service);
    Seatbelt {
        clock,
        make: Box::new(move |id| {
            let service = std::sync::Arc::clone(&service);
            Box::pin(async move {
                service.execute(id).await.ok();
            })
        }),
        calls: Calls::new(&answers),
    }
}

impl Breaker for Seatbelt {
    fn name(&self) -> &'static str {
        "seatbelt"
    }

    fn setting(&self) -> &'static str {
        "the last 30 s (default)"
    }

    fn passes(&mut self, time: Duration) {
        self.clock.advance(time);
    }

    fn open_wait(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn begins(&mut self) -> Option<u64> {
        let make = &self.make;
        self.calls.begins(make)
    }

    fn ends(&mut self, call: u64, ending: Ending) {
        self.calls.ends(call, ending);
    }
}
