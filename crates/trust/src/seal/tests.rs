//! Packets from one to another, through whoever is between.

use std::time::Duration;

use ninefold_core::time::Timestamp;
use proptest::prelude::*;

use super::header::HEADER;
use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn key(of: u8) -> GossipKey {
    GossipKey::of_bytes([of; 32])
}

fn sealer(own: u64, at: Timestamp) -> Sealer {
    Sealer::new(KeyRing::new(key(1)), own, at).unwrap()
}

fn pair() -> (Sealer, Sealer) {
    (sealer(1, NOW), sealer(2, NOW))
}

fn sealed(by: &mut Sealer, plain: &[u8], at: Timestamp) -> Vec<u8> {
    let mut packet = Vec::new();
    by.seal(plain, at, &mut packet).unwrap();
    packet
}

/// Opens a copy of it.
fn open(by: &mut Sealer, packet: &[u8], at: Timestamp) -> Result<Vec<u8>, OpenError> {
    let mut packet = packet.to_vec();
    let opened = by.open(&mut packet, at)?;
    Ok(packet[opened.range].to_vec())
}

proptest! {
    #[test]
    fn what_is_sealed_is_opened(plain in proptest::collection::vec(any::<u8>(), 0..=PLAIN_MAX)) {
        let (mut from, mut to) = pair();
        let packet = sealed(&mut from, &plain, NOW);
        prop_assert_eq!(packet.len(), plain.len() + OVERHEAD);
        let mut copy = packet.clone();
        let opened = to.open(&mut copy, NOW).unwrap();
        prop_assert_eq!(opened.from, 1);
        prop_assert_eq!(&copy[opened.range], &plain[..]);
        prop_assert_eq!(to.counters().opened, 1);
        if plain.len() >= 16 {
            prop_assert!(!packet.windows(16).any(|part| part == &plain[..16]));
        }
    }

    #[test]
    fn one_bit_more_or_less_is_refused(
        plain in proptest::collection::vec(any::<u8>(), 0..64),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
    ) {
        let (mut from, mut to) = pair();
        let packet = sealed(&mut from, &plain, NOW);
        let mut changed = packet.clone();
        changed[at.index(packet.len())] ^= 1 << bit;
        prop_assert!(open(&mut to, &changed, NOW).is_err());
        prop_assert_eq!(to.counters().refused(), 1);
        prop_assert_eq!(to.remembered(), 0);
        // And the true one counts as if nothing had been.
        prop_assert_eq!(open(&mut to, &packet, NOW), Ok(plain));
    }

    #[test]
    fn whatever_the_order_each_counts_once(
        order in Just((0usize..600).collect::<Vec<_>>()).prop_shuffle(),
        again in proptest::collection::vec(0usize..600, 0..100),
    ) {
        let (mut from, mut to) = pair();
        let packets: Vec<Vec<u8>> = (0..600u32)
            .map(|n| sealed(&mut from, &n.to_be_bytes(), NOW))
            .collect();
        for at in &order {
            prop_assert!(open(&mut to, &packets[*at], NOW).is_ok());
        }
        for at in order.iter().chain(&again) {
            prop_assert_eq!(open(&mut to, &packets[*at], NOW), Err(OpenError::Replayed));
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..1_600)) {
        let mut to = sealer(2, NOW);
        prop_assert!(open(&mut to, &bytes, NOW).is_err());
        let mut aimed = bytes;
        if aimed.len() >= HEADER {
            aimed[0] = 1;
            aimed[1..9].copy_from_slice(&key(1).id().bytes());
        }
        prop_assert!(open(&mut to, &aimed, NOW).is_err());
        prop_assert_eq!(to.remembered(), 0);
    }
}

#[test]
fn every_shorter_one_is_refused_and_a_longer_one_too() {
    let (mut from, mut to) = pair();
    let packet = sealed(&mut from, b"some news", NOW);
    for length in 0..packet.len() {
        assert!(open(&mut to, &packet[..length], NOW).is_err(), "{length}");
    }
    let longer = [packet.as_slice(), &[0]].concat();
    assert_eq!(open(&mut to, &longer, NOW), Err(OpenError::Forged));
    assert_eq!(
        open(&mut to, &[0; 2_000], NOW),
        Err(OpenError::Length(2_000))
    );
    let refused = from.seal(&[0; PLAIN_MAX + 1], NOW, &mut Vec::new());
    assert_eq!(refused, Err(SealError::Length(PLAIN_MAX + 1)));
}

#[test]
fn who_has_another_key_is_not_heard() {
    let (_, mut to) = pair();
    let mut stranger = Sealer::new(KeyRing::new(key(9)), 1, NOW).unwrap();
    let packet = sealed(&mut stranger, b"let me in", NOW);
    assert_eq!(
        open(&mut to, &packet, NOW),
        Err(OpenError::UnknownKey(key(9).id()))
    );
    // The right name of the key does not help.
    let mut named = packet;
    named[1..9].copy_from_slice(&key(1).id().bytes());
    assert_eq!(open(&mut to, &named, NOW), Err(OpenError::Forged));
    let mut other = sealed(&mut sealer(1, NOW), b"x", NOW);
    other[0] = 7;
    assert_eq!(open(&mut to, &other, NOW), Err(OpenError::Version(7)));
}

#[test]
fn what_we_sent_is_not_heard_from_others() {
    let mut node = sealer(1, NOW);
    let packet = sealed(&mut node, b"mine", NOW);
    assert_eq!(open(&mut node, &packet, NOW), Err(OpenError::Reflected));
    assert_eq!(node.counters().reflected, 1);
}

#[test]
fn no_two_processes_seal_alike() {
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let packet = sealed(&mut sealer(1, NOW), b"the same text", NOW);
        assert!(seen.insert(packet[HEADER..].to_vec()));
    }
}

#[test]
fn what_is_older_than_the_window_is_refused() {
    let (mut from, mut to) = pair();
    let packets: Vec<Vec<u8>> = (0..1_100).map(|_| sealed(&mut from, b"x", NOW)).collect();
    assert!(open(&mut to, &packets[1_099], NOW).is_ok());
    // 1,024 counters: the highest one and 1,023 before it.
    assert!(open(&mut to, &packets[1_099 - 1_023], NOW).is_ok());
    let refused = open(&mut to, &packets[1_099 - 1_024], NOW);
    assert_eq!(refused, Err(OpenError::Replayed));
}

#[test]
fn the_old_process_of_a_sender_cannot_be_played_again() {
    let mut to = sealer(2, NOW);
    let mut old = sealer(1, NOW);
    let first = sealed(&mut old, b"old", NOW);
    let late = sealed(&mut old, b"late", NOW);
    let never = sealed(&mut old, b"held back", NOW);
    assert!(open(&mut to, &first, NOW).is_ok());
    // It starts again, three times; what was on its way from the one before still counts.
    let mut then = NOW;
    for start in 0..3 {
        then = then + Duration::from_secs(1);
        let mut next = sealer(1, then);
        let packet = sealed(&mut next, b"new", then);
        assert!(open(&mut to, &packet, then).is_ok());
        assert_eq!(open(&mut to, &packet, then), Err(OpenError::Replayed));
        if start == 0 {
            assert!(open(&mut to, &late, then).is_ok());
        }
    }
    for packet in [&first, &late, &never] {
        assert_eq!(open(&mut to, packet, then), Err(OpenError::Stale));
    }
    assert_eq!(to.remembered(), 1);
}

#[test]
fn who_was_forgotten_cannot_be_played_again() {
    let mut to = sealer(2, NOW);
    to.limit_senders(4, NOW);
    let at = |secs: u64| NOW + Duration::from_secs(secs);
    let packets: Vec<Vec<u8>> = (10..14)
        .map(|id| sealed(&mut sealer(id, NOW), b"x", NOW))
        .collect();
    for packet in &packets {
        assert!(open(&mut to, packet, NOW).is_ok());
    }
    let mut fifth = sealer(20, NOW);
    for secs in [0, 30, 60] {
        let packet = sealed(&mut fifth, b"x", at(secs));
        assert_eq!(open(&mut to, &packet, at(secs)), Err(OpenError::Full));
        assert_eq!(to.remembered(), 4);
    }
    let packet = sealed(&mut fifth, b"x", at(62));
    assert!(open(&mut to, &packet, at(62)).is_ok());
    assert_eq!(to.remembered(), 1);
    for packet in &packets {
        assert_eq!(open(&mut to, packet, at(62)), Err(OpenError::Stale));
    }
    assert_eq!(to.counters().full, 3);
}

#[test]
fn who_comes_back_hears_nothing_of_before() {
    let (mut from, mut to) = pair();
    let at = |millis: u64| NOW + Duration::from_millis(millis);
    let old: Vec<Vec<u8>> = (0..10)
        .map(|n| sealed(&mut from, b"old", at(n * 1_000)))
        .collect();
    for packet in &old {
        assert!(open(&mut to, packet, at(9_000)).is_ok());
    }
    let mut again = sealer(2, at(10_000));
    // Before and after it is known who speaks.
    for _ in 0..2 {
        for packet in &old[..8] {
            assert_eq!(open(&mut again, packet, at(10_100)), Err(OpenError::Stale));
        }
        let packet = sealed(&mut from, b"new", at(10_050));
        assert!(open(&mut again, &packet, at(10_100)).is_ok());
    }
}

#[test]
fn clocks_that_are_off_by_more_than_a_minute_do_not_meet() {
    let after = Duration::from_millis(60_001);
    for (sent, received) in [(NOW, NOW + after), (NOW + after, NOW)] {
        let mut to = sealer(2, NOW - after);
        let packet = sealed(&mut sealer(1, sent), b"x", sent);
        assert_eq!(open(&mut to, &packet, received), Err(OpenError::Stale));
        assert_eq!(to.counters().stale, 1);
    }
}

#[test]
fn who_talks_already_bears_a_clock_that_is_set_back() {
    let (mut from, mut to) = pair();
    let packet = sealed(&mut from, b"x", NOW);
    assert!(open(&mut to, &packet, NOW).is_ok());
    let before = NOW - Duration::from_secs(3_600);
    let after = NOW + Duration::from_secs(300);
    let packet = sealed(&mut from, b"y", before);
    assert!(open(&mut to, &packet, after).is_ok());
}

#[test]
fn a_rotation_loses_no_packet() {
    let (mut one, mut two) = pair();
    let talk = |one: &mut Sealer, two: &mut Sealer| {
        let late = sealed(one, b"on its way", NOW);
        for _ in 0..3 {
            let packet = sealed(one, b"there", NOW);
            assert!(open(two, &packet, NOW).is_ok());
            let packet = sealed(two, b"and back", NOW);
            assert!(open(one, &packet, NOW).is_ok());
        }
        late
    };
    let change = |node: &mut Sealer, how: &dyn Fn(&mut KeyRing)| {
        let mut ring = node.ring().clone();
        how(&mut ring);
        node.set_ring(ring);
    };
    let (old, new) = (key(1).id(), key(2).id());
    let steps: [&dyn Fn(&mut KeyRing); 3] = [
        &|ring| ring.add(key(2)).unwrap(),
        &|ring| ring.make_primary(new).unwrap(),
        &|ring| ring.remove(old).unwrap(),
    ];
    let oldest = talk(&mut one, &mut two);
    for step in steps {
        let before = talk(&mut one, &mut two);
        change(&mut one, step);
        let between = talk(&mut one, &mut two);
        change(&mut two, step);
        assert!(open(&mut two, &before, NOW).is_ok());
        assert!(open(&mut two, &between, NOW).is_ok());
        talk(&mut one, &mut two);
    }
    assert_eq!(one.ring().primary().id(), new);
    assert_eq!((one.counters().refused(), two.counters().refused()), (0, 0));
    let removed = open(&mut two, &oldest, NOW);
    assert_eq!(removed, Err(OpenError::UnknownKey(old)));
}

#[test]
fn a_ring_has_one_to_three_keys() {
    let mut ring = KeyRing::new(key(1));
    ring.add(key(2)).unwrap();
    ring.add(key(2)).unwrap();
    ring.add(key(3)).unwrap();
    assert_eq!(ring.add(key(4)), Err(RingError::Full));
    let gone = key(4).id();
    assert_eq!(ring.make_primary(gone), Err(RingError::Unknown(gone)));
    assert_eq!(ring.remove(gone), Err(RingError::Unknown(gone)));
    let primary = key(1).id();
    assert_eq!(ring.remove(primary), Err(RingError::Primary(primary)));
    let text = serde_json::to_string(&ring).unwrap();
    assert_eq!(serde_json::from_str::<KeyRing>(&text).unwrap(), ring);
    for wrong in ["[]", "[\"AAAA\"]", "[1]"] {
        assert!(serde_json::from_str::<KeyRing>(wrong).is_err(), "{wrong}");
    }
    assert!(!format!("{ring:?}").contains("AQEB"));
}

#[test]
fn when_all_numbers_are_used_another_salt_begins() {
    let (mut from, mut to) = pair();
    let at = |millis: u64| NOW + Duration::from_millis(millis);
    from.set_counter(u64::MAX - 1);
    let last = sealed(&mut from, b"last", at(0));
    let first = sealed(&mut from, b"first", at(1));
    assert_ne!(last[17..33], first[17..33]);
    assert!(open(&mut to, &last, at(1)).is_ok());
    assert!(open(&mut to, &first, at(1)).is_ok());
    assert_eq!(open(&mut to, &last, at(1)), Err(OpenError::Replayed));
}
