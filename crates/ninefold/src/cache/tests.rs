//! Ages, refreshes, limits, invalidation.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ninefold_core::units::Span;
use proptest::prelude::*;

use super::{Cache, CacheConfig};
use crate::clock::{Time, VirtualTime};
use crate::testing::{Heard, Recorder};

type Cached<V = u32> = Cache<&'static str, V, VirtualTime>;

const fn config(entries: u32) -> CacheConfig {
    CacheConfig {
        ttl: Span::secs(10),
        stale_while_revalidate: Span::secs(5),
        stale_if_error: Span::secs(60),
        entries,
        weight: None,
    }
}

fn cache() -> (VirtualTime, Cached) {
    let time = VirtualTime::new();
    let cache = Cache::new(config(100)).unwrap().with_clock(time.clone());
    (time, cache)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Asks, and says what came and whether the call was made.
fn ask(
    time: &VirtualTime,
    cache: &Cached,
    answer: Result<u32, &'static str>,
) -> (Result<u32, &'static str>, bool) {
    let called = Cell::new(false);
    let got = time.block_on(cache.call(&"key", || {
        called.set(true);
        ready(answer)
    }));
    (got, called.get())
}

#[test]
fn by_age() {
    let (time, cache) = cache();
    assert_eq!(ask(&time, &cache, Err("down")), (Err("down"), true));
    assert!(cache.is_empty(), "errors are not kept");
    assert_eq!(ask(&time, &cache, Ok(1)), (Ok(1), true));
    assert_eq!(ask(&time, &cache, Ok(2)), (Ok(1), false));
    time.advance(secs(10));
    assert_eq!(cache.get("key"), None);
    assert_eq!(cache.peek("key"), Some((1, secs(10))));
    assert_eq!(
        ask(&time, &cache, Err("down")),
        (Ok(1), true),
        "stale while revalidating"
    );
    assert_eq!(
        ask(&time, &cache, Ok(3)),
        (Ok(3), true),
        "the next one tries again"
    );
    time.advance(secs(69));
    assert_eq!(
        ask(&time, &cache, Err("down")),
        (Ok(3), true),
        "stale if error"
    );
    time.advance(secs(1));
    assert_eq!(ask(&time, &cache, Err("down")), (Err("down"), true));
}

#[test]
fn one_at_a_time_fetches_anew_and_the_others_get_the_old_one() {
    let (time, cache) = cache();
    cache.insert("key", 1);
    time.advance(secs(10));
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut first = pin!(cache.call(&"key", pending::<Result<u32, &str>>));
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert_eq!(ask(&time, &cache, Ok(2)), (Ok(1), false));
    }
    assert_eq!(
        ask(&time, &cache, Ok(2)),
        (Ok(2), true),
        "the first gave up"
    );
}

#[test]
fn a_spawner_fetches_behind_everybodys_back() {
    let (time, cache) = cache();
    let (send, spawned) = std::sync::mpsc::channel();
    let cache = cache.with_spawner(move |work| {
        send.send(work).unwrap();
        Ok(())
    });
    cache.insert("key", 1);
    time.advance(secs(10));
    let ask = |answer: u32| time.block_on(cache.call(&"key", || ready(Ok::<_, &str>(answer))));
    assert_eq!((ask(2), ask(3)), (Ok(1), Ok(1)));
    let work = spawned.try_recv().unwrap();
    assert!(spawned.try_recv().is_err(), "one at a time");
    assert_eq!(time.block_on(work), Ok(2));
    assert_eq!(ask(4), Ok(2));
}

#[cfg(feature = "tokio")]
#[test]
fn tokio_fetches_in_the_background_and_without_a_runtime_it_goes_on() {
    use crate::spawn::TokioSpawner;
    use crate::testing::eventually;

    let (time, cache) = cache();
    let cache = cache.with_spawner(TokioSpawner);
    cache.insert("key", 1);
    time.advance(secs(10));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let fetch = |answer: u32| move || async move { Ok::<_, Infallible>(answer) };
    assert_eq!(runtime.block_on(cache.call(&"key", fetch(2))), Ok(1));
    eventually(|| cache.get("key") == Some(2));
    time.advance(secs(10));
    assert_eq!(time.block_on(cache.call(&"key", fetch(3))), Ok(3));
}

#[test]
fn what_was_invalidated_meanwhile_is_not_kept() {
    for invalidate in [|cache: &Cached| cache.invalidate("key"), Cache::clear] {
        let (time, cache) = cache();
        let mut call = pin!(cache.call(&"key", || async {
            time.sleep_until(crate::clock::Now::now(&time) + secs(1))
                .await;
            Ok::<_, Infallible>(1)
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
        invalidate(&cache);
        time.advance(secs(1));
        assert_eq!(call.as_mut().poll(&mut context), Poll::Ready(Ok(1)));
        assert!(cache.is_empty());
        cache.insert("key", 2);
        assert_eq!(cache.get("key"), Some(2));
        invalidate(&cache);
        assert!(cache.is_empty());
    }
}

#[test]
fn answers_may_have_lives_of_their_own() {
    let (time, cache) = cache();
    let cache = cache.with_ttl(|_, secs| (*secs > 0).then(|| Duration::from_secs((*secs).into())));
    cache.insert("key", 2);
    time.advance(secs(1));
    assert_eq!(cache.get("key"), Some(2));
    time.advance(secs(1));
    assert_eq!(cache.get("key"), None);
    cache.insert("key", 0);
    assert!(cache.is_empty(), "not to be kept");
}

#[test]
fn what_is_used_stays() {
    let time = VirtualTime::new();
    let cache: Cache<u32, u32, _> = Cache::new(config(10)).unwrap().with_clock(time);
    for key in 0..1_000 {
        cache.insert(key, key);
        assert_eq!(cache.get(&0), Some(0), "after {key}");
    }
    assert_eq!(cache.len(), 10);
}

#[test]
fn follows_another_configuration_and_keeps_what_it_has() {
    let (time, cache) = cache();
    cache.insert("key", 1);
    time.advance(secs(15));
    let longer = CacheConfig {
        ttl: Span::secs(20),
        ..config(1)
    };
    cache.reconfigure(longer).unwrap();
    assert_eq!((cache.get("key"), cache.config()), (Some(1), longer));
    let none = CacheConfig {
        entries: 0,
        ..longer
    };
    assert_eq!(cache.reconfigure(none).unwrap_err().field, "entries");
    cache.insert("other", 2);
    assert_eq!((cache.len(), cache.get("other")), (1, Some(2)));
}

#[test]
fn tells_where_answers_come_from() {
    let (time, cache) = cache();
    let recorder = Recorder::new();
    let cache = cache.with_source(recorder.source("prices"));
    for step in [0, 1, 9, 30] {
        time.advance(secs(step));
        let answer = if step == 0 { Ok(1) } else { Err("down") };
        assert_eq!(ask(&time, &cache, answer).0, Ok(1));
    }
    let heard = ["cache", "stale", "stale"].map(Heard::Substituted);
    assert_eq!(recorder.heard(), heard);
}

proptest! {
    /// Whatever comes in: no more entries and no more weight than allowed, and the sums are right.
    #[test]
    fn the_limits_hold(
        entries in 1u32..20,
        weight in 1u64..200,
        steps in prop::collection::vec((0..40u32, 0..60u64, 0..10u8), 1..200),
    ) {
        let config = CacheConfig { weight: Some(weight), ..config(entries) };
        let cache: Cache<u32, Arc<u64>> = Cache::new(config).unwrap().with_weight(|_, v: &Arc<u64>| **v);
        for (key, weighs, what) in steps {
            match what {
                0 => cache.invalidate(&key),
                1..4 => drop(cache.get(&key)),
                _ => {
                    cache.insert(key, Arc::new(weighs));
                    let kept = cache.get(&key).map(|value| *value);
                    prop_assert_eq!(kept, (weighs <= weight).then_some(weighs));
                }
            }
            let all: Vec<u64> = (0..40).filter_map(|key| cache.peek(&key)).map(|(v, _)| *v).collect();
            prop_assert_eq!(all.len(), cache.len());
            prop_assert_eq!(all.iter().sum::<u64>(), cache.weight());
            prop_assert!(cache.len() <= entries as usize && cache.weight() <= weight);
        }
    }
}

#[test]
fn the_limits_hold_under_threads() {
    let config = CacheConfig {
        weight: Some(500),
        ..config(50)
    };
    let cache: Cache<u64, u64> = Cache::new(config).unwrap().with_weight(|_, v: &u64| *v);
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let cache = &cache;
            scope.spawn(move || {
                for n in 0..5_000u64 {
                    let key = (n * (thread + 7)) % 200;
                    if n % 11 == 0 {
                        cache.invalidate(&key);
                    } else {
                        cache.insert(key, n % 30);
                    }
                    assert!(cache.len() <= 50 && cache.weight() <= 500);
                }
            });
        }
    });
    let all: Vec<u64> = (0..200)
        .filter_map(|key| cache.peek(&key))
        .map(|(v, _)| v)
        .collect();
    assert_eq!((all.len(), all.iter().sum()), (cache.len(), cache.weight()));
}

#[test]
fn reads_its_configuration_strictly() {
    let read = serde_json::from_str::<CacheConfig>;
    assert_eq!(read("{}").unwrap(), CacheConfig::default());
    assert!(read(r#"{"size":3}"#).is_err());
    let bad = CacheConfig {
        ttl: Span::secs(0),
        ..config(1)
    };
    assert_eq!(bad.validate().unwrap_err().field, "ttl");
    let bad = CacheConfig {
        weight: Some(0),
        ..config(1)
    };
    assert_eq!(bad.validate().unwrap_err().field, "weight");
}

#[cfg(feature = "tower")]
#[test]
fn a_layer_asks_the_cache_only_for_what_has_a_key() {
    use tower_layer::Layer;
    use tower_service::Service;

    use crate::testing::service_fn;

    let (time, cache) = cache();
    let calls = Cell::new(0);
    let inner = service_fn(|_| {
        calls.set(calls.get() + 1);
        ready(Ok::<_, Infallible>(calls.get()))
    });
    let key = |request: &Option<&'static str>| *request;
    let mut service = cache.layer(key).layer(inner);
    let mut ask = |request| time.block_on(service.call(request)).unwrap();
    let got = [
        ask(Some("a")),
        ask(Some("a")),
        ask(None),
        ask(None),
        ask(Some("a")),
    ];
    assert_eq!(got, [1, 1, 2, 3, 1]);
}
