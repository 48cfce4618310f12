//! Bound, and not yet accepting.

use ninefold_core::address::Address;
use ninefold_gateway::Gateway;

use crate::backend::{Backend, ok};
use crate::rig::{Plain, Rig, file, until, views};

#[tokio::test]
async fn who_comes_before_the_opening_waits_and_is_served() {
    let backend = Backend::start(|_| ok("hello")).await;
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::hold(&file(), state.path(), Vec::new()).unwrap();
    let mut early = Plain::connect(gateway.addresses()[0].tcp().unwrap()).await;
    early.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(gateway.counters().listeners[0].connections_total, 0);
    gateway.publish(views(&[backend.address]));
    assert_eq!(gateway.counters().listeners[0].connections_total, 0);
    gateway.open();
    assert_eq!(early.answer().await.status, 200);
    gateway.stop();
}

#[tokio::test]
async fn one_that_never_opened_can_be_stopped_and_leaves_its_port() {
    let state = tempfile::tempdir().unwrap();
    let mut file = file();
    let gateway = Gateway::hold(&file, state.path(), Vec::new()).unwrap();
    file.listeners[0].address = gateway.addresses()[0].clone();
    assert!(Gateway::hold(&file, state.path(), Vec::new()).is_err());
    gateway.stop();
    Gateway::hold(&file, state.path(), Vec::new())
        .unwrap()
        .stop();
}

#[tokio::test]
async fn a_port_that_the_system_chose_is_asked_for_again() {
    let state = tempfile::tempdir().unwrap();
    let mut file = file();
    let second = file.listeners[0].clone();
    file.listeners.push(second);
    let ports = |gateway: &Gateway| -> Vec<_> {
        let addresses = gateway.addresses();
        addresses.iter().filter_map(Address::tcp).collect()
    };
    let gateway = Gateway::hold(&file, state.path(), Vec::new()).unwrap();
    let before = ports(&gateway);
    gateway.stop();
    let gateway = Gateway::hold(&file, state.path(), before.clone()).unwrap();
    assert_eq!(ports(&gateway), before);
    // Somebody listens there: others are as good.
    let other = Gateway::hold(&file, state.path(), before.clone()).unwrap();
    assert!(ports(&other).iter().all(|port| !before.contains(port)));
    gateway.stop();
    other.stop();
}

#[tokio::test]
async fn every_thread_says_that_it_knows_what_was_published() {
    let backend = Backend::start(|_| ok("hello")).await;
    let rig = Rig::new(&file());
    for ready in [true, false, true] {
        let mut views = views(&[backend.address]);
        views[0].admitted = ready;
        rig.gateway.publish(views);
        // Idle ones, too.
        until("it is known", || async {
            rig.gateway.is_known().then_some(())
        })
        .await;
        assert_eq!(rig.get("/").await.status == 200, ready);
    }
}
