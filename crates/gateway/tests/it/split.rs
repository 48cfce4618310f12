//! A canary beside a service.

use ninefold_config::model::{File, Ratio, Split, Sticky};
use ninefold_gateway::{Notice, SplitCounters};

use crate::backend::{Backend, ok, status};
use crate::rig::{Answer, Rig, file, service, until, views, views_of_service};

fn split(share: u64, sticky: Option<Sticky>) -> File {
    let mut file = file();
    file.services.insert("next".parse().unwrap(), service());
    let route = &mut file.listeners[0].routes[0];
    route.retry = None;
    route.split = Some(Split {
        service: "next".parse().unwrap(),
        share: Ratio::percent(share),
        sticky,
        roll_back: true,
    });
    file
}

fn start(file: &File, main: &Backend, canary: &Backend) -> Rig {
    let rig = Rig::new(file);
    let mut all = views(&[main.address]);
    all.extend(views_of_service("next", &[canary.address]));
    rig.gateway.publish(all);
    rig
}

fn counters(rig: &Rig) -> SplitCounters {
    rig.counters().routes[0].split.clone().unwrap()
}

async fn of(rig: &Rig, user: u32) -> Answer {
    rig.once(&format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX-User: {user}\r\n\r\n"
    ))
    .await
}

#[tokio::test]
async fn who_is_of_the_canary_stays_with_it() {
    let main = Backend::start(|_| ok("main")).await;
    let canary = Backend::start(|_| ok("canary")).await;
    let sticky = Some(Sticky::Header("x-user".to_owned()));
    let rig = start(&split(50, sticky), &main, &canary);
    let mut of_canary = 0;
    for user in 0..40 {
        let first = of(&rig, user).await.body;
        assert_eq!(of(&rig, user).await.body, first);
        of_canary += u64::from(first == "canary");
    }
    assert!((5..36).contains(&of_canary), "{of_canary}");
    let route = rig.settled().await;
    assert_eq!(route.ok, 80);
    let split = counters(&rig);
    assert_eq!(split.canary, (of_canary * 2, 0));
    assert_eq!(split.main, (80 - of_canary * 2, 0));
    assert_eq!(split.rolled_back, None);
    // Endpoints of both know the route.
    for endpoint in rig.counters().endpoints {
        assert_eq!(&*endpoint.impact[0].0, "root");
    }
}

#[tokio::test]
async fn nobody_and_everybody_are_shares_too() {
    let main = Backend::start(|_| ok("main")).await;
    let canary = Backend::start(|_| ok("canary")).await;
    for (share, expected) in [(0, "main"), (100, "canary")] {
        let rig = start(&split(share, None), &main, &canary);
        for _ in 0..20 {
            assert_eq!(rig.get("/").await.body, expected);
        }
    }
}

#[tokio::test]
async fn a_canary_that_fails_goes_back() {
    let main = Backend::start(|_| ok("main")).await;
    let canary = Backend::start(|_| status(500)).await;
    let rig = start(&split(30, None), &main, &canary);
    until("it is found", || async {
        rig.get("/").await;
        counters(&rig).rolled_back
    })
    .await;
    let seen = canary.requests().len();
    for _ in 0..50 {
        assert_eq!(rig.get("/").await.body, "main");
    }
    assert_eq!(canary.requests().len(), seen);
    let notices = rig.gateway.take_notices();
    let told = notices.iter().filter_map(|notice| match notice {
        Notice::RolledBack { route, service, .. } => Some((&**route, &**service)),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [("root", "next")]);
}

/// What hurts both says nothing about the canary.
#[tokio::test]
async fn a_trouble_of_both_rolls_nothing_back() {
    let main = Backend::start(|_| status(500)).await;
    let canary = Backend::start(|_| status(500)).await;
    let rig = start(&split(50, None), &main, &canary);
    let looks = std::time::Instant::now();
    // Until the control plane has looked a few times at enough requests.
    until("there was enough to see", || async {
        assert_eq!(rig.get("/").await.status, 500);
        let split = counters(&rig);
        assert_eq!(split.rolled_back, None);
        let enough = split.main.0 >= 100 && split.canary.0 >= 100;
        (enough && looks.elapsed() > std::time::Duration::from_secs(2)).then_some(())
    })
    .await;
}
