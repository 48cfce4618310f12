//! What is done to a call.

use std::time::Duration;

use ninefold_core::rng::Rng;
use ninefold_core::units::Ratio;

use super::ChaosConfig;

/// What is done to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) delay: Option<Duration>,
    pub(super) then: Then,
}

/// What becomes of the call after its delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It is made.
    Call,
    /// It fails.
    Fault,
    /// It gets an answer from elsewhere.
    Outcome,
}

/// The plan for the call `number`. Each share is drawn by itself, whatever the others are, so that
/// changing one leaves the calls alone that the others met.
pub(super) fn plan(config: &ChaosConfig, number: u64) -> Plan {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut rng = Rng::new(config.seed ^ mixed.rotate_left(32));
    let [fault, latency, outcome] =
        [config.fault, config.latency, config.outcome].map(|share| draws(&mut rng, share));
    let delay = config.delay.0 + rng.jitter(config.jitter.0);
    Plan {
        delay: latency.then_some(delay),
        then: match (fault, outcome) {
            (true, _) => Then::Fault,
            (false, true) => Then::Outcome,
            (false, false) => Then::Call,
        },
    }
}

fn draws(rng: &mut Rng, share: Ratio) -> bool {
    rng.below(Ratio::ONE.parts_per_billion()) < share.parts_per_billion()
}

#[cfg(test)]
mod tests {
    use ninefold_core::units::Span;

    use super::*;

    fn config(seed: u64) -> ChaosConfig {
        ChaosConfig {
            enabled: true,
            seed,
            fault: Ratio::percent(20),
            latency: Ratio::percent(30),
            delay: Span::millis(50),
            jitter: Span::millis(10),
            outcome: Ratio::percent(50),
        }
    }

    #[test]
    fn the_seed_and_the_number_decide() {
        let plans = |seed| (0..64).map(|n| plan(&config(seed), n)).collect::<Vec<_>>();
        assert_eq!(plans(7), plans(7));
        assert_ne!(plans(7), plans(8));
    }

    #[test]
    fn shares_are_met_and_delays_are_in_range() {
        const CALLS: usize = 20_000;
        let plans: Vec<Plan> = (0..CALLS as u64).map(|n| plan(&config(1), n)).collect();
        let share =
            |of: &dyn Fn(&Plan) -> bool| plans.iter().filter(|p| of(p)).count() * 100 / CALLS;
        assert!((19..=21).contains(&share(&|p| p.then == Then::Fault)));
        assert!((29..=31).contains(&share(&|p| p.delay.is_some())));
        assert!(
            (39..=41).contains(&share(&|p| p.then == Then::Outcome)),
            "of the rest"
        );
        let delays: Vec<Duration> = plans.iter().filter_map(|p| p.delay).collect();
        let range = Duration::from_millis(50)..=Duration::from_millis(60);
        assert!(delays.iter().all(|delay| range.contains(delay)));
        assert_ne!(delays.iter().min(), delays.iter().max());
    }

    #[test]
    fn one_share_does_not_move_another() {
        let other = ChaosConfig {
            fault: Ratio::percent(90),
            ..config(3)
        };
        for number in 0..1_000 {
            assert_eq!(plan(&config(3), number).delay, plan(&other, number).delay);
        }
        for (share, then) in [(Ratio::ONE, Then::Fault), (Ratio::percent(0), Then::Call)] {
            let all = ChaosConfig {
                fault: share,
                outcome: Ratio::percent(0),
                ..config(3)
            };
            assert!((0..1_000).all(|number| plan(&all, number).then == then));
        }
    }
}
