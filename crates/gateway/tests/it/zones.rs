//! Traffic that stays near, and leaves when it must.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use ninefold_config::model::{
    Balance, Endpoint, External, File, HashBalance, HashKey, LocalFirst, Ratio, Retry, ServiceKind,
};
use ninefold_gateway::EndpointView;

use crate::backend::{Act, Backend, ok};
use crate::rig::{Rig, file, until, views};

/// A gateway in zone `a`, in one region with `b`; and endpoints by their zones.
fn zoned(zones: &[&str]) -> File {
    let mut file = file();
    file.threads = NonZeroU16::new(1);
    file.node.zone = Some("a".parse().unwrap());
    let near = ["a", "b"].map(|zone| zone.parse().unwrap()).to_vec();
    file.cluster.regions = [("eu".parse().unwrap(), near)].into();
    let service = file.services.values_mut().next().unwrap();
    service.local_first = Some(LocalFirst::default());
    let endpoint = |(index, zone): (usize, &&str)| Endpoint {
        address: format!("127.0.0.1:{}", index + 1),
        zone: Some(zone.parse().unwrap()),
        weight: 1,
        backup: false,
    };
    let endpoints = zones.iter().enumerate().map(endpoint).collect();
    service.kind = ServiceKind::External(External {
        endpoints,
        source: None,
    });
    file
}

/// Backends that take so many milliseconds, one in each of the zones.
async fn backends(zones: &[&str], ms: &[&Arc<AtomicU64>]) -> (Vec<Backend>, Vec<EndpointView>) {
    let mut backends = Vec::new();
    for ms in ms {
        let ms = Arc::clone(ms);
        let script = move |_: &_| {
            let Act::Answer(bytes) = ok("x") else {
                unreachable!()
            };
            Act::AnswerAfter(Duration::from_millis(ms.load(SeqCst)), bytes)
        };
        backends.push(Backend::start(script).await);
    }
    let mut views = views(&backends.iter().map(|one| one.address).collect::<Vec<_>>());
    for (view, zone) in views.iter_mut().zip(zones) {
        view.zone = Some((*zone).into());
    }
    (backends, views)
}

fn seen(backends: &[Backend]) -> Vec<usize> {
    backends.iter().map(|one| one.requests().len()).collect()
}

/// The shares of the zones, by name.
fn shares(rig: &Rig) -> Vec<(String, f64)> {
    let zones = rig.counters().pools.remove(0).zones;
    let name = |zone: Option<Arc<str>>| zone.as_deref().unwrap_or("-").to_owned();
    zones
        .into_iter()
        .map(|zone| (name(zone.zone), zone.share))
        .collect()
}

fn share(rig: &Rig, zone: &str) -> f64 {
    let shares = shares(rig);
    shares.iter().find(|(name, _)| name == zone).unwrap().1
}

async fn burst(rig: &Rig, count: usize) {
    let burst = (0..count).map(|_| async { assert_eq!(rig.get("/").await.status, 200) });
    futures_util::future::join_all(burst).await;
}

#[tokio::test]
async fn traffic_stays_in_the_zone_then_in_the_region() {
    let fast = Arc::new(AtomicU64::new(0));
    let zones = ["a", "a", "b", "b", "c", "c"];
    let (backends, mut views) = backends(&zones, &[&fast; 6]).await;
    let rig = Rig::new(&zoned(&zones));
    rig.gateway.publish(views.clone());
    burst(&rig, 40).await;
    assert_eq!(seen(&backends)[2..], [0, 0, 0, 0]);
    assert!((share(&rig, "a") - 1.0).abs() < 1e-9);

    // One of two takes 1 / 0.7 times half. The rest stays in the region.
    views[0].admitted = false;
    rig.gateway.publish(views.clone());
    assert!(
        (share(&rig, "a") - 5.0 / 7.0).abs() < 1e-9,
        "{:?}",
        shares(&rig)
    );
    assert!(
        (share(&rig, "b") - 2.0 / 7.0).abs() < 1e-9,
        "{:?}",
        shares(&rig)
    );
    let before = seen(&backends);
    burst(&rig, 200).await;
    let after = seen(&backends);
    let to = |index: usize| after[index] - before[index];
    assert_eq!((to(0), to(4), to(5)), (0, 0, 0), "{after:?}");
    assert!((110..170).contains(&to(1)), "{after:?}");
    assert!(to(2) > 5 && to(3) > 5, "{after:?}");

    // Without the zone, b does not take the traffic of two.
    views[1].admitted = false;
    rig.gateway.publish(views.clone());
    assert!((share(&rig, "b") - 0.75).abs() < 1e-9, "{:?}", shares(&rig));
    let before = seen(&backends);
    burst(&rig, 100).await;
    let after = seen(&backends);
    assert_eq!(after[..2], before[..2]);
    assert!(after[4] + after[5] > 5, "{after:?}");

    for view in &mut views[2..4] {
        view.admitted = false;
    }
    rig.gateway.publish(views);
    burst(&rig, 20).await;
    assert!((share(&rig, "c") - 1.0).abs() < 1e-9);
}

#[tokio::test]
async fn keys_and_turns_stay_near_too() {
    for balance in [
        Balance::RoundRobin,
        Balance::LeastRequest,
        Balance::Hash(HashBalance {
            maglev: false,
            key: HashKey::Path,
            overload: Ratio::percent(25),
        }),
    ] {
        let fast = Arc::new(AtomicU64::new(0));
        let zones = ["a", "a", "b", "b"];
        let (backends, mut views) = backends(&zones, &[&fast; 4]).await;
        let mut file = zoned(&zones);
        file.services.values_mut().next().unwrap().balance = balance.clone();
        let rig = Rig::new(&file);
        rig.gateway.publish(views.clone());
        for n in 0..40 {
            assert_eq!(rig.get(&format!("/{n}")).await.status, 200);
        }
        let now = seen(&backends);
        assert!(now[0] > 0 && now[1] > 0, "{balance:?}: {now:?}");
        assert_eq!(now[2..], [0, 0], "{balance:?}");
        views[0].admitted = false;
        views[1].admitted = false;
        rig.gateway.publish(views);
        for n in 0..40 {
            assert_eq!(rig.get(&format!("/{n}")).await.status, 200);
        }
        assert_eq!(seen(&backends)[..2], now[..2], "{balance:?}");
    }
}

/// Whether or not traffic stays near: what failed may be the zone.
#[tokio::test]
async fn a_repetition_goes_to_another_zone() {
    for own in [None, Some("b")] {
        let fast = Arc::new(AtomicU64::new(0));
        let zones = ["b", "b", "c"];
        let (backends, mut views) = backends(&zones, &[&fast; 3]).await;
        let (one, other) = (
            Backend::start(|_| Act::Close).await,
            Backend::start(|_| Act::Close).await,
        );
        (views[0].address, views[1].address) = (one.address.into(), other.address.into());
        let mut file = zoned(&zones);
        file.node.zone = own.map(|own| own.parse().unwrap());
        let service = file.services.values_mut().next().unwrap();
        service.balance = Balance::RoundRobin;
        service.ejection.failures = 0;
        // A second attempt in the same zone would fail, too.
        file.listeners[0].routes[0].retry = Some(Retry {
            attempts: 2,
            budget: Ratio::percent(100),
            ..Retry::default()
        });
        let rig = Rig::new(&file);
        rig.gateway.publish(views);
        for _ in 0..9 {
            assert_eq!(rig.get("/").await.status, 200, "{own:?}");
        }
        assert_eq!(seen(&backends)[2], 9, "{own:?}");
        let attempts = rig.counters().endpoints;
        assert!(
            attempts[..2].iter().all(|one| one.report.attempts >= 3),
            "{own:?}"
        );
    }
}

#[tokio::test]
async fn an_overloaded_zone_gives_traffic_away_and_takes_it_back() {
    let (near, far) = (Arc::new(AtomicU64::new(5)), Arc::new(AtomicU64::new(8)));
    let zones = ["a", "a", "b", "b"];
    let (backends, views) = backends(&zones, &[&near, &near, &far, &far]).await;
    let rig = Rig::new(&zoned(&zones));
    rig.gateway.publish(views);
    // Its usual latency is known.
    for _ in 0..10 {
        burst(&rig, 20).await;
    }
    near.store(80, SeqCst);
    until("traffic leaves", || async {
        burst(&rig, 20).await;
        (share(&rig, "a") < 0.75).then_some(())
    })
    .await;
    assert!(seen(&backends)[2] > 0);
    let least = share(&rig, "a");
    assert!(least > 0.49, "{least}");
    near.store(5, SeqCst);
    until("traffic returns", || async {
        burst(&rig, 20).await;
        (share(&rig, "a") > least + 0.1).then_some(())
    })
    .await;
}

/// Who is far is slow by nature, and no worse than its own peers.
#[tokio::test]
async fn nobody_is_ejected_for_being_far() {
    let (near, far) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicU64::new(60)));
    let zones = ["a", "a", "c", "c"];
    let (backends, mut views) = backends(&zones, &[&near, &near, &far, &far]).await;
    views[0].admitted = false;
    let rig = Rig::new(&zoned(&zones));
    rig.gateway.publish(views);
    until("both far ones have answered often", || async {
        burst(&rig, 20).await;
        let counts = seen(&backends);
        (counts[2] > 60 && counts[3] > 60).then_some(())
    })
    .await;
    assert_eq!(rig.gateway.take_notices(), []);
}

/// A gateway that is in no zone, or a service that asks for it, knows no distance.
#[tokio::test]
async fn without_a_zone_all_are_equally_far() {
    let zones = ["a", "b"];
    let mut nowhere = zoned(&zones);
    nowhere.node.zone = None;
    let mut off = zoned(&zones);
    off.services.values_mut().next().unwrap().local_first = None;
    for file in [nowhere, off] {
        let fast = Arc::new(AtomicU64::new(0));
        let (backends, views) = backends(&zones, &[&fast; 2]).await;
        let rig = Rig::new(&file);
        rig.gateway.publish(views);
        burst(&rig, 100).await;
        assert!(seen(&backends).iter().all(|count| *count > 10));
        assert!(shares(&rig).is_empty());
    }
}

/// One that is alone in its zone has nobody beside it to be compared with but those of other zones.
#[tokio::test]
async fn one_that_is_slow_and_alone_in_its_zone_is_found_by_those_of_others() {
    let (slow, fast) = (Arc::new(AtomicU64::new(40)), Arc::new(AtomicU64::new(2)));
    let zones = ["a", "b", "b"];
    let (backends, views) = backends(&zones, &[&slow, &fast, &fast]).await;
    let rig = Rig::new(&zoned(&zones));
    rig.gateway.publish(views);
    until("an ejection", || async {
        burst(&rig, 2).await;
        let endpoints = rig.counters().endpoints;
        endpoints.iter().any(|one| one.ejected()).then_some(())
    })
    .await;
    let ejected: Vec<bool> = rig
        .counters()
        .endpoints
        .iter()
        .map(|one| one.ejected())
        .collect();
    assert_eq!(ejected, [true, false, false]);
    assert!(seen(&backends)[1..].iter().all(|asked| *asked > 0));
}
