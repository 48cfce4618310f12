//! Sealed gossip: no bytes are opened that nobody sealed, and what is opened was not opened before.
//!
//! The input is steps of three bytes: what is done, to which packet, and how much. After a zero the rest of it is a
//! packet itself.
#![no_main]

use std::collections::HashSet;
use std::time::Duration;

use ninefold_core::time::Timestamp;
use ninefold_trust::seal::{GossipKey, KeyRing, Sealer};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut now = Timestamp::from_secs(1_800_000_000);
    let key = |of| GossipKey::of_bytes([of; 32]);
    let sealer = |own, now| Sealer::new(KeyRing::new(key(1)), own, now).expect("random bytes");
    let mut to = sealer(9, now);
    let mut senders = [sealer(1, now), sealer(2, now), sealer(3, now)];
    let mut packets: Vec<Vec<u8>> = Vec::new();
    let mut opened = HashSet::new();
    let mut rest = input;
    while let [what, which, by, after @ ..] = rest {
        rest = after;
        let sender = &mut senders[usize::from(*which) % 3];
        match what % 8 {
            0 => {
                assert!(to.open(&mut rest.to_vec(), now).is_err());
                break;
            }
            1 => {
                let mut packet = Vec::new();
                let plain = (packets.len() as u64).to_be_bytes();
                sender.seal(&plain, now, &mut packet).expect("it is short");
                packets.push(packet);
            }
            2 => now = now + Duration::from_millis(u64::from(*by) * 400),
            3 => now = now - Duration::from_millis(u64::from(*by) * 400),
            // A process that starts again, of the sender or of the one who listens.
            4 => *sender = sealer(u64::from(*which) % 3 + 1, now),
            5 => {
                let mut ring = to.ring().clone();
                if ring.add(key(*by)).is_err() {
                    _ = ring.remove(key(*which).id());
                }
                _ = ring.make_primary(key(*by).id());
                to.set_ring(ring.clone());
                sender.set_ring(ring);
            }
            6 if !packets.is_empty() => {
                let mut changed = packets[usize::from(*which) % packets.len()].clone();
                let at = usize::from(*by) % (changed.len() + 1);
                match changed.get_mut(at) {
                    Some(byte) => *byte ^= 1 << (which % 8),
                    None => changed.push(0),
                }
                assert!(to.open(&mut changed, now).is_err());
            }
            7 if !packets.is_empty() => {
                let at = usize::from(*which) % packets.len();
                let mut packet = packets[at].clone();
                if let Ok(text) = to.open(&mut packet, now) {
                    assert_eq!(packet[text.range], (at as u64).to_be_bytes());
                    assert!(opened.insert(at), "it counted twice");
                }
            }
            _ => {}
        }
    }
    let counters = to.counters();
    assert_eq!(counters.opened, opened.len() as u64);
});
