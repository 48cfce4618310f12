use proptest::prelude::*;

use super::*;
use crate::membership::{Node, NodeId, Record, Status};

const CLUSTER: u64 = 0x5157_c1a5;

fn record() -> impl Strategy<Value = Record> {
    let status = prop_oneof![Just(Status::Alive), Just(Status::Left), Just(Status::Down)];
    let addr = prop_oneof![
        any::<([u8; 4], u16)>().prop_map(Into::into),
        any::<([u8; 16], u16)>().prop_map(Into::into),
    ];
    (
        any::<u64>(),
        "[a-zß-]{0,16}",
        "[a-z]{0,8}",
        addr,
        any::<(u64, u64, u32)>(),
        status,
    )
        .prop_map(
            |(id, name, zone, addr, (incarnation, nonce, held_secs), status)| Record {
                node: Node {
                    id: NodeId(id),
                    name: name.into(),
                    zone: zone.into(),
                    addr,
                },
                incarnation,
                nonce,
                status,
                held_secs,
            },
        )
}

fn entry() -> impl Strategy<Value = Entry> {
    let value = proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40));
    (any::<(u64, u64, u64, u64, u32)>(), "[a-z/0-9]{0,20}", value).prop_map(
        |((owner, nonce, version, ttl_ms, sum), key, value)| Entry {
            owner: NodeId(owner),
            nonce,
            version,
            key: key.into(),
            value: value.map(Into::into),
            ttl_ms,
            sum,
        },
    )
}

fn cause() -> impl Strategy<Value = Cause> {
    prop_oneof![Just(Cause::Silent), Just(Cause::Lossy), Just(Cause::Ended)]
}

fn update() -> impl Strategy<Value = Update> {
    prop_oneof![
        record().prop_map(Update::Member),
        (any::<(u64, u64, u64, u64, u64, u32)>(), 0u8..8, cause()).prop_map(
            |((s, nonce, incarnation, o, number, c), health, cause)| {
                Update::Accuse {
                    subject: NodeId(s),
                    nonce,
                    incarnation,
                    observer: NodeId(o),
                    number,
                    health,
                    challenge: c,
                    cause,
                }
            }
        ),
        any::<(u64, u64, u64)>().prop_map(|(s, o, number)| Update::Withdraw {
            subject: NodeId(s),
            observer: NodeId(o),
            number,
        }),
        (
            any::<(u64, u64, u64)>(),
            proptest::collection::vec(any::<u32>(), 0..16)
        )
            .prop_map(|((s, nonce, incarnation), challenges)| Update::Refute {
                subject: NodeId(s),
                nonce,
                incarnation,
                challenges,
            }),
        (any::<(u64, u64, u64, u8, u32)>(), cause()).prop_map(
            |((s, nonce, incarnation, observers, strikes), cause)| {
                Update::Down {
                    cause,
                    subject: NodeId(s),
                    nonce,
                    incarnation,
                    observers,
                    strikes,
                }
            }
        ),
        entry().prop_map(Update::Entry),
    ]
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        any::<(u64, u64, bool)>().prop_map(|(seq, target, doubted)| Body::Ping {
            seq,
            target: NodeId(target),
            doubted,
        }),
        any::<(u64, u64, u64)>().prop_map(|(seq, nonce, next_in_ms)| Body::Ack {
            seq,
            nonce,
            next_in_ms,
        }),
        any::<(u64, u64, u64)>().prop_map(|(seq, target, wait_ms)| Body::IndirectPing {
            seq,
            target: NodeId(target),
            wait_ms,
        }),
        any::<(u64, u64, u64)>().prop_map(|(seq, target, nonce)| Body::IndirectAck {
            seq,
            target: NodeId(target),
            nonce,
        }),
        any::<(u64, u64)>().prop_map(|(seq, target)| Body::Nack {
            seq,
            target: NodeId(target),
        }),
        proptest::collection::vec(update(), 0..6).prop_map(Body::Gossip),
        (
            any::<(u64, u64)>(),
            proptest::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 0..20)
        )
            .prop_map(|((first, last), known)| Body::Digest(Digest {
                reply: known.len() % 2 == 0,
                range: Range {
                    first: NodeId(first),
                    last: NodeId(last),
                },
                known: known
                    .into_iter()
                    .map(|(id, i, v)| (NodeId(id), i, Status::Alive, v))
                    .collect(),
            })),
        (
            proptest::collection::vec(record(), 0..4),
            proptest::collection::vec(entry(), 0..4),
            0u64..3
        )
            .prop_map(|(records, entries, left)| Body::Delta(Delta {
                records,
                entries,
                left
            })),
        record().prop_map(Body::Join),
        proptest::collection::vec(any::<(u64, u64, u64)>(), 0..17).prop_map(|ranges| {
            let range = |(first, last, hash)| {
                let (first, last) = (NodeId(first), NodeId(last));
                (Range { first, last }, hash)
            };
            Body::Summary(ranges.into_iter().map(range).collect())
        }),
    ]
}

fn frame() -> impl Strategy<Value = Frame> {
    let known = proptest::collection::btree_map(any::<u64>(), any::<(u64, u64)>(), 0..20);
    let question = known.prop_map(|known| Part::Question {
        range: Range {
            first: NodeId(0),
            last: NodeId(u64::MAX),
        },
        known: known
            .into_iter()
            .map(|(id, (i, v))| (NodeId(id), i, Status::Down, v))
            .collect(),
    });
    let answer = (
        any::<u64>(),
        proptest::collection::vec(record(), 0..60),
        proptest::collection::vec(entry(), 0..70),
    );
    let answer = answer.prop_map(|(last, records, entries)| Part::Answer {
        last: NodeId(last),
        records,
        entries,
    });
    (any::<u64>(), prop_oneof![question, answer]).prop_map(|(from, part)| Frame {
        from: NodeId(from),
        part,
    })
}

proptest! {
    #[test]
    fn what_is_written_on_a_stream_is_read_and_no_shorter_part_of_it(frame in frame(), cut: u16) {
        let bytes = frame.encode(CLUSTER);
        prop_assert_eq!(Frame::decode(&bytes, CLUSTER), Ok(frame));
        prop_assert!(Frame::decode(&bytes[..usize::from(cut) % bytes.len()], CLUSTER).is_err());
        prop_assert_eq!(Frame::decode(&bytes, CLUSTER + 1), Err(WireError::OtherCluster));
        prop_assert!(Frame::decode(&[bytes.as_slice(), &[0]].concat(), CLUSTER).is_err());
    }

    #[test]
    fn what_is_read_from_a_stream_has_one_form(bytes in proptest::collection::vec(any::<u8>(), 0..80), kind in 0u8..4) {
        let head = Packet { from: NodeId(1), incarnation: 1, body: Body::Gossip(Vec::new()) }.encode(CLUSTER);
        let frame = [&head[..17], &[kind], bytes.as_slice()].concat();
        if let Ok(read) = Frame::decode(&frame, CLUSTER) {
            prop_assert_eq!(read.encode(CLUSTER), frame);
        }
    }
}

#[test]
fn a_question_names_members_in_their_order_and_of_its_part() {
    let question = |first, last, ids: [u64; 2]| {
        let range = Range {
            first: NodeId(first),
            last: NodeId(last),
        };
        let known = ids.map(|id| (NodeId(id), 1, Status::Alive, 0)).to_vec();
        let part = Part::Question { range, known };
        let from = NodeId(1);
        Frame::decode(&Frame { from, part }.encode(CLUSTER), CLUSTER)
    };
    let wrong = Err(WireError::Order("members of a question"));
    assert!(question(2, 9, [2, 9]).is_ok());
    for (first, last, ids) in [
        (2, 9, [9, 2]),
        (2, 9, [3, 3]),
        (2, 9, [1, 3]),
        (2, 9, [3, 10]),
    ] {
        assert_eq!(question(first, last, ids), wrong);
    }
    assert_eq!(
        Frame::decode(&vec![1; FRAME_MAX + 1], CLUSTER),
        Err(WireError::TooLong(FRAME_MAX + 1))
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_and_no_shorter_part_of_it(from: u64, incarnation: u64, body in body()) {
        let packet = Packet { from: NodeId(from), incarnation, body };
        let bytes = packet.encode(CLUSTER);
        prop_assert_eq!(Packet::decode(&bytes, CLUSTER), Ok(packet));
        for len in 0..bytes.len() {
            prop_assert!(Packet::decode(&bytes[..len], CLUSTER).is_err());
        }
        prop_assert_eq!(Packet::decode(&bytes, CLUSTER + 1), Err(WireError::OtherCluster));
        let more = [bytes.as_slice(), &[0]].concat();
        prop_assert!(Packet::decode(&more, CLUSTER).is_err());
    }

    #[test]
    fn whatever_is_read_has_one_form(mut bytes in proptest::collection::vec(any::<u8>(), 0..80), kind in 1u8..14) {
        let mut packet = Packet { from: NodeId(1), incarnation: 1, body: Body::Gossip(Vec::new()) }.encode(CLUSTER);
        packet.truncate(packet.len() - 2);
        packet.push(kind);
        packet.append(&mut bytes);
        if let Ok(read) = Packet::decode(&packet, CLUSTER) {
            prop_assert_eq!(read.encode(CLUSTER), packet);
        }
    }
}

proptest! {
    #[test]
    fn one_turned_bit_of_an_entry_is_always_seen(mut entry in entry(), at in any::<(u8, usize)>()) {
        let value = entry.value.as_deref();
        entry.sum = Entry::sum(entry.owner, entry.version, &entry.key, value, entry.ttl_ms);
        prop_assert!(entry.is_whole());
        let (what, bit) = (at.0 % 4, at.1);
        match what {
            0 => entry.owner.0 ^= 1 << (bit % 64),
            1 => entry.version ^= 1 << (bit % 64),
            2 => entry.ttl_ms ^= 1 << (bit % 64),
            _ => {
                let mut value = entry.value.as_deref().unwrap_or_default().to_vec();
                let length = value.len();
                match value.get_mut(bit / 8 % length.max(1)) {
                    Some(byte) => *byte ^= 1 << (bit % 8),
                    None => value.push(0),
                }
                entry.value = Some(value.into());
            }
        }
        prop_assert!(!entry.is_whole());
    }
}

#[test]
fn refusals_say_why() {
    let ping = Packet {
        from: NodeId(1),
        incarnation: 300,
        body: Body::Ping {
            seq: 1,
            target: NodeId(2),
            doubted: false,
        },
    };
    let good = ping.encode(CLUSTER);
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        Packet::decode(&bytes, CLUSTER)
    };
    assert_eq!(with(0, 9), Err(WireError::Version(9)));
    assert_eq!(with(1, 0), Err(WireError::OtherCluster));
    // 300 is ac 02: with 80 00 it would be longer than it has to be.
    assert_eq!(with(18, 0), Err(WireError::Number));
    assert_eq!(with(19, 77), Err(WireError::Unknown(77, "kind of packet")));
    assert_eq!(
        with(19, 7),
        Err(WireError::Truncated),
        "it has a length of 1, and not all of an accusation"
    );
    assert_eq!(
        Packet::decode(&vec![1; PACKET_MAX + 1], CLUSTER),
        Err(WireError::TooLong(PACKET_MAX + 1))
    );
    let mut many = good[..19].to_vec();
    many.extend([7, 0xff, 0x7f]);
    assert_eq!(
        Packet::decode(&many, CLUSTER),
        Err(WireError::TooMany(16_383, "pieces of news"))
    );
}
