//! Windows of a service with a capacity, against the model and by hand.

use std::time::Duration;

use proptest::prelude::*;

use super::super::level::{Level, RANKS};
use super::super::{Admission, Cohort, Criticality, Prioritizer, PrioritizerConfig, RequestMeta};
use super::PeerLevel;
use super::state::adjust;
use super::streak::Streak;
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

/// Requests that the service lets wait, in the model below.
const QUEUE: usize = 100;

/// A service that begins `CAPACITY` requests a second of those let in, first come, first served,
/// and `rates` requests in each second. How many were offered and begun in each second, of the
/// critical (one in twenty) and in all.
fn serve(prioritizer: &Prioritizer, rates: &[u64]) -> Vec<[(u32, u32); 2]> {
    let (mut queue, mut rng) = (std::collections::VecDeque::new(), Rng::new(4));
    let step = 1_000_000_000 / u64::from(CAPACITY);
    let (mut next_begins, mut seconds) = (0, Vec::new());
    for (second, rate) in (0u64..).zip(rates) {
        let mut seen = [(0, 0); 2];
        for n in 0..*rate {
            let now = second * 1_000_000_000 + n * 1_000_000_000 / rate;
            while next_begins <= now {
                if let Some((arrived, critical)) = queue.pop_front() {
                    let queued = Duration::from_nanos(next_begins - arrived);
                    prioritizer.observe(queued, Timestamp::from_nanos(next_begins));
                    seen[0].1 += u32::from(critical);
                    seen[1].1 += 1;
                    next_begins += step;
                } else {
                    next_begins = now;
                    break;
                }
            }
            let critical = rng.below(20) == 0;
            let request = RequestMeta {
                criticality: if critical {
                    Criticality::Critical
                } else {
                    Criticality::Sheddable
                },
                cohort: Cohort::of(rng.next_u64(), 0),
                ..RequestMeta::default()
            };
            seen[0].0 += u32::from(critical);
            seen[1].0 += 1;
            let let_in = prioritizer
                .try_acquire(&request, Timestamp::from_nanos(now))
                .is_ok();
            if let_in && queue.len() < QUEUE {
                queue.push_back((now, critical));
            }
        }
        seconds.push(seen);
    }
    seconds
}

/// By DAGOR's steps alone it would take 45 windows, and the important would be refused in them.
#[test]
fn a_tenfold_load_is_cut_to_size_within_ten_windows() {
    let prioritizer = Prioritizer::default();
    let seconds = serve(&prioritizer, &[10 * u64::from(CAPACITY); 30]);
    let sum = |which: usize| {
        let (offered, begun) = seconds[10..].iter().fold((0, 0), |sum, second| {
            (sum.0 + second[which].0, sum.1 + second[which].1)
        });
        (f64::from(offered), f64::from(begun))
    };
    let ((critical, answered), (_, all)) = (sum(0), sum(1));
    assert!(answered >= 0.98 * critical, "{seconds:?}");
    assert!(all >= 0.9 * 20.0 * f64::from(CAPACITY), "{seconds:?}");
}

/// By 1 % a window it would take five times as long.
#[test]
fn after_an_overload_all_are_let_in_again_within_a_minute() {
    let rate = u64::from(CAPACITY);
    let overloaded = Prioritizer::default();
    serve(&overloaded, &[10 * rate; 20]);
    assert_ne!(overloaded.level(), Level::ALL);
    let rates = [
        [10 * rate; 20],
        [rate / 2; 20],
        [rate / 2; 20],
        [rate / 2; 20],
    ]
    .concat();
    let prioritizer = Prioritizer::default();
    let seconds = serve(&prioritizer, &rates);
    assert_eq!(prioritizer.level(), Level::ALL, "{seconds:?}");
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
        let streak = Streak::default().and(overloaded);
        let after = adjust(before, &counts, u32::MAX, streak, &config);
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
