//! Endpoints whose node is gone while requests wait for them.

use std::time::Duration;

use ninefold_config::model::Span;
use ninefold_core::id::InstanceId;

use crate::backend::{Act, Backend, ok};
use crate::rig::{Rig, file, until, views};

/// Two endpoints, of which the first never answers, and a try may take a minute.
async fn silent_and_good() -> (Rig, Backend, Backend) {
    let silent = Backend::start(|_| Act::Hang).await;
    let good = Backend::start(|_| ok("x")).await;
    let mut file = file();
    let route = &mut file.listeners[0].routes[0];
    (route.timeout, route.try_timeout) = (Span::secs(60), Span::secs(60));
    let rig = Rig::with(&file, &[&silent, &good]);
    (rig, silent, good)
}

/// Sends this until one waits for the silent endpoint.
async fn waiting(rig: &Rig, request: &str) -> crate::rig::Plain {
    until("one that waits", || async {
        let mut client = rig.connect().await;
        client.send(request.as_bytes()).await;
        let answered = tokio::time::timeout(Duration::from_millis(100), client.head()).await;
        answered.is_err().then_some(client)
    })
    .await
}

#[tokio::test]
async fn what_waits_for_one_that_is_gone_is_tried_elsewhere() {
    // Sooner than a request is told of it at all, and later.
    for waits in [Duration::ZERO, Duration::from_millis(400)] {
        let (rig, _silent, good) = silent_and_good().await;
        let mut client = waiting(&rig, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        tokio::time::sleep(waits).await;
        rig.gateway.abandon(&InstanceId::new("app", 0));
        let mut left = views(&[good.address]);
        left[0].instance.ordinal = 1;
        rig.gateway.publish(left);
        let answer = tokio::time::timeout(Duration::from_secs(10), client.answer()).await;
        assert_eq!(answer.unwrap().status, 200);
    }
}

#[tokio::test]
async fn what_may_not_be_sent_again_is_waited_for_and_who_is_back_is_too() {
    let (rig, silent, good) = silent_and_good().await;
    let post = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    let mut posted = waiting(&rig, post).await;
    rig.gateway.abandon(&InstanceId::new("app", 0));
    let pause = Duration::from_millis(700);
    assert!(tokio::time::timeout(pause, posted.head()).await.is_err());
    // It is told of again, so its node is there.
    rig.publish(&[silent.address, good.address]);
    let mut got = waiting(&rig, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(tokio::time::timeout(pause, got.head()).await.is_err());
}
