//! Second attempts beside slow ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use ninefold_config::model::{Hedge, Ratio, Retry, Span};

use crate::backend::{Act, Backend, ok, status};
use crate::rig::{Rig, file, until};

/// An upstream that answers at once until it is told to do something else.
async fn changing(told: &Arc<AtomicBool>, then: Act) -> Backend {
    let told = Arc::clone(told);
    Backend::start(move |_| {
        if told.load(SeqCst) {
            then.clone()
        } else {
            ok("quick")
        }
    })
    .await
}

/// A gateway that knows how long requests take, and a way to change what the first upstream does.
async fn learnt(then: Act, other: &Backend) -> (Rig, Backend, Arc<AtomicBool>) {
    let told = Arc::new(AtomicBool::new(false));
    let first = changing(&told, then).await;
    let mut file = file();
    let route = &mut file.listeners[0].routes[0];
    route.try_timeout = Span::secs(10);
    route.retry = Some(Retry {
        budget: Ratio::percent(100),
        ..Retry::default()
    });
    route.hedge = Some(Hedge {
        samples: 20,
        max_delay: Span::millis(50),
        ..Hedge::default()
    });
    let rig = Rig::with(&file, &[&first, other]);
    until("it is known how long requests take", || async {
        assert_eq!(rig.get("/").await.status, 200);
        rig.counters().routes[0].hedge_delay
    })
    .await;
    told.store(true, SeqCst);
    (rig, first, told)
}

#[tokio::test]
async fn a_second_one_answers_for_one_that_hangs() {
    let other = Backend::start(|_| ok("quick")).await;
    let (rig, _first, _told) = learnt(Act::Hang, &other).await;
    // Which one is asked first is chance.
    until("the one that hangs is asked", || async {
        assert_eq!(rig.get("/").await.body, "quick");
        (rig.counters().routes[0].hedges_won > 0).then_some(())
    })
    .await;
    let route = rig.settled().await;
    assert_eq!((route.failed, route.retries), (0, 0));
    assert!(route.hedges >= route.hedges_won);
}

#[tokio::test]
async fn a_failure_does_not_win_while_another_attempt_lives() {
    let told = Arc::new(AtomicBool::new(false));
    let other = changing(&told, status(503)).await;
    let slow = Act::AnswerAfter(
        Duration::from_millis(200),
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nslow".to_vec(),
    );
    let (rig, _first, _told) = learnt(slow, &other).await;
    told.store(true, SeqCst);
    for _ in 0..10 {
        // Whichever is first, and whatever is tried again after a failure: the slow one answers.
        assert_eq!(rig.get("/").await.body, "slow");
    }
    assert_eq!(rig.settled().await.failed, 0);
}

#[tokio::test]
async fn what_may_not_be_repeated_or_has_a_body_has_one_attempt() {
    let other = Backend::start(|_| ok("quick")).await;
    let slow = Act::AnswerAfter(
        Duration::from_millis(200),
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nslow".to_vec(),
    );
    let (rig, first, _told) = learnt(slow, &other).await;
    let before = rig.settled().await;
    for request in [
        "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
    ] {
        for _ in 0..6 {
            assert_eq!(rig.once(request).await.status, 200);
        }
    }
    let after = rig.settled().await;
    assert_eq!(
        (after.hedges, after.requests),
        (before.hedges, before.requests + 12)
    );
    let seen = first.requests().len() + other.requests().len();
    assert_eq!(seen as u64, after.requests + after.hedges);
}
