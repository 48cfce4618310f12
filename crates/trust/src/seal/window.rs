//! Which counters were there already (RFC 4303, section 3.4.3; the ring of words is RFC 6479's).

/// Words of the ring. One of them is being filled, so it vouches for one word less.
const WORDS: usize = 17;

/// Counters before the highest one that can still be told apart.
pub(super) const WINDOW: u64 = (WORDS as u64 - 1) * 64;

/// A sliding window over the counters of one process.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// The highest counter accepted; counters begin at one.
    highest: u64,
    words: [u64; WORDS],
}

impl Window {
    /// Whether this counter was not there yet, as far as can be told.
    pub(super) fn is_new(&self, counter: u64) -> bool {
        if counter == 0 || self.highest.saturating_sub(counter) >= WINDOW {
            return false;
        }
        if counter > self.highest {
            return true;
        }
        let word = self.words.get(slot(counter / 64));
        word.is_some_and(|word| word & bit(counter) == 0)
    }

    /// Marks a counter that [is new](Self::is_new).
    pub(super) fn mark(&mut self, counter: u64) {
        let (before, now) = (self.highest / 64, counter / 64);
        // More than all of them would only clear the same ones again.
        let passed = now.saturating_sub(before).min(WORDS as u64);
        for word in now - passed + 1..=now {
            if let Some(word) = self.words.get_mut(slot(word)) {
                *word = 0;
            }
        }
        if let Some(word) = self.words.get_mut(slot(now)) {
            *word |= bit(counter);
        }
        self.highest = self.highest.max(counter);
    }
}

const fn bit(counter: u64) -> u64 {
    1 << (counter % 64)
}

#[expect(clippy::cast_possible_truncation, reason = "the remainder is below 17")]
const fn slot(word: u64) -> usize {
    (word % WORDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_says_what_a_set_of_all_counters_would(
            steps in proptest::collection::vec((0u8..4, 0u64..3_000), 1..400),
        ) {
            let mut window = Window::default();
            let mut seen = BTreeSet::new();
            let mut highest = 0u64;
            for (kind, by) in steps {
                let counter = match kind {
                    0 => highest + 1,
                    1 => highest + by,
                    _ => highest.saturating_sub(by % 1_200),
                };
                let expected = counter > 0
                    && highest.saturating_sub(counter) < WINDOW
                    && !seen.contains(&counter);
                prop_assert_eq!(window.is_new(counter), expected, "{} of {}", counter, highest);
                if expected {
                    window.mark(counter);
                    seen.insert(counter);
                    highest = highest.max(counter);
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_are_no_exception() {
        let mut window = Window::default();
        assert!(!window.is_new(0));
        assert!(window.is_new(u64::MAX));
        window.mark(u64::MAX);
        assert!(!window.is_new(u64::MAX));
        assert!(window.is_new(u64::MAX - WINDOW + 1));
        assert!(!window.is_new(u64::MAX - WINDOW));
    }
}
