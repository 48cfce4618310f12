//! Windows of a service with a capacity, against the model and by hand.

use std::time::Duration;

use proptest::prelude::*;

use super::super::level::{Level, RANKS};
use super::super::{Admission, Cohort, Criticality, Prioritizer, PrioritizerConfig, RequestMeta};
use super::PeerLevel;
use super::state::adjust;
use crate::rng::Rng;
use crate::time::Timestamp;
use crate::units::{Ratio, Span};

/// Requests that the service can begin in a window.
const CAPACITY: u32 = 500;

/// `windows` windows of `offered` requests each; of the last ten, how many of each criticality were
/// offered and let in.
fn run(
    prioritizer: &Prioritizer,
    windows: u64,
    offered: u64,
    request: impl Fn(&mut Rng) -> RequestMeta,
) -> [(u32, u32); 4] {
    let (mut seen, mut rng) = ([(0, 0); 4], Rng::new(3));
    for window in 0..windows {
        let mut admitted = 0;
        for n in 0..offered {
            let now = Timestamp::from_nanos((window * offered + n) * 1_000_000_000 / offered);
            let request = request(&mut rng);
            let let_in = prioritizer.try_acquire(&request, now).is_ok();
            if let_in {
                admitted += 1;
                let queued = if admitted > CAPACITY { 60 } else { 1 };
                prioritizer.observe(Duration::from_millis(queued), now);
            }
            if window + 10 >= windows {
                let (all, inside) = &mut seen[usize::from(request.criticality.rank())];
                *all += 1;
                *inside += u32::from(let_in);
            }
        }
    }
    seen
}

#[test]
fn the_important_come_in_and_the_rest_fills_what_is_left() {
    let prioritizer = Prioritizer::default();
    let seen = run(&prioritizer, 400, 1_000, |rng| RequestMeta {
        criticality: Criticality::ALL[usize::try_from(rng.below(4)).unwrap()],
        cohort: Cohort::of(rng.next_u64(), 0),
        ..RequestMeta::default()
    });
    let share = |n: usize| f64::from(seen[n].1) / f64::from(seen[n].0);
    assert!(share(3) > 0.999 && share(0) < 0.05, "{seen:?}");
    let inside: u32 = seen.iter().map(|(_, inside)| inside).sum();
    // The average crosses 20 ms a little above the capacity.
    assert!((6_000..8_000).contains(&inside), "{inside} of 5000");
}

#[test]
fn traffic_of_one_rank_is_not_switched_on_and_off() {
    let prioritizer = Prioritizer::default();
    let seen = run(&prioritizer, 400, 1_000, |_| RequestMeta::default());
    assert!((6_000..8_000).contains(&seen[2].1), "{seen:?}");
}

#[test]
fn comes_back_when_the_load_is_gone_even_if_nobody_is_let_in() {
    let prioritizer = Prioritizer::default();
    run(&prioritizer, 100, 2_000, |_| RequestMeta::default());
    assert_ne!(prioritizer.level(), Level::ALL);
    let mut now = Timestamp::from_secs(1_000);
    let low = RequestMeta {
        criticality: Criticality::Sheddable,
        ..RequestMeta::default()
    };
    for _ in 0..200 {
        // Each is refused at first, and nothing is ever begun.
        prioritizer.try_acquire(&low, now).ok();
        now = now + Duration::from_secs(1);
    }
    assert_eq!(prioritizer.level(), Level::ALL);
}

#[test]
fn so_many_begun_end_a_window_early() {
    let config = PrioritizerConfig {
        window_requests: 10,
        ..PrioritizerConfig::default()
    };
    let prioritizer = Prioritizer::new(config).unwrap();
    let now = Timestamp::from_secs(1);
    for _ in 0..10 {
        prioritizer
            .try_acquire(&RequestMeta::default(), now)
            .unwrap();
        prioritizer.observe(Duration::from_millis(21), now);
    }
    assert_eq!(prioritizer.level().to_string(), "critical/0/50");
}

#[test]
fn garbage_of_a_peer_changes_nothing() {
    let (peer, now) = (PeerLevel::default(), Timestamp::from_secs(5));
    peer.learn_text("sheddable/3", now);
    peer.learn_text("nonsense", now);
    assert_eq!(peer.level(now).to_string(), "sheddable/3");
    peer.learn_text("all", now);
    assert_eq!(peer.level(now), Level::ALL);
}

#[test]
fn refuses_what_makes_no_sense() {
    let good = PrioritizerConfig::default();
    for (wrong, field) in [
        (
            PrioritizerConfig {
                queueing_max: Span::millis(0),
                ..good
            },
            "queueing_max",
        ),
        (
            PrioritizerConfig {
                window: Span::millis(0),
                ..good
            },
            "window",
        ),
        (
            PrioritizerConfig {
                window_requests: 0,
                ..good
            },
            "window_requests",
        ),
        (
            PrioritizerConfig {
                decrease: Ratio::ONE,
                ..good
            },
            "decrease",
        ),
        (
            PrioritizerConfig {
                increase: Ratio::percent(5),
                ..good
            },
            "increase",
        ),
    ] {
        assert_eq!(Prioritizer::new(wrong).unwrap_err().field, field);
        assert!(Prioritizer::default().reconfigure(wrong).is_err());
    }
    let read: PrioritizerConfig = serde_json::from_str(r#"{"decrease":"10%"}"#).unwrap();
    assert_eq!(
        read,
        PrioritizerConfig {
            decrease: Ratio::percent(10),
            ..good
        }
    );
}

proptest! {
    /// DAGOR's algorithm 1 by walking down a sorted list of requests.
    #[test]
    fn moves_as_a_walk_over_all_requests_would(
        ranks in prop::collection::vec(0usize..RANKS, 1..300),
        cut in 0u32..512_000,
        overloaded in any::<bool>(),
    ) {
        let config = PrioritizerConfig::default();
        let mut counts = [0; RANKS];
        for rank in &ranks {
            counts[*rank] += 1;
        }
        let before = Level::of_bits(cut);
        let admitted = before.admitted_of(&counts.map(f64::from));
        let queueing = Duration::from_millis(if overloaded { 21 } else { 20 });
        let after = adjust(before, &counts, queueing, &config);
        let room = if overloaded { admitted * 0.95 } else { admitted + (admitted * 0.01).max(1.0) };
        let mut sorted = ranks;
        sorted.sort_by_key(|rank| std::cmp::Reverse(*rank));
        let (whole, len) = (room.floor(), sorted.len() as f64);
        if cut == 0 && !overloaded || room >= len {
            prop_assert_eq!(after, Level::ALL);
        } else {
            // The first that finds no room is of the rank that is cut.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 300")]
            let first_out = sorted[whole as usize];
            prop_assert_eq!(after.bits() as usize / 1_000, first_out);
            let inside = after.admitted_of(&counts.map(f64::from));
            prop_assert!((inside - room).abs() <= 0.001 * len + 0.001, "{inside} for {room}");
        }
    }
}
