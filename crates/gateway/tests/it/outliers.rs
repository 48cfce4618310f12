//! Endpoints that answer, but worse than their peers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use ninefold_config::model::{Balance, Ratio, Span};
use ninefold_core::observation::EjectionGround;
use ninefold_core::status::Rotation;
use ninefold_gateway::{Cause, Notice};

use crate::backend::{Act, Backend, ok, status};
use crate::rig::{Rig, file, until, views};

/// An upstream that answers after so many milliseconds.
async fn paced(ms: &Arc<AtomicU64>) -> Backend {
    let ms = Arc::clone(ms);
    Backend::start(move |_| {
        let Act::Answer(bytes) = ok("x") else {
            unreachable!()
        };
        Act::AnswerAfter(Duration::from_millis(ms.load(SeqCst)), bytes)
    })
    .await
}

/// Eight requests at once: a load that does not stop for one slow answer.
async fn burst(rig: &Rig) {
    let burst = (0..8).map(|_| async { assert!(rig.get("/").await.status < 500) });
    futures_util::future::join_all(burst).await;
}

async fn notice(rig: &Rig, what: &str) -> Notice {
    until(what, || async {
        burst(rig).await;
        rig.gateway.take_notices().pop()
    })
    .await
}

#[tokio::test]
async fn a_gray_endpoint_is_ejected_for_its_latency_and_comes_back_once_it_is_fast() {
    let pace: Vec<_> = (0..3).map(|_| Arc::new(AtomicU64::new(10))).collect();
    let mut backends = Vec::new();
    for pace in &pace {
        backends.push(paced(pace).await);
    }
    let mut file = file();
    let ejection = &mut file.services.values_mut().next().unwrap().ejection;
    (ejection.base, ejection.max) = (Span::millis(100), Span::secs(3_600));
    let rig = Rig::with(&file, &backends.iter().collect::<Vec<_>>());
    burst(&rig).await;
    assert_eq!(rig.gateway.take_notices(), []);

    pace[1].store(300, SeqCst);
    let Notice::Ejected {
        instance, reason, ..
    } = notice(&rig, "an ejection").await
    else {
        panic!("readmitted what was never ejected");
    };
    assert_eq!(instance.ordinal, 1);
    assert!(reason.starts_with("slow beside its peers: "), "{reason}");
    let counters = &rig.counters().endpoints[1];
    assert!(counters.ejected());
    assert_eq!(counters.ejection.as_deref(), Some(&*reason));
    assert!(counters.ejections.contains(&(Cause::Latency, 1)));

    // As long as it is slow it does not come back: what tries it finds it so, and is answered by
    // another one before it has taken that long.
    let mut lasts = Duration::ZERO;
    while lasts < Duration::from_secs(50) {
        let again = notice(&rig, "another ejection").await;
        let Notice::Ejected {
            reason, duration, ..
        } = &again
        else {
            panic!("{again:?}")
        };
        assert!(
            reason.starts_with("still slow when it was tried"),
            "{reason}"
        );
        lasts = *duration;
    }
    let route = rig.settled().await;
    assert!(route.hedges >= 9 && route.hedges_won >= 9, "{route:?}");

    // Requests that lose nothing try it long before that is over.
    pace[1].store(10, SeqCst);
    until("readmission", || async {
        burst(&rig).await;
        let back = rig.gateway.take_notices();
        back.contains(&Notice::Readmitted {
            instance: instance.clone(),
        })
        .then_some(())
    })
    .await;
    let counters = &rig.counters().endpoints[1];
    assert_eq!(
        (counters.rotation, counters.ejected()),
        (Rotation::In, false)
    );
}

/// Nobody sees of one that is silent when it is tried whether it were slow.
#[tokio::test]
async fn who_is_silent_when_it_is_tried_is_not_called_slow() {
    let pace: Vec<_> = (0..3).map(|_| Arc::new(AtomicU64::new(10))).collect();
    let mut backends = Vec::new();
    for pace in &pace {
        backends.push(paced(pace).await);
    }
    let mut file = file();
    let ejection = &mut file.services.values_mut().next().unwrap().ejection;
    (ejection.base, ejection.gateway_failures) = (Span::millis(100), 1);
    file.listeners[0].routes[0].try_timeout = Span::millis(300);
    let rig = Rig::with(&file, &backends.iter().collect::<Vec<_>>());
    burst(&rig).await;
    pace[1].store(60_000, SeqCst);
    until("a trial that another one outran", || async {
        burst(&rig).await;
        let mut outrun = false;
        for notice in rig.gateway.take_notices() {
            let Notice::Ejected { reason, ground, .. } = notice else {
                panic!("{notice:?}");
            };
            assert_eq!(ground, EjectionGround::Failures, "{reason}");
            outrun |= reason.starts_with("no answer when it was tried");
        }
        outrun.then_some(())
    })
    .await;
}

#[tokio::test]
async fn nobody_is_ejected_when_all_are_slow() {
    let pace = Arc::new(AtomicU64::new(10));
    let mut backends = Vec::new();
    for _ in 0..3 {
        backends.push(paced(&pace).await);
    }
    let rig = Rig::with(&file(), &backends.iter().collect::<Vec<_>>());
    burst(&rig).await;
    pace.store(60, SeqCst);
    for _ in 0..40 {
        burst(&rig).await;
    }
    assert_eq!(rig.gateway.take_notices(), []);
}

/// Half of its answers are errors, never many in a row: only the comparison sees it.
#[tokio::test]
async fn an_endpoint_that_fails_every_other_time_is_ejected_for_its_success_rate() {
    let count = AtomicU64::new(0);
    let flaky = Backend::start(move |_| match count.fetch_add(1, SeqCst) % 2 {
        0 => status(500),
        _ => ok("x"),
    })
    .await;
    let (one, two) = (
        Backend::start(|_| ok("x")).await,
        Backend::start(|_| ok("x")).await,
    );
    let mut file = file();
    let service = file.services.values_mut().next().unwrap();
    // The balancer sends it little by itself: it must be judged by that little.
    let rule = service.ejection.success_rate.as_mut().unwrap();
    (rule.below, rule.samples) = (Ratio::percent(95), 4);
    let rig = Rig::with(&file, &[&one, &flaky, &two]);
    let notice = until("an ejection", || async {
        rig.get("/").await;
        rig.gateway.take_notices().pop()
    })
    .await;
    let Notice::Ejected {
        instance, reason, ..
    } = notice
    else {
        panic!("{notice:?}")
    };
    assert_eq!(instance.ordinal, 1);
    assert!(reason.starts_with("fails beside its peers: "), "{reason}");
}

/// A failure costs the balancer's favour for seconds, but not beyond the canaries that went well.
#[tokio::test]
async fn who_comes_back_is_asked_again() {
    let broken = Arc::new(AtomicBool::new(true));
    let breaks = Arc::clone(&broken);
    let bad = Backend::start(move |_| match breaks.load(SeqCst) {
        true => status(500),
        false => ok("x"),
    })
    .await;
    let (one, two) = (
        Backend::start(|_| ok("x")).await,
        Backend::start(|_| ok("x")).await,
    );
    let mut file = file();
    let service = file.services.values_mut().next().unwrap();
    service.ejection.failures = 1;
    service.ejection.base = Span::millis(20);
    let rig = Rig::with(&file, &[&one, &bad, &two]);
    let is = |wanted: &'static str, place: Rotation| {
        let rig = &rig;
        until(wanted, move || async move {
            burst(rig).await;
            (rig.counters().endpoints[1].rotation == place).then_some(())
        })
    };
    is("an ejection", Rotation::Ejected).await;
    broken.store(false, SeqCst);
    is("its return", Rotation::In).await;
    let before = bad.requests().len();
    for _ in 0..40 {
        burst(&rig).await;
    }
    let asked = bad.requests().len() - before;
    assert!(asked >= 10, "{asked} of 320");
}

/// Ejected for far longer than this test may take.
#[tokio::test]
async fn who_lost_its_readiness_while_it_was_ejected_is_tried_once_it_is_back() {
    let bad = Backend::start(|_| status(503)).await;
    let good = Backend::start(|_| ok("x")).await;
    let mut file = file();
    let service = file.services.values_mut().next().unwrap();
    service.balance = Balance::RoundRobin;
    service.ejection.gateway_failures = 1;
    (service.ejection.base, service.ejection.max) = (Span::millis(20), Span::secs(3_600));
    let rig = Rig::with(&file, &[&good, &bad]);
    let publish = |admitted: [bool; 2]| {
        let mut views = views(&[good.address, bad.address]);
        for (view, admitted) in views.iter_mut().zip(admitted) {
            view.admitted = admitted;
        }
        rig.gateway.publish(views);
    };
    let rotation = || rig.counters().endpoints[1].rotation;
    // Each ejection is twice as long as the one before; alone it comes back each time.
    for _ in 0..15 {
        publish([true, true]);
        until("it is ejected", || async {
            burst(&rig).await;
            (rotation() == Rotation::Ejected).then_some(())
        })
        .await;
        publish([false, true]);
        until("it is back for want of others", || async {
            rig.get("/").await;
            (rotation() == Rotation::In).then_some(())
        })
        .await;
    }
    publish([true, true]);
    until("it is ejected", || async {
        burst(&rig).await;
        (rotation() == Rotation::Ejected).then_some(())
    })
    .await;
    let asked = bad.requests().len();
    until("it is tried by what could fail", || async {
        publish([true, false]);
        publish([true, true]);
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
        rig.once(post).await;
        (bad.requests().len() > asked).then_some(())
    })
    .await;
}
