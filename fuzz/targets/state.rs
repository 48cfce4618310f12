//! States over streams: what is read is written so that it is read the same, whoever asks gets an answer that fits, and
//! one that fetches takes nothing that it did not ask for.
//!
//! The input is pieces one after the other, each with a byte for what it is and two for its length. Heads are given, so
//! that they are not all of another cluster.
#![no_main]

use std::net::SocketAddr;
use std::time::Duration;

use ninefold_cluster::membership::wire::{Body, Delta, FRAME_MAX, Frame, Packet, Part};
use ninefold_cluster::membership::{Config, Membership, Node, NodeId, Status};
use ninefold_core::time::Timestamp;

const SERVER: NodeId = NodeId(4);
const ASKER: NodeId = NodeId(5);

/// Where all of them are.
fn addr() -> SocketAddr {
    ([10, 0, 0, 1], 7_000).into()
}

fn machine(id: NodeId, now: Timestamp) -> Membership {
    let node = Node {
        id,
        name: format!("n{}", id.0).into(),
        zone: "a".into(),
        addr: addr(),
    };
    Membership::new(Config::default(), node, 3, Vec::new(), id.0, now)
}

/// A frame of that one with this behind its head.
fn frame(from: NodeId, body: &[u8]) -> Vec<u8> {
    let part = Part::Answer {
        last: NodeId(0),
        records: Vec::new(),
        entries: Vec::new(),
    };
    let mut bytes = Frame { from, part }.encode(0);
    bytes.truncate(17);
    bytes.extend(body);
    if let Ok(read) = Frame::decode(&bytes, 0) {
        assert_eq!(read.encode(0), bytes);
    }
    bytes
}

/// A packet of that one.
fn packet(from: NodeId, body: &[u8]) -> Vec<u8> {
    let empty = Body::Gossip(Vec::new());
    let (incarnation, body_of) = (4, empty);
    let mut bytes = Packet {
        from,
        incarnation,
        body: body_of,
    }
    .encode(0);
    bytes.truncate(bytes.len() - 2);
    bytes.extend(body);
    bytes
}

/// What the server says first: that it is there, and that there is more than it says.
fn begin(server: &Membership, asker: &mut Membership, now: Timestamp) {
    let delta = Delta {
        records: server.own_record().into_iter().collect(),
        entries: Vec::new(),
        left: 1,
    };
    let begun = Packet {
        from: SERVER,
        incarnation: 4,
        body: Body::Delta(delta),
    };
    let taken = asker.handle_packet(addr(), &begun.encode(0), now);
    assert!(taken.is_ok());
}

fn drain(machine: &mut Membership) {
    while machine.poll_transmit().is_some() {}
    while machine.poll_event().is_some() {}
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Ok(frame) = Frame::decode(input, 0) {
        assert_eq!(frame.encode(0), input);
    }
    let mut now = Timestamp::from_secs(1);
    let (mut server, mut asker) = (machine(SERVER, now), machine(ASKER, now));
    let said = server.set("k", Some(b"v"), Duration::ZERO, now);
    assert!(said.is_ok());
    let mut rest = input;
    while let [what, low, high, after @ ..] = rest {
        let len = usize::from(u16::from_le_bytes([*low, *high]));
        let (body, after) = after.split_at(after.len().min(len));
        rest = after;
        now = now + Duration::from_millis(u64::from(*what));
        begin(&server, &mut asker, now);
        match what % 4 {
            // One asks.
            0 => {
                if let Ok(answer) = server.answer_state(&frame(ASKER, body), now) {
                    assert!(answer.len() <= FRAME_MAX && Frame::decode(&answer, 0).is_ok());
                }
            }
            // One answers, whether asked or not.
            1 => {
                let asked = asker.state_question(now).is_some();
                let taken = asker.take_state(&frame(SERVER, body), now);
                assert!(asked || taken.is_err());
            }
            // All goes as it should.
            2 => {
                for _ in 0..4 {
                    let Some(question) = asker.state_question(now) else {
                        break;
                    };
                    let answer = server.answer_state(&question, now);
                    let taken = answer.map(|answer| asker.take_state(&answer, now));
                    assert!(matches!(taken, Ok(Ok(_))));
                }
            }
            // The server, or the one that asks, hears something.
            _ => {
                let one = if what & 4 == 0 {
                    &mut server
                } else {
                    &mut asker
                };
                if one
                    .handle_packet(addr(), &packet(NodeId(7), body), now)
                    .is_ok()
                {
                    one.handle_timeout(now);
                }
            }
        }
        drain(&mut server);
        drain(&mut asker);
    }
    for (machine, id) in [(&server, SERVER), (&asker, ASKER)] {
        let own = machine.members().find(|record| record.node.id == id);
        assert!(own.is_some_and(|own| own.status == Status::Alive && own.node.addr == addr()));
        assert!(machine.poll_timeout().is_some());
    }
    assert_eq!(server.entry(SERVER, "k"), Some(b"v".as_slice()));
});
