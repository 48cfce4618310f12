//! Turns in virtual time.

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ninefold_core::policy::{Outcome, Reason, RequestMeta};

use super::*;
use crate::Span;
use crate::clock::{Now, Time, VirtualTime};

fn room(time: &VirtualTime, places: u32, max_wait: u64) -> WaitingRoom<Bulkhead, VirtualTime> {
    let config = BulkheadConfig {
        max_concurrent_calls: places,
        max_wait: Span::millis(max_wait),
        ..BulkheadConfig::default()
    };
    WaitingRoom::on(time.clone(), Bulkhead::new(config).unwrap())
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// All at once, in one thread.
async fn join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(move |context| {
        for (future, output) in &mut futures {
            if output.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if futures.iter().all(|(_, output)| output.is_some()) {
            let outputs = futures.iter_mut().filter_map(|(_, output)| output.take());
            Poll::Ready(outputs.collect())
        } else {
            Poll::Pending
        }
    })
    .await
}

#[test]
fn served_in_turn() {
    let time = VirtualTime::new();
    let room = room(&time, 1, 1_000);
    let began = time.now();
    let order = RefCell::new(Vec::new());
    let calls = (0..4)
        .map(|number| {
            let (time, order) = (&time, &order);
            room.call(move || async move {
                time.sleep_until(time.now() + Duration::from_millis(100))
                    .await;
                order.borrow_mut().push(number);
                Ok::<_, ()>(())
            })
        })
        .collect();
    let answers = time.block_on(join(calls));
    assert_eq!(answers, [Ok(()); 4]);
    assert_eq!(*order.borrow(), [0, 1, 2, 3]);
    assert_eq!(time.now().since(began), Duration::from_millis(400));
}

#[test]
fn refused_when_the_wait_is_over() {
    let time = VirtualTime::new();
    let room = room(&time, 1, 50);
    let held = time
        .block_on(room.acquire(&RequestMeta::default()))
        .unwrap();
    let began = time.now();
    let calls = (0..3)
        .map(|_| room.call(|| async { Ok::<_, ()>(()) }))
        .collect();
    for answer in time.block_on(join(calls)) {
        assert_eq!(
            answer.unwrap_err().rejected().unwrap().reason,
            Reason::WaitedTooLong
        );
    }
    assert_eq!(time.now().since(began), Duration::from_millis(50));
    held.settle(Outcome::Success, time.now());
    assert_eq!(time.block_on(room.call(|| async { Ok::<_, ()>(1) })), Ok(1));
}

#[test]
fn giving_up_passes_the_turn_on() {
    let time = VirtualTime::new();
    let room = room(&time, 1, 1_000);
    let held = time
        .block_on(room.acquire(&RequestMeta::default()))
        .unwrap();
    let mut second = pin!(room.acquire(&RequestMeta::default()));
    {
        let mut first = pin!(room.acquire(&RequestMeta::default()));
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending());
        // Its turn comes, and it goes before it looks.
        held.settle(Outcome::Success, time.now());
        assert!(poll(second.as_mut()).is_pending());
    }
    let permit = poll(second.as_mut());
    assert!(matches!(permit, Poll::Ready(Ok(_))));
    drop(permit);
    assert_eq!((room.policy().in_flight(), room.policy().waiting()), (0, 0));
}

#[test]
fn whoever_kept_the_timer_leaves_it_to_the_next() {
    let time = VirtualTime::new();
    let room = room(&time, 1, 50);
    let held = time
        .block_on(room.acquire(&RequestMeta::default()))
        .unwrap();
    let mut second = Box::pin(room.acquire(&RequestMeta::default()));
    {
        let mut first = pin!(room.acquire(&RequestMeta::default()));
        assert!(poll(first.as_mut()).is_pending());
        time.advance(Duration::from_millis(10));
        assert!(poll(second.as_mut()).is_pending());
    }
    let refused = time.block_on(second).unwrap_err();
    assert_eq!(refused.reason, Reason::WaitedTooLong);
    drop(held);
}

#[test]
fn a_raised_limit_serves_those_who_wait() {
    let time = VirtualTime::new();
    let room = room(&time, 1, 1_000);
    let held = time
        .block_on(room.acquire(&RequestMeta::default()))
        .unwrap();
    let mut waits = pin!(room.acquire(&RequestMeta::default()));
    assert!(poll(waits.as_mut()).is_pending());
    let more = BulkheadConfig {
        max_concurrent_calls: 2,
        ..room.policy().config()
    };
    room.policy().reconfigure(more).unwrap();
    room.serve();
    assert!(matches!(poll(waits.as_mut()), Poll::Ready(Ok(_))));
    drop(held);
}

#[test]
fn threads_lose_no_place() {
    let time = VirtualTime::new();
    let room = Arc::new(room(&time, 2, 60_000));
    let served = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..200)
                        .filter(|_| park_on(room.call(|| async { Ok::<_, ()>(()) })).is_ok())
                        .count()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum::<usize>()
    });
    assert_eq!(served, 800);
    assert_eq!((room.policy().in_flight(), room.policy().waiting()), (0, 0));
}

/// Runs a future in a thread of its own, which sleeps until it is woken.
fn park_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

#[cfg(feature = "tower")]
#[test]
fn a_service_is_called_when_it_is_its_turn() {
    use tower_layer::Layer;
    use tower_service::Service;

    use crate::Error;

    #[derive(Clone)]
    struct Slow(VirtualTime);
    impl Service<u8> for Slow {
        type Response = u8;
        type Error = Error<()>;
        type Future = Pin<Box<dyn Future<Output = Result<u8, Error<()>>>>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error<()>>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, request: u8) -> Self::Future {
            let time = self.0.clone();
            Box::pin(async move {
                time.sleep_until(time.now() + Duration::from_millis(40))
                    .await;
                Ok(request)
            })
        }
    }

    let time = VirtualTime::new();
    let mut service = room(&time, 1, 50).layer().layer(Slow(time.clone()));
    let calls = (0..3).map(|request| service.call(request)).collect();
    let answers = time.block_on(join(calls));
    assert_eq!(answers.first(), Some(&Ok(0)));
    assert_eq!(answers.get(1), Some(&Ok(1)));
    let refused = answers.get(2).unwrap().unwrap_err();
    assert_eq!(refused.rejected().unwrap().reason, Reason::WaitedTooLong);
}
