//! Which endpoint a request goes to, and what happens when they are too few.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ninefold_config::model::{
    Balance, File, HashBalance, HashKey, PrequalBalance, Ratio, WhenTooFew,
};
use ninefold_gateway::{EndpointView, PoolCounters};
use tokio::sync::Notify;

use crate::backend::{Act, Backend, ok};
use crate::rig::{Rig, file, until, views};

/// One thread, so that turns can be counted.
fn balanced(balance: Balance) -> File {
    let mut file = file();
    file.threads = NonZeroU16::new(1);
    file.services.values_mut().next().unwrap().balance = balance;
    file
}

async fn named(count: usize) -> Vec<Backend> {
    let mut all = Vec::new();
    for name in 0..count {
        all.push(Backend::start(move |_| ok(&name.to_string())).await);
    }
    all
}

fn views_of(backends: &[Backend]) -> Vec<EndpointView> {
    views(&backends.iter().map(|one| one.address).collect::<Vec<_>>())
}

/// Requests of callers at each: copies for who is left out are nobody's.
fn seen(backends: &[Backend]) -> Vec<usize> {
    let of_callers = |one: &Backend| {
        let requests = one.requests();
        let all = requests.iter();
        all.filter(|one| !one.head.contains("x-mirrored: 1"))
            .count()
    };
    backends.iter().map(of_callers).collect()
}

fn pool(rig: &Rig) -> PoolCounters {
    rig.counters().pools.remove(0)
}

#[tokio::test]
async fn turns_go_round_by_weight() {
    let backends = named(3).await;
    let rig = Rig::new(&balanced(Balance::RoundRobin));
    let mut views = views_of(&backends);
    views[0].weight = 3;
    rig.gateway.publish(views);
    for _ in 0..50 {
        assert_eq!(rig.get("/").await.status, 200);
    }
    assert_eq!(seen(&backends), [30, 10, 10]);
    assert_eq!(pool(&rig).balance, "round-robin");
}

#[tokio::test]
async fn the_default_gives_equals_traffic_by_weight() {
    let backends = named(2).await;
    let rig = Rig::new(&balanced(Balance::P2c));
    let mut views = views_of(&backends);
    views[0].weight = 20;
    rig.gateway.publish(views);
    for _ in 0..300 {
        assert_eq!(rig.get("/").await.status, 200);
    }
    let seen = seen(&backends);
    assert!(seen[0] > 200 && seen[1] > 0, "{seen:?}");
}

/// One keeps a request, so that it has more of them under way than the other.
#[tokio::test]
async fn the_one_with_fewer_requests_is_taken() {
    let release = Arc::new(Notify::new());
    let mut backends = Vec::new();
    for _ in 0..2 {
        let release = Arc::clone(&release);
        let script = move |seen: &crate::backend::Seen| {
            let Act::Answer(bytes) = ok("x") else {
                unreachable!()
            };
            if seen.head.contains("/hold") {
                Act::AnswerWhen(Arc::clone(&release), bytes)
            } else {
                Act::Answer(bytes)
            }
        };
        backends.push(Backend::start(script).await);
    }
    let rig = Rig::new(&balanced(Balance::LeastRequest));
    rig.gateway.publish(views_of(&backends));
    let mut held = rig.connect().await;
    held.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let busy = until("the held request arrives", || async {
        seen(&backends).iter().position(|count| *count == 1)
    })
    .await;
    for _ in 0..20 {
        assert_eq!(rig.get("/").await.status, 200);
    }
    let mut expected = [20, 20];
    expected[busy] = 1;
    assert_eq!(seen(&backends), expected);
    release.notify_waiters();
    assert_eq!(held.answer().await.status, 200);
}

/// Says a load of `load` requests at `/load`, and counts what else it is asked.
async fn loaded(load: Arc<AtomicU32>) -> Backend {
    Backend::start(move |seen| {
        if !seen.head.starts_with("GET /load ") {
            return ok("x");
        }
        let load = load.load(Relaxed);
        let said = format!("TEXT named_metrics.rif={load},named_metrics.latency_ms={load}");
        let head = format!("HTTP/1.1 200 OK\r\nendpoint-load-metrics: {said}\r\n");
        Act::Answer(format!("{head}content-length: 2\r\n\r\nok").into_bytes())
    })
    .await
}

fn asked(backend: &Backend, path: &str) -> usize {
    let start = format!("GET {path} ");
    let requests = backend.requests();
    requests
        .iter()
        .filter(|seen| seen.head.starts_with(&start))
        .count()
}

/// Others send requests there as well, which this gateway cannot know by itself.
#[tokio::test]
async fn prequal_goes_where_endpoints_say_that_they_have_little_to_do() {
    let loads: Vec<_> = [9, 1, 9]
        .into_iter()
        .map(|load| Arc::new(AtomicU32::new(load)))
        .collect();
    let mut backends = Vec::new();
    for load in &loads {
        backends.push(loaded(Arc::clone(load)).await);
    }
    let probe = "/load".into();
    let rig = Rig::new(&balanced(Balance::Prequal(PrequalBalance { probe })));
    rig.gateway.publish(views_of(&backends));
    for idle in [1, 2] {
        for (nth, load) in loads.iter().enumerate() {
            load.store(if nth == idle { 1 } else { 9 }, Relaxed);
        }
        // What was said before is forgotten as soon as each has been asked again.
        let before: Vec<_> = backends.iter().map(|one| asked(one, "/load")).collect();
        until("all were asked twice", || async {
            assert_eq!(rig.get("/").await.status, 200);
            let now = backends.iter().map(|one| asked(one, "/load"));
            let twice = now.zip(&before).all(|(now, before)| now > before + 1);
            twice.then_some(())
        })
        .await;
        let before = asked(&backends[idle], "/");
        for _ in 0..40 {
            assert_eq!(rig.get("/").await.status, 200);
        }
        let taken = asked(&backends[idle], "/") - before;
        assert!(taken > 25, "{taken} of 40 went to the idle one");
    }
    assert_eq!(pool(&rig).balance, "prequal");
    let counters = rig.counters();
    let attempts: u64 = counters
        .endpoints
        .iter()
        .map(|one| one.report.attempts)
        .sum();
    let requests: usize = backends.iter().map(|one| asked(one, "/")).sum();
    assert_eq!(attempts, requests as u64, "probes are no attempts");
}

#[tokio::test]
async fn prequal_goes_on_without_reports() {
    // Nothing of that is a report, and nothing of it is held against them.
    let backends = [
        Backend::start(|_| ok("no header")).await,
        Backend::start(|seen| {
            if seen.head.contains("/load") {
                Act::Close
            } else {
                ok("x")
            }
        })
        .await,
        Backend::start(|seen| {
            if seen.head.contains("/load") {
                Act::Hang
            } else {
                ok("x")
            }
        })
        .await,
    ];
    let probe = "/load".into();
    let rig = Rig::new(&balanced(Balance::Prequal(PrequalBalance { probe })));
    rig.gateway.publish(views_of(&backends));
    for _ in 0..60 {
        assert_eq!(rig.get("/").await.status, 200);
    }
    for backend in &backends {
        assert!(asked(backend, "/") > 0);
    }
    let counters = rig.counters();
    assert!(counters.endpoints.iter().all(|one| !one.ejected()));
}

async fn of_tenant(rig: &Rig, tenant: usize) -> String {
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Tenant: t{tenant}\r\n\r\n");
    let answer = rig.once(&request).await;
    assert_eq!(answer.status, 200);
    answer.body
}

#[tokio::test]
async fn the_same_key_goes_to_the_same_endpoint_and_only_those_of_who_left_move() {
    for maglev in [false, true] {
        let backends = named(4).await;
        let mut file = balanced(Balance::Hash(HashBalance {
            maglev,
            key: HashKey::Header("x-tenant".to_owned()),
            overload: Ratio::percent(25),
        }));
        // Whichever thread a connection meets.
        file.threads = NonZeroU16::new(2);
        let rig = Rig::new(&file);
        let mut views = views_of(&backends);
        rig.gateway.publish(views.clone());
        let mut homes = Vec::new();
        for tenant in 0..40 {
            let home = of_tenant(&rig, tenant).await;
            for _ in 0..3 {
                assert_eq!(of_tenant(&rig, tenant).await, home);
            }
            homes.push(home);
        }
        assert!(seen(&backends).iter().all(|count| *count > 0));

        views[2].admitted = false;
        rig.gateway.publish(views.clone());
        for (tenant, home) in homes.iter().enumerate() {
            let now = of_tenant(&rig, tenant).await;
            assert!(if home == "2" {
                now != "2"
            } else {
                now == *home
            });
        }
        // It returns, and so do its keys.
        views[2].admitted = true;
        rig.gateway.publish(views);
        for (tenant, home) in homes.iter().enumerate() {
            assert_eq!(of_tenant(&rig, tenant).await, *home);
        }
    }
}

#[tokio::test]
async fn a_request_without_the_key_is_spread() {
    let backends = named(2).await;
    let rig = Rig::new(&balanced(Balance::Hash(HashBalance {
        maglev: true,
        key: HashKey::Cookie("session".to_owned()),
        overload: Ratio::percent(25),
    })));
    rig.gateway.publish(views_of(&backends));
    until("both were taken", || async {
        assert_eq!(rig.get("/").await.status, 200);
        seen(&backends).iter().all(|count| *count > 0).then_some(())
    })
    .await;
}

/// Of three, fewer than 60 % are ready.
async fn one_of_three(when_too_few: WhenTooFew) -> (Rig, Vec<Backend>, Vec<EndpointView>) {
    let backends = named(3).await;
    let mut file = balanced(Balance::RoundRobin);
    let service = file.services.values_mut().next().unwrap();
    service.when_too_few = when_too_few;
    service.panic_threshold = Ratio::percent(60);
    let rig = Rig::new(&file);
    let mut views = views_of(&backends);
    for view in &mut views[1..] {
        (view.admitted, view.doubtful) = (false, true);
    }
    rig.gateway.publish(views.clone());
    (rig, backends, views)
}

#[tokio::test]
async fn too_few_refuse_if_that_was_chosen_until_they_are_enough() {
    let (rig, backends, mut views) = one_of_three(WhenTooFew::FailFast).await;
    let answer = rig.get("/").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("has too few endpoints that are up"));
    let now = pool(&rig);
    assert_eq!((now.in_rotation, now.of, now.too_few), (1, 3, true));
    assert_eq!(seen(&backends), [0, 0, 0]);
    views[1].admitted = true;
    rig.gateway.publish(views);
    assert_eq!(rig.get("/").await.status, 200);
    assert!(!pool(&rig).too_few);
}

#[tokio::test]
async fn too_few_use_doubtful_ones_too_if_that_was_chosen() {
    let (rig, backends, mut views) = one_of_three(WhenTooFew::FailOpen).await;
    for _ in 0..9 {
        assert_eq!(rig.get("/").await.status, 200);
    }
    assert_eq!(seen(&backends), [3, 3, 3]);
    assert!(pool(&rig).too_few);
    // Enough again: those that are not ready get nothing more.
    views[1].admitted = true;
    rig.gateway.publish(views);
    for _ in 0..8 {
        assert_eq!(rig.get("/").await.status, 200);
    }
    assert_eq!(seen(&backends)[2], 3);
}

#[tokio::test]
async fn too_few_go_on_by_default_but_never_with_who_is_not_ready() {
    let (rig, backends, mut views) = one_of_three(WhenTooFew::Degraded).await;
    for _ in 0..9 {
        assert_eq!(rig.get("/").await.status, 200);
    }
    assert_eq!(seen(&backends), [9, 0, 0]);
    assert!(pool(&rig).too_few);
    views[0].admitted = false;
    rig.gateway.publish(views);
    let answer = rig.get("/").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("has no endpoint that is up"));
}

#[tokio::test]
async fn backups_take_traffic_only_in_the_absence_of_the_others() {
    let backends = named(3).await;
    let rig = Rig::new(&balanced(Balance::P2c));
    let mut views = views_of(&backends);
    views[2].backup = true;
    rig.gateway.publish(views.clone());
    for _ in 0..20 {
        assert_eq!(rig.get("/").await.status, 200);
    }
    assert_eq!((seen(&backends)[2], pool(&rig).backups), (0, false));
    views[0].admitted = false;
    views[1].admitted = false;
    rig.gateway.publish(views.clone());
    assert_eq!(rig.get("/").await.body, "2");
    assert!(pool(&rig).backups);
    // Back home as soon as there is one.
    views[1].admitted = true;
    rig.gateway.publish(views);
    assert_eq!(rig.get("/").await.body, "1");
    assert!(!pool(&rig).backups);
}

#[tokio::test]
async fn who_is_gone_ends_what_it_has_under_way_and_gets_nothing_new() {
    let release = Arc::new(Notify::new());
    let waits = Arc::clone(&release);
    let leaving = Backend::start(move |_| match ok("old") {
        Act::Answer(bytes) => Act::AnswerWhen(Arc::clone(&waits), bytes),
        other => other,
    })
    .await;
    let stays = Backend::start(|_| ok("new")).await;
    let rig = Rig::new(&balanced(Balance::RoundRobin));
    let both = views(&[leaving.address, stays.address]);
    rig.gateway.publish(both[..1].to_vec());
    let mut early = rig.connect().await;
    early.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let in_flight = |rig: &Rig| rig.counters().endpoints[0].in_flight;
    until("it is under way", || async {
        (in_flight(&rig) == 1).then_some(())
    })
    .await;

    rig.gateway.publish(both[1..].to_vec());
    for _ in 0..20 {
        assert_eq!(rig.get("/").await.body, "new");
    }
    assert_eq!((leaving.requests().len(), in_flight(&rig)), (1, 1));
    release.notify_one();
    let answer = early.answer().await;
    assert_eq!((answer.status, &*answer.body), (200, "old"));
    until("nothing is under way", || async {
        (in_flight(&rig) == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn degraded_ones_take_what_the_others_cannot() {
    for balance in [Balance::P2c, Balance::RoundRobin] {
        let backends = named(4).await;
        let rig = Rig::new(&balanced(balance));
        let mut views = views_of(&backends);
        views[0].degraded = true;
        rig.gateway.publish(views.clone());
        for _ in 0..30 {
            assert_eq!(rig.get("/").await.status, 200);
        }
        assert_eq!((seen(&backends)[0], pool(&rig).degraded), (0, 1));
        // Two of four take 1.4 times half.
        views[1].degraded = true;
        rig.gateway.publish(views.clone());
        let before = seen(&backends);
        for _ in 0..200 {
            assert_eq!(rig.get("/").await.status, 200);
        }
        let after = seen(&backends);
        let degraded = after[0] + after[1] - before[0] - before[1];
        assert!((30..90).contains(&degraded), "{degraded}");
        let now = pool(&rig);
        assert!((now.degraded_share - 0.3).abs() < 1e-9);
        assert_eq!((now.in_rotation, now.too_few), (4, false));
        // Nobody else: they are as good as any.
        for view in &mut views[2..] {
            view.admitted = false;
        }
        rig.gateway.publish(views);
        let before = seen(&backends);
        for _ in 0..40 {
            assert_eq!(rig.get("/").await.status, 200);
        }
        let after = seen(&backends);
        assert_eq!(after[0] + after[1] - before[0] - before[1], 40);
        assert_eq!(after[2..], before[2..]);
        assert_eq!(pool(&rig).degraded, 0);
    }
}

/// What failed elsewhere is better tried there than not at all.
#[tokio::test]
async fn a_repetition_goes_to_a_degraded_one_when_no_other_is_left() {
    let (bad, good) = (
        Backend::start(|_| Act::Close).await,
        Backend::start(|_| ok("degraded")).await,
    );
    let mut file = balanced(Balance::P2c);
    file.services.values_mut().next().unwrap().ejection.failures = 0;
    let rig = Rig::new(&file);
    let mut views = views(&[bad.address, good.address]);
    views[1].degraded = true;
    rig.gateway.publish(views);
    for _ in 0..5 {
        assert_eq!(rig.get("/").await.body, "degraded");
    }
}
