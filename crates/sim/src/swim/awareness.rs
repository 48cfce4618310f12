//! Local health (Lifeguard, section 4.1): who misses answers suspects itself first, and waits longer.

#[derive(Clone, Copy, Debug)]
pub(super) struct Awareness {
    score: u32,
    most: u32,
}

impl Awareness {
    pub(super) const fn new(max: u32) -> Self {
        Self {
            score: 0,
            most: max.saturating_sub(1),
        }
    }

    pub(super) fn add(&mut self, delta: i32) {
        self.score = self.score.saturating_add_signed(delta).min(self.most);
    }

    /// A time, longer in poor health.
    pub(super) fn scale(self, time: u64) -> u64 {
        time.saturating_mul(u64::from(self.score) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_up_to_eight_times_as_long() {
        let mut awareness = Awareness::new(8);
        awareness.add(-1);
        assert_eq!(awareness.scale(10), 10);
        awareness.add(3);
        assert_eq!(awareness.scale(10), 40);
        awareness.add(30);
        assert_eq!(awareness.scale(10), 80);
    }
}
