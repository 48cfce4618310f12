//! Connections that a node makes to its own listeners.

use std::time::Duration;

use ninefold_config::model::{File, Protocol};
use ninefold_core::address::Address;
use ninefold_gateway::{Gateway, Succession};
use tokio::time::timeout;

use crate::backend::{Backend, ok};
use crate::rig::{DEADLINE, Plain, file, views};

/// One HTTP listener, one that awaits the PROXY protocol, one for TCP.
fn three() -> File {
    let mut file = file();
    let mut proxied = file.listeners[0].clone();
    proxied.proxy_protocol = true;
    let mut tcp = file.listeners[0].clone();
    tcp.protocol = Protocol::Tcp;
    file.listeners.extend([proxied, tcp]);
    file
}

#[tokio::test]
async fn each_listener_accepts_them_and_counts_none() {
    let backend = Backend::start(|_| ok("hello")).await;
    let state = tempfile::tempdir().unwrap();
    let all = Succession::new(Gateway::start(&three(), state.path()).unwrap());
    all.publish(views(&[backend.address]));
    let (knocks, threads) = all.knocks();
    assert_eq!(threads, 2);
    let addresses: Vec<_> = all.addresses().iter().filter_map(Address::tcp).collect();
    assert_eq!(addresses.len(), 3);
    for address in &addresses {
        for _ in 0..8 {
            let knocked = timeout(DEADLINE, knocks.knock(*address)).await;
            knocked.unwrap().unwrap();
        }
    }
    let counters = all.counters();
    for listener in &counters.listeners {
        assert_eq!(listener.connections_total, 0, "{listener:?}");
        assert_eq!(listener.handshakes_failed, 0, "{listener:?}");
    }
    assert_eq!(backend.requests().len(), 0);
    // Clients are served, and counted.
    let mut client = Plain::connect(addresses[0]).await;
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
    assert_eq!(all.counters().listeners[0].connections_total, 1);
    all.halt();
}

#[tokio::test]
async fn one_waits_where_the_kernel_connects_and_nobody_accepts() {
    let state = tempfile::tempdir().unwrap();
    let held = Gateway::hold(&file(), state.path(), Vec::new()).unwrap();
    let all = Succession::new(held);
    let address = all.addresses()[0].tcp().unwrap();
    let (knocks, _) = all.knocks();
    let first = knocks.clone();
    let waiting = tokio::spawn(async move { first.knock(address).await });
    // Long enough for any loopback; nobody accepts before it is opened.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    all.open();
    timeout(DEADLINE, waiting).await.unwrap().unwrap().unwrap();
    all.halt();
    drop(all);
    let refused = timeout(DEADLINE, knocks.knock(address)).await.unwrap();
    assert!(refused.is_err(), "{refused:?}");
}
