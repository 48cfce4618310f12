//! Repetitions in virtual time.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use ninefold_core::policy::{PolicyKind, Reason, Rejected, RequestMeta};

use super::*;
use crate::clock::{Now, VirtualTime};
use crate::{Change, Error, Event, Listener, Rate, Ratio, Source};

const RESET: &str = "connection reset";

fn retry(time: &VirtualTime) -> Retry<VirtualTime> {
    Retry::on(time.clone(), RetryConfig::default())
        .unwrap()
        .with_seed(7)
}

fn budget(percent: u64) -> Arc<RetryBudget> {
    let config = RetryBudgetConfig {
        ratio: Ratio::percent(percent),
        floor: Rate::per_second(0),
    };
    Arc::new(RetryBudget::new(config).unwrap())
}

#[test]
fn the_last_error_comes_out_after_the_last_attempt() {
    let (time, attempts) = (VirtualTime::new(), Cell::new(0));
    let began = time.now();
    let answer = time.block_on(retry(&time).call(Repeat::Always, |attempt| {
        attempts.set(attempts.get() + 1);
        async move { Err::<(), _>(attempt) }
    }));
    assert_eq!((answer, attempts.get()), (Err(Error::Service(2)), 3));
    let waited = time.now().since(began);
    assert!(
        waited > Duration::ZERO && waited <= Duration::from_millis(25 + 50),
        "{waited:?}"
    );
}

#[test]
fn istio_50506_a_call_that_may_have_happened_is_made_once() {
    let (time, attempts) = (VirtualTime::new(), Cell::new(0));
    let answer = time.block_on(retry(&time).call(Repeat::Unsent, |_| {
        attempts.set(attempts.get() + 1);
        async { Err::<(), _>(RESET) }
    }));
    assert_eq!((answer, attempts.get()), (Err(Error::Service(RESET)), 1));
}

#[test]
fn a_refusal_is_waited_for_as_long_as_it_says() {
    let (time, seen) = (VirtualTime::new(), RefCell::new(Vec::new()));
    let began = time.now();
    let refused = Rejected::new(PolicyKind::CircuitBreaker, Reason::CallNotPermitted);
    let run = |refused: Rejected| {
        time.block_on(
            retry(&time).run(&RequestMeta::default(), Repeat::Unsent, async |attempt| {
                seen.borrow_mut().push(time.now().since(began).as_secs());
                if attempt == 0 {
                    Err::<u8, Error<&str>>(refused.into())
                } else {
                    Ok(1)
                }
            }),
        )
    };
    assert_eq!(run(refused.after(Duration::from_secs(4))), Ok(1));
    assert_eq!(*seen.borrow(), [0, 4]);
    assert_eq!(
        run(refused.for_good()).unwrap_err().rejected(),
        Some(&refused.for_good())
    );
}

#[test]
fn an_outage_is_amplified_by_the_share_and_no_more() {
    let time = VirtualTime::new();
    let attempts = Cell::new(0u32);
    let retry = retry(&time).with_budget(budget(10));
    for _call in 0..1_000 {
        let answer = time.block_on(retry.call(Repeat::Always, |_| {
            attempts.set(attempts.get() + 1);
            async { Err::<(), _>(RESET) }
        }));
        assert!(answer.is_err());
    }
    assert!(
        (1_090..=1_100).contains(&attempts.get()),
        "{}",
        attempts.get()
    );
}

#[test]
fn two_policies_share_one_budget() {
    let (time, shared) = (VirtualTime::new(), budget(50));
    let one = retry(&time).with_budget(Arc::clone(&shared));
    let two = retry(&time).with_budget(shared);
    let attempts = Cell::new(0);
    for policy in [&one, &two] {
        let call = policy.call(Repeat::Always, |_| {
            attempts.set(attempts.get() + 1);
            async { Err::<(), _>(RESET) }
        });
        assert!(time.block_on(call).is_err());
    }
    assert_eq!(attempts.get(), 3, "two calls and half of two");
}

#[test]
fn each_repetition_is_told() {
    #[derive(Default)]
    struct Log(std::sync::Mutex<Vec<String>>);
    impl Listener for Log {
        fn on_event(&self, event: &Event<'_>) {
            if let Change::Attempt(number) = event.change {
                self.0
                    .lock()
                    .unwrap()
                    .push(format!("{} {number}", event.name));
            }
        }
    }
    let (time, log) = (VirtualTime::new(), Arc::new(Log::default()));
    let retry = retry(&time).with_source(Source::new("catalog", log.clone()));
    let call = retry.call(Repeat::Always, |_| async { Err::<(), _>(RESET) });
    assert!(time.block_on(call).is_err());
    assert_eq!(*log.0.lock().unwrap(), ["catalog 1", "catalog 2"]);
}

#[test]
fn another_configuration_holds_for_clones_and_bad_ones_change_nothing() {
    let time = VirtualTime::new();
    let retry = retry(&time);
    let clone = retry.clone();
    let once = RetryConfig {
        max_attempts: 1,
        ..RetryConfig::default()
    };
    clone.reconfigure(once).unwrap();
    assert_eq!(retry.config().max_attempts, 1);
    let none = RetryConfig {
        max_attempts: 0,
        ..once
    };
    assert!(clone.reconfigure(none).is_err());
    assert_eq!(retry.config(), once);
}

#[test]
fn calls_may_move_between_threads() {
    fn is_send(_: &impl Send) {}
    let retry = Retry::on(VirtualTime::new(), RetryConfig::default()).unwrap();
    let text = String::from("x");
    is_send(&retry.call(Repeat::Always, |_| async {
        let owned = text.clone();
        pending::<()>().await;
        Ok::<_, String>(owned)
    }));
}

#[cfg(feature = "tower")]
mod service {
    use std::future::{Ready, ready};
    use std::task::{Context, Poll};

    use tower_layer::Layer;
    use tower_service::Service;

    use super::*;

    /// Fails a number of times, and counts calls.
    #[derive(Clone, Debug)]
    struct Flaky {
        calls: Arc<std::sync::Mutex<u32>>,
        failures: u32,
    }

    impl Service<Counted> for Flaky {
        type Response = u32;
        type Error = Error<&'static str>;
        type Future = Ready<Result<u32, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Counted) -> Self::Future {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            ready(if *calls > self.failures {
                Ok(*calls)
            } else {
                Err(Error::Service(RESET))
            })
        }
    }

    /// A request that counts its copies.
    #[derive(Debug)]
    struct Counted(Arc<std::sync::Mutex<u32>>);

    #[derive(Clone)]
    struct CountCopies(Repeat);

    impl Replay<Counted> for CountCopies {
        fn repeat(&self, _: &Counted) -> Repeat {
            self.0
        }

        fn copy(&self, request: &Counted) -> Option<Counted> {
            *request.0.lock().unwrap() += 1;
            Some(Counted(Arc::clone(&request.0)))
        }
    }

    /// The answer, the calls and the copies.
    fn run(failures: u32, repeat: Repeat) -> (Result<u32, Error<&'static str>>, u32, u32) {
        let (time, calls, copies) = (VirtualTime::new(), Arc::default(), Arc::default());
        let flaky = Flaky {
            calls: Arc::clone(&calls),
            failures,
        };
        let mut service = retry(&time).layer(CountCopies(repeat)).layer(flaky);
        let answer = time.block_on(service.call(Counted(Arc::clone(&copies))));
        let counts = (*calls.lock().unwrap(), *copies.lock().unwrap());
        (answer, counts.0, counts.1)
    }

    #[test]
    fn no_copy_for_the_last_attempt_nor_where_none_may_follow() {
        assert_eq!(run(0, Repeat::Always), (Ok(1), 1, 1));
        assert_eq!(run(9, Repeat::Always), (Err(Error::Service(RESET)), 3, 2));
        assert_eq!(run(9, Repeat::Never), (Err(Error::Service(RESET)), 1, 0));
    }

    #[test]
    fn tower_790_what_cannot_be_copied_is_sent_once() {
        #[derive(Clone)]
        struct NoCopy;
        impl Replay<Counted> for NoCopy {
            fn repeat(&self, _: &Counted) -> Repeat {
                Repeat::Always
            }
            fn copy(&self, _: &Counted) -> Option<Counted> {
                None
            }
        }
        let (time, calls) = (VirtualTime::new(), Arc::default());
        let flaky = Flaky {
            calls: Arc::clone(&calls),
            failures: 1,
        };
        let retry = retry(&time);
        let mut service = retry.layer(NoCopy).layer(flaky);
        assert!(
            time.block_on(service.call(Counted(Arc::default())))
                .is_err()
        );
        assert_eq!(*calls.lock().unwrap(), 1);
    }
}
