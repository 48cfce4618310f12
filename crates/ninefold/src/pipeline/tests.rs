//! Pipelines in virtual time.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::*;
use crate::clock::{Now, Time, VirtualTime};
use crate::retry::{Retry, RetryConfig};
use crate::waiting::{Bulkhead, BulkheadConfig, WaitingRoom};
use crate::{Error, Reason, Span};

fn bulkhead(time: &VirtualTime, places: u32) -> WaitingRoom<Bulkhead, VirtualTime> {
    let config = BulkheadConfig {
        max_concurrent_calls: places,
        max_wait: Span::millis(10),
        ..BulkheadConfig::default()
    };
    WaitingRoom::on(time.clone(), Bulkhead::new(config).unwrap())
}

#[test]
fn each_attempt_passes_what_stands_within() {
    let time = VirtualTime::new();
    let attempts = AtomicU32::new(0);
    let pipeline = Pipeline::builder()
        .stage(Retry::on(time.clone(), RetryConfig::default()).unwrap())
        .stage(bulkhead(&time, 1).by_error())
        .build();
    let answer = time.block_on(pipeline.call_with(Call::idempotent(), |call| {
        attempts.fetch_add(1, Ordering::Relaxed);
        async move { Err::<(), _>(call.request.attempt) }
    }));
    assert_eq!((answer, attempts.into_inner()), (Err(Error::Service(2)), 3));
}

#[test]
fn a_refusal_within_is_tried_again_and_comes_out() {
    let time = VirtualTime::new();
    let room = bulkhead(&time, 1);
    let pipeline = Pipeline::builder()
        .stage(Retry::on(time.clone(), RetryConfig::default()).unwrap())
        .stage(room.clone().by_error())
        .build();
    let held = time.block_on(room.acquire(&crate::RequestMeta::default()));
    let began = time.now();
    let answer = time.block_on(pipeline.call(|| async { Ok::<_, ()>(1) }));
    assert_eq!(
        answer.unwrap_err().rejected().unwrap().reason,
        Reason::WaitedTooLong
    );
    assert!(
        time.now().since(began) >= Duration::from_millis(30),
        "three attempts waited"
    );
    drop(held);
    assert_eq!(
        time.block_on(pipeline.call(|| async { Ok::<_, ()>(1) })),
        Ok(1)
    );
}

#[test]
fn resilience4j_614_643_the_wrong_order_is_told() {
    let time = VirtualTime::new();
    let odd = Pipeline::builder()
        .stage(bulkhead(&time, 1).by_error())
        .out_of_order(Retry::on(time.clone(), RetryConfig::default()).unwrap())
        .build();
    let findings: Vec<String> = odd.findings().iter().map(ToString::to_string).collect();
    assert_eq!(
        findings,
        [
            "the retry stands within the bulkhead: the order in `ninefold::pipeline` says why it belongs outside"
        ]
    );
    let usual = Pipeline::builder()
        .out_of_order(Retry::on(time, RetryConfig::default()).unwrap())
        .build();
    assert!(usual.findings().is_empty());
}

#[test]
fn calls_may_move_between_threads_and_borrow() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let time = VirtualTime::new();
    let pipeline = Pipeline::builder()
        .stage(Retry::on(time.clone(), RetryConfig::default()).unwrap())
        .stage(bulkhead(&time, 1).by_error())
        .build();
    let text = String::from("x");
    drop(is_send(pipeline.call(|| async {
        pending::<()>().await;
        Ok::<_, String>(text.clone())
    })));
    let spawned = pipeline;
    let sleeper = time;
    let answer = std::thread::spawn(move || {
        let time = sleeper.clone();
        sleeper.block_on(is_send(async move {
            let wait = || time.sleep_until(time.now() + Duration::from_millis(1));
            spawned
                .call(|| async {
                    wait().await;
                    Ok::<_, ()>(3)
                })
                .await
        }))
    });
    assert_eq!(answer.join().unwrap(), Ok(3));
}

#[test]
fn all_from_the_fallback_to_chaos_in_their_places() {
    use ninefold_core::policy::Bulkhead as Places;

    use crate::testing::{Heard, Recorder};
    use crate::{Chaos, ChaosConfig, Fallback, Keyed, KeyedConfig, Ratio, RequestMeta};
    use crate::{TimeLimiter, TimeLimiterConfig};

    let (time, recorder) = (VirtualTime::new(), Recorder::new());
    let source = || recorder.source("catalog");
    let chaos = Chaos::on(time.clone(), ChaosConfig::default()).unwrap();
    let chaos = chaos.with_source(source());
    let limiter = TimeLimiter::on(time.clone(), TimeLimiterConfig::default()).unwrap();
    let tenants = Keyed::new(KeyedConfig::default(), |_: &u64| Places::default()).unwrap();
    let pipeline = Pipeline::builder()
        .stage(Fallback::value(0).with_source(source()))
        .stage(tenants.clone().by_error())
        .stage(limiter.with_source(source()))
        .stage(chaos.clone())
        .build();
    assert_eq!(pipeline.findings(), []);
    let request = RequestMeta {
        key: 7,
        ..RequestMeta::default()
    };
    let call = Call::default().with_request(request);
    let ask = || time.block_on(pipeline.call_with(call, |_| async { Ok::<_, &str>(1) }));
    assert_eq!(ask(), Ok(1));
    assert_eq!(recorder.heard(), []);
    let late = ChaosConfig {
        enabled: true,
        latency: Ratio::ONE,
        delay: Span::secs(5),
        ..ChaosConfig::default()
    };
    chaos.reconfigure(late).unwrap();
    let began = time.now();
    assert_eq!(ask(), Ok(0));
    assert_eq!(time.now().since(began), Duration::from_secs(1), "the limit");
    let fault = ChaosConfig {
        fault: Ratio::ONE,
        latency: Ratio::percent(0),
        ..late
    };
    chaos.reconfigure(fault).unwrap();
    assert_eq!(ask(), Ok(0));
    let heard = [
        Heard::Injected("latency"),
        Heard::TimedOut(Duration::from_secs(1)),
        Heard::Substituted("value"),
        Heard::Injected("fault"),
        Heard::Substituted("value"),
    ];
    assert_eq!(recorder.heard(), heard);
    assert_eq!(tenants.all().first().map(|(key, _)| *key), Some(7));
}

#[test]
fn injected_faults_are_failures_to_whoever_learns_from_calls() {
    use ninefold_core::policy::classify::{ByResult, Classify};
    use ninefold_core::policy::{Outcome, PolicyKind};

    use crate::{ByError, Rejected};

    let classify = |kind, reason| {
        let error = Error::<()>::Rejected(Rejected::new(kind, reason));
        ByError::<ByResult>::default().classify(Err::<&(), _>(&error))
    };
    let injected = classify(PolicyKind::Chaos, Reason::Injected);
    assert_eq!(injected, Some(Outcome::Failure));
    let refused = classify(PolicyKind::Bulkhead, Reason::Full);
    assert_eq!(refused, Some(Outcome::Ignored));
}

#[test]
fn a_guard_stands_within_a_clients_retry_and_ends_its_repetitions() {
    use crate::{MetastabilityGuard, Outcome, PolicyKind, RequestMeta};

    let time = VirtualTime::new();
    let guard = MetastabilityGuard::default().with_clock(time.clone());
    let client = Pipeline::builder()
        .out_of_order(Retry::on(time.clone(), RetryConfig::default()).unwrap())
        .out_of_order(guard.clone().by_error())
        .build();
    let server = Pipeline::builder()
        .out_of_order(guard.clone().by_error())
        .out_of_order(bulkhead(&time, 1).by_error())
        .build();
    assert_eq!((client.findings(), server.findings()), (&[][..], &[][..]));
    let within = Pipeline::builder()
        .out_of_order(bulkhead(&time, 1).by_error())
        .out_of_order(guard.clone().by_error())
        .build();
    assert_eq!(within.findings().len(), 1);

    let sent = AtomicU32::new(0);
    let ask = || {
        time.block_on(client.call_with(Call::idempotent(), |_| {
            sent.fetch_add(1, Ordering::Relaxed);
            async { Err::<(), _>("down") }
        }))
    };
    assert_eq!(ask(), Err(Error::Service("down")));
    assert_eq!(sent.swap(0, Ordering::Relaxed), 3);
    // Callers that repeat everything twice, for nothing.
    for n in 0..3_000 {
        let request = RequestMeta {
            attempt: n % 3,
            ..RequestMeta::default()
        };
        if let Ok(permit) = guard.permit(&request) {
            permit.settle(Outcome::Failure, time.now());
        }
        time.advance(Duration::from_millis(10));
    }
    assert!(!guard.repeats_allowed());
    let refusal = |n| Some((n, *ask().unwrap_err().rejected()?));
    let (asked, refused) = (1..=100).find_map(refusal).unwrap();
    assert_eq!(refused.policy, PolicyKind::MetastabilityGuard);
    assert!(sent.into_inner() <= asked, "nothing is sent twice");
}

#[test]
fn a_repetition_that_is_refused_within_does_not_hide_why_the_call_failed() {
    use crate::{CircuitBreaker, CircuitBreakerConfig};

    let time = VirtualTime::new();
    let breaker = CircuitBreaker::new(CircuitBreakerConfig {
        minimum_calls: 1,
        open_wait: Span::secs(60),
        ..CircuitBreakerConfig::default()
    });
    let breaker = breaker.unwrap().with_clock(time.clone());
    let pipeline = Pipeline::builder()
        .stage(Retry::on(time.clone(), RetryConfig::default()).unwrap())
        .stage(breaker.by_error())
        .build();
    let sent = AtomicU32::new(0);
    let ask = || {
        time.block_on(pipeline.call_with(Call::idempotent(), |_| {
            sent.fetch_add(1, Ordering::Relaxed);
            async { Err::<(), _>("down") }
        }))
    };
    assert_eq!(ask(), Err(Error::Service("down")), "and not: open");
    assert_eq!(sent.load(Ordering::Relaxed), 1);
    let refused = ask().unwrap_err();
    assert_eq!(refused.rejected().unwrap().reason, Reason::CallNotPermitted);
    assert_eq!(
        sent.into_inner(),
        1,
        "nothing was sent, and that is the answer"
    );
}

#[test]
fn a_cache_answers_by_the_key_of_the_call_and_spares_the_rest() {
    use crate::{Cache, RequestMeta};

    let time = VirtualTime::new();
    let cache: Cache<u64, u32, _> = Cache::default().with_clock(time.clone());
    let pipeline = Pipeline::builder()
        .stage(cache.clone())
        .stage(Retry::on(time.clone(), RetryConfig::default()).unwrap())
        .build();
    let sent = AtomicU32::new(0);
    let ask = |key| {
        let request = RequestMeta {
            key,
            ..RequestMeta::default()
        };
        let call = Call::idempotent().with_request(request);
        time.block_on(pipeline.call_with(call, |_| {
            let n = sent.fetch_add(1, Ordering::Relaxed);
            async move { if n == 0 { Err("reset") } else { Ok(n) } }
        }))
    };
    assert_eq!((ask(7), ask(7)), (Ok(1), Ok(1)), "the retry stands within");
    assert_eq!(ask(8), Ok(2));
    assert_eq!((ask(0), ask(0)), (Ok(3), Ok(4)), "without a key");
    assert_eq!(cache.len(), 2);
    time.advance(Duration::from_secs(3_600));
    assert_eq!(ask(7), Ok(5));
}
