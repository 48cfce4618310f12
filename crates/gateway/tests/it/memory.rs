//! A gateway of another process goes on from what the one before knew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use ninefold_config::model::{
    Breaker, Brownout, File, LimitBy, Overload, RateLimit, Ratio, Span, Split,
};
use ninefold_core::event::FaultNotice;
use ninefold_core::fault::{FaultEffect, GatewayFault};
use ninefold_core::id::InstanceId;
use ninefold_core::status::Rotation;
use ninefold_core::units::Rate;
use ninefold_gateway::{EndpointView, Gateway, Memory, Notice, Recalled};

use crate::backend::{Act, Backend, header, ok, status};
use crate::rig::{Rig, file, service, until, views, views_of_service};

pub(crate) const LONG: Span = Span::secs(50);

/// As another process would get it.
fn carried(memory: &Memory) -> Memory {
    let text = serde_json::to_string(memory).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Another gateway that knew nothing, and takes the place of `before` with its memory.
fn successor(before: &Rig, file: &File, views: Vec<EndpointView>) -> (Rig, Recalled) {
    let next = Rig::held(file);
    next.gateway.publish(views);
    let recalled = next.gateway.recall(carried(&before.gateway.memory()));
    next.gateway.open();
    (next, recalled)
}

pub(crate) fn addresses(backends: &[&Backend]) -> Vec<EndpointView> {
    let all: Vec<_> = backends.iter().map(|backend| backend.address).collect();
    views(&all)
}

/// One that fails, beside one that does not, until it is ejected.
pub(crate) async fn ejected(file: &File, backends: &[&Backend]) -> Rig {
    let rig = Rig::with(file, backends);
    until("an ejection", || async {
        rig.get("/").await;
        let notices = rig.gateway.take_notices();
        let mut notices = notices.iter();
        notices.find_map(|notice| matches!(notice, Notice::Ejected { .. }).then_some(()))
    })
    .await;
    rig
}

pub(crate) fn ejecting(base: Span) -> File {
    let mut file = file();
    let ejection = &mut file.services.values_mut().next().unwrap().ejection;
    ejection.base = base;
    ejection.max = base;
    file
}

#[tokio::test]
async fn who_is_ejected_stays_so_and_nobody_is_told_again() {
    let (good, bad) = (
        Backend::start(|_| ok("good")).await,
        Backend::start(|_| status(500)).await,
    );
    let file = ejecting(LONG);
    let old = ejected(&file, &[&bad, &good]).await;
    let reason = old.counters().endpoints[0].ejection.clone();
    assert!(reason.is_some());
    let (next, recalled) = successor(&old, &file, addresses(&[&bad, &good]));
    assert_eq!((recalled.ejected, recalled.others), (1, 0), "{recalled:?}");
    assert_eq!(recalled.left_out, Vec::<String>::new());
    let seen = bad.requests().len();
    for _ in 0..50 {
        assert_eq!(next.get("/").await.status, 200);
    }
    assert_eq!(bad.requests().len(), seen, "it gets nothing");
    let endpoints = next.counters().endpoints;
    assert_eq!(endpoints[0].rotation, Rotation::Ejected);
    assert_eq!(endpoints[0].ejection, reason);
    assert_eq!(endpoints[1].rotation, Rotation::In);
    assert_eq!(next.gateway.take_notices(), []);
    // And so it goes on.
    let (third, recalled) = successor(&next, &file, addresses(&[&bad, &good]));
    assert_eq!(recalled.ejected, 1);
    assert!(third.counters().endpoints[0].ejected());
}

#[tokio::test]
async fn an_ejection_is_of_one_process_and_finds_it_when_it_is_published() {
    let (good, bad) = (
        Backend::start(|_| ok("good")).await,
        Backend::start(|_| status(500)).await,
    );
    let file = ejecting(LONG);
    let old = ejected(&file, &[&bad, &good]).await;
    let memory = old.gateway.memory();
    // Nobody is published yet; then two are, one after the other.
    let late = Rig::held(&file);
    late.gateway.recall(carried(&memory));
    late.gateway.publish(addresses(&[&bad])[..0].to_vec());
    late.gateway.publish(addresses(&[&bad, &good]));
    assert!(late.counters().endpoints[0].ejected());

    let other = Rig::held(&file);
    let mut replaced = addresses(&[&bad, &good]);
    replaced[0].incarnation = 1;
    other.gateway.publish(replaced.clone());
    assert_eq!(other.gateway.recall(carried(&memory)).ejected, 0);
    assert!(!other.counters().endpoints[0].ejected());
    let later = Rig::held(&file);
    later.gateway.recall(carried(&memory));
    later.gateway.publish(replaced);
    assert!(!later.counters().endpoints[0].ejected());
    // Where the file ejects nobody, nobody would ever take it back.
    let mut off = file.clone();
    off.services.values_mut().next().unwrap().ejection.failures = 0;
    let (off, recalled) = successor(&old, &off, addresses(&[&bad, &good]));
    assert_eq!(recalled.ejected, 0);
    assert!(!off.counters().endpoints[0].ejected());
}

#[tokio::test]
async fn canaries_of_a_gray_endpoint_are_still_found_slow() {
    let pace = Arc::new(AtomicU64::new(10));
    let slow = Arc::clone(&pace);
    let paced = |ms: u64| {
        let Act::Answer(bytes) = ok("x") else {
            unreachable!()
        };
        Act::AnswerAfter(Duration::from_millis(ms), bytes)
    };
    let gray = Backend::start(move |_| paced(slow.load(SeqCst))).await;
    let (one, two) = (
        Backend::start(move |_| paced(10)).await,
        Backend::start(move |_| paced(10)).await,
    );
    let file = ejecting(Span::millis(300));
    let all = [&gray, &one, &two];
    let old = Rig::with(&file, &all);
    pace.store(300, SeqCst);
    let burst = |rig: &Rig| {
        let gets: Vec<_> = (0..8).map(|_| rig.address).collect();
        futures_util::future::join_all(gets.into_iter().map(|address| async move {
            let mut plain = crate::rig::Plain::connect(address).await;
            plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
            assert_eq!(plain.answer().await.status, 200);
        }))
    };
    until("it is found", || async {
        burst(&old).await;
        old.gateway.take_notices().pop()
    })
    .await;
    let (next, recalled) = successor(&old, &file, addresses(&all));
    assert_eq!(recalled.ejected, 1, "{recalled:?}");
    // One after the other: too few to compare with anybody.
    let notice = until("its canary", || async {
        next.get("/").await;
        next.gateway.take_notices().pop()
    })
    .await;
    let Notice::Ejected { reason, .. } = &notice else {
        panic!("{notice:?}")
    };
    assert!(reason.starts_with("still slow"), "{reason}");
}

fn guarded(open_wait: Span) -> File {
    let mut file = file();
    let service = file.services.values_mut().next().unwrap();
    service.breaker = Some(Breaker {
        minimum_calls: 5,
        window: Span::secs(60),
        open_wait,
        open_wait_max: open_wait,
        trials: 1,
        ..Breaker::default()
    });
    file.listeners[0].routes[0].retry = None;
    file
}

#[tokio::test]
async fn an_open_breaker_stays_open_where_its_settings_are_the_same() {
    let backend = Backend::start(|_| status(500)).await;
    let old = Rig::with(&guarded(LONG), &[&backend]);
    for _ in 0..5 {
        assert_eq!(old.get("/").await.status, 500);
    }
    let left = old.counters().breakers[0].left.unwrap();
    let (next, recalled) = successor(&old, &guarded(LONG), addresses(&[&backend]));
    assert_eq!(recalled.breakers, 1);
    let answer = next.get("/").await;
    let reason = answer.header("x-ninefold-reason");
    assert_eq!(
        (answer.status, reason.as_deref()),
        (503, Some("gateway/breaker"))
    );
    assert_eq!(backend.requests().len(), 5);
    let breaker = next.counters().breakers[0].clone();
    assert_eq!(
        (&*breaker.state, breaker.opened, breaker.refused),
        ("open", 0, 1)
    );
    assert!(breaker.left.unwrap() <= left);
    assert_eq!(next.gateway.take_notices(), []);

    let (other, recalled) = successor(&old, &guarded(Span::secs(49)), addresses(&[&backend]));
    assert_eq!((recalled.breakers, recalled.others), (0, 1), "{recalled:?}");
    assert_eq!(other.get("/").await.status, 500);
}

#[tokio::test]
async fn a_breaker_whose_wait_is_over_meanwhile_tries_again() {
    let fails = Arc::new(AtomicBool::new(true));
    let script = Arc::clone(&fails);
    let backend = Backend::start(move |_| match script.load(SeqCst) {
        true => status(500),
        false => ok("well"),
    })
    .await;
    let file = guarded(Span::millis(200));
    let old = Rig::with(&file, &[&backend]);
    for _ in 0..5 {
        old.get("/").await;
    }
    fails.store(false, SeqCst);
    let (next, _) = successor(&old, &file, addresses(&[&backend]));
    assert_eq!(next.counters().breakers[0].state, "open");
    until("it closes", || async {
        (next.get("/").await.status == 200).then_some(())
    })
    .await;
    until("that is said", || async {
        (next.counters().breakers[0].state == "closed").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_canary_that_went_back_stays_back_as_long_as_the_file_says_the_same() {
    let (main, canary) = (
        Backend::start(|_| ok("main")).await,
        Backend::start(|_| status(500)).await,
    );
    let split = |share| {
        let mut file = file();
        file.services.insert("next".parse().unwrap(), service());
        let route = &mut file.listeners[0].routes[0];
        route.retry = None;
        route.split = Some(Split {
            service: "next".parse().unwrap(),
            share: Ratio::percent(share),
            sticky: None,
            roll_back: true,
        });
        file
    };
    let both = || {
        let mut all = views(&[main.address]);
        all.extend(views_of_service("next", &[canary.address]));
        all
    };
    let old = Rig::new(&split(30));
    old.gateway.publish(both());
    until("it is found", || async {
        old.get("/").await;
        old.counters().routes[0].split.clone().unwrap().rolled_back
    })
    .await;
    let (next, recalled) = successor(&old, &split(30), both());
    assert_eq!(recalled.rolled_back, 1);
    let seen = canary.requests().len();
    for _ in 0..50 {
        assert_eq!(next.get("/").await.body, "main");
    }
    assert_eq!(canary.requests().len(), seen);
    let of = |rig: &Rig| rig.counters().routes[0].split.clone().unwrap().rolled_back;
    assert_eq!(of(&next), of(&old));
    assert_eq!(next.gateway.take_notices(), []);
    // A person changed the file: that is a new try.
    let (again, recalled) = successor(&old, &split(31), both());
    assert_eq!(recalled.rolled_back, 0);
    assert_eq!(of(&again), None);
}

pub(crate) fn aborts(id: &str, ttl: Duration) -> FaultNotice {
    let effect = FaultEffect::Abort { status: 418 };
    FaultNotice {
        id: id.to_owned(),
        kind: effect.name().to_owned(),
        targets: vec![InstanceId::new("app", 0)],
        nodes: Vec::new(),
        claim: None,
        ttl_ns: u64::try_from(ttl.as_nanos()).unwrap(),
        gateway: Some(GatewayFault {
            share_percent: 100,
            header: None,
            effect,
        }),
    }
}

#[tokio::test]
async fn a_fault_goes_on_for_the_time_that_it_has_left() {
    let backend = Backend::start(|_| ok("fine")).await;
    let old = Rig::with(&file(), &[&backend]);
    old.gateway.inject(&aborts("f-1", LONG.0)).unwrap();
    let (next, recalled) = successor(&old, &file(), addresses(&[&backend]));
    assert_eq!(recalled.faults, 1);
    let answer = next.get("/").await;
    assert_eq!(answer.status, 418);
    assert_eq!(answer.header("x-ninefold-fault").as_deref(), Some("f-1"));
    next.gateway.end_fault("f-1");
    assert_eq!(next.get("/").await.status, 200);

    let short = Rig::with(&file(), &[&backend]);
    let notice = aborts("f-2", Duration::from_secs(1));
    short.gateway.inject(&notice).unwrap();
    let (next, _) = successor(&short, &file(), addresses(&[&backend]));
    assert_eq!(next.get("/").await.status, 418);
    until("its end, which nobody says", || async {
        (next.get("/").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_fault_that_was_ended_meanwhile_does_not_come_back() {
    let backend = Backend::start(|_| ok("fine")).await;
    let old = Rig::with(&file(), &[&backend]);
    old.gateway.inject(&aborts("f-1", LONG.0)).unwrap();
    let mut memory = carried(&old.gateway.memory());
    memory.bound_faults(|id| (id != "f-1").then_some(LONG.0));
    let next = Rig::with(&file(), &[&backend]);
    assert_eq!(next.gateway.recall(memory).faults, 0);
    assert_eq!(next.get("/").await.status, 200);
    // And one that has to end sooner does.
    let mut memory = carried(&old.gateway.memory());
    memory.bound_faults(|_| Some(Duration::ZERO));
    next.gateway.recall(memory);
    assert_eq!(next.get("/").await.status, 200);
}

#[tokio::test]
async fn clients_who_used_up_their_rate_wait_on() {
    let backend = Backend::start(|_| ok("fine")).await;
    let mut file = file();
    file.listeners[0].routes[0].rate_limit = Some(RateLimit {
        rate: Rate::millihertz(10),
        burst: 3,
        by: LimitBy::Header("x-who".to_owned()),
        keys: 100,
    });
    let ask = |who: &str| format!("GET / HTTP/1.1\r\nHost: a\r\nX-Who: {who}\r\n\r\n");
    let old = Rig::with(&file, &[&backend]);
    for _ in 0..3 {
        assert_eq!(old.once(&ask("greedy")).await.status, 200);
    }
    assert_eq!(old.once(&ask("greedy")).await.status, 429);
    let (next, _) = successor(&old, &file, addresses(&[&backend]));
    assert_eq!(next.once(&ask("greedy")).await.status, 429);
    assert_eq!(next.once(&ask("modest")).await.status, 200);
}

#[tokio::test]
async fn a_budget_that_is_spent_is_not_filled_by_an_upgrade() {
    let backend = Backend::start(|_| status(503)).await;
    let mut file = file();
    let retry = file.listeners[0].routes[0].retry.as_mut().unwrap();
    retry.budget_min = 1;
    retry.budget = Ratio::percent(0);
    file.services.values_mut().next().unwrap().ejection.failures = 0;
    let mut other = file.clone();
    other.threads = std::num::NonZeroU16::new(3);
    // What was spent counts for ten seconds: a machine that took longer has shown nothing.
    let route = until("a quick turn", || async {
        let began = Instant::now();
        let old = Rig::with(&file, &[&backend]);
        until("all is spent", || async {
            old.get("/").await;
            (old.counters().routes[0].retries_denied > 20).then_some(())
        })
        .await;
        let (next, _) = successor(&old, &other, addresses(&[&backend]));
        for _ in 0..12 {
            next.get("/").await;
        }
        let route = next.settled().await;
        (began.elapsed() < Duration::from_secs(8)).then_some(route)
    })
    .await;
    // Of ten that a new one has, in parts of its threads.
    assert!(route.retries <= 5, "{} retries", route.retries);
    assert!(route.retries_denied > 0);
}

#[tokio::test]
async fn a_learnt_limit_goes_on_within_the_settings() {
    let backend = Backend::start(|_| ok("fine")).await;
    let mut file = file();
    file.services.values_mut().next().unwrap().overload = Some(Overload {
        initial_limit: 20,
        min_limit: 4,
        max_limit: 50,
        ..Overload::default()
    });
    let old = Rig::with(&file, &[&backend]);
    old.get("/").await;
    let memory = serde_json::to_value(old.gateway.memory()).unwrap();
    for (learnt, becomes) in [(7.3, 7), (1.0, 4), (9_000.0, 50)] {
        let mut memory = memory.clone();
        let entries = memory["entries"].as_array_mut().unwrap();
        let limit = entries.iter_mut().find(|entry| entry["of"] == "limit");
        let known = &mut limit.unwrap()["known"];
        known["limit"] = learnt.into();
        let ms = serde_json::json!({ "secs": 0, "nanos": 5_000_000 });
        known["baseline"] = serde_json::json!({
            "rtt": ms, "verified": true, "floor": ms, "floor_age": ms,
        });
        let next = Rig::with(&file, &[&backend]);
        let recalled = next.gateway.recall(serde_json::from_value(memory).unwrap());
        assert_eq!(recalled.limits, 1);
        assert_eq!(next.counters().services[0].limit, becomes);
        assert_eq!(next.get("/").await.status, 200);
    }
}

#[tokio::test]
async fn a_route_that_leaves_things_out_does_so_on() {
    let backend = Backend::start(|seen| match header(&seen.head, "x-brownout") {
        Some(_) => ok("less"),
        None => match ok("all") {
            Act::Answer(bytes) => Act::AnswerAfter(Duration::from_millis(60), bytes),
            other => other,
        },
    })
    .await;
    let mut file = file();
    file.listeners[0].routes[0].brownout = Some(Brownout {
        target: Span::millis(5),
        min_share: Ratio::percent(0),
    });
    let old = Rig::with(&file, &[&backend]);
    let share = |rig: &Rig| rig.counters().routes[0].optional_share.unwrap();
    until("less is asked for", || async {
        old.get("/").await;
        (share(&old) < 0.9).then_some(())
    })
    .await;
    let (next, _) = successor(&old, &file, addresses(&[&backend]));
    assert!((share(&next) - share(&old)).abs() < 1e-9);
}

/// The older and the newer program: nothing is said.
#[test]
fn a_gateway_that_is_new_remembers_nothing_of_note() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::hold(&file(), state.path(), Vec::new()).unwrap();
    gateway.publish(views(&["127.0.0.1:9".parse().unwrap()]));
    let recalled = gateway.recall(carried(&gateway.memory()));
    assert_eq!(
        (recalled.ejected, recalled.breakers, recalled.faults),
        (0, 0, 0)
    );
}
