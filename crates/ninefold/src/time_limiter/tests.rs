//! Limits, deadlines, and work that ends.

use std::cell::Cell;
use std::future::{pending, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ninefold_core::policy::{Reason, RequestMeta};
use ninefold_core::units::Span;

use super::{TimeLimiter, TimeLimiterConfig};
use crate::clock::{Now, Time, VirtualTime};
use crate::testing::{Heard, Recorder};
use crate::{Error, TimedOut};

const LIMIT: Duration = Duration::from_millis(100);

fn limiter() -> (VirtualTime, TimeLimiter<VirtualTime>) {
    let time = VirtualTime::new();
    let config = TimeLimiterConfig {
        timeout: Span(LIMIT),
    };
    (time.clone(), TimeLimiter::on(time, config).unwrap())
}

fn deadline(time: &VirtualTime, left: Duration) -> RequestMeta {
    RequestMeta {
        deadline: Some(time.now() + left),
        ..RequestMeta::default()
    }
}

/// Never ready; says when it is dropped.
struct Work(Rc<Cell<bool>>);

impl Future for Work {
    type Output = Result<(), &'static str>;
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Pending
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

#[test]
fn resilience4j_905_a_timeout_stops_the_work_before_it_is_told() {
    let (time, limiter) = limiter();
    let dropped = Rc::new(Cell::new(false));
    let mut call = pin!(limiter.limit(&RequestMeta::default(), || {
        let work = Work(Rc::clone(&dropped));
        async { work.await.map_err(Error::Service) }
    }));
    let mut context = Context::from_waker(Waker::noop());
    assert!(call.as_mut().poll(&mut context).is_pending());
    time.advance(LIMIT);
    assert!(!dropped.get());
    let answer = call.as_mut().poll(&mut context);
    assert_eq!(answer, Poll::Ready(Err(TimedOut { after: LIMIT }.into())));
    assert!(dropped.get(), "the future of the limiter is still held");
}

#[test]
fn answers_in_time_pass_and_make_no_timer() {
    let (time, limiter) = limiter();
    let at_once = time.block_on(limiter.call(|| ready(Ok::<_, &str>(1))));
    assert_eq!((at_once, time.next_wake()), (Ok(1), None));
    let began = time.now();
    let slow = time.block_on(limiter.call(|| async {
        time.sleep_until(began + LIMIT).await;
        Err::<u8, _>("no")
    }));
    assert_eq!(
        slow,
        Err(Error::Service("no")),
        "ready when the limit comes"
    );
    assert_eq!(time.next_wake(), None, "no timer is left");
}

#[test]
fn the_deadline_shortens_the_limit_and_never_lengthens_it() {
    let (time, limiter) = limiter();
    for (left, after) in [(LIMIT / 4, LIMIT / 4), (LIMIT * 4, LIMIT)] {
        let began = time.now();
        let meta = deadline(&time, left);
        let answer = time.block_on(limiter.call_with(&meta, pending::<Result<(), &str>>));
        assert_eq!(answer, Err(Error::TimedOut(TimedOut { after })));
        assert_eq!(time.now().since(began), after);
    }
}

#[test]
fn what_nobody_waits_for_is_not_begun() {
    let (time, limiter) = limiter();
    let begun = Cell::new(false);
    let meta = deadline(&time, Duration::ZERO);
    let answer = time.block_on(limiter.call_with(&meta, || {
        begun.set(true);
        ready(Ok::<_, &str>(()))
    }));
    let rejected = *answer.unwrap_err().rejected().unwrap();
    assert_eq!(rejected.reason, Reason::DeadlineExceeded);
    assert!(!rejected.retryable && !begun.get());
}

#[test]
fn tells_and_is_told() {
    let (time, limiter) = limiter();
    let recorder = Recorder::new();
    let limiter = limiter.with_source(recorder.source("catalog"));
    let none = TimeLimiterConfig {
        timeout: Span::secs(0),
    };
    assert_eq!(limiter.reconfigure(none).unwrap_err().field, "timeout");
    let longer = TimeLimiterConfig {
        timeout: Span(LIMIT * 3),
    };
    limiter.reconfigure(longer).unwrap();
    assert_eq!(limiter.config(), longer);
    let answer = time.block_on(limiter.call(pending::<Result<(), &str>>));
    assert_eq!(answer, Err(Error::TimedOut(TimedOut { after: LIMIT * 3 })));
    assert_eq!(recorder.heard(), [Heard::TimedOut(LIMIT * 3)]);
}

#[test]
fn reads_its_configuration_strictly() {
    let read = serde_json::from_str::<TimeLimiterConfig>;
    assert_eq!(read("{}").unwrap(), TimeLimiterConfig::default());
    assert_eq!(
        read(r#"{"timeout":"50ms"}"#).unwrap().timeout,
        Span::millis(50)
    );
    assert!(read(r#"{"time_out":"50ms"}"#).is_err());
}

#[cfg(feature = "tower")]
#[test]
fn a_layer_limits_each_call_and_reads_deadlines() {
    use tower_layer::Layer;
    use tower_service::Service;

    use crate::testing::service_fn;

    let (time, limiter) = limiter();
    let inner = service_fn(|_: Duration| pending::<Result<(), Error<&str>>>());
    let clock = time.clone();
    let layer = limiter
        .layer()
        .with_meta(move |left: &Duration| deadline(&clock, *left));
    let mut service = layer.layer(inner);
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    let answer = time.block_on(service.call(LIMIT / 2));
    assert_eq!(answer, Err(Error::TimedOut(TimedOut { after: LIMIT / 2 })));
    let late = time.block_on(service.call(Duration::ZERO)).unwrap_err();
    assert_eq!(late.rejected().unwrap().reason, Reason::DeadlineExceeded);
}

#[cfg(feature = "tokio")]
#[test]
fn work_that_uses_up_its_share_of_the_runtime_is_ended_too() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let limiter = TimeLimiter::new(TimeLimiterConfig {
        timeout: Span::millis(5),
    })
    .unwrap();
    let greedy = || async {
        loop {
            tokio::task::coop::consume_budget().await;
        }
        #[expect(unreachable_code, reason = "gives the future its type")]
        Ok::<(), &str>(())
    };
    let answer = runtime.block_on(limiter.call(greedy));
    assert!(matches!(answer, Err(Error::TimedOut(_))), "{answer:?}");
}
