//! Calls that run, wait, are refused, given up, late, and panic.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use ninefold_core::policy::{Evictable, Outcome, Reason, RequestMeta};
use ninefold_core::time::Timestamp;

use super::{PoolFuture, Shutdown, ThreadPoolBulkhead, ThreadPoolBulkheadConfig, block_on};
use crate::clock::{Now, VirtualTime};
use crate::testing::{Heard, Recorder, eventually};
use crate::{Error, Panicked};

type Call<T = ()> = PoolFuture<T, Error<Infallible>>;

const PATIENCE: Duration = Duration::from_secs(30);

fn config(threads: u32, queue: u32) -> ThreadPoolBulkheadConfig {
    ThreadPoolBulkheadConfig {
        threads,
        queue,
        thread_name: "test".to_owned(),
    }
}

fn pool(threads: u32, queue: u32) -> ThreadPoolBulkhead {
    ThreadPoolBulkhead::new(config(threads, queue)).unwrap()
}

/// A call that holds a thread until its gate is opened or gone; it is being run when this returns.
fn hold(pool: &ThreadPoolBulkhead) -> (Call, Sender<()>) {
    let (open, gate): (_, Receiver<()>) = channel();
    let (begun, begins) = channel();
    let call = pool.run(move || {
        begun.send(()).unwrap();
        let _opened_or_gone = gate.recv();
        Ok(())
    });
    begins.recv_timeout(PATIENCE).unwrap();
    (call, open)
}

fn reason<T: std::fmt::Debug>(call: Call<T>) -> Reason {
    block_on(call).unwrap_err().rejected().unwrap().reason
}

#[test]
fn work_runs_in_named_threads_that_come_when_needed_and_stay() {
    let pool = pool(2, 0);
    assert_eq!(pool.threads(), 0);
    let name = || Ok::<_, Infallible>(thread::current().name().unwrap().to_owned());
    assert_eq!(block_on(pool.run(name)).unwrap(), "test-1");
    let (first, open_first) = hold(&pool);
    let (second, open_second) = hold(&pool);
    assert_eq!((pool.threads(), pool.running()), (2, 2));
    drop((open_first, open_second));
    block_on(first).unwrap();
    block_on(second).unwrap();
    eventually(|| pool.is_idle(Timestamp::ZERO));
    assert_eq!(pool.threads(), 2);
}

#[test]
fn a_full_pool_refuses_at_once_and_keeps_the_order_of_those_who_wait() {
    let pool = pool(1, 3);
    let (held, open) = hold(&pool);
    let (done, order) = channel();
    let waiting: Vec<Call> = (0..3)
        .map(|n| {
            let done = done.clone();
            pool.run(move || {
                done.send(n).unwrap();
                Ok(())
            })
        })
        .collect();
    assert_eq!(pool.queued(), 3);
    assert_eq!(reason(pool.run(|| Ok(()))), Reason::QueueFull);
    drop(open);
    block_on(held).unwrap();
    waiting.into_iter().for_each(|call| block_on(call).unwrap());
    assert_eq!(order.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn without_a_queue_only_what_can_begin_at_once_is_taken() {
    let pool = pool(1, 0);
    let (held, open) = hold(&pool);
    assert_eq!(reason(pool.run(|| Ok(()))), Reason::QueueFull);
    drop(open);
    block_on(held).unwrap();
    eventually(|| pool.is_idle(Timestamp::ZERO));
    block_on(pool.run(|| Ok::<_, Infallible>(()))).unwrap();
}

#[test]
fn a_panic_ends_its_call_and_no_thread() {
    let pool = pool(1, 8);
    let id = || Ok::<_, Infallible>(thread::current().id());
    let before = block_on(pool.run(id)).unwrap();
    let call: Call = pool.run(|| panic!("of a test"));
    assert_eq!(block_on(call), Err(Error::Panicked(Panicked)));
    assert_eq!(block_on(pool.run(id)).unwrap(), before);
}

#[test]
fn a_panic_that_kills_its_thread_costs_no_place() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !thread::panicking() {
                panic!("the payload of a panic, dropped");
            }
        }
    }
    let pool = pool(1, 8);
    let call: Call = pool.run(|| std::panic::panic_any(Bomb));
    assert_eq!(block_on(call), Err(Error::Panicked(Panicked)));
    block_on(pool.run(|| Ok::<_, Infallible>(()))).unwrap();
    eventually(|| pool.is_idle(Timestamp::ZERO));
    assert_eq!(pool.threads(), 1);
}

#[test]
fn given_up_while_waiting_is_never_run_and_frees_its_place() {
    let pool = pool(1, 1);
    let (held, open) = hold(&pool);
    let ran = Arc::new(AtomicU32::new(0));
    let count = |ran: &Arc<AtomicU32>| {
        let ran = Arc::clone(ran);
        move || {
            ran.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(())
        }
    };
    let mut given_up = pool.run(count(&ran));
    let mut context = Context::from_waker(Waker::noop());
    assert!(
        std::pin::pin!(&mut given_up)
            .poll(&mut context)
            .is_pending()
    );
    drop(given_up);
    assert_eq!(Arc::strong_count(&ran), 1, "what it captured is gone too");
    let second = pool.run(count(&ran));
    drop(open);
    block_on(held).unwrap();
    block_on(second).unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 1);
}

#[test]
fn given_up_while_running_the_result_is_dropped_and_the_thread_goes_on() {
    let pool = pool(1, 1);
    let (open, gate) = channel::<()>();
    let (begun, begins) = channel();
    let precious = Arc::new(());
    let result = Arc::clone(&precious);
    let call = pool.run(move || {
        begun.send(()).unwrap();
        let _gone = gate.recv();
        Ok::<_, Infallible>(result)
    });
    begins.recv_timeout(PATIENCE).unwrap();
    drop(call);
    drop(open);
    eventually(|| Arc::strong_count(&precious) == 1);
    block_on(pool.run(|| Ok::<_, Infallible>(()))).unwrap();
}

#[test]
fn late_calls_are_not_run_and_make_room() {
    let (time, recorder) = (VirtualTime::new(), Recorder::new());
    let pool = pool(1, 1)
        .with_clock(time.clone())
        .with_source(recorder.source("ledger"));
    let (held, open) = hold(&pool);
    let soon = RequestMeta {
        deadline: Some(time.now() + Duration::from_millis(5)),
        ..RequestMeta::default()
    };
    let never = || -> Result<(), Infallible> { unreachable!("it is too late") };
    let displaced = pool.run_with(&soon, never);
    assert_eq!(reason(pool.run(|| Ok(()))), Reason::QueueFull);
    time.advance(Duration::from_millis(5));
    assert_eq!(
        reason(pool.run_with(&soon, never)),
        Reason::DeadlineExceeded
    );
    let later = RequestMeta {
        deadline: Some(time.now() + Duration::from_millis(5)),
        ..RequestMeta::default()
    };
    let late_in_queue = pool.run_with(&later, never);
    assert_eq!(reason(displaced), Reason::DeadlineExceeded);
    time.advance(Duration::from_millis(5));
    drop(open);
    block_on(held).unwrap();
    assert_eq!(reason(late_in_queue), Reason::DeadlineExceeded);
    eventually(|| pool.is_idle(Timestamp::ZERO));
    assert_eq!(
        recorder.heard(),
        [
            Heard::Rejected(Reason::QueueFull),
            Heard::Rejected(Reason::DeadlineExceeded),
            Heard::Rejected(Reason::DeadlineExceeded),
            Heard::Settled(Outcome::Success),
            Heard::Rejected(Reason::DeadlineExceeded),
        ]
    );
}

#[test]
fn draining_works_off_the_queue_and_aborting_refuses_it() {
    for (how, expected) in [
        (Shutdown::Drain, Ok(7)),
        (Shutdown::Abort, Err(Reason::Closed)),
    ] {
        let pool = pool(1, 4);
        let (held, open) = hold(&pool);
        let waiting = pool.run(|| Ok::<_, Infallible>(7));
        assert!(pool.is_healthy(Timestamp::ZERO));
        pool.shutdown(how);
        assert!(!pool.is_healthy(Timestamp::ZERO));
        assert_eq!(reason(pool.run(|| Ok(()))), Reason::Closed);
        assert!(!pool.join(Duration::ZERO), "one call still runs");
        drop(open);
        block_on(held).unwrap();
        let waited = block_on(waiting).map_err(|error| error.rejected().unwrap().reason);
        assert_eq!(waited, expected, "{how:?}");
        assert!(pool.join(PATIENCE));
        assert_eq!(pool.threads(), 0);
    }
}

#[test]
fn the_last_bulkhead_dropped_drains() {
    let pool = pool(1, 4);
    let (held, open) = hold(&pool);
    let waiting = pool.run(|| Ok::<_, Infallible>(7));
    drop(pool);
    drop(open);
    block_on(held).unwrap();
    assert_eq!(block_on(waiting), Ok(7));
}

#[test]
fn more_threads_come_for_what_waits_and_fewer_leave() {
    let pool = pool(1, 8);
    let (held, open) = hold(&pool);
    let (begun, begins) = channel();
    let waiting: Vec<Call> = (0..2)
        .map(|_| {
            let begun = begun.clone();
            pool.run(move || {
                begun.send(()).unwrap();
                Ok(())
            })
        })
        .collect();
    assert_eq!(pool.reconfigure(config(0, 8)).unwrap_err().field, "threads");
    pool.reconfigure(config(3, 8)).unwrap();
    for _ in 0..2 {
        begins.recv_timeout(PATIENCE).unwrap();
    }
    pool.reconfigure(config(1, 8)).unwrap();
    drop(open);
    block_on(held).unwrap();
    waiting.into_iter().for_each(|call| block_on(call).unwrap());
    eventually(|| pool.threads() == 1);
    block_on(pool.run(|| Ok::<_, Infallible>(()))).unwrap();
}

#[test]
fn every_call_from_many_threads_ends_once() {
    let pool = pool(3, 1_000);
    let ran = Arc::new(AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..200u32 {
                    let ran = Arc::clone(&ran);
                    let call = pool.run(move || {
                        ran.fetch_add(1, Ordering::SeqCst);
                        if n % 10 == 3 { Err(n) } else { Ok(n) }
                    });
                    match block_on(call) {
                        Ok(m) | Err(Error::Service(m)) => assert_eq!(m, n),
                        Err(other) => panic!("{other}"),
                    }
                }
            });
        }
    });
    assert_eq!(ran.load(Ordering::SeqCst), 800);
    eventually(|| pool.is_idle(Timestamp::ZERO));
}

#[test]
fn reads_its_configuration_strictly() {
    let read = serde_json::from_str::<ThreadPoolBulkheadConfig>;
    assert_eq!(read("{}").unwrap(), ThreadPoolBulkheadConfig::default());
    assert!(read(r#"{"thread":3}"#).is_err());
    let named = |name: &str| ThreadPoolBulkheadConfig {
        thread_name: name.to_owned(),
        ..config(1, 1)
    };
    assert_eq!(named("a\0b").validate().unwrap_err().field, "thread_name");
    assert_eq!(named("").validate().unwrap_err().field, "thread_name");
    assert_eq!(config(1, 2_000_000).validate().unwrap_err().field, "queue");
}

#[cfg(feature = "tower")]
#[test]
fn a_layer_runs_the_service_and_its_future_in_the_pool() {
    use tower_layer::Layer;
    use tower_service::Service;

    use crate::testing::service_fn;

    let pool = pool(1, 1);
    let name = || thread::current().name().map(str::to_owned);
    let inner = service_fn(move |request: u8| {
        let called_in = name();
        async move { Ok::<_, Error<Infallible>>((request, called_in, name())) }
    });
    let mut service = pool.layer().layer(inner);
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    let there = Some("test-1".to_owned());
    let answer = block_on(service.call(5)).unwrap();
    assert_eq!(answer, (5, there.clone(), there));
    pool.shutdown(Shutdown::Drain);
    assert_eq!(reason(service.call(6)), Reason::Closed);
}
