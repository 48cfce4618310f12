//! Turns by weight.

/// Smooth weighted round robin: whoever waited longest for its weight has its turn, so that a heavy
/// endpoint's turns are spread instead of bunched.
#[derive(Clone, Debug, Default)]
pub struct RoundRobin {
    credits: Vec<f64>,
}

impl RoundRobin {
    /// Whose turn it is among `count`; `weight` is nothing for who may not be taken.
    pub fn next(
        &mut self,
        count: usize,
        mut weight: impl FnMut(usize) -> Option<f64>,
    ) -> Option<usize> {
        self.credits.resize(count, 0.0);
        let mut total = 0.0;
        let mut best: Option<(usize, f64)> = None;
        for (index, credit) in self.credits.iter_mut().enumerate() {
            let Some(weight) = weight(index) else {
                // Credits of before would be a burst at its return.
                *credit = 0.0;
                continue;
            };
            total += weight;
            *credit += weight;
            if best.is_none_or(|(_, most)| *credit > most) {
                best = Some((index, *credit));
            }
        }
        let (index, _) = best?;
        if let Some(credit) = self.credits.get_mut(index) {
            *credit -= total;
        }
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn turns_follow_weights_and_are_spread() {
        let mut turns = RoundRobin::default();
        let weights = [5.0, 1.0, 1.0];
        let order: Vec<_> = (0..7)
            .map(|_| turns.next(3, |index| Some(weights[index])).unwrap())
            .collect();
        assert_eq!(order, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn who_was_away_gets_no_burst() {
        let mut turns = RoundRobin::default();
        for _ in 0..100 {
            assert_eq!(turns.next(2, |index| (index == 0).then_some(1.0)), Some(0));
        }
        let after: Vec<_> = (0..4).map(|_| turns.next(2, |_| Some(1.0))).collect();
        assert_eq!(after.iter().filter(|who| **who == Some(1)).count(), 2);
        assert_eq!(turns.next(2, |_| None), None);
    }

    proptest! {
        #[test]
        fn shares_are_those_of_the_weights(weights in prop::collection::vec(1u32..20, 1..8)) {
            let total: u32 = weights.iter().sum();
            let mut turns = RoundRobin::default();
            let mut seen = vec![0; weights.len()];
            for _ in 0..total {
                let who = turns.next(weights.len(), |index| Some(f64::from(weights[index])));
                seen[who.unwrap()] += 1;
            }
            prop_assert_eq!(seen, weights);
        }
    }
}
