//! A service that is asked for more than it can do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ninefold_config::model::{Criticality, File, Overload, Span};
use ninefold_core::policy::RequestMeta;
use ninefold_core::policy::prioritizer::PeerLevel;
use ninefold_core::time::Timestamp;
use ninefold_gateway::{RequestEnd, RouteCounters, ServiceCounters};
use tokio::sync::Semaphore;

use crate::backend::{Backend, ok_in_turn};
use crate::rig::{Rig, file, route, until};

fn limited(limit: u32, max_waiting: u32) -> File {
    let mut file = file();
    let service = file.services.values_mut().next().unwrap();
    service.overload = Some(Overload {
        initial_limit: limit,
        min_limit: 1,
        max_waiting,
        max_wait: Span::secs(20),
        ..Overload::default()
    });
    let mut prefetch = route("/prefetch");
    prefetch.name = "prefetch".parse().unwrap();
    prefetch.criticality = Criticality::Sheddable;
    file.listeners[0].routes.push(prefetch);
    file
}

/// Answers nothing until it is let go.
async fn held() -> (Backend, Arc<Semaphore>) {
    let turns = Arc::new(Semaphore::new(0));
    let theirs = Arc::clone(&turns);
    let backend = Backend::start(move |_| ok_in_turn(&theirs, Duration::ZERO)).await;
    (backend, turns)
}

async fn service(rig: &Rig, is: impl Fn(&ServiceCounters) -> bool) -> ServiceCounters {
    let seen = async || Some(rig.counters().services[0].clone()).filter(&is);
    until("the gate", seen).await
}

#[tokio::test]
async fn more_than_the_limit_wait_and_those_go_first_who_matter() {
    let (backend, turns) = held().await;
    let rig = Rig::with(&limited(1, 100), &[&backend]);
    let get = async |path| rig.get(path).await.status;
    let all = async { tokio::join!(get("/a"), get("/prefetch"), get("/b")) };
    let steps = async {
        service(&rig, |gate| gate.in_flight == 1 && gate.waiting == 2).await;
        turns.add_permits(3);
    };
    let (answers, ()) = tokio::join!(all, steps);
    assert_eq!(answers, (200, 200, 200));
    let paths: Vec<String> = backend
        .requests()
        .iter()
        .map(|seen| seen.head.clone())
        .collect();
    let last = paths.last().unwrap();
    // Unless it was the first one of all, for which there was room.
    assert!(
        last.starts_with("GET /prefetch") || paths[0].starts_with("GET /prefetch"),
        "{paths:?}"
    );
    let gate = service(&rig, |gate| gate.in_flight == 0).await;
    assert_eq!(gate.queued, 2);
    assert!(gate.queued_ns > 0);
    assert!(gate.refused.iter().all(|(_, count)| *count == 0));
}

#[tokio::test]
async fn beyond_the_queue_the_least_important_are_refused() {
    let (backend, turns) = held().await;
    let rig = Rig::with(&limited(1, 1), &[&backend]);
    let first = rig.get("/first");
    let steps = async {
        service(&rig, |gate| gate.in_flight == 1).await;
        let prefetch = rig.get("/prefetch");
        let then = async {
            service(&rig, |gate| gate.waiting == 1).await;
            let click = rig.get("/click");
            let go = async {
                service(&rig, |gate| gate.refused.iter().any(|(_, n)| *n == 1)).await;
                turns.add_permits(2);
            };
            tokio::join!(click, go).0
        };
        tokio::join!(prefetch, then)
    };
    let (first, (prefetch, click)) = tokio::join!(first, steps);
    assert_eq!((first.status, click.status), (200, 200));
    assert_eq!(prefetch.status, 503);
    assert_eq!(
        prefetch.header("x-ninefold-reason").as_deref(),
        Some("gateway/overload")
    );
    assert_eq!(prefetch.header("retry-after").as_deref(), Some("1"));
    assert_eq!(backend.requests().len(), 2, "what is refused is never sent");
    let counters = rig.counters();
    let refused = &counters.services[0].refused;
    assert_eq!(refused[0], (Criticality::Sheddable, 1));
    assert!(!counters.endpoints[0].ejected());
    assert_eq!(counters.endpoints[0].report.attempts, 2);
    let routes: Vec<_> = counters.routes.iter().map(|r| (r.ok, r.failed)).collect();
    assert_eq!(routes[..2], [(2, 0), (0, 1)]);
    assert!(
        counters.routes[1]
            .ends
            .contains(&(RequestEnd::Overloaded, 1))
    );
}

#[tokio::test]
async fn who_leaves_while_waiting_leaves_no_place_behind() {
    let (backend, turns) = held().await;
    let rig = Rig::with(&limited(1, 100), &[&backend]);
    let stays = async {
        let mut leaves = rig.connect().await;
        service(&rig, |gate| gate.in_flight == 1).await;
        leaves.send(b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\n").await;
        service(&rig, |gate| gate.waiting == 1).await;
        // A reset: who only closes might still read.
        leaves.stream.set_zero_linger().unwrap();
        drop(leaves);
        service(&rig, |gate| gate.waiting == 0).await;
        turns.add_permits(1);
    };
    let (answer, ()) = tokio::join!(rig.get("/first"), stays);
    assert_eq!(answer.status, 200);
    service(&rig, |gate| gate.in_flight == 0).await;
    assert_eq!(backend.requests().len(), 1);
    let ends = |route: &RouteCounters| route.ends.contains(&(RequestEnd::LeftQueue, 1));
    let routes = rig.counters().routes;
    assert!(routes.iter().any(ends), "{routes:?}");
}

#[tokio::test]
async fn the_limit_follows_the_latency() {
    // Four at once, 5 ms each, whatever is asked: more than four only wait there.
    let places = Arc::new(Semaphore::new(4));
    let backend = Backend::start(move |_| ok_in_turn(&places, Duration::from_millis(5))).await;
    let rig = Rig::with(&limited(64, 1_000), &[&backend]);
    let client = async || {
        let mut plain = rig.connect().await;
        loop {
            plain.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
            if plain.try_answer().await.is_none() {
                plain = rig.connect().await;
            }
        }
    };
    let clients = futures_util::future::join_all((0..64).map(|_| client()));
    tokio::select! {
        _ = clients => unreachable!("clients go on"),
        gate = service(&rig, |gate| gate.limit <= 16) => assert!(gate.limit >= 1),
    }
}

/// What a request waits for its place is not the endpoint's: one after the other, attempts cannot
/// take longer together than all of it does.
#[tokio::test]
async fn the_wait_for_a_place_is_not_held_against_the_endpoint() {
    let (backend, turns) = held().await;
    let mut file = limited(1, 100);
    // One thread, so that the second finds the connection of the first.
    file.threads = std::num::NonZeroU16::new(1);
    let rig = Rig::with(&file, &[&backend]);
    let began = Instant::now();
    let both = async { tokio::join!(rig.get("/a"), rig.get("/b")) };
    let steps = async {
        service(&rig, |gate| gate.in_flight == 1 && gate.waiting == 1).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        turns.add_permits(2);
    };
    tokio::join!(both, steps);
    let took = began.elapsed();
    let report = rig.counters().endpoints[0].report;
    assert_eq!(report.answered, 2);
    let attempts = Duration::from_nanos(report.latency_sum_ns);
    assert!(attempts <= took, "{attempts:?} in {took:?}");
}

/// One place of 5 ms for eight callers: those that ask are told what is refused, and can leave it.
#[tokio::test]
async fn who_asks_is_told_what_would_be_refused() {
    let places = Arc::new(Semaphore::new(1));
    let backend = Backend::start(move |_| ok_in_turn(&places, Duration::from_millis(5))).await;
    let mut file = limited(1, 1);
    let service = file.services.values_mut().next().unwrap();
    service.overload.as_mut().unwrap().max_limit = 1;
    let rig = Rig::with(&file, &[&backend]);
    let asks = "GET /prefetch HTTP/1.1\r\nHost: a\r\nX-Admission-Level: all\r\n\r\n";
    assert_eq!(
        rig.once(asks).await.header("x-admission-level"),
        None,
        "all is let in"
    );
    let peer = PeerLevel::default();
    let caller = async || {
        until("a level", async || {
            let level = rig.once(asks).await.header("x-admission-level")?;
            peer.learn_text(&level, Timestamp::from_secs(1));
            Some(())
        })
        .await;
    };
    tokio::join!(
        caller(),
        caller(),
        caller(),
        caller(),
        caller(),
        caller(),
        caller(),
        caller()
    );
    let level = peer.level(Timestamp::from_secs(1));
    let meta = |criticality| RequestMeta {
        criticality,
        ..RequestMeta::default()
    };
    assert!(level.admits(&meta(Criticality::Critical), || 0), "{level}");
    assert!(
        !level.admits(&meta(Criticality::Sheddable), || 0),
        "{level}"
    );
    // Who does not ask is not told.
    assert_eq!(rig.get("/prefetch").await.header("x-admission-level"), None);
}
