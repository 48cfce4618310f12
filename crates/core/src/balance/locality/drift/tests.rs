use proptest::prelude::*;

use super::*;
use crate::ejection::bucket;

const WHOLE: Reach = Reach {
    even: 0.1,
    able: 1.0,
};

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// How often a share turns round.
fn turns(shares: &[f64]) -> usize {
    let moves: Vec<f64> = shares.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let moves: Vec<f64> = moves.into_iter().filter(|by| by.abs() > 1e-9).collect();
    moves
        .windows(2)
        .filter(|pair| pair[0] * pair[1] < 0.0)
        .count()
}

/// Two zones as queues: near is 10 ms and far 12 ms when idle, and both get slower with load.
struct Zones {
    drift: Drift,
    near: Tally,
    others: Tally,
    reach: Reach,
}

impl Zones {
    fn new() -> Self {
        Self {
            drift: Drift::default(),
            near: Tally::default(),
            others: Tally::default(),
            reach: WHOLE,
        }
    }

    /// One look under a load, as a share of what the near zone can do.
    fn look(&mut self, load: f64) -> f64 {
        let share = self.drift.near_max();
        let took = |idle_ms: f64, load: f64| {
            Duration::from_secs_f64(idle_ms / 1e3 / (1.0 - load.min(0.98)))
        };
        // Of a thousand requests a look.
        for n in 0..1_000 {
            let (tally, took) = if f64::from(n) < share * 1_000.0 {
                (&mut self.near, took(10.0, load * share))
            } else {
                (&mut self.others, took(12.0, load * (1.0 - share) / 2.0))
            };
            tally.answers[bucket(took)] += 1;
        }
        self.drift
            .look(self.reach, self.near.clone(), self.others.clone())
    }

    fn looks(&mut self, count: usize, load: f64) -> Vec<f64> {
        (0..count).map(|_| self.look(load)).collect()
    }
}

#[test]
fn a_calm_zone_keeps_everything() {
    let mut zones = Zones::new();
    assert!(zones.looks(200, 0.5).iter().all(|share| near(*share, 1.0)));
}

#[test]
fn an_overloaded_zone_gives_some_away_and_takes_it_back() {
    let mut zones = Zones::new();
    zones.looks(20, 0.5);
    let busy = zones.looks(120, 1.4);
    let settled = &busy[60..];
    let least = settled.iter().copied().fold(1.0f64, f64::min);
    let most = settled.iter().copied().fold(0.0f64, f64::max);
    // 1.4 times what it can do: less than 71 % may stay, and the others take what they can.
    assert!(most < 0.71 && least > 0.3, "{least} to {most}");
    assert!(turns(settled) <= 4, "{settled:?}");
    assert!(near(*zones.looks(120, 0.4).last().unwrap(), 1.0));
}

#[test]
fn what_is_slow_everywhere_moves_little() {
    let mut zones = Zones::new();
    zones.looks(20, 0.3);
    let mut least = 1.0f64;
    for _ in 0..100 {
        let share = zones.drift.near_max();
        for n in 0..1_000 {
            let here = f64::from(n) < share * 1_000.0;
            let tally = if here {
                &mut zones.near
            } else {
                &mut zones.others
            };
            tally.answers[bucket(Duration::from_millis(300))] += 1;
        }
        let (near, others) = (zones.near.clone(), zones.others.clone());
        least = least.min(zones.drift.look(WHOLE, near, others));
    }
    assert!(least > 0.5, "{least}");
}

#[test]
fn lost_health_moves_traffic_at_once_and_it_returns_slowly() {
    let mut zones = Zones::new();
    zones.looks(10, 0.3);
    zones.reach.able = 0.4;
    assert!(near(zones.look(0.3), 0.4));
    zones.reach.able = 1.0;
    let back = zones.looks(20, 0.3);
    assert!(back[0] < 0.5 && near(back[19], 1.0), "{back:?}");
    assert!(back.windows(2).all(|w| w[1] >= w[0] && w[1] - w[0] < 0.06));
}

/// An endpoint that comes and goes moves no more than what it cannot take, and brings nothing back
/// between.
#[test]
fn a_flapping_endpoint_moves_the_share_once() {
    let mut zones = Zones::new();
    zones.looks(10, 0.3);
    let mut shares = Vec::new();
    for n in 0..40 {
        zones.reach.able = if n % 2 == 0 { 0.5 } else { 1.0 };
        shares.push(zones.look(0.3));
    }
    assert!(
        shares.iter().all(|share| (0.5..0.56).contains(share)),
        "{shares:?}"
    );
}

#[test]
fn who_starts_takes_at_once_what_it_can() {
    let mut zones = Zones::new();
    zones.reach = Reach {
        even: 0.0,
        able: 0.0,
    };
    assert!(near(zones.look(0.3), 0.0));
    zones.reach = Reach {
        even: 0.2,
        able: 0.7,
    };
    assert!(near(zones.look(0.3), 0.7));
    zones.reach = WHOLE;
    assert!(near(zones.look(0.3), 1.0));
}

#[test]
fn what_is_known_goes_on_where_counts_begin_anew() {
    let mut zones = Zones::new();
    zones.looks(20, 0.5);
    let busy = *zones.looks(40, 1.4).last().unwrap();
    zones.drift = zones.drift.carried();
    (zones.near, zones.others) = Default::default();
    let next = zones.look(1.4);
    assert!((next - busy).abs() < 0.11, "{busy} then {next}");
}

proptest! {
    #[test]
    fn what_stays_is_within_its_reach(
        looks in prop::collection::vec((0.0f64..1.0, 0.0f64..1.0, 1u64..2_000, 1u64..2_000), 1..60),
    ) {
        let mut drift = Drift::default();
        let (mut here, mut others) = (Tally::default(), Tally::default());
        for (even, able, near_ms, far_ms) in looks {
            here.answers[bucket(Duration::from_millis(near_ms))] += 50;
            others.answers[bucket(Duration::from_millis(far_ms))] += 50;
            let reach = Reach { even: even * able, able };
            let most = drift.look(reach, here.clone(), others.clone());
            prop_assert!((reach.even..=able).contains(&most));
        }
    }

    /// On a constant input it moves one way and stays, but for what it takes for normal with time.
    #[test]
    fn a_constant_input_never_makes_it_oscillate(
        even in 0.0f64..0.5,
        able in 0.5f64..=1.0,
        near_ms in 1u64..2_000,
        far_ms in prop::option::of(1u64..2_000),
    ) {
        let mut drift = Drift::default();
        let (mut here, mut others) = (Tally::default(), Tally::default());
        let shares: Vec<f64> = (0..400)
            .map(|_| {
                here.answers[bucket(Duration::from_millis(near_ms))] += 50;
                if let Some(far_ms) = far_ms {
                    others.answers[bucket(Duration::from_millis(far_ms))] += 50;
                }
                drift.look(Reach { even, able }, here.clone(), others.clone())
            })
            .collect();
        prop_assert!(turns(&shares) <= 1, "{:?}", shares);
        prop_assert!(turns(&shares[200..]) == 0, "{:?}", shares);
    }
}
