//! What sealing and opening a packet costs: `cargo run --release -p ninefold-trust --example seal_cost`.

#![expect(clippy::print_stdout, reason = "it says what it measured")]

use std::time::{Duration, Instant};

use ninefold_core::time::Timestamp;
use ninefold_trust::NoRandom;
use ninefold_trust::seal::{GossipKey, KeyRing, OVERHEAD, Sealer};

const PACKETS: u32 = 100_000;

fn main() -> Result<(), NoRandom> {
    println!("{OVERHEAD} bytes more a packet; nanoseconds a packet, of {PACKETS}:");
    for length in [50, 200, 1_200] {
        measure(length)?;
    }
    Ok(())
}

fn measure(length: usize) -> Result<(), NoRandom> {
    let now = Timestamp::from_secs(1_800_000_000);
    let ring = KeyRing::new(GossipKey::generate()?);
    let mut from = Sealer::new(ring.clone(), 1, now)?;
    let mut to = Sealer::new(ring, 2, now)?;
    let mut packets: Vec<Vec<u8>> = (0..PACKETS).map(|_| Vec::with_capacity(1_500)).collect();
    let plain = vec![7; length];
    let sealed = time(&mut packets, |packet| {
        from.seal(&plain, now, packet).is_ok()
    });
    let mut changed: Vec<Vec<u8>> = packets.clone();
    for byte in changed.iter_mut().filter_map(|packet| packet.last_mut()) {
        *byte ^= 1;
    }
    // Before it knows the sender, it has to derive the key of each.
    let forged = time(&mut changed, |packet| to.open(packet, now).is_err());
    let mut again = packets.clone();
    let opened = time(&mut packets, |packet| to.open(packet, now).is_ok());
    let replayed = time(&mut again, |packet| to.open(packet, now).is_err());
    println!(
        "{length:>5} bytes: seal {sealed}, open {opened}, forged {forged}, replayed {replayed}"
    );
    Ok(())
}

/// Nanoseconds of one.
fn time(packets: &mut [Vec<u8>], mut each: impl FnMut(&mut Vec<u8>) -> bool) -> u128 {
    let start = Instant::now();
    let done = packets
        .iter_mut()
        .filter_map(|packet| each(packet).then_some(()))
        .count();
    let spent: Duration = start.elapsed();
    assert_eq!(done, packets.len(), "each is as expected");
    spent.as_nanos() / u128::from(PACKETS)
}
