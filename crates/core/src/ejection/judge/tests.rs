//! Pools that differ, and pools that do not.

use proptest::prelude::*;

use super::super::bucket;
use super::super::health::tests::RULES;
use super::*;

const PEERS: EjectionRules = EjectionRules {
    latency: Some(LatencyRules {
        factor: 3.0,
        samples: 5,
    }),
    success: Some(SuccessRules {
        below: 0.8,
        samples: 10,
    }),
    ..RULES
};

/// A pool whose endpoints answer `count` times a look in so many milliseconds, and fail so
/// often.
struct Pool {
    judge: Judge<usize>,
    tallies: Vec<Tally>,
    out: Vec<bool>,
}

impl Pool {
    fn new(size: usize) -> Self {
        Self {
            judge: Judge::default(),
            tallies: vec![Tally::default(); size],
            out: vec![false; size],
        }
    }

    fn look(&mut self, answers: &[(u64, u64, u64)]) -> Judgement {
        for (tally, (count, ms, failures)) in self.tallies.iter_mut().zip(answers) {
            tally.attempts += count + failures;
            tally.failures += failures;
            tally.answers[bucket(Duration::from_millis(*ms))] += count;
        }
        let looks = self.tallies.iter().enumerate().map(|(key, tally)| Look {
            key,
            tally: tally.clone(),
            in_rotation: !self.out[key],
        });
        self.judge.look(looks.collect(), &PEERS)
    }

    /// Who is convicted within so many looks.
    fn convicted(&mut self, looks: usize, answers: &[(u64, u64, u64)]) -> Vec<usize> {
        for _ in 0..looks {
            let judgement = self.look(answers);
            if !judgement.convicted.is_empty() {
                return judgement.convicted.iter().map(|(who, _)| *who).collect();
            }
        }
        Vec::new()
    }
}

#[test]
fn one_slow_of_three_is_convicted_and_says_why() {
    let mut pool = Pool::new(3);
    assert!(pool.look(&[(0, 0, 0); 3]).convicted.is_empty());
    let slow = [(50, 10, 0), (50, 12, 0), (5, 100, 0)];
    assert!(pool.look(&slow).convicted.is_empty(), "seen only once");
    let judgement = pool.look(&slow);
    let [(2, conviction)] = judgement.convicted[..] else {
        panic!("{judgement:?}")
    };
    let text = conviction.to_string();
    assert!(text.starts_with("slow beside its peers: "), "{text}");
    let limit = judgement.slow_above.unwrap();
    assert!((30..40).contains(&limit.as_millis()), "{limit:?}");
}

#[test]
fn nobody_is_convicted_when_all_or_most_slow_down() {
    let mut pool = Pool::new(3);
    assert!(pool.convicted(20, &[(50, 10, 0); 3]).is_empty());
    assert!(pool.convicted(20, &[(50, 200, 0); 3]).is_empty());
    let most = [(50, 10, 0), (50, 200, 0), (50, 200, 0)];
    assert!(Pool::new(3).convicted(40, &most).is_empty());
}

#[test]
fn one_of_two_is_convicted_and_the_last_never() {
    let slow = [(50, 10, 0), (50, 200, 0)];
    assert_eq!(Pool::new(2).convicted(3, &slow), [1]);
    let mut pool = Pool::new(2);
    pool.out[0] = true;
    assert!(pool.convicted(20, &slow).is_empty());
}

#[test]
fn differences_that_are_noise_convict_nobody() {
    let quick = [(100, 1, 0), (100, 1, 0), (100, 4, 0)];
    assert!(Pool::new(3).convicted(40, &quick).is_empty());
    // A third of the answers is slow everywhere else too: another kind of request.
    let mut pool = Pool::new(3);
    for _ in 0..40 {
        let look = pool.look(&[(20, 10, 0), (20, 10, 0), (20, 10, 0)]);
        assert!(look.convicted.is_empty());
        assert!(pool.look(&[(9, 300, 0); 3]).convicted.is_empty());
    }
}

#[test]
fn who_fails_far_more_often_is_convicted_unless_all_do() {
    let failing = [(50, 10, 0), (50, 10, 1), (10, 10, 10)];
    assert_eq!(Pool::new(3).convicted(4, &failing), [2]);
    assert!(Pool::new(3).convicted(40, &[(10, 10, 10); 3]).is_empty());
    let few = [(50, 10, 0), (50, 10, 0), (95, 10, 5)];
    assert!(Pool::new(3).convicted(40, &few).is_empty(), "five per cent");
}

#[test]
fn old_evidence_does_not_convict_again() {
    let mut pool = Pool::new(3);
    let slow = [(50, 10, 0), (50, 10, 0), (50, 100, 0)];
    assert_eq!(pool.convicted(4, &slow), [2]);
    pool.out[2] = true;
    pool.look(&slow);
    pool.out[2] = false;
    assert!(pool.convicted(40, &[(50, 10, 0); 3]).is_empty());
}

proptest! {
    /// Endpoints that do the same are never told apart, whatever they do.
    #[test]
    fn equals_are_not_convicted(
        size in 2usize..6,
        looks in prop::collection::vec((0u64..100, 0u64..1_000, 0u64..50), 1..60),
    ) {
        let mut pool = Pool::new(size);
        for look in looks {
            prop_assert!(pool.look(&vec![look; size]).convicted.is_empty());
        }
    }

    /// A majority is never convicted for its latency.
    #[test]
    fn at_most_half_are_slow(
        latencies in prop::collection::vec(1u64..2_000, 2..9),
    ) {
        let mut pool = Pool::new(latencies.len());
        let answers: Vec<_> = latencies.iter().map(|ms| (50, *ms, 0)).collect();
        for _ in 0..4 {
            let convicted = pool.look(&answers).convicted.len();
            prop_assert!(convicted <= latencies.len() / 2);
        }
    }
}
