//! Ninefold's membership bears drawn faults. `cargo xtask soak` runs many seeds more.

use ninefold_sim::soak::Soak;

const SEEDS: u64 = 12;
/// Seeds that found something once: newcomers that took a few accusers for all observers.
const FOUND: [u64; 2] = [38, 443];

#[test]
fn drawn_faults_break_no_invariant() {
    let broken: Vec<String> = (1..=SEEDS)
        .chain(FOUND)
        .filter_map(|seed| {
            let soak = Soak::new(seed, None).unwrap();
            let failure = soak.run().err()?;
            Some(format!(
                "{failure}\ncargo xtask soak --first {seed} --seeds 1\n{}",
                soak.plan
            ))
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_seed_replays() {
    let run = |seed| Soak::new(seed, Some(8)).unwrap().run();
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}
