//! Shares of clients and tenants.

use std::sync::Arc;
use std::time::Duration;

use ninefold_config::model::{Bulkhead, BulkheadKey, Fallback, File, FixedAnswer, FixedBody, Span};
use ninefold_gateway::{BulkheadCounters, FallbackCause, Gateway, Notice, Succession};
use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;

use crate::backend::{Act, Backend, ok, ok_in_turn};
use crate::rig::{Answer, Plain, Rig, file, until, views};

/// Each tenant may have two under way, in shards of its own.
fn shared(shards: u32) -> File {
    let mut file = file();
    file.listeners[0].routes[0].bulkhead = Some(Bulkhead {
        key: BulkheadKey::Header("x-tenant".to_owned()),
        concurrency: 1,
        shards,
        per_key: 2,
    });
    file
}

fn of(tenant: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Tenant: {tenant}\r\n\r\n")
}

async fn ask(rig: &Rig, tenant: &str) -> Answer {
    rig.once(&of(tenant, "/")).await
}

fn places(rig: &Rig) -> BulkheadCounters {
    rig.counters().routes[0].bulkhead.unwrap()
}

async fn taken(rig: &Rig, count: u64) {
    until("places are taken", || async {
        (places(rig).in_flight == count).then_some(())
    })
    .await;
}

fn reason(answer: &Answer) -> String {
    answer.header("x-ninefold-reason").unwrap_or_default()
}

/// Sends a request that hangs.
async fn hang(address: std::net::SocketAddr, tenant: &str) -> Plain {
    let mut plain = Plain::connect(address).await;
    plain.send(of(tenant, "/hang").as_bytes()).await;
    plain
}

async fn backend() -> Backend {
    Backend::start(|seen| {
        if seen.head.contains("/hang") {
            Act::Hang
        } else {
            ok("x")
        }
    })
    .await
}

#[tokio::test]
async fn what_one_tenant_hangs_takes_nothing_from_the_others() {
    let backend = backend().await;
    let mut file = shared(512);
    file.listeners[0].routes[0].try_timeout = Span::secs(10);
    let rig = Rig::with(&file, &[&backend]);
    let poison = [
        hang(rig.address, "bad").await,
        hang(rig.address, "bad").await,
    ];
    taken(&rig, 2).await;
    // Some others are about, each within its share.
    let mut about = Vec::new();
    for tenant in 0..6 {
        about.push(hang(rig.address, &format!("slow-{tenant}")).await);
    }
    taken(&rig, 8).await;
    let (mut refused, asked) = (0, backend.requests().len());
    for tenant in 0..40 {
        let answer = ask(&rig, &format!("good-{tenant}")).await;
        refused += u32::from(answer.status != 200);
    }
    // One in 4,672 has two of the eight shards that are taken.
    assert!(refused <= 1, "{refused}");
    let before = backend.requests().len();
    assert!(before >= asked + 39);
    let answer = ask(&rig, "bad").await;
    // All that are in use are full: that does not show whose doing it is.
    assert_eq!(
        (answer.status, &*reason(&answer)),
        (503, "gateway/bulkhead")
    );
    assert_eq!(answer.header("retry-after").as_deref(), Some("1"));
    assert_eq!(backend.requests().len(), before, "it is not sent");
    drop((poison, about));
    taken(&rig, 0).await;
    assert_eq!(ask(&rig, "bad").await.status, 200);
}

/// Who has far more than others is told so, and it counts as refused: no error of the service's.
#[tokio::test]
async fn a_flood_is_its_tenants_own() {
    let backend = backend().await;
    let mut file = shared(4_096);
    file.listeners[0].routes[0].try_timeout = Span::secs(10);
    let bulkhead = file.listeners[0].routes[0].bulkhead.as_mut().unwrap();
    bulkhead.concurrency = 2;
    file.listeners[0].routes[0].fallback = Some(Fallback::Answer(FixedAnswer {
        status: 200,
        content_type: "text/plain".to_owned(),
        body: FixedBody::Text("later".to_owned()),
    }));
    let rig = Rig::with(&file, &[&backend]);
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(hang(rig.address, "flood").await);
    }
    taken(&rig, 4).await;
    for tenant in 0..8 {
        held.push(hang(rig.address, &format!("calm-{tenant}")).await);
    }
    taken(&rig, 12).await;
    until("all have arrived", || async {
        (backend.requests().len() == 12).then_some(())
    })
    .await;
    for _ in 0..3 {
        let answer = ask(&rig, "flood").await;
        assert_eq!((answer.status, &*reason(&answer)), (429, "client/bulkhead"));
        assert_eq!(answer.header("retry-after").as_deref(), Some("1"));
    }
    let now = places(&rig);
    assert_eq!((now.refused_key, now.refused_all), (3, 0));
    assert_eq!((now.places, now.shards), (8_192, 4_096));
    // Two of the others may meet in a shard.
    assert!((2..5).contains(&now.full), "{now:?}");
    let counters = rig.counters();
    let route = &counters.routes[0];
    assert_eq!((route.refused, route.failed), (3, 0));
    assert_eq!(backend.requests().len(), 12, "what is refused is not sent");
    let told = until("the control plane is told", || async {
        let notices = rig.gateway.take_notices();
        notices.into_iter().find_map(|notice| match notice {
            Notice::Bulkhead { route, refused, .. } => Some((route, refused)),
            _ => None,
        })
    })
    .await;
    assert_eq!((&*told.0, told.1), ("root", None));

    let mut registry = Registry::default();
    registry.register_collector(rig.gateway.collector());
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for line in [
        "ninefold_bulkhead_refused_requests_total{route=\"root\",full=\"key\"} 3",
        "ninefold_bulkhead_refused_requests_total{route=\"root\",full=\"all\"} 0",
        "ninefold_bulkhead_in_flight{route=\"root\"} 12",
        &format!(
            "ninefold_bulkhead_full_shards{{route=\"root\"}} {}",
            now.full
        ),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    for plain in held {
        drop(plain);
    }
    taken(&rig, 0).await;
}

#[tokio::test]
async fn when_all_places_are_taken_a_fallback_answers() {
    let backend = backend().await;
    let mut file = shared(2);
    file.listeners[0].routes[0].try_timeout = Span::secs(10);
    file.listeners[0].routes[0].fallback = Some(Fallback::Answer(FixedAnswer {
        status: 200,
        content_type: "text/plain".to_owned(),
        body: FixedBody::Text("later".to_owned()),
    }));
    let rig = Rig::with(&file, &[&backend]);
    let held = [hang(rig.address, "a").await, hang(rig.address, "b").await];
    taken(&rig, 2).await;
    let answer = ask(&rig, "c").await;
    assert_eq!((answer.status, &*answer.body), (200, "later"));
    let cause = answer.header("x-ninefold-fallback");
    assert_eq!(cause.as_deref(), Some("bulkhead"));
    let fallbacks = rig.counters().routes[0].fallbacks.clone();
    assert!(fallbacks.contains(&(FallbackCause::Bulkhead, 1)));
    drop(held);
}

/// A place is held until the last byte of the answer, not only until its head.
#[tokio::test]
async fn a_slow_reader_keeps_its_place() {
    let backend = Backend::start(|_| {
        Act::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec())
    })
    .await;
    let rig = Rig::with(&shared(64), &[&backend]);
    let mut reads = Vec::new();
    for _ in 0..2 {
        let mut plain = rig.connect().await;
        plain.send(of("a", "/").as_bytes()).await;
        assert_eq!(plain.head().await.unwrap().status, 200);
        reads.push(plain);
    }
    assert_eq!(places(&rig).in_flight, 2);
    assert_eq!(ask(&rig, "a").await.status, 503);
    drop(reads);
    taken(&rig, 0).await;
}

#[tokio::test]
async fn places_go_on_through_a_reload() {
    let turns = Arc::new(Semaphore::new(0));
    let theirs = Arc::clone(&turns);
    let backend = Backend::start(move |_| ok_in_turn(&theirs, Duration::ZERO)).await;
    let state = tempfile::tempdir().unwrap();
    let mut file = shared(64);
    let all = Arc::new(Succession::new(
        Gateway::start(&file, state.path()).unwrap(),
    ));
    all.publish(views(&[backend.address]));
    let address = all.addresses()[0].tcp().unwrap();
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(hang(address, "a").await);
    }
    let now = |all: &Succession| all.counters().routes[0].bulkhead.unwrap();
    until("both are under way", || async {
        (now(&all).in_flight == 2).then_some(())
    })
    .await;
    file.listeners[0].routes[0].timeout = Span::secs(9);
    all.stage(&file, state.path()).unwrap();
    all.promote();
    assert_eq!(now(&all).in_flight, 2, "both generations are counted once");
    let mut plain = Plain::connect(address).await;
    plain.send(of("a", "/").as_bytes()).await;
    assert_eq!(plain.answer().await.status, 503);
    turns.add_permits(2);
    for plain in &mut held {
        assert_eq!(plain.answer().await.status, 200);
    }
    let long = Duration::from_secs(15);
    all.retire(Duration::ZERO, long).await.unwrap();
    until("both are free", || async {
        (now(&all).in_flight == 0).then_some(())
    })
    .await;
    assert_eq!(now(&all).refused_all, 1);
}
