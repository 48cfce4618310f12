//! Whose policy, and who may go.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use ninefold_core::policy::{
    Admission, Bulkhead, CircuitBreaker, Evictable, Now, Outcome, PolicyKind, RateLimiter, Reason,
    Rejected, RequestMeta,
};
use ninefold_core::time::Timestamp;
use proptest::prelude::*;

use super::{Keyed, KeyedConfig};
use crate::Error;
use crate::clock::VirtualTime;
use crate::testing::{Heard, Recorder};

/// Idle and healthy as it is told to be, and counts its calls.
#[derive(Debug, Default)]
struct Told {
    busy: AtomicBool,
    sick: AtomicBool,
    admitted: AtomicU32,
}

impl Evictable for Told {
    fn is_idle(&self, _: Timestamp) -> bool {
        !self.busy.load(Ordering::SeqCst)
    }

    fn is_healthy(&self, _: Timestamp) -> bool {
        !self.sick.load(Ordering::SeqCst)
    }
}

impl Admission for Told {
    type Token = ();
    const KIND: PolicyKind = PolicyKind::CircuitBreaker;

    fn try_acquire(&self, _: &RequestMeta, _: impl Now) -> Result<(), Rejected> {
        if self.sick.load(Ordering::SeqCst) {
            return Err(Rejected::new(Self::KIND, Reason::CallNotPermitted));
        }
        self.admitted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn settle(&self, (): (), outcome: Outcome, _: impl Now) {
        self.sick
            .store(outcome == Outcome::Failure, Ordering::SeqCst);
    }

    fn cancel(&self, (): ()) {}
}

fn told(keys: u32) -> Keyed<u32, Told> {
    Keyed::new(KeyedConfig { keys }, |_| Told::default()).unwrap()
}

fn keys(keyed: &Keyed<u32, Told>) -> Vec<u32> {
    let keys: BTreeSet<u32> = keyed.all().into_iter().map(|(key, _)| key).collect();
    keys.into_iter().collect()
}

#[test]
fn each_key_has_a_policy_of_its_own() {
    let (time, keyed) = (VirtualTime::new(), told(10));
    let ask = |key, answer: Result<(), &'static str>| {
        time.block_on(keyed.call(&key, || std::future::ready(answer)))
    };
    assert_eq!(ask(1, Err("down")), Err(Error::Service("down")));
    assert_eq!(
        ask(1, Ok(())).unwrap_err().rejected().unwrap().reason,
        Reason::CallNotPermitted
    );
    assert_eq!(ask(2, Ok(())), Ok(()));
    assert_eq!(ask(2, Ok(())), Ok(()));
    assert_eq!(keyed.get(&2).unwrap().admitted.load(Ordering::SeqCst), 2);
    assert_eq!(keys(&keyed), [1, 2]);
}

#[test]
fn resilience4j_273_any_number_of_keys_fits() {
    let keyed = told(10);
    for key in 0..10_000 {
        keyed.get(&key).unwrap();
        assert!(keyed.len() <= 10);
    }
}

#[test]
fn only_what_is_idle_healthy_and_held_by_nobody_goes() {
    let keyed = told(4);
    keyed.get(&0).unwrap().busy.store(true, Ordering::SeqCst);
    keyed.get(&1).unwrap().sick.store(true, Ordering::SeqCst);
    let held = keyed.get(&2).unwrap();
    for key in 3..100 {
        keyed.get(&key).unwrap();
    }
    assert_eq!(keys(&keyed), [0, 1, 2, 99]);
    drop(held);
    keyed.get(&0).unwrap().busy.store(false, Ordering::SeqCst);
    keyed.get(&100).unwrap();
    keyed.get(&101).unwrap();
    keyed.get(&102).unwrap();
    assert!(keys(&keyed).contains(&1), "it is still sick");
}

#[test]
fn without_room_refused_or_together_as_declared() {
    let recorder = Recorder::new();
    let full = |keyed: Keyed<u32, Told>| {
        let keyed = keyed.with_source(recorder.source("tenants"));
        keyed.get(&1).unwrap().busy.store(true, Ordering::SeqCst);
        keyed
    };
    let refusing = full(told(1));
    let why = refusing.get(&2).unwrap_err();
    assert_eq!(
        (why.policy, why.reason),
        (PolicyKind::Keyed, Reason::KeysFull)
    );
    let sharing = full(told(1).with_overflow(Told::default()));
    let shared = [2, 3].map(|key| sharing.get(&key).unwrap());
    let overflow = sharing.overflow().unwrap();
    assert!(shared.iter().all(|policy| Arc::ptr_eq(policy, overflow)));
    assert_eq!(keys(&sharing), [1]);
    let heard = [
        Heard::Rejected(Reason::KeysFull),
        Heard::Substituted("overflow"),
        Heard::Substituted("overflow"),
    ];
    assert_eq!(recorder.heard(), heard);
    sharing.get(&1).unwrap().busy.store(false, Ordering::SeqCst);
    assert!(!Arc::ptr_eq(
        &sharing.get(&2).unwrap(),
        sharing.overflow().unwrap()
    ));
}

#[test]
fn resilience4j_650_a_rate_cannot_be_escaped_by_many_names() {
    let time = VirtualTime::new();
    let keyed = Keyed::new(KeyedConfig { keys: 8 }, |_: &u32| RateLimiter::default());
    let keyed = keyed.unwrap().with_clock(time.clone());
    let ask = |key: u32| keyed.permit(&key, &RequestMeta::default()).map(drop);
    let spent = |why: Rejected| why.reason == Reason::RateExceeded;
    while ask(0).is_ok() {}
    for key in 1..1_000 {
        let _asked_under_another_name = ask(key);
        assert!(ask(0).is_err_and(spent), "after {key}");
    }
    time.advance(Duration::from_secs(60));
    assert_eq!(ask(5_000), Ok(()), "all are idle, and one goes");
    assert_eq!((ask(0), keyed.len()), (Ok(()), 8));
}

#[test]
fn hosts_that_failed_and_are_called_no_more_leave_their_places() {
    let time = VirtualTime::new();
    let hosts = Keyed::new(KeyedConfig { keys: 100 }, |_: &u32| {
        CircuitBreaker::default()
    });
    let hosts = hosts.unwrap().with_clock(time.clone());
    let ask = |host: u32| time.block_on(hosts.call(&host, || async { Err::<(), _>("down") }));
    for host in 0..100 {
        while matches!(ask(host), Err(Error::Service(_))) {}
    }
    let refused = ask(1_000).unwrap_err();
    assert_eq!(refused.rejected().unwrap().reason, Reason::KeysFull);
    time.advance(Duration::from_secs(3_600));
    assert_eq!(ask(1_000), Err(Error::Service("down")));
    assert_eq!(hosts.len(), 100);
}

#[test]
fn what_was_used_lately_is_spared() {
    let keyed = told(20);
    for key in 0..20 {
        keyed.get(&key).unwrap();
    }
    for key in 100..1_000 {
        keyed.get(&7).unwrap();
        keyed.get(&key).unwrap();
    }
    assert!(keys(&keyed).contains(&7));
}

#[test]
fn a_lower_limit_is_reached_as_keys_come() {
    let keyed = told(50);
    for key in 0..50 {
        keyed.get(&key).unwrap();
    }
    keyed.reconfigure(KeyedConfig { keys: 5 }).unwrap();
    assert_eq!(keyed.len(), 50);
    keyed.get(&100).unwrap();
    assert_eq!((keyed.len(), keyed.config().keys), (5, 5));
    let none = KeyedConfig { keys: 0 };
    assert_eq!(keyed.reconfigure(none).unwrap_err().field, "keys");
    assert!(keyed.remove(&100).is_some() && keyed.remove(&100).is_none());
    assert_eq!(keyed.len(), 4);
}

#[test]
fn a_policy_that_is_being_made_twice_is_kept_once() {
    let made = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&made);
    let keyed = Keyed::new(KeyedConfig { keys: 64 }, move |_: &u32| {
        count.fetch_add(1, Ordering::SeqCst);
        std::thread::yield_now();
        Told::default()
    })
    .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for key in 0..64 {
                    let permit = keyed.permit(&key, &RequestMeta::default()).unwrap();
                    permit.settle(Outcome::Success, Timestamp::ZERO);
                }
            });
        }
    });
    let admitted = keyed.all().into_iter();
    let admitted = admitted.map(|(_, policy)| policy.admitted.load(Ordering::SeqCst));
    assert_eq!((admitted.sum::<u32>(), keyed.len()), (4 * 64, 64));
    assert!(made.load(Ordering::SeqCst) >= 64);
}

#[test]
fn under_threads_nothing_that_is_held_is_forgotten() {
    let keyed = Keyed::new(KeyedConfig { keys: 16 }, |_: &u32| Bulkhead::default()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let keyed = &keyed;
            scope.spawn(move || {
                for n in 0..3_000u32 {
                    let key = n.wrapping_mul(thread + 7) % 40;
                    // Four at most are held, so there is always one that may go.
                    let permit = keyed.permit(&key, &RequestMeta::default()).unwrap();
                    let same = keyed.get(&key).unwrap();
                    assert!(std::ptr::eq(permit.policy(), &*same));
                    assert!(same.in_flight() >= 1 && keyed.len() <= 16);
                }
            });
        }
    });
    assert!(
        keyed
            .all()
            .iter()
            .all(|(_, bulkhead)| bulkhead.in_flight() == 0)
    );
}

proptest! {
    /// Whatever comes: the limit holds, and whoever is busy or sick keeps the policy it has.
    #[test]
    fn against_a_model(max in 1u32..12, steps in prop::collection::vec((0..30u32, 0..4u8), 1..200)) {
        let keyed = told(max);
        let mut pinned: BTreeSet<u32> = BTreeSet::new();
        for (key, what) in steps {
            match (what, keyed.get(&key)) {
                (_, Err(why)) => {
                    prop_assert_eq!(why.reason, Reason::KeysFull);
                    prop_assert_eq!(pinned.len(), max as usize);
                    prop_assert!(!pinned.contains(&key));
                }
                (0, Ok(policy)) => {
                    policy.busy.store(true, Ordering::SeqCst);
                    pinned.insert(key);
                }
                (1, Ok(policy)) => {
                    policy.busy.store(false, Ordering::SeqCst);
                    pinned.remove(&key);
                }
                (_, Ok(policy)) => {
                    prop_assert_eq!(policy.busy.load(Ordering::SeqCst), pinned.contains(&key));
                }
            }
            prop_assert!(keyed.len() <= max as usize);
        }
        let kept: BTreeSet<u32> = keys(&keyed).into_iter().collect();
        prop_assert!(kept.is_superset(&pinned));
    }
}

#[test]
fn reads_its_configuration_strictly() {
    let read = serde_json::from_str::<KeyedConfig>;
    assert_eq!(read("{}").unwrap(), KeyedConfig::default());
    assert!(read(r#"{"size":3}"#).is_err());
}

#[cfg(feature = "tower")]
#[test]
fn a_layer_asks_the_policy_of_the_requests_key() {
    use tower_layer::Layer;
    use tower_service::Service;

    use crate::testing::service_fn;

    let (time, keyed) = (VirtualTime::new(), told(10));
    let calls = std::cell::Cell::new(0);
    let inner = service_fn(|(_, answer): (u32, Result<u32, Error<&'static str>>)| {
        calls.set(calls.get() + 1);
        std::future::ready(answer)
    });
    let key = |request: &(u32, Result<u32, Error<&'static str>>)| request.0;
    let mut service = keyed.layer(key).layer(inner);
    let mut ask = |key, answer| time.block_on(service.call((key, answer)));
    assert_eq!(
        ask(1, Err(Error::Service("down"))),
        Err(Error::Service("down"))
    );
    assert_eq!(
        ask(1, Ok(1)).unwrap_err().rejected().unwrap().reason,
        Reason::CallNotPermitted
    );
    assert_eq!(ask(2, Ok(2)), Ok(2));
    assert_eq!(calls.get(), 2);
}
