//! Hedges: a second attempt after a while, which the first never takes.

use std::time::Duration;

use layered::{Execute, Service as _, Stack};
use seatbelt::hedging::Hedging;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::Clock;
use tower::hedge::{Hedge, Policy};
use tower::{Layer, Service};
use tower_resilience::hedge::HedgeLayer;

use super::ours;
use crate::Subject;
use crate::bare::{self, Bare, Fault};
use crate::ear::hear;

const DELAY: Duration = Duration::from_millis(100);

pub(super) fn subjects() -> Vec<Subject> {
    let peers = [
        Subject::layer_alone("tower", || {
            Hedge::new(Bare, Always, 10, 0.95, Duration::from_secs(60))
        })
        .noting("cannot be shared"),
        Subject::layer("tower-resilience", || tower_resilience(false)).noting("a fixed delay"),
        Subject::layer("tower-resilience", || tower_resilience(true)).heard(),
        Subject::call("seatbelt", seatbelt, |service| {
            let service = service.clone();
            async move |request| service.execute(request).await
        })
        .noting("a fixed delay"),
        Subject::layer("seatbelt", seatbelt).noting("a fixed delay"),
    ];
    ours::hedge().into_iter().chain(peers).collect()
}

#[derive(Clone, Copy, Debug)]
struct Always;

impl Policy<u64> for Always {
    fn clone_request(&self, request: &u64) -> Option<u64> {
        Some(*request)
    }

    fn can_retry(&self, _: &u64) -> bool {
        true
    }
}

fn tower_resilience(
    heard: bool,
) -> impl Service<u64, Response = u64, Error: Send, Future: Send> + Clone + Send + 'static {
    let mut builder = HedgeLayer::builder().delay(DELAY).max_hedged_attempts(2);
    if heard {
        builder = builder.on_event(tower_resilience::core::FnListener::new(
            |event: &tower_resilience::hedge::HedgeEvent| {
                hear(event);
            },
        ));
    }
    builder.build().layer(Bare)
}

fn seatbelt() -> impl layered::Service<u64, Out = Result<u64, Fault>>
+ Service<u64, Response = u64, Error = Fault, Future: Send>
+ Clone
+ 'static {
    let context = ResilienceContext::new(Clock::new_tokio()).name("bench");
    let hedging = Hedging::layer("hedging", &context)
        .clone_input()
        .recovery_with(|result: &Result<u64, Fault>, _| match result {
            Ok(_) => RecoveryInfo::never(),
            Err(_) => RecoveryInfo::retry(),
        })
        .hedging_delay(DELAY);
    (hedging, Execute::new(bare::call)).into_service()
}
