//! What the fuzzer of packets begins with. The files follow the wire's form: `UPDATE_EXPECT=1` rewrites them.

use std::path::Path;

use super::*;
use crate::membership::{Node, NodeId, Record, Status};

fn record(id: u64, incarnation: u64, status: Status) -> Record {
    let node = Node {
        id: NodeId(id),
        name: format!("n{id}").into(),
        zone: if id.is_multiple_of(2) { "a" } else { "b" }.into(),
        addr: ([10, 0, 0, 1], 7_000 + u16::try_from(id).unwrap()).into(),
    };
    Record {
        node,
        incarnation,
        nonce: id * 10,
        status,
        held_secs: if status == Status::Down { 30 } else { 0 },
    }
}

fn member(id: u64) -> Update {
    Update::Member(record(id, 1, Status::Alive))
}

fn accusation(subject: u64, observer: u64, cause: Cause) -> Update {
    Update::Accuse {
        subject: NodeId(subject),
        nonce: subject * 10,
        incarnation: 1,
        observer: NodeId(observer),
        number: 7,
        health: 0,
        challenge: 5,
        cause,
    }
}

fn entry(owner: u64, version: u64) -> Entry {
    let (owner, key) = (NodeId(owner), format!("i/web/{version}"));
    let value = (!version.is_multiple_of(3)).then_some(b"{}".as_slice());
    Entry {
        owner,
        nonce: owner.0 * 10,
        version,
        value: value.map(Into::into),
        ttl_ms: 0,
        sum: Entry::sum(owner, version, &key, value, 0),
        key: key.into(),
    }
}

/// Packets in the form of the target: the pause before each in 4 ms, its sender, the length of its body, and that.
fn packets(said: Vec<(u8, u64, Body)>) -> Vec<u8> {
    let encode = |from, body| {
        let packet = Packet {
            from: NodeId(from),
            incarnation: 1,
            body,
        };
        packet.encode(0)
    };
    let head = encode(1, Body::Gossip(Vec::new())).len() - 2;
    let mut all = Vec::new();
    for (pause, from, body) in said {
        let bytes = encode(from, body);
        assert!(Packet::decode(&bytes, 0).is_ok());
        let body = &bytes[head..];
        let from = u8::try_from(from).unwrap() + 8;
        all.extend([pause, from, u8::try_from(body.len()).unwrap()]);
        all.extend(body);
    }
    all
}

fn all_there() -> Vec<(u8, u64, Body)> {
    let join = (0, 1, Body::Join(record(1, 1, Status::Alive)));
    let news = [2, 3, 4].map(|id| (1, 1, Body::Gossip(vec![member(id)])));
    [join].into_iter().chain(news).collect()
}

fn with(more: Vec<(u8, u64, Body)>) -> Vec<u8> {
    packets(all_there().into_iter().chain(more).collect())
}

fn questions() -> Vec<u8> {
    let (seq, target, nonce) = (9, NodeId(5), 20);
    let doubted = true;
    with(vec![
        (
            1,
            2,
            Body::Ping {
                seq,
                target,
                doubted,
            },
        ),
        (
            1,
            2,
            Body::Ack {
                seq: 1,
                nonce,
                next_in_ms: 400,
            },
        ),
        (
            1,
            3,
            Body::IndirectPing {
                seq,
                target: NodeId(2),
                wait_ms: 90,
            },
        ),
        (
            1,
            3,
            Body::IndirectAck {
                seq: 2,
                target: NodeId(2),
                nonce,
            },
        ),
        (
            1,
            3,
            Body::Nack {
                seq: 3,
                target: NodeId(2),
            },
        ),
    ])
}

fn conviction() -> Vec<u8> {
    let gossip = |update| Body::Gossip(vec![update]);
    let down = Update::Down {
        subject: NodeId(4),
        nonce: 40,
        incarnation: 1,
        observers: 3,
        cause: Cause::Silent,
        strikes: 2,
    };
    let refuted = Update::Refute {
        subject: NodeId(3),
        nonce: 30,
        incarnation: 2,
        challenges: vec![5],
    };
    let withdrawn = Update::Withdraw {
        subject: NodeId(3),
        observer: NodeId(2),
        number: 8,
    };
    with(vec![
        (200, 1, gossip(accusation(4, 1, Cause::Silent))),
        (1, 2, gossip(accusation(4, 2, Cause::Silent))),
        (1, 3, gossip(accusation(4, 3, Cause::Ended))),
        (1, 2, gossip(accusation(3, 2, Cause::Lossy))),
        (1, 3, gossip(refuted)),
        (1, 2, gossip(withdrawn)),
        (50, 1, gossip(accusation(5, 1, Cause::Silent))),
        (100, 2, gossip(down)),
        (200, 4, gossip(Update::Member(record(4, 2, Status::Alive)))),
        (9, 3, gossip(Update::Member(record(3, 1, Status::Left)))),
    ])
}

fn comparison() -> Vec<u8> {
    let range = Range {
        first: NodeId(0),
        last: NodeId(u64::MAX),
    };
    let known = [1, 2, 5].map(|id| (NodeId(id), 1, Status::Alive, 2));
    let digest = |reply| Digest {
        reply,
        range,
        known: known.to_vec(),
    };
    let delta = Delta {
        records: vec![record(6, 1, Status::Down)],
        entries: vec![entry(2, 1), entry(2, 2), entry(2, 3)],
        left: 900,
    };
    with(vec![
        (250, 2, Body::Summary(vec![(range, 77)])),
        (1, 2, Body::Digest(digest(false))),
        (1, 3, Body::Digest(digest(true))),
        (1, 2, Body::Delta(delta)),
        (1, 2, Body::Gossip(vec![Update::Entry(entry(2, 4))])),
    ])
}

/// Pieces in the form of the target: what each is, its length, and what is behind its head.
fn pieces(said: Vec<(u8, Part)>) -> Vec<u8> {
    let mut all = Vec::new();
    for (what, part) in said {
        let from = NodeId(4);
        let bytes = Frame { from, part }.encode(0);
        assert!(Frame::decode(&bytes, 0).is_ok());
        let body = &bytes[17..];
        all.push(what);
        all.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
        all.extend(body);
    }
    all
}

fn question(known: &[u64]) -> Part {
    let range = Range {
        first: NodeId(0),
        last: NodeId(u64::MAX),
    };
    let known = known.iter().map(|id| (NodeId(*id), 1, Status::Alive, 1));
    let known = known.collect();
    Part::Question { range, known }
}

fn answer(last: u64, ids: &[u64]) -> Part {
    Part::Answer {
        last: NodeId(last),
        records: ids.iter().map(|id| record(*id, 4, Status::Alive)).collect(),
        entries: ids.iter().map(|id| entry(*id, 1)).collect(),
    }
}

#[test]
fn the_fuzzer_of_streams_begins_with_frames() {
    let (end, honest) = (u64::MAX, 2);
    kept(
        "state",
        [
            (
                "asked",
                pieces(vec![(0, question(&[])), (0, question(&[4, 5]))]),
            ),
            (
                "answered",
                pieces(vec![(1, answer(6, &[4, 6])), (1, answer(end, &[7, 8, 9]))]),
            ),
            (
                "honest",
                pieces(vec![(honest, question(&[])), (1, answer(end, &[5, 6]))]),
            ),
        ],
    );
}

#[test]
fn the_fuzzer_begins_with_packets() {
    kept(
        "gossip",
        [
            ("joined", packets(all_there())),
            ("questions", questions()),
            ("accused", conviction()),
            ("compared", comparison()),
        ],
    );
}

/// The seeds of a target are these.
fn kept<const N: usize>(target: &str, seeds: [(&str, Vec<u8>); N]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    for (name, seed) in seeds {
        let path = folder.join(target).join(name);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, &seed).unwrap();
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(kept == seed, "{} is of another form", path.display());
    }
}
