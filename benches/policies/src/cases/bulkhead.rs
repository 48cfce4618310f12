//! Bulkheads: 64 places, which the threads never fill.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimit;
use tower::load_shed::LoadShed;
use tower::{Layer, Service};
use tower_resilience::bulkhead::BulkheadLayer;

use super::ours;
use crate::Subject;
use crate::bare::{self, Bare, Fault};
use crate::ear::hear;

pub(super) const PLACES: usize = 64;

pub(super) fn subjects() -> Vec<Subject> {
    let peers = [
        Subject::layer("tower", || ConcurrencyLimit::new(Bare, PLACES))
            .noting("waits when it is full"),
        Subject::layer("tower-load-shed", || {
            LoadShed::new(ConcurrencyLimit::new(Bare, PLACES))
        }),
        Subject::layer("tower-resilience", || tower_resilience(false)),
        Subject::layer("tower-resilience", || tower_resilience(true)).heard(),
        Subject::permit(
            "tokio-semaphore",
            || Arc::new(Semaphore::new(PLACES)),
            |places| {
                let places = Arc::clone(places);
                move |request| {
                    let permit = places.try_acquire().map_err(|_full| Fault::Refused)?;
                    let answer = bare::answer(request);
                    drop(permit);
                    answer
                }
            },
        ),
    ];
    ours::bulkhead().into_iter().chain(peers).collect()
}

fn tower_resilience(
    heard: bool,
) -> impl Service<u64, Response = u64, Error: Send, Future: Send> + Clone + Send + 'static {
    let mut builder = BulkheadLayer::builder()
        .max_concurrent_calls(PLACES)
        .reject_when_full();
    if heard {
        builder = builder
            .on_call_permitted(hear)
            .on_call_rejected(hear)
            .on_call_finished(|took: Duration| hear(took))
            .on_call_failed(|took: Duration| hear(took));
    }
    builder.build().expect("a valid bulkhead").layer(Bare)
}
