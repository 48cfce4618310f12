//! One permit each for every way a call can end.

use std::cell::Cell;
use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Waker};

use ninefold_core::policy::{Admission, Now, Outcome, PolicyKind, Reason, Rejected, RequestMeta};

use super::Handle;
use crate::Error;
use crate::clock::{PreciseClock, VirtualTime};

/// Admits one call at a time and counts how they end.
#[derive(Debug, Default)]
struct One {
    held: AtomicU32,
    settled: AtomicU32,
    cancelled: AtomicU32,
}

impl One {
    fn counts(&self) -> [u32; 3] {
        [&self.held, &self.settled, &self.cancelled].map(|count| count.load(Ordering::SeqCst))
    }
}

impl Admission for One {
    type Token = ();
    const KIND: PolicyKind = PolicyKind::Bulkhead;

    fn try_acquire(&self, _: &RequestMeta, _: impl Now) -> Result<(), Rejected> {
        self.held
            .compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst)
            .map(|_| ())
            .map_err(|_held| Rejected::new(PolicyKind::Bulkhead, Reason::Full))
    }

    fn settle(&self, (): (), _: Outcome, _: impl Now) {
        self.held.store(0, Ordering::SeqCst);
        self.settled.fetch_add(1, Ordering::SeqCst);
    }

    fn cancel(&self, (): ()) {
        self.held.store(0, Ordering::SeqCst);
        self.cancelled.fetch_add(1, Ordering::SeqCst);
    }
}

fn handle() -> Handle<One, PreciseClock> {
    Handle::of(One::default())
}

#[test]
fn settled_once_whatever_the_result() {
    let (time, one) = (VirtualTime::new(), handle());
    let ok = time.block_on(one.call(|| async { Ok::<_, &str>(7) }));
    let err = time.block_on(one.call(|| async { Err::<u8, _>("no") }));
    assert_eq!((ok, err), (Ok(7), Err(Error::Service("no"))));
    assert_eq!(one.counts(), [0, 2, 0]);
}

#[test]
fn refused_calls_are_not_made() {
    let (time, one) = (VirtualTime::new(), handle());
    let held = one.permit(&RequestMeta::default()).unwrap();
    let called = Cell::new(false);
    let answer = time.block_on(one.call(|| {
        called.set(true);
        async { Ok::<_, &str>(()) }
    }));
    assert_eq!(answer.unwrap_err().rejected().unwrap().reason, Reason::Full);
    assert!(!called.get());
    drop(held);
    assert_eq!(one.counts(), [0, 0, 1]);
}

#[test]
fn resilience4j_682_dropping_the_call_is_cancelled_not_failed() {
    let one = handle();
    {
        let mut call = pin!(one.call(pending::<Result<(), &str>>));
        let mut context = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
        assert_eq!(one.counts(), [1, 0, 0]);
    }
    assert_eq!(one.counts(), [0, 0, 1]);
}

#[test]
fn a_classifier_may_say_cancelled() {
    let time = VirtualTime::new();
    let one = handle()
        .with_classify(|result: Result<&u8, &&str>| result.is_err().then_some(Outcome::Failure));
    assert_eq!(time.block_on(one.call(|| async { Ok(1) })), Ok(1));
    assert_eq!(one.counts(), [0, 0, 1]);
}

#[cfg(feature = "tower")]
#[test]
fn tower_547_a_service_made_ready_and_never_called_holds_nothing() {
    use std::task::Poll;

    use tower_layer::Layer;
    use tower_service::Service;

    #[derive(Clone)]
    struct Echo;
    impl Service<u8> for Echo {
        type Response = u8;
        type Error = Error<&'static str>;
        type Future = std::future::Ready<Result<u8, Self::Error>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, request: u8) -> Self::Future {
            std::future::ready(Ok(request))
        }
    }

    let (time, one) = (VirtualTime::new(), handle());
    let mut service = one.layer().layer(Echo);
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    assert_eq!(one.counts(), [0, 0, 0]);
    let first = service.call(1);
    assert_eq!(one.counts(), [1, 0, 0]);
    let refused = time.block_on(service.call(2)).unwrap_err();
    assert_eq!(refused.rejected().unwrap().reason, Reason::Full);
    assert_eq!(time.block_on(first), Ok(1));
    drop(service.call(3));
    assert_eq!(one.counts(), [0, 1, 1]);
}
