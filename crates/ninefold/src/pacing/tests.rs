//! Waiting for a place, in virtual time.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ninefold_core::policy::{RateLimiter, RateLimiterConfig};

use super::Pacer;
use crate::clock::{Now, VirtualTime};
use crate::pipeline::{Call, Pipeline};
use crate::{Error, Rate, Reason, RequestMeta, Span};

const ORDINARY: RequestMeta = RequestMeta {
    deadline: None,
    criticality: crate::Criticality::Critical,
    cohort: crate::Cohort::of(0, 0),
    key: 0,
    attempt: 0,
    cost: 1,
};

/// Ten a second, one at a time, half a second ahead.
fn pacer(time: &VirtualTime) -> Pacer<VirtualTime> {
    let config = RateLimiterConfig {
        rate: Rate::per_second(10),
        burst: 1,
        max_wait: Span::millis(500),
    };
    Pacer::on(time.clone(), RateLimiter::new(config).unwrap())
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn calls_go_on_evenly_and_in_order() {
    let time = VirtualTime::new();
    let (pacer, began) = (pacer(&time), time.now());
    let at: Vec<u128> = (0..4)
        .map(|_| {
            let now = pacer.call(|| async { Ok::<_, ()>(time.now()) });
            let now = time.block_on(now).unwrap();
            now.since(began).as_millis()
        })
        .collect();
    assert_eq!(at, [0, 100, 200, 300]);
}

#[test]
fn what_is_too_far_ahead_or_too_late_is_refused_at_once() {
    let time = VirtualTime::new();
    let (pacer, began) = (pacer(&time), time.now());
    let turns: Vec<_> = (0..6).map(|_| pacer.turn(&ORDINARY)).collect();
    assert_eq!(pacer.waiting(), 5, "the first one's place is now");
    let far = time.block_on(pacer.turn(&ORDINARY)).unwrap_err();
    assert_eq!(far.reason, Reason::RateExceeded);
    assert_eq!(far.retry_after, Some(Duration::from_millis(100)));
    drop(turns);
    assert_eq!(pacer.waiting(), 0);

    time.advance(Duration::from_secs(1));
    time.block_on(pacer.turn(&ORDINARY)).unwrap();
    let soon = RequestMeta {
        deadline: Some(time.now() + Duration::from_millis(50)),
        ..ORDINARY
    };
    let late = pacer.call_with(&soon, || async { Ok::<_, ()>(()) });
    let late = time.block_on(late).unwrap_err();
    assert_eq!(late.rejected().unwrap().reason, Reason::DeadlineExceeded);
    assert_eq!(time.now().since(began), Duration::from_secs(1));
}

#[test]
fn who_gives_up_gives_the_latest_place_back_and_no_other() {
    let time = VirtualTime::new();
    let pacer = pacer(&time);
    time.block_on(pacer.turn(&ORDINARY)).unwrap();
    let (first, second) = (pacer.turn(&ORDINARY), pacer.turn(&ORDINARY));
    drop(second);
    let again = pacer.turn(&ORDINARY);
    drop(first);
    let began = time.now();
    time.block_on(again).unwrap();
    assert_eq!(time.now().since(began), Duration::from_millis(200));
    assert_eq!(pacer.waiting(), 0);
}

#[test]
fn only_so_many_wait() {
    let time = VirtualTime::new();
    let pacer = pacer(&time).with_max_waiting_calls(1);
    time.block_on(pacer.turn(&ORDINARY)).unwrap();
    let mut waits = pin!(pacer.turn(&ORDINARY));
    assert!(poll(waits.as_mut()).is_pending());
    let full = time.block_on(pacer.turn(&ORDINARY)).unwrap_err();
    assert_eq!(full.reason, Reason::QueueFull);
    let began = time.now();
    time.block_on(waits).unwrap();
    // The place of the one that was refused was given back.
    time.block_on(pacer.turn(&ORDINARY)).unwrap();
    assert_eq!(time.now().since(began), Duration::from_millis(200));
}

#[test]
fn a_stage_waits_too() {
    let time = VirtualTime::new();
    let pipeline = Pipeline::builder().stage(pacer(&time)).build();
    let ask = || pipeline.call_with(Call::default(), |_| async { Err::<(), _>("down") });
    let began = time.now();
    assert_eq!(time.block_on(ask()), Err(Error::Service("down")));
    assert_eq!(time.block_on(ask()), Err(Error::Service("down")));
    assert_eq!(time.now().since(began), Duration::from_millis(100));
}

#[cfg(feature = "tower")]
#[test]
fn a_layer_waits_too_and_reads_the_deadline_of_the_request() {
    use tower_layer::Layer;
    use tower_service::Service;

    use crate::testing::service_fn;

    let time = VirtualTime::new();
    let began = time.now();
    let inner = service_fn(|_| std::future::ready(Ok::<_, Error<()>>(time.now())));
    // The request is its deadline.
    let meta = |deadline: &Option<ninefold_core::time::Timestamp>| RequestMeta {
        deadline: *deadline,
        ..ORDINARY
    };
    let mut service = pacer(&time).layer().with_meta(meta).layer(inner);
    assert_eq!(time.block_on(service.call(None)), Ok(began));
    let soon = began + Duration::from_millis(50);
    let refused = time.block_on(service.call(Some(soon))).unwrap_err();
    let reason = refused.rejected().map(|why| why.reason);
    assert_eq!(reason, Some(Reason::DeadlineExceeded));
    let second = time.block_on(service.call(None)).unwrap();
    assert_eq!(second.since(began), Duration::from_millis(100));
}
