//! Time limits of a second, around an answer that is there at once.

use std::time::Duration;

use layered::{Execute, Service as _, Stack};
use seatbelt::ResilienceContext;
use seatbelt::timeout::Timeout as SeatbeltTimeout;
use tick::Clock;
use tower::timeout::Timeout;
use tower::{Layer, Service};
use tower_resilience::timelimiter::TimeLimiterLayer;

use super::ours;
use crate::Subject;
use crate::bare::{self, Bare, Fault};
use crate::ear::hear;

const LIMIT: Duration = Duration::from_secs(1);

pub(super) fn subjects() -> Vec<Subject> {
    let peers = [
        Subject::layer("tower", || Timeout::new(Bare, LIMIT)),
        Subject::call(
            "tokio",
            || (),
            |()| {
                async |request| {
                    tokio::time::timeout(LIMIT, bare::call(request))
                        .await
                        .unwrap_or(Err(Fault::TimedOut))
                }
            },
        ),
        Subject::layer("tower-resilience", || tower_resilience(false)),
        Subject::layer("tower-resilience", || tower_resilience(true)).heard(),
        Subject::call("seatbelt", seatbelt, |service| {
            let service = service.clone();
            async move |request| service.execute(request).await
        }),
        Subject::layer("seatbelt", seatbelt),
    ];
    ours::timeout().into_iter().chain(peers).collect()
}

fn tower_resilience(
    heard: bool,
) -> impl Service<u64, Response = u64, Error: Send, Future: Send> + Clone + Send + 'static {
    let mut builder = TimeLimiterLayer::builder()
        .timeout_duration(LIMIT)
        .cancel_running_future(true);
    if heard {
        builder = builder.on_success(hear).on_timeout(|| hear("refused"));
    }
    builder.build().layer(Bare)
}

fn seatbelt() -> impl layered::Service<u64, Out = Result<u64, Fault>>
+ Service<u64, Response = u64, Error = Fault, Future: Send>
+ Clone
+ 'static {
    let context = ResilienceContext::new(Clock::new_tokio()).name("bench");
    let timeout = SeatbeltTimeout::layer("timeout", &context)
        .timeout_error(|_| Fault::TimedOut)
        .timeout(LIMIT);
    (timeout, Execute::new(bare::call)).into_service()
}
