//! Packets of membership: what is read is written so that it is read the same, and a node bears whatever comes.
//!
//! The input is packets one after the other, each with a byte for the time that passes before it and one for its
//! length. The head is given, so that they are not all of another cluster.
#![no_main]

use std::net::SocketAddr;
use std::time::Duration;

use ninefold_cluster::membership::wire::{Body, Packet};
use ninefold_cluster::membership::{Config, Membership, Node, NodeId, Status};
use ninefold_core::time::Timestamp;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Ok(packet) = Packet::decode(input, 0) {
        assert_eq!(packet.encode(0), input);
    }
    let addr: SocketAddr = ([10, 0, 0, 1], 7_000).into();
    let node = Node {
        id: NodeId(5),
        name: "n5".into(),
        zone: "a".into(),
        addr,
    };
    let config = Config {
        bytes_per_second: 4_096,
        ..Config::default()
    };
    let mut now = Timestamp::from_secs(1);
    let mut machine = Membership::new(config, node, 3, vec![addr], 1, now);
    let mut rest = input;
    while let [pause, from, len, after @ ..] = rest {
        now = now + Duration::from_millis(u64::from(*pause) * 4);
        let (body, after) = after.split_at(after.len().min(usize::from(*len)));
        rest = after;
        let mut bytes = Packet {
            from: NodeId(u64::from(*from % 8)),
            incarnation: u64::from(*from / 8),
            body: Body::Gossip(Vec::new()),
        }
        .encode(0);
        bytes.truncate(bytes.len() - 2);
        bytes.extend(body);
        if machine.handle_packet(addr, &bytes, now).is_ok() {
            let read = Packet::decode(&bytes, 0).map(|packet| packet.encode(0));
            assert_eq!(read, Ok(bytes));
        }
        machine.handle_timeout(now);
        let mut sent = 0;
        while let Some(transmit) = machine.poll_transmit() {
            assert!(Packet::decode(&transmit.bytes, 0).is_ok());
            sent += transmit.bytes.len();
        }
        assert!(sent <= 4_096);
        while machine.poll_event().is_some() {}
    }
    let own = machine.members().find(|record| record.node.id == NodeId(5));
    assert!(own.is_some_and(|own| own.status == Status::Alive && own.node.addr == addr));
    assert!(machine.poll_timeout().is_some());
});
