//! Leaders, followers, those who give up, and panics.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use ninefold_core::policy::Reason;
use proptest::prelude::*;

use super::{Coalesce, CoalesceConfig, CoalesceFuture, WhenFull};
use crate::clock::VirtualTime;
use crate::testing::{Heard, Recorder};
use crate::thread_pool_bulkhead::block_on;
use crate::{Error, Panicked};

type Calls = Coalesce<u8, u32, Error<&'static str>>;
type Call = CoalesceFuture<u8, u32, Error<&'static str>>;

/// A call that tests move: it counts its polls, ends when told to, and says when it is dropped.
#[derive(Clone, Default)]
struct Stage {
    shared: Arc<Mutex<Script>>,
    made: Arc<AtomicU32>,
}

#[derive(Default)]
struct Script {
    polls: u32,
    dropped: u32,
    answer: Option<Result<u32, &'static str>>,
    waker: Option<Waker>,
}

struct Play(Stage);

impl Stage {
    fn ask(&self, calls: &Calls, key: u8) -> Call {
        calls.start(&key, || {
            self.made.fetch_add(1, Ordering::SeqCst);
            let play = Play(self.clone());
            async { play.await.map_err(Error::Service) }
        })
    }

    fn wake(&self) {
        let waker = self.shared.lock().unwrap().waker.take();
        waker.unwrap().wake();
    }

    fn end(&self, answer: Result<u32, &'static str>) {
        self.shared.lock().unwrap().answer = Some(answer);
        self.wake();
    }

    /// How often it was made, polled and dropped.
    fn counts(&self) -> (u32, u32, u32) {
        let script = self.shared.lock().unwrap();
        (
            self.made.load(Ordering::SeqCst),
            script.polls,
            script.dropped,
        )
    }
}

impl Future for Play {
    type Output = Result<u32, &'static str>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut script = self.0.shared.lock().unwrap();
        script.polls += 1;
        script.waker = Some(context.waker().clone());
        script.answer.take().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        self.0.shared.lock().unwrap().dropped += 1;
    }
}

/// A task that counts how often it is woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll<F: Future + Unpin>(future: &mut F, task: &Arc<Task>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(task));
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

#[test]
fn one_call_for_all_who_ask_meanwhile() {
    let (calls, stage, recorder) = (Calls::default(), Stage::default(), Recorder::new());
    let calls = calls.with_source(recorder.source("prices"));
    let task = Arc::default();
    for answer in [Ok(7), Err("down")] {
        let mut asked: Vec<Call> = (0..3).map(|_| stage.ask(&calls, 1)).collect();
        for call in &mut asked {
            assert!(poll(call, &task).is_pending());
        }
        assert_eq!(calls.len(), 1);
        stage.end(answer);
        for call in &mut asked {
            assert_eq!(
                poll(call, &task),
                Poll::Ready(answer.map_err(Error::Service))
            );
        }
        assert!(calls.is_empty());
    }
    assert_eq!(stage.counts(), (2, 4, 2), "polled only when woken");
    assert_eq!(recorder.heard(), [Heard::Substituted("coalesced"); 4]);
}

#[test]
fn the_leaders_work_survives_the_leader() {
    let (calls, stage) = (Calls::default(), Stage::default());
    let (leads, follows) = (Arc::default(), Arc::default());
    let mut leader = stage.ask(&calls, 1);
    let mut follower = stage.ask(&calls, 1);
    assert!(poll(&mut leader, &leads).is_pending());
    assert!(poll(&mut follower, &follows).is_pending());
    // Woken, and gone before it looks: the follower must come.
    stage.wake();
    let before = follows.0.load(Ordering::SeqCst);
    drop(leader);
    assert!(follows.0.load(Ordering::SeqCst) > before);
    assert!(poll(&mut follower, &follows).is_pending());
    assert_eq!(stage.counts(), (1, 2, 0), "carried on, not begun again");
    stage.end(Ok(7));
    assert_eq!(poll(&mut follower, &follows), Poll::Ready(Ok(7)));
}

#[test]
fn a_leader_that_is_never_polled_holds_nobody_up() {
    let (calls, stage) = (Calls::default(), Stage::default());
    let task = Arc::default();
    let _leader = stage.ask(&calls, 1);
    let mut follower = stage.ask(&calls, 1);
    assert!(poll(&mut follower, &task).is_pending());
    stage.end(Ok(7));
    assert_eq!(poll(&mut follower, &task), Poll::Ready(Ok(7)));
}

#[test]
fn the_last_to_give_up_ends_the_call() {
    let (calls, stage, recorder) = (Calls::default(), Stage::default(), Recorder::new());
    let calls = calls.with_source(recorder.source("prices"));
    let (leader, follower) = (stage.ask(&calls, 1), stage.ask(&calls, 1));
    drop(leader);
    assert_eq!((stage.counts().2, calls.len()), (0, 1));
    drop(follower);
    assert_eq!((stage.counts().2, calls.len()), (1, 0));
    assert_eq!(recorder.heard().last(), Some(&Heard::Cancelled));
    let mut again = stage.ask(&calls, 1);
    assert!(poll(&mut again, &Arc::default()).is_pending());
    assert_eq!(stage.counts(), (2, 1, 1));
}

#[test]
fn with_a_spawner_it_goes_on_and_can_be_joined() {
    let (send, spawned) = channel();
    let send = Mutex::new(send);
    let calls = Calls::default().with_spawner(move |call| {
        send.lock().unwrap().send(call).unwrap();
        Ok(())
    });
    let (stage, task) = (Stage::default(), Arc::default());
    let mut first = stage.ask(&calls, 1);
    assert!(poll(&mut first, &task).is_pending());
    drop(first);
    let mut background = spawned.try_recv().unwrap();
    assert!(poll(&mut background, &task).is_pending());
    let mut joined = stage.ask(&calls, 1);
    stage.end(Ok(7));
    assert!(poll(&mut background, &task).is_ready());
    assert_eq!(poll(&mut joined, &task), Poll::Ready(Ok(7)));
    assert_eq!(stage.counts(), (1, 2, 1));
    // A background that is dropped, as by a runtime that ends, ends the call for good.
    drop(stage.ask(&calls, 1));
    drop(spawned.try_recv().unwrap());
    assert_eq!((stage.counts().2, calls.len()), (2, 0));
    assert!(spawned.try_recv().is_err());
}

#[test]
fn a_spawner_that_refuses_is_as_none() {
    let calls = Calls::default().with_spawner(crate::spawn::Inline);
    let stage = Stage::default();
    drop(stage.ask(&calls, 1));
    assert_eq!((stage.counts().2, calls.len()), (1, 0));
}

#[test]
fn a_panic_is_an_error_for_all_and_the_next_begins_anew() {
    let calls = Calls::default();
    let task = Arc::default();
    for in_making in [true, false] {
        let mut leader = calls.start(&1, || {
            assert!(!in_making, "of a test, in making the call");
            async { panic!("of a test, in the call") }
        });
        assert_eq!(calls.is_empty(), in_making);
        let mut second = calls.start(&1, || async { Ok(7) });
        // A call that panicked while it was made is over before anyone can join it.
        let joined = if in_making {
            Ok(7)
        } else {
            Err(Error::Panicked(Panicked))
        };
        let panicked = Poll::Ready(Err(Error::Panicked(Panicked)));
        assert_eq!(poll(&mut leader, &task), panicked);
        assert_eq!(poll(&mut second, &task), Poll::Ready(joined));
        let time = VirtualTime::new();
        assert_eq!(time.block_on(calls.call(&1, || async { Ok(8) })), Ok(8));
        assert!(calls.is_empty());
    }
}

#[test]
fn beyond_the_limits_alone_or_refused() {
    for when_full in [WhenFull::Alone, WhenFull::Refuse] {
        let config = CoalesceConfig {
            keys: 2,
            waiters: 2,
            when_full,
        };
        let (calls, stage) = (Calls::new(config).unwrap(), Stage::default());
        let held: Vec<Call> = [1, 2, 2].map(|key| stage.ask(&calls, key)).into();
        let time = VirtualTime::new();
        let ask = |key| time.block_on(calls.call(&key, || async { Ok(7) }));
        let answers =
            [ask(3), ask(2)].map(|answer| answer.map_err(|e| e.rejected().unwrap().reason));
        let expected = match when_full {
            WhenFull::Alone => [Ok(7), Ok(7)],
            WhenFull::Refuse => [Err(Reason::Full), Err(Reason::QueueFull)],
        };
        assert_eq!(answers, expected);
        drop(held);
        assert_eq!(ask(3), Ok(7));
        assert!(calls.is_empty());
    }
}

#[test]
fn calls_that_wake_themselves_come_to_an_end() {
    let (time, calls) = (VirtualTime::new(), Calls::default());
    let call = || async {
        for _ in 0..10 {
            let mut yielded = false;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut yielded, true) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
        Ok(7)
    };
    assert_eq!(time.block_on(calls.call(&1, call)), Ok(7));
}

#[test]
fn under_threads_everybody_gets_an_answer_whoever_gives_up() {
    let calls: Coalesce<u8, u32, Error<&'static str>> = Coalesce::default();
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let calls = &calls;
            scope.spawn(move || {
                for round in 0..2_000u32 {
                    let key = u8::try_from(round % 3).unwrap();
                    let mut call = calls.start(&key, || async {
                        let mut left = 3;
                        std::future::poll_fn(|context| {
                            left -= 1;
                            context.waker().wake_by_ref();
                            if left == 0 {
                                Poll::Ready(())
                            } else {
                                Poll::Pending
                            }
                        })
                        .await;
                        Ok(7)
                    });
                    if (round + thread) % 5 == 0 {
                        // Polled once, then given up, perhaps with the call's wake in its pocket.
                        let _looked = poll(&mut call, &Arc::default());
                    } else {
                        assert_eq!(block_on(call), Ok(7));
                    }
                }
            });
        }
    });
    assert!(calls.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Ask(u8),
    Poll(usize),
    Drop(usize),
    Wake(u8),
    End(u8, u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..3u8;
    let step = prop_oneof![
        3 => key.clone().prop_map(Step::Ask),
        4 => (0..8usize).prop_map(Step::Poll),
        2 => (0..8usize).prop_map(Step::Drop),
        1 => key.clone().prop_map(Step::Wake),
        2 => (key, 0..100u32).prop_map(|(key, answer)| Step::End(key, answer)),
    ];
    prop::collection::vec(step, 0..80)
}

proptest! {
    /// Whatever the order: at most one call a key, which is alive as long as somebody waits, and
    /// nobody who was woken for an answer is left without.
    #[test]
    fn in_any_order(steps in steps()) {
        let calls = Calls::default();
        let stages: BTreeMap<u8, Stage> = (0..3).map(|key| (key, Stage::default())).collect();
        let mut asked: Vec<(u8, Call, Arc<Task>)> = Vec::new();
        for step in steps {
            match step {
                Step::Ask(key) => asked.push((key, stages[&key].ask(&calls, key), Arc::default())),
                Step::Poll(at) if at < asked.len() => {
                    let (_, call, task) = &mut asked[at];
                    if poll(call, task).is_ready() {
                        drop(asked.remove(at));
                    }
                }
                Step::Drop(at) if at < asked.len() => drop(asked.remove(at)),
                Step::Poll(_) | Step::Drop(_) => {}
                Step::Wake(key) => {
                    let waker = stages[&key].shared.lock().unwrap().waker.clone();
                    waker.into_iter().for_each(Waker::wake);
                }
                Step::End(key, answer) => {
                    let mut script = stages[&key].shared.lock().unwrap();
                    script.answer = Some(Ok(answer));
                    let waker = script.waker.clone();
                    drop(script);
                    waker.into_iter().for_each(Waker::wake);
                }
            }
            for (key, stage) in &stages {
                let (made, _, dropped) = stage.counts();
                prop_assert!(made - dropped <= 1);
                let waits = asked.iter().any(|(of, ..)| of == key);
                prop_assert!(waits || made == dropped);
            }
        }
        // All are answered, and everybody who waits is polled until nothing moves.
        for stage in stages.values() {
            let mut script = stage.shared.lock().unwrap();
            script.answer = Some(Ok(1));
            let waker = script.waker.clone();
            drop(script);
            waker.into_iter().for_each(Waker::wake);
        }
        for _ in 0..2 {
            asked.retain_mut(|(key, call, task)| {
                stages[key].shared.lock().unwrap().answer = Some(Ok(1));
                poll(call, task).is_pending()
            });
        }
        prop_assert!(asked.is_empty() && calls.is_empty());
    }
}

#[test]
fn reads_its_configuration_strictly() {
    let read = serde_json::from_str::<CoalesceConfig>;
    assert_eq!(read("{}").unwrap(), CoalesceConfig::default());
    assert_eq!(
        read(r#"{"when_full":"refuse"}"#).unwrap().when_full,
        WhenFull::Refuse
    );
    assert!(read(r#"{"key":3}"#).is_err());
    let none = CoalesceConfig {
        waiters: 0,
        ..CoalesceConfig::default()
    };
    assert_eq!(
        Calls::default().reconfigure(none).unwrap_err().field,
        "waiters"
    );
}

#[cfg(feature = "tower")]
#[test]
fn a_layer_shares_what_has_a_key() {
    use tower_layer::Layer;
    use tower_service::Service;

    use crate::testing::service_fn;

    let (calls, stage) = (Calls::default(), Stage::default());
    let inner = service_fn({
        let stage = stage.clone();
        move |_: Option<u8>| {
            stage.made.fetch_add(1, Ordering::SeqCst);
            let play = Play(stage.clone());
            async { play.await.map_err(Error::Service) }
        }
    });
    let mut service = calls.layer(|request: &Option<u8>| *request).layer(inner);
    let shared = [service.call(Some(1)), service.call(Some(1))];
    drop(service.call(None));
    assert_eq!(stage.counts().0, 2);
    stage.shared.lock().unwrap().answer = Some(Ok(7));
    let time = VirtualTime::new();
    assert_eq!(shared.map(|call| time.block_on(call)), [Ok(7), Ok(7)]);
}
